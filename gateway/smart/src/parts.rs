//! The parts of Condition and Observation that a person can allow instead of the whole.
//!
//! Source: US Core 7.0.0, "SMART App Launch" (granular scopes), as 45 CFR 170.315(g)(10) has them tested: encounter diagnosis,
//! problem list and health concern; clinical test, laboratory, social history, SDOH, survey and vital signs. Clinical tests
//! have two categories there: procedure, and imaging.

use fhir::ResourceType;
use privacy::scope::Constraint;

/// A part of a type that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Conditions on the problem list.
    ProblemList,
    /// Conditions diagnosed at an encounter.
    EncounterDiagnosis,
    /// Conditions that worry somebody.
    HealthConcern,
    /// Observations of laboratories.
    Laboratory,
    /// Vital signs.
    VitalSigns,
    /// What was seen in images.
    Imaging,
    /// Results of clinical tests.
    ClinicalTest,
    /// Answers to surveys and screenings.
    Survey,
    /// Social history.
    SocialHistory,
    /// Social determinants of health.
    Sdoh,
}

impl Part {
    /// All of them, in the order of the consent page.
    pub const ALL: [Part; 10] = [
        Part::ProblemList,
        Part::EncounterDiagnosis,
        Part::HealthConcern,
        Part::Laboratory,
        Part::VitalSigns,
        Part::Imaging,
        Part::ClinicalTest,
        Part::Survey,
        Part::SocialHistory,
        Part::Sdoh,
    ];

    /// The type, and the constraint as it is written in a scope.
    fn row(self) -> (ResourceType, &'static str) {
        use ResourceType::{Condition, Observation};
        match self {
            Part::ProblemList => {
                (Condition, "category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item")
            }
            Part::EncounterDiagnosis => {
                (Condition, "category=http://terminology.hl7.org/CodeSystem/condition-category|encounter-diagnosis")
            }
            Part::HealthConcern => {
                (Condition, "category=http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern")
            }
            Part::Laboratory => {
                (Observation, "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory")
            }
            Part::VitalSigns => {
                (Observation, "category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs")
            }
            Part::Imaging => {
                (Observation, "category=http://terminology.hl7.org/CodeSystem/observation-category|imaging")
            }
            Part::ClinicalTest => {
                (Observation, "category=http://terminology.hl7.org/CodeSystem/observation-category|procedure")
            }
            Part::Survey => (Observation, "category=http://terminology.hl7.org/CodeSystem/observation-category|survey"),
            Part::SocialHistory => {
                (Observation, "category=http://terminology.hl7.org/CodeSystem/observation-category|social-history")
            }
            Part::Sdoh => (Observation, "category=http://hl7.org/fhir/us/core/CodeSystem/us-core-category|sdoh"),
        }
    }

    /// The part that this constraint on this type means, letter for letter.
    pub fn of(kind: ResourceType, constraint: &Constraint) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.row() == (kind, constraint.as_str()))
    }
}

/// The parts of a type, in the order of the consent page.
pub fn parts(kind: ResourceType) -> impl Iterator<Item = Constraint> {
    let rows = Part::ALL.into_iter().map(Part::row).filter(move |(of, _)| *of == kind);
    rows.filter_map(|(of, part)| Constraint::parse(of, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_can_be_granted_and_is_known_by_its_constraint() {
        for part in Part::ALL {
            let (kind, text) = part.row();
            let constraint = Constraint::parse(kind, text);
            assert_eq!(constraint.as_ref().and_then(|constraint| Part::of(kind, constraint)), Some(part));
            assert!(parts(kind).any(|own| Some(own) == constraint));
        }
        let like = Constraint::parse(ResourceType::Observation, "category=http://there|laboratory");
        assert_eq!(like.and_then(|like| Part::of(ResourceType::Observation, &like)), None);
    }
}
