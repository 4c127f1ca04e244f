//! Whether a resource answers a question, by its terms alone: slow, plain, and what every index is held against.

use super::criterion::{Criterion, SystemMatch};
use super::query::{Filter, Modifier, Query};
use super::terms::{Term, terms_of};
use crate::Resource;

/// Whether a resource is of the type, has one of the ids and meets every filter of a query.
pub fn matches(query: &Query, resource: &Resource<'_>) -> bool {
    if resource.kind() != query.kind {
        return false;
    }
    if let Some(ids) = &query.ids
        && !resource.id().is_some_and(|id| ids.contains(&id))
    {
        return false;
    }
    query.filters.iter().all(|filter| meets(filter, resource, &query.base))
}

/// Whether a resource, held by the server at `base`, meets one of a filter's values.
pub fn meets(filter: &Filter, resource: &Resource<'_>, base: &str) -> bool {
    let name = filter.parameter.name;
    if name == "_lastUpdated" {
        let at = resource.last_updated().map(|at| Term::Date { param: name, low: at.micros(), high: at.micros() });
        return at.is_some_and(|at| filter.values.iter().any(|value| meets_one(value, None, &at)));
    }
    let own = terms_of(resource, filter.parameter, base);
    own.iter().any(|term| filter.values.iter().any(|value| meets_one(value, filter.modifier, term)))
}

fn meets_one(value: &Criterion, modifier: Option<Modifier>, term: &Term) -> bool {
    match (value, term) {
        (Criterion::Token { system, code }, Term::Token { system: its_system, code: its_code, .. }) => {
            let same = match system {
                SystemMatch::Any => true,
                SystemMatch::Absent => its_system.is_none(),
                SystemMatch::Is(system) => its_system.as_ref() == Some(system),
            };
            same && code.as_ref().is_none_or(|code| code == its_code)
        }
        (Criterion::Text { folded, exact }, Term::Text { folded: its_folded, exact: its_exact, .. }) => {
            match modifier {
                Some(Modifier::Exact) => exact == its_exact,
                Some(Modifier::Contains) => its_folded.contains(folded),
                Some(Modifier::Type(_)) => false,
                None => its_folded.starts_with(folded),
            }
        }
        (Criterion::Date { prefix, low, high }, Term::Date { low: its_low, high: its_high, .. }) => {
            prefix.holds((*its_low, *its_high), (*low, *high))
        }
        (Criterion::Reference { kind, id }, Term::Reference { kind: its_kind, id: its_id, .. }) => {
            id == its_id && kind.is_none_or(|kind| kind == *its_kind)
        }
        // A parameter's values and terms are of one kind; two kinds never meet.
        (
            Criterion::Token { .. } | Criterion::Text { .. } | Criterion::Date { .. } | Criterion::Reference { .. },
            Term::Token { .. } | Term::Text { .. } | Term::Date { .. } | Term::Reference { .. },
        ) => false,
    }
}
