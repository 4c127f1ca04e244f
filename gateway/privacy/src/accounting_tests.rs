//! Exported events: BALP's shape, one for each patient, none naming another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::ledger::Looked;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

const BASE: &str = "https://localhost:8443/fhir";

fn entry(interaction: &str, query: Option<&str>, patients: &[&str]) -> Entry {
    Entry {
        at_us: 1_767_225_600_000_000,
        event: Event::Disclosed,
        client: "app".to_owned(),
        grant: "grant".to_owned(),
        account: "account".to_owned(),
        fhir_user: Some("Practitioner/dr".to_owned()),
        role: "clinician".to_owned(),
        purpose: "TREAT".to_owned(),
        policy: "TREAT@0123abcd".to_owned(),
        interaction: interaction.to_owned(),
        kind: "Observation".to_owned(),
        id: None,
        query: query.map(str::to_owned),
        correlation: "c1".to_owned(),
        from: "192.0.2.7".to_owned(),
        refusal: None,
        looked: None,
        about: patients
            .iter()
            .map(|patient| About {
                patient: (*patient).to_owned(),
                resources: vec![format!("Observation/of-{patient}")],
            })
            .collect(),
    }
}

fn exported(entry: &Entry) -> Vec<Value> {
    let events = events(entry, "7-2", &Observer { base: BASE });
    events.iter().map(|event| serde_json::from_slice(event).unwrap()).collect()
}

/// The query in an event, decoded.
fn query(event: &Value) -> Option<String> {
    let encoded = event["entity"].as_array().unwrap().iter().find_map(|entity| entity.get("query"))?;
    Some(String::from_utf8(STANDARD.decode(encoded.as_str().unwrap()).unwrap()).unwrap())
}

fn kept(raw: &str) -> String {
    query(&exported(&entry("search-type", Some(raw), &["p"]))[0]).unwrap()
}

/// Type and role of each entity that has both.
fn entities(event: &Value) -> Vec<(String, String)> {
    let code = |entity: &Value, name: &str| Some(entity.get(name)?.get("code")?.as_str()?.to_owned());
    let all = event["entity"].as_array().unwrap().iter();
    all.filter_map(|entity| Some((code(entity, "type")?, code(entity, "role")?))).collect()
}

#[test]
fn a_read_is_a_patient_read_from_the_server_to_the_client() {
    let [event] = exported(&entry("read", None, &["p"])).try_into().unwrap();
    assert_eq!(event["resourceType"], "AuditEvent");
    assert_eq!(event["meta"]["profile"][0], format!("{BALP}PatientRead"));
    assert_eq!((&event["id"], &event["action"], &event["outcome"]), (&"7-2-0".into(), &"R".into(), &"0".into()));
    assert_eq!((&event["type"]["code"], &event["subtype"][0]["code"]), (&"rest".into(), &"read".into()));
    assert_eq!(event["recorded"], "2026-01-01T00:00:00.000Z");
    assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "TREAT");
    let agents: Vec<_> =
        event["agent"].as_array().unwrap().iter().map(|agent| agent["type"]["coding"][0]["code"].clone()).collect();
    assert_eq!(agents, ["110152", "110153", "IRCP"]);
    assert_eq!(event["agent"][0]["who"]["identifier"]["value"], "app");
    assert_eq!(event["agent"][2]["who"]["reference"], "Practitioner/dr");
    assert_eq!(event["source"]["observer"]["display"], BASE);
    assert_eq!(event["entity"][0]["what"]["reference"], "Patient/p");
    assert_eq!(event["entity"][1]["what"]["reference"], "Observation/of-p");
    assert_eq!(event["entity"][2]["what"]["identifier"]["value"], "c1");
    let codes = entities(&event);
    assert_eq!(codes, [("1".into(), "1".into()), ("2".into(), "4".into()), ("2".into(), "13".into())]);
}

#[test]
fn a_search_is_a_patient_query_from_the_client_to_the_server_with_its_query() {
    let [event] = exported(&entry("search-type", Some("code=1"), &["p"])).try_into().unwrap();
    assert_eq!(event["meta"]["profile"][0], format!("{BALP}PatientQuery"));
    assert_eq!(event["action"], "E");
    assert_eq!(event["agent"][0]["type"]["coding"][0]["code"], "110153");
    assert_eq!(event["agent"][1]["type"]["coding"][0]["code"], "110152");
    assert_eq!(query(&event).as_deref(), Some("Observation?code=1"));
    assert!(entities(&event).contains(&("2".into(), "24".into())));
}

#[test]
fn each_patient_has_an_event_that_names_no_other() {
    let events = exported(&entry("search-type", Some("patient=anna,boris&code=1"), &["anna", "boris", "clara"]));
    assert_eq!(events.len(), 3);
    for (at, own) in ["anna", "boris", "clara"].into_iter().enumerate() {
        let text = events[at].to_string() + &query(&events[at]).unwrap();
        assert_eq!(events[at]["id"], format!("7-2-{at}"));
        for name in ["anna", "boris", "clara"] {
            assert_eq!(text.contains(name), name == own, "{own}: {text}");
        }
    }
}

#[test]
fn a_query_that_names_someone_else_does_not_reach_this_patients_export() {
    for (raw, left) in [
        ("patient=p", "patient=p"),
        ("patient=Patient/p&code=1", "patient=Patient/p&code=1"),
        ("subject=Patient%2Fp", "subject=Patient/p"),
        (
            "patient=https%3A%2F%2Flocalhost%3A8443%2Ffhir%2FPatient%2Fp",
            "patient=https://localhost:8443/fhir/Patient/p",
        ),
        ("patient=p,q", "patient=p"),
        ("patient=p%2Cq", "patient=p"),
        ("patient=q", ""),
        ("p%61tient=q", ""),
        ("patient=Patient/q&category=laboratory", "category=laboratory"),
        ("patient=https://there/fhir/Patient/p", ""),
        ("subject:Patient=q", ""),
        ("patient.identifier=urn:oid:1|987", ""),
        ("patient.name=Jones&date=ge2020", "date=ge2020"),
        ("_id=p", ""),
        ("_has:Patient:x:y=q", ""),
        ("Patient/q", ""),
        ("Patient/q=1", ""),
        ("code:text=Jones", ""),
        ("_page=sealed", ""),
        ("", ""),
    ] {
        assert_eq!(kept(raw), format!("Observation?{left}"), "{raw}");
    }
    let of_patient =
        |raw: &str| query(&exported(&Entry { kind: "Patient".into(), ..entry("search-type", Some(raw), &["p"]) })[0]);
    assert_eq!(of_patient("_id=p,q").as_deref(), Some("Patient?_id=p"));
    assert_eq!(of_patient("identifier=mrn|987&family=Jones&birthdate=1970-01-01").as_deref(), Some("Patient?"));
}

#[test]
fn what_was_about_no_one_is_one_event_without_a_patient_and_keeps_the_question() {
    let refused = Entry {
        event: Event::Refused,
        refusal: Some("NotFound".to_owned()),
        ..entry("search-type", Some("patient=q"), &[])
    };
    let [event] = exported(&refused).try_into().unwrap();
    assert_eq!(event.get("meta"), None);
    assert_eq!((&event["outcome"], &event["outcomeDesc"]), (&"4".into(), &"NotFound".into()));
    assert_eq!(query(&event).as_deref(), Some("Observation?patient=q"));
    assert!(!entities(&event).contains(&("1".into(), "1".into())));
}

#[test]
fn a_refusal_says_what_was_asked_for_and_nothing_empty() {
    let refused = |entry: Entry| -> Value {
        let [event] = exported(&Entry { event: Event::Refused, ..entry }).try_into().unwrap();
        event
    };
    let read = refused(Entry { id: Some("o1".to_owned()), ..entry("read", None, &[]) });
    assert_eq!(query(&read).as_deref(), Some("Observation/o1"));
    assert_eq!(query(&refused(entry("search-type", None, &[]))).as_deref(), Some("Observation?"));
    let unread = Entry { kind: String::new(), ..entry("search-type", Some("Nonsense?x=1"), &[]) };
    let unread = refused(unread);
    assert_eq!(query(&unread).as_deref(), Some("Nonsense?x=1"));
    assert_eq!((&unread["subtype"][0]["code"], &unread["action"]), (&"search-type".into(), &"E".into()));
    assert_eq!(unread["agent"][0]["network"], serde_json::json!({ "address": "192.0.2.7", "type": "2" }));
    let bare = Entry { correlation: String::new(), from: String::new(), ..entry("read", None, &["p"]) };
    assert!(!exported(&bare)[0].to_string().contains(r#":"""#), "FHIR has no empty strings");
}

#[test]
fn a_look_into_a_message_is_one_event_for_each_patient_with_its_reason() {
    let looked =
        |unknown| Looked { link: "lab".to_owned(), reason: "its sender asked".to_owned(), patient_unknown: unknown };
    let look = |patients: &[&str], unknown| Entry {
        account: "root".to_owned(),
        fhir_user: None,
        role: "operator".to_owned(),
        purpose: "HOPERAT".to_owned(),
        policy: String::new(),
        interaction: "look".to_owned(),
        id: Some("12".to_owned()),
        looked: Some(looked(unknown)),
        ..entry("look", None, patients)
    };
    let events = exported(&look(&["anna", "boris"], false));
    assert_eq!(events.len(), 2);
    for (event, (own, other)) in events.iter().zip([("anna", "boris"), ("boris", "anna")]) {
        let text = event.to_string();
        assert!(text.contains(&format!("Patient/{own}")) && !text.contains(other), "{text}");
        assert!(text.contains("message 12 of the link lab") && text.contains("its sender asked"), "{text}");
        assert!(event.get("meta").is_none(), "it is neither of BALP's two reads");
        assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "HOPERAT");
        assert!(!text.contains("not known"));
    }
    let [event] = exported(&look(&[], true)).try_into().unwrap();
    assert!(event.to_string().contains("not known"), "{event}");
}

#[test]
fn odd_characters_do_not_break_an_event() {
    let odd = Entry { account: "a\"b\\c\n\u{1}".to_owned(), ..entry("read", None, &["p"]) };
    assert_eq!(exported(&odd)[0]["agent"][2]["who"]["identifier"]["value"], "a\"b\\c\n\u{1}");
}

proptest! {
    /// However someone else is written into the parameters that can name a person, this patient's event does not say so.
    #[test]
    fn no_spelling_carries_another_patient_over(
        name in prop::sample::select(vec![
            "patient", "subject", "subject:Patient", "beneficiary", "_id", "identifier", "name", "patient.name", "performer", "encounter", "_has:x:y",
        ]),
        around in prop::sample::select(vec!["", "Patient/", "p,", "urn|", "https://localhost:8443/fhir/Patient/", "x%2C", "Patient%2F"]),
        also in "[a-z=&%,+]{0,12}",
    ) {
        let events = exported(&entry("search-type", Some(&format!("{name}={around}zacharias&{also}")), &["p"]));
        prop_assert!(!query(&events[0]).unwrap().contains("zacharias"));
    }
}

#[test]
fn a_representative_is_told_as_one_and_by_no_record_of_another_patient() {
    let fhir_user = Some("RelatedPerson/of-another".to_owned());
    let entry = Entry { role: "representative".to_owned(), fhir_user, ..entry("read", None, &["p"]) };
    let [event] = exported(&entry).try_into().unwrap();
    let person = &event["agent"][2];
    assert_eq!(person["role"], serde_json::json!([{ "text": "representative" }]));
    assert_eq!((&person["who"]["identifier"]["value"], &person["requestor"]), (&"account".into(), &true.into()));
    assert!(!event.to_string().contains("of-another"));
}

#[test]
fn a_client_that_acts_for_itself_is_the_one_who_asked() {
    let entry = Entry { role: "system".to_owned(), fhir_user: None, ..entry("search-type", None, &["p", "q"]) };
    for event in exported(&entry) {
        let agents = event["agent"].as_array().unwrap();
        let asked: Vec<&Value> = agents.iter().filter(|agent| agent["requestor"] == true).collect();
        assert_eq!(agents.len(), 2, "no person stands behind it");
        assert_eq!(asked[0]["who"]["identifier"]["value"], "app");
        assert_eq!(asked.len(), 1);
    }
}
