//! The page that walks through a launch, playing the app: each request and each answer, to look at and to copy.

use crate::frame::{Frame, Html};
use crate::text::Text;
use askama::Template;
use fhir::Id;
use privacy::{Impersonal, Page as Released};
use smart::settings::{ERRORS, TRY};

/// What the page must know.
pub struct TryForm {
    /// Language and address.
    pub frame: Frame,
    /// What proves that the form is this browser's.
    pub token: String,
    /// What is to be asked for.
    pub scope: String,
    /// The launch, as far as it has come.
    pub begun: Option<Begun>,
    /// Whether the launch that was meant is not known any more.
    pub over: bool,
}

/// A launch, as far as it has come. Codes and tokens are shortened already.
pub struct Begun {
    /// The authorization request, over several lines.
    pub authorize: String,
    /// The same as an address.
    pub go: String,
    /// The code verifier.
    pub verifier: String,
    /// And its challenge.
    pub challenge: String,
    /// What came back to the redirect address.
    pub answer: Option<String>,
    /// The code of the error that came instead.
    pub error: Option<String>,
    /// The token request, once there is a code.
    pub redeemed: Option<Exchange>,
    /// Whether the code can be redeemed now.
    pub can_redeem: bool,
    /// Whether the record can be read now.
    pub can_read: bool,
}

/// A request and its answer.
pub struct Exchange {
    /// As it is sent.
    pub request: String,
    /// The same with curl.
    pub curl: String,
    /// What came.
    pub answer: Option<String>,
}

/// What the page of a read must know: nothing of any record.
pub struct TriedForm {
    /// Language and address.
    pub frame: Frame,
    /// The FHIR base.
    pub fhir_base: String,
    /// The access token, shortened.
    pub bearer: String,
}

impl Impersonal for TriedForm {}

#[derive(Template)]
#[template(path = "try.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a TryForm,
    error: Option<(String, String)>,
    action: &'static str,
}

/// The page.
pub fn try_it(form: &TryForm) -> Html {
    let frame = &form.frame;
    let error = form.begun.as_ref().and_then(|begun| begun.error.as_deref()).map(crate::plain::plain);
    let error = error.map(|code| (format!("{ERRORS}{code}"), code));
    let title = frame.t(Text::TryTitle).to_owned();
    Html::of(&Page { frame, title, form, error, action: TRY }, frame, None)
}

#[derive(Template)]
#[template(path = "tried.html")]
struct DonePage<'a> {
    frame: &'a Frame,
    title: String,
    exchange: Exchange,
    action: &'static str,
}

/// The record that was read, as it was answered.
pub fn tried(released: Released, form: &TriedForm) -> Html {
    let row = released.rows.into_iter().next();
    let name = row.as_ref().map_or_else(String::new, |row| format!("{}/{}", row.kind.as_str(), row.id));
    let answer = row.map(|row| format!("HTTP 200\n{}", String::from_utf8_lossy(&row.content)));
    html(form, &name, answer.unwrap_or_default())
}

/// What came instead of the patient.
pub fn tried_in_vain(form: &TriedForm, patient: &Id, answer: &str) -> Html {
    html(form, &format!("Patient/{patient}"), answer.to_owned())
}

fn html(form: &TriedForm, name: &str, answer: String) -> Html {
    let target = format!("{}/{name}", form.fhir_base);
    let exchange = Exchange {
        request: format!("GET {target}\nAuthorization: Bearer {}\nAccept: application/fhir+json", form.bearer),
        curl: format!("curl -sS {target} \\\n  -H \"Authorization: Bearer $TOKEN\""),
        answer: Some(answer),
    };
    let title = form.frame.t(Text::TryRead).to_owned();
    let page = DonePage { frame: &form.frame, title, exchange, action: TRY };
    Html::of(&page, &form.frame, None)
}
