//! From a bearer token to a principal (RFC 6750).

use crate::clock;
use crate::context::Context;
use crate::request::Request;
use privacy::{Kind, Principal, Refusal};
use smart::introspect::TOKEN_BYTES_MAX;
use std::sync::Arc;

/// Who asks.
pub(crate) struct Caller {
    /// The person, the client, and what was granted.
    pub principal: Arc<Principal>,
}

/// The caller of a request with `Authorization: Bearer …`.
///
/// # Errors
/// The challenge to send, and `Unauthenticated` or `Expired`.
pub(crate) fn bearer(cx: &Context, request: &Request) -> Result<Caller, (&'static str, Refusal)> {
    let Some(header) = request.header("authorization") else {
        return Err((
            "Bearer realm=\"fhir\"",
            Refusal::new(Kind::Unauthenticated, "Send an access token: Authorization: Bearer …"),
        ));
    };
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX => {
            token.trim()
        }
        Some(_) | None => return Err(invalid("The Authorization header is not of the form \"Bearer <token>\".")),
    };
    match cx.tokens.principal(&cx.authority, token, clock::now().seconds()) {
        Ok(principal) => Ok(Caller { principal }),
        Err(smart::introspect::Why::Expired) => Err((
            "Bearer realm=\"fhir\", error=\"invalid_token\", error_description=\"The access token has expired\"",
            Refusal::new(Kind::Expired, "The access token has expired. Use the refresh token, or authorize again."),
        )),
        Err(_) => Err(withdrawn()),
    }
}

/// The challenge and the refusal of a token whose authorization is over, or never was.
pub(crate) fn withdrawn() -> (&'static str, Refusal) {
    invalid("The access token does not hold, or its authorization was withdrawn. Authorize again.")
}

fn invalid(text: &'static str) -> (&'static str, Refusal) {
    (
        "Bearer realm=\"fhir\", error=\"invalid_token\", error_description=\"The access token does not hold\"",
        Refusal::new(Kind::Unauthenticated, text),
    )
}
