//! Granular scopes: what is outside them is as if it were not there, as a match, a companion, or evidence.

use super::*;

const LABS: &str = "category=http://c|labs";

/// A record of `p` in a category, which goes on with `more`.
fn of(kind: &str, id: &str, category: &str, more: &str) -> String {
    let category = format!(r#"[{{"coding":[{{"system":"http://c","code":"{category}"}}]}}]"#);
    let head = format!(r#""resourceType":"{kind}","id":"{id}","category":{category}"#);
    format!(r#"{{{head},"subject":{{"reference":"Patient/p"}}{more}}}"#)
}

fn granted(scopes: &str) -> Principal {
    patient(&scopes.replace("LABS", LABS))
}

fn may_see(scopes: &str, question: Question, text: &str, evidence: &[&str]) -> bool {
    shown(granted(scopes), question, text, evidence).is_some()
}

#[test]
fn a_match_outside_the_part_is_not_there() {
    let scopes = "patient/Observation.rs?LABS";
    let (labs, vitals) = (of("Observation", "o", "labs", ""), of("Observation", "o", "vitals", ""));
    for question in [search(ResourceType::Observation), read(ResourceType::Observation, "o")] {
        assert!(may_see(scopes, question.clone(), &labs, &[]));
        assert!(!may_see(scopes, question.clone(), &vitals, &[]));
        assert!(!may_see(scopes, question.clone(), &labs.replace("Patient/p", "Patient/q"), &[]));
        assert!(may_see("patient/Observation.rs?LABS patient/*.rs", question, &vitals, &[]));
    }
    let close_one = |text: &str| {
        let permit = permit(granted(scopes), read(ResourceType::Observation, "o"));
        let mut judging = Judging::begin(permit, ALL, Cursor::Start);
        let rows = if text.is_empty() { vec![] } else { vec![row(text, Standing::Match, &[])] };
        judging.add(Phi::new(Chunk { rows, next: None })).unwrap();
        judging.close_one().err().map(|refusal| format!("{refusal:?}"))
    };
    assert_eq!(close_one(&vitals), close_one(""), "outside is absent, to the last word");
    assert_eq!(close_one(&labs), None);
}

#[test]
fn reading_and_searching_reach_what_their_own_letters_say() {
    let scopes = "patient/Observation.r patient/Observation.s?LABS";
    let (labs, vitals) = (of("Observation", "o", "labs", ""), of("Observation", "o", "vitals", ""));
    assert!(may_see(scopes, read(ResourceType::Observation, "o"), &vitals, &[]));
    assert!(!may_see(scopes, search(ResourceType::Observation), &vitals, &[]));
    assert!(may_see(scopes, search(ResourceType::Observation), &labs, &[]));
    let scopes = "patient/Observation.r?LABS patient/Observation.s";
    assert!(!may_see(scopes, read(ResourceType::Observation, "o"), &vitals, &[]));
    assert!(may_see(scopes, search(ResourceType::Observation), &vitals, &[]));
}

#[test]
fn ones_own_fhir_user_is_read_whatever_the_part_says() {
    let person = r#"{"resourceType":"Patient","id":"p","active":false}"#;
    let scopes = "patient/Patient.rs?active=true";
    assert!(!may_see(scopes, read(ResourceType::Patient, "p"), person, &[]));
    assert!(may_see(&format!("fhirUser {scopes}"), read(ResourceType::Patient, "p"), person, &[]));
    assert!(!may_see(&format!("fhirUser {scopes}"), search(ResourceType::Patient), person, &[]));
}

#[test]
fn a_record_outside_the_part_speaks_for_nobody() {
    let performed = r#","performer":[{"reference":"Practitioner/dr"}]"#;
    let (labs, vitals) = (of("Observation", "o", "labs", performed), of("Observation", "v", "vitals", performed));
    let seen =
        |scopes: &str, evidence: &[&str]| may_see(scopes, search(ResourceType::Practitioner), PRACTITIONER, evidence);
    let scopes = "patient/Practitioner.rs patient/Observation.rs?LABS";
    assert!(seen(scopes, &[&labs]) && seen(scopes, &[&vitals, &labs]));
    assert!(!seen(scopes, &[&vitals]));
    assert!(seen("patient/Practitioner.rs patient/Observation.r?LABS patient/Observation.s", &[&vitals]));
    let between = "patient/Practitioner.rs patient/Encounter.rs patient/PractitionerRole.rs?specialty=cardiology";
    let role =
        ROLE.replace(r#","practitioner""#, r#","specialty":[{"coding":[{"code":"cardiology"}]}],"practitioner""#);
    assert!(seen(between, &[&role, VISIT_BY_ROLE]));
    assert!(!seen(between, &[ROLE, VISIT_BY_ROLE]));
}

#[test]
fn a_provenance_of_what_is_outside_the_part_is_not_there() {
    let told = r#"{"resourceType":"Provenance","id":"v","target":[{"reference":"Observation/o"}]}"#;
    let scopes = "patient/Provenance.rs patient/Observation.rs?LABS";
    let of = |category: &str| of("Observation", "o", category, "");
    assert!(may_see(scopes, search(ResourceType::Provenance), told, &[&of("labs")]));
    assert!(!may_see(scopes, search(ResourceType::Provenance), told, &[&of("vitals")]));
    assert!(!may_see(scopes, read(ResourceType::Provenance, "v"), told, &[&of("vitals")]));
}

#[test]
fn companions_are_held_against_the_part_of_their_own_type() {
    let ids = |scopes: &str, companion: &str| {
        let permit = permit(granted(scopes), search(ResourceType::Observation));
        let mut judging = Judging::begin(permit, ALL, Cursor::Start);
        let matched = of("Observation", "o", "labs", "");
        let rows = vec![row(&matched, Standing::Match, &[]), row(companion, Standing::Include, &[])];
        judging.add(Phi::new(Chunk { rows, next: None })).unwrap();
        page(judging.close()).rows.len()
    };
    let condition = |category: &str| of("Condition", "c", category, "");
    let scopes = "patient/Observation.rs?LABS patient/Condition.r?LABS";
    assert_eq!((ids(scopes, &condition("labs")), ids(scopes, &condition("vitals"))), (2, 1));
    assert_eq!(ids(scopes, &of("Observation", "o2", "vitals", "")), 1);
}

#[test]
fn a_binary_goes_with_a_document_within_the_part_that_may_be_read() {
    let binary = r#"{"resourceType":"Binary","id":"b"}"#;
    let document =
        |category: &str| of("DocumentReference", "d", category, r#","content":[{"attachment":{"url":"Binary/b"}}]"#);
    let reads =
        |scopes: &str, category: &str| may_see(scopes, read(ResourceType::Binary, "b"), binary, &[&document(category)]);
    let scopes = "patient/DocumentReference.rs?LABS";
    assert!(reads(scopes, "labs") && !reads(scopes, "letters"));
    let scopes = "patient/DocumentReference.r?LABS patient/DocumentReference.s";
    assert!(reads(scopes, "labs") && !reads(scopes, "letters"), "to find a document is not to read what is attached");
    assert!(reads(&format!("{scopes} patient/Binary.r"), "letters"));
    let owned = binary.replace('}', r#","securityContext":{"reference":"DocumentReference/d"}}"#);
    let owned = |category: &str| may_see(scopes, read(ResourceType::Binary, "b"), &owned, &[&document(category)]);
    assert!(owned("labs") && !owned("letters"));
}
