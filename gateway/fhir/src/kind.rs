//! The resource types of FHIR R4 (4.0.1), each spelled exactly as the specification spells it.
//!
//! Source: code system `resource-types` 4.0.1 without the two abstract types. An address or a `resourceType` that differs
//! in a single letter's case names nothing.

use crate::Names;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use thiserror::Error;

/// A text that names no R4 resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not the name of a FHIR R4 resource type")]
pub struct UnknownResourceType;

macro_rules! resource_types {
    ($($name:ident,)*) => {
        /// One of the 146 resource types that FHIR R4 lets exist.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ResourceType {
            $(#[doc = concat!("`", stringify!($name), "`")] $name,)*
        }

        impl ResourceType {
            /// Every type, in the order of the alphabet.
            pub const ALL: &'static [ResourceType] = &[$(ResourceType::$name,)*];

            /// The type's name as JSON and URLs write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(ResourceType::$name => stringify!($name),)*
                }
            }
        }
    };
}

resource_types! {
    Account, ActivityDefinition, AdverseEvent, AllergyIntolerance, Appointment, AppointmentResponse, AuditEvent,
    Basic, Binary, BiologicallyDerivedProduct, BodyStructure, Bundle, CapabilityStatement, CarePlan, CareTeam,
    CatalogEntry, ChargeItem, ChargeItemDefinition, Claim, ClaimResponse, ClinicalImpression, CodeSystem,
    Communication, CommunicationRequest, CompartmentDefinition, Composition, ConceptMap, Condition, Consent,
    Contract, Coverage, CoverageEligibilityRequest, CoverageEligibilityResponse, DetectedIssue, Device,
    DeviceDefinition, DeviceMetric, DeviceRequest, DeviceUseStatement, DiagnosticReport, DocumentManifest,
    DocumentReference, EffectEvidenceSynthesis, Encounter, Endpoint, EnrollmentRequest, EnrollmentResponse,
    EpisodeOfCare, EventDefinition, Evidence, EvidenceVariable, ExampleScenario, ExplanationOfBenefit,
    FamilyMemberHistory, Flag, Goal, GraphDefinition, Group, GuidanceResponse, HealthcareService, ImagingStudy,
    Immunization, ImmunizationEvaluation, ImmunizationRecommendation, ImplementationGuide, InsurancePlan,
    Invoice, Library, Linkage, List, Location, Measure, MeasureReport, Media, Medication,
    MedicationAdministration, MedicationDispense, MedicationKnowledge, MedicationRequest, MedicationStatement,
    MedicinalProduct, MedicinalProductAuthorization, MedicinalProductContraindication,
    MedicinalProductIndication, MedicinalProductIngredient, MedicinalProductInteraction,
    MedicinalProductManufactured, MedicinalProductPackaged, MedicinalProductPharmaceutical,
    MedicinalProductUndesirableEffect, MessageDefinition, MessageHeader, MolecularSequence, NamingSystem,
    NutritionOrder, Observation, ObservationDefinition, OperationDefinition, OperationOutcome, Organization,
    OrganizationAffiliation, Parameters, Patient, PaymentNotice, PaymentReconciliation, Person, PlanDefinition,
    Practitioner, PractitionerRole, Procedure, Provenance, Questionnaire, QuestionnaireResponse, RelatedPerson,
    RequestGroup, ResearchDefinition, ResearchElementDefinition, ResearchStudy, ResearchSubject, RiskAssessment,
    RiskEvidenceSynthesis, Schedule, SearchParameter, ServiceRequest, Slot, Specimen, SpecimenDefinition,
    StructureDefinition, StructureMap, Subscription, Substance, SubstanceNucleicAcid, SubstancePolymer,
    SubstanceProtein, SubstanceReferenceInformation, SubstanceSourceMaterial, SubstanceSpecification,
    SupplyDelivery, SupplyRequest, Task, TerminologyCapabilities, TestReport, TestScript, ValueSet,
    VerificationResult, VisionPrescription,
}

/// Every name, in the order of [`ResourceType::ALL`].
static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names::default();
    for kind in ResourceType::ALL {
        names.add(kind.as_str());
    }
    names
});

impl ResourceType {
    /// The type that these bytes name.
    pub fn named(name: &[u8]) -> Option<ResourceType> {
        NAMES.find(name).and_then(|place| ResourceType::ALL.get(place)).copied()
    }
}

impl FromStr for ResourceType {
    type Err = UnknownResourceType;

    fn from_str(name: &str) -> Result<ResourceType, UnknownResourceType> {
        ResourceType::named(name.as_bytes()).ok_or(UnknownResourceType)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_its_type_and_no_other_case_does() {
        assert_eq!(ResourceType::ALL.len(), 146);
        for kind in ResourceType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(kind.as_str().to_lowercase().parse::<ResourceType>(), Err(UnknownResourceType));
        }
    }

    #[test]
    fn abstract_and_later_types_are_unknown() {
        for name in ["Resource", "DomainResource", "SubscriptionStatus", "", "Patient ", "HumanName"] {
            assert!(name.parse::<ResourceType>().is_err(), "{name}");
        }
    }
}
