//! A launch, step by step, on a page that plays the app: what is sent and what is answered, to look at and to send oneself.
//! There is no such page outside of a sandbox.
//!
//! The app comes through the doors of every app: its authorization request goes through the browser, its code is redeemed by
//! the same call as any, and what it reads is decided, judged and recorded under its own token.

use super::browser::{Browser, keep_browser};
use super::developers::{Typed, answered, of};
use super::patients::shape;
use super::{Answer, alone, page as shown};
use crate::authenticate::Caller;
use crate::clock;
use crate::context::Context;
use crate::interaction::{Asked, What};
use crate::pipeline::{Released, of_page};
use crate::request::Request;
use crate::respond::{Credential, Reply, told};
use crate::tries::{ASKED, CLIENT, TokenAnswer, Try};
use fhir::{Id, Interaction, ResourceType};
use http::{Method, StatusCode, header};
use portal::{Begun, Exchange, Message, TriedForm, TryForm, message};
use privacy::{Question, Refusal};
use serde_json::Value;
use smart::settings::{AUTHORIZE, TOKEN, TRY, TRY_CALLBACK};

/// Characters of a scope that is asked for here.
const SCOPE_CHARACTERS_MAX: usize = 1_000;
/// Characters of a code or token that are shown.
const SHOWN_CHARACTERS: usize = 8;
/// What is shown shortened.
const SECRETS: [&str; 4] = ["code", "access_token", "refresh_token", "id_token"];

/// The page, and its steps.
pub(super) async fn page(cx: &Context, request: &Request, browser: &Browser) -> Answer {
    if !cx.authority.settings.sandbox {
        return alone(shown(message(&browser.frame(None), &Message::NoPage), StatusCode::NOT_FOUND));
    }
    let Typed { own, fresh, fields } = match Typed::of(request, browser) {
        Ok(typed) => typed,
        Err(why) => return alone(*why),
    };
    let now_s = clock::now().seconds();
    let known = cx.tries.of(&own, now_s);
    if request.method != Method::POST {
        let form = form(cx, browser, &own, known.as_ref(), false);
        return alone(answered(portal::try_it(&form), StatusCode::OK, &own, fresh));
    }
    if !cx.authority.is_form_of(browser.token.as_deref(), of(&fields, "form")) {
        return alone(answered(
            portal::try_it(&form(cx, browser, &own, None, true)),
            StatusCode::FORBIDDEN,
            &own,
            fresh,
        ));
    }
    match (of(&fields, "step"), known) {
        ("begin", _) => {
            let scope: String = of(&fields, "scope").chars().take(SCOPE_CHARACTERS_MAX).collect();
            cx.tries.keep(&own, Try::new(&scope, now_s));
        }
        ("redeem", Some(_)) => redeem(cx, &own, now_s).await,
        ("read", Some(known)) => return read(cx, request, browser, &own, known).await,
        (_, _) => {
            let html = portal::try_it(&form(cx, browser, &own, None, true));
            return alone(answered(html, StatusCode::OK, &own, fresh));
        }
    }
    let go = Credential::see_other(browser.own_path(TRY, "", ""));
    alone(Reply::Credential(if fresh { go.with(header::SET_COOKIE, keep_browser(&own)) } else { go }))
}

/// The redirect address of the app that the page plays: what came is kept, and the page shows it.
pub(super) async fn callback(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    if !cx.authority.settings.sandbox {
        return shown(message(&browser.frame(None), &Message::NoPage), StatusCode::NOT_FOUND);
    }
    let pairs = request.query_pairs();
    let own = browser.token.as_deref().unwrap_or("");
    let known = cx.tries.of(own, clock::now().seconds());
    // As every app has to: the state is its own, and the issuer is the one that it asked (RFC 9207).
    let holds = |known: &Try| of(&pairs, "state") == known.state && of(&pairs, "iss") == cx.authority.settings.issuer();
    match known.filter(|known| known.answer.is_none()).filter(holds) {
        Some(known) => {
            cx.tries.keep(own, Try { answer: Some(pairs), ..known });
            Reply::Credential(Credential::see_other(browser.own_path(TRY, "", "")))
        }
        None => {
            let html = portal::try_it(&form(cx, browser, own, None, true));
            answered(html, StatusCode::BAD_REQUEST, own, false)
        }
    }
}

/// Redeems the code, by the call that the token endpoint makes.
async fn redeem(cx: &Context, own: &str, now_s: i64) {
    // Taken meanwhile: a second click would redeem the code twice, and so end what it gave.
    let Some(known) = cx.tries.take(own, now_s) else { return };
    let Some(code) = known.answered("code").filter(|_| known.token.is_none()) else { return cx.tries.keep(own, known) };
    let form = token_form(cx, &known, code).map(|(name, value)| (name.to_owned(), value));
    let answer = match cx.authority.token(None, &form, now_s).await {
        Ok(tokens) => tokens.body().ok().map(|body| TokenAnswer { status: 200, body }),
        Err(why) => Some(TokenAnswer { status: why.code.status(), body: why.body(&cx.authority.settings) }),
    };
    cx.tries.keep(own, Try { token: answer, ..known });
}

/// Reads the patient, under the token that the launch gave: health data, and so through the gate like everything else.
async fn read(cx: &Context, request: &Request, browser: &Browser, own: &str, known: Try) -> Answer {
    let (access, patient) = (known.told("access_token"), known.told("patient").and_then(|id| Id::parse(&id).ok()));
    let now_s = clock::now().seconds();
    let caller = access.as_ref().and_then(|token| cx.tokens.principal(&cx.authority, token, now_s).ok());
    let (Some(access), Some(principal), Some(id)) = (access, caller, patient) else {
        let html = portal::try_it(&form(cx, browser, own, None, true));
        return alone(answered(html, StatusCode::OK, own, false));
    };
    let caller = Caller { principal };
    let (interaction, kind) = (Interaction::Read, ResourceType::Patient);
    let question = Question { interaction, kind, id: Some(id.clone()), query: None, trace: request.trace() };
    let asked = Asked { question, what: What::One { version: None } };
    let tried = TriedForm { frame: browser.frame(None), fhir_base: cx.fhir_base.clone(), bearer: shortened(&access) };
    match of_page(cx, &caller, request, &asked).await {
        // Whoever was told that an app is stopped sees nothing leave for it.
        Ok(_) if !cx.authority.grant_holds(&caller.principal.grant, clock::now().seconds()) => {
            let (_, why) = crate::authenticate::withdrawn();
            alone(refused(&tried, &id, own, &why))
        }
        Ok(Released { page, .. }) => {
            let html = page.map(&tried, portal::tried).map(&(), shape);
            (Reply::Disclosure(Box::new(html)), Some(caller.principal))
        }
        Err(why) => alone(refused(&tried, &id, own, why.why())),
    }
}

/// What a read is refused with, as its app sees it.
fn refused(tried: &TriedForm, id: &Id, own: &str, why: &Refusal) -> Reply {
    let (status, outcome) = told(why);
    let answer = format!("HTTP {}\n{}", status.as_u16(), String::from_utf8_lossy(&outcome));
    answered(portal::tried_in_vain(tried, id, &answer), StatusCode::OK, own, false)
}

/// The page as far as the launch has come.
fn form(cx: &Context, browser: &Browser, own: &str, known: Option<&Try>, over: bool) -> TryForm {
    TryForm {
        frame: browser.frame(Some(TRY.to_owned())),
        token: cx.authority.form_token(own),
        scope: known.map_or(ASKED, |known| known.scope.as_str()).to_owned(),
        begun: known.map(|known| begun(cx, known)),
        over,
    }
}

fn begun(cx: &Context, known: &Try) -> Begun {
    let settings = &cx.authority.settings;
    let asked = authorize_query(cx, known);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&asked).finish();
    let lines = asked.iter().map(|(name, value)| format!("  {name}={value}"));
    let token = settings.at(TOKEN);
    let code = known.answered("code");
    let redeemed = code.map(|code| Exchange {
        request: posted(&token, &token_form(cx, known, &shortened(code))),
        curl: curl_of(&token, &token_form(cx, known, "$CODE")),
        answer: known.token.as_ref().map(|told| format!("HTTP {}\n{}", told.status, pretty(&told.body))),
    });
    Begun {
        authorize: format!("GET {}?\n{}", settings.at(AUTHORIZE), lines.collect::<Vec<_>>().join("\n")),
        go: format!("{AUTHORIZE}?{query}"),
        verifier: known.verifier.clone(),
        challenge: known.challenge(),
        answer: known
            .answer
            .as_ref()
            .map(|pairs| format!("GET {}?\n{}", settings.at(TRY_CALLBACK), shown_pairs(pairs))),
        error: known.answered("error").map(str::to_owned).or_else(|| known.told("error")),
        can_redeem: code.is_some() && known.token.is_none(),
        can_read: known.told("access_token").is_some() && known.told("patient").is_some(),
        redeemed,
    }
}

fn authorize_query(cx: &Context, known: &Try) -> [(&'static str, String); 8] {
    [
        ("response_type", "code".to_owned()),
        ("client_id", CLIENT.to_owned()),
        ("redirect_uri", cx.authority.settings.at(TRY_CALLBACK)),
        ("scope", known.scope.clone()),
        ("state", known.state.clone()),
        ("aud", cx.fhir_base.clone()),
        ("code_challenge", known.challenge()),
        ("code_challenge_method", "S256".to_owned()),
    ]
}

fn token_form(cx: &Context, known: &Try, code: &str) -> [(&'static str, String); 5] {
    [
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", cx.authority.settings.at(TRY_CALLBACK)),
        ("client_id", CLIENT.to_owned()),
        ("code_verifier", known.verifier.clone()),
    ]
}

/// A form as it is posted, a line for each field.
fn posted(target: &str, form: &[(&'static str, String)]) -> String {
    let lines: Vec<String> = form.iter().map(|(name, value)| format!("  {name}={value}")).collect();
    format!("POST {target}\nContent-Type: application/x-www-form-urlencoded\n\n{}", lines.join("\n"))
}

/// The same for a shell; in double quotes, so that `$CODE` is filled in.
fn curl_of(target: &str, form: &[(&'static str, String)]) -> String {
    let fields: Vec<String> =
        form.iter().map(|(name, value)| format!(" \\\n  --data-urlencode \"{name}={value}\"")).collect();
    format!("curl -sS {target}{}", fields.concat())
}

fn shown_pairs(pairs: &[(String, String)]) -> String {
    let shown = |name: &str, value: &str| if SECRETS.contains(&name) { shortened(value) } else { value.to_owned() };
    let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("  {name}={}", shown(name, value))).collect();
    lines.join("\n")
}

/// A JSON answer over several lines, its tokens shortened.
fn pretty(body: &str) -> String {
    let Ok(mut told) = serde_json::from_str::<Value>(body) else { return String::new() };
    for name in SECRETS {
        if let Some(Value::String(secret)) = told.get_mut(name) {
            *secret = shortened(secret);
        }
    }
    format!("{told:#}")
}

fn shortened(secret: &str) -> String {
    secret.chars().take(SHOWN_CHARACTERS).chain(['…']).collect()
}
