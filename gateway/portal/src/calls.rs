//! The page of an app's recent calls, for whoever looks after the app. Holds nothing of any patient.

use crate::frame::{Frame, Html};
use crate::text::Text;
use crate::when::{When, time_of_day};
use askama::Template;
use fhir::Instant;
use smart::settings::{ERRORS, REGISTER_CALLS};

/// One call of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The row of the route table, with `{type}` and the like: never an id.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The code of the error, of one that failed.
    pub error: Option<&'static str>,
    /// The id under which the answer and our log name it.
    pub correlation: String,
}

/// What the form must know.
pub struct CallsForm {
    /// Language and address.
    pub frame: Frame,
    /// What proves that the form is this browser's.
    pub token: String,
    /// The app that was typed before.
    pub client_id: String,
    /// The token of its registration that was typed before.
    pub registration_token: String,
    /// What came of it.
    pub outcome: CallsOutcome,
}

/// What came of looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallsOutcome {
    /// Nobody has looked yet.
    NotAsked,
    /// The form was not one of this browser's, or not any more.
    Stale,
    /// There is no such app, or it is another's token.
    Unknown,
    /// These calls, the newest first.
    Found(Vec<Call>),
}

/// A call as a row.
struct Line {
    when: When,
    method: String,
    route: &'static str,
    status: u16,
    error: Option<(&'static str, String)>,
    correlation: String,
}

#[derive(Template)]
#[template(path = "calls.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a CallsForm,
    fault: Option<&'static str>,
    lines: Option<Vec<Line>>,
    action: &'static str,
}

/// The form, and the calls.
pub fn calls(form: &CallsForm) -> Html {
    let frame = &form.frame;
    let (fault, found) = match &form.outcome {
        CallsOutcome::NotAsked => (None, None),
        CallsOutcome::Stale => (Some(Text::SignInStale), None),
        CallsOutcome::Unknown => (Some(Text::CallsUnknown), None),
        CallsOutcome::Found(calls) => (None, Some(calls)),
    };
    let line = |call: &Call| Line {
        when: time_of_day(call.at),
        method: call.method.clone(),
        route: call.route,
        status: call.status,
        error: call.error.map(|code| (code, format!("{ERRORS}{code}"))),
        correlation: call.correlation.clone(),
    };
    let title = frame.t(Text::CallsTitle);
    let page = Page {
        frame,
        title: if fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() },
        form,
        fault: fault.map(|text| frame.t(text)),
        lines: found.map(|calls| calls.iter().map(line).collect()),
        action: REGISTER_CALLS,
    };
    Html::of(&page, frame, None)
}
