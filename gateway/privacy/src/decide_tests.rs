//! Decisions: what reaches, what does not, and that no fact is missing from either.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::fixtures::{digest, id, patient, policies, read, search, service};
use crate::refusal::Kind;
use crate::{Purpose, Role, Scopes};
use proptest::prelude::*;

fn asked(principal: Principal, question: Question) -> Result<Permit, Refusal> {
    asked_about(principal, question, Subject::Nobody)
}

fn asked_about(principal: Principal, question: Question, reach: Subject) -> Result<Permit, Refusal> {
    decide(Facts { principal: &Arc::new(principal), question, reach, policies: &policies() })
}

fn refused(principal: Principal, question: Question) -> String {
    let refusal = asked(principal, question).unwrap_err();
    assert_eq!(refusal.kind(), Kind::Forbidden);
    refusal.public().to_owned()
}

#[test]
fn a_permit_carries_who_asked_what_and_by_which_policy() {
    let permit = asked(patient("patient/Observation.rs"), search(ResourceType::Observation)).unwrap();
    assert_eq!(permit.principal().client, "app");
    assert_eq!(permit.question().kind, ResourceType::Observation);
    assert_eq!(permit.policy().version(), "PATRQT@0123abcd");
    assert_eq!(permit.subject().patients(), [id("p")]);
}

#[test]
fn a_purpose_without_a_policy_is_refused() {
    let policies = Policies::read(&["purpose = \"TREAT\"\nlaw = \"x\"\nnever = []\n[allow]\n"], digest).unwrap();
    let principal = Arc::new(patient("patient/*.rs"));
    let question = search(ResourceType::Patient);
    let refusal = decide(Facts { principal: &principal, question, reach: Subject::Nobody, policies: &policies });
    assert!(refusal.unwrap_err().public().contains("no policy"));
}

#[test]
fn search_needs_the_search_letter_and_read_the_read_letter() {
    assert!(asked(patient("patient/Observation.s"), search(ResourceType::Observation)).is_ok());
    assert!(
        refused(patient("patient/Observation.r"), search(ResourceType::Observation)).contains("patient/Observation.s")
    );
    assert!(asked(patient("patient/Observation.r"), read(ResourceType::Observation, "1")).is_ok());
    assert!(
        refused(patient("patient/Observation.s"), read(ResourceType::Observation, "1"))
            .contains("patient/Observation.r")
    );
    let vread = Question { interaction: Interaction::Vread, ..read(ResourceType::Observation, "1") };
    assert!(asked(patient("patient/Observation.r"), vread).is_ok());
}

#[test]
fn scopes_of_another_level_do_not_reach() {
    for scopes in ["user/Condition.rs", "system/Observation.rs", "openid fhirUser", ""] {
        refused(patient(scopes), search(ResourceType::Observation));
    }
}

/// Those in the care of the tests' clinician.
fn in_care() -> Subject {
    Subject::Patients(vec![id("p"), id("q")])
}

#[test]
fn user_scopes_are_about_whom_the_person_may_see_and_nobody_else() {
    let asked = |reach| asked_about(patient("user/Observation.rs"), search(ResourceType::Observation), reach);
    let permit = asked(in_care()).unwrap();
    assert_eq!((permit.level(), permit.subject()), (Level::User, &in_care()));
    for nobody in [Subject::Nobody, Subject::Patients(Vec::new())] {
        assert!(asked(nobody).unwrap_err().public().contains("no patients in their care"));
    }
}

#[test]
fn every_question_is_decided_at_one_level() {
    let both = "patient/Observation.rs patient/Condition.rs user/Observation.rs user/Encounter.s";
    for (question, level) in [
        (search(ResourceType::Observation), Level::User),
        (read(ResourceType::Observation, "1"), Level::User),
        (search(ResourceType::Condition), Level::Patient),
        (search(ResourceType::Encounter), Level::User),
    ] {
        assert_eq!(asks_as_user(&patient(both), &question), level == Level::User);
        let permit = asked_about(patient(both), question, in_care()).unwrap();
        let subject = if level == Level::User { in_care() } else { Subject::Patient(id("p")) };
        assert_eq!((permit.level(), permit.subject()), (level, &subject));
    }
    // What the other level grants counts for nothing: neither as a letter nor as a type that may vouch.
    assert!(refused(patient(both), read(ResourceType::Encounter, "1")).contains("patient/Encounter.r"));
    let permit = asked_about(patient(both), search(ResourceType::Observation), in_care()).unwrap();
    assert!(permit.sees(ResourceType::Encounter) && !permit.sees(ResourceType::Condition));
    let permit = asked_about(patient(both), search(ResourceType::Condition), in_care()).unwrap();
    assert!(permit.sees(ResourceType::Observation) && !permit.sees(ResourceType::Encounter));
}

#[test]
fn a_refusal_names_the_level_that_the_app_has_scopes_of() {
    for (scopes, level) in [("user/Condition.rs", "user"), ("patient/Condition.rs user/Condition.rs", "patient")] {
        assert!(
            refused(patient(scopes), search(ResourceType::Observation)).contains(&format!("{level}/Observation.s"))
        );
    }
}

#[test]
fn whom_a_person_may_see_widens_neither_patient_nor_system_scopes() {
    for principal in [patient("patient/*.rs"), service("system/*.rs user/*.rs")] {
        assert!(!asks_as_user(&principal, &search(ResourceType::Observation)));
        let own = principal.subject.clone();
        assert_eq!(asked_about(principal, search(ResourceType::Observation), in_care()).unwrap().subject(), &own);
    }
}

#[test]
fn a_service_asks_about_everyone_under_system_scopes_and_within_its_policy() {
    assert!(asked(service("system/Observation.rs"), search(ResourceType::Observation)).is_ok());
    assert!(asked(service("system/DocumentReference.r"), read(ResourceType::Binary, "1")).is_ok());
    for scopes in ["patient/*.rs", "user/*.rs", "system/Condition.rs", "system/Observation.r", "fhirUser", ""] {
        let said = refused(service(scopes), search(ResourceType::Observation));
        assert!(said.contains("system/Observation.s"), "{scopes}: {said}");
    }
    let payer = Principal { purpose: Purpose::Payment, ..service("system/*.rs") };
    refused(payer, search(ResourceType::Observation));
    for subject in [Subject::Nobody, Subject::Patient(id("p")), Subject::Patients(Vec::new())] {
        refused(Principal { subject, ..service("system/*.rs") }, search(ResourceType::Observation));
    }
}

#[test]
fn a_binary_goes_with_document_references_and_nothing_else_does() {
    assert!(asked(patient("patient/DocumentReference.r"), read(ResourceType::Binary, "1")).is_ok());
    refused(patient("patient/DiagnosticReport.r"), read(ResourceType::Binary, "1"));
    refused(patient("patient/Binary.rs"), read(ResourceType::DocumentReference, "1"));
}

#[test]
fn a_type_outside_the_policy_is_refused_by_name() {
    let clinician = Principal { role: Role::Clinician, purpose: Purpose::Treatment, ..patient("patient/*.rs") };
    assert_eq!(refused(clinician, search(ResourceType::Claim)), "The purpose of use TREAT does not include Claim.");
}

#[test]
fn a_purpose_that_is_not_open_to_the_role_is_refused_whatever_else_holds() {
    for role in [Role::Patient, Role::Clinician, Role::System] {
        for purpose in Purpose::ALL {
            let own = (role == Role::Patient) == (purpose == Purpose::PatientRequest);
            assert_eq!(purpose.is_open_to(role), own, "{role:?} {purpose}");
            let base = if role == Role::System { service("system/*.rs") } else { patient("patient/*.rs") };
            let who = Principal { role, purpose, ..base };
            if own {
                assert!(asked(who, search(ResourceType::Encounter)).is_ok(), "{role:?} {purpose}");
            } else {
                let said =
                    format!("The purpose of use {purpose} is not open to who asks. Authorize again for another.");
                assert_eq!(refused(who, search(ResourceType::Encounter)), said);
            }
        }
    }
}

#[test]
fn no_patient_in_context_is_no_permit() {
    for subject in [Subject::Nobody, Subject::Patients(Vec::new())] {
        let nobody = Principal { subject, ..patient("patient/*.rs") };
        assert!(refused(nobody, search(ResourceType::Observation)).contains("no patient in context"));
    }
}

#[test]
fn ones_own_fhir_user_can_be_read_and_nothing_more() {
    for word in ["fhirUser", "profile"] {
        let own = || Principal { subject: Subject::Nobody, ..patient(word) };
        assert!(asked(own(), read(ResourceType::Patient, "p")).is_ok(), "{word}");
        refused(own(), read(ResourceType::Patient, "q"));
        refused(own(), read(ResourceType::Practitioner, "p"));
        refused(own(), search(ResourceType::Patient));
    }
    refused(patient("openid"), read(ResourceType::Patient, "p"));
    refused(Principal { fhir_user: None, ..patient("fhirUser") }, read(ResourceType::Patient, "p"));
    // A representative stands in the record of one patient, who may not be the one in context.
    let mother = Principal { fhir_user: Some((ResourceType::RelatedPerson, id("r"))), ..patient("fhirUser") };
    refused(mother, read(ResourceType::RelatedPerson, "r"));
}

#[test]
fn nothing_but_reading_and_searching_is_granted_by_any_scope() {
    let granted = |interaction| {
        asked(patient("patient/*.cruds fhirUser"), Question { interaction, ..read(ResourceType::Patient, "p") }).is_ok()
    };
    let of = |codes: &[Interaction]| codes.iter().all(|interaction| granted(*interaction));
    assert!(of(&[Interaction::Read, Interaction::Vread, Interaction::Search]));
    for interaction in [
        Interaction::History,
        Interaction::HistoryType,
        Interaction::HistorySystem,
        Interaction::SearchSystem,
        Interaction::Create,
        Interaction::Update,
        Interaction::Patch,
        Interaction::Delete,
        Interaction::Transaction,
        Interaction::Batch,
        Interaction::Capabilities,
        Interaction::Operation,
    ] {
        assert!(!granted(interaction), "{}", interaction.code());
    }
}

proptest! {
    /// Taking a scope away, or the patient, never turns a refusal into a permit.
    #[test]
    fn less_never_grants_more(
        scopes in prop::collection::vec(prop::sample::select(vec![
            "patient/Observation.rs", "patient/*.r", "patient/Claim.s", "patient/DocumentReference.read", "fhirUser", "user/*.rs",
        ]), 0..5),
        kind in prop::sample::select(vec![ResourceType::Observation, ResourceType::Claim, ResourceType::Binary, ResourceType::Patient]),
        searching in any::<bool>(),
        purpose in prop::sample::select(Purpose::ALL.to_vec()),
    ) {
        let question = || if searching { search(kind) } else { read(kind, "p") };
        let with = |scopes: &str, subject: Subject| {
            asked(Principal { purpose, subject, scopes: Scopes::parse(scopes), ..patient("") }, question()).is_ok()
        };
        let all = with(&scopes.join(" "), Subject::Patient(id("p")));
        for upto in 0..scopes.len() {
            prop_assert!(all || !with(&scopes[..upto].join(" "), Subject::Patient(id("p"))));
        }
        prop_assert!(all || !with(&scopes.join(" "), Subject::Nobody));
    }
}
