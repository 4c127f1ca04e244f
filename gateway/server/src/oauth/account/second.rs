//! A person's second factor: shown, switched on by a code and the password, switched off by a code.

use super::{Person, done, frame, of, to_login, unavailable};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::{Browser, keep_session};
use crate::oauth::{TRIES_AGAIN_S, secret_page};
use crate::request::Request;
use crate::respond::Reply;
use crate::route::AccountPage;
use http::{Method, StatusCode, header};
use portal::CodeFault;
use smart::flow::Stopped;
use smart::login::NotSignedIn;
use smart::ports::Unavailable;
use smart::second::Tried;
use smart::settings::ACCOUNT_SECOND_FACTOR;

/// The page, and what can be done on it.
pub(super) async fn second(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: &Person,
    fields: &[(String, String)],
) -> Reply {
    let now_s = clock::now().seconds();
    if request.method != Method::POST {
        return shown(cx, browser, person, None).await;
    }
    let (account, code) = (&person.account, of(fields, "code"));
    match of(fields, "do") {
        "begin" => match cx.authority.begin_second_factor(account, &person.session.digest, now_s).await {
            Ok(()) => done(browser, ACCOUNT_SECOND_FACTOR, ""),
            Err(why) => unavailable(browser, &why),
        },
        "confirm" => confirm(cx, request, browser, person, (of(fields, "password"), code)).await,
        "off" => match cx.authority.end_second_factor(account, code, now_s).await {
            Ok(Tried::Holds) => done(browser, ACCOUNT_SECOND_FACTOR, ""),
            Ok(tried) => shown(cx, browser, person, fault(tried)).await,
            Err(why) => unavailable(browser, &why),
        },
        _ => done(browser, ACCOUNT_SECOND_FACTOR, ""),
    }
}

/// Switches it on: from then on every other browser has to sign in anew, and this one goes on with a new session.
async fn confirm(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: &Person,
    (password, code): (&str, &str),
) -> Reply {
    if let Err(why) = cx.limits.login(request.remote, &person.account.username) {
        tracing::warn!(kind = ?why.kind(), "codes are tried too often");
        return shown(cx, browser, person, Some(CodeFault::TooMany)).await;
    }
    let (own, whence) = (browser.token.as_deref().unwrap_or(""), browser.whence(request));
    let visit = browser.visit(own, &whence, clock::now().seconds());
    match cx.authority.confirm_second_factor(&person.account, (password, code), &visit).await {
        Ok((session, codes)) => {
            let mut now = Browser::of(request);
            now.session = Some(session.clone());
            if let Err(why) = super::recognise(cx, &mut now).await {
                tracing::error!(%why, "a person cannot be recognised");
            }
            let html = portal::second_on(&now.frame(None), &codes);
            Reply::Credential(secret_page(html).with(header::SET_COOKIE, keep_session(&session)))
        }
        Err(NotSignedIn::Wrong) => shown(cx, browser, person, Some(CodeFault::Wrong)).await,
        Err(NotSignedIn::TooMany) => shown(cx, browser, person, Some(CodeFault::TooMany)).await,
        Err(NotSignedIn::Stopped(Stopped::Changed)) => to_login(browser, AccountPage::SecondFactor),
        Err(NotSignedIn::Stopped(why)) => unavailable(browser, &Unavailable(format!("{why:?}"))),
    }
}

async fn shown(cx: &Context, browser: &Browser, person: &Person, fault: Option<CodeFault>) -> Reply {
    let now_s = clock::now().seconds();
    match cx.authority.second_factor(&person.account, &person.session.digest, now_s).await {
        Ok(standing) => {
            let html = portal::second(&frame(browser, ACCOUNT_SECOND_FACTOR), &standing, fault);
            let mut answer = secret_page(html);
            if fault == Some(CodeFault::TooMany) {
                answer.status = StatusCode::TOO_MANY_REQUESTS;
                answer = answer.with(header::RETRY_AFTER, TRIES_AGAIN_S.to_string());
            }
            Reply::Credential(answer)
        }
        Err(why) => unavailable(browser, &why),
    }
}

fn fault(tried: Tried) -> Option<CodeFault> {
    match tried {
        Tried::Holds => None,
        Tried::Wrong => Some(CodeFault::Wrong),
        Tried::TooMany => Some(CodeFault::TooMany),
    }
}
