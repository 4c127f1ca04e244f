//! Records: versions, bytes, and what is never found.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use fhir::ResourceType::{Binary, Observation, Organization, Patient, Practitioner, PractitionerRole};
use fhir::search::Query;
use fhir::{Interaction, ResourceType};
use json::Document;
use privacy::{Cursor, Judging, Permit, Source, Wanted};
use store::{Expected, Put, Store, StoreError};
use world::{at, folder, id, open, permit_of, principal, put, put_whole, text, to_read, to_search};

const ANA: &str = r#"{"resourceType":"Patient","id":"ana","name":[{"family":"Ruiz"}]}"#;

fn result(name: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{name}","status":"final","subject":{{"reference":"Patient/{patient}"}},"valueQuantity":{{"value":1.10}}}}"#
    )
}

async fn fetch(
    store: &Store,
    permit: &Permit,
    kind: ResourceType,
    name: &str,
    version: Option<&str>,
) -> Option<Document> {
    let chunk = store.fetch(permit, kind, &id(name), version).await.unwrap().into_exposed();
    chunk.rows.into_iter().next().map(|row| row.content)
}

async fn found(store: &Store, permit: &Permit, kind: ResourceType) -> Vec<String> {
    let query = Query::everything(kind, "");
    let chunk = store.find(permit, &query, &Cursor::Start, 100).await.unwrap().into_exposed();
    chunk.rows.iter().map(|row| row.content.root().get("id").unwrap().text().unwrap().into_owned()).collect()
}

#[tokio::test]
async fn only_version_and_time_are_the_stores_every_other_byte_stays() {
    let dir = folder();
    let store = open(&dir).await;
    let versions = store.put(vec![put_whole(&result("o1", "ana"))], at(0)).await.unwrap();
    assert_eq!((versions[0].version, versions[0].new), (1, true));
    let kept = fetch(&store, &to_read("ana", Observation, "o1"), Observation, "o1", None).await.unwrap();
    let meta = format!(r#","meta":{{"versionId":"1","lastUpdated":"{}"}}}}"#, at(0));
    assert_eq!(text(&kept), result("o1", "ana").strip_suffix('}').unwrap().to_owned() + &meta);
}

#[tokio::test]
async fn the_same_content_makes_no_new_version_and_other_content_does() {
    let dir = folder();
    let store = open(&dir).await;
    let body = result("o1", "ana");
    store.put(vec![put_whole(&body)], at(0)).await.unwrap();
    let again = store.put(vec![put_whole(&body)], at(5)).await.unwrap();
    assert_eq!((again[0].version, again[0].new, again[0].updated), (1, false, at(0)));
    let permit = to_read("ana", Observation, "o1");
    let served = text(&fetch(&store, &permit, Observation, "o1", None).await.unwrap());
    let returned = store.put(vec![put_whole(&served)], at(6)).await.unwrap();
    assert_eq!((returned[0].version, returned[0].new), (1, false), "what was served and comes back is the same");
    let other = store.put(vec![put_whole(&body.replace("1.10", "1.1"))], at(7)).await.unwrap();
    assert_eq!((other[0].version, other[0].new), (2, true));
    assert!(text(&fetch(&store, &permit, Observation, "o1", Some("1")).await.unwrap()).contains("1.10"));
    assert!(text(&fetch(&store, &permit, Observation, "o1", Some("2")).await.unwrap()).contains("1.1}"));
    for none in ["0", "3", "01", "", "x", "1 "] {
        assert!(fetch(&store, &permit, Observation, "o1", Some(none)).await.is_none(), "{none}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_no_record_older() {
    let dir = folder();
    let store = open(&dir).await;
    store.put(vec![put_whole(&result("o1", "ana"))], at(100)).await.unwrap();
    let later = store.put(vec![put_whole(&result("o1", "ana").replace("1.10", "2"))], at(50)).await.unwrap();
    assert_eq!(later[0].updated, at(100));
}

#[tokio::test]
async fn a_withheld_version_is_never_shown_again() {
    let dir = folder();
    let store = open(&dir).await;
    store.put(vec![put_whole(&result("o1", "ana"))], at(0)).await.unwrap();
    store.put(vec![put_whole(&result("o1", "ana").replace("1.10", "2"))], at(1)).await.unwrap();
    let void = Put { withhold_earlier: true, ..put_whole(&result("o1", "ana").replace("1.10", "3")) };
    store.put(vec![void], at(2)).await.unwrap();
    let permit = to_read("ana", Observation, "o1");
    assert!(fetch(&store, &permit, Observation, "o1", Some("1")).await.is_none());
    assert!(fetch(&store, &permit, Observation, "o1", Some("2")).await.is_none());
    assert!(fetch(&store, &permit, Observation, "o1", Some("3")).await.is_some());
}

#[tokio::test]
async fn a_write_that_expects_another_state_changes_nothing_at_all() {
    let dir = folder();
    let store = open(&dir).await;
    let expecting = |name: &str, expected| Put { expected, ..put_whole(&result(name, "ana")) };
    store.put(vec![expecting("o1", Expected::Absent)], at(0)).await.unwrap();
    for (name, wrong) in [("o1", Expected::Absent), ("o1", Expected::Version(2)), ("o2", Expected::Version(1))] {
        let both = vec![put_whole(&result("o9", "ana")), expecting(name, wrong)];
        assert_eq!(store.put(both, at(1)).await, Err(StoreError::Stale));
    }
    store.put(vec![expecting("o1", Expected::Version(1))], at(1)).await.unwrap();
    assert_eq!(found(&store, &to_search("ana", Observation), Observation).await, ["o1"]);
}

#[tokio::test]
async fn what_is_not_the_resource_it_is_put_as_is_refused() {
    let dir = folder();
    let store = open(&dir).await;
    for (kind, name, body) in [
        (Patient, "ana", result("ana", "ana")),
        (Patient, "bea", ANA.to_owned()),
        (Patient, "ana", "{}".to_owned()),
        (Patient, "ana", format!("{ANA}x")),
        (Patient, "ana", r#"{"resourceType":"Patient","id":"ana","id":"bea"}"#.to_owned()),
    ] {
        let refused = store.put(vec![put(kind, name, &body)], at(0)).await;
        assert!(matches!(refused, Err(StoreError::Unfit(_))), "{body}");
    }
    assert_eq!(store.count(Patient).await.unwrap(), 0);
    let nameless = r#"{"resourceType":"Patient"}"#;
    store.put(vec![put(Patient, "ana", nameless)], at(0)).await.unwrap();
    let kept = fetch(&store, &to_read("ana", Patient, "ana"), Patient, "ana", None).await.unwrap();
    assert!(kept.root().get("id").unwrap().is("ana"));
}

#[tokio::test]
async fn nobody_finds_what_is_anothers_or_nobodys() {
    let dir = folder();
    let store = open(&dir).await;
    let group = r#"{"resourceType":"Observation","id":"g","subject":{"reference":"Group/1"}}"#;
    let none = r#"{"resourceType":"Observation","id":"n"}"#;
    let display = r#"{"resourceType":"Observation","id":"d","subject":{"display":"Ana Ruiz"}}"#;
    let puts = [&result("a", "ana"), &result("b", "bea"), group, none, display].map(put_whole);
    store.put(puts.into(), at(0)).await.unwrap();
    for (patient, own) in [("ana", vec!["a"]), ("bea", vec!["b"]), ("cid", vec![])] {
        assert_eq!(found(&store, &to_search(patient, Observation), Observation).await, own);
        for name in ["a", "b", "g", "n", "d", "zz"] {
            let read = fetch(&store, &to_read(patient, Observation, name), Observation, name, None).await;
            assert_eq!(read.is_some(), own.contains(&name), "{patient} {name}");
        }
    }
    let both = permit_of(principal(&["ana", "bea"], "patient/*.rs"), Interaction::Search, Observation, None);
    assert_eq!(found(&store, &both, Observation).await, ["a", "b"]);
}

#[tokio::test]
async fn a_record_that_changes_hands_is_found_by_its_new_owner_alone() {
    let dir = folder();
    let store = open(&dir).await;
    store.put(vec![put_whole(&result("o", "ana"))], at(0)).await.unwrap();
    store.put(vec![put_whole(&result("o", "bea"))], at(1)).await.unwrap();
    assert!(found(&store, &to_search("ana", Observation), Observation).await.is_empty());
    assert_eq!(found(&store, &to_search("bea", Observation), Observation).await, ["o"]);
    let bea = to_read("bea", Observation, "o");
    assert!(fetch(&store, &bea, Observation, "o", Some("1")).await.is_none(), "the version that was Ana's");
}

#[tokio::test]
async fn shared_records_are_found_while_a_record_that_counts_refers_to_them() {
    let dir = folder();
    let store = open(&dir).await;
    let note = r#"{"resourceType":"Observation","id":"note","meta":{"security":[{"code":"PSYTHPN"}]},
        "subject":{"reference":"Patient/ana"},"performer":[{"reference":"Practitioner/psy"}]}"#;
    let seen = r#"{"resourceType":"Observation","id":"seen","subject":{"reference":"Patient/ana"},
        "performer":[{"reference":"Practitioner/lab"},{"reference":"PractitionerRole/role"},
        {"reference":"Organization/ward"},{"reference":"Organization/closed"}]}"#;
    let role = r#"{"resourceType":"PractitionerRole","id":"role","practitioner":{"reference":"Practitioner/far"},
        "organization":{"reference":"Organization/org"}}"#;
    let org = r#"{"resourceType":"Organization","id":"org","partOf":{"reference":"Organization/parent"}}"#;
    let ward = r#"{"resourceType":"Organization","id":"ward","partOf":{"reference":"Organization/clinic"}}"#;
    let closed = r#"{"resourceType":"Organization","id":"closed","meta":{"security":[{"code":"PSYTHPN"}]},
        "partOf":{"reference":"Organization/asylum"}}"#;
    let mut puts: Vec<Put> = [note, seen, role, org, ward, closed].map(put_whole).into();
    for name in ["psy", "lab", "far", "lone"] {
        puts.push(put_whole(&format!(r#"{{"resourceType":"Practitioner","id":"{name}"}}"#)));
    }
    for name in ["parent", "clinic", "asylum"] {
        puts.push(put_whole(&format!(r#"{{"resourceType":"Organization","id":"{name}"}}"#)));
    }
    store.put(puts, at(0)).await.unwrap();
    let ana = |kind| to_search("ana", kind);
    assert_eq!(found(&store, &ana(Practitioner), Practitioner).await, ["far", "lab"]);
    assert_eq!(found(&store, &ana(PractitionerRole), PractitionerRole).await, ["role"]);
    // The barred one is the gate's to withhold; through it nothing is found.
    assert_eq!(found(&store, &ana(Organization), Organization).await, ["clinic", "closed", "org", "ward"]);
    assert!(found(&store, &to_search("bea", Practitioner), Practitioner).await.is_empty());
    for (name, visible) in [("psy", false), ("lab", true), ("far", true), ("lone", false)] {
        let read = fetch(&store, &to_read("ana", Practitioner, name), Practitioner, name, None).await;
        assert_eq!(read.is_some(), visible, "{name}");
    }
    // A token without Observation sees nobody who is only named there.
    let narrow = permit_of(principal(&["ana"], "patient/Practitioner.rs"), Interaction::Search, Practitioner, None);
    assert!(found(&store, &narrow, Practitioner).await.is_empty());
    // One's own fhirUser is there all the same.
    let mut clinician = principal(&["ana"], "patient/*.rs fhirUser");
    clinician.fhir_user = Some((Practitioner, id("lone")));
    let own = permit_of(clinician, Interaction::Read, Practitioner, Some("lone"));
    assert!(fetch(&store, &own, Practitioner, "lone", None).await.is_some());
}

#[tokio::test]
async fn a_binary_goes_with_the_owner_that_it_names() {
    let dir = folder();
    let store = open(&dir).await;
    let document = |name: &str, patient: &str| {
        format!(
            r#"{{"resourceType":"DocumentReference","id":"{name}","subject":{{"reference":"Patient/{patient}"}},
            "content":[{{"attachment":{{"url":"Binary/free"}}}},{{"attachment":{{"url":"Binary/held"}}}}]}}"#
        )
    };
    let free = r#"{"resourceType":"Binary","id":"free","contentType":"text/plain"}"#;
    let held = r#"{"resourceType":"Binary","id":"held","contentType":"text/plain",
        "securityContext":{"reference":"DocumentReference/bea"}}"#;
    let puts = [&document("ana", "ana"), &document("bea", "bea"), free, held].map(put_whole);
    store.put(puts.into(), at(0)).await.unwrap();
    for (patient, name, sees) in [
        ("ana", "free", true),
        ("bea", "free", true),
        ("cid", "free", false),
        ("ana", "held", false),
        ("bea", "held", true),
    ] {
        let mut page = Judging::begin(to_read(patient, Binary, name), Wanted { count: 1, total: false }, Cursor::Start);
        let found = store.fetch(page.permit(), Binary, &id(name), None).await.unwrap();
        page.add(found).unwrap();
        assert_eq!(page.close_one().is_ok(), sees, "{patient} {name}");
    }
}
