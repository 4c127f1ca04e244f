//! What became of every element of a message: mapped, kept, ignored by a rule, or unknown. Zero silent.

use privacy::Impersonal;

use crate::verdict::Position;

/// What became of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It stands in a FHIR element that means the same.
    Mapped,
    /// It is carried as it came, in an extension or attachment.
    Kept,
    /// A rule of the map says that it carries nothing for the record.
    Ignored,
    /// No rule knows it. It is in the journal's raw bytes alone.
    Unknown,
}

impl Kind {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Mapped => "mapped",
            Kind::Kept => "kept",
            Kind::Ignored => "ignored",
            Kind::Unknown => "unknown",
        }
    }
}

/// One element and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The element.
    pub at: Position,
    /// What became of it.
    pub kind: Kind,
    /// Where it went (a FHIR path), when it was mapped or kept.
    pub to: Option<&'static str>,
    /// The rule by which it was ignored.
    pub rule: Option<&'static str>,
}

impl Impersonal for Loss {}
