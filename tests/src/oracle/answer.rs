//! What a request is owed: one resource, a page of them, or a refusal.

use super::ask::{Heard, Search, hear};
use super::scope::Scopes;
use super::{Asker, Name, is_served, purpose};

/// What a FHIR request asks.
#[derive(Debug)]
pub enum Asked {
    /// One resource, in its current or a named version.
    One(Name, Option<String>),
    /// A search over a type.
    Many(String, Search),
    /// Nothing that could be answered: these statuses will do.
    Nothing(Vec<u16>),
}

/// What a path and its parameters ask, and which refusals are owed or allowed before any record is looked at.
///
/// Scope first: what the token does not reach is 403, decided before data is touched; what cannot be meant is 400. Where
/// both hold, either will do.
pub fn asked(asker: &Asker, path: &str, pairs: &[(String, String)], lenient: bool) -> Asked {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (kind, one) = match segments.as_slice() {
        ["fhir", kind] | ["fhir", kind, "_search"] => (*kind, None),
        ["fhir", kind, id] => (*kind, Some((*id, None))),
        ["fhir", kind, id, "_history", version] => (*kind, Some((*id, Some(*version)))),
        _ => return Asked::Nothing(vec![404]),
    };
    if !is_served(kind) {
        return Asked::Nothing(vec![404]);
    }
    // A type that the purpose does not include is refused like one that no scope reaches.
    let reached = |allowed: bool| allowed && asker.has_someone() && (!asker.pays || purpose::pays_for(kind));
    match one {
        Some((id, _)) if !is_id(id) => Asked::Nothing(vec![404, 403]),
        Some((id, version)) => {
            let name = (kind.to_owned(), id.to_owned());
            let own = version.is_none() && asker.scopes.own && asker.own.as_ref() == Some(&name);
            if !own && !reached(asker.scopes.read_one(kind)) {
                return Asked::Nothing(vec![403]);
            }
            Asked::One(name, version.map(str::to_owned))
        }
        None => match hear(kind, pairs, lenient) {
            Heard::Refused if reached(asker.scopes.search(kind)) => Asked::Nothing(vec![400]),
            Heard::Refused => Asked::Nothing(vec![400, 403]),
            Heard::Search(_) if !reached(asker.scopes.search(kind)) => Asked::Nothing(vec![403]),
            Heard::Search(search) => Asked::Many(kind.to_owned(), search),
        },
    }
}

/// Whether a request is one that scopes of a level allow: a search of a type, or a read of one.
pub fn is_allowed(scopes: &Scopes, path: &str) -> bool {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        ["fhir", kind] | ["fhir", kind, "_search"] => scopes.search(kind),
        ["fhir", kind, _] | ["fhir", kind, _, "_history", _] => scopes.read_one(kind),
        _ => false,
    }
}

/// Whether one's own resource is read under `fhirUser`: no evidence is needed for it.
pub fn is_own_read(asker: &Asker, name: &Name, version: Option<&str>) -> bool {
    version.is_none() && asker.scopes.own && asker.own.as_ref() == Some(name)
}

fn is_id(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (1..=64).contains(&text.len()) && plain && text != "." && text != ".."
}
