//! Whether an id_token of another issuer says what it must (OpenID Connect Core 1.0, 3.1.3.7). Its signature is looked at elsewhere,
//! under a key of that issuer's; here nothing is proven, and everything is required. Pure.

use crate::ports::Opened;
use crate::settings::FLOW_S;
use serde_json::{Map, Value};

/// Seconds by which the provider's clock may differ from ours.
const CLOCK_S: i64 = 60;
/// Bytes of a `sub` (OpenID Connect Core 1.0, 2).
pub const SUBJECT_BYTES_MAX: usize = 255;
/// Audiences of one token.
const AUDIENCES_MAX: usize = 16;
/// Bytes of a `kid`.
const KID_BYTES_MAX: usize = 256;
/// What it may be signed with; the key decides which of them.
const ALGS: [&str; 2] = ["RS256", "ES256"];
/// Header members that would bring a key along, wrap the claims or change what they mean.
const REFUSED_HEADERS: [&str; 9] = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5c", "x5u"];

/// What a token must say.
pub(crate) struct Expected<'a> {
    /// The provider.
    pub(crate) issuer: &'a str,
    /// What it knows us as.
    pub(crate) client_id: &'a str,
    /// What we sent along.
    pub(crate) nonce: &'a str,
    /// Since when the person must have signed in there, where a session that stood before does not count. In seconds since 1970.
    pub(crate) signed_in_since: Option<i64>,
}

/// Whom a token is about, if it says all that it must.
///
/// # Errors
/// What is wrong, for our log; without a value.
pub(crate) fn subject(
    Opened { header, claims }: &Opened,
    expected: &Expected<'_>,
    now_s: i64,
) -> Result<String, &'static str> {
    if REFUSED_HEADERS.iter().any(|name| header.contains_key(*name)) {
        return Err("the header of the id_token has a member that is not taken");
    }
    // An access token, or a token that ends a session, is none (RFC 8725, 3.11).
    if header.get("typ").is_some_and(|typ| !typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))) {
        return Err("typ of the id_token is not JWT");
    }
    if !text(header, "alg").is_some_and(|alg| ALGS.contains(&alg)) {
        return Err("the id_token is signed neither RS256 nor ES256");
    }
    if !text(header, "kid").is_some_and(|kid| (1..=KID_BYTES_MAX).contains(&kid.len())) {
        return Err("the id_token does not name its key");
    }
    if text(claims, "iss") != Some(expected.issuer) {
        return Err("the id_token is of another issuer");
    }
    is_for(claims, expected.client_id)?;
    in_force(claims, now_s)?;
    let signed_in_s = claims.get("auth_time").and_then(Value::as_i64);
    if expected.signed_in_since.is_some_and(|since| signed_in_s.is_none_or(|at| at < since - CLOCK_S)) {
        return Err("the provider did not ask the person to sign in anew");
    }
    if text(claims, "nonce") != Some(expected.nonce) {
        return Err("the id_token has not the nonce of this sign-in");
    }
    let subject = text(claims, "sub").filter(|sub| is_subject(sub));
    subject.map(str::to_owned).ok_or("the id_token does not say whom it is about")
}

/// Whether a text can be a `sub`.
pub fn is_subject(text: &str) -> bool {
    (1..=SUBJECT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Whether it was made for us: we are among its audience, and where others are too it says that we asked for it.
fn is_for(claims: &Map<String, Value>, client_id: &str) -> Result<(), &'static str> {
    let others = match claims.get("aud") {
        Some(Value::String(aud)) if aud == client_id => false,
        Some(Value::Array(all)) if all.len() <= AUDIENCES_MAX && all.iter().all(Value::is_string) => {
            if !all.iter().any(|aud| aud.as_str() == Some(client_id)) {
                return Err("the id_token is for another audience");
            }
            all.len() > 1
        }
        Some(_) | None => return Err("the id_token is for another audience"),
    };
    match claims.get("azp") {
        Some(azp) if azp.as_str() != Some(client_id) => Err("the id_token was asked for by another client"),
        None if others => Err("the id_token is for several, and does not say who asked for it"),
        Some(_) | None => Ok(()),
    }
}

/// Whether it is in force, and was made for this very sign-in.
fn in_force(claims: &Map<String, Value>, now_s: i64) -> Result<(), &'static str> {
    let time = |name: &str| claims.get(name).and_then(Value::as_i64).filter(|at| *at >= 0);
    let (Some(exp), Some(iat)) = (time("exp"), time("iat")) else {
        return Err("exp and iat of the id_token are not both there, in whole seconds");
    };
    if claims.contains_key("nbf") && time("nbf").is_none_or(|nbf| nbf > now_s + CLOCK_S) {
        return Err("the id_token is not in force yet");
    }
    if exp <= now_s - CLOCK_S {
        return Err("the id_token has run out");
    }
    if iat > now_s + CLOCK_S || iat < now_s - FLOW_S - CLOCK_S {
        return Err("the id_token was not made just now");
    }
    Ok(())
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;
    const EXPECTED: Expected<'static> =
        Expected { issuer: "https://login.example", client_id: "sluice", nonce: "the nonce", signed_in_since: None };

    fn opened(header: Value, claims: Value) -> Opened {
        Opened { header: header.as_object().unwrap().clone(), claims: claims.as_object().unwrap().clone() }
    }

    fn header() -> Value {
        json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })
    }

    fn claims() -> Value {
        json!({ "iss": "https://login.example", "aud": "sluice", "sub": "person 7", "nonce": "the nonce",
            "iat": NOW, "exp": NOW + 300 })
    }

    fn changed(name: &str, value: Value) -> Result<String, &'static str> {
        let mut changed = claims();
        changed[name] = value;
        subject(&opened(header(), changed), &EXPECTED, NOW)
    }

    #[test]
    fn a_token_that_says_all_that_it_must_tells_whom_it_is_about() {
        assert_eq!(subject(&opened(header(), claims()), &EXPECTED, NOW).as_deref(), Ok("person 7"));
        assert_eq!(changed("aud", json!(["sluice"])).as_deref(), Ok("person 7"));
        assert_eq!(changed("azp", json!("sluice")).as_deref(), Ok("person 7"));
        let mut several = claims();
        several["aud"] = json!(["other", "sluice"]);
        assert!(subject(&opened(header(), several.clone()), &EXPECTED, NOW).is_err());
        several["azp"] = json!("sluice");
        assert!(subject(&opened(header(), several), &EXPECTED, NOW).is_ok());
        for (name, value) in [("iat", json!(NOW + 60)), ("exp", json!(NOW - 59)), ("nbf", json!(NOW))] {
            assert!(changed(name, value).is_ok(), "{name}");
        }
    }

    #[test]
    fn t51_t52_t53_one_claim_that_is_wrong_is_enough() {
        for name in ["iss", "aud", "sub", "nonce", "iat", "exp"] {
            let mut without = claims();
            without.as_object_mut().unwrap().remove(name);
            assert!(subject(&opened(header(), without), &EXPECTED, NOW).is_err(), "without {name}");
            for value in [json!(null), json!([]), json!({}), json!(true), json!("")] {
                assert!(changed(name, value.clone()).is_err(), "{name}: {value}");
            }
        }
        for (name, value) in [
            ("iss", json!("https://login.example/")),
            ("iss", json!("https://LOGIN.example")),
            ("aud", json!("sluice2")),
            ("aud", json!(["other"])),
            ("aud", json!(["sluice", 7])),
            ("azp", json!("other")),
            ("azp", json!(null)),
            ("nonce", json!("another")),
            ("exp", json!(NOW - 60)),
            ("exp", json!(1.8e9)),
            ("exp", json!("1800000300")),
            ("iat", json!(NOW + 61)),
            ("iat", json!(NOW - 661)),
            ("iat", json!(-1)),
            ("nbf", json!(NOW + 61)),
            ("nbf", json!("now")),
            ("sub", json!("x".repeat(256))),
            ("sub", json!("línea")),
            ("sub", json!(7)),
        ] {
            assert!(changed(name, value.clone()).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn t51_a_header_chooses_neither_algorithm_nor_key() {
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("RS384")),
            ("alg", json!("rs256")),
            ("alg", json!(null)),
            ("typ", json!("at+jwt")),
            ("typ", json!("logout+jwt")),
            ("typ", json!(7)),
            ("kid", json!("")),
            ("kid", json!(null)),
            ("jku", json!("https://evil.example/keys")),
            ("jwk", json!({})),
            ("x5c", json!([])),
            ("crit", json!(["b64"])),
        ] {
            let mut header = header();
            header[name] = value.clone();
            assert!(subject(&opened(header, claims()), &EXPECTED, NOW).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn a_session_that_stood_at_the_provider_before_is_no_sign_in_anew() {
        let anew = Expected { signed_in_since: Some(NOW), ..EXPECTED };
        let signed_in = |at: Option<i64>| {
            let mut claims = claims();
            claims["auth_time"] = json!(at);
            subject(&opened(header(), claims), &anew, NOW).is_ok()
        };
        assert!(signed_in(Some(NOW)) && signed_in(Some(NOW - CLOCK_S)));
        assert!(!signed_in(Some(NOW - CLOCK_S - 1)) && !signed_in(None));
    }
}
