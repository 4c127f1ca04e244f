//! Registered apps.
//!
//! What an app may do is fixed at registration; every step of a launch reads the registration anew, so a client that was
//! switched off is off at once.

use crate::account::Account;
use crate::ports::Crypto;
use crate::stored;
use privacy::{Purpose, Scopes};
use serde::{Deserialize, Serialize};

/// How an app proves that it is itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientKind {
    /// It cannot keep a secret; PKCE and the redirect address bind it.
    Public,
    /// It holds a secret of 256 random bits; we keep its SHA-256 in hexadecimal.
    ConfidentialSymmetric {
        /// SHA-256 of the secret, lower-case hexadecimal.
        secret_sha256: String,
    },
    /// It signs statements about itself with a key of its own, of which we know the public half.
    ConfidentialAsymmetric {
        /// Where its public keys are.
        keys: Keys,
    },
}

/// Where the public keys of an app are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// Here: a JWK set (RFC 7517 section 5).
    Set(String),
    /// Published by the app at this https address.
    At(String),
}

/// A registered app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its public name in the protocol.
    pub client_id: String,
    /// Its name for people.
    pub name: String,
    /// How it proves itself.
    pub proof: ClientKind,
    /// Where codes may be sent, byte for byte; a loopback address may change its port.
    pub redirect_uris: Vec<String>,
    /// Where an EHR opens it; an app that is never opened from one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_uri: Option<String>,
    /// The most it may be granted.
    #[serde(with = "stored::scopes")]
    pub scopes: Scopes,
    /// For which purposes it may ask.
    #[serde(with = "stored::purposes")]
    pub purposes: Vec<Purpose>,
    /// Its owner as people know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its terms of use, an https address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_uri: Option<String>,
    /// Whether it is a resource server, which may ask what any access token stands for and not only its own.
    #[serde(default)]
    pub resource_server: bool,
    /// How it registered itself, where nobody else did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_itself: Option<Itself>,
    /// Whether it may be used at all.
    pub enabled: bool,
}

/// That an app registered itself: nobody has checked who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Itself {
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// The digest of the token with which it looks after its registration.
    pub token_sha256: String,
    /// Whether it said that it sends its secret in the form; both ways are taken.
    pub secret_in_form: bool,
}

impl Client {
    /// What is kept of a secret.
    pub fn secret_sha256(crypto: &impl Crypto, secret: &str) -> String {
        crypto.sha256(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the app must prove itself, with a secret or a key.
    pub fn is_confidential(&self) -> bool {
        match self.proof {
            ClientKind::Public => false,
            ClientKind::ConfidentialSymmetric { .. } | ClientKind::ConfidentialAsymmetric { .. } => true,
        }
    }

    /// Whether it is registered for what this person asks for.
    pub(crate) fn is_for(&self, account: &Account) -> bool {
        account.purpose().is_some_and(|purpose| self.purposes.contains(&purpose))
    }

    /// Whether a code may be sent there.
    pub fn may_redirect_to(&self, address: &str) -> bool {
        self.redirect_uris.iter().any(|registered| crate::redirect::same(registered, address))
    }
}
