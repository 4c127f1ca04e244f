//! A launch in a browser: sign in, choose a patient, consent, and back to the app. Every step is asked of the flow anew.

use super::browser::{Browser, keep_browser, keep_session};
use super::endpoints::noted;
use super::{Answer, TRIES_AGAIN_S, alone, code, page, page_later, patients};
use crate::clock;
use crate::context::{Context, DemoUser};
use crate::request::Request;
use crate::respond::{Credential, Reply};
use http::{Method, StatusCode, header};
use portal::{App, ConsentForm, LoginFault, LoginForm, Message, Own, Ways, consent_own, message, unfit};
use privacy::{Kind, Refusal};
use smart::Item;
use smart::account::{PASSWORD_BYTES_MAX, USERNAME_BYTES_MAX};
use smart::authorize::Rejected;
use smart::consent::Word;
use smart::flow::{Step, Stopped};
use smart::login::{NotSignedIn, SignedIn};
use smart::settings::{AUTHORIZE, CHOOSE, CONSENT, LOGIN};

/// Opens a flow and leads to its first page.
pub(super) async fn authorize(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    let parameters = match (&request.method, request.form_pairs()) {
        (&Method::POST, Ok(form)) if request.query.is_none() => form,
        (&Method::POST, Ok(form)) => request.query_pairs().into_iter().chain(form).collect(),
        (&Method::POST, Err(why)) => return Reply::stranger(why),
        (_, _) => request.query_pairs(),
    };
    let now_s = clock::now().seconds();
    let (token, fresh) = match &browser.token {
        Some(token) => (token.clone(), false),
        None => (certs::random::token(), true),
    };
    let mut later_s = None;
    let admitted = || match cx.limits.launch(request.remote) {
        Ok(()) => true,
        Err(why) => {
            later_s = why.retry_after_s();
            false
        }
    };
    let begun = cx.authority.begin(&parameters, &token, now_s, admitted).await;
    let outcome = match &begun {
        Ok(_) => (StatusCode::SEE_OTHER, None),
        Err(Rejected::Page(why)) => (StatusCode::BAD_REQUEST, Some(why)),
        Err(Rejected::Redirect { why, .. }) => (StatusCode::SEE_OTHER, Some(why)),
        Err(Rejected::NotNow) => (StatusCode::TOO_MANY_REQUESTS, None),
    };
    noted(cx, request, AUTHORIZE, &parameters, outcome).await;
    match begun {
        Ok(flow) => {
            let path = match cx.authority.step(&flow, &token, browser.session.as_deref(), now_s).await {
                Ok(step) => path_of(&step),
                Err(why) => return stopped(browser, &why),
            };
            let go = Credential::see_other(browser.path(path, &flow));
            Reply::Credential(if fresh { go.with(header::SET_COOKIE, keep_browser(&token)) } else { go })
        }
        Err(Rejected::Page(why)) => page(message(&browser.frame(None), &Message::App(&why)), StatusCode::BAD_REQUEST),
        Err(Rejected::NotNow) => {
            tracing::warn!("launches are begun too often");
            page_later(message(&browser.frame(None), &Message::Unavailable), later_s.unwrap_or(60))
        }
        Err(Rejected::Redirect { location, why }) => {
            tracing::info!(code = why.code.as_str(), "an authorization request was refused");
            Reply::Credential(Credential::see_other(location))
        }
    }
}

/// The sign-in page, and signing in.
pub(super) async fn login(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    let Fields { flow, fields } = match Fields::of(request) {
        Ok(fields) => fields,
        Err(why) => return Reply::stranger(why),
    };
    let now_s = clock::now().seconds();
    let own = browser.token.as_deref().unwrap_or("");
    let asking = match cx.authority.step(&flow, own, browser.session.as_deref(), now_s).await {
        Ok(Step::Login(asking) | Step::Choose(asking, _) | Step::Consent(asking, _) | Step::Unfit(asking, _)) => asking,
        Err(why) => return stopped(browser, &why),
    };
    let form = |username: &str, fault| LoginForm {
        frame: browser.frame(Some(format!("{LOGIN}?flow={flow}"))),
        app: App::new(&asking),
        flow: flow.clone(),
        username: username.to_owned(),
        ways: Ways::of(&cx.authority.settings, &format!("flow={flow}")),
        test_users: test_users(cx).to_vec(),
        fault,
    };
    if request.method != Method::POST {
        return page(portal::login(&form("", None)), StatusCode::OK);
    }
    let of = |name: &str| fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str());
    let (username, password) = (of("username"), of("password"));
    let whence = browser.whence(request);
    let visit = browser.visit(own, &whence, now_s);
    let launch = code::Launch { browser, visit: &visit, flow: &flow, asking: &asking };
    if !of("half").is_empty() {
        return code::with_code(cx, request, &launch, (of("half"), of("code"))).await;
    }
    let again = |fault, status| page(portal::login(&form(username, Some(fault))), status);
    if username.is_empty() || password.is_empty() {
        return again(LoginFault::Empty, StatusCode::OK);
    }
    if username.len() > USERNAME_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
        return again(LoginFault::Wrong, StatusCode::OK);
    }
    if let Err(why) = cx.limits.login(request.remote, username) {
        tracing::warn!(kind = ?why.kind(), "sign-ins are tried too often");
        let html = portal::login(&form(username, Some(LoginFault::TooMany)));
        return page_later(html, why.retry_after_s().unwrap_or(60));
    }
    match cx.authority.sign_in(Some(&flow), (username, password), &visit).await {
        Ok(SignedIn::Session(session)) => signed_in(cx, browser, &flow, &session).await,
        Ok(SignedIn::Code(half)) => code::page(&launch, &half, None),
        Err(NotSignedIn::TooMany) => {
            page_later(portal::login(&form(username, Some(LoginFault::TooMany))), TRIES_AGAIN_S)
        }
        Err(NotSignedIn::Wrong) => again(LoginFault::Wrong, StatusCode::OK),
        Err(NotSignedIn::Stopped(Stopped::Unavailable(why))) => {
            tracing::error!(%why, "nobody can sign in");
            again(LoginFault::Busy, StatusCode::SERVICE_UNAVAILABLE)
        }
        Err(NotSignedIn::Stopped(why)) => stopped(browser, &why),
    }
}

/// People who do not exist, as whom anyone may sign in: in a sandbox alone.
fn test_users(cx: &Context) -> &[DemoUser] {
    if cx.authority.settings.sandbox { &cx.demo.users } else { &[] }
}

/// A session begins, and the launch goes on.
pub(super) async fn signed_in(cx: &Context, browser: &Browser, flow: &str, session: &str) -> Reply {
    let own = browser.token.as_deref().unwrap_or("");
    match cx.authority.step(flow, own, Some(session), clock::now().seconds()).await {
        Ok(step) => {
            let go = Credential::see_other(browser.path(path_of(&step), flow));
            Reply::Credential(go.with(header::SET_COOKIE, keep_session(session)))
        }
        Err(why) => stopped(browser, &why),
    }
}

/// A choice of patient.
pub(super) async fn choose(cx: &Context, request: &Request, browser: &Browser) -> Answer {
    let Fields { flow, fields } = match Fields::of(request) {
        Ok(fields) => fields,
        Err(why) => return alone(Reply::stranger(why)),
    };
    let (own, session) = (browser.token.as_deref().unwrap_or(""), browser.session.as_deref());
    let now_s = clock::now().seconds();
    if request.method == Method::POST {
        let patient = fields.iter().find(|(name, _)| name == "patient").map(|(_, patient)| patient.as_str());
        return alone(match cx.authority.choose(&flow, own, session, patient, now_s).await {
            Ok(()) => see(browser, CONSENT, &flow),
            Err(Stopped::Changed) => see(browser, CHOOSE, &flow),
            Err(why) => stopped(browser, &why),
        });
    }
    match cx.authority.step(&flow, own, session, now_s).await {
        Ok(Step::Choose(asking, choice)) => {
            let frame = browser.frame(Some(format!("{CHOOSE}?flow={flow}")));
            patients::choose(cx, request, frame, App::new(&asking), flow, choice).await
        }
        Ok(step) => alone(elsewhere(browser, &step, &flow, CHOOSE)),
        Err(why) => alone(stopped(browser, &why)),
    }
}

/// The consent page, and the person's word.
pub(super) async fn consent(cx: &Context, request: &Request, browser: &Browser) -> Answer {
    let Fields { flow, fields } = match Fields::of(request) {
        Ok(fields) => fields,
        Err(why) => return alone(Reply::stranger(why)),
    };
    let (own, session) = (browser.token.as_deref().unwrap_or(""), browser.session.as_deref());
    let now_s = clock::now().seconds();
    if request.method == Method::POST {
        return alone(word(cx, browser, &flow, &fields).await);
    }
    match cx.authority.step(&flow, own, session, now_s).await {
        Ok(Step::Consent(asking, consent)) => {
            let form = ConsentForm {
                frame: browser.frame(Some(format!("{CONSENT}?flow={flow}"))),
                app: App::new(&asking),
                flow,
                items: consent.items.clone(),
                in_care: consent.in_care.clone(),
                instead: consent.instead.clone(),
                purpose: consent.purpose,
                can_choose_again: consent.can_choose_again,
                tells_context: consent.tells_context,
            };
            // Whoever asks about somebody else is shown whom.
            if consent.account.own_record().is_none() && consent.patient.is_some() {
                return patients::consent(cx, request, form, consent).await;
            }
            let own =
                Own { username: &consent.account.username, patient: consent.patient.as_ref().map(fhir::Id::as_str) };
            alone(page(consent_own(&form, &own), StatusCode::OK))
        }
        Ok(Step::Unfit(asking, why)) => {
            let frame = browser.frame(Some(format!("{CONSENT}?flow={flow}")));
            alone(page(unfit(&frame, &App::new(&asking), &flow, why), StatusCode::OK))
        }
        Ok(step) => alone(elsewhere(browser, &step, &flow, CONSENT)),
        Err(why) => alone(stopped(browser, &why)),
    }
}

async fn word(cx: &Context, browser: &Browser, flow: &str, fields: &[(String, String)]) -> Reply {
    let (own, session) = (browser.token.as_deref().unwrap_or(""), browser.session.as_deref());
    let now_s = clock::now().seconds();
    let of = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let done = match of("answer") {
        Some("allow") => {
            let kept: Vec<Item> =
                fields.iter().filter(|(name, _)| name == "item").filter_map(|(_, value)| Item::of(value)).collect();
            let word = Word { kept: &kept, patient: of("patient").filter(|patient| !patient.is_empty()) };
            cx.authority.allow(flow, own, session, word, now_s).await
        }
        Some("choose") => match cx.authority.choose(flow, own, session, None, now_s).await {
            Ok(()) => return see(browser, CHOOSE, flow),
            Err(why) => Err(why),
        },
        Some(_) | None => cx.authority.deny(flow, own, now_s).await,
    };
    match done {
        Ok(location) => Reply::Credential(Credential::see_other(location)),
        Err(Stopped::Changed) => see(browser, CONSENT, flow),
        Err(why) => stopped(browser, &why),
    }
}

/// The flow's id and the other fields, of a query or a form.
struct Fields {
    flow: String,
    fields: Vec<(String, String)>,
}

impl Fields {
    fn of(request: &Request) -> Result<Fields, Refusal> {
        let fields = if request.method == Method::POST { request.form_pairs()? } else { request.query_pairs() };
        let flow = fields.iter().find(|(name, _)| name == "flow").map(|(_, flow)| flow.clone());
        // Ids of ours are base64url, so they can stand in an address as they are.
        let plain =
            |flow: &String| flow.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let flow = flow.filter(plain);
        let flow =
            flow.ok_or_else(|| Refusal::new(Kind::Invalid, "Open this page from the app that sent you.").at("flow"))?;
        Ok(Fields { flow, fields })
    }
}

fn path_of(step: &Step) -> &'static str {
    match step {
        Step::Login(_) => LOGIN,
        Step::Choose(_, _) => CHOOSE,
        Step::Consent(_, _) | Step::Unfit(_, _) => CONSENT,
    }
}

fn see(browser: &Browser, path: &str, flow: &str) -> Reply {
    Reply::Credential(Credential::see_other(browser.path(path, flow)))
}

/// The step is another than the page: go there. The same one again would turn in circles.
fn elsewhere(browser: &Browser, step: &Step, flow: &str, here: &str) -> Reply {
    match path_of(step) {
        path if path == here => stopped(browser, &Stopped::Changed),
        path => see(browser, path, flow),
    }
}

pub(super) fn stopped(browser: &Browser, why: &Stopped) -> Reply {
    let (what, status) = match why {
        Stopped::Lost | Stopped::ClientOff | Stopped::Changed => (Message::Lost, StatusCode::BAD_REQUEST),
        Stopped::Unavailable(why) => {
            tracing::error!(%why, "a launch cannot go on");
            (Message::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
        }
    };
    page(message(&browser.frame(None), &what), status)
}
