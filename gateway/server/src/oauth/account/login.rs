//! Signing in without an app. The form belongs to this browser: it carries what only pages with this cookie know, so that
//! no other site can sign anyone in.

use super::{of, unavailable};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::{Browser, keep_browser, keep_session};
use crate::oauth::{TRIES_AGAIN_S, document, page_later};
use crate::request::Request;
use crate::respond::{Credential, Reply};
use crate::route::AccountPage;
use http::{Method, StatusCode, header};
use portal::{CodeFault, CodeForm, LoginFault, OwnLoginForm, Ways};
use smart::account::{PASSWORD_BYTES_MAX, USERNAME_BYTES_MAX};
use smart::flow::Stopped;
use smart::login::{NotSignedIn, SignedIn, Visit};
use smart::settings::ACCOUNT_LOGIN;

/// The sign-in page, and signing in.
pub(super) async fn login(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    let fields = match (&request.method, request.form_pairs()) {
        (&Method::POST, Ok(fields)) => fields,
        (&Method::POST, Err(why)) => return Reply::stranger(why),
        (_, _) => request.query_pairs(),
    };
    let (own, fresh) = match &browser.token {
        Some(token) => (token.clone(), false),
        None => (certs::random::token(), true),
    };
    let to = AccountPage::of_word(of(&fields, "to"));
    let (username, password) = (of(&fields, "username"), of(&fields, "password"));
    let form = |fault| OwnLoginForm {
        frame: browser.frame(Some(format!("{ACCOUNT_LOGIN}?to={}", to.word()))),
        token: cx.authority.form_token(&own),
        to: to.word().to_owned(),
        username: if fault == Some(LoginFault::Stale) { String::new() } else { username.to_owned() },
        ways: Ways::of(&cx.authority.settings, &format!("to={}", to.word())),
        fault,
    };
    let shown = |fault, status| {
        let document = document(portal::own_login(&form(fault)), status);
        Reply::Public(if fresh { document.with(header::SET_COOKIE, keep_browser(&own)) } else { document })
    };
    if request.method != Method::POST {
        return shown(None, StatusCode::OK);
    }
    if !cx.authority.is_form_of(browser.token.as_deref(), of(&fields, "form")) {
        return shown(Some(LoginFault::Stale), StatusCode::FORBIDDEN);
    }
    let whence = browser.whence(request);
    let visit = browser.visit(&own, &whence, clock::now().seconds());
    let half = of(&fields, "half");
    if !half.is_empty() {
        return with_code(cx, request, browser, (half, of(&fields, "code")), &visit, to).await;
    }
    if username.is_empty() || password.is_empty() {
        return shown(Some(LoginFault::Empty), StatusCode::OK);
    }
    if username.len() > USERNAME_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
        return shown(Some(LoginFault::Wrong), StatusCode::OK);
    }
    if let Err(why) = cx.limits.login(request.remote, username) {
        tracing::warn!(kind = ?why.kind(), "sign-ins are tried too often");
        return page_later(portal::own_login(&form(Some(LoginFault::TooMany))), why.retry_after_s().unwrap_or(60));
    }
    match cx.authority.sign_in(None, (username, password), &visit).await {
        Ok(SignedIn::Session(session)) => welcome(browser, &session, to),
        Ok(SignedIn::Code(half)) => code_page(cx, browser, &visit, (&half, to), None),
        Err(NotSignedIn::Wrong) => shown(Some(LoginFault::Wrong), StatusCode::OK),
        Err(NotSignedIn::TooMany) => page_later(portal::own_login(&form(Some(LoginFault::TooMany))), TRIES_AGAIN_S),
        Err(NotSignedIn::Stopped(Stopped::Unavailable(why))) => unavailable(browser, &why),
        Err(NotSignedIn::Stopped(Stopped::Lost | Stopped::ClientOff | Stopped::Changed)) => {
            shown(Some(LoginFault::Stale), StatusCode::FORBIDDEN)
        }
    }
}

/// A session begins, on the page that was wanted.
pub(in crate::oauth) fn welcome(browser: &Browser, session: &str, to: AccountPage) -> Reply {
    let go = Credential::see_other(browser.own_path(to.path(), "to", ""));
    Reply::Credential(go.with(header::SET_COOKIE, keep_session(session)))
}

/// The page that asks for the code.
pub(in crate::oauth) fn code_page(
    cx: &Context,
    browser: &Browser,
    visit: &Visit<'_>,
    (half, to): (&str, AccountPage),
    fault: Option<CodeFault>,
) -> Reply {
    let fields =
        vec![("form", cx.authority.form_token(visit.browser)), ("half", half.to_owned()), ("to", to.word().to_owned())];
    // Its own address would not bring it back, so there is no way from it to the other language.
    let form = CodeForm { frame: browser.frame(None), action: ACCOUNT_LOGIN, fields, app: None, fault };
    crate::oauth::code_page(&form)
}

/// The code of a second factor.
async fn with_code(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    (half, code): (&str, &str),
    visit: &Visit<'_>,
    to: AccountPage,
) -> Reply {
    if cx.limits.code(request.remote).is_err() {
        return code_page(cx, browser, visit, (half, to), Some(CodeFault::TooMany));
    }
    match cx.authority.sign_in_with_code(None, (half, code), visit).await {
        Ok(session) => welcome(browser, &session, to),
        Err(NotSignedIn::Wrong) => code_page(cx, browser, visit, (half, to), Some(CodeFault::Wrong)),
        Err(NotSignedIn::TooMany) => code_page(cx, browser, visit, (half, to), Some(CodeFault::TooMany)),
        Err(NotSignedIn::Stopped(Stopped::Unavailable(why))) => unavailable(browser, &why),
        Err(NotSignedIn::Stopped(Stopped::Lost | Stopped::ClientOff | Stopped::Changed)) => {
            Reply::Credential(Credential::see_other(browser.own_path(ACCOUNT_LOGIN, "to", to.word())))
        }
    }
}
