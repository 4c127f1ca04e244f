//! The apps that a patient or a representative allowed, as a page and as a file, and stopping one.

use super::app_read::download;
use super::own::{self, Own, Whose};
use super::{Person, done, frame, of, unavailable, whose};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::Browser;
use crate::oauth::patients::{nobody, shape};
use crate::oauth::{Answer, alone, page};
use crate::pipeline::of_page;
use crate::request::Request;
use crate::respond::{Credential, Reply, Shape};
use fhir::Id;
use http::{Method, StatusCode};
use portal::AppsForm;
use smart::ports::Unavailable;
use smart::settings::ACCOUNT_APPS;

/// What the notice of the page is called in its address.
const STOPPED: &str = "stopped";
/// Events that are looked at for what each app read last.
const EVENTS_MAX: usize = 300;

/// The page, and stopping an app.
pub(super) async fn apps(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: &Person,
    fields: &[(String, String)],
) -> Answer {
    let now_s = clock::now().seconds();
    if request.method == Method::POST {
        let about = match Own::of(person, of(fields, "patient")) {
            Whose::One(own) => own.chosen,
            // Of someone for whom the person does not act, or does no longer, nothing is stopped.
            Whose::Choose => return alone(done(browser, ACCOUNT_APPS, "")),
            Whose::Nobody => return nobody(&browser.frame(None)),
        };
        // The same answer for an app that was never allowed, or by someone else: it has no access, and that is what is said.
        return alone(match cx.authority.stop_app(&person.account, of(fields, "app"), about.as_ref(), now_s).await {
            Ok(ended) => {
                tracing::info!(ended, "a patient stopped an app");
                stopped(browser, about.as_ref())
            }
            Err(why) => unavailable(browser, &why),
        });
    }
    let pairs = request.query_pairs();
    let own = match Own::of(person, of(&pairs, "patient")) {
        Whose::One(own) => own,
        Whose::Choose => {
            return whose::choose(cx, request, browser, person, ACCOUNT_APPS, format!("{ACCOUNT_APPS}?patient=")).await;
        }
        Whose::Nobody => return nobody(&browser.frame(None)),
    };
    let form = match form(cx, browser, person, &own, of(&pairs, "said") == STOPPED).await {
        Ok(form) => form,
        Err(why) => return alone(unavailable(browser, &why)),
    };
    if form.apps.is_empty() {
        // Nothing is to be told of anyone, so nothing is disclosed.
        return alone(page(portal::apps_alone(&form), StatusCode::OK));
    }
    match of_page(cx, &own.caller, request, &own::events(request, EVENTS_MAX, None)).await {
        Ok(released) => {
            let html = released.page.map(&form, portal::apps).map(&(), shape);
            (Reply::Disclosure(Box::new(html)), Some(own.caller.principal.clone()))
        }
        Err(refused) => {
            tracing::warn!(kind = ?refused.why().kind(), why = refused.why().private(), "what apps read cannot be shown");
            alone(page(portal::apps_alone(&form), StatusCode::OK))
        }
    }
}

/// The same as a file: what the person allowed, and what each app read lately.
pub(super) async fn file(cx: &Context, request: &Request, browser: &Browser, person: &Person) -> Answer {
    let own = match Own::of(person, of(&request.query_pairs(), "patient")) {
        Whose::One(own) => own,
        Whose::Choose => return alone(done(browser, ACCOUNT_APPS, "")),
        Whose::Nobody => return nobody(&browser.frame(None)),
    };
    let form = match form(cx, browser, person, &own, false).await {
        Ok(form) => form,
        Err(why) => return alone(unavailable(browser, &why)),
    };
    match of_page(cx, &own.caller, request, &own::events(request, EVENTS_MAX, None)).await {
        Ok(released) => {
            let lines = released.page.map(&form, portal::apps_file).map(&(), lines);
            (Reply::Disclosure(Box::new(lines)), Some(own.caller.principal.clone()))
        }
        Err(refused) => {
            tracing::warn!(kind = ?refused.why().kind(), why = refused.why().private(), "what apps read cannot be shown");
            alone(file_alone(&form))
        }
    }
}

/// What stands on the page beside what was read.
async fn form(
    cx: &Context,
    browser: &Browser,
    person: &Person,
    own: &Own,
    stopped: bool,
) -> Result<AppsForm, Unavailable> {
    let apps = cx.authority.allowed_apps(&person.account, own.chosen.as_ref(), clock::now().seconds()).await?;
    let systems = cx.authority.systems().await?;
    let patient = own.chosen.as_ref().map(Id::to_string);
    let here = match &patient {
        Some(patient) => format!("{ACCOUNT_APPS}?patient={patient}"),
        None => ACCOUNT_APPS.to_owned(),
    };
    Ok(AppsForm { frame: frame(browser, &here), apps, systems, patient, stopped })
}

/// Back to the page, which says that an app was stopped.
fn stopped(browser: &Browser, about: Option<&Id>) -> Reply {
    let mut path = browser.own_path(ACCOUNT_APPS, "said", STOPPED);
    if let Some(patient) = about {
        path = format!("{path}&patient={patient}");
    }
    Reply::Credential(Credential::see_other(path))
}

/// The file without what the apps read.
fn file_alone(form: &AppsForm) -> Reply {
    let Shape { status, media, headers, .. } = lines(String::new(), &());
    Reply::Credential(Credential { status, media, headers, body: portal::apps_file_alone(form).into() })
}

fn lines(lines: String, (): &()) -> Shape {
    download(lines, "apps.ndjson")
}
