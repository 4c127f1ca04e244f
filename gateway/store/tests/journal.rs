//! The journal, and applying a message in one transaction.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use bridge::journal::{Answer, Appended, Ending, Entry, Journal, Key, Mark, Wanted};
use bridge::{Action, OrderNumber, Role, Stage, Standing};
use bytes::Bytes;
use fhir::ResourceType::{Observation, Patient};
use privacy::{Cursor, Phi, Source};
use store::{Applied, Crossed, Expected, Order, Put, Store, StoreError};
use world::{NOON, at, folder, id, open, put_whole, to_search};

fn key(control_id: &str, fingerprint: u8) -> Key {
    Key {
        sending_application: b"LAB".to_vec(),
        sending_facility: b"EAST".to_vec(),
        control_id: control_id.as_bytes().to_vec(),
        fingerprint: [fingerprint; 16],
    }
}

async fn keep(store: &Store, link: &str, key: Option<Key>) -> Appended {
    let raw = Phi::new(Bytes::from_static(b"MSH|^~\\&|\xff\x00"));
    store.append(Entry { link: link.into(), key, received_at_us: NOON, raw }).await.unwrap()
}

fn answer(text: &str) -> Answer {
    Answer { now: Some(text.as_bytes().to_vec()), later: None }
}

#[tokio::test]
async fn a_message_is_kept_byte_for_byte_and_shown_without_its_content() {
    let dir = folder();
    let store = open(&dir).await;
    assert_eq!(keep(&store, "lab", Some(key("1", 1))).await, Appended::New { sequence: 1 });
    store.close().await;
    let store = open(&dir).await;
    assert_eq!(store.raw(1).await.unwrap().unwrap().expose().as_ref(), b"MSH|^~\\&|\xff\x00");
    let kept = store.show(1).await.unwrap().unwrap();
    assert!(kept.key == Some(key("1", 1)) && kept.link == "lab" && kept.received_at_us == NOON);
    assert_eq!((kept.ending, kept.answer, kept.told, kept.conflicts_with), (None, None, false, None));
    assert!(store.show(2).await.unwrap().is_none() && store.raw(2).await.unwrap().is_none());
}

#[tokio::test]
async fn a_resend_is_told_what_the_first_was_told() {
    let dir = folder();
    let store = open(&dir).await;
    keep(&store, "lab", Some(key("1", 1))).await;
    assert_eq!(keep(&store, "lab", Some(key("1", 1))).await, Appended::Duplicate { sequence: 1, answer: None });
    store.mark(1, Mark::Promised(answer("AA"))).await.unwrap();
    let again = keep(&store, "lab", Some(key("1", 1))).await;
    assert_eq!(again, Appended::Duplicate { sequence: 1, answer: Some(answer("AA")) });
    store.mark(1, Mark::Ended(Ending::Applied, Some(answer("AE")))).await.unwrap();
    let kept = store.show(1).await.unwrap().unwrap();
    assert_eq!((kept.ending, kept.answer), (Some(Ending::Applied), Some(answer("AA"))), "a settled answer stays");
}

#[tokio::test]
async fn one_control_id_for_two_contents_is_a_conflict_and_both_are_kept() {
    let dir = folder();
    let store = open(&dir).await;
    keep(&store, "lab", Some(key("1", 1))).await;
    assert_eq!(keep(&store, "lab", Some(key("1", 2))).await, Appended::Conflict { sequence: 2, earlier: 1 });
    assert_eq!(keep(&store, "lab", Some(key("1", 2))).await, Appended::Duplicate { sequence: 2, answer: None });
    assert_eq!(store.show(2).await.unwrap().unwrap().conflicts_with, Some(1));
    assert_eq!(keep(&store, "lab", Some(key("1", 1))).await, Appended::Duplicate { sequence: 1, answer: None });
    assert_eq!(keep(&store, "other", Some(key("1", 2))).await, Appended::New { sequence: 3 });
    assert_eq!(keep(&store, "lab", None).await, Appended::New { sequence: 4 });
    assert_eq!(keep(&store, "lab", None).await, Appended::New { sequence: 5 });
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_resends_at_once_one_is_new() {
    let dir = folder();
    let store = open(&dir).await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { keep(&store, "lab", Some(key("1", 1))).await })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(matches!(task.await.unwrap(), Appended::New { .. }));
    }
    assert_eq!(new, 1);
}

#[tokio::test]
async fn the_quarantined_are_listed_oldest_first() {
    let dir = folder();
    let store = open(&dir).await;
    for number in 1..=6u64 {
        keep(&store, "lab", Some(key(&number.to_string(), 1))).await;
        match number % 3 {
            0 => store.mark(number, Mark::Ended(Ending::Quarantined, Some(answer("AA")))).await.unwrap(),
            1 => store.mark(number, Mark::Ended(Ending::Refused, Some(answer("AR")))).await.unwrap(),
            _ => store.mark(number, Mark::Told).await.unwrap(),
        }
    }
    let list = async |wanted, after, limit| {
        store.list(wanted, after, limit).await.unwrap().iter().map(|kept| kept.sequence).collect::<Vec<_>>()
    };
    assert_eq!(list(Wanted::All, 0, 100).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(list(Wanted::All, 2, 2).await, [3, 4]);
    assert_eq!(list(Wanted::Ended(Ending::Quarantined), 0, 100).await, [3, 6]);
    assert_eq!(list(Wanted::Unfinished, 0, 100).await, [2, 5]);
    assert!(store.mark(7, Mark::Told).await.is_err());
}

fn standing(status: &str) -> Standing {
    Standing {
        status: status.into(),
        stage: Stage::Final,
        reported_at_us: Some(NOON),
        sent_at_us: None,
        action: Action::Put,
    }
}

fn number(value: &str) -> OrderNumber {
    OrderNumber { role: Role::Filler, authority: "LAB".into(), value: value.into() }
}

fn applied(sequence: u64, key: &str, name: &str) -> Applied {
    let body = format!(r#"{{"resourceType":"Observation","id":"{name}","subject":{{"reference":"Patient/ana"}}}}"#);
    Applied {
        sequence,
        link: "lab".into(),
        puts: vec![put_whole(&body)],
        crossed: vec![Crossed {
            key: key.into(),
            kind: Observation,
            id: id(name),
            standing: standing("final"),
            members: vec!["Observation/x".into()],
        }],
        orders: vec![Order { number: number("7"), patient: id("ana") }],
        mark: Mark::Ended(Ending::Applied, Some(answer("AA"))),
        at: at(1),
    }
}

async fn results(store: &Store) -> usize {
    let query = fhir::search::Query::everything(Observation, "");
    let chunk = store.find(&to_search("ana", Observation), &query, &Cursor::Start, 50).await.unwrap();
    chunk.into_exposed().rows.len()
}

#[tokio::test]
async fn a_message_is_applied_whole() {
    let dir = folder();
    let store = open(&dir).await;
    keep(&store, "lab", Some(key("1", 1))).await;
    let versions = store.apply(applied(1, "k1", "o1")).await.unwrap();
    assert!(versions[0].new);
    assert_eq!(results(&store).await, 1);
    let crossed = store.crossed("lab", &["k1".into(), "k2".into()]).await.unwrap();
    assert_eq!(crossed, applied(1, "k1", "o1").crossed);
    assert!(store.crossed("other", &["k1".into()]).await.unwrap().is_empty());
    let owners = store.order_owners("lab", &[number("7"), number("8")]).await.unwrap();
    assert_eq!(owners, [Order { number: number("7"), patient: id("ana") }]);
    let kept = store.show(1).await.unwrap().unwrap();
    assert_eq!((kept.ending, kept.answer), (Some(Ending::Applied), Some(answer("AA"))));
    let again = store.apply(applied(1, "k1", "o1")).await.unwrap();
    assert!(!again[0].new, "applying again changes nothing");
}

#[tokio::test]
async fn a_message_that_cannot_be_applied_whole_leaves_nothing_behind() {
    let dir = folder();
    let store = open(&dir).await;
    keep(&store, "lab", Some(key("1", 1))).await;
    store.apply(applied(1, "k1", "o1")).await.unwrap();
    keep(&store, "lab", Some(key("2", 1))).await;
    let two_keys = Applied { crossed: applied(2, "k2", "o1").crossed, ..applied(2, "k2", "o2") };
    assert_eq!(store.apply(two_keys).await, Err(StoreError::TwoKeys));
    let two_ids = applied(2, "k1", "o2");
    assert_eq!(store.apply(two_ids).await, Err(StoreError::TwoKeys));
    let mut stale = applied(2, "k2", "o2");
    stale.puts = stale.puts.into_iter().map(|put| Put { expected: Expected::Version(1), ..put }).collect();
    assert_eq!(store.apply(stale).await, Err(StoreError::Stale));
    assert_eq!(store.apply(applied(9, "k2", "o2")).await, Err(StoreError::NoSuchMessage));
    assert_eq!(results(&store).await, 1);
    assert!(store.crossed("lab", &["k2".into()]).await.unwrap().is_empty());
    assert_eq!(store.show(2).await.unwrap().unwrap().ending, None);
}

#[tokio::test]
async fn identifiers_lead_to_every_patient_that_has_them() {
    let dir = folder();
    let store = open(&dir).await;
    let patient = |name: &str, value: &str| {
        put_whole(&format!(
            r#"{{"resourceType":"Patient","id":"{name}","identifier":[{{"system":"urn:mrn","value":"{value}"}}]}}"#
        ))
    };
    store.put(vec![patient("ana", "1"), patient("bea", "2"), patient("cid", "2")], at(0)).await.unwrap();
    let asked = |system: &str, value: &str| (system.to_owned(), value.to_owned());
    let asked = [asked("urn:mrn", "2"), asked("urn:other", "1"), asked("urn:mrn", "9"), asked("urn:mrn", "1")];
    let found = store.patients_by_identifier(&asked).await.unwrap();
    let found: Vec<(usize, String)> = found
        .expose()
        .iter()
        .map(|(place, patient)| (*place, patient.root().get("id").unwrap().text().unwrap().into_owned()))
        .collect();
    assert_eq!(found, [(0, "bea".into()), (0, "cid".into()), (3, "ana".into())]);
    assert_eq!(store.count(Patient).await.unwrap(), 3);
}
