//! The order of rows.

use super::parameter::{Parameter, ParameterKind};
use super::terms::{Term, terms_of};
use crate::Resource;

/// One key to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// What to sort by.
    pub parameter: &'static Parameter,
    /// Whether the last comes first.
    pub descending: bool,
}

/// A row's value under one key; rows without any come last, whichever the direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SortValue {
    /// Microseconds since the epoch.
    Date(i64),
    /// Folded text, a code or an id.
    Text(String),
}

impl SortKey {
    /// Whether one may sort by this parameter: not by references.
    pub fn can(parameter: &Parameter) -> bool {
        match parameter.kind {
            ParameterKind::Token | ParameterKind::String | ParameterKind::Date => true,
            ParameterKind::Reference => false,
        }
    }
}

/// The value of a resource under one key: of several, the one that comes first in the key's direction.
pub fn sort_value(resource: &Resource<'_>, key: &SortKey) -> Option<SortValue> {
    let values: Vec<SortValue> = match key.parameter.name {
        "_id" => resource.id().map(|id| SortValue::Text(id.to_string())).into_iter().collect(),
        "_lastUpdated" => resource.last_updated().map(|at| SortValue::Date(at.micros())).into_iter().collect(),
        _ => terms_of(resource, key.parameter, "").into_iter().filter_map(|term| value(term, key.descending)).collect(),
    };
    if key.descending { values.into_iter().max() } else { values.into_iter().min() }
}

fn value(term: Term, descending: bool) -> Option<SortValue> {
    match term {
        Term::Token { code, .. } => Some(SortValue::Text(code)),
        Term::Text { folded, .. } => Some(SortValue::Text(folded)),
        Term::Date { low, high, .. } => Some(SortValue::Date(if descending { high } else { low })),
        Term::Reference { .. } => None,
    }
}
