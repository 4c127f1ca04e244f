//! Where a person is signed in, and ending any of it.

use super::{Person, done, frame, of, unavailable};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::Browser;
use crate::oauth::page;
use crate::request::Request;
use crate::respond::Reply;
use http::{Method, StatusCode};
use portal::Ended;
use smart::settings::ACCOUNT_SESSIONS;

/// What the notice of the page is called in its address.
const ONE: &str = "ended";
const OTHERS: &str = "ended-others";

/// The page, and ending one session or all others.
pub(super) async fn sessions(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: &Person,
    fields: &[(String, String)],
) -> Reply {
    let (own, now_s) = (person.session.digest.as_str(), clock::now().seconds());
    if request.method == Method::POST {
        let ended = if of(fields, "others") == "end" {
            cx.authority.end_other_sessions(&person.account, Some(own), now_s).await.map(|_| OTHERS)
        } else {
            // One that is over already is over: the answer is the same.
            cx.authority.end_session(&person.account, of(fields, "session"), now_s).await.map(|_| ONE)
        };
        return match ended {
            Ok(said) => done(browser, ACCOUNT_SESSIONS, said),
            Err(why) => unavailable(browser, &why),
        };
    }
    let said = request.query_pairs().into_iter().find(|(name, _)| name == "said");
    let ended = match said.as_ref().map(|(_, said)| said.as_str()) {
        Some(ONE) => Some(Ended::One),
        Some(OTHERS) => Some(Ended::Others),
        Some(_) | None => None,
    };
    match cx.authority.sessions(&person.account, now_s).await {
        Ok(living) => page(portal::sessions(&frame(browser, ACCOUNT_SESSIONS), &living, own, ended), StatusCode::OK),
        Err(why) => unavailable(browser, &why),
    }
}
