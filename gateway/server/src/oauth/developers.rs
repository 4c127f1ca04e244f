//! What developers look after beside the registration itself: the recent calls of an app of theirs, and, in a sandbox, what
//! goes wrong for it. Both are opened by the registration access token, which comes in a header or a form and never in an
//! address.

use super::browser::{Browser, keep_browser};
use super::endpoints::{challenged, credential};
use super::register::{CHALLENGE, NO_TOKEN, bearer, refused};
use super::{page as shown, secret_page};
use crate::context::Context;
use crate::request::Request;
use crate::respond::{JSON, Reply};
use crate::route::Matched;
use http::{Method, StatusCode, header};
use portal::{Call, CallsForm, CallsOutcome, Html, Message, SandboxForm, SandboxOutcome, message};
use serde_json::{Value, json};
use smart::settings::{REGISTER_CALLS, SANDBOX};
use smart::{ErrorCode, Mishap, OauthError};

/// An app's recent calls, as JSON.
pub(super) async fn calls(cx: &Context, request: &Request, matched: &Matched) -> Reply {
    let client_id = matched.values.first().map_or("", String::as_str);
    let Some(token) = bearer(request) else {
        return challenged(cx, CHALLENGE, &OauthError::new(ErrorCode::InvalidToken, NO_TOKEN));
    };
    match cx.authority.is_looked_after_with(client_id, token).await {
        Ok(()) => {
            let calls: Vec<Value> = cx.calls.of(client_id).iter().map(told).collect();
            credential(StatusCode::OK, JSON, json!({ "client_id": client_id, "calls": calls }).to_string())
        }
        Err(why) => refused(cx, &why),
    }
}

/// A call as JSON.
pub(crate) fn told(call: &Call) -> Value {
    json!({
        "time": call.at.to_string(),
        "method": call.method,
        "route": call.route,
        "status": call.status,
        "error": call.error,
        "correlation_id": call.correlation,
    })
}

/// The page of an app's recent calls.
pub(super) async fn calls_page(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    let Typed { own, fresh, fields } = match Typed::of(request, browser) {
        Ok(typed) => typed,
        Err(why) => return *why,
    };
    let (client_id, token) = (of(&fields, "client_id"), of(&fields, "registration_access_token"));
    let outcome = if request.method != Method::POST {
        CallsOutcome::NotAsked
    } else if !cx.authority.is_form_of(browser.token.as_deref(), of(&fields, "form")) {
        CallsOutcome::Stale
    } else {
        match cx.authority.is_looked_after_with(client_id, token).await {
            Ok(()) => CallsOutcome::Found(cx.calls.of(client_id)),
            Err(why) if why.code == ErrorCode::InvalidToken => CallsOutcome::Unknown,
            Err(why) => return unavailable(browser, &why),
        }
    };
    let status = if outcome == CallsOutcome::Stale { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let found = matches!(outcome, CallsOutcome::Found(_));
    let form = CallsForm {
        frame: browser.frame(Some(REGISTER_CALLS.to_owned())),
        token: cx.authority.form_token(&own),
        client_id: client_id.to_owned(),
        // Shown again to who holds it alone, so that they can look once more.
        registration_token: if found { token.to_owned() } else { String::new() },
        outcome,
    };
    answered(portal::calls(&form), status, &own, fresh)
}

/// The page where a developer chooses what goes wrong for an app of theirs; there is none outside of a sandbox.
pub(super) async fn sandbox(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    if !cx.authority.settings.sandbox {
        return shown(message(&browser.frame(None), &Message::NoPage), StatusCode::NOT_FOUND);
    }
    let Typed { own, fresh, fields } = match Typed::of(request, browser) {
        Ok(typed) => typed,
        Err(why) => return *why,
    };
    let (client_id, token) = (of(&fields, "client_id"), of(&fields, "registration_access_token"));
    let chosen = Mishap::of(of(&fields, "mishap"));
    let outcome = if request.method != Method::POST {
        SandboxOutcome::NotAsked
    } else if !cx.authority.is_form_of(browser.token.as_deref(), of(&fields, "form")) {
        SandboxOutcome::Stale
    } else {
        match cx.authority.choose_mishap(client_id, token, chosen).await {
            Ok(()) => SandboxOutcome::Done,
            Err(why) if why.code == ErrorCode::InvalidToken => SandboxOutcome::Unknown,
            Err(why) => return unavailable(browser, &why),
        }
    };
    let status = if outcome == SandboxOutcome::Stale { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let form = SandboxForm {
        frame: browser.frame(Some(SANDBOX.to_owned())),
        token: cx.authority.form_token(&own),
        client_id: client_id.to_owned(),
        registration_token: if outcome == SandboxOutcome::Done { token.to_owned() } else { String::new() },
        chosen,
        outcome,
    };
    answered(portal::sandbox(&form), status, &own, fresh)
}

/// What was typed, and the browser's own token.
pub(super) struct Typed {
    pub(super) own: String,
    pub(super) fresh: bool,
    pub(super) fields: Vec<(String, String)>,
}

impl Typed {
    pub(super) fn of(request: &Request, browser: &Browser) -> Result<Typed, Box<Reply>> {
        let fields = match (&request.method, request.form_pairs()) {
            (&Method::POST, Ok(fields)) => fields,
            (&Method::POST, Err(why)) => return Err(Box::new(Reply::stranger(why))),
            (_, _) => Vec::new(),
        };
        Ok(match &browser.token {
            Some(token) => Typed { own: token.clone(), fresh: false, fields },
            None => Typed { own: certs::random::token(), fresh: true, fields },
        })
    }
}

/// A field's value; nothing where it is not there.
pub(super) fn of<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
}

pub(super) fn answered(html: Html, status: StatusCode, own: &str, fresh: bool) -> Reply {
    let mut page = secret_page(html);
    page.status = status;
    Reply::Credential(if fresh { page.with(header::SET_COOKIE, keep_browser(own)) } else { page })
}

fn unavailable(browser: &Browser, why: &OauthError) -> Reply {
    tracing::error!(why = why.private.as_deref().unwrap_or(&why.description), "a developer's page cannot be shown");
    shown(message(&browser.frame(None), &Message::Unavailable), StatusCode::SERVICE_UNAVAILABLE)
}
