//! A small world for this crate's tests: principals, permits, documents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::ledger::{Entry, Ledger, LedgerDown, Receipt};
use crate::{Facts, Permit, Policies, Policy, Principal, Purpose, Question, Role, Scopes, Subject, Trace, decide};
use bytes::Bytes;
use fhir::interaction::Interaction;
use fhir::{Id, Instant, ResourceType};
use json::{Document, Limits};
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

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

/// A backend service for treatment, with these scopes.
pub(crate) fn service(scopes: &str) -> Principal {
    Principal {
        account: "app".to_owned(),
        fhir_user: None,
        role: Role::System,
        purpose: Purpose::Treatment,
        subject: Subject::Everyone,
        ..patient(scopes)
    }
}

fn trace() -> Trace {
    Trace { correlation: "c1".to_owned(), from: "127.0.0.1".to_owned() }
}

pub(crate) fn search(kind: ResourceType) -> Question {
    Question { interaction: Interaction::Search, kind, id: None, query: None, trace: trace() }
}

pub(crate) fn read(kind: ResourceType, of: &str) -> Question {
    Question { interaction: Interaction::Read, id: Some(id(of)), ..search(kind) }
}

pub(crate) fn permit_under(principal: Principal, question: Question, policies: &Policies) -> Permit {
    permit_about(principal, question, Subject::Nobody, policies)
}

/// A permit where the person may see these.
pub(crate) fn permit_about(principal: Principal, question: Question, reach: Subject, policies: &Policies) -> Permit {
    decide(Facts { principal: &Arc::new(principal), question, reach, policies }).unwrap()
}

pub(crate) fn permit(principal: Principal, question: Question) -> Permit {
    permit_under(principal, question, &policies())
}

/// A ledger in memory, which can be down.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) entries: Mutex<Vec<Entry>>,
    pub(crate) down: bool,
}

impl Ledger for Book {
    async fn record(&self, entry: Entry) -> Result<Receipt, LedgerDown> {
        if self.down {
            return Err(LedgerDown("the disk is full".to_owned()));
        }
        let mut entries = self.entries.lock().unwrap();
        entries.push(entry);
        Ok(Receipt { block: entries.len() as u64, place: 0 })
    }
}

/// The result of a future that never waits.
pub(crate) fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// Whether everything that one JSON says is said by the other; of what is contained, whole resources may be missing.
pub(crate) fn within(less: &Value, all: &Value) -> bool {
    match (less, all) {
        (Value::Object(less), Value::Object(all)) => less.iter().all(|(name, value)| match (all.get(name), value) {
            (Some(Value::Array(all)), Value::Array(less)) if name == "contained" => {
                less.iter().all(|one| all.iter().any(|other| within(one, other)))
            }
            (Some(other), _) => within(value, other),
            (None, _) => false,
        }),
        (Value::Array(less), Value::Array(all)) => {
            less.len() == all.len() && less.iter().zip(all).all(|(one, other)| within(one, other))
        }
        _ => less == all,
    }
}
