//! A small world for this crate's tests: principals, permits, documents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{Facts, Permit, Policies, Policy, Principal, Purpose, Question, Role, Scopes, Subject, decide};
use bytes::Bytes;
use fhir::interaction::Interaction;
use fhir::{Id, Instant, ResourceType};
use json::{Document, Limits};
use std::sync::Arc;

/// New Year 2026, UTC.
pub(crate) fn now() -> Instant {
    Instant::from_micros(1_767_225_600_000_000)
}

pub(crate) fn digest(_: &[u8]) -> String {
    "0123abcd".to_owned()
}

pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub(crate) fn document(text: impl Into<Bytes>) -> Document {
    Document::parse(text.into(), &Limits::DEFAULT).unwrap()
}

pub(crate) fn policies() -> Policies {
    Policies::shipped(digest).unwrap()
}

pub(crate) fn policy(text: &str) -> Policy {
    Policy::read(text, digest).unwrap()
}

/// The app of the patient `p`, with these scopes.
pub(crate) fn patient(scopes: &str) -> Principal {
    Principal {
        client: "app".to_owned(),
        grant: "grant".to_owned(),
        account: "account".to_owned(),
        fhir_user: Some((ResourceType::Patient, id("p"))),
        role: Role::Patient,
        purpose: Purpose::PatientRequest,
        scopes: Scopes::parse(scopes),
        subject: Subject::Patient(id("p")),
    }
}

pub(crate) fn search(kind: ResourceType) -> Question {
    Question { interaction: Interaction::Search, kind, id: None, query: None, correlation: "c1".to_owned() }
}

pub(crate) fn read(kind: ResourceType, of: &str) -> Question {
    Question { interaction: Interaction::Read, id: Some(id(of)), ..search(kind) }
}

pub(crate) fn permit_under(principal: Principal, question: Question, policies: &Policies) -> Permit {
    decide(Facts { principal: &Arc::new(principal), question, policies }).unwrap()
}

pub(crate) fn permit(principal: Principal, question: Question) -> Permit {
    permit_under(principal, question, &policies())
}
