//! Who saw a patient's record: a page, and the same as a file of AuditEvents; to a representative, of the one whom they choose.

use super::own::{self, Own, Whose};
use super::{Person, done, frame, of, whose};
use crate::clock;
use crate::context::Context;
use crate::interaction::seen::{KIND, Links, linked};
use crate::oauth::browser::Browser;
use crate::oauth::patients::{nobody, refusal, shape};
use crate::oauth::{Answer, alone};
use crate::paging::Place;
use crate::pipeline::{Released, of_page};
use crate::request::Request;
use crate::respond::{Reply, Shape};
use bytes::Bytes;
use fhir::Id;
use http::{StatusCode, header};
use portal::SeenForm;
use privacy::{Kind, Page};
use smart::settings::ACCOUNT_DISCLOSURES;

/// Events on one page.
const PAGE: usize = 50;
/// Events in one file.
const FILE_MAX: usize = 1_000;
/// A line of JSON each (ndjson.org), as `sluice ledger export` prints them.
const NDJSON: &str = "application/fhir+ndjson";

/// The page.
pub(super) async fn page(cx: &Context, request: &Request, browser: &Browser, person: &Person) -> Answer {
    let own = match record(request, person) {
        Whose::One(own) => own,
        Whose::Choose => {
            return whose::choose(
                cx,
                request,
                browser,
                person,
                ACCOUNT_DISCLOSURES,
                format!("{ACCOUNT_DISCLOSURES}?patient="),
            )
            .await;
        }
        Whose::Nobody => return nobody(&browser.frame(None)),
    };
    let (from, patient) = (token(request), own.chosen.as_ref().map(Id::to_string));
    let named = |(name, value): (&str, &Option<String>)| value.as_ref().map(|value| format!("{name}={value}"));
    let query: Vec<String> = [("patient", &patient), ("page", &from)].into_iter().filter_map(named).collect();
    let frame = match query.join("&") {
        query if query.is_empty() => frame(browser, ACCOUNT_DISCLOSURES),
        query => frame(browser, &format!("{ACCOUNT_DISCLOSURES}?{query}")),
    };
    let Some(place) = place(cx, from.as_deref()) else { return alone(to_newest(browser)) };
    let apps = cx.authority.clients().await.unwrap_or_default();
    let apps = apps.into_iter().map(|client| (client.client_id, client.name, client.by_itself.is_some())).collect();
    let acts_for = person.account.own_record().is_none();
    let form = SeenForm { frame, apps, acts_for, patient, from, file_max: FILE_MAX };
    let events = match of_page(cx, &own.caller, request, &own::events(request, PAGE, place)).await {
        Ok(Released { page, binding }) => page.map(&Links::of(cx, binding), linked),
        Err(refused) if refused.why().kind() == Kind::Gone => return alone(to_newest(browser)),
        Err(refused) => return refusal(form.frame, refused),
    };
    // The clinicians whom the patient's own record names may be named to them here as well.
    let html = match of_page(cx, &own.caller, request, &own::people(cx, request)).await {
        Ok(people) => match events.join(people.page) {
            Ok(both) => both.map(&form, portal::seen),
            Err(why) => return alone(Reply::stranger(why)),
        },
        Err(refused) => {
            tracing::warn!(kind = ?refused.why().kind(), why = refused.why().private(), "nobody can be named");
            events.map(&form, portal::seen_of_unnamed)
        }
    };
    (Reply::Disclosure(Box::new(html.map(&(), shape))), Some(own.caller.principal.clone()))
}

fn record(request: &Request, person: &Person) -> Whose {
    Own::of(person, of(&request.query_pairs(), "patient"))
}

/// The same as a file, from a place on.
pub(super) async fn file(cx: &Context, request: &Request, browser: &Browser, person: &Person) -> Answer {
    let own = match record(request, person) {
        Whose::One(own) => own,
        Whose::Choose => return alone(to_newest(browser)),
        Whose::Nobody => return nobody(&browser.frame(None)),
    };
    let Some(place) = place(cx, token(request).as_deref()) else { return alone(to_newest(browser)) };
    match of_page(cx, &own.caller, request, &own::events(request, FILE_MAX, place)).await {
        Ok(events) => {
            let file = events.page.map(&(), lines);
            (Reply::Disclosure(Box::new(file)), Some(own.caller.principal.clone()))
        }
        Err(refused) if refused.why().kind() == Kind::Gone => alone(to_newest(browser)),
        Err(refused) => refusal(browser.frame(None), refused),
    }
}

fn lines(page: Page, (): &()) -> Shape {
    let newline = || Bytes::from_static(b"\n");
    let chunks = page.rows.into_iter().flat_map(|row| [row.content, newline()]).collect();
    let name = "attachment; filename=\"disclosures.ndjson\"".to_owned();
    Shape { status: StatusCode::OK, media: NDJSON, headers: vec![(header::CONTENT_DISPOSITION, name)], chunks }
}

/// The place that a link names, if it does.
pub(super) fn token(request: &Request) -> Option<String> {
    let pairs = request.query_pairs();
    Some(of(&pairs, "page").to_owned()).filter(|token| !token.is_empty())
}

/// The place of a token; nothing where it leads nowhere any more.
pub(super) fn place(cx: &Context, token: Option<&str>) -> Option<Option<Box<Place>>> {
    match token {
        None => Some(None),
        Some(token) => cx.pages.open(KIND, token, clock::now()).ok().map(|place| Some(Box::new(place))),
    }
}

fn to_newest(browser: &Browser) -> Reply {
    done(browser, ACCOUNT_DISCLOSURES, "")
}
