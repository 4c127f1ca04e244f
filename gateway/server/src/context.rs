//! What every request needs, made once at start.

use crate::admit::Limits;
use crate::calls::Calls;
use crate::care::InCare;
use crate::keys::KeyRing;
use crate::paging::Pages;
use crate::ports::Ports;
use crate::records::Records;
use crate::route::Routes;
use crate::tokens::Tokens;
use crate::tries::Tries;
use crate::well_known::Brands;
use fhir::ResourceType;
pub use portal::{DemoClient, DemoUser};
use privacy::{Gate, Policies};
use smart::Authority;
use std::sync::Arc;

/// The resource types that are served.
pub const SERVED: [ResourceType; 26] = [
    ResourceType::AllergyIntolerance,
    ResourceType::Binary,
    ResourceType::CarePlan,
    ResourceType::CareTeam,
    ResourceType::Condition,
    ResourceType::Coverage,
    ResourceType::Device,
    ResourceType::DiagnosticReport,
    ResourceType::DocumentReference,
    ResourceType::Encounter,
    ResourceType::Goal,
    ResourceType::Immunization,
    ResourceType::Location,
    ResourceType::Medication,
    ResourceType::MedicationDispense,
    ResourceType::MedicationRequest,
    ResourceType::Observation,
    ResourceType::Organization,
    ResourceType::Patient,
    ResourceType::Practitioner,
    ResourceType::PractitionerRole,
    ResourceType::Procedure,
    ResourceType::Provenance,
    ResourceType::RelatedPerson,
    ResourceType::ServiceRequest,
    ResourceType::Specimen,
];

/// Who can walk through the doors of a demo: nobody of them exists.
#[derive(Default)]
pub struct Demo {
    /// People who can sign in.
    pub users: Vec<DemoUser>,
    /// Apps that are registered.
    pub clients: Vec<DemoClient>,
}

/// Everything a request may need.
pub struct Context {
    /// Scheme, host and port: `https://localhost:8443`.
    pub origin: String,
    /// The FHIR base, `{origin}/fhir`.
    pub fhir_base: String,
    /// The route table.
    pub routes: Routes,
    /// The one exit, with the ledger behind it.
    pub gate: Gate<store::Ledger>,
    /// What each purpose may see.
    pub policies: Policies,
    /// Policies of which there are none, for who meets that in a sandbox.
    pub(crate) no_policies: Policies,
    /// The recent calls of each app.
    pub(crate) calls: Calls,
    /// Launches that are walked through on our own page, in a sandbox.
    pub(crate) tries: Tries,
    /// Where records come from.
    pub records: Arc<Records>,
    /// The authorization server.
    pub authority: Authority<Ports>,
    /// What signs tokens.
    pub(crate) keys: Arc<KeyRing>,
    /// Tokens that were looked at a moment ago.
    pub(crate) tokens: Tokens,
    /// Who was in whose care a moment ago, by the word of a server behind us.
    pub(crate) in_care: InCare,
    /// Rate limits.
    pub limits: Limits,
    /// Page links.
    pub pages: Pages,
    /// `/metadata`, ready to send.
    pub capabilities: bytes::Bytes,
    /// The bundle of user-access brands, where one is published.
    pub(crate) brands: Option<Brands>,
    /// What the first page of a demo names.
    pub demo: Demo,
}
