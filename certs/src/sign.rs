//! Our own signing keys and the tokens they sign.
//!
//! ES256 for access tokens, RS256 for id_tokens, whose readers are often old. A key's name is its RFC 7638 thumbprint,
//! so two nodes with one key agree on it without being told. Never leaves a private key in an error or in `Debug`.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use openssl::pkey::PKey;
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::digest::base64url;
use crate::jwk::{Alg, PublicKey};
use crate::verify::TOKEN_BYTES_MAX;
use crate::{Error, Result};

/// A private key that signs tokens, with its public half and its name.
pub struct SigningKey {
    private: Private,
    public: PublicKey,
}

enum Private {
    Es256(EcdsaKeyPair),
    Rs256(rsa::KeyPair),
}

impl SigningKey {
    /// A new EC P-256 key.
    pub fn generate_es256() -> Result<Self> {
        Self::from_ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Library)?)
    }

    /// A new RSA key of 2048 bits; takes a tenth of a second or so.
    pub fn generate_rs256() -> Result<Self> {
        Self::from_rsa(rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Library)?)
    }

    /// Reads an unencrypted PKCS#8 PEM: EC P-256 signs ES256, RSA of 2048 to 4096 bits signs RS256.
    ///
    /// [`Error::KeyPem`] if it is no such file, [`Error::KeyKind`] if it holds another kind of key.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| Error::KeyPem)?;
        let der = der.secret_pkcs8_der();
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Self::from_ec(pair);
        }
        Self::from_rsa(rsa::KeyPair::from_pkcs8(der).map_err(|_| Error::KeyKind)?)
    }

    fn from_ec(pair: EcdsaKeyPair) -> Result<Self> {
        // Uncompressed: one byte that says so, then x and y of 32 bytes each.
        let point = pair.public_key().as_ref();
        let (x, y) = (point.get(1..33).ok_or(Error::Library)?, point.get(33..).ok_or(Error::Library)?);
        let public = PublicKey::ec(String::new(), Alg::Es256, x, y).map_err(|_| Error::Library)?;
        Ok(Self { private: Private::Es256(pair), public: public.named_by_thumbprint() })
    }

    fn from_rsa(pair: rsa::KeyPair) -> Result<Self> {
        let parts = openssl::rsa::Rsa::public_key_from_der_pkcs1(pair.public_key().as_ref())?;
        let public = PublicKey::rsa(String::new(), Alg::Rs256, &parts.n().to_vec(), &parts.e().to_vec())
            .map_err(|_| Error::KeyKind)?;
        Ok(Self { private: Private::Rs256(pair), public: public.named_by_thumbprint() })
    }

    /// The private key as unencrypted PKCS#8 PEM, wiped when dropped. Write it with mode 0600.
    pub fn to_pem(&self) -> Result<Zeroizing<String>> {
        let key = match &self.private {
            Private::Es256(pair) => {
                PKey::private_key_from_pkcs8(pair.to_pkcs8v1().map_err(|_| Error::Library)?.as_ref())?
            }
            Private::Rs256(pair) => PKey::private_key_from_pkcs8(pair.as_der().map_err(|_| Error::Library)?.as_ref())?,
        };
        pem_of(&key)
    }

    /// The RFC 7638 thumbprint that names this key in tokens and in the JWKS.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The algorithm it signs with.
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.public.alg()
    }

    /// The half that verifies.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    /// The bare public JWK, with `use`, `alg` and `kid`.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.public.to_jwk()
    }

    /// A compact JWS of `claims`, with the header `alg`, `typ` (`at+jwt`, `JWT`, ...) and `kid`.
    ///
    /// [`Error::Claims`] unless they serialize to an object within [`TOKEN_BYTES_MAX`].
    pub fn sign_jwt(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let header = json!({ "alg": self.alg().name(), "typ": typ, "kid": self.kid() }).to_string();
        let claims = serde_json::to_vec(claims).map_err(|_| Error::Claims)?;
        if claims.first() != Some(&b'{') {
            return Err(Error::Claims);
        }
        let mut token = base64url(header.as_bytes());
        token.push('.');
        token.push_str(&base64url(&claims));
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url(&signature));
        if token.len() > TOKEN_BYTES_MAX { Err(Error::Claims) } else { Ok(token) }
    }

    /// The raw signature over `message`, in the form that JWS wants (RFC 7518, 3.3 and 3.4).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Es256(pair) => Ok(pair.sign(&random, message).map_err(|_| Error::Library)?.as_ref().to_vec()),
            Private::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| Error::Library)?;
                Ok(signature)
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public).finish()
    }
}

/// A private key as PKCS#8 PEM, wiped when dropped.
pub(crate) fn pem_of(key: &PKey<openssl::pkey::Private>) -> Result<Zeroizing<String>> {
    // The text is moved into the string, not copied, so that one wipe is enough.
    String::from_utf8(key.private_key_to_pem_pkcs8()?).map(Zeroizing::new).map_err(|_| Error::Library)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::SigningKey;
    use crate::Error;
    use crate::jwk::Alg;
    use openssl::{ec, nid::Nid, pkey::PKey, rsa::Rsa};
    use serde_json::json;

    #[test]
    fn a_key_survives_its_pem() {
        for key in [SigningKey::generate_es256().unwrap(), SigningKey::generate_rs256().unwrap()] {
            let pem = key.to_pem().unwrap();
            assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
            let again = SigningKey::from_pem(&pem).unwrap();
            assert_eq!((again.kid(), again.alg()), (key.kid(), key.alg()));
            assert_eq!(again.public_jwk(), key.public_jwk());
        }
    }

    #[test]
    fn the_jwk_is_bare_and_public() {
        let jwk = SigningKey::generate_es256().unwrap().public_jwk();
        let names: Vec<&String> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(names, ["kty", "crv", "x", "y", "use", "alg", "kid"]);
        let jwk = SigningKey::generate_rs256().unwrap().public_jwk();
        let names: Vec<&String> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(names, ["kty", "n", "e", "use", "alg", "kid"]);
    }

    #[test]
    fn keys_made_by_openssl_are_read_and_weak_or_other_ones_refused() {
        let pem =
            |key: PKey<openssl::pkey::Private>| String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let curve = |nid| {
            let group = ec::EcGroup::from_curve_name(nid).unwrap();
            pem(PKey::from_ec_key(ec::EcKey::generate(&group).unwrap()).unwrap())
        };
        let rsa = |bits| pem(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap());
        assert_eq!(SigningKey::from_pem(&curve(Nid::X9_62_PRIME256V1)).unwrap().alg(), Alg::Es256);
        assert_eq!(SigningKey::from_pem(&rsa(3072)).unwrap().alg(), Alg::Rs256);
        assert_eq!(SigningKey::from_pem(&curve(Nid::SECP384R1)).err(), Some(Error::KeyKind));
        assert_eq!(SigningKey::from_pem(&rsa(1024)).err(), Some(Error::KeyKind));
        assert_eq!(SigningKey::from_pem(&pem(PKey::generate_ed25519().unwrap())).err(), Some(Error::KeyKind));
        assert_eq!(SigningKey::from_pem("").err(), Some(Error::KeyPem));
        assert_eq!(SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n").err(), Some(Error::KeyPem));
    }

    #[test]
    fn debug_shows_no_private_key() {
        let key = SigningKey::generate_es256().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey(PublicKey {{ kid: {:?}, alg: Es256 }})", key.kid()));
    }

    #[test]
    fn only_objects_of_a_tokens_size_are_signed() {
        let key = SigningKey::generate_es256().unwrap();
        assert_eq!(key.sign_jwt("JWT", &json!([1])), Err(Error::Claims));
        assert_eq!(key.sign_jwt("JWT", &json!({ "a": "x".repeat(20_000) })), Err(Error::Claims));
    }
}
