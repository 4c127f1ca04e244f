//! What a granular scope asks of a resource: `category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory`.
//!
//! Source: SMART App Launch 2.2.0, "Finer-grained resource constraints using search parameters". Only parameters are read
//! that one resource answers by itself, which are the tokens of the search table (`category` among them, wherever R4 has
//! it); without modifiers, chains and escapes. What is not understood whole is no constraint.

use fhir::search::{Filter, Handling, ParameterKind, Query, meets, parameters};
use fhir::{Resource, ResourceType};
use std::fmt;
use std::sync::Arc;

/// Bytes of one constraint; those of US Core have about 80.
const CONSTRAINT_BYTES_MAX: usize = 256;
/// Parameters of one constraint; each is looked at for every row.
const PARAMETERS_MAX: usize = 4;

/// How US Core's table of granular scopes prints the system of social history; apps that were built by it ask so.
const MISPRINTED: &str = "http://terminology.hl7.org//CodeSystem-observation-category";
/// What it means.
const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

/// What a resource must say of itself to be within a scope. Two are the same when they are written the same.
#[derive(Clone)]
pub struct Constraint {
    text: Arc<str>,
    filters: Arc<[Filter]>,
}

impl Constraint {
    /// Reads what stands behind the question mark of a scope for this type.
    pub fn parse(kind: ResourceType, text: &str) -> Option<Constraint> {
        if text.len() > CONSTRAINT_BYTES_MAX || !text.bytes().all(is_plain) {
            return None;
        }
        let pair = |part: &str| {
            let (name, value) = part.split_once('=')?;
            let own = parameters(kind).iter().any(|own| own.name == name && own.kind == ParameterKind::Token);
            own.then(|| (name.to_owned(), value.replace(MISPRINTED, OBSERVATION_CATEGORY)))
        };
        let pairs = text.split('&').map(pair).collect::<Option<Vec<_>>>()?;
        if pairs.len() > PARAMETERS_MAX {
            return None;
        }
        let query = Query::parse(kind, &pairs, Handling::Strict, "").ok()?;
        // Every pair must have become a filter; that none was read as anything else does not rest on this alone.
        (query.filters.len() == pairs.len()).then(|| Constraint { text: text.into(), filters: query.filters.into() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its filters; a resource within meets each of them.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// Whether a resource is within.
    pub fn holds(&self, resource: &Resource<'_>) -> bool {
        self.filters.iter().all(|filter| meets(filter, resource, ""))
    }

    /// Whether everything within the other is within this one: each of its filters is met where the other's are.
    pub(super) fn covers(&self, other: &Constraint) -> bool {
        let implied = |filter: &Filter| {
            other.filters.iter().any(|own| {
                own.parameter.name == filter.parameter.name
                    && own.values.iter().all(|value| filter.values.contains(value))
            })
        };
        self.filters.iter().all(implied)
    }
}

/// What may stand in a constraint: the characters of a scope (RFC 6749 section 3.3) without the percent sign, which would
/// leave open whether it was to be decoded once more, and without a dollar sign or a second question mark or hash.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'%' | b'$' | b'?' | b'#')
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Constraint) -> bool {
        self.text == other.text
    }
}

impl Eq for Constraint {}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_us_core_misprints_means_the_one_it_stands_for() {
        let written = |system: &str| {
            let text = format!("category={system}|social-history");
            (Constraint::parse(ResourceType::Observation, &text).unwrap(), text)
        };
        let ((misprinted, text), (right, _)) = (written(MISPRINTED), written(OBSERVATION_CATEGORY));
        assert!(misprinted.covers(&right) && right.covers(&misprinted));
        assert_eq!(misprinted.as_str(), text, "it is granted as it was written");
    }
}
