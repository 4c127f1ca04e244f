//! Bearer tokens: whatever is done to a genuine one, nothing opens that our key did not sign as it stands, and what opens
//! is what its grant says.
//!
//! The input is lines: how it is signed, the header, the claims (`$kid` is our key's name), and for `touched` bytes to be
//! changed in the finished token, as pairs of place and value. After `raw` the second line is the token.
#![no_main]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::jwk::{Alg, PublicKey};
use certs::verify::{Expected, claimed_issuer, verify_jwt};
use fhir::ResourceType;
use fuzz::desk::{self, BASE, Desk, NOW, id};
use libfuzzer_sys::fuzz_target;
use privacy::{Purpose, Role, Scopes, Subject};
use serde_json::{Map, Value, json};
use smart::ports::{Space, TokenFault};
use smart::{Authority, Grant};
use std::sync::LazyLock;

/// What the grant covers.
const SCOPES: &str = "launch/patient fhirUser patient/Observation.rs";
/// The claims of the token that is genuine.
const GENUINE: &str = include_str!("../seeds/jwt/genuine");

struct Keys {
    own: EcdsaKeyPair,
    foreign: EcdsaKeyPair,
    public: Vec<PublicKey>,
}

/// Made when the process begins: no key is ever committed.
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let pair = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (own, foreign, third) = (pair(), pair(), pair());
    // Another key of ours is there as well, under another name.
    let public = vec![public(&own, "kid-1"), public(&third, "kid-2")];
    Keys { own, foreign, public }
});

fn public(pair: &EcdsaKeyPair, kid: &str) -> PublicKey {
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid});
    PublicKey::from_jwk(jwk.as_object().expect("an object"), Alg::Es256).expect("a key")
}

static AUTHORITY: LazyLock<Authority<Desk>> = LazyLock::new(|| {
    let grant = Grant {
        id: "g1".to_owned(),
        client: "reader".to_owned(),
        account: "account-of-ana".to_owned(),
        username: "ana".to_owned(),
        role: Role::Patient,
        fhir_user: Some((ResourceType::Patient, id("ana"))),
        patient: Some(id("ana")),
        launch: None,
        scopes: Scopes::parse(SCOPES),
        purpose: Purpose::PatientRequest,
        session: None,
        created_s: NOW,
        used_s: NOW,
        expires_s: NOW + 7200,
        generation: 0,
        secret: String::new(),
        revoked_s: None,
    };
    let kept = serde_json::to_string(&grant).expect("a grant can be kept");
    desk::world(Desk::new(verify).with(Space::Grant, "g1", kept))
});

/// As the server does it.
fn verify(token: &str, iss: &str, aud: &str, now_s: i64) -> Result<Map<String, Value>, TokenFault> {
    match verify_jwt(token, &KEYS.public, &Expected { typ: "at+jwt", iss, aud }, now_s, 5) {
        Ok(claims) => Ok(claims.into_map()),
        Err(certs::Error::TokenExpired) => Err(TokenFault::Expired),
        Err(_) => Err(TokenFault::Invalid),
    }
}

fn signed(pair: &EcdsaKeyPair, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (how, header, claims, rest) = (part(), part(), part(), part());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("$kid", "kid-1");
    let (header, claims) = (text(header), text(claims));
    let keys = &*KEYS;
    // What our key signed, up to the second dot; nothing else may open anything.
    let (token, ours) = match how {
        b"signed" => {
            let token = signed(&keys.own, &header, &claims);
            (token.clone(), Some(token))
        }
        b"touched" => {
            let token = signed(&keys.own, &header, &claims);
            (touched(&token, rest), Some(token))
        }
        b"changed" => {
            // The signature of one token under the claims of another.
            let genuine = genuine();
            let signature = genuine.rsplit_once('.').expect("three parts").1;
            let other = format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&claims));
            (format!("{other}.{signature}"), Some(genuine))
        }
        b"foreign" => (signed(&keys.foreign, &header, &claims), None),
        b"mac" => {
            // Our public key, which everyone knows, as if it were a secret.
            let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&claims));
            let tag = certs::digest::hmac_sha256(keys.own.public_key().as_ref(), text.as_bytes());
            (format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag)), None)
        }
        b"bare" => (format!("{}.{}.", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&claims)), None),
        _ => (header.clone(), None),
    };
    drop(claimed_issuer(&token));
    let opened = AUTHORITY.principal(&token, NOW);
    let verified = verify(&token, BASE, BASE, NOW);
    assert!(opened.is_err() || verified.is_ok());
    if let Ok(claims) = &verified {
        let ours = ours.as_deref().and_then(|ours| ours.rsplit_once('.')).map(|(text, _)| text);
        let this = token.rsplit_once('.').map(|(text, _)| text);
        assert!(ours.is_some() && ours == this, "opened by what our key did not sign: {token}");
        in_order(claims, &header);
    }
    if let Ok(principal) = opened {
        assert_eq!((principal.client.as_str(), principal.grant.as_str()), ("reader", "g1"));
        assert_eq!((principal.account.as_str(), principal.purpose), ("account-of-ana", Purpose::PatientRequest));
        assert_eq!(principal.subject, Subject::Patient(id("ana")));
        assert!(Scopes::parse(SCOPES).cover(&principal.scopes));
    }
    if input == GENUINE.as_bytes() {
        assert!(verified.is_ok() && AUTHORITY.principal(&token, NOW).is_ok(), "the genuine one opens");
    }
});

fn genuine() -> String {
    let lines: Vec<String> = GENUINE.lines().map(|line| line.replace("$kid", "kid-1")).collect();
    signed(&KEYS.own, &lines[1], &lines[2])
}

/// The token with single characters changed.
fn touched(token: &str, changes: &[u8]) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for change in changes.chunks_exact(3).take(8) {
        let place = (usize::from(change[0]) * 256 + usize::from(change[1])) % bytes.len();
        bytes[place] = change[2] & 0x7f;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What was taken says what it must, by another reader.
fn in_order(claims: &Map<String, Value>, header: &str) {
    let header: Value = serde_json::from_str(header).unwrap_or_default();
    let says = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    assert_eq!((says("alg").as_str(), says("kid").as_str()), ("es256", "kid-1"));
    assert!(["at+jwt", "application/at+jwt"].contains(&says("typ").as_str()));
    let refused = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5c", "x5u"];
    assert!(refused.iter().all(|name| header.get(name).is_none()));
    assert_eq!(claims.get("iss"), Some(&json!(BASE)));
    assert!([Some(&json!(BASE)), Some(&json!([BASE]))].contains(&claims.get("aud")));
    assert!(claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp + 5 > NOW));
    let begun = |name: &str| claims.get(name).is_none_or(|at| at.as_i64().is_some_and(|at| at <= NOW + 5));
    assert!(begun("nbf") && begun("iat"));
}
