//! An inbox on a store of its own, taken up where a death left it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::upstream::Upstream;
use bridge::Authority;
use bridge::journal::Ending;
use fhir::{Id, Instant, ResourceType};
use hl7v2::Hl7v2;
use std::path::Path;
use store::Options;
use uuid::Uuid;

fn message(value: &str) -> Phi<Bytes> {
    message_with("C1", value)
}

fn message_with(control: &str, value: &str) -> Phi<Bytes> {
    let lines = [
        format!("MSH|^~\\&|LAB|LABFAC|SLUICE|HOSP|20261120101500-0500||ORU^R01^ORU_R01|{control}|P|2.5.1"),
        "PID|1||7^^^HOSP^MR||Doe^Ann||19800203|F".to_owned(),
        "OBR|1|P1^HIS|F1^LAB|2345-7^Glucose^LN|||20261120090000-0500".to_owned(),
        format!("OBX|1|ST|2345-7^Glucose^LN||{value}||||||F"),
        String::new(),
    ];
    Phi::new(Bytes::from(lines.join("\r")))
}

async fn inbox(folder: &Path) -> Inbox {
    let store = Store::open(folder, Options::new(Instant::from_micros(0))).await.unwrap();
    inbox_on(store.clone(), Records::Store(store))
}

fn inbox_on(store: Store, records: Records) -> Inbox {
    let authority = Authority {
        namespace_id: Some("HOSP".to_owned()),
        universal_id: None,
        system: "urn:mrn".to_owned(),
        patients: true,
    };
    let link = Link { authorities: vec![authority], original_mode: true, ..Link::new("lab", Uuid::from_u128(1)) };
    Inbox::new(link, Arc::new(Hl7v2), store, Arc::new(records))
}

/// Keeps a message as a process does that dies right behind it.
async fn keep(inbox: &Inbox, raw: Phi<Bytes>) -> Appended {
    let heading = inbox.adapter.heading(&inbox.link, &raw).unwrap();
    let key = Key::of(&heading, inbox.adapter.fingerprint(&inbox.link, &raw));
    inbox.store.append(Entry { link: "lab".to_owned(), key, received_at_us: 0, raw }).await.unwrap()
}

async fn answered(inbox: &Inbox, raw: Phi<Bytes>) -> String {
    match inbox.take(raw).await {
        Outcome::Answer { answers, .. } => answers.iter().map(|one| String::from_utf8_lossy(one)).collect(),
        Outcome::Silence => "silence".to_owned(),
        Outcome::Close => "close".to_owned(),
    }
}

#[tokio::test]
async fn a_reused_control_id_is_answered_in_error_even_when_the_process_died_before_it_could_be() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = inbox(folder.path()).await;
    assert!(answered(&inbox, message("first")).await.contains("MSA|AA|C1"));
    assert!(matches!(keep(&inbox, message("second")).await, Appended::Conflict { .. }));
    assert_eq!(inbox.resume().await, 1);
    let told = answered(&inbox, message("second")).await;
    assert!(told.contains("MSA|AE|C1"), "{told}");
}

#[tokio::test]
async fn a_message_that_was_kept_and_no_more_is_answered_when_it_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = inbox(folder.path()).await;
    keep(&inbox, message("first")).await;
    assert_eq!(inbox.resume().await, 1);
    assert!(answered(&inbox, message("first")).await.contains("MSA|AA|C1"));
}

#[tokio::test]
async fn nothing_overtakes_a_message_whose_delivery_failed_and_all_are_taken_up_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::new(Instant::from_micros(0))).await.unwrap();
    let nobody = Upstream::new("http://127.0.0.1:1/fhir".parse().unwrap(), None).unwrap();
    let down = inbox_on(store.clone(), Records::Upstream(nobody));
    for (control, value) in [("C1", "first"), ("C2", "second")] {
        assert!(answered(&down, message_with(control, value)).await.contains("MSA|AA"), "kept, and so acknowledged");
    }
    assert_eq!(down.resume().await, 0, "it ends at the first that cannot be delivered");

    let patient = r#"{"resourceType":"Patient","id":"p1","active":true,"identifier":[{"system":"urn:mrn","value":"7"}],"name":[{"family":"Doe"}],"birthDate":"1980-02-03","gender":"female"}"#;
    let put = store::Put::new(ResourceType::Patient, Id::parse("p1").unwrap(), Phi::new(patient.into()));
    store.put(vec![put], Instant::from_micros(0)).await.unwrap();
    let up = inbox_on(store.clone(), Records::Store(store.clone()));
    up.behind.store(true, Ordering::Relaxed);
    assert!(answered(&up, message_with("C3", "third")).await.contains("MSA|AA"));
    let kept = store.list(Wanted::All, 0, 10).await.unwrap();
    assert!(kept.iter().all(|kept| kept.ending == Some(Ending::Applied)));
    let filing = up.adapter.read(&up.link, &message("first")).filings.remove(0).into_exposed();
    let result = filing.records.iter().find(|record| record.kind == "Observation").unwrap();
    let (version, content) =
        store.current(ResourceType::Observation, &Id::parse(&result.id).unwrap()).await.unwrap().unwrap();
    let value = content.expose().root().get("valueString").unwrap().text().unwrap().into_owned();
    assert_eq!((version, value.as_str()), (3, "third"), "each once, in their order");
}
