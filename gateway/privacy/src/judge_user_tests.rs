//! Judging under `user/` scopes: rows of whom the person may see, companions and evidence by the scopes of that level alone.

use super::*;
use crate::Role;

/// The app of the clinician `d`, for the patient `p` in context, with these scopes.
fn clinician(scopes: &str) -> Principal {
    let fhir_user = Some((ResourceType::Practitioner, id("d")));
    Principal { fhir_user, role: Role::Clinician, purpose: Purpose::Treatment, ..patient(scopes) }
}

/// Whom a match is shown for while `p` and `q` are in the clinician's care.
fn shown_in_care(scopes: &str, question: Question, text: &str, evidence: &[&str]) -> Option<Vec<String>> {
    let reach = Subject::Patients(vec![id("p"), id("q")]);
    let permit = permit_about(clinician(scopes), question, reach, &policies());
    let mut judging = Judging::begin(permit, ALL, Cursor::Start);
    judging.add(Phi::new(Chunk { rows: vec![row(text, Standing::Match, evidence)], next: None })).unwrap();
    page(judging.close()).rows.first().map(|row| row.about.iter().map(Id::to_string).collect())
}

fn of(kind: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"{kind}","id":"1","subject":{{"reference":"Patient/{patient}"}},"performer":[{{"reference":"Practitioner/x"}}]}}"#
    )
}

#[test]
fn a_row_of_anyone_in_care_is_shown_and_of_nobody_else() {
    let asked = |patient: &str| {
        shown_in_care("user/Observation.rs", search(ResourceType::Observation), &of("Observation", patient), &[])
    };
    assert_eq!(asked("p"), Some(vec!["p".to_owned()]));
    assert_eq!(asked("q"), Some(vec!["q".to_owned()]));
    assert_eq!(asked("z"), None);
}

#[test]
fn scopes_of_the_other_level_vouch_for_nothing() {
    let practitioner = r#"{"resourceType":"Practitioner","id":"x"}"#;
    let seen = |scopes: &str| {
        shown_in_care(scopes, search(ResourceType::Practitioner), practitioner, &[&of("Observation", "q")]).is_some()
    };
    assert!(seen("user/Practitioner.rs user/Observation.rs"));
    assert!(!seen("user/Practitioner.rs patient/Observation.rs"));
    // Under patient/ scopes it is about the one in context, whoever else is in the person's care.
    assert!(!seen("patient/Practitioner.rs patient/Observation.rs"));
}

#[test]
fn what_tells_of_two_patients_is_seen_by_who_may_see_both() {
    let told = r#"{"resourceType":"Provenance","id":"1","target":[{"reference":"Observation/1"},{"reference":"Condition/1"}]}"#;
    let seen = |other: &str| {
        let evidence = [of("Observation", "p"), of("Condition", other)];
        let evidence: Vec<&str> = evidence.iter().map(String::as_str).collect();
        shown_in_care("user/*.rs", search(ResourceType::Provenance), told, &evidence)
    };
    assert_eq!(seen("q"), Some(vec!["p".to_owned(), "q".to_owned()]));
    assert_eq!(seen("z"), None);
}

#[test]
fn ones_own_entry_is_read_and_is_said_to_be_about_nobody_in_care() {
    let own = r#"{"resourceType":"Practitioner","id":"d"}"#;
    let asked = |scopes: &str| shown_in_care(scopes, read(ResourceType::Practitioner, "d"), own, &[]);
    assert_eq!(asked("fhirUser user/Practitioner.rs"), Some(Vec::new()));
    assert_eq!(asked("fhirUser user/Observation.rs"), Some(Vec::new()));
    assert_eq!(asked("user/Practitioner.rs"), None);
}
