//! From a bearer token to a principal (RFC 6750).

use crate::clock;
use crate::context::Context;
use crate::request::Request;
use privacy::{Kind, Principal, Refusal};
use smart::introspect::{TOKEN_BYTES_MAX, Why};
use std::sync::Arc;

/// Who asks.
pub(crate) struct Caller {
    /// The person, the client, and what was granted.
    pub principal: Arc<Principal>,
}

/// Who is not let in.
pub(crate) struct Stranger {
    /// The challenge to send.
    pub challenge: &'static str,
    /// Why.
    pub why: Refusal,
    /// The app whose token it was, where it was one of ours.
    pub client: Option<String>,
}

impl From<(&'static str, Refusal)> for Box<Stranger> {
    fn from((challenge, why): (&'static str, Refusal)) -> Box<Stranger> {
        Box::new(Stranger { challenge, why, client: None })
    }
}

/// The caller of a request with `Authorization: Bearer …`.
///
/// # Errors
/// The challenge to send, and `Unauthenticated` or `Expired`.
pub(crate) fn bearer(cx: &Context, request: &Request) -> Result<Caller, Box<Stranger>> {
    let Some(header) = request.header("authorization") else {
        let why = Refusal::new(Kind::Unauthenticated, "Send an access token: Authorization: Bearer …");
        return Err(("Bearer realm=\"fhir\"", why).into());
    };
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX => {
            token.trim()
        }
        Some(_) | None => return Err(invalid("The Authorization header is not of the form \"Bearer <token>\".").into()),
    };
    let found = cx.tokens.principal(&cx.authority, token, clock::now().seconds());
    let found = found.and_then(|principal| match cx.authority.refused_on_purpose(&principal.client) {
        None => Ok(principal),
        Some(why) => Err(why),
    });
    // Of a token that is none of ours nothing is believed, not even whose it says it is.
    let client = || cx.authority.client_of_token(token);
    match found {
        Ok(principal) => Ok(Caller { principal }),
        Err(Why::Expired) => Err(Box::new(Stranger {
            challenge: "Bearer realm=\"fhir\", error=\"invalid_token\", error_description=\"The access token has expired\", error_uri=\"/docs/errors/invalid_token\"",
            why: Refusal::new(
                Kind::Expired,
                "The access token has expired. Use the refresh token, or authorize again.",
            ),
            client: client(),
        })),
        Err(Why::NoGrant) => {
            let (challenge, why) = withdrawn();
            Err(Box::new(Stranger { challenge, why, client: client() }))
        }
        Err(Why::NotOurs | Why::Contradiction) => Err(withdrawn().into()),
    }
}

/// The challenge and the refusal of a token whose authorization is over, or never was.
pub(crate) fn withdrawn() -> (&'static str, Refusal) {
    invalid("The access token does not hold, or its authorization was withdrawn. Authorize again.")
}

fn invalid(text: &'static str) -> (&'static str, Refusal) {
    (
        "Bearer realm=\"fhir\", error=\"invalid_token\", error_description=\"The access token does not hold\", error_uri=\"/docs/errors/invalid_token\"",
        Refusal::new(Kind::Unauthenticated, text),
    )
}
