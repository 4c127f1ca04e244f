//! The token, revocation, introspection and UserInfo endpoints (RFC 6749 section 3.2, RFC 7009, RFC 7662, OpenID Connect
//! Core 5.3).

use crate::authenticate::{self, Stranger};
use crate::calls;
use crate::clock;
use crate::context::Context;
use crate::request::Request;
use crate::respond::{Credential, JSON, Reply};
use bytes::Bytes;
use http::{StatusCode, header};
use privacy::Refusal;
use smart::settings::{AUTHORIZE, INTROSPECT, REVOKE, TOKEN, USER_INFO};
use smart::{ClientKind, ErrorCode, OauthError};

/// Tokens for a code or a refresh token.
pub(super) async fn token(cx: &Context, request: &Request) -> Reply {
    let form = match form(cx, request) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let answered = cx.authority.token(request.header("authorization"), &form, clock::now().seconds()).await;
    noted(cx, request, TOKEN, &form, outcome(&answered)).await;
    match answered.and_then(|tokens| tokens.body().map_err(OauthError::from)) {
        Ok(body) => credential(StatusCode::OK, JSON, body),
        Err(why) => error(cx, &why),
    }
}

/// Ends a token and what it stands for. Success has no content.
pub(super) async fn revoke(cx: &Context, request: &Request) -> Reply {
    let form = match form(cx, request) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let answered = cx.authority.revoke(request.header("authorization"), &form, clock::now().seconds()).await;
    noted(cx, request, REVOKE, &form, outcome(&answered)).await;
    match answered {
        Ok(()) => credential(StatusCode::OK, "", String::new()),
        Err(why) => error(cx, &why),
    }
}

/// What a token stands for.
pub(super) async fn introspect(cx: &Context, request: &Request) -> Reply {
    let form = match form(cx, request) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let told = cx.authority.introspection(request.header("authorization"), &form, clock::now().seconds()).await;
    noted(cx, request, INTROSPECT, &form, outcome(&told)).await;
    match told.and_then(|told| told.body().map_err(OauthError::from)) {
        Ok(body) => credential(StatusCode::OK, JSON, body),
        Err(why) => error(cx, &why),
    }
}

/// Who signed in, for the bearer of a token.
pub(super) fn user_info(cx: &Context, request: &Request) -> Reply {
    let caller = match authenticate::bearer(cx, request) {
        Ok(caller) => caller,
        Err(stranger) => {
            let Stranger { challenge, why, .. } = *stranger;
            return challenged(cx, challenge, &OauthError::new(ErrorCode::InvalidToken, why.public().to_owned()));
        }
    };
    if let Err(why) = cx.limits.request(&caller.principal) {
        return too_often(cx, &why, "Too many requests; wait as long as Retry-After says.");
    }
    let told = cx.authority.user_info(&caller.principal).and_then(|told| told.body().map_err(OauthError::from));
    let (status, why) = outcome(&told);
    let call = calls::call(request, USER_INFO, status, why.map(|why| why.code.as_str()));
    cx.calls.note(&caller.principal.client, call);
    match told {
        Ok(body) => credential(StatusCode::OK, JSON, body),
        Err(why) if why.code == ErrorCode::InsufficientScope => challenged(
            cx,
            "Bearer realm=\"fhir\", error=\"insufficient_scope\", scope=\"openid\", error_uri=\"/docs/errors/insufficient_scope\"",
            &why,
        ),
        Err(why) => error(cx, &why),
    }
}

/// Notes a call for the app that it is of, or says that it is of: whoever looks after that app may look at it. Names that
/// no app is registered under are not kept. One that did not prove itself is counted.
pub(super) async fn noted(
    cx: &Context,
    request: &Request,
    route: &'static str,
    form: &[(String, String)],
    (status, why): (StatusCode, Option<&OauthError>),
) {
    // Nobody proves anything at the authorization endpoint, and what its client is called stands in the request alone.
    let authorization = request.header("authorization").filter(|_| route != AUTHORIZE);
    let Some(client) = cx.authority.claimed_client(authorization, form) else { return };
    // Who was answered with a token has proven itself, and is registered.
    if why.is_some() || route == AUTHORIZE {
        let registered = cx.authority.client(&client).await.ok().flatten();
        let has_secret =
            registered.as_ref().is_none_or(|known| matches!(known.proof, ClientKind::ConfidentialSymmetric { .. }));
        if has_secret && brings_secret(request, form) && why.is_some_and(|why| why.code == ErrorCode::InvalidClient) {
            cx.limits.failed_proof(request.remote, &client);
        }
        if registered.is_none() {
            return;
        }
    }
    cx.calls.note(&client, calls::call(request, route, status, why.map(|why| why.code.as_str())));
}

/// The status of a direct answer, and why it is none.
fn outcome<T>(answered: &Result<T, OauthError>) -> (StatusCode, Option<&OauthError>) {
    match answered {
        Ok(_) => (StatusCode::OK, None),
        Err(why) => (status_of(why), Some(why)),
    }
}

/// A refusal of a bearer (RFC 6750 section 3).
pub(super) fn challenged(cx: &Context, challenge: &str, why: &OauthError) -> Reply {
    Reply::Credential(refusal(cx, why).with(header::WWW_AUTHENTICATE, challenge))
}

/// What the body says, unless the app that it is of has failed to prove itself too often.
fn form(cx: &Context, request: &Request) -> Result<Vec<(String, String)>, Box<Reply>> {
    let malformed = |text| Box::new(error(cx, &OauthError::new(ErrorCode::InvalidRequest, text)));
    if request.query.is_some() {
        return Err(malformed("Send parameters in the body, not in the address."));
    }
    let form = request.form_pairs().map_err(|_| malformed("Send the body as application/x-www-form-urlencoded."))?;
    if brings_secret(request, &form)
        && let Some(client) = cx.authority.claimed_client(request.header("authorization"), &form)
    {
        cx.limits.proof(request.remote, &client).map_err(|why| {
            Box::new(too_often(
                cx,
                &why,
                "This app has failed to prove itself too often from this network. Wait as long as \
                Retry-After says, then send the right secret or key.",
            ))
        })?;
    }
    Ok(form)
}

/// Whether a secret is to prove who asks: tokens and assertions nobody guesses, and who brings none is not guessing.
fn brings_secret(request: &Request, form: &[(String, String)]) -> bool {
    let scheme = request.header("authorization").and_then(|header| header.split(' ').next());
    let basic = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
    basic || form.iter().any(|(name, value)| name == "client_secret" && !value.is_empty())
}

pub(super) fn credential(status: StatusCode, media: &'static str, body: String) -> Reply {
    Reply::Credential(Credential { status, media, headers: Vec::new(), body: Bytes::from(body) })
}

pub(super) fn error(cx: &Context, why: &OauthError) -> Reply {
    Reply::Credential(refusal(cx, why))
}

pub(super) fn refusal(cx: &Context, why: &OauthError) -> Credential {
    if let Some(private) = &why.private {
        tracing::warn!(code = why.code.as_str(), why = private, "an OAuth request failed");
    }
    let status = status_of(why);
    let mut headers = Vec::new();
    if why.challenge_basic {
        headers.push((header::WWW_AUTHENTICATE, "Basic realm=\"token\"".to_owned()));
    }
    let body = Bytes::from(why.body(&cx.authority.settings));
    Credential { status, media: JSON, headers, body }
}

/// A refusal of one who asks too often.
pub(super) fn too_often(cx: &Context, why: &Refusal, text: &'static str) -> Reply {
    let mut refusal = refusal(cx, &OauthError::new(ErrorCode::TemporarilyUnavailable, text));
    refusal.status = StatusCode::TOO_MANY_REQUESTS;
    Reply::Credential(refusal.with(header::RETRY_AFTER, why.retry_after_s().unwrap_or(60).to_string()))
}

fn status_of(why: &OauthError) -> StatusCode {
    let status = StatusCode::from_u16(why.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    if why.challenge_basic { StatusCode::UNAUTHORIZED } else { status }
}
