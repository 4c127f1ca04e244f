//! Element paths such as `Observation.component.code`, held against the R4 tables before anything relies on them.
//!
//! Policies, maps and search parameters name elements. A path that names none would protect or find nothing, in silence;
//! so a path exists only once it was found in the specification, and a wrong one is told its nearest right neighbour.

use crate::ResourceType;
use fhirbolt_shared::FhirReleases;
use fhirbolt_shared::element_map::r4::ELEMENT_MAP;
use fhirbolt_shared::path as bolt;
use std::fmt;
use thiserror::Error;

/// The most steps a path may have; the deepest of R4 has nine before data types and extensions.
const STEPS_MAX: usize = 24;

/// Why a path names no element of R4.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathFault {
    /// The first word is no resource type.
    #[error("a path begins with a FHIR R4 resource type, such as Observation.code")]
    UnknownType,
    /// More steps than any element has.
    #[error("a path has at most 24 steps")]
    TooLong,
    /// An element without children was asked for one.
    #[error("{parent} has no elements below it")]
    NoChildren {
        /// The path up to that element.
        parent: String,
    },
    /// There is no such child.
    #[error("{parent} has no element {name}; nearest is {nearest}; it has {}", children.join(", "))]
    NoSuchElement {
        /// The path up to the parent.
        parent: String,
        /// The word that names nothing.
        name: String,
        /// The child spelled most alike.
        nearest: String,
        /// All children, choices as `value[x]`.
        children: Vec<String>,
    },
}

/// One step of a path: an element, or a choice of types.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    text: Box<str>,
    names: Vec<&'static str>,
}

impl Step {
    /// The step as the path writes it: `code` or `value[x]`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The JSON members it stands for: one, or all types of a choice (`valueQuantity`, `valueString`, …).
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }
}

/// A path to an element that R4 has.
#[derive(Clone, Debug)]
pub struct ElementPath {
    text: Box<str>,
    kind: ResourceType,
    steps: Vec<Step>,
    list: bool,
    primitive: bool,
}

impl ElementPath {
    /// Holds a path against the R4 tables; choices may be written `value[x]` or by one type, `valueQuantity`.
    pub fn check(text: &str) -> Result<ElementPath, PathFault> {
        let mut words = text.split('.');
        let kind: ResourceType = words.next().unwrap_or_default().parse().map_err(|_| PathFault::UnknownType)?;
        let mut at = bolt::ElementPath::new(FhirReleases::R4);
        at.push(kind.as_str());
        let (mut ends, mut steps, mut parent) = (vec![at], Vec::new(), kind.to_string());
        for word in words {
            if steps.len() == STEPS_MAX {
                return Err(PathFault::TooLong);
            }
            let step = step(&ends, word, &parent)?;
            ends = advance(&ends, &step);
            parent = format!("{parent}.{word}");
            steps.push(step);
        }
        let list = ends.iter().any(bolt::ElementPath::current_element_is_sequence);
        let primitive = !steps.is_empty() && ends.iter().all(|end| end.children().is_none());
        Ok(ElementPath { text: text.into(), kind, steps, list, primitive })
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The resource type it begins with.
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// The steps below the resource; none for the resource itself.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether the element may repeat, so that JSON writes an array.
    pub fn is_list(&self) -> bool {
        self.list
    }

    /// Whether the element has no elements of its own: a string, a code, a number.
    pub fn is_primitive(&self) -> bool {
        self.primitive
    }
}

impl PartialEq for ElementPath {
    fn eq(&self, other: &ElementPath) -> bool {
        self.text == other.text
    }
}

impl Eq for ElementPath {}

impl fmt::Display for ElementPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn step(ends: &[bolt::ElementPath], word: &str, parent: &str) -> Result<Step, PathFault> {
    let names = names(ends);
    if names.is_empty() {
        return Err(PathFault::NoChildren { parent: parent.to_string() });
    }
    let meant: Vec<&'static str> = match word.strip_suffix("[x]") {
        Some(choice) => names.iter().copied().filter(|name| choice_of(name, &names) == Some(choice)).collect(),
        None => names.iter().copied().filter(|name| *name == word).collect(),
    };
    if !meant.is_empty() {
        return Ok(Step { text: word.into(), names: meant });
    }
    let mut children: Vec<String> = Vec::new();
    for name in &names {
        let shown = choice_of(name, &names).map_or_else(|| (*name).to_string(), |choice| format!("{choice}[x]"));
        if !children.contains(&shown) {
            children.push(shown);
        }
    }
    let alike = |child: &&String| (strsim::jaro_winkler(child, word) * 1e6) as u64;
    let nearest = children.iter().max_by_key(alike).cloned().unwrap_or_default();
    Err(PathFault::NoSuchElement { parent: parent.to_string(), name: word.to_string(), nearest, children })
}

/// The children that any of the ends has.
fn names(ends: &[bolt::ElementPath]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in ends.iter().filter_map(bolt::ElementPath::children).flatten().copied() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn advance(ends: &[bolt::ElementPath], step: &Step) -> Vec<bolt::ElementPath> {
    let mut next = Vec::new();
    for end in ends {
        let Some(children) = end.children() else { continue };
        for name in step.names.iter().filter(|name| children.contains(**name)) {
            let mut further = end.clone();
            further.push(name);
            next.push(further);
        }
    }
    next
}

/// `value` for `valueQuantity` among other `value…` members: the name before a data type's.
///
/// A single member that ends in a type's name (`Patient.birthDate`, `implicitRules`) is no choice; R4 has a few choices
/// with one type left (`Goal.start[x]` has two), so two members at least must share the stem.
fn choice_of<'a>(name: &'a str, names: &[&str]) -> Option<&'a str> {
    let stem = stem(name)?;
    let kin = names.iter().filter(|other| self::stem(other) == Some(stem)).count();
    (kin > 1).then_some(stem)
}

/// The part before a data type's name; the longest type wins (`CodeableConcept` over `Concept`).
fn stem(name: &str) -> Option<&str> {
    for (at, letter) in name.char_indices().skip(1) {
        if !letter.is_ascii_uppercase() {
            continue;
        }
        let (stem, kind) = name.split_at_checked(at)?;
        if is_data_type(kind) {
            return Some(stem);
        }
    }
    None
}

fn is_data_type(name: &str) -> bool {
    if name == "Reference" || name == "Quantity" {
        return true;
    }
    let mut letters = name.chars();
    let lower = letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str());
    let known = |name: &str| ELEMENT_MAP.contains_key(name) && name.parse::<ResourceType>().is_err();
    known(name) || lower.is_some_and(|lower| known(&lower))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_specification_are_found() {
        for path in [
            "Patient",
            "Patient.id",
            "Patient.meta.security.code",
            "Patient.text.div",
            "Patient.contained",
            "Patient.extension.url",
            "Patient.extension.value[x].coding.code",
            "Patient.deceased[x]",
            "Patient.deceasedBoolean",
            "Patient.name.family",
            "Observation.component.code",
            "Observation.component.referenceRange.low.value",
            "Observation.value[x]",
            "Observation.valueQuantity.value",
            "Observation.effective[x].start",
            "Bundle.entry.link.url",
            "MedicationRequest.medication[x]",
            "MedicationRequest.medicationReference.reference",
            "Encounter.location.location.reference",
            "Goal.target.dueDate",
            "Observation.subject.identifier.value",
            "Immunization.occurrenceDateTime",
            "Questionnaire.item.item.item.linkId",
        ] {
            assert!(ElementPath::check(path).is_ok(), "{path}: {:?}", ElementPath::check(path));
        }
    }

    #[test]
    fn a_wrong_path_is_told_the_nearest_right_one() {
        let fault = ElementPath::check("Patient.nam").unwrap_err();
        let PathFault::NoSuchElement { nearest, children, .. } = &fault else { panic!("{fault}") };
        assert_eq!(nearest, "name");
        assert!(children.contains(&"deceased[x]".to_string()) && !children.contains(&"deceasedBoolean".to_string()));
        assert!(children.contains(&"birthDate".to_string()) && children.contains(&"managingOrganization".to_string()));
        let nearest = |path: &str| {
            let fault = ElementPath::check(path).unwrap_err();
            if let PathFault::NoSuchElement { nearest, .. } = fault { nearest } else { fault.to_string() }
        };
        assert_eq!(nearest("Observation.value"), "value[x]");
        assert_eq!(nearest("Observation.component.cod"), "code");
        assert_eq!(ElementPath::check("Nobody.id"), Err(PathFault::UnknownType));
        assert_eq!(ElementPath::check("patient.id"), Err(PathFault::UnknownType));
        assert!(matches!(ElementPath::check("Patient.birthDate.x"), Err(PathFault::NoChildren { .. })));
        assert!(ElementPath::check("Patient.").is_err() && ElementPath::check("Patient..id").is_err());
        assert!(ElementPath::check("Patient.birth[x]").is_err() && ElementPath::check("Observation.[x]").is_err());
        let deep = "Patient".to_string() + &".extension".repeat(25);
        assert_eq!(ElementPath::check(&deep), Err(PathFault::TooLong));
    }

    #[test]
    fn a_step_knows_its_members_and_whether_it_repeats() {
        let path = ElementPath::check("Patient.deceased[x]").unwrap();
        assert_eq!(path.steps()[0].names(), ["deceasedBoolean", "deceasedDateTime"]);
        assert!(path.is_primitive() && !path.is_list());
        let name = ElementPath::check("Patient.name").unwrap();
        assert!(name.is_list() && !name.is_primitive());
        assert!(ElementPath::check("Patient.name.given").unwrap().is_list());
        let component = ElementPath::check("Observation.component.value[x]").unwrap();
        assert_eq!(component.steps()[1].names().len(), 11);
    }
}
