//! What every population keeps, whatever its seed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::calendar::HORIZON;
use super::names::{FAMILIES, mrn, of};
use super::{Person, Resource, clinicians, person, shared};

/// Every type the demo serves.
const KINDS: [&str; 26] = [
    "AllergyIntolerance",
    "Binary",
    "CarePlan",
    "CareTeam",
    "Condition",
    "Coverage",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Goal",
    "Immunization",
    "Location",
    "Medication",
    "MedicationDispense",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
];

fn read(row: &Resource) -> Value {
    serde_json::from_str(&row.json).unwrap_or_default()
}

fn people(seed: u64, count: u32) -> Vec<Person> {
    (0..count).map(|index| person(seed, index)).collect()
}

/// Calls `act` with every member of every object, however deep.
fn each_member(value: &Value, act: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_member(item, act)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            act(key, member);
            each_member(member, act);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn labels(value: &Value) -> Vec<&str> {
    let all = value["meta"]["security"].as_array();
    all.into_iter().flatten().filter_map(|label| label["code"].as_str()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let bytes = |seed| -> Vec<String> { person(seed, 4).resources.into_iter().map(|row| row.json).collect() };
    assert_eq!(bytes(9), bytes(9));
    assert_ne!(bytes(9), bytes(10));
}

#[test]
fn a_hundred_thousand_people_have_names_and_numbers_of_their_own() {
    for seed in [1, 12_345] {
        let (mut names, mut users, mut numbers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for index in 0..100_000 {
            let name = of(seed, index);
            assert!(users.insert(name.username), "person {index}");
            assert!(names.insert((name.given, name.family)), "person {index}");
            assert!(numbers.insert(mrn(seed, index)), "person {index}");
        }
    }
}

#[test]
fn no_family_name_begins_another() {
    for (one, other) in FAMILIES.iter().flat_map(|one| FAMILIES.iter().map(move |other| (one, other))) {
        assert!(one == other || !other.starts_with(one), "{one}, {other}");
    }
}

#[test]
fn user_names_are_lower_case_ascii_and_never_a_clinicians() {
    let all = people(3, 60);
    for one in &all {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter == '.' || letter == '-';
        assert!(one.username.chars().all(fits), "{}", one.username);
        assert!(clinicians(3).iter().all(|clinician| clinician.username != one.username));
    }
}

#[test]
fn every_id_is_fit_and_its_own() {
    let mut ids = BTreeSet::new();
    let rows = people(1, 60).into_iter().flat_map(|one| one.resources).chain(shared(1));
    for row in rows {
        assert!(row.id.len() <= 64 && row.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        let value = read(&row);
        assert_eq!((value["resourceType"].as_str(), value["id"].as_str()), (Some(row.kind), Some(&*row.id)));
        assert!(ids.insert((row.kind, row.id)));
    }
}

#[test]
fn references_point_to_what_is_there_and_came_before() {
    for seed in [1, 5] {
        let common: BTreeSet<String> = shared(seed).iter().map(|row| format!("{}/{}", row.kind, row.id)).collect();
        for one in people(seed, 30) {
            let mut known = common.clone();
            for row in &one.resources {
                let value = read(row);
                known.insert(format!("{}/{}", row.kind, row.id));
                each_member(&value, &mut |key, member| {
                    let Some(to) = member.as_str() else { return };
                    let contained = value["contained"].as_array().into_iter().flatten();
                    let mut inside = contained.filter_map(|one| one["id"].as_str());
                    let found = match (key, to.strip_prefix('#')) {
                        ("reference", Some(id)) => inside.any(|own| own == id),
                        ("reference", None) => known.contains(to),
                        ("url", _) if to.starts_with("Binary/") => known.contains(to),
                        (_, _) => true,
                    };
                    assert!(found, "{}/{} refers to {to}", row.kind, row.id);
                });
            }
        }
    }
}

#[test]
fn every_type_occurs_among_twenty_five_and_charts_have_40_to_120_resources() {
    let mut seen: BTreeSet<&str> = shared(1).iter().map(|row| row.kind).collect();
    for one in people(1, 25) {
        assert!((40..=120).contains(&one.resources.len()), "{}: {}", one.patient, one.resources.len());
        assert_eq!(one.resources.first().map(|row| row.kind), Some("Patient"));
        seen.extend(one.resources.iter().map(|row| row.kind));
    }
    assert_eq!(seen, BTreeSet::from(KINDS));
}

#[test]
fn everything_is_marked_as_test_data_and_only_notes_of_therapy_as_such() {
    for one in people(2, 25) {
        let mut withheld: BTreeMap<&str, u32> = BTreeMap::new();
        for row in &one.resources {
            let value = read(row);
            let labels = labels(&value);
            assert!(labels.contains(&"HTEST"), "{}", row.id);
            if labels.contains(&"PSYTHPN") {
                *withheld.entry(row.kind).or_default() += 1;
            } else {
                assert!(!row.json.contains("sychotherapy"), "{}", row.id);
            }
            assert!(value["meta"]["versionId"].is_null() && value["meta"]["lastUpdated"].is_null());
            assert!(row.kind == "Binary" || value["meta"]["profile"].is_array());
        }
        let index: u32 = one.patient.trim_start_matches("p-").parse().unwrap_or(0);
        let expected = match index % 5 {
            0 | 1 => BTreeMap::from([("Binary", 1), ("DocumentReference", 1), ("Observation", 1)]),
            _ => BTreeMap::new(),
        };
        assert_eq!(withheld, expected, "{}", one.patient);
    }
}

#[test]
fn every_row_names_its_person_and_nobody_else() {
    let all = people(4, 30);
    for one in &all {
        for row in &one.resources {
            assert!(row.json.contains(&one.patient), "{}", row.id);
            if row.kind != "Binary" {
                let div = read(row)["text"]["div"].as_str().unwrap_or_default().to_owned();
                assert!(div.contains(&one.mrn) && div.contains(&format!("{} {}", one.given, one.family)));
            }
            for other in all.iter().filter(|other| other.patient != one.patient) {
                let full = format!("{} {}", other.given, other.family);
                let foreign = [&other.patient, &other.mrn, &other.username, &full];
                assert!(!foreign.iter().any(|word| row.json.contains(*word)), "{} of {}", row.id, other.patient);
            }
        }
    }
}

#[test]
fn nothing_happens_before_birth_after_death_or_after_the_horizon() {
    for one in people(6, 50) {
        let patient = one.resources.first().map(read).unwrap_or_default();
        let end = patient["deceasedDateTime"].as_str().map_or_else(|| HORIZON.date(), str::to_owned);
        for row in one.resources.iter() {
            let value = read(row);
            let clinical = [
                "effectiveDateTime",
                "authoredOn",
                "recordedDate",
                "performedDateTime",
                "occurrenceDateTime",
                "onsetDateTime",
                "abatementDateTime",
                "whenHandedOver",
                "issued",
                "recorded",
            ];
            each_member(&value, &mut |key, member| {
                let Some(when) = member.as_str().filter(|_| clinical.contains(&key)) else { return };
                let day: String = when.chars().take(10).collect();
                assert!(one.birth_date <= day && day <= end, "{} {key} {when}", row.id);
            });
        }
    }
}

#[test]
fn each_clinician_knows_some_people_and_not_all_and_by_every_way() {
    for clinician in clinicians(8) {
        let who = format!("Practitioner/{}", clinician.practitioner);
        let mut ways = [0, 0, 0];
        let mut known = 0;
        for one in people(8, 24) {
            let mut by = [false; 3];
            for row in &one.resources {
                let value = read(row);
                match row.kind {
                    "Patient" => by[0] |= value["generalPractitioner"][0]["reference"] == who,
                    "Encounter" => by[1] |= value["participant"][0]["individual"]["reference"] == who,
                    "CareTeam" => by[2] |= value["participant"][0]["member"]["reference"] == who,
                    _ => {} // no care relationship
                }
            }
            for (count, found) in ways.iter_mut().zip(by) {
                *count += u32::from(found);
            }
            known += u32::from(by.contains(&true));
        }
        assert!((4..20).contains(&known), "{}: {known}", clinician.practitioner);
        assert!(ways.iter().all(|count| *count > 0), "{ways:?}");
    }
}

#[test]
fn among_the_first_are_children_and_the_dead() {
    let all = people(1, 25);
    let born_since = |year: &str| all.iter().filter(|one| one.birth_date.as_str() >= year).count();
    assert!(born_since("2024") >= 1 && born_since("2015") >= 2);
    let dead = all.iter().filter_map(|one| one.resources.first()).filter(|row| row.json.contains("\"deceased"));
    assert_eq!(dead.count(), 2);
}

#[test]
fn the_gate_reads_whom_each_row_is_about_as_it_was_meant() {
    let read = |row: &Resource| json::Document::parse(row.json.clone().into_bytes().into(), &json::Limits::DEFAULT);
    let base = "https://gateway.example/fhir";
    for row in shared(1) {
        let Ok(document) = read(&row) else { panic!("{} is not strict JSON", row.id) };
        let Ok(resource) = fhir::Resource::of(document.root()) else { panic!("{} is no resource", row.id) };
        assert_eq!(fhir::subject::about_at(&resource, base), fhir::About::Shared, "{}", row.id);
    }
    for one in people(1, 25) {
        for row in &one.resources {
            let Ok(document) = read(row) else { panic!("{} is not strict JSON", row.id) };
            let Ok(resource) = fhir::Resource::of(document.root()) else { panic!("{} is no resource", row.id) };
            let names = |id: &fhir::Id| id.to_string() == one.patient;
            let right = match fhir::subject::about_at(&resource, base) {
                fhir::About::Patients(ids) => ids.len() == 1 && ids.iter().all(names),
                fhir::About::Targets(targets) => row.kind == "Provenance" && !targets.is_empty(),
                fhir::About::Owner => fhir::subject::owner(&resource, base).is_some_and(|(_, id)| names(&id)),
                fhir::About::Shared | fhir::About::Unknown => false,
            };
            assert!(right, "{}/{}", row.kind, row.id);
        }
    }
}
