//! All that one app read of a patient's record, by day and kind: a page, and the same as a file. Through the same journey as
//! the list of who saw the record.

use super::own::{self, Own, Whose};
use super::seen::{place, token};
use super::{Person, done, frame, of, unavailable, whose};
use crate::context::Context;
use crate::interaction::seen::{Links, linked};
use crate::oauth::browser::Browser;
use crate::oauth::patients::{nobody, refusal, shape};
use crate::oauth::{Answer, alone};
use crate::pipeline::{Released, of_page};
use crate::request::Request;
use crate::respond::{Reply, Shape};
use fhir::Id;
use http::{StatusCode, header};
use portal::AppReadForm;
use privacy::Kind;
use smart::apps::in_address;
use smart::settings::{ACCOUNT_APP_READ, ACCOUNT_APPS};

/// Reads that one page or file counts.
const READS_MAX: usize = 1_000;
/// A line of JSON each (ndjson.org).
pub(super) const NDJSON: &str = "application/x-ndjson";

/// The page, or the file.
pub(super) async fn read(cx: &Context, request: &Request, browser: &Browser, person: &Person, as_file: bool) -> Answer {
    let pairs = request.query_pairs();
    let (client_id, from) = (of(&pairs, "app"), token(request));
    let app = format!("{ACCOUNT_APP_READ}?app={}", in_address(client_id));
    let own = match Own::of(person, of(&pairs, "patient")) {
        Whose::One(own) => own,
        Whose::Choose => return whose::choose(cx, request, browser, person, &app, format!("{app}&patient=")).await,
        Whose::Nobody => return nobody(&browser.frame(None)),
    };
    let Some(place) = place(cx, from.as_deref()).filter(|_| !client_id.is_empty()) else {
        return alone(done(browser, ACCOUNT_APPS, ""));
    };
    // Named is only what is registered: an address may say anything.
    let registered = match cx.authority.client(client_id).await {
        Ok(registered) => registered,
        Err(why) => return alone(unavailable(browser, &why)),
    };
    let patient = own.chosen.as_ref().map(Id::to_string);
    let mut here = app;
    for (name, value) in [("patient", &patient), ("page", &from)] {
        if let Some(value) = value {
            here = format!("{here}&{name}={value}");
        }
    }
    let form = AppReadForm {
        frame: frame(browser, &here),
        client_id: client_id.to_owned(),
        by_itself: registered.as_ref().is_some_and(|app| app.by_itself.is_some()),
        name: registered.map(|app| app.name),
        patient,
        from,
        reads_max: READS_MAX,
    };
    match of_page(cx, &own.caller, request, &own::events_by(request, client_id, READS_MAX, place)).await {
        Ok(Released { page, binding }) => {
            let shaped = if as_file {
                page.map(&form, portal::app_read_file).map(&(), file)
            } else {
                page.map(&Links::of(cx, binding), linked).map(&form, portal::app_read).map(&(), shape)
            };
            (Reply::Disclosure(Box::new(shaped)), Some(own.caller.principal.clone()))
        }
        Err(refused) if refused.why().kind() == Kind::Gone => alone(done(browser, ACCOUNT_APPS, "")),
        Err(refused) => refusal(form.frame, refused),
    }
}

fn file(lines: String, (): &()) -> Shape {
    download(lines, "app-read.ndjson")
}

/// Lines as a file of this name.
pub(super) fn download(lines: String, name: &str) -> Shape {
    let name = format!("attachment; filename=\"{name}\"");
    let headers = vec![(header::CONTENT_DISPOSITION, name)];
    Shape { status: StatusCode::OK, media: NDJSON, headers, chunks: vec![lines.into()] }
}
