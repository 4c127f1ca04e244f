//! A client's assertion: a signed statement by which it proves that it is itself (`private_key_jwt`).
//!
//! RFC 7523 section 3; SMART App Launch 2.2.0, "Client Authentication: Asymmetric". What is wrong with the statement itself
//! is said in words, because that depends on nobody but the sender. Whether there is such a client, which keys it has and
//! whether one of them signed is one answer for all, so that nothing can be found out by guessing. A statement counts once:
//! its `jti` is kept durably until it has run out, and of many who use it at once exactly one is believed.

use crate::authority::Authority;
use crate::client::{Client, ClientKind, Keys};
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError, shown};
use crate::ports::{Freshness, NamedBy, Opened, Ports, Signed, Space, Unavailable};
use crate::settings::TOKEN;
use serde_json::{Map, Value};

/// The `client_assertion_type` of a JSON Web Token (RFC 7523 section 2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What an assertion may be signed with.
pub const SIGNING_ALGS: [&str; 2] = ["RS384", "ES384"];
/// Seconds that an assertion may have before it when it comes (SMART: at most five minutes).
const LIFE_S_MAX: i64 = 300;
/// Seconds by which a client's clock may be ahead of ours (FAPI 2.0, 5.3.2.1).
const AHEAD_S_MAX: i64 = 10;
/// Bytes of a `jti` and of a `kid`; usual ones have some forty.
const NAME_BYTES_MAX: usize = 256;
/// Header members that would bring a key along, wrap the claims or change what they mean.
const REFUSED_HEADERS: [&str; 8] = ["crit", "b64", "zip", "enc", "cty", "jwk", "x5c", "x5u"];

/// What an assertion says, in order but unproven.
struct Stated {
    client_id: String,
    key_address: Option<String>,
    jti: String,
    expires_s: i64,
}

impl<P: Ports> Authority<P> {
    /// The client of an assertion, proven and enabled. Its `client_id` in the form may be left out.
    pub(crate) async fn asserted_client(
        &self,
        kind: &str,
        assertion: &str,
        client_id: Option<&str>,
        now_s: i64,
    ) -> Result<Client, OauthError> {
        if kind != JWT_BEARER {
            return Err(refused(format!("client_assertion_type was {}; send {JWT_BEARER}.", shown(kind))));
        }
        let opened = self.ports.open_token(assertion).ok_or_else(|| refused(UNREADABLE))?;
        let stated = stated(&opened, &self.settings.at(TOKEN), now_s)?;
        if client_id.is_some_and(|named| named != stated.client_id) {
            return Err(refused(
                "client_id in the form is not the iss of the client_assertion. Send the same, or none.",
            ));
        }
        let client = self.live_client(&stated.client_id).await?.ok_or_else(unproven)?;
        self.prove(assertion, &stated, &client).await?;
        let used = serde_json::to_string(&[&stated.client_id, &stated.jti]).map_err(|why| unavailable(&why))?;
        // It may not come back while a clock that was set back would still take it.
        let is_new = self.keep_once(Space::Assertion, &used, &now_s, stated.expires_s + AHEAD_S_MAX).await?;
        if !is_new || self.meets(&client.client_id, Mishap::Jti) {
            return Err(refused(
                "The client_assertion was used before. Sign a new one, with another jti, for each request.",
            ));
        }
        Ok(client)
    }

    /// Proves an assertion under the keys that its client registered. A set that is published is looked at anew when the key
    /// is not in it: it may have been exchanged.
    async fn prove(&self, assertion: &str, stated: &Stated, client: &Client) -> Result<(), OauthError> {
        let keys = match &client.proof {
            ClientKind::ConfidentialAsymmetric { keys } => keys,
            ClientKind::Public | ClientKind::ConfidentialSymmetric { .. } => return Err(unproven()),
        };
        let signed = match keys {
            Keys::Set(set) if stated.key_address.is_none() => self.ports.is_signed(assertion, set),
            Keys::At(uri) if stated.key_address.as_ref().is_none_or(|named| named == uri) => {
                let known = self.published(client, uri, Freshness::Kept).await?;
                match self.ports.is_signed(assertion, &known) {
                    Signed::NoSuchKey => {
                        let newer = self.published(client, uri, Freshness::Anew).await?;
                        self.ports.is_signed(assertion, &newer)
                    }
                    found @ (Signed::ByKey | Signed::NotByKey) => found,
                }
            }
            Keys::Set(_) | Keys::At(_) => return Err(unproven()),
        };
        match signed {
            _ if self.meets(&client.client_id, Mishap::Secret) => Err(unproven()),
            Signed::ByKey => Ok(()),
            Signed::NotByKey | Signed::NoSuchKey => Err(unproven()),
        }
    }

    /// The key set that a client publishes. Why it cannot be had is for our log.
    async fn published(&self, client: &Client, uri: &str, fresh: Freshness) -> Result<std::sync::Arc<str>, OauthError> {
        let by = if client.by_itself.is_some() { NamedBy::Stranger } else { NamedBy::Operator };
        let set = self.ports.key_set(&client.client_id, (uri, by), fresh).await;
        set.map_err(|Unavailable(why)| OauthError { private: Some(why), ..unproven() })
    }
}

/// What is stated, when header and claims are as they must be.
fn stated(Opened { header, claims }: &Opened, token_endpoint: &str, now_s: i64) -> Result<Stated, OauthError> {
    if let Some(name) = REFUSED_HEADERS.into_iter().find(|name| header.contains_key(*name)) {
        return Err(refused(format!(
            "The header of the client_assertion has {name}, which is not taken. Leave it out."
        )));
    }
    match text(header, "alg") {
        Some(alg) if SIGNING_ALGS.contains(&alg) => {}
        Some(alg) => {
            return Err(refused(format!("alg was {}; sign the client_assertion with RS384 or ES384.", shown(alg))));
        }
        None => return Err(refused("The header of the client_assertion has no alg. Sign it with RS384 or ES384.")),
    }
    if !text(header, "typ").is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")) {
        return Err(refused("The header of the client_assertion must have typ JWT."));
    }
    name(header, "kid").ok_or_else(|| refused("The header of the client_assertion must have the kid of the key."))?;
    let key_address = match header.get("jku") {
        None => None,
        Some(Value::String(uri)) => Some(uri.clone()),
        Some(_) => return Err(refused("jku must be the registered jwks_uri as a text, or be left out.")),
    };
    let client_id = text(claims, "iss").filter(|iss| !iss.is_empty() && text(claims, "sub") == Some(iss));
    let client_id =
        client_id.ok_or_else(|| refused("iss and sub of the client_assertion must both be the client_id."))?;
    if !is_for(claims.get("aud"), token_endpoint) {
        return Err(refused(format!(
            "aud of the client_assertion must be {token_endpoint}, letter for letter, and no other."
        )));
    }
    let expires_s = in_force(claims, now_s)?;
    let jti = name(claims, "jti").ok_or_else(|| {
        refused(format!(
            "jti of the client_assertion must be a text of 1 to {NAME_BYTES_MAX} bytes that is never used again."
        ))
    })?;
    Ok(Stated { client_id: client_id.to_owned(), key_address, jti: jti.to_owned(), expires_s })
}

/// When it runs out, if it is in force now and not for longer than it may be.
fn in_force(claims: &Map<String, Value>, now_s: i64) -> Result<i64, OauthError> {
    let expires_s = claims
        .get("exp")
        .and_then(Value::as_i64)
        .ok_or_else(|| refused("exp of the client_assertion must be there, in whole seconds since 1970."))?;
    if expires_s <= now_s {
        return Err(refused(
            "The client_assertion has run out. Sign a new one for each request, and look at the clock.",
        ));
    }
    if expires_s > now_s.saturating_add(LIFE_S_MAX + AHEAD_S_MAX) {
        return Err(refused("exp of the client_assertion may be five minutes ahead at most. Look at the clock."));
    }
    for name in ["iat", "nbf"] {
        let at = claims.get(name).map(|at| at.as_i64().filter(|at| (0..=now_s + AHEAD_S_MAX).contains(at)));
        if at == Some(None) {
            return Err(refused(format!(
                "{name} of the client_assertion must be in whole seconds since 1970 and not in the future. Look at the clock."
            )));
        }
    }
    Ok(expires_s)
}

/// Whether the audience is this one and no other.
fn is_for(aud: Option<&Value>, expected: &str) -> bool {
    match aud {
        Some(Value::String(aud)) => aud == expected,
        Some(Value::Array(all)) => matches!(all.as_slice(), [Value::String(aud)] if aud == expected),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

/// A text that names something, of a bounded length.
fn name<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    text(members, name).filter(|text| (1..=NAME_BYTES_MAX).contains(&text.len()))
}

const UNREADABLE: &str = "The client_assertion cannot be read. Send a signed JSON Web Token in its compact form, of 16 KiB at \
                          most and with no member twice.";
const UNPROVEN: &str = "The client_assertion proves no client: its iss is not known, is switched off or has no keys here; or none \
                        of its keys, or more than one, has this kid and alg; or the key did not sign it; or its key set, which \
                        jku may only repeat, cannot be had.";

/// One answer for everything that depends on who is registered and with which keys.
fn unproven() -> OauthError {
    refused(UNPROVEN)
}

fn refused(text: impl Into<std::borrow::Cow<'static, str>>) -> OauthError {
    OauthError::new(ErrorCode::InvalidClient, text)
}

fn unavailable(why: &serde_json::Error) -> Unavailable {
    Unavailable(format!("a name cannot be written: {why}"))
}
