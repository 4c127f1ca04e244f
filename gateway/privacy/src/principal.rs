//! Who asks, through which client, and whom an answer is for.

use crate::permit::Subject;
use crate::purpose::Purpose;
use crate::scope::Scopes;
use fhir::{Id, ResourceType};

/// What kind of person signed in, or that nobody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A patient, for their own record.
    Patient,
    /// A representative of patients, with a patient's own rights for those whom they are named for.
    Representative,
    /// A clinician, for patients in their care.
    Clinician,
    /// A privacy officer, who looks after the rules.
    PrivacyOfficer,
    /// An administrator, who looks after the server.
    Administrator,
    /// An integrator, who looks after apps and links.
    Integrator,
    /// No person: a client that acts for itself.
    System,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 7] = [
        Role::Patient,
        Role::Representative,
        Role::Clinician,
        Role::PrivacyOfficer,
        Role::Administrator,
        Role::Integrator,
        Role::System,
    ];

    /// The word used in configuration and storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Patient => "patient",
            Role::Representative => "representative",
            Role::Clinician => "clinician",
            Role::PrivacyOfficer => "privacy-officer",
            Role::Administrator => "administrator",
            Role::Integrator => "integrator",
            Role::System => "system",
        }
    }
}

/// A known person acting through a known client, or such a client by itself, with what they were granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The client's registered id; the portal's own pages use `portal`.
    pub client: String,
    /// The grant or session that the credentials belong to.
    pub grant: String,
    /// The account that signed in; the client's id where none did.
    pub account: String,
    /// The person as a resource: `Patient/…`, `Practitioner/…` or `RelatedPerson/…`.
    pub fhir_user: Option<(ResourceType, Id)>,
    /// What kind of person.
    pub role: Role,
    /// Why they ask.
    pub purpose: Purpose,
    /// What the client may ask for.
    pub scopes: Scopes,
    /// About whom they may ask under `patient/` scopes, or a client that acts for itself under `system/` scopes. Whom a
    /// person sees under `user/` scopes changes with their care, and is a fact of each decision.
    pub subject: Subject,
}

impl Principal {
    /// The address of every answer to this principal.
    pub fn recipient(&self) -> Recipient {
        Recipient { client: self.client.clone(), grant: self.grant.clone() }
    }
}

/// Whom an answer is for. It comes from the permit, and nothing can change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    client: String,
    grant: String,
}

impl Recipient {
    pub(crate) fn of(client: &str, grant: &str) -> Recipient {
        Recipient { client: client.to_owned(), grant: grant.to_owned() }
    }

    /// Whether these are the credentials the answer is for.
    pub fn is(&self, principal: &Principal) -> bool {
        self.client == principal.client && self.grant == principal.grant
    }
}
