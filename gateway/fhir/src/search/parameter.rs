//! One search parameter: what it is called, what it reads, how it may be asked.

use super::query::Modifier;
use crate::ResourceType;

/// How a parameter's values are read and compared (R4, search parameter types; those we answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// A code, an identifier, a contact, a truth: `system|code`.
    Token,
    /// Text, compared without case and accents from its beginning.
    String,
    /// A date, a time or a period: `ge2020-01`.
    Date,
    /// A reference: `Patient/1` or `1`.
    Reference,
}

impl ParameterKind {
    /// The code as a CapabilityStatement writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ParameterKind::Token => "token",
            ParameterKind::String => "string",
            ParameterKind::Date => "date",
            ParameterKind::Reference => "reference",
        }
    }
}

/// Which of the values at a path count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    /// All of them.
    All,
    /// Contacts of this system.
    System(&'static str),
    /// The `valueDateTime` of extensions with this URL.
    Extension(&'static str),
}

/// One search parameter of one type.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name as R4 or US Core writes it.
    pub name: &'static str,
    /// How values are read and compared.
    pub kind: ParameterKind,
    /// The elements it reads, as paths that R4 has; none for `_id` and `_lastUpdated`.
    pub paths: &'static [&'static str],
    /// The types a reference may point at; none for other kinds.
    pub targets: &'static [ResourceType],
    /// The code system of elements whose type is `code`.
    pub(crate) implied: Option<&'static str>,
    pub(crate) only: Only,
    definition: &'static str,
    us_core: bool,
}

impl Parameter {
    /// The canonical URL of its SearchParameter.
    pub fn definition(&self) -> String {
        let base = if self.us_core { "http://hl7.org/fhir/us/core" } else { "http://hl7.org/fhir" };
        format!("{base}/SearchParameter/{}", self.definition)
    }

    /// The modifiers it may be asked with, spelled as a client writes them.
    pub fn modifiers(&self) -> Vec<&'static str> {
        match self.kind {
            ParameterKind::String => vec!["exact", "contains"],
            ParameterKind::Reference => self.targets.iter().map(|kind| kind.as_str()).collect(),
            ParameterKind::Token | ParameterKind::Date => Vec::new(),
        }
    }

    /// Reads a modifier, if this parameter may be asked with it.
    pub(crate) fn modifier(&self, text: &str) -> Option<Modifier> {
        match (self.kind, text) {
            (ParameterKind::String, "exact") => Some(Modifier::Exact),
            (ParameterKind::String, "contains") => Some(Modifier::Contains),
            (ParameterKind::Reference, name) => {
                name.parse().ok().filter(|kind| self.targets.contains(kind)).map(Modifier::Type)
            }
            (ParameterKind::String | ParameterKind::Token | ParameterKind::Date, _) => None,
        }
    }

    /// Narrows which values count.
    pub(crate) const fn only(mut self, only: Only) -> Parameter {
        self.only = only;
        self
    }

    /// Defined by US Core and not by R4.
    pub(crate) const fn us_core(mut self) -> Parameter {
        self.us_core = true;
        self
    }
}

const fn row(
    name: &'static str,
    kind: ParameterKind,
    paths: &'static [&'static str],
    definition: &'static str,
) -> Parameter {
    Parameter { name, kind, paths, targets: &[], implied: None, only: Only::All, definition, us_core: false }
}

/// A row for codings, identifiers, contacts and truths.
pub(crate) const fn token(name: &'static str, paths: &'static [&'static str], definition: &'static str) -> Parameter {
    row(name, ParameterKind::Token, paths, definition)
}

/// A row for an element of type `code`, whose code system its binding implies.
pub(crate) const fn code(
    name: &'static str,
    paths: &'static [&'static str],
    definition: &'static str,
    system: &'static str,
) -> Parameter {
    let mut parameter = row(name, ParameterKind::Token, paths, definition);
    parameter.implied = Some(system);
    parameter
}

/// A row for text, names and addresses.
pub(crate) const fn text(name: &'static str, paths: &'static [&'static str], definition: &'static str) -> Parameter {
    row(name, ParameterKind::String, paths, definition)
}

/// A row for dates, times and periods.
pub(crate) const fn date(name: &'static str, paths: &'static [&'static str], definition: &'static str) -> Parameter {
    row(name, ParameterKind::Date, paths, definition)
}

/// A row for references to the types named.
pub(crate) const fn reference(
    name: &'static str,
    paths: &'static [&'static str],
    definition: &'static str,
    targets: &'static [ResourceType],
) -> Parameter {
    let mut parameter = row(name, ParameterKind::Reference, paths, definition);
    parameter.targets = targets;
    parameter
}
