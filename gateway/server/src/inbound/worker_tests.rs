//! An inbox on a store of its own, taken up where a death left it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::upstream::Upstream;
use bridge::Authority;
use fhir::{Id, Instant, Resource, ResourceType};
use hl7v2::Hl7v2;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex as Shared;
use store::Options;
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

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

/// Ann Doe, under a number and an id.
fn patient(id: &str, number: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","active":true,"identifier":[{{"system":"urn:mrn","value":"{number}"}}],"name":[{{"family":"Doe"}}],"birthDate":"1980-02-03","gender":"female"}}"#
    )
}

async fn know(store: &Store, id: &str, number: &str) {
    let put = store::Put::new(ResourceType::Patient, Id::parse(id).unwrap(), Phi::new(patient(id, number).into()));
    store.put(vec![put], Instant::from_micros(0)).await.unwrap();
}

/// How the newest message ended.
async fn ending(store: &Store) -> Option<Ending> {
    store.list(Wanted::All, 0, 100).await.unwrap().last().unwrap().ending
}

/// A message of these segments behind its header.
fn lines(control: &str, segments: &[&str]) -> Phi<Bytes> {
    let header = format!("MSH|^~\\&|LAB|LABFAC|SLUICE|HOSP|20261120101500-0500||ORU^R01^ORU_R01|{control}|P|2.5.1");
    Phi::new(Bytes::from([&[header.as_str()], segments, &[""]].concat().join("\r")))
}

const ANN: &str = "PID|1||7^^^HOSP^MR||Doe^Ann||19800203|F";
const EVE: &str = "PID|1||8^^^HOSP^MR||Doe^Ann||19800203|F";

fn order(number: &str) -> String {
    let provider = "77^Newdoc^Eve^^^^^^NPI";
    format!("OBR|1|P{number}^HIS|F{number}^LAB|2345-7^Glucose^LN|||20261120090000-0500|||||||||{provider}")
}

const VALUE: &str = "OBX|1|ST|2345-7^Glucose^LN||5.5||||||F|||20261120090000-0500";

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
    let down = inbox_on(store.clone(), Records::Upstream(nobody, store.clone()));
    for (control, value) in [("C1", "first"), ("C2", "second")] {
        assert!(answered(&down, message_with(control, value)).await.contains("MSA|AA"), "kept, and so acknowledged");
    }
    assert_eq!(down.resume().await, 0, "it ends at the first that cannot be delivered");

    know(&store, "p1", "7").await;
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

#[tokio::test]
async fn what_can_never_be_written_waits_for_a_person_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = inbox(folder.path()).await;
    know(&inbox.store, "p1", "7").await;
    know(&inbox.store, "p2", "8").await;
    let many = format!("PID|1||{}||Doe^Ann||19800203|F", vec!["7^^^HOSP^MR"; 65].join("~"));
    for (nth, (segments, ends)) in [
        (vec![ANN, &order("1"), VALUE, EVE, &order("2"), VALUE], Ending::Applied),
        (vec![ANN, &order("3"), VALUE, ANN, &order("3"), VALUE], Ending::Quarantined),
        (vec![ANN, &order("4"), VALUE, EVE, &order("4"), VALUE], Ending::Quarantined),
        (vec![&many, &order("5"), VALUE], Ending::Quarantined),
        (vec![ANN, &order("6"), VALUE], Ending::Applied),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(answered(&inbox, lines(&format!("N{nth}"), &segments)).await.contains("MSA|AA"), "{segments:?}");
        assert_eq!(ending(&inbox.store).await, Some(ends), "{segments:?}");
    }
}

#[tokio::test]
async fn a_record_of_another_patient_is_never_written_over() {
    let specimen = "SPM|1|SP9^SP9||BLD^Blood^HL70487";
    let shared = |own: &str| format!("PID|1||SHARED^^^OTHER^XX~{own}^^^HOSP^MR||Doe^Ann||19800203|F");
    for (first, second) in [
        (
            vec![ANN.to_owned(), order("1"), VALUE.to_owned(), specimen.to_owned()],
            vec![EVE.to_owned(), order("2"), VALUE.to_owned(), specimen.to_owned()],
        ),
        (vec![shared("7"), VALUE.to_owned()], vec![shared("8"), VALUE.to_owned()]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let inbox = inbox(folder.path()).await;
        know(&inbox.store, "p1", "7").await;
        know(&inbox.store, "p2", "8").await;
        for (control, segments, ends) in [("A", &first, Ending::Applied), ("B", &second, Ending::Quarantined)] {
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            assert!(answered(&inbox, lines(control, &segments)).await.contains("MSA|AA"));
            assert_eq!(ending(&inbox.store).await, Some(ends), "{segments:?}");
        }
    }
}

/// A FHIR server that keeps what it is given, and whose first answer to a transaction is lost.
async fn forgetful() -> MockServer {
    let server = MockServer::start().await;
    let kept = Shared::new(HashMap::from([("Patient/p1".to_owned(), patient("p1", "7"))]));
    let answered = AtomicBool::new(false);
    let answer = move |request: &Request| {
        let mut kept = kept.lock().unwrap();
        let path = request.url.path().trim_start_matches("/fhir").trim_start_matches('/').to_owned();
        if request.method.as_str() == "POST" {
            let bundle: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            let entries = bundle["entry"].as_array().unwrap();
            for entry in entries {
                kept.insert(entry["request"]["url"].as_str().unwrap().to_owned(), entry["resource"].to_string());
            }
            if !answered.swap(true, Ordering::Relaxed) {
                return ResponseTemplate::new(500);
            }
            let done = vec![serde_json::json!({ "response": { "status": "200 OK" } }); entries.len()];
            let told = serde_json::json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": done });
            return ResponseTemplate::new(200).set_body_string(told.to_string());
        }
        if path == "Patient" {
            let row = format!(r#"{{"resource":{},"search":{{"mode":"match"}}}}"#, kept["Patient/p1"]);
            let set = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{row}]}}"#);
            return ResponseTemplate::new(200).set_body_string(set);
        }
        match kept.get(&path) {
            Some(found) => ResponseTemplate::new(200).set_body_string(found.clone()),
            None => ResponseTemplate::new(404),
        }
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn what_a_laboratory_takes_back_as_anothers_is_noted_before_the_server_behind_is_told() {
    let (folder, server) = (tempfile::tempdir().unwrap(), forgetful().await);
    let store = Store::open(folder.path(), Options::new(Instant::from_micros(0))).await.unwrap();
    let upstream = Upstream::new(format!("{}/fhir", server.uri()).parse().unwrap(), None).unwrap();
    let inbox = inbox_on(store.clone(), Records::Upstream(upstream, store.clone()));
    let filing = inbox.adapter.read(&inbox.link, &message("first")).filings.remove(0).into_exposed();
    let result = filing.records.iter().find(|record| record.kind == "Observation").unwrap();
    let id = Id::parse(&result.id).unwrap();
    // The first transaction is taken and its answer lost, so the second message takes it up again.
    for (control, status, withheld) in [("C1", "F", false), ("C2", "D", false), ("C3", "W", true)] {
        let value = format!("OBX|1|ST|2345-7^Glucose^LN||first||||||{status}");
        let order = "OBR|1|P1^HIS|F1^LAB|2345-7^Glucose^LN|||20261120090000-0500";
        assert!(answered(&inbox, lines(control, &[ANN, order, &value])).await.contains("MSA|AA"));
        let told = store.withholds_earlier(ResourceType::Observation, &id).await.unwrap();
        assert_eq!(told, withheld, "behind {status}");
    }
    assert!(!store.withholds_earlier(ResourceType::Observation, &Id::parse("another").unwrap()).await.unwrap());
}

#[tokio::test]
async fn a_result_whose_answer_from_behind_was_lost_is_filed_and_corrected_later() {
    let (folder, server) = (tempfile::tempdir().unwrap(), forgetful().await);
    let store = Store::open(folder.path(), Options::new(Instant::from_micros(0))).await.unwrap();
    let upstream = Upstream::new(format!("{}/fhir", server.uri()).parse().unwrap(), None).unwrap();
    let inbox = inbox_on(store.clone(), Records::Upstream(upstream, store.clone()));
    assert!(answered(&inbox, message_with("C1", "first")).await.contains("MSA|AA"), "kept, and so acknowledged");
    assert_eq!(ending(&store).await, None, "its answer was lost");
    assert!(answered(&inbox, message_with("C2", "second")).await.contains("MSA|AA"));
    let kept = store.list(Wanted::All, 0, 10).await.unwrap();
    assert!(kept.iter().all(|kept| kept.ending == Some(Ending::Applied)), "both are filed, in their order");
    let filing = inbox.adapter.read(&inbox.link, &message("first")).filings.remove(0).into_exposed();
    let result = filing.records.iter().find(|record| record.kind == "Observation").unwrap();
    let Records::Upstream(upstream, _) = inbox.records.as_ref() else { panic!() };
    let content = upstream.current(ResourceType::Observation, &result.id).await.unwrap().unwrap();
    let observation = Resource::of(content.expose().root()).unwrap();
    assert_eq!(observation.value().get("valueString").unwrap().text().unwrap(), "second");
}
