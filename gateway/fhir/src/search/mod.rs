//! Searching: which parameters exist, what a client asks with them, and what a resource answers.
//!
//! [`Query::parse`] reads a question strictly; [`terms()`] says by what a resource can be found; [`matches`] holds the two
//! together. A store's index is built from the same terms, so `matches` is its oracle, and rows from a server behind us
//! are held against the question once more.

mod criterion;
mod fault;
mod fold;
mod matches;
mod parameter;
mod parameters;
mod query;
mod sort;
mod terms;

pub use criterion::{Criterion, Prefix, SystemMatch};
pub use fault::QueryFault;
pub use fold::fold;
pub use matches::{matches, meets};
pub use parameter::{Parameter, ParameterKind};
pub use parameters::{COMMON, parameter, parameters, searchable};
pub use query::{
    COUNT_MAX, Filter, Handling, Include, Modifier, PARAMETERS_MAX, Query, SEARCH_BYTES_MAX, SORT_KEYS_MAX, Total,
    VALUE_BYTES_MAX, VALUES_MAX,
};
pub use sort::{SortKey, SortValue, sort_value};
pub use terms::{Term, terms};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
