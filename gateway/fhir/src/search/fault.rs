//! What can be wrong with a search: a fixed sentence that names the parameter, never its value.

use crate::ResourceType;
use thiserror::Error;

/// Why a search cannot be answered as it was asked. All are the caller's to mend (HTTP 400).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryFault {
    /// The type has no search.
    #[error("{0} cannot be searched")]
    NotSearchable(ResourceType),
    /// A name that could not be a parameter's; it is not repeated.
    #[error("the name of a search parameter has at most 64 letters, digits and marks")]
    BadName,
    /// A filter that we do not have.
    #[error("{name} is not a search parameter of {kind} here; supported are {}", supported.join(", "))]
    UnknownParameter {
        /// The parameter.
        name: String,
        /// The type searched.
        kind: ResourceType,
        /// What could be asked instead.
        supported: Vec<&'static str>,
    },
    /// A modifier that we do not have.
    #[error("{name} has a modifier that is not supported; supported are: {}", or_none(supported))]
    UnknownModifier {
        /// The parameter with its modifier.
        name: String,
        /// What could be asked instead.
        supported: Vec<&'static str>,
    },
    /// A way to ask about other records than those searched, which is never answered.
    #[error("{name} is never answered here: {instead}")]
    NeverAllowed {
        /// The parameter.
        name: String,
        /// What is allowed.
        instead: &'static str,
    },
    /// A value that its parameter cannot have.
    #[error("the value of {name} {why}")]
    BadValue {
        /// The parameter.
        name: String,
        /// How it must be written.
        why: &'static str,
    },
    /// Said twice, and only one could hold.
    #[error("{0} may be given only once")]
    Twice(String),
    /// A sort by something that cannot be sorted by.
    #[error("_sort names a parameter that cannot be sorted by; supported are {}", supported.join(", "))]
    BadSort {
        /// What could be sorted by.
        supported: Vec<&'static str>,
    },
    /// More parameters than are read.
    #[error("a search has at most 64 parameters")]
    TooManyParameters,
    /// More values than are read; the parameter is the one at which they became too many.
    #[error("with {0} the search has more values than are read: at most 256 in all its parameters")]
    TooManyValues(String),
    /// A value longer than is read.
    #[error("a value of {0} is too long: at most 512 bytes")]
    TooLong(String),
    /// More names and values than are read.
    #[error("the search is too long: its names and values have at most 8192 bytes; ask in several searches")]
    TooLongAltogether,
    /// `_format` asks for something other than JSON.
    #[error("_format can only be json")]
    NotJson,
}

impl QueryFault {
    /// The parameter at fault, when it has a name that may be repeated.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            QueryFault::UnknownParameter { name, .. }
            | QueryFault::UnknownModifier { name, .. }
            | QueryFault::NeverAllowed { name, .. }
            | QueryFault::BadValue { name, .. }
            | QueryFault::Twice(name)
            | QueryFault::TooManyValues(name)
            | QueryFault::TooLong(name) => Some(name),
            QueryFault::BadSort { .. } => Some("_sort"),
            QueryFault::NotJson => Some("_format"),
            QueryFault::NotSearchable(_)
            | QueryFault::BadName
            | QueryFault::TooManyParameters
            | QueryFault::TooLongAltogether => None,
        }
    }
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}
