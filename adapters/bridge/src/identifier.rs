//! Ids that follow from what a thing is, so that the same message always makes the same resources.

use uuid::Uuid;

/// The id of a resource: a UUIDv5 of its business key in the link's namespace.
///
/// The type of the resource is part of the name, so that a report and a request of one key do not share an id.
pub fn id(namespace: Uuid, kind: &str, key: &str) -> String {
    text(uuid(namespace, kind, key))
}

/// As [`id`], before it is written.
pub fn uuid(namespace: Uuid, kind: &str, key: &str) -> Uuid {
    let mut name = Vec::with_capacity(kind.len() + 1 + key.len());
    name.extend_from_slice(kind.as_bytes());
    name.push(b'/');
    name.extend_from_slice(key.as_bytes());
    Uuid::new_v5(&namespace, &name)
}

/// A UUID as an id.
pub fn text(id: Uuid) -> String {
    id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// A business key being written: parts that cannot run into each other, whatever they hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Begins a key of one shape, such as `filler`.
    pub fn of(shape: &str) -> Key {
        // Most keys are shorter.
        let mut key = String::with_capacity(128);
        key.push_str(shape);
        Key(key)
    }

    /// Adds one part; `|` and `\` inside it are escaped, so no two lists of parts make one key.
    #[must_use]
    pub fn and(mut self, part: &str) -> Key {
        self.0.push('|');
        let mut rest = part;
        while let Some(place) = rest.bytes().position(|byte| matches!(byte, b'|' | b'\\')) {
            let (plain, escaped) = rest.split_at(place);
            self.0.push_str(plain);
            self.0.push('\\');
            let (one, beyond) = escaped.split_at(1);
            self.0.push_str(one);
            rest = beyond;
        }
        self.0.push_str(rest);
        self
    }

    /// Another key that begins with these parts.
    #[must_use]
    pub fn begun(&self) -> Key {
        let mut key = String::with_capacity(self.0.len() + 128);
        key.push_str(&self.0);
        Key(key)
    }

    /// The key as text, which the crosswalk keeps.
    pub fn text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_key_makes_the_same_id_and_another_link_makes_another() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(id(one, "Observation", "k"), id(one, "Observation", "k"));
        assert_ne!(id(one, "Observation", "k"), id(two, "Observation", "k"));
        assert_ne!(id(one, "Observation", "k"), id(one, "DiagnosticReport", "k"));
    }

    proptest! {
        #[test]
        fn two_lists_of_parts_never_make_one_key(a in prop::collection::vec("[a|\\\\]{0,3}", 0..4),
                                                 b in prop::collection::vec("[a|\\\\]{0,3}", 0..4)) {
            let write = |parts: &[String]| parts.iter().fold(Key::of("k"), |key, part| key.and(part)).text();
            prop_assert_eq!(a == b, write(&a) == write(&b));
        }
    }
}
