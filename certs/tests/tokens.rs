//! Tokens as an attacker would bend them, and as an independent library makes and reads them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certs::Error;
use certs::client_key::ClientKey;
use certs::digest::{base64url, base64url_decode};
use certs::jwk::{self, Alg, PublicKey};
use certs::sign::SigningKey;
use certs::statement;
use certs::verify::{Expected, LEEWAY_SECS_MAX, TOKEN_BYTES_MAX, claimed_issuer, verify_jwt};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

const NOW: i64 = 1_790_000_000;
const EXPECTED: Expected<'static> = Expected { typ: "at+jwt", iss: "https://issuer", aud: "https://fhir" };

static EC: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate_es256().unwrap());
static RSA: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate_rs256().unwrap());

fn claims() -> Value {
    json!({ "iss": "https://issuer", "aud": "https://fhir", "sub": "p", "exp": NOW + 300, "iat": NOW, "nbf": NOW })
}

/// Any header and any payload, byte for byte, truly signed by the key.
fn forge(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
    let private = openssl::pkey::PKey::private_key_from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &private).unwrap();
    let raw = signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap();
    let signature = match key.alg() {
        Alg::Rs256 | Alg::Rs384 => raw,
        Alg::Es256 | Alg::Es384 => {
            let pair = openssl::ecdsa::EcdsaSig::from_der(&raw).unwrap();
            [pair.r().to_vec_padded(32).unwrap(), pair.s().to_vec_padded(32).unwrap()].concat()
        }
    };
    format!("{signed}.{}", base64url(&signature))
}

fn header(key: &SigningKey) -> Value {
    json!({ "alg": key.alg().name(), "typ": "at+jwt", "kid": key.kid() })
}

fn check(token: &str) -> Result<certs::verify::Claims, Error> {
    verify_jwt(token, &[EC.public_key(), RSA.public_key()], &EXPECTED, NOW, 0)
}

#[track_caller]
fn refused(token: &str, why: Error) {
    assert_eq!(check(token).err(), Some(why));
}

#[test]
fn what_we_sign_we_take() {
    for key in [&*EC, &*RSA] {
        let taken = check(&key.sign_jwt("at+jwt", &claims()).unwrap()).unwrap();
        assert_eq!(taken.text("sub"), Some("p"));
        assert_eq!(taken.integer("exp"), Some(NOW + 300));
        assert_eq!(Value::Object(taken.into_map()), claims());
        assert!(check(&forge(key, &header(key).to_string(), &claims().to_string())).is_ok());
    }
}

#[test]
fn the_alg_none_in_any_spelling_is_refused() {
    let good = EC.sign_jwt("at+jwt", &claims()).unwrap();
    let payload = good.split('.').nth(1).unwrap();
    for alg in ["none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "HS256", "RS256", "ES384", "PS256", "EdDSA"] {
        let mut head = header(&EC);
        head["alg"] = json!(alg);
        let head = base64url(head.to_string().as_bytes());
        refused(&format!("{head}.{payload}.{}", good.rsplit('.').next().unwrap()), Error::TokenAlgorithm);
        refused(&format!("{head}.{payload}."), Error::TokenForm);
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let private = openssl::pkey::PKey::private_key_from_pem(RSA.to_pem().unwrap().as_bytes()).unwrap();
    let public = private.public_key_to_pem().unwrap();
    let head = json!({ "alg": "HS256", "typ": "at+jwt", "kid": RSA.kid() }).to_string();
    let signed = format!("{}.{}", base64url(head.as_bytes()), base64url(claims().to_string().as_bytes()));
    let tag = base64url(&certs::digest::hmac_sha256(&public, signed.as_bytes()));
    refused(&format!("{signed}.{tag}"), Error::TokenAlgorithm);
}

#[test]
fn a_key_takes_no_algorithm_but_its_own() {
    // Truly signed by RSA with SHA-256, but named otherwise.
    for alg in ["RS384", "ES256", "none", "HS256"] {
        let mut head = header(&RSA);
        head["alg"] = json!(alg);
        refused(&forge(&RSA, &head.to_string(), &claims().to_string()), Error::TokenAlgorithm);
    }
    let mut head = header(&RSA);
    head["kid"] = json!(EC.kid());
    refused(&forge(&RSA, &head.to_string(), &claims().to_string()), Error::TokenAlgorithm);
}

#[test]
fn the_kid_is_compared_and_never_interpreted() {
    for kid in [
        json!(""),
        json!("*"),
        json!("../../../dev/null"),
        json!("' OR '1'='1"),
        json!(format!("{}\u{0}", EC.kid())),
        json!(EC.kid().to_lowercase()),
        json!([EC.kid()]),
        json!(0),
        json!(null),
    ] {
        let mut head = header(&EC);
        head["kid"] = kid;
        refused(&forge(&EC, &head.to_string(), &claims().to_string()), Error::TokenKey);
    }
    refused(&forge(&EC, r#"{"alg":"ES256","typ":"at+jwt"}"#, &claims().to_string()), Error::TokenKey);
    let token = EC.sign_jwt("at+jwt", &claims()).unwrap();
    let twins = [EC.public_key(), EC.public_key()];
    assert_eq!(verify_jwt(&token, &twins, &EXPECTED, NOW, 0).err(), Some(Error::TokenKey));
    assert_eq!(verify_jwt(&token, &[], &EXPECTED, NOW, 0).err(), Some(Error::TokenKey));
}

#[test]
fn another_key_under_the_same_name_does_not_verify() {
    let other = SigningKey::generate_es256().unwrap();
    let token = forge(&other, &header(&EC).to_string(), &claims().to_string());
    refused(&token, Error::TokenSignature);
}

#[test]
fn a_header_that_brings_its_own_key_or_rules_is_refused() {
    let stranger = SigningKey::generate_es256().unwrap();
    for (name, value) in [
        ("jwk", stranger.public_jwk()),
        ("jku", json!("https://attacker/keys")),
        ("x5u", json!("https://attacker/chain")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("jwk", json!(null)),
    ] {
        for key in [&*EC, &stranger] {
            let mut head = header(key);
            head[name] = value.clone();
            refused(&forge(key, &head.to_string(), &claims().to_string()), Error::TokenHeader);
        }
    }
}

#[test]
fn one_kind_of_token_never_passes_for_another() {
    for typ in [
        json!("JWT"),
        json!("logout+jwt"),
        json!("at"),
        json!("at+jwt "),
        json!("text/at+jwt"),
        json!(["at+jwt"]),
        json!(null),
    ] {
        let mut head = header(&EC);
        head["typ"] = typ;
        refused(&forge(&EC, &head.to_string(), &claims().to_string()), Error::TokenType);
    }
    let bare = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, EC.kid());
    refused(&forge(&EC, &bare, &claims().to_string()), Error::TokenType);
    for typ in ["AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(check(&EC.sign_jwt(typ, &claims()).unwrap()).is_ok());
    }
}

#[test]
fn two_members_of_one_name_are_refused_wherever_they_stand() {
    let kid = EC.kid();
    let good = claims().to_string();
    for head in [
        format!(r#"{{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","\u0061lg":"none","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","typ":"JWT","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"x","kid":"{kid}"}}"#),
    ] {
        refused(&forge(&EC, &head, &good), Error::TokenForm);
    }
    let head = header(&EC).to_string();
    let open = good.strip_suffix('}').unwrap();
    for more in [r#","sub":"q"}"#, r#","exp":9999999999}"#, r#","\u0073ub":"q"}"#, r#","x":{"a":1,"a":1}}"#] {
        refused(&forge(&EC, &head, &format!("{open}{more}")), Error::TokenForm);
    }
}

#[test]
fn times_are_whole_seconds_or_refused() {
    let head = header(&EC).to_string();
    for name in ["exp", "nbf", "iat"] {
        for value in [
            r#""1790000300""#,
            "1790000300.0",
            "1790000300.5",
            "1.7900003e9",
            "1790000300e0",
            "null",
            "true",
            "[]",
            "[1790000300]",
            "{}",
            "-1",
            "-9223372036854775808",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "1e400",
            "99999999999999999999999",
            "253402300800",
            r#"{"$serde_json::private::Number":"1790000300"}"#,
        ] {
            let mut all = claims();
            all[name] = json!("@");
            let payload = all.to_string().replace(r#""@""#, value);
            let why = check(&forge(&EC, &head, &payload)).err();
            // 1e400 is no number that the reader can hold, so there the whole token falls.
            assert!(matches!(why, Some(Error::TokenTime | Error::TokenForm)), "{name} {value}: {why:?}");
        }
    }
    let mut without = claims();
    without.as_object_mut().unwrap().shift_remove("exp");
    refused(&forge(&EC, &head, &without.to_string()), Error::TokenTime);
}

#[test]
fn a_token_is_in_force_from_its_beginning_to_its_end() {
    let sign = |name: &str, at: i64| {
        let mut all = claims();
        all[name] = json!(at);
        EC.sign_jwt("at+jwt", &all).unwrap()
    };
    let keys = [EC.public_key()];
    let with = |token: &str, leeway| verify_jwt(token, &keys, &EXPECTED, NOW, leeway).err();
    assert_eq!(with(&sign("exp", NOW), 0), Some(Error::TokenExpired));
    assert_eq!(with(&sign("exp", NOW + 1), 0), None);
    assert_eq!(with(&sign("exp", NOW - 29), 30), None);
    assert_eq!(with(&sign("exp", NOW - 30), 30), Some(Error::TokenExpired));
    assert_eq!(with(&sign("exp", NOW - i64::from(LEEWAY_SECS_MAX)), u32::MAX), Some(Error::TokenExpired));
    for name in ["nbf", "iat"] {
        assert_eq!(with(&sign(name, NOW + 1), 0), Some(Error::TokenEarly));
        assert_eq!(with(&sign(name, NOW + 1), 1), None);
        assert_eq!(with(&sign(name, NOW + 61), u32::MAX), Some(Error::TokenEarly));
    }
    let token = EC.sign_jwt("at+jwt", &claims()).unwrap();
    for now in [i64::MIN, -1, 0, i64::MAX] {
        assert!(verify_jwt(&token, &keys, &EXPECTED, now, u32::MAX).is_err());
    }
}

#[test]
fn issuer_and_audience_are_exact() {
    let head = header(&EC).to_string();
    let with = |name: &str, value: Value| {
        let mut all = claims();
        all[name] = value;
        forge(&EC, &head, &all.to_string())
    };
    for iss in [
        json!("https://issuer/"),
        json!("https://ISSUER"),
        json!("http://issuer"),
        json!(["https://issuer"]),
        json!(null),
    ] {
        refused(&with("iss", iss), Error::TokenIssuer);
    }
    for aud in [
        json!("https://fhir/"),
        json!("https://FHIR"),
        json!([]),
        json!(["https://fhir", "https://other"]),
        json!([["https://fhir"]]),
        json!({ "https://fhir": 1 }),
        json!(null),
    ] {
        refused(&with("aud", aud), Error::TokenAudience);
    }
    assert!(check(&with("aud", json!(["https://fhir"]))).is_ok());
    let mut without = claims();
    without.as_object_mut().unwrap().shift_remove("aud");
    refused(&forge(&EC, &head, &without.to_string()), Error::TokenAudience);
}

#[test]
fn every_truncation_and_every_changed_character_is_refused() {
    let token = EC.sign_jwt("at+jwt", &claims()).unwrap();
    for end in 0..token.len() {
        assert!(check(token.get(..end).unwrap()).is_err(), "cut at {end}");
    }
    for at in 0..token.len() {
        for other in ["A", "_", ".", "=", "%", " ", "é"] {
            let changed = format!("{}{other}{}", token.get(..at).unwrap(), token.get(at + 1..).unwrap());
            assert!(changed == token || check(&changed).is_err(), "{other} at {at}");
        }
    }
    for end in ["=", "==", " ", "\n", ".", "A", ".A"] {
        assert!(check(&format!("{token}{end}")).is_err());
        assert!(check(&format!("{end}{token}")).is_err());
    }
}

#[test]
fn a_signature_is_r_and_s_of_full_length_and_nothing_else() {
    // DER instead of r and s, and the all-zero signature of CVE-2022-21449.
    let token = EC.sign_jwt("at+jwt", &claims()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let raw = base64url_decode(signature).unwrap();
    assert_eq!(raw.len(), 64);
    let (r, s) = raw.split_at(32);
    let big = |bytes| openssl::bn::BigNum::from_slice(bytes).unwrap();
    let der = openssl::ecdsa::EcdsaSig::from_private_components(big(r), big(s)).unwrap().to_der().unwrap();
    for other in [der, vec![0; 64], [&[0][..], &raw].concat(), [&raw[..], &[0]].concat(), vec![0xff; 64]] {
        refused(&format!("{signed}.{}", base64url(&other)), Error::TokenSignature);
    }
}

#[test]
fn a_token_beyond_the_bound_is_not_even_read() {
    refused(&"a".repeat(TOKEN_BYTES_MAX + 1), Error::TokenSize);
    refused(&".".repeat(TOKEN_BYTES_MAX), Error::TokenForm);
}

#[test]
fn the_claimed_issuer_is_read_as_strictly_as_a_verified_one() {
    let token = EC.sign_jwt("JWT", &claims()).unwrap();
    assert_eq!(claimed_issuer(&token).as_deref(), Ok("https://issuer"));
    let twice = forge(&EC, "{}", r#"{"iss":"a","iss":"b"}"#);
    assert_eq!(claimed_issuer(&twice), Err(Error::TokenForm));
    assert_eq!(claimed_issuer(&forge(&EC, "{}", r#"{"iss":7}"#)), Err(Error::TokenIssuer));
    assert_eq!(claimed_issuer("e30"), Err(Error::TokenForm));
}

#[test]
fn an_independent_library_reads_our_tokens_from_our_published_key() {
    for (key, alg) in [(&*EC, jsonwebtoken::Algorithm::ES256), (&*RSA, jsonwebtoken::Algorithm::RS256)] {
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.public_jwk()).unwrap();
        assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), key.kid());
        let mut rules = jsonwebtoken::Validation::new(alg);
        rules.validate_exp = false;
        rules.set_audience(&["https://fhir"]);
        let token = key.sign_jwt("at+jwt", &claims()).unwrap();
        let read =
            jsonwebtoken::decode::<Value>(&token, &jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(), &rules).unwrap();
        assert_eq!(read.claims, claims());
    }
}

/// A client as SMART knows them: its keys come as a JWK set, its assertion is ES384 or RS384.
#[test]
fn we_read_the_assertions_of_an_independent_library() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use openssl::{bn, ec, nid::Nid, pkey::PKey, rsa::Rsa};
    let group = ec::EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
    let curve = ec::EcKey::generate(&group).unwrap();
    let (mut x, mut y) = (bn::BigNum::new().unwrap(), bn::BigNum::new().unwrap());
    let mut context = bn::BigNumContext::new().unwrap();
    curve.public_key().affine_coordinates(&group, &mut x, &mut y, &mut context).unwrap();
    let rsa = Rsa::generate(2048).unwrap();
    let coordinate = |part: &bn::BigNum| base64url(&part.to_vec_padded(48).unwrap());
    let set = json!({ "keys": [
        { "kty": "EC", "crv": "P-384", "x": coordinate(&x), "y": coordinate(&y), "kid": "e", "key_ops": ["verify"], "ext": true },
        { "kty": "RSA", "n": base64url(&rsa.n().to_vec()), "e": "AQAB", "kid": "r", "alg": "RS384" },
    ]});
    let keys = jwk::read_set(set.to_string().as_bytes(), Alg::Rs384).unwrap();
    let expected = Expected { typ: "JWT", iss: "https://issuer", aud: "https://fhir" };
    let curve =
        EncodingKey::from_ec_pem(&PKey::from_ec_key(curve).unwrap().private_key_to_pem_pkcs8().unwrap()).unwrap();
    let rsa = EncodingKey::from_rsa_pem(&PKey::from_rsa(rsa).unwrap().private_key_to_pem_pkcs8().unwrap()).unwrap();
    for (alg, kid, key) in [(Algorithm::ES384, "e", curve), (Algorithm::RS384, "r", rsa)] {
        let mut head = Header::new(alg);
        head.kid = Some(kid.to_owned());
        let token = jsonwebtoken::encode(&head, &claims(), &key).unwrap();
        assert!(verify_jwt(&token, &keys, &expected, NOW, 0).is_ok(), "{alg:?}");
        assert_eq!(statement::prove(&token, &keys), Ok(()), "{alg:?}");
        let at_token = Expected { typ: "at+jwt", ..expected };
        assert_eq!(verify_jwt(&token, &keys, &at_token, NOW, 0).err(), Some(Error::TokenType));
    }
}

/// SMART lets a set hold an RSA and an EC key of one name; the algorithm says which is meant.
#[test]
fn a_statement_is_proven_under_the_one_key_of_its_name_and_kind() {
    let (curve, rsa) = (ClientKey::generate().unwrap(), SigningKey::generate_rs256().unwrap());
    let named = |mut jwk: Value, alg: Option<&str>| {
        jwk["kid"] = json!("one");
        jwk["alg"] = json!(alg);
        jwk.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        jwk
    };
    let (e, r) = (named(curve.public_jwk(), None), named(rsa.public_jwk(), None));
    let keys = |set: &[&Value]| statement::read_keys(&json!({ "keys": set }).to_string());
    let pem = rsa.to_pem().unwrap();
    let signed = |alg, kid: &str| {
        let mut head = jsonwebtoken::Header::new(alg);
        head.kid = Some(kid.to_owned());
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        jsonwebtoken::encode(&head, &claims(), &key).unwrap()
    };
    use jsonwebtoken::Algorithm::{RS256, RS384};
    assert_eq!(statement::prove(&signed(RS384, "one"), &keys(&[&e, &r]).unwrap()), Ok(()));
    assert_eq!(statement::prove(&signed(RS384, "two"), &keys(&[&e, &r]).unwrap()), Err(Error::TokenKey));
    assert_eq!(statement::prove(&signed(RS384, "one"), &keys(&[&e]).unwrap()), Err(Error::TokenKey));
    assert_eq!(statement::prove(&signed(RS256, "one"), &keys(&[&e, &r]).unwrap()), Err(Error::TokenAlgorithm));
    assert_eq!(keys(&[&r, &r]).err(), Some(Error::JwkSet), "two keys of one name and kind");
    // A key that is pinned to what clients do not sign with is as if it were not there.
    let pinned = named(rsa.public_jwk(), Some("RS256"));
    assert_eq!(statement::prove(&signed(RS384, "one"), &keys(&[&pinned]).unwrap()), Err(Error::TokenKey));
    for (alg, expected) in
        [("none", Error::TokenAlgorithm), ("HS256", Error::TokenAlgorithm), ("ES384", Error::TokenKey)]
    {
        let head = base64url(json!({ "alg": alg, "typ": "JWT", "kid": "one" }).to_string().as_bytes());
        let body = base64url(claims().to_string().as_bytes());
        let forged = format!("{head}.{body}.{}", base64url(&[7; 96]));
        assert_eq!(statement::prove(&forged, &keys(&[&r]).unwrap()), Err(expected), "{alg}");
    }
}

#[test]
fn es256_agrees_with_the_example_of_rfc_7515() {
    // RFC 7515, A.3: the signature is right, but there is no kid; with one of ours the signature no longer fits.
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "a3",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
    let key = PublicKey::from_jwk(jwk.as_object().unwrap(), Alg::Rs384).unwrap();
    assert_eq!(key.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert_eq!(verify_jwt(token, &[key], &EXPECTED, NOW, 0).err(), Some(Error::TokenType));
}

proptest! {
    #[test]
    fn no_text_makes_the_verifier_panic_or_agree(text in r"[A-Za-z0-9_.=\-é]{0,80}") {
        prop_assert!(check(&text).is_err());
    }

    #[test]
    fn no_signed_payload_makes_the_verifier_panic(payload in any::<String>(), head in any::<String>()) {
        prop_assert!(check(&forge(&EC, &header(&EC).to_string(), &payload)).is_err());
        prop_assert!(check(&forge(&EC, &head, &claims().to_string())).is_err());
    }

    #[test]
    fn any_changed_bit_of_the_decoded_parts_is_refused(part in 0_usize..3, at in any::<prop::sample::Index>()) {
        let token = RSA.sign_jwt("at+jwt", &claims()).unwrap();
        let mut parts: Vec<Vec<u8>> = token.split('.').map(|part| base64url_decode(part).unwrap()).collect();
        let bit = at.index(parts[part].len() * 8);
        parts[part][bit / 8] ^= 1 << (bit % 8);
        let changed = parts.iter().map(|part| base64url(part)).collect::<Vec<_>>().join(".");
        prop_assert!(check(&changed).is_err());
    }
}
