//! Whether a token is genuine, of the right kind, from and for the right party, and in force.
//!
//! The key decides the algorithm; the token only names its key, by a `kid` that is compared and never interpreted. The
//! signature is checked before any claim is read. Stricter than the RFCs where they leave room, because each leniency
//! was once a hole (RFC 8725; CVE-2026-25537: a wrong-typed `exp` taken for absent). Never fetches a key, never learns
//! one from the token.

use serde_json::{Map, Value};

use crate::digest::base64url_decode;
use crate::jwk::{Alg, PublicKey};
use crate::{Error, Result, object};

/// Bytes of a token: ours have about 1 000, and headers of more than this are cut off by proxies anyway.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Seconds by which two clocks may differ; a larger `leeway_secs` counts as this.
pub const LEEWAY_SECS_MAX: u32 = 60;
/// 9999-12-31T23:59:59Z: no time in a token is later.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Header members that would choose a key, a meaning or a wrapping: refused, whatever they say.
const REFUSED_HEADERS: [&str; 9] = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5c", "x5u"];

/// What a token must be to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The `typ`: `at+jwt`, `JWT`. Case and an `application/` in front do not matter (RFC 7515, 4.1.9).
    pub typ: &'a str,
    /// The `iss`, byte for byte.
    pub iss: &'a str,
    /// The `aud`, byte for byte: alone or as the only member of an array, so that no token serves two audiences.
    pub aud: &'a str,
}

/// The claims of a token that was verified. Made by [`verify_jwt`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// The claim of this name, of any shape.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The claim of this name if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The claim of this name if it is a whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// All claims.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// Verifies a compact JWT under exactly one of `keys` and returns its claims.
///
/// `now_unix` are seconds since 1970; `leeway_secs` is at most [`LEEWAY_SECS_MAX`]. `exp` is required; `exp`, `nbf` and
/// `iat` must be whole numbers. Single use is the caller's to remember, by `jti`: never by the token's own bytes, because
/// for every ECDSA signature there is a second one that verifies as well.
pub fn verify_jwt(
    token: &str,
    keys: &[PublicKey],
    expected: &Expected<'_>,
    now_unix: i64,
    leeway_secs: u32,
) -> Result<Claims> {
    let parts = Parts::split(token)?;
    let header = parts.header()?;
    if REFUSED_HEADERS.iter().any(|name| header.contains_key(*name)) {
        return Err(Error::TokenHeader);
    }
    if !header.get("typ").and_then(Value::as_str).is_some_and(|typ| same_type(typ, expected.typ)) {
        return Err(Error::TokenType);
    }
    let key = the_key(header.get("kid"), keys)?;
    if header.get("alg").and_then(Value::as_str).and_then(Alg::from_name) != Some(key.alg()) {
        return Err(Error::TokenAlgorithm);
    }
    let signature = base64url_decode(parts.signature).map_err(|_| Error::TokenForm)?;
    if !key.verifies(parts.signed.as_bytes(), &signature) {
        return Err(Error::TokenSignature);
    }
    let claims = parts.claims()?;
    in_force(&claims, now_unix, i64::from(leeway_secs.min(LEEWAY_SECS_MAX)))?;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.iss) {
        return Err(Error::TokenIssuer);
    }
    if !is_for(claims.get("aud"), expected.aud) {
        return Err(Error::TokenAudience);
    }
    Ok(Claims(claims))
}

/// The `iss` that a token claims, unverified: only to find whose keys to verify it with (RFC 7523, 3).
pub fn claimed_issuer(token: &str) -> Result<String> {
    let mut claims = Parts::split(token)?.claims()?;
    match claims.remove("iss") {
        Some(Value::String(iss)) => Ok(iss),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => {
            Err(Error::TokenIssuer)
        }
    }
}

/// A token cut at its dots, nothing decoded yet.
pub(crate) struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    pub(crate) signature: &'a str,
    /// Header and claims with the dot between: what the signature is over.
    pub(crate) signed: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TokenSize);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Error::TokenForm)?;
        let (header, claims) = signed.split_once('.').ok_or(Error::TokenForm)?;
        if signature.is_empty() || claims.contains('.') {
            return Err(Error::TokenForm);
        }
        Ok(Self { header, claims, signature, signed })
    }

    pub(crate) fn header(&self) -> Result<Map<String, Value>> {
        decode(self.header)
    }

    pub(crate) fn claims(&self) -> Result<Map<String, Value>> {
        decode(self.claims)
    }
}

fn decode(part: &str) -> Result<Map<String, Value>> {
    let bytes = base64url_decode(part).map_err(|_| Error::TokenForm)?;
    object::read(&bytes).ok_or(Error::TokenForm)
}

/// Whether two media types are the same, `application/` being understood.
fn same_type(a: &str, b: &str) -> bool {
    bare(a).eq_ignore_ascii_case(bare(b))
}

fn bare(typ: &str) -> &str {
    let prefix = "application/";
    match typ.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
        Some(_) | None => typ,
    }
}

/// The one key that `kid` names.
fn the_key<'a>(kid: Option<&Value>, keys: &'a [PublicKey]) -> Result<&'a PublicKey> {
    let kid = kid.and_then(Value::as_str).ok_or(Error::TokenKey)?;
    let mut named = keys.iter().filter(|key| key.kid() == kid);
    match (named.next(), named.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) | (None, _) => Err(Error::TokenKey),
    }
}

/// Whether `now` lies between the token's times; all that are present are checked for being whole seconds first.
fn in_force(claims: &Map<String, Value>, now: i64, leeway: i64) -> Result<()> {
    let exp = seconds(claims.get("exp"))?.ok_or(Error::TokenTime)?;
    let (nbf, iat) = (seconds(claims.get("nbf"))?, seconds(claims.get("iat"))?);
    if now >= exp.saturating_add(leeway) {
        return Err(Error::TokenExpired);
    }
    if [nbf, iat].into_iter().flatten().any(|start| start > now.saturating_add(leeway)) {
        return Err(Error::TokenEarly);
    }
    Ok(())
}

/// A time claim: absent, or whole seconds since 1970 up to the year 9999. Null is not absent.
fn seconds(claim: Option<&Value>) -> Result<Option<i64>> {
    match claim {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(at @ 0..=SECONDS_MAX) => Ok(Some(at)),
            Some(_) | None => Err(Error::TokenTime),
        },
    }
}

/// Whether the audience is this one and no other.
fn is_for(aud: Option<&Value>, expected: &str) -> bool {
    match aud {
        Some(Value::String(aud)) => aud == expected,
        Some(Value::Array(all)) => matches!(all.as_slice(), [Value::String(aud)] if aud == expected),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}
