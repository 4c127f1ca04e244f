//! People who can sign in.

use crate::locale::Locale;
use crate::stored;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role};
use serde::{Deserialize, Serialize};

/// Bytes of a user name: an e-mail address may have 254.
pub const USERNAME_BYTES_MAX: usize = 254;
/// Bytes of a password: enough for a passphrase, too few to keep argon2 busy.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// A person who can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Opaque and never given to another: the `sub` of tokens.
    pub id: String,
    /// What the person types, in lower case.
    pub username: String,
    /// The password as a PHC string (argon2id).
    pub password: String,
    /// What kind of person.
    #[serde(with = "stored::role")]
    pub role: Role,
    /// The person as a resource.
    #[serde(with = "stored::fhir_user")]
    pub fhir_user: (ResourceType, Id),
    /// The language of their pages, when they chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Whether they may sign in at all.
    pub enabled: bool,
}

impl Account {
    /// A user name as it is kept: without spaces around it, in lower case.
    pub fn username_key(typed: &str) -> String {
        typed.trim().to_lowercase()
    }

    /// Why this person asks: a patient for their own record, a clinician to treat.
    pub fn purpose(&self) -> Purpose {
        match self.role {
            Role::Patient => Purpose::PatientRequest,
            Role::Clinician => Purpose::Treatment,
        }
    }
}
