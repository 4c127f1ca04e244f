//! What we tell the sender about a message: a verdict, and every defect with its place.
//!
//! A defect names a place and a code, never a value, so it may be logged, shown and sent back.

use std::fmt;

use privacy::Impersonal;
use serde::{Deserialize, Serialize};

/// What becomes of a message, as the sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Journalled and understood (AA, CA). Says nothing of what the store holds.
    Accepted,
    /// Its content is wrong (AE, CE): sending it again unchanged will not help.
    InError,
    /// Its type, version or processing id is not for us (AR, CR).
    Rejected,
}

impl Verdict {
    /// The MSA-1 code of original mode and of an application acknowledgement.
    pub fn application_code(self) -> &'static str {
        match self {
            Verdict::Accepted => "AA",
            Verdict::InError => "AE",
            Verdict::Rejected => "AR",
        }
    }

    /// The MSA-1 code of an accept acknowledgement in enhanced mode.
    pub fn accept_code(self) -> &'static str {
        match self {
            Verdict::Accepted => "CA",
            Verdict::InError => "CE",
            Verdict::Rejected => "CR",
        }
    }
}

impl Impersonal for Verdict {}

/// What is wrong, as a code of HL7 table 0357.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Code {
    /// 100: segments are missing, unreadable or in the wrong place.
    SegmentSequence,
    /// 101: a required field is empty.
    RequiredFieldMissing,
    /// 102: a value is not of its datatype.
    DataType,
    /// 103: a code is not in its table.
    TableValueNotFound,
    /// 104: a value is longer than we take.
    ValueTooLong,
    /// 200: this message type is not for us.
    UnsupportedMessageType,
    /// 201: this trigger event is not for us.
    UnsupportedEvent,
    /// 202: this processing id does not enter this link.
    UnsupportedProcessingId,
    /// 203: this version is not one we read.
    UnsupportedVersion,
    /// 204: an identifier refers to nothing known.
    UnknownKey,
    /// 205: this control id was used before, for another message.
    DuplicateKey,
    /// 207: we could not do it.
    ApplicationError,
}

impl Code {
    /// The number of table 0357.
    pub fn number(self) -> &'static str {
        match self {
            Code::SegmentSequence => "100",
            Code::RequiredFieldMissing => "101",
            Code::DataType => "102",
            Code::TableValueNotFound => "103",
            Code::ValueTooLong => "104",
            Code::UnsupportedMessageType => "200",
            Code::UnsupportedEvent => "201",
            Code::UnsupportedProcessingId => "202",
            Code::UnsupportedVersion => "203",
            Code::UnknownKey => "204",
            Code::DuplicateKey => "205",
            Code::ApplicationError => "207",
        }
    }

    /// Its meaning in plain words, for ERR and for people.
    pub fn words(self) -> &'static str {
        match self {
            Code::SegmentSequence => "Segment sequence error",
            Code::RequiredFieldMissing => "Required field missing",
            Code::DataType => "Data type error",
            Code::TableValueNotFound => "Table value not found",
            Code::ValueTooLong => "Value too long",
            Code::UnsupportedMessageType => "Unsupported message type",
            Code::UnsupportedEvent => "Unsupported event code",
            Code::UnsupportedProcessingId => "Unsupported processing id",
            Code::UnsupportedVersion => "Unsupported version id",
            Code::UnknownKey => "Unknown key identifier",
            Code::DuplicateKey => "Duplicate key identifier",
            Code::ApplicationError => "Application internal error",
        }
    }
}

impl Impersonal for Code {}

/// How bad a defect is (HL7 table 0516).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// The message was understood all the same; what could not be read is kept as it came.
    Warning,
    /// The message cannot be filed as it is.
    Error,
}

impl Severity {
    /// The letter for ERR-4.
    pub fn letter(self) -> &'static str {
        match self {
            Severity::Warning => "W",
            Severity::Error => "E",
        }
    }
}

impl Impersonal for Severity {}

/// A place in a message, such as `OBX[3]-5.1`. Zero means: the whole of what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The segment's name; three capital letters or digits.
    pub segment: [u8; 3],
    /// Which one of that name, from 1; 0 when the message has only one.
    pub occurrence: u32,
    /// The field, from 1.
    pub field: u16,
    /// The repetition, from 1; shown from the second on.
    pub repetition: u16,
    /// The component, from 1.
    pub component: u16,
    /// The subcomponent, from 1.
    pub subcomponent: u16,
}

impl Position {
    /// A whole segment, the only one of its name.
    pub const fn segment(segment: [u8; 3]) -> Position {
        Position { segment, occurrence: 0, field: 0, repetition: 0, component: 0, subcomponent: 0 }
    }

    /// A field of a segment of which there is only one, such as `MSH-9`.
    pub const fn field(segment: [u8; 3], field: u16) -> Position {
        Position { segment, occurrence: 0, field, repetition: 0, component: 0, subcomponent: 0 }
    }
}

impl Position {
    /// Writes it as a laboratory would, after what stands in `out` already.
    pub fn write(&self, out: &mut String) {
        for byte in self.segment {
            out.push(if byte.is_ascii_uppercase() || byte.is_ascii_digit() { char::from(byte) } else { '?' });
        }
        let mut part = |before: &str, number: u32, after: &str, least: u32| {
            if number >= least {
                out.push_str(before);
                decimal(out, number);
                out.push_str(after);
            }
        };
        part("[", self.occurrence, "]", 1);
        part("-", u32::from(self.field), "", 1);
        part("[", u32::from(self.repetition), "]", 2);
        part(".", u32::from(self.component), "", 1);
        part(".", u32::from(self.subcomponent), "", 1);
    }
}

fn decimal(out: &mut String, number: u32) {
    if number >= 10 {
        decimal(out, number / 10);
    }
    out.push(char::from_digit(number % 10, 10).unwrap_or('0'));
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        self.write(&mut shown);
        f.write_str(&shown)
    }
}

impl Impersonal for Position {}

/// Something wrong in a message: where and what, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Defect {
    /// Where.
    pub at: Position,
    /// What.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
}

impl Impersonal for Defect {}

impl Defect {
    /// The control id was used before for other content: 205 at MSH-10.
    pub fn reused_control_id() -> Defect {
        Defect { at: Position::field(*b"MSH", 10), code: Code::DuplicateKey, severity: Severity::Error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_as_a_laboratory_would_write_it() {
        let mut at =
            Position { segment: *b"OBX", occurrence: 3, field: 5, repetition: 1, component: 1, subcomponent: 0 };
        assert_eq!(at.to_string(), "OBX[3]-5.1");
        at.repetition = 2;
        at.subcomponent = 4;
        assert_eq!(at.to_string(), "OBX[3]-5[2].1.4");
        assert_eq!(Position::field(*b"MSH", 9).to_string(), "MSH-9");
    }

    #[test]
    fn a_position_never_shows_bytes_that_are_no_segment_name() {
        assert_eq!(Position::segment(*b"J\xc3\xa9").to_string(), "J??");
    }
}
