//! What can be wrong with bytes that should be JSON: a fixed sentence and a position, never the content.

use std::fmt;

/// Why bytes are not JSON that we accept, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset of the fault from the start of the document.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// One kind of fault (RFC 8259, and our stricter rules for what it leaves open).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The document starts with a byte order mark.
    BomFound,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A `\u` escape names one half of a surrogate pair.
    LoneSurrogate,
    /// Something follows the end of the document.
    TrailingBytes,
    /// An object has one key twice, compared as decoded.
    DuplicateKey,
    /// Objects and arrays nest deeper than allowed.
    TooDeep,
    /// The document has more bytes than allowed.
    TooLong,
    /// The document has more values than [`crate::NODES_MAX`].
    TooMany,
    /// A character that cannot stand here.
    Unexpected,
    /// A number that RFC 8259 section 6 does not know.
    BadNumber,
    /// An escape that RFC 8259 section 7 does not know.
    BadEscape,
    /// A control character inside a string that is not escaped.
    ControlCharacter,
    /// The document ends before its value does.
    Truncated,
}

impl Fault {
    /// The fixed sentence for a caller, without position or content.
    pub fn sentence(self) -> &'static str {
        match self {
            Fault::BomFound => "JSON starts with a byte order mark",
            Fault::NotUtf8 => "JSON is not UTF-8",
            Fault::LoneSurrogate => "an escape in a string is half of a surrogate pair",
            Fault::TrailingBytes => "something follows the end of the JSON document",
            Fault::DuplicateKey => "an object has the same key twice",
            Fault::TooDeep => "JSON nests too deeply",
            Fault::TooLong => "JSON is too long",
            Fault::TooMany => "JSON has too many values",
            Fault::Unexpected => "a character in the JSON is not expected where it stands",
            Fault::BadNumber => "a number is not written as JSON writes numbers",
            Fault::BadEscape => "a string has an escape that JSON does not know",
            Fault::ControlCharacter => "a string has a control character that is not escaped",
            Fault::Truncated => "JSON ends too early",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.fault.sentence(), self.at)
    }
}

impl std::error::Error for Error {}
