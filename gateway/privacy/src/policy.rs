//! Policies: for each purpose of use, which types and elements may leave, and which labels bar it.
//!
//! A policy is a TOML file that a privacy officer can read, with examples that are run when it is loaded by a test. Every
//! element it names is checked against R4's own tables. A type that is not named, by itself or by `"*"`, does not leave.

use crate::label::Label;
use crate::purpose::Purpose;
use fhir::path::{ElementPath, Step};
use fhir::{Names, ResourceType};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The policies this gateway ships with.
const SHIPPED: [&str; 3] =
    [include_str!("policies/patrqt.toml"), include_str!("policies/treat.toml"), include_str!("policies/hpaymt.toml")];

/// Elements that say how to read the others (`isModifier` in R4) or that make a resource one. A cut never takes them.
const ALWAYS: [&str; 6] = ["resourceType", "id", "meta", "implicitRules", "language", "modifierExtension"];

/// Modifier elements at the root of the types that a policy may cut (R4 4.0.1, `ElementDefinition.isModifier`). A cut must
/// name them, so that what is left never says the opposite of what was meant. A type without a line here cannot be cut.
const MODIFIERS: [(ResourceType, &[&str]); 27] = [
    (ResourceType::AllergyIntolerance, &["clinicalStatus", "verificationStatus"]),
    (ResourceType::AuditEvent, &[]),
    (ResourceType::Binary, &[]),
    (ResourceType::CarePlan, &["status", "intent"]),
    (ResourceType::CareTeam, &["status"]),
    (ResourceType::Condition, &["clinicalStatus", "verificationStatus"]),
    (ResourceType::Coverage, &["status"]),
    (ResourceType::Device, &["status"]),
    (ResourceType::DiagnosticReport, &["status"]),
    (ResourceType::DocumentReference, &["status"]),
    (ResourceType::Encounter, &["status"]),
    (ResourceType::Goal, &["lifecycleStatus"]),
    (ResourceType::Immunization, &["status", "isSubpotent"]),
    (ResourceType::Location, &["status"]),
    (ResourceType::Medication, &["status"]),
    (ResourceType::MedicationDispense, &["status"]),
    (ResourceType::MedicationRequest, &["status", "intent", "doNotPerform"]),
    (ResourceType::Observation, &["status"]),
    (ResourceType::Organization, &["active"]),
    (ResourceType::Patient, &["active", "deceased[x]", "link"]),
    (ResourceType::Practitioner, &[]),
    (ResourceType::PractitionerRole, &[]),
    (ResourceType::Procedure, &["status"]),
    (ResourceType::Provenance, &[]),
    (ResourceType::RelatedPerson, &["active"]),
    (ResourceType::ServiceRequest, &["status", "intent", "doNotPerform"]),
    (ResourceType::Specimen, &["status"]),
];

/// Modifier elements further down: of Identifier, HumanName, Address and ContactPoint, of Quantity, of
/// CarePlan.activity.detail (R4 4.0.1). A cut that reaches past their parent names them too, wherever R4 has them.
const MODIFIERS_BELOW: [&str; 4] = ["use", "comparator", "status", "doNotPerform"];

/// What of a type may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// Every element, the narrative included.
    Whole,
    /// These elements; the narrative, which repeats everything, never.
    Elements(Tree),
}

/// Elements and their kept children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Kept with everything below, even where single children are named as well: naming more never keeps less.
    whole: bool,
    names: Names,
    /// The child of each name.
    children: Vec<Tree>,
}

impl Tree {
    fn keep(&mut self, name: &str) -> &mut Tree {
        let place = self.names.add(name);
        if place == self.children.len() {
            self.children.push(Tree::default());
        }
        &mut self.children[place]
    }

    /// Keeps what a path leads to; a choice of types by each of its names.
    fn insert(&mut self, steps: &[Step]) {
        match steps.split_first() {
            None => self.whole = true,
            Some((first, rest)) => first.names().iter().for_each(|name| self.keep(name).insert(rest)),
        }
    }

    /// What is kept below the member with this JSON name, if it is kept at all. A primitive's `_name` twin goes with it.
    #[inline]
    pub(crate) fn child(&self, name: &[u8]) -> Option<&Tree> {
        let place = self.names.find(name.strip_prefix(b"_").unwrap_or(name))?;
        self.children.get(place)
    }

    /// Whether everything below is kept.
    pub(crate) fn is_leaf(&self) -> bool {
        self.whole
    }
}

/// One purpose's policy.
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    purpose: Purpose,
    version: String,
    law: String,
    never: Vec<Label>,
    every: bool,
    allow: BTreeMap<ResourceType, Cut>,
    examples: Vec<Example>,
}

/// An example in a policy file: a sentence, a resource, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The sentence.
    pub given: String,
    /// The resource, as JSON.
    pub resource: String,
    /// `unchanged`, `withheld`, `forbidden`, or the JSON that leaves.
    pub expect: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    purpose: String,
    law: String,
    never: Vec<String>,
    allow: BTreeMap<String, Allowed>,
    #[serde(default)]
    example: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Allowed {
    Words(String),
    Elements(Vec<String>),
}

/// Why a policy file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// It is no TOML of this shape.
    #[error("{0}")]
    Unreadable(String),
    /// The purpose is unknown.
    #[error("purpose: {0}")]
    Purpose(#[from] crate::purpose::UnknownPurpose),
    /// A label is unknown.
    #[error("never: \"{0}\" is no label that is read here; known are R, V, PSY, PSYTHPN and ETH")]
    Label(String),
    /// A type is unknown.
    #[error("allow.{0}: no such resource type in FHIR R4")]
    Type(String),
    /// Words other than `every element`.
    #[error("allow.{0}: write \"every element\" or a list of elements")]
    Words(String),
    /// An element does not exist.
    #[error("allow.{0}: {1}")]
    Path(String, String),
    /// A cut leaves out an element that changes the meaning of others.
    #[error("allow.{0}: \"{1}\" changes how the rest is read (isModifier in R4) and must be among the elements")]
    Modifier(String, String),
    /// A cut of a type whose modifier elements are not known here.
    #[error("allow.{0}: this type can be allowed with \"every element\" or not at all; cutting it is not supported")]
    Uncuttable(String),
    /// A cut that names the narrative.
    #[error("allow.{0}: \"text\" repeats every other element in words and cannot be among those of a cut")]
    Narrative(String),
    /// Two files for one purpose.
    #[error("there are two policies for {0}")]
    Twice(Purpose),
}

impl Policy {
    /// Reads one policy file.
    ///
    /// # Errors
    /// [`PolicyFault`], naming the entry and, for an element that does not exist, the real ones.
    pub fn read(text: &str, digest: impl Fn(&[u8]) -> String) -> Result<Policy, PolicyFault> {
        let file: File = toml::from_str(text).map_err(|fault| PolicyFault::Unreadable(fault.to_string()))?;
        let never = file
            .never
            .iter()
            .map(|code| Label::of(code).ok_or_else(|| PolicyFault::Label(code.clone())))
            .collect::<Result<_, _>>()?;
        let mut every = false;
        let mut allow = BTreeMap::new();
        for (name, allowed) in file.allow {
            if name == "*" {
                every = whole(&name, &allowed)?;
                continue;
            }
            let kind: ResourceType = name.parse().map_err(|_| PolicyFault::Type(name.clone()))?;
            let cut = match &allowed {
                Allowed::Words(_) => whole(&name, &allowed).map(|_| Cut::Whole)?,
                Allowed::Elements(elements) => elements_of(kind, elements)?,
            };
            allow.insert(kind, cut);
        }
        Ok(Policy {
            purpose: file.purpose.parse()?,
            version: digest(text.as_bytes()),
            law: file.law,
            never,
            every,
            allow,
            examples: file.example,
        })
    }

    /// The purpose it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// `PATRQT@` and the first characters of the file's digest.
    pub fn version(&self) -> String {
        format!("{}@{}", self.purpose, self.version)
    }

    /// The law it stands on.
    pub fn law(&self) -> &str {
        &self.law
    }

    /// Its examples.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// What of this type may leave; `None` is nothing.
    pub fn cut(&self, kind: ResourceType) -> Option<&Cut> {
        match self.allow.get(&kind) {
            Some(cut) => Some(cut),
            None if self.every => Some(&Cut::Whole),
            None => None,
        }
    }

    /// Whether one of the labels bars release.
    pub fn bars(&self, labels: &[Label]) -> bool {
        labels.iter().any(|label| self.never.contains(label))
    }
}

fn whole(name: &str, allowed: &Allowed) -> Result<bool, PolicyFault> {
    match allowed {
        Allowed::Words(words) if words == "every element" => Ok(true),
        Allowed::Words(_) | Allowed::Elements(_) => Err(PolicyFault::Words(name.to_owned())),
    }
}

fn elements_of(kind: ResourceType, elements: &[String]) -> Result<Cut, PolicyFault> {
    let mut tree = Tree::default();
    for name in ALWAYS {
        tree.keep(name).whole = true;
    }
    let named = kind.as_str();
    let Some((_, modifiers)) = MODIFIERS.iter().find(|(of, _)| *of == kind) else {
        return Err(PolicyFault::Uncuttable(named.to_owned()));
    };
    for element in elements {
        let path = ElementPath::check(&format!("{named}.{element}"))
            .map_err(|fault| PolicyFault::Path(named.to_owned(), fault.to_string()))?;
        if path.steps().first().is_some_and(|first| first.as_str() == "text") {
            return Err(PolicyFault::Narrative(named.to_owned()));
        }
        tree.insert(path.steps());
    }
    let below = elements.iter().flat_map(|element| modifiers_beside(kind, element));
    let needed = modifiers.iter().map(|name| (*name).to_owned()).chain(below);
    match needed.into_iter().find(|name| !is_kept(name, elements)) {
        Some(missing) => Err(PolicyFault::Modifier(named.to_owned(), missing)),
        None => Ok(Cut::Elements(tree)),
    }
}

/// The modifier elements that R4 has beside each step of a path below its first.
fn modifiers_beside(kind: ResourceType, element: &str) -> Vec<String> {
    let parents = element.match_indices('.').filter_map(|(at, _)| element.get(..at));
    let beside = parents.flat_map(|parent| MODIFIERS_BELOW.map(|name| format!("{parent}.{name}")));
    beside.filter(|path| ElementPath::check(&format!("{}.{path}", kind.as_str())).is_ok()).collect()
}

/// Whether an element, or one that it is part of, is among those named.
fn is_kept(element: &str, elements: &[String]) -> bool {
    elements
        .iter()
        .any(|named| element.strip_prefix(named.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Every purpose's policy. A purpose without one is refused.
#[derive(Debug, Clone)]
pub struct Policies(BTreeMap<Purpose, Arc<Policy>>);

impl Policies {
    /// The policies this gateway ships with.
    ///
    /// # Errors
    /// [`PolicyFault`] when a shipped file is wrong, which a test rules out.
    pub fn shipped(digest: impl Fn(&[u8]) -> String + Copy) -> Result<Policies, PolicyFault> {
        Policies::read(&SHIPPED, digest)
    }

    /// Policies from their files.
    ///
    /// # Errors
    /// [`PolicyFault`] of the first file that cannot be used.
    pub fn read(files: &[&str], digest: impl Fn(&[u8]) -> String + Copy) -> Result<Policies, PolicyFault> {
        let mut policies = BTreeMap::new();
        for text in files {
            let policy = Policy::read(text, digest)?;
            let purpose = policy.purpose();
            if policies.insert(purpose, Arc::new(policy)).is_some() {
                return Err(PolicyFault::Twice(purpose));
            }
        }
        Ok(Policies(policies))
    }

    /// The policy for a purpose.
    pub fn of(&self, purpose: Purpose) -> Option<&Arc<Policy>> {
        self.0.get(&purpose)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.0.values()
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
