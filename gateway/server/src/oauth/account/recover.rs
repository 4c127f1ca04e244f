//! Setting another password by the code that an operator made. The form belongs to this browser, as that of the sign-in does, tries
//! are counted with sign-ins, and of what is wrong one thing is said.

use super::{of, unavailable};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::{Browser, keep_browser};
use crate::oauth::{document, page, page_later};
use crate::request::Request;
use crate::respond::Reply;
use http::{Method, StatusCode, header};
use portal::{Message, RecoverFault, RecoverForm, message};
use smart::account::{PASSWORD_BYTES_MAX, USERNAME_BYTES_MAX};
use smart::recovery::{Recovered, Typed};
use smart::settings::ACCOUNT_RECOVER;

/// The page, and setting a password.
pub(super) async fn recover(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    if !cx.authority.settings.takes_passwords() {
        return page(message(&browser.frame(None), &Message::NoPage), StatusCode::NOT_FOUND);
    }
    let fields = match (&request.method, request.form_pairs()) {
        (&Method::POST, Ok(fields)) => fields,
        (&Method::POST, Err(why)) => return Reply::stranger(why),
        (_, _) => Vec::new(),
    };
    let (own, fresh) = match &browser.token {
        Some(token) => (token.clone(), false),
        None => (certs::random::token(), true),
    };
    let (username, code) = (of(&fields, "username"), of(&fields, "recovery"));
    let (password, second) = (of(&fields, "new"), of(&fields, "code"));
    let form = |fault| RecoverForm {
        frame: browser.frame(Some(ACCOUNT_RECOVER.to_owned())),
        token: cx.authority.form_token(&own),
        username: if fault == Some(RecoverFault::Stale) { String::new() } else { username.to_owned() },
        fault,
    };
    let shown = |fault, status| {
        let document = document(portal::recover(&form(fault)), status);
        Reply::Public(if fresh { document.with(header::SET_COOKIE, keep_browser(&own)) } else { document })
    };
    if request.method != Method::POST {
        return shown(None, StatusCode::OK);
    }
    if !cx.authority.is_form_of(browser.token.as_deref(), of(&fields, "form")) {
        return shown(Some(RecoverFault::Stale), StatusCode::FORBIDDEN);
    }
    if username.is_empty() || code.is_empty() || password.is_empty() {
        return shown(Some(RecoverFault::Empty), StatusCode::OK);
    }
    if username.len() > USERNAME_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
        return shown(Some(RecoverFault::Wrong), StatusCode::OK);
    }
    if let Err(why) = cx.limits.login(request.remote, username) {
        tracing::warn!(kind = ?why.kind(), "recovery codes are tried too often");
        return page_later(portal::recover(&form(Some(RecoverFault::TooMany))), why.retry_after_s().unwrap_or(60));
    }
    let typed = Typed { username, code, password, second };
    match cx.authority.recover(&typed, clock::now().seconds()).await {
        Ok(Recovered::Done) => {
            tracing::info!("a password was set by a recovery code");
            page(message(&browser.frame(None), &Message::Recovered), StatusCode::OK)
        }
        Ok(Recovered::Unsuitable) => shown(Some(RecoverFault::Short), StatusCode::OK),
        Ok(Recovered::Wrong) => shown(Some(RecoverFault::Wrong), StatusCode::OK),
        Err(why) => unavailable(browser, &why),
    }
}
