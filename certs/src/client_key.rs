//! A key pair of a client, ES384, for whoever has to play one: a demo's backend service, a test.
//!
//! The gateway itself knows the public halves of its clients alone. Never leaves the private half in an error or in `Debug`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use openssl::pkey::PKey;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::digest::base64url;
use crate::jwk::{Alg, PublicKey};
use crate::sign::pem_of;
use crate::{Error, Result};

/// Bytes of a coordinate and of a private number on P-384.
const NUMBER_BYTES: usize = 48;

/// An EC P-384 key with its public half and its name, the RFC 7638 thumbprint.
pub struct ClientKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl ClientKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn generate() -> Result<ClientKey> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(|_| Error::Library)?;
        // Uncompressed: one byte that says so, then x and y.
        let point = pair.public_key().as_ref().get(1..).ok_or(Error::Library)?;
        let (x, y) = point.split_at_checked(NUMBER_BYTES).ok_or(Error::Library)?;
        let public = PublicKey::ec(String::new(), Alg::Es384, x, y).map_err(|_| Error::Library)?;
        Ok(ClientKey { pair, public: public.named_by_thumbprint() })
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The bare public JWK, as a client registers it.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.public.to_jwk()
    }

    /// The private JWK, which tells everything, as text that is wiped when dropped. Write it with mode 0600.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn private_jwk(&self) -> Result<Zeroizing<String>> {
        let number = self.private()?.ec_key()?.private_key().to_vec_padded(NUMBER_BYTES as i32)?;
        let mut jwk = self.public.to_jwk();
        let members = jwk.as_object_mut().ok_or(Error::Library)?;
        members.insert("d".to_owned(), json!(base64url(&number)));
        Ok(Zeroizing::new(jwk.to_string()))
    }

    /// The private key as unencrypted PKCS#8 PEM, wiped when dropped.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn to_pem(&self) -> Result<Zeroizing<String>> {
        pem_of(&self.private()?)
    }

    /// A statement of these claims, signed: a client assertion.
    ///
    /// # Errors
    /// [`Error::Claims`] where they cannot be written.
    pub fn state(&self, claims: &impl Serialize) -> Result<String> {
        let header = json!({ "alg": Alg::Es384.name(), "typ": "JWT", "kid": self.kid() }).to_string();
        let claims = serde_json::to_vec(claims).map_err(|_| Error::Claims)?;
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| Error::Library)?;
        Ok(format!("{signed}.{}", base64url(signature.as_ref())))
    }

    fn private(&self) -> Result<PKey<openssl::pkey::Private>> {
        Ok(PKey::private_key_from_pkcs8(self.pair.to_pkcs8v1().map_err(|_| Error::Library)?.as_ref())?)
    }
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClientKey").field(&self.public).finish()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::ClientKey;
    use crate::Error;
    use crate::statement::{open, prove, read_keys};
    use serde_json::{Value, json};

    #[test]
    fn what_a_client_states_is_proven_under_its_published_key_and_no_other() {
        let (key, other) = (ClientKey::generate().unwrap(), ClientKey::generate().unwrap());
        let set = |key: &ClientKey| read_keys(&json!({ "keys": [key.public_jwk()] }).to_string()).unwrap();
        let claims = json!({ "iss": "me" });
        let stated = key.state(&claims).unwrap();
        assert_eq!(Value::from(open(&stated).unwrap().claims), claims);
        assert_eq!(prove(&stated, &set(&key)), Ok(()));
        assert_eq!(prove(&stated, &set(&other)), Err(Error::TokenKey));
        let mut renamed = other.public_jwk();
        renamed["kid"] = json!(key.kid());
        let renamed = read_keys(&json!({ "keys": [renamed] }).to_string()).unwrap();
        assert_eq!(prove(&stated, &renamed), Err(Error::TokenSignature));
    }

    #[test]
    fn the_private_jwk_is_the_same_key_and_whole() {
        let key = ClientKey::generate().unwrap();
        let private: Value = serde_json::from_str(&key.private_jwk().unwrap()).unwrap();
        assert_eq!((&private["x"], &private["kid"]), (&key.public_jwk()["x"], &json!(key.kid())));
        assert_eq!(private["d"].as_str().map(str::len), Some(64));
        assert!(!format!("{key:?}").contains(private["d"].as_str().unwrap()));
    }
}
