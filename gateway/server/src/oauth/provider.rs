//! Signing in at the house's own OpenID provider: a link that leads there, and the address that people come back to. Both are asked
//! of crate `smart`; what is wrong with an answer is one page, and says nothing of any account.

use super::account::{login, of};
use super::browser::Browser;
use super::{code, launch, page, page_later};
use crate::clock;
use crate::context::Context;
use crate::request::Request;
use crate::respond::{Credential, Reply};
use crate::route::AccountPage;
use http::StatusCode;
use portal::{Message, message};
use smart::flow::{Step, Stopped};
use smart::login::SignedIn;
use smart::provider::{Back, NotBack};
use smart::settings::ACCOUNT_LOGIN;

/// On to the provider, from one of our own sign-in pages.
pub(super) async fn away(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    if cx.authority.settings.provider.is_none() {
        return launch::stopped(browser, &Stopped::Lost);
    }
    let fields = request.query_pairs();
    let flow = Some(of(&fields, "flow")).filter(|flow| !flow.is_empty());
    let to = AccountPage::of_word(of(&fields, "to"));
    // A link of another site would sign people in whenever it likes; our own pages send them here by a link of ours.
    let foreign = request.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let own = match &browser.token {
        Some(own) if !foreign => own,
        Some(_) | None => return Reply::Credential(Credential::see_other(sign_in(browser, to))),
    };
    // Each way there keeps a ticket, as each launch does.
    if let Err(why) = cx.limits.launch(request.remote) {
        tracing::warn!(kind = ?why.kind(), "sign-ins are tried too often");
        let html = message(&browser.frame(None), &Message::Unavailable);
        return page_later(html, why.retry_after_s().unwrap_or(60));
    }
    let whence = browser.whence(request);
    let visit = browser.visit(own, &whence, clock::now().seconds());
    match cx.authority.to_provider(flow, to.word(), &visit).await {
        Ok(location) => Reply::Credential(Credential::see_other(location)),
        Err(why) => launch::stopped(browser, &why),
    }
}

/// Back from the provider, with its answer.
pub(super) async fn back(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    if cx.authority.settings.provider.is_none() {
        return launch::stopped(browser, &Stopped::Lost);
    }
    // A whole house comes from one address, and whom the provider sent guesses at nothing.
    if let Err(why) = cx.limits.launch(request.remote) {
        tracing::warn!(kind = ?why.kind(), "answers of the login provider come too often");
        return page_later(message(&browser.frame(None), &Message::Unavailable), why.retry_after_s().unwrap_or(60));
    }
    let Some(own) = browser.token.as_deref() else { return refused(browser, "the browser has no token of its own") };
    let whence = browser.whence(request);
    let visit = browser.visit(own, &whence, clock::now().seconds());
    let (signed_in, Back { flow, to }) = match cx.authority.from_provider(&request.query_pairs(), &visit).await {
        Ok(back) => back,
        Err(NotBack::Refused(why)) => return refused(browser, why),
        Err(NotBack::Stranger) => {
            tracing::info!("the login provider knows someone to whom no account belongs");
            return page(message(&browser.frame(None), &Message::Stranger), StatusCode::FORBIDDEN);
        }
        Err(NotBack::Stopped(Stopped::Unavailable(why))) => {
            tracing::error!(%why, "nobody can sign in at the login provider");
            return page(message(&browser.frame(None), &Message::ProviderFailed), StatusCode::BAD_GATEWAY);
        }
        Err(NotBack::Stopped(why)) => return launch::stopped(browser, &why),
    };
    let to = AccountPage::of_word(&to);
    match (signed_in, flow) {
        (SignedIn::Session(session), Some(flow)) => launch::signed_in(cx, browser, &flow, &session).await,
        (SignedIn::Session(session), None) => login::welcome(browser, &session, to),
        (SignedIn::Code(half), None) => login::code_page(cx, browser, &visit, (&half, to), None),
        (SignedIn::Code(half), Some(flow)) => {
            match cx.authority.step(&flow, own, browser.session.as_deref(), visit.now_s).await {
                Ok(
                    Step::Login(asking) | Step::Choose(asking, _) | Step::Consent(asking, _) | Step::Unfit(asking, _),
                ) => {
                    let launch = code::Launch { browser, visit: &visit, flow: &flow, asking: &asking };
                    code::page(&launch, &half, None)
                }
                Err(why) => launch::stopped(browser, &why),
            }
        }
    }
}

/// One page for every answer that does not hold.
fn refused(browser: &Browser, why: &'static str) -> Reply {
    tracing::warn!(why, "an answer of the login provider was refused");
    page(message(&browser.frame(None), &Message::ProviderFailed), StatusCode::BAD_REQUEST)
}

/// Our own sign-in page.
fn sign_in(browser: &Browser, to: AccountPage) -> String {
    browser.own_path(ACCOUNT_LOGIN, "to", to.word())
}
