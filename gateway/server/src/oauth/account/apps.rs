//! The apps that a patient or a representative allowed, as a page and as a file, and stopping one.

use super::app_read::download;
use super::own::{self, Own, Whose};
use super::{Person, done, frame, of, unavailable};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::Browser;
use crate::oauth::patients::shape;
use crate::oauth::{Answer, alone, page};
use crate::pipeline::of_page;
use crate::request::Request;
use crate::respond::{Credential, Reply, Shape};
use http::{Method, StatusCode};
use portal::AppsForm;
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
        // The same answer for an app that was never allowed, or by someone else: it has no access, and that is what is said.
        return alone(match cx.authority.stop_app(&person.account, of(fields, "app"), now_s).await {
            Ok(ended) => {
                tracing::info!(ended, "a patient stopped an app");
                done(browser, ACCOUNT_APPS, STOPPED)
            }
            Err(why) => unavailable(browser, &why),
        });
    }
    let apps = match cx.authority.allowed_apps(&person.account, now_s).await {
        Ok(apps) => apps,
        Err(why) => return alone(unavailable(browser, &why)),
    };
    let stopped = request.query_pairs().iter().any(|(name, said)| name == "said" && said == STOPPED);
    let form = AppsForm { frame: frame(browser, ACCOUNT_APPS), apps, stopped };
    // Nothing is to be told of anyone, or not known of whom, so nothing is disclosed.
    let own = match Own::of(person, "") {
        Whose::One(own) if !form.apps.is_empty() => own,
        Whose::One(_) | Whose::Choose | Whose::Nobody => {
            return alone(page(portal::apps_alone(&form), StatusCode::OK));
        }
    };
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
    let apps = match cx.authority.allowed_apps(&person.account, clock::now().seconds()).await {
        Ok(apps) => apps,
        Err(why) => return alone(unavailable(browser, &why)),
    };
    let form = AppsForm { frame: frame(browser, ACCOUNT_APPS), apps, stopped: false };
    let Whose::One(own) = Own::of(person, "") else { return alone(file_alone(&form)) };
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

/// The file without what the apps read.
fn file_alone(form: &AppsForm) -> Reply {
    let Shape { status, media, headers, .. } = lines(String::new(), &());
    Reply::Credential(Credential { status, media, headers, body: portal::apps_file_alone(form).into() })
}

fn lines(lines: String, (): &()) -> Shape {
    download(lines, "apps.ndjson")
}
