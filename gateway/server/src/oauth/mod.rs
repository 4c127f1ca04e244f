//! The authorization server's doors: forms and cookies in, pages, redirects and tokens out. What happens is decided in
//! crate `smart`; what people see is made in crate `portal`.

mod account;
mod browser;
mod code;
pub(crate) mod developers;
mod endpoints;
mod launch;
mod patients;
mod provider;
mod register;
mod register_page;
mod try_it;

use crate::context::Context;
use crate::request::Request;
use crate::respond::{Credential, HTML, Public, Reply};
use crate::route::{Act, Authn, Matched};
use browser::Browser;
use http::{Method, StatusCode, header};
use portal::{
    CodeFault, CodeForm, ErrorDoc, Frame, Html, Message, STYLESHEET, Start, error_doc, message, stylesheet_path,
};
use privacy::{Principal, Refusal};
use std::sync::Arc;

/// Seconds after which another code may be tried at the latest, where too many were wrong.
const TRIES_AGAIN_S: u32 = 3600;

/// A reply, and whom it is for when it holds health data.
pub(crate) type Answer = (Reply, Option<Arc<Principal>>);

/// Answers a page or an endpoint.
pub(crate) async fn answer(cx: &Context, request: &Request, matched: &Matched) -> Answer {
    let act = matched.route.act;
    let mut browser = Browser::of(request);
    let person = if matched.route.authn == Authn::Anyone && !is_page(act) {
        None
    } else {
        match account::recognise(cx, &mut browser).await {
            Ok(person) => person,
            Err(why) => return alone(account::unavailable(&browser, &why)),
        }
    };
    if request.method == Method::POST && act_has_cookies(act) && browser::is_foreign(cx, request) {
        return alone(page(message(&browser.frame(None), &Message::ForeignForm), StatusCode::FORBIDDEN));
    }
    match act {
        Act::Authorize => alone(launch::authorize(cx, request, &browser).await),
        Act::Login => alone(launch::login(cx, request, &browser).await),
        Act::Provider => alone(provider::away(cx, request, &browser).await),
        Act::ProviderAnswer => alone(provider::back(cx, request, &browser).await),
        Act::Choose => launch::choose(cx, request, &browser).await,
        Act::Consent => launch::consent(cx, request, &browser).await,
        Act::Token => alone(endpoints::token(cx, request).await),
        Act::Revoke => alone(endpoints::revoke(cx, request).await),
        Act::Introspect => alone(endpoints::introspect(cx, request).await),
        Act::UserInfo => alone(endpoints::user_info(cx, request)),
        Act::Register => alone(register::register(cx, request).await),
        Act::Registration => alone(register::registration(cx, request, matched).await),
        Act::RegisterPage => alone(register_page::page(cx, request, &browser).await),
        Act::ClientCalls => alone(developers::calls(cx, request, matched).await),
        Act::CallsPage => alone(developers::calls_page(cx, request, &browser).await),
        Act::Sandbox => alone(developers::sandbox(cx, request, &browser).await),
        Act::Try => try_it::page(cx, request, &browser).await,
        Act::TryCallback => alone(try_it::callback(cx, request, &browser).await),
        Act::ErrorPage => alone(error_page(&browser.frame(Some(request.path.clone())), matched)),
        Act::Stylesheet => alone(stylesheet(request)),
        Act::Start => alone(start(cx, &browser)),
        Act::Account(asked) => account::answer(cx, request, &browser, person, asked).await,
        Act::Fhir(_)
        | Act::Capabilities
        | Act::SmartConfiguration
        | Act::OpenIdConfiguration
        | Act::Jwks
        | Act::Brands
        | Act::SmartStyle
        | Act::Live
        | Act::Ready => alone(Reply::stranger(Refusal::fault("not a page"))),
    }
}

fn alone(reply: Reply) -> Answer {
    (reply, None)
}

/// The pages whose forms count only from our own pages. The authorization endpoint is entered from anywhere.
fn act_has_cookies(act: Act) -> bool {
    matches!(
        act,
        Act::Login
            | Act::Choose
            | Act::Consent
            | Act::Account(_)
            | Act::RegisterPage
            | Act::CallsPage
            | Act::Sandbox
            | Act::Try
    )
}

/// What people look at, and so says who is signed in.
fn is_page(act: Act) -> bool {
    let others = [Act::Authorize, Act::Provider, Act::ProviderAnswer, Act::TryCallback, Act::ErrorPage, Act::Start];
    act_has_cookies(act) || others.contains(&act)
}

/// A page that says nothing of anyone's record.
fn page(html: Html, status: StatusCode) -> Reply {
    Reply::Public(document(html, status))
}

/// A page for who asked too often: when to come again.
fn page_later(html: Html, seconds: u32) -> Reply {
    let document = document(html, StatusCode::TOO_MANY_REQUESTS);
    Reply::Public(document.with(header::RETRY_AFTER, seconds.to_string()))
}

/// The page that asks for a second factor's code; to who tried too many, when to come again.
fn code_page(form: &CodeForm) -> Reply {
    let html = portal::code(form);
    if form.fault == Some(CodeFault::TooMany) { page_later(html, TRIES_AGAIN_S) } else { page(html, StatusCode::OK) }
}

/// A page with something that its person alone may know.
fn secret_page(html: Html) -> Credential {
    let Public { status, media, headers, body } = document(html, StatusCode::OK);
    Credential { status, media, headers, body }
}

fn document(html: Html, status: StatusCode) -> Public {
    let policy = html.content_security_policy();
    let language = html.locale.tag();
    let document = Public { status, ..Public::ok(HTML, html.body) };
    document.with(header::CONTENT_SECURITY_POLICY, policy).with(header::CONTENT_LANGUAGE, language)
}

fn error_page(frame: &Frame, matched: &Matched) -> Reply {
    match matched.values.first().and_then(|word| ErrorDoc::of(word)) {
        Some(doc) => page(error_doc(frame, doc), StatusCode::OK),
        None => page(message(frame, &Message::NoPage), StatusCode::NOT_FOUND),
    }
}

/// Its name holds its digest, so it may be kept for good.
fn stylesheet(request: &Request) -> Reply {
    if request.path != stylesheet_path() {
        return Reply::stranger(Refusal::not_found());
    }
    let document = Public::ok("text/css; charset=utf-8", STYLESHEET);
    Reply::Public(document.with(header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
}

fn start(cx: &Context, browser: &Browser) -> Reply {
    let frame = browser.frame(Some("/".to_owned()));
    let open = cx.authority.settings.registration_open;
    let (users, clients) = (&cx.demo.users[..], &cx.demo.clients[..]);
    let sandbox = cx.authority.settings.sandbox;
    let start = Start { frame, fhir_base: &cx.fhir_base, open, sandbox, users, clients };
    page(portal::start(&start), StatusCode::OK)
}
