//! Public keys as JSON Web Keys: read from others, thumbprinted, and pinned to one algorithm each.
//!
//! A key knows the single algorithm it verifies, so no token can talk it into another (RFC 8725, 3.1). A
//! [`PublicKey`] is parsed once and verifies many times. Never fetches a key set; never holds a private key.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use serde_json::{Map, Value, json};

use crate::digest::{base64url, base64url_decode, sha256};
use crate::{Error, Result, object};

/// Bytes of a JWK set: thirty-two RSA keys of 4096 bits with certificates beside them fit.
pub const SET_BYTES_MAX: usize = 256 * 1024;
/// Keys in a set; rotation needs two or three, the largest public issuers show about ten.
pub const SET_KEYS_MAX: usize = 32;
/// Characters of a `kid`: ours have 43, certificate-derived ones up to about 100.
pub const KID_CHARS_MAX: usize = 256;
/// Bits of an RSA modulus: below is breakable, above only costs time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A signature algorithm that we accept (RFC 7518, 3.1). There is no `none` and nothing symmetric here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384; SMART's for clients.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256; OpenID's default.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384; SMART's for clients.
    Rs384,
}

impl Alg {
    /// The name in `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
        }
    }

    /// The algorithm of this name, letter for letter.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Es256, Self::Es384, Self::Rs256, Self::Rs384].into_iter().find(|alg| alg.name() == name)
    }
}

/// A key that verifies signatures of one algorithm. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    alg: Alg,
    members: Members,
    parsed: ParsedPublicKey,
}

/// The members that make the key what it is, as base64url: those of the thumbprint.
#[derive(Clone, PartialEq, Eq)]
enum Members {
    Ec { crv: &'static str, x: String, y: String },
    Rsa { n: String, e: String },
}

impl PublicKey {
    /// Reads one public JWK (RFC 7517). A `kid` is required. An RSA key without `alg` is pinned to `unnamed_rsa`
    /// ([`Alg::Rs384`] for SMART clients, [`Alg::Rs256`] for OpenID issuers).
    ///
    /// [`Error::JwkPrivate`] if private members are present, else [`Error::Jwk`] for whatever we cannot use.
    pub fn from_jwk(jwk: &Map<String, Value>, unnamed_rsa: Alg) -> Result<Self> {
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| jwk.contains_key(*name)) {
            return Err(Error::JwkPrivate);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or(Error::Jwk);
        if jwk.contains_key("use") && text("use")? != "sig" {
            return Err(Error::Jwk);
        }
        if let Some(ops) = jwk.get("key_ops") {
            let verifies = ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
            if !verifies {
                return Err(Error::Jwk);
            }
        }
        let named = match jwk.get("alg") {
            None => None,
            Some(alg) => Some(alg.as_str().and_then(Alg::from_name).ok_or(Error::Jwk)?),
        };
        let kid = text("kid")?;
        if kid.is_empty() || kid.len() > KID_CHARS_MAX {
            return Err(Error::Jwk);
        }
        match text("kty")? {
            "EC" => {
                let alg = match text("crv")? {
                    "P-256" => Alg::Es256,
                    "P-384" => Alg::Es384,
                    _ => return Err(Error::Jwk),
                };
                if named.is_some_and(|named| named != alg) {
                    return Err(Error::Jwk);
                }
                Self::ec(kid.to_owned(), alg, &decode(text("x")?)?, &decode(text("y")?)?)
            }
            "RSA" => {
                let alg = named.unwrap_or(unnamed_rsa);
                Self::rsa(kid.to_owned(), alg, &decode(text("n")?)?, &decode(text("e")?)?)
            }
            _ => Err(Error::Jwk),
        }
    }

    /// A key on a curve, from its coordinates of exactly the curve's length.
    pub(crate) fn ec(kid: String, alg: Alg, x: &[u8], y: &[u8]) -> Result<Self> {
        let (crv, bytes, algorithm) = match alg {
            Alg::Es256 => ("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
            Alg::Es384 => ("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
            Alg::Rs256 | Alg::Rs384 => return Err(Error::Jwk),
        };
        if x.len() != bytes || y.len() != bytes {
            return Err(Error::Jwk);
        }
        let point = [&[4], x, y].concat(); // uncompressed (SEC 1, 2.3.3); parsing checks that it is on the curve
        let parsed = ParsedPublicKey::new(algorithm, point).map_err(|_| Error::Jwk)?;
        Ok(Self { kid, alg, members: Members::Ec { crv, x: base64url(x), y: base64url(y) }, parsed })
    }

    /// An RSA key, from modulus and exponent without leading zeros.
    pub(crate) fn rsa(kid: String, alg: Alg, n: &[u8], e: &[u8]) -> Result<Self> {
        let algorithm = match alg {
            Alg::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Alg::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Alg::Es256 | Alg::Es384 => return Err(Error::Jwk),
        };
        let bits = (n.len() * 8).saturating_sub(n.first().map_or(8, |first| first.leading_zeros() as usize));
        let minimal = n.first().is_some_and(|byte| *byte != 0) && e.first().is_some_and(|byte| *byte != 0);
        // 65537 and a few old small ones; above 32 bits an exponent only costs time.
        let odd = n.last().is_some_and(|byte| byte & 1 == 1) && e.last().is_some_and(|byte| byte & 1 == 1);
        if !RSA_BITS.contains(&bits) || !minimal || !odd || e.len() > 4 || e == [1] {
            return Err(Error::Jwk);
        }
        let parsed = RsaPublicKeyComponents { n, e }.to_parsed_public_key(algorithm).map_err(|_| Error::Jwk)?;
        Ok(Self { kid, alg, members: Members::Rsa { n: base64url(n), e: base64url(e) }, parsed })
    }

    /// The same key under the name that its own content gives it.
    pub(crate) fn named_by_thumbprint(mut self) -> Self {
        self.kid = self.thumbprint();
        self
    }

    /// The name by which tokens refer to it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm it verifies.
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The RFC 7638 thumbprint with SHA-256, as base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // Names in alphabetical order, no space; the values are base64url and need no escaping.
        let canonical = match &self.members {
            Members::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Members::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        base64url(&sha256(canonical.as_bytes()))
    }

    /// The bare public JWK with `use`, `alg` and `kid`, for a JWKS document.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let (kid, alg) = (&self.kid, self.alg.name());
        match &self.members {
            Members::Ec { crv, x, y } => {
                json!({ "kty": "EC", "crv": crv, "x": x, "y": y, "use": "sig", "alg": alg, "kid": kid })
            }
            Members::Rsa { n, e } => json!({ "kty": "RSA", "n": n, "e": e, "use": "sig", "alg": alg, "kid": kid }),
        }
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).field("alg", &self.alg).finish()
    }
}

/// Reads a JWK set (RFC 7517, 5). Keys of a kind that we do not use are passed over, as the RFC wants; private members,
/// two keys of one kid and algorithm or a malformed set are errors. `unnamed_rsa` is as in [`PublicKey::from_jwk`].
pub fn read_set(text: &[u8], unnamed_rsa: Alg) -> Result<Vec<PublicKey>> {
    if text.len() > SET_BYTES_MAX {
        return Err(Error::JwkSet);
    }
    let set = object::read(text).ok_or(Error::JwkSet)?;
    let listed = set.get("keys").and_then(Value::as_array).ok_or(Error::JwkSet)?;
    if listed.len() > SET_KEYS_MAX {
        return Err(Error::JwkSet);
    }
    let mut keys: Vec<PublicKey> = Vec::new();
    for jwk in listed {
        match PublicKey::from_jwk(jwk.as_object().ok_or(Error::JwkSet)?, unnamed_rsa) {
            Ok(key) if keys.iter().any(|other| other.kid == key.kid && other.alg == key.alg) => {
                return Err(Error::JwkSet);
            }
            Ok(key) => keys.push(key),
            Err(Error::JwkPrivate) => return Err(Error::JwkPrivate),
            Err(_) => {}
        }
    }
    Ok(keys)
}

/// A base64url member of a JWK.
fn decode(text: &str) -> Result<Vec<u8>> {
    base64url_decode(text).map_err(|_| Error::Jwk)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Alg, PublicKey, read_set};
    use crate::Error;
    use crate::sign::SigningKey;
    use serde_json::{Map, Value, json};

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
            tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS\
            D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = json!({ "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
        let key = PublicKey::from_jwk(&map(jwk), Alg::Rs384).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(key.alg(), Alg::Rs256);
    }

    #[test]
    fn what_cannot_be_a_public_signature_key_is_refused() {
        let good = SigningKey::generate_es256().unwrap().public_jwk();
        assert!(PublicKey::from_jwk(&map(good.clone()), Alg::Rs384).is_ok());
        for (name, value, why) in [
            ("d", json!("AA"), Error::JwkPrivate),
            ("k", json!("AA"), Error::JwkPrivate),
            ("use", json!("enc"), Error::Jwk),
            ("use", json!(7), Error::Jwk),
            ("key_ops", json!(["sign"]), Error::Jwk),
            ("alg", json!("none"), Error::Jwk),
            ("alg", json!("HS256"), Error::Jwk),
            ("alg", json!("ES384"), Error::Jwk),
            ("alg", json!("es256"), Error::Jwk),
            ("crv", json!("P-384"), Error::Jwk),
            ("crv", json!("secp256k1"), Error::Jwk),
            ("kty", json!("oct"), Error::Jwk),
            ("kty", json!("RSA"), Error::Jwk),
            ("kid", json!(""), Error::Jwk),
            ("kid", json!(1), Error::Jwk),
            ("kid", json!("k".repeat(257)), Error::Jwk),
            ("x", json!("AA"), Error::Jwk),
            ("x", json!("A".repeat(43)), Error::Jwk),
            ("y", json!(null), Error::Jwk),
        ] {
            let mut bad = map(good.clone());
            bad.insert(name.to_owned(), value);
            assert_eq!(PublicKey::from_jwk(&bad, Alg::Rs384).err(), Some(why), "{name}");
        }
    }

    #[test]
    fn weak_rsa_keys_are_refused() {
        let good = SigningKey::generate_rs256().unwrap().public_jwk();
        for (name, value) in
            [("e", "AQ"), ("e", "Ag"), ("e", "AAEAAQ"), ("e", "AQAAAAE"), ("n", "AQAB"), ("alg", "ES256")]
        {
            let mut bad = map(good.clone());
            bad.insert(name.to_owned(), json!(value));
            assert_eq!(PublicKey::from_jwk(&bad, Alg::Rs384).err(), Some(Error::Jwk), "{name} {value}");
        }
        let weak = openssl::rsa::Rsa::generate(1024).unwrap();
        assert_eq!(
            PublicKey::rsa("k".to_owned(), Alg::Rs256, &weak.n().to_vec(), &weak.e().to_vec()).err(),
            Some(Error::Jwk)
        );
    }

    #[test]
    fn a_set_passes_over_strangers_and_refuses_twins() {
        let key = SigningKey::generate_es256().unwrap().public_jwk();
        let stranger = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "o" });
        let set = json!({ "keys": [stranger, key] }).to_string();
        assert_eq!(read_set(set.as_bytes(), Alg::Rs384).unwrap().len(), 1);
        for bad in [
            json!({ "keys": [key, key] }),
            json!({ "keys": key }),
            json!({ "keys": ["x"] }),
            json!({}),
            json!([key]),
            json!({ "keys": vec![key.clone(); 33] }),
        ] {
            assert_eq!(read_set(bad.to_string().as_bytes(), Alg::Rs384).err(), Some(Error::JwkSet));
        }
        assert_eq!(read_set(br#"{"keys":[],"keys":[]}"#, Alg::Rs384).err(), Some(Error::JwkSet));
        let long = format!("{{\"keys\":[]{}}}", " ".repeat(super::SET_BYTES_MAX));
        assert_eq!(read_set(long.as_bytes(), Alg::Rs384).err(), Some(Error::JwkSet));
    }
}
