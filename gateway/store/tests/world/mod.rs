//! A store in a folder of its own, people in it, and permits to look at them.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use bytes::Bytes;
use fhir::{Id, Instant, Interaction, ResourceType};
use json::{Document, Limits};
use privacy::ledger::{About, Entry, Event};
use privacy::{Facts, Permit, Phi, Policies, Principal, Purpose, Question, Role, Scopes, Subject, Trace, decide};
use std::sync::Arc;
use store::{Options, Put, Store};
use tempfile::TempDir;

/// Midnight of the day on which these tests were written.
pub const NOON: i64 = 1_795_435_200_000_000;

pub fn at(seconds: i64) -> Instant {
    Instant::from_micros(NOON + seconds * 1_000_000)
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub async fn open(dir: &TempDir) -> Store {
    Store::open(dir.path(), Options::new(at(0))).await.unwrap()
}

pub fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub fn put(kind: ResourceType, name: &str, body: &str) -> Put {
    Put::new(kind, id(name), Phi::new(Bytes::from(body.to_owned())))
}

/// A resource put under its own type and id.
pub fn put_whole(body: &str) -> Put {
    let document = document(body.as_bytes());
    let resource = fhir::Resource::of(document.root()).unwrap();
    Put::new(resource.kind(), resource.id().unwrap(), Phi::new(document.bytes().clone()))
}

pub fn document(bytes: &[u8]) -> Document {
    Document::parse(Bytes::copy_from_slice(bytes), &Limits::DEFAULT).unwrap()
}

pub fn text(document: &Document) -> String {
    String::from_utf8(document.bytes().to_vec()).unwrap()
}

pub fn principal(patients: &[&str], scopes: &str) -> Principal {
    Principal {
        client: "app".into(),
        grant: "g1".into(),
        account: "ana".into(),
        fhir_user: patients.first().map(|patient| (ResourceType::Patient, id(patient))),
        role: Role::Patient,
        purpose: Purpose::PatientRequest,
        scopes: Scopes::parse(scopes),
        subject: match patients {
            [] => Subject::Nobody,
            [one] => Subject::Patient(id(one)),
            many => Subject::Patients(many.iter().map(|patient| id(patient)).collect()),
        },
    }
}

pub fn permit_of(principal: Principal, interaction: Interaction, kind: ResourceType, asked: Option<&str>) -> Permit {
    let policies = Policies::shipped(|_| "test".to_owned()).unwrap();
    let question = Question { interaction, kind, id: asked.map(id), query: None, trace: Trace::default() };
    decide(Facts { principal: &Arc::new(principal), question, reach: Subject::Nobody, policies: &policies }).unwrap()
}

/// Leave for a patient's app with every scope to search a type.
pub fn to_search(patient: &str, kind: ResourceType) -> Permit {
    permit_of(principal(&[patient], "patient/*.rs"), Interaction::Search, kind, None)
}

/// Leave for a patient's app with every scope to read one resource.
pub fn to_read(patient: &str, kind: ResourceType, asked: &str) -> Permit {
    permit_of(principal(&[patient], "patient/*.rs"), Interaction::Read, kind, Some(asked))
}

pub fn entry(number: i64) -> Entry {
    Entry {
        at_us: NOON + number,
        event: Event::Disclosed,
        client: "app".into(),
        grant: "g1".into(),
        account: "ana".into(),
        fhir_user: Some("Patient/p1".into()),
        role: "patient".into(),
        purpose: "PATRQT".into(),
        policy: "PATRQT@1".into(),
        interaction: "search-type".into(),
        kind: "Observation".into(),
        id: None,
        query: Some("patient=p1".into()),
        correlation: format!("c{number}"),
        from: String::new(),
        refusal: None,
        looked: None,
        about: vec![About { patient: "p1".into(), resources: vec!["Observation/o1/_history/1".into()] }],
    }
}
