//! Logical ids and versions: 1 to 64 letters, digits, hyphens and dots. Never shortened, never hashed down.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

/// The longest id FHIR allows, in characters (R4, datatype id).
const ID_CHARS_MAX: usize = 64;

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an id has 1 to 64 letters, digits, hyphens and dots, and is not . or ..")]
pub struct BadId;

/// The id of a resource within its type, or of a version within its resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// Reads an id as it stands in a URL or in `Resource.id`.
    pub fn parse(text: &str) -> Result<Id, BadId> {
        if Id::fits(text.as_bytes()) { Ok(Id(text.into())) } else { Err(BadId) }
    }

    /// Whether this is an id.
    pub(crate) fn fits(text: &[u8]) -> bool {
        let fits = (1..=ID_CHARS_MAX).contains(&text.len());
        let plain = text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'.');
        // `.` and `..` fit the pattern but are steps in a path to every URL library (RFC 3986, 5.2.4).
        fits && plain && text != b"." && text != b".."
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Id, BadId> {
        Id::parse(text)
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_whole_or_not_at_all() {
        for good in ["1", "a.b-C9", "...", &"x".repeat(64)] {
            assert_eq!(Id::parse(good).map(|id| id.to_string()), Ok(good.to_string()));
        }
        for bad in ["", ".", "..", "a_b", "a/b", "a b", "é", "a%2F", "a\n", &"x".repeat(65)] {
            assert_eq!(Id::parse(bad), Err(BadId), "{bad}");
        }
    }
}
