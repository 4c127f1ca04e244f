//! Ids that follow from what a thing is, so that the same message always makes the same resources.

use uuid::Uuid;

/// The id of a resource: a UUIDv5 of its business key in the link's namespace.
///
/// The type of the resource is part of the name, so that a report and a request of one key do not share an id.
pub fn id(namespace: Uuid, kind: &str, key: &str) -> String {
    let mut name = Vec::with_capacity(kind.len() + 1 + key.len());
    name.extend_from_slice(kind.as_bytes());
    name.push(b'/');
    name.extend_from_slice(key.as_bytes());
    let id = Uuid::new_v5(&namespace, &name);
    id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// A business key being written: parts that cannot run into each other, whatever they hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Begins a key of one shape, such as `filler`.
    pub fn of(shape: &str) -> Key {
        Key(shape.to_owned())
    }

    /// Adds one part; `|` and `\` inside it are escaped, so no two lists of parts make one key.
    #[must_use]
    pub fn and(mut self, part: &str) -> Key {
        self.0.push('|');
        if !part.contains(['|', '\\']) {
            self.0.push_str(part);
            return self;
        }
        for character in part.chars() {
            if matches!(character, '|' | '\\') {
                self.0.push('\\');
            }
            self.0.push(character);
        }
        self
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
