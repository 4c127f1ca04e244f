//! Whom a resource is about: our own table of subject paths, which alone grants a patient's token anything.
//!
//! Narrower than R4's CompartmentDefinition on purpose. A performer, asserter, author, subscriber or focus never makes a
//! record someone's: a mother who reports her child's allergy is its asserter, and would otherwise receive it. A subject
//! that is missing, a Group, named only by identifier or not readable at all leaves the record nobody's.

use crate::element::each;
use crate::{Id, Reference, Resource, ResourceType};
use json::{Kind, Value};

/// The most targets one Provenance may name; one with more is nobody's (each costs a judgement).
pub const TARGETS_MAX: usize = 100;

/// Whom a resource is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// These patients, one at least.
    Patients(Vec<Id>),
    /// No patient of its own: visible only while something visible refers to it.
    Shared,
    /// Whatever these are about, all of them (Provenance.target).
    Targets(Vec<(ResourceType, Id)>),
    /// Whatever the record that owns it is about (Binary): see [`owner`].
    Owner,
    /// Nobody's. Never to be shown to anyone who asks as, or for, a patient.
    Unknown,
}

/// Where a type says whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// It is a patient.
    Itself,
    /// A reference to a Patient under this name.
    Element(&'static str),
    Shared,
    Targets,
    Owner,
    /// The patients among the entities of an event, where no agent is another one.
    Entities,
    /// Not served on its own, and harmless within something else: R4 gives it no way to name a person.
    Impersonal,
    /// Not served.
    Unserved,
}

/// Whom a resource is about; absolute references are read as someone else's.
pub fn about(resource: &Resource<'_>) -> About {
    about_at(resource, "")
}

/// Whom a resource held by the server at `base` is about: absolute references on exactly that base count as its own.
pub fn about_at(resource: &Resource<'_>, base: &str) -> About {
    let own = match rule(resource.kind()) {
        Rule::Itself => resource.id().map_or(About::Unknown, |id| About::Patients(vec![id])),
        Rule::Element(name) => match patient(resource.value().get(name), base) {
            Some(id) => About::Patients(vec![id]),
            None => About::Unknown,
        },
        Rule::Shared => About::Shared,
        Rule::Targets => targets(resource.value(), base),
        Rule::Owner => About::Owner,
        Rule::Entities => entities(resource.value(), base),
        Rule::Impersonal | Rule::Unserved => About::Unknown,
    };
    if contained_agrees(resource, &own, base) { own } else { About::Unknown }
}

/// The record that a Binary names as its owner (`securityContext`); many name none and are owned by whoever links to them.
pub fn owner(binary: &Resource<'_>, base: &str) -> Option<(ResourceType, Id)> {
    target(binary.value().get("securityContext")?, base)
}

/// The elements that say whom a type is about, for whoever narrows a query or explains a refusal: `subject`, `patient`.
pub fn element(kind: ResourceType) -> Option<&'static str> {
    match rule(kind) {
        Rule::Element(name) => Some(name),
        Rule::Itself
        | Rule::Shared
        | Rule::Targets
        | Rule::Owner
        | Rule::Entities
        | Rule::Impersonal
        | Rule::Unserved => None,
    }
}

/// Whether every contained resource may travel inside one that is about `own`.
fn contained_agrees(resource: &Resource<'_>, own: &About, base: &str) -> bool {
    let Some(contained) = resource.value().get("contained") else { return true };
    each(contained).all(|value| Resource::of(value).is_ok_and(|inner| agrees(&inner, own, base)))
}

fn agrees(inner: &Resource<'_>, own: &About, base: &str) -> bool {
    if inner.value().get("contained").is_some() {
        return false;
    }
    match rule(inner.kind()) {
        Rule::Shared | Rule::Impersonal => true,
        Rule::Element(name) => match (inner.value().get(name), own) {
            // A contained record that names nobody speaks of its container's patient, if that has one.
            (None, About::Patients(_)) => true,
            (subject, About::Patients(patients)) => patient(subject, base).is_some_and(|id| patients.contains(&id)),
            (_, About::Shared | About::Targets(_) | About::Owner | About::Unknown) => false,
        },
        // A contained Patient is a person without an address; a contained Provenance or Binary has no owner to ask.
        Rule::Itself | Rule::Targets | Rule::Owner | Rule::Entities | Rule::Unserved => false,
    }
}

fn targets(provenance: Value<'_>, base: &str) -> About {
    let Some(list) = provenance.get("target") else { return About::Unknown };
    let found: Option<Vec<_>> = each(list).take(TARGETS_MAX + 1).map(|value| target(value, base)).collect();
    match found {
        Some(found) if !found.is_empty() && found.len() <= TARGETS_MAX => About::Targets(found),
        Some(_) | None => About::Unknown,
    }
}

/// Whom an event is about: every patient among its entities (BALP), who must be all the patients that it names.
fn entities(event: Value<'_>, base: &str) -> About {
    let named = |list: &str, name: &str| -> Vec<Id> {
        let items = event.get(list).into_iter().flat_map(each);
        let patients = items.filter_map(|item| patient(item.get(name), base));
        patients.fold(Vec::new(), |mut all, patient| {
            if !all.contains(&patient) {
                all.push(patient);
            }
            all
        })
    };
    let patients = named("entity", "what");
    let agents_agree = named("agent", "who").iter().all(|agent| patients.contains(agent));
    if patients.is_empty() || !agents_agree { About::Unknown } else { About::Patients(patients) }
}

/// The patient that one Reference names.
fn patient(reference: Option<Value<'_>>, base: &str) -> Option<Id> {
    match target(reference?, base)? {
        (ResourceType::Patient, id) => Some(id),
        (_, _) => None,
    }
}

/// The local target that one Reference names, unless its `type` says otherwise.
fn target(reference: Value<'_>, base: &str) -> Option<(ResourceType, Id)> {
    if reference.kind() != Kind::Object {
        return None;
    }
    let text = reference.get("reference")?.text()?;
    let read = Reference::parse_at(&text, base);
    let (kind, id) = read.local()?;
    let said = reference.get("type").is_none_or(|said| said.is(kind.as_str()));
    said.then(|| (kind, id.clone()))
}

/// The table. A type that is added must be given its line.
fn rule(kind: ResourceType) -> Rule {
    use ResourceType::*;
    match kind {
        Patient => Rule::Itself,
        CarePlan | CareTeam | Condition | DiagnosticReport | DocumentReference | Encounter | Goal
        | MedicationDispense | MedicationRequest | Observation | Procedure | ServiceRequest | Specimen => {
            Rule::Element("subject")
        }
        AllergyIntolerance | Device | Immunization | RelatedPerson => Rule::Element("patient"),
        Coverage => Rule::Element("beneficiary"),
        Location | Medication | Organization | Practitioner | PractitionerRole => Rule::Shared,
        Provenance => Rule::Targets,
        Binary => Rule::Owner,
        AuditEvent => Rule::Entities,
        Endpoint | Substance => Rule::Impersonal,
        Account
        | ActivityDefinition
        | AdverseEvent
        | Appointment
        | AppointmentResponse
        | Basic
        | BiologicallyDerivedProduct
        | BodyStructure
        | Bundle
        | CapabilityStatement
        | CatalogEntry
        | ChargeItem
        | ChargeItemDefinition
        | Claim
        | ClaimResponse
        | ClinicalImpression
        | CodeSystem
        | Communication
        | CommunicationRequest
        | CompartmentDefinition
        | Composition
        | ConceptMap
        | Consent
        | Contract
        | CoverageEligibilityRequest
        | CoverageEligibilityResponse
        | DetectedIssue
        | DeviceDefinition
        | DeviceMetric
        | DeviceRequest
        | DeviceUseStatement
        | DocumentManifest
        | EffectEvidenceSynthesis
        | EnrollmentRequest
        | EnrollmentResponse
        | EpisodeOfCare
        | EventDefinition
        | Evidence
        | EvidenceVariable
        | ExampleScenario
        | ExplanationOfBenefit
        | FamilyMemberHistory
        | Flag
        | GraphDefinition
        | Group
        | GuidanceResponse
        | HealthcareService
        | ImagingStudy
        | ImmunizationEvaluation
        | ImmunizationRecommendation
        | ImplementationGuide
        | InsurancePlan
        | Invoice
        | Library
        | Linkage
        | List
        | Measure
        | MeasureReport
        | Media
        | MedicationAdministration
        | MedicationKnowledge
        | MedicationStatement
        | MedicinalProduct
        | MedicinalProductAuthorization
        | MedicinalProductContraindication
        | MedicinalProductIndication
        | MedicinalProductIngredient
        | MedicinalProductInteraction
        | MedicinalProductManufactured
        | MedicinalProductPackaged
        | MedicinalProductPharmaceutical
        | MedicinalProductUndesirableEffect
        | MessageDefinition
        | MessageHeader
        | MolecularSequence
        | NamingSystem
        | NutritionOrder
        | ObservationDefinition
        | OperationDefinition
        | OperationOutcome
        | OrganizationAffiliation
        | Parameters
        | PaymentNotice
        | PaymentReconciliation
        | Person
        | PlanDefinition
        | Questionnaire
        | QuestionnaireResponse
        | RequestGroup
        | ResearchDefinition
        | ResearchElementDefinition
        | ResearchStudy
        | ResearchSubject
        | RiskAssessment
        | RiskEvidenceSynthesis
        | Schedule
        | SearchParameter
        | Slot
        | SpecimenDefinition
        | StructureDefinition
        | StructureMap
        | Subscription
        | SubstanceNucleicAcid
        | SubstancePolymer
        | SubstanceProtein
        | SubstanceReferenceInformation
        | SubstanceSourceMaterial
        | SubstanceSpecification
        | SupplyDelivery
        | SupplyRequest
        | Task
        | TerminologyCapabilities
        | TestReport
        | TestScript
        | ValueSet
        | VerificationResult
        | VisionPrescription => Rule::Unserved,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::ElementPath;
    use crate::tests::document;
    use proptest::prelude::*;

    fn about(text: &str) -> About {
        super::about_at(&Resource::of(document(text).root()).unwrap(), "https://here/fhir")
    }

    fn patients(ids: &[&str]) -> About {
        About::Patients(ids.iter().map(|id| Id::parse(id).unwrap()).collect())
    }

    fn observation(rest: &str) -> About {
        about(&format!(r#"{{"resourceType":"Observation","id":"o",{rest}}}"#))
    }

    #[test]
    fn every_line_of_the_table_names_an_element_that_references_a_patient() {
        for kind in ResourceType::ALL {
            if let Some(name) = element(*kind) {
                assert!(ElementPath::check(&format!("{kind}.{name}.reference")).is_ok(), "{kind}.{name}");
            }
        }
    }

    #[test]
    fn a_record_is_about_its_subject_and_nobody_else() {
        assert_eq!(
            observation(
                r#""subject":{"reference":"Patient/1"},"performer":[{"reference":"Patient/2"}],"focus":[{"reference":"Patient/3"}]"#
            ),
            patients(&["1"])
        );
        assert_eq!(
            about(
                r#"{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"asserter":{"reference":"Patient/2"}}"#
            ),
            patients(&["1"])
        );
        assert_eq!(
            about(
                r#"{"resourceType":"Coverage","beneficiary":{"reference":"Patient/1"},"subscriber":{"reference":"Patient/2"}}"#
            ),
            patients(&["1"])
        );
        assert_eq!(
            about(r#"{"resourceType":"Patient","id":"1","link":[{"other":{"reference":"Patient/2"}}]}"#),
            patients(&["1"])
        );
        assert_eq!(
            about(r#"{"resourceType":"Device","patient":{"reference":"https://here/fhir/Patient/1"}}"#),
            patients(&["1"])
        );
        assert_eq!(observation(r#""subject":{"reference":"Patient/1/_history/4","type":"Patient"}"#), patients(&["1"]));
    }

    #[test]
    fn a_subject_that_cannot_be_read_makes_a_record_nobodys() {
        for subject in [
            "{}",
            r#"{"identifier":{"value":"1"}}"#,
            r#"{"reference":"Group/1"}"#,
            r#"{"reference":"Patient/"}"#,
            r##"{"reference":"#p"}"##,
            r#"{"reference":"https://there/fhir/Patient/1"}"#,
            r#"{"reference":"Patient?identifier=1"}"#,
            r#"{"reference":"urn:uuid:1"}"#,
            r#"[{"reference":"Patient/1"}]"#,
            r#""Patient/1""#,
            r#"{"reference":["Patient/1"]}"#,
            r#"{"reference":"Patient/1","type":"Group"}"#,
            r#"{"display":"Patient/1"}"#,
            "null",
        ] {
            assert_eq!(observation(&format!("\"subject\":{subject}")), About::Unknown, "{subject}");
        }
        assert_eq!(observation(r#""status":"final""#), About::Unknown);
        assert_eq!(about(r#"{"resourceType":"Patient"}"#), About::Unknown);
        assert_eq!(about(r#"{"resourceType":"Device","id":"d"}"#), About::Unknown);
        assert_eq!(about(r#"{"resourceType":"Substance","id":"s"}"#), About::Unknown);
        assert_eq!(about(r#"{"resourceType":"List","subject":{"reference":"Patient/1"}}"#), About::Unknown);
    }

    #[test]
    fn shared_records_have_no_subject_and_binaries_an_owner() {
        for kind in ["Practitioner", "PractitionerRole", "Organization", "Location", "Medication"] {
            assert_eq!(about(&format!(r#"{{"resourceType":"{kind}"}}"#)), About::Shared);
        }
        assert_eq!(about(r#"{"resourceType":"Binary"}"#), About::Owner);
        let binary = document(r#"{"resourceType":"Binary","securityContext":{"reference":"DocumentReference/7"}}"#);
        let owned = owner(&Resource::of(binary.root()).unwrap(), "");
        assert_eq!(owned, Some((ResourceType::DocumentReference, Id::parse("7").unwrap())));
    }

    #[test]
    fn a_provenance_is_about_all_its_targets_or_nobody() {
        let of = |targets: &str| {
            about(&format!(
                r#"{{"resourceType":"Provenance","target":{targets},"agent":[{{"who":{{"reference":"Patient/9"}}}}]}}"#
            ))
        };
        let two = of(r#"[{"reference":"Patient/1"},{"reference":"Observation/2"}]"#);
        assert_eq!(
            two,
            About::Targets(vec![
                (ResourceType::Patient, Id::parse("1").unwrap()),
                (ResourceType::Observation, Id::parse("2").unwrap())
            ])
        );
        assert_eq!(of("[]"), About::Unknown);
        assert_eq!(of(r#"[{"reference":"Patient/1"},{"reference":"urn:uuid:2"}]"#), About::Unknown);
        let many = vec![r#"{"reference":"Patient/1"}"#; TARGETS_MAX + 1].join(",");
        assert_eq!(of(&format!("[{many}]")), About::Unknown);
    }

    #[test]
    fn an_event_is_about_the_patients_among_its_entities_and_names_no_other() {
        let of = |entities: &str, agents: &str| {
            about(&format!(r#"{{"resourceType":"AuditEvent","id":"a","agent":{agents},"entity":{entities}}}"#))
        };
        let one = r#"[{"what":{"reference":"Patient/1"}},{"what":{"reference":"Observation/2"}}]"#;
        let doctor = r#"[{"who":{"identifier":{"value":"app"}}},{"who":{"reference":"Practitioner/9"}}]"#;
        assert_eq!(of(one, doctor), patients(&["1"]));
        assert_eq!(of(one, r#"[{"who":{"reference":"Patient/1"}}]"#), patients(&["1"]));
        assert_eq!(of(one, r#"[{"who":{"reference":"Patient/2"}}]"#), About::Unknown);
        let two = r#"[{"what":{"reference":"Patient/1"}},{"what":{"reference":"Patient/2"}}]"#;
        assert_eq!(of(two, doctor), patients(&["1", "2"]));
        for nobody in
            ["[]", r#"[{"what":{"reference":"Observation/2"}}]"#, r#"[{"what":{"identifier":{"value":"1"}}}]"#]
        {
            assert_eq!(of(nobody, doctor), About::Unknown, "{nobody}");
        }
    }

    #[test]
    fn what_is_contained_is_judged_as_well() {
        let with =
            |contained: &str| observation(&format!(r#""subject":{{"reference":"Patient/1"}},"contained":{contained}"#));
        for good in [
            "[]",
            r#"[{"resourceType":"Practitioner","id":"p"}]"#,
            r#"[{"resourceType":"Substance","id":"s"}]"#,
            r#"[{"resourceType":"Specimen","id":"s"}]"#,
            r#"[{"resourceType":"Condition","subject":{"reference":"Patient/1"}}]"#,
        ] {
            assert_eq!(with(good), patients(&["1"]), "{good}");
        }
        for bad in [
            r#"[{"resourceType":"Condition","subject":{"reference":"Patient/2"}}]"#,
            r#"[{"resourceType":"Patient","id":"2"}]"#,
            r##"[{"resourceType":"Condition","subject":{"reference":"#p"}}]"##,
            r#"[{"resourceType":"Provenance","target":[{"reference":"Patient/1"}]}]"#,
            r#"[{"resourceType":"Group","id":"g"}]"#,
            "[{}]",
            "[7]",
            r#"{"resourceType":"Patient"}"#,
            r#"[{"resourceType":"Binary"}]"#,
            r#"[{"resourceType":"Organization","contained":[{"resourceType":"Patient"}]}]"#,
        ] {
            assert_eq!(with(bad), About::Unknown, "{bad}");
        }
        let shared = r#"{"resourceType":"Practitioner","contained":[{"resourceType":"Observation"}]}"#;
        assert_eq!(about(shared), About::Unknown, "a record of nobody within one of nobody");
    }

    proptest! {
        /// However many others it mentions, a record never becomes theirs.
        #[test]
        fn no_element_but_the_subject_makes_a_record_someones(name in "[a-z][A-Za-z]{0,11}", other in "[a-z0-9]{1,8}") {
            prop_assume!(name != "subject" && name != "contained" && name != "id");
            let told = observation(&format!(r#""{name}":{{"reference":"Patient/{other}"}},"subject":{{"reference":"Patient/1"}}"#));
            prop_assert_eq!(told, patients(&["1"]));
        }
    }
}
