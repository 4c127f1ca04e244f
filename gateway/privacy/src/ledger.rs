//! The ledger's entries, and the port behind which blocks of them are chained and made durable.
//!
//! One entry stands for one answer: everyone it was about, everything it held, for whom, why, and by which policy. Refusals
//! of known principals are entries too. An entry holds no health content: ids, codes and the question as it was asked.

use crate::principal::Role;
use fhir::Instant;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// An answer was released.
    Disclosed,
    /// A known principal was refused.
    Refused,
}

/// One patient, and what of theirs an answer held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The patient's id.
    pub patient: String,
    /// The resources, as `Type/id/_history/version` or `Type/id`.
    pub resources: Vec<String>,
}

/// What an operator saw of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The link that the message came over.
    pub link: String,
    /// Why, in the operator's own words.
    pub reason: String,
    /// Whether it holds something whose patient is not known.
    pub patient_unknown: bool,
}

/// One answer or one refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in microseconds since 1970, UTC.
    pub at_us: i64,
    /// Disclosed or refused.
    pub event: Event,
    /// The client's registered id.
    pub client: String,
    /// The grant or session.
    pub grant: String,
    /// The account that signed in; the client where none did; for an operator, their name on this machine.
    pub account: String,
    /// The person as a resource, `Patient/…` or `Practitioner/…`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fhir_user: Option<String>,
    /// `patient`, `representative`, `clinician`, `system` (a client by itself) or `operator`.
    pub role: String,
    /// The purpose of use, a v3 ActReason code.
    pub purpose: String,
    /// The policy and its version, `PATRQT@…`; empty when none was reached.
    pub policy: String,
    /// `read`, `vread`, `search-type` …
    pub interaction: String,
    /// The type asked for.
    pub kind: String,
    /// The id asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The query as it came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub query: Option<String>,
    /// The request's correlation id.
    pub correlation: String,
    /// The network address that the request came from; empty when there is none.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub from: String,
    /// Why it was refused: the name of a [`crate::Kind`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refusal: Option<String>,
    /// The kept message that was looked into, whole; its number is in `id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub looked: Option<Looked>,
    /// Everyone the answer was about. Empty when it held nothing, or nothing whose patient is known.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub about: Vec<About>,
}

impl Entry {
    /// When.
    pub fn at(&self) -> Instant {
        Instant::from_micros(self.at_us)
    }
}

/// Proof that an entry is durable, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The block that holds it.
    pub block: u64,
    /// Its place in the block, from 0.
    pub place: u32,
}

/// The ledger could not make an entry durable; nothing may leave.
#[derive(Debug, thiserror::Error)]
#[error("the ledger does not take entries: {0}")]
pub struct LedgerDown(pub String);

/// Where entries become durable.
pub trait Ledger: Send + Sync {
    /// Makes the entry durable, chained to all before it, and only then returns.
    ///
    /// # Errors
    /// [`LedgerDown`] when it is not durable, whatever the reason.
    fn record(&self, entry: Entry) -> impl Future<Output = Result<Receipt, LedgerDown>> + Send;
}

impl Role {
    /// The role named by an entry.
    pub fn of(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }
}
