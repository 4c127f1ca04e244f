//! Policies: the shipped ones do what their examples say; a wrong one is told what is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::fixtures::{digest, document, policies, policy, within};
use crate::label::labels;
use crate::redact::{Left, redact};
use fhir::resource::Resource;
use proptest::prelude::*;
use serde_json::Value;

/// What becomes of a resource under a policy, in the words of an example.
fn outcome(policy: &Policy, resource: &str) -> String {
    let document = document(resource.to_owned());
    let resource = Resource::of(document.root()).unwrap();
    if policy.cut(resource.kind()).is_none() {
        return "forbidden".to_owned();
    }
    if policy.bars(&labels(&resource)) {
        return "withheld".to_owned();
    }
    match redact(&resource, policy) {
        Left::Whole => "unchanged".to_owned(),
        Left::Cut(bytes) => String::from_utf8(bytes).unwrap(),
        Left::Nothing => "forbidden".to_owned(),
    }
}

fn fault(allow: &str) -> PolicyFault {
    let text = format!("purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\n[allow]\n{allow}\n");
    Policy::read(&text, digest).unwrap_err()
}

fn words(allow: &str) -> String {
    fault(allow).to_string()
}

#[test]
fn every_purpose_has_a_shipped_policy_and_every_example_of_it_holds() {
    let policies = policies();
    for purpose in Purpose::ALL {
        let policy = policies.of(purpose).unwrap();
        assert!(policy.examples().len() >= 3, "{purpose} shows too little of itself");
        assert!(!policy.law().is_empty());
        for example in policy.examples() {
            let came = outcome(policy, &example.resource);
            match example.expect.as_str() {
                "unchanged" | "withheld" | "forbidden" => {
                    assert_eq!(came, example.expect, "{purpose}: {}", example.given)
                }
                json => {
                    let (came, expected) = (serde_json::from_str::<Value>(&came), serde_json::from_str::<Value>(json));
                    assert_eq!(came.unwrap(), expected.unwrap(), "{purpose}: {}", example.given);
                }
            }
        }
    }
}

#[test]
fn no_purpose_lets_a_psychotherapy_note_leave() {
    for policy in policies().iter() {
        assert!(policy.bars(&[Label::PsychotherapyNote]), "{}", policy.purpose());
        assert!(!policy.bars(&[]));
    }
}

#[test]
fn a_policy_names_its_purpose_and_the_digest_of_its_file() {
    let policies = Policies::shipped(|bytes| bytes.len().to_string()).unwrap();
    let version = policies.of(Purpose::Treatment).unwrap().version();
    assert_eq!(version, format!("TREAT@{}", include_str!("policies/treat.toml").len()));
}

#[test]
fn a_wrong_element_is_told_the_real_ones() {
    let told = words(r#"Encounter = ["status", "clas"]"#);
    assert!(
        told.contains("Encounter") && told.contains("nearest is class") && told.contains("hospitalization"),
        "{told}"
    );
    assert!(words(r#"Encounter = ["status", "period.begin"]"#).contains("nearest is"));
    assert!(matches!(fault(r#"Procedure = ["status", ""]"#), PolicyFault::Path(..)));
}

#[test]
fn a_cut_names_the_elements_that_change_the_meaning_of_others() {
    let fault_at = |allow: &str| {
        let fault = fault(allow);
        let PolicyFault::Modifier(kind, element) = fault else { panic!("{fault}") };
        format!("{kind}.{element}")
    };
    assert_eq!(fault_at(r#"Encounter = ["class"]"#), "Encounter.status");
    assert_eq!(fault_at(r#"MedicationRequest = ["status", "intent"]"#), "MedicationRequest.doNotPerform");
    assert_eq!(fault_at(r#"Patient = ["active", "deceasedBoolean", "link"]"#), "Patient.deceased[x]");
    assert_eq!(fault_at(r#"Encounter = ["status", "identifier.value"]"#), "Encounter.identifier.use");
    assert_eq!(fault_at(r#"Observation = ["status", "valueQuantity.value"]"#), "Observation.valueQuantity.comparator");
    assert_eq!(
        fault_at(r#"CarePlan = ["status", "intent", "activity.detail.code", "activity.detail.status"]"#),
        "CarePlan.activity.detail.doNotPerform"
    );
    policy(
        "purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\n[allow]\nEncounter = [\"status\", \"identifier.use\", \"identifier.value\"]\n",
    );
    policy(
        "purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\n[allow]\nEncounter = [\"status\", \"identifier\", \"identifier.value\"]\n",
    );
}

#[test]
fn a_cut_never_keeps_the_narrative_and_never_guesses_about_a_type() {
    assert_eq!(fault(r#"Encounter = ["status", "text"]"#), PolicyFault::Narrative("Encounter".to_owned()));
    assert_eq!(fault(r#"Encounter = ["status", "text.div"]"#), PolicyFault::Narrative("Encounter".to_owned()));
    assert_eq!(fault(r#"Claim = ["status"]"#), PolicyFault::Uncuttable("Claim".to_owned()));
}

#[test]
fn what_a_policy_file_says_is_understood_whole_or_not_at_all() {
    assert_eq!(fault(r#"Patients = "every element""#), PolicyFault::Type("Patients".to_owned()));
    assert_eq!(fault(r#"Patient = "everything""#), PolicyFault::Words("Patient".to_owned()));
    assert_eq!(fault(r#""*" = ["status"]"#), PolicyFault::Words("*".to_owned()));
    let read = |text: &str| Policy::read(text, digest);
    assert!(matches!(read("purpose = \"HPAYMT\""), Err(PolicyFault::Unreadable(_))));
    let more = "purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\nalso = []\n[allow]\n";
    assert!(matches!(read(more), Err(PolicyFault::Unreadable(_))));
    assert!(read(&more.replace("also = []\n", "")).is_ok());
    assert!(matches!(read(&more.replace("also", "#").replace("HPAYMT", "MARKT")), Err(PolicyFault::Purpose(_))));
    assert!(matches!(
        read(&more.replace("also", "#").replace("never = []", "never = [\"X\"]")),
        Err(PolicyFault::Label(_))
    ));
}

#[test]
fn one_purpose_has_one_policy() {
    let text = "purpose = \"TREAT\"\nlaw = \"x\"\nnever = []\n[allow]\n";
    assert_eq!(Policies::read(&[text, text], digest).unwrap_err(), PolicyFault::Twice(Purpose::Treatment));
    assert!(Policies::read(&[text], digest).unwrap().of(Purpose::Payment).is_none());
}

#[test]
fn a_type_that_is_not_named_does_not_leave() {
    let policy = policy("purpose = \"TREAT\"\nlaw = \"x\"\nnever = []\n[allow]\nDevice = \"every element\"\n");
    for kind in ResourceType::ALL {
        assert_eq!(policy.cut(*kind).is_some(), *kind == ResourceType::Device, "{kind}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        drop(Policy::read(&text, digest));
    }

    /// Naming more elements never keeps fewer.
    #[test]
    fn a_longer_list_keeps_all_that_the_shorter_kept(more in prop::sample::subsequence(
        vec!["period", "period.start", "identifier", "identifier.use", "type", "type.text", "diagnosis", "location.location", "location.status"], 0..=9).prop_shuffle()
    ) {
        let given = r#"{"resourceType":"Encounter","status":"finished","identifier":[{"use":"old","value":"1"}],
            "type":[{"text":"t","coding":[{"code":"c"}]}],"period":{"start":"2026","end":"2027"},
            "location":[{"location":{"reference":"Location/1"},"status":"active","period":{"start":"2026"}}]}"#;
        let of = |elements: &[&str]| {
            let list = elements.iter().map(|element| format!("\"{element}\"")).collect::<Vec<_>>().join(",");
            let text = format!("purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\n[allow]\nEncounter = [\"status\",{list}]\n");
            Policy::read(&text, digest).map(|policy| outcome(&policy, given))
        };
        let Ok(mut last) = of(&[]) else { return Err(TestCaseError::fail("the shortest list is no policy")) };
        for upto in 1..=more.len() {
            let Ok(next) = of(&more[..upto]) else { continue };
            let (less, all) = (serde_json::from_str::<Value>(&last).unwrap(), serde_json::from_str::<Value>(&next).unwrap());
            prop_assert!(within(&less, &all), "{} {}", last, next);
            last = next;
        }
    }
}
