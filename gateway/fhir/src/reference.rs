//! What a `Reference.reference` points at, by its spelling alone. Never fetches, never guesses from a prefix.
//!
//! An absolute address becomes local only when everything before `Type/id` equals the service's base, byte for byte:
//! `https://example.org/fhir2` has nothing to do with `https://example.org/fhir`.

use crate::{Id, ResourceType};

/// The longest reference we read, in bytes; longer ones are unreadable.
const REFERENCE_BYTES_MAX: usize = 2048;

/// Where a reference points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `Type/id` or `Type/id/_history/version`, on the server that holds the resource.
    Local {
        /// The target's type.
        kind: ResourceType,
        /// The target's id.
        id: Id,
        /// The version, when one is named.
        version: Option<Id>,
    },
    /// A RESTful address on a named server.
    Absolute {
        /// Everything before the type, without the last slash.
        base: String,
        /// The target's type.
        kind: ResourceType,
        /// The target's id.
        id: Id,
        /// The version, when one is named.
        version: Option<Id>,
    },
    /// `#id`: a resource contained in the same one; empty for the container itself.
    Fragment(String),
    /// `urn:uuid:…` or `urn:oid:…`, which only means something within a Bundle.
    Urn(String),
    /// `Type?query`, allowed in transactions alone.
    Conditional {
        /// The target's type.
        kind: ResourceType,
        /// What stands behind the question mark.
        query: String,
    },
    /// Anything else.
    Unreadable,
}

impl Reference {
    /// Reads a reference by its spelling.
    pub fn parse(text: &str) -> Reference {
        let odd = |text: &str| text.chars().any(|c| c.is_control() || c.is_whitespace());
        if text.len() > REFERENCE_BYTES_MAX || (!text.bytes().all(|byte| byte.is_ascii_graphic()) && odd(text)) {
            return Reference::Unreadable;
        }
        if let Some(id) = text.strip_prefix('#') {
            return Reference::Fragment(id.to_string());
        }
        if text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
            return Reference::Urn(text.to_string());
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return absolute(text).unwrap_or(Reference::Unreadable);
        }
        if let Some((kind, query)) = text.split_once('?') {
            return match kind.parse() {
                Ok(kind) => Reference::Conditional { kind, query: query.to_string() },
                Err(_) => Reference::Unreadable,
            };
        }
        match target(text) {
            Some(("", kind, id, version)) => Reference::Local { kind, id, version },
            Some(_) | None => Reference::Unreadable,
        }
    }

    /// Reads a reference on the server at `base` (without a slash at its end): its own absolute addresses become local.
    pub fn parse_at(text: &str, base: &str) -> Reference {
        match Reference::parse(text) {
            Reference::Absolute { base: theirs, kind, id, version } if theirs == base => {
                Reference::Local { kind, id, version }
            }
            other @ (Reference::Local { .. }
            | Reference::Absolute { .. }
            | Reference::Fragment(_)
            | Reference::Urn(_)
            | Reference::Conditional { .. }
            | Reference::Unreadable) => other,
        }
    }

    /// Type and id of a local target.
    pub fn local(&self) -> Option<(ResourceType, &Id)> {
        match self {
            Reference::Local { kind, id, .. } => Some((*kind, id)),
            Reference::Absolute { .. }
            | Reference::Fragment(_)
            | Reference::Urn(_)
            | Reference::Conditional { .. }
            | Reference::Unreadable => None,
        }
    }
}

fn absolute(text: &str) -> Option<Reference> {
    if text.contains(['?', '#']) {
        return None;
    }
    let (before, kind, id, version) = target(text)?;
    let base = before.strip_suffix('/')?;
    // At least a host must remain: `https://Patient/1` has none.
    let host = base.split_once("://")?.1;
    (!host.is_empty()).then(|| Reference::Absolute { base: base.to_string(), kind, id, version })
}

/// Splits `…Type/id[/_history/version]` from its end: what stands before, type, id, version.
fn target(text: &str) -> Option<(&str, ResourceType, Id, Option<Id>)> {
    let (mut before, mut id) = text.rsplit_once('/')?;
    let mut version = None;
    if let Some(address) = before.strip_suffix("/_history") {
        version = Some(Id::parse(id).ok()?);
        (before, id) = address.rsplit_once('/')?;
    }
    let id = Id::parse(id).ok()?;
    let name_at = before.rfind('/').map_or(0, |slash| slash + 1);
    let (before, name) = before.split_at_checked(name_at)?;
    Some((before, name.parse().ok()?, id, version))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = "https://localhost:8443/fhir";

    fn local(id: &str) -> Reference {
        Reference::Local { kind: ResourceType::Patient, id: Id::parse(id).unwrap(), version: None }
    }

    #[test]
    fn each_spelling_is_told_from_the_others() {
        assert_eq!(Reference::parse("Patient/a1"), local("a1"));
        let versioned = Reference::parse("Patient/a1/_history/2");
        assert!(matches!(&versioned, Reference::Local { version: Some(v), .. } if v.as_str() == "2"));
        assert_eq!(versioned.local().unwrap().1.as_str(), "a1");
        assert_eq!(Reference::parse("#p"), Reference::Fragment("p".into()));
        assert!(matches!(Reference::parse("urn:uuid:1"), Reference::Urn(_)));
        assert!(matches!(Reference::parse("Patient?identifier=a|b"), Reference::Conditional { .. }));
        assert!(
            matches!(Reference::parse("https://a.org/r4/Patient/1"), Reference::Absolute { base, .. } if base == "https://a.org/r4")
        );
    }

    #[test]
    fn only_the_exact_base_is_ours() {
        assert_eq!(Reference::parse_at("https://localhost:8443/fhir/Patient/1", BASE), local("1"));
        for theirs in [
            "https://localhost:8443/fhir2/Patient/1",
            "https://localhost:8443/fhir/x/Patient/1",
            "https://localhost:84431/fhir/Patient/1",
            "http://localhost:8443/fhir/Patient/1",
            "https://LOCALHOST:8443/fhir/Patient/1",
            "https://localhost:8443@evil.org/fhir/Patient/1",
            "https://localhost:8443/fhir//Patient/1",
            "https://localhost:8443/fhir/../fhir/Patient/1",
        ] {
            assert!(Reference::parse_at(theirs, BASE).local().is_none(), "{theirs}");
        }
    }

    #[test]
    fn what_is_no_reference_is_unreadable() {
        for bad in [
            "",
            "Patient",
            "Patient/",
            "/Patient/1",
            "patient/1",
            "Patient/1/",
            "Patient/a b",
            "Patient/..",
            "Nobody/1",
            "Patient/1/2",
            "x/Patient/1",
            "Patient/1/_history/",
            "https://Patient/1",
            "https://a.org/Patient/1?x",
            "https://a.org/page",
            "ftp://a/Patient/1",
            "Patient/1#x",
            "Patient/1\n",
            "Nobody?x=1",
        ] {
            assert_eq!(Reference::parse(bad), Reference::Unreadable, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_id_of_any_type_reads_back(at in any::<prop::sample::Index>(), id in "[A-Za-z0-9-]{1,64}") {
            let kind = ResourceType::ALL[at.index(ResourceType::ALL.len())];
            let text = format!("{kind}/{id}");
            let expected = (kind, Id::parse(&id).unwrap());
            let there = Reference::parse_at(&format!("{BASE}/{text}"), BASE);
            prop_assert_eq!(Reference::parse(&text).local().map(|(k, i)| (k, i.clone())), Some(expected.clone()));
            prop_assert_eq!(there.local().map(|(k, i)| (k, i.clone())), Some(expected));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
            Reference::parse_at(&text, BASE);
        }
    }
}
