//! Apps register themselves (RFC 7591), and look after their registration (RFC 7592).

use super::endpoints::{challenged, credential, error, too_often};
use crate::clock;
use crate::context::Context;
use crate::request::Request;
use crate::respond::{JSON, Reply};
use crate::route::Matched;
use http::{Method, StatusCode};
use privacy::Refusal;
use smart::metadata::Metadata;
use smart::register::Registration;
use smart::{ErrorCode, OauthError};

/// A new app; nothing is at this address where apps do not register themselves.
pub(super) async fn register(cx: &Context, request: &Request) -> Reply {
    if !cx.authority.settings.registration_open {
        return Reply::stranger(Refusal::not_found());
    }
    let metadata = match described(request) {
        Ok(metadata) => metadata,
        Err(why) => return error(cx, &why),
    };
    if let Err(why) = cx.limits.registration(request.remote) {
        return too_often(cx, &why, TOO_MANY);
    }
    let registered = cx.authority.register(&metadata, clock::now().seconds()).await;
    if registered.is_ok() {
        tracing::info!("an app registered itself");
    }
    told(cx, StatusCode::CREATED, registered)
}

/// An app's own registration: read, changed, or taken back.
pub(super) async fn registration(cx: &Context, request: &Request, matched: &Matched) -> Reply {
    let client_id = matched.values.first().map_or("", String::as_str);
    let Some(token) = bearer(request) else {
        return challenged(cx, CHALLENGE, &OauthError::new(ErrorCode::InvalidToken, NO_TOKEN));
    };
    let now_s = clock::now().seconds();
    if request.method == Method::DELETE {
        return match cx.authority.end_registration(client_id, token, now_s).await {
            Ok(()) => credential(StatusCode::NO_CONTENT, "", String::new()),
            Err(why) => refused(cx, &why),
        };
    }
    if request.method != Method::PUT {
        return told(cx, StatusCode::OK, cx.authority.registration(client_id, token).await);
    }
    let metadata = match described(request) {
        Ok(metadata) => metadata,
        Err(why) => return error(cx, &why),
    };
    if let Err(why) = cx.limits.registration(request.remote) {
        return too_often(cx, &why, TOO_MANY);
    }
    told(cx, StatusCode::OK, cx.authority.change_registration(client_id, token, &metadata, now_s).await)
}

pub(super) const CHALLENGE: &str = "Bearer realm=\"registration\", error=\"invalid_token\", error_description=\"The registration access token is missing or does not hold\", error_uri=\"/docs/errors/invalid_token\"";
const TOO_MANY: &str =
    "Too many registrations come from this network, or from all together. Wait as long as Retry-After says.";
pub(super) const NO_TOKEN: &str = "Send the registration access token: Authorization: Bearer …";

fn told(cx: &Context, status: StatusCode, registration: Result<Registration, OauthError>) -> Reply {
    match registration.and_then(|told| told.body().map_err(OauthError::from)) {
        Ok(body) => credential(status, JSON, body),
        Err(why) => refused(cx, &why),
    }
}

pub(super) fn refused(cx: &Context, why: &OauthError) -> Reply {
    if why.code == ErrorCode::InvalidToken { challenged(cx, CHALLENGE, why) } else { error(cx, why) }
}

/// What the app says of itself.
fn described(request: &Request) -> Result<Metadata, OauthError> {
    let media = request.header("content-type").unwrap_or("").split(';').next().unwrap_or("").trim();
    if !media.eq_ignore_ascii_case(JSON) || request.query.is_some() {
        let text = "Send the metadata as a body of type application/json, and nothing in the address.";
        return Err(OauthError::new(ErrorCode::InvalidClientMetadata, text));
    }
    Metadata::read(&request.body)
}

pub(super) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX).then(|| token.trim())
}

/// Bytes of a registration access token; ours have 43.
const TOKEN_BYTES_MAX: usize = 256;
