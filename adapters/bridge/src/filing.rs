//! What a message says, ready to be filed: whom it claims to be about, which orders it names, and the resources it makes.
//!
//! Nothing here decides. A filing says whom the sender *claims*; [`crate::matching`] decides whose it is, and only then is
//! the subject written into the resources.

use privacy::Phi;

use crate::correction::Standing;
use crate::heading::Heading;
use crate::loss::Loss;
use crate::verdict::{Defect, Verdict};

/// All that reading one message gave.
pub struct Reading {
    /// Its routing facts; `None` when not even those could be read, so that no answer can be addressed.
    pub heading: Option<Heading>,
    /// What the sender is told of it, as far as its own content decides.
    pub verdict: Verdict,
    /// One for each patient group. To be applied only when the verdict is [`Verdict::Accepted`].
    pub filings: Vec<Phi<Filing>>,
    /// Everything wrong with it, what is refused for first, else in the order of the message.
    pub defects: Vec<Defect>,
    /// What became of every element of it, in the order of the message.
    pub loss: Vec<Loss>,
}

/// One patient group of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// Whom it claims to be about.
    pub subject: Claimed,
    /// The order numbers it names.
    pub orders: Vec<OrderNumber>,
    /// The resources it makes.
    pub records: Vec<Record>,
    /// The patient as the message shows them; for showing, never for applying.
    pub patient: Record,
}

/// Whom a message claims to be about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Every identifier it gives, those of unknown authorities included.
    pub identifiers: Vec<ClaimedIdentifier>,
    /// The family name of the first name given.
    pub family: Option<String>,
    /// The given names of the first name given, the first of them first.
    pub given: Vec<String>,
    /// `YYYY-MM-DD`, or less when the message says less.
    pub birth_date: Option<String>,
    /// A FHIR administrative-gender code.
    pub sex: Option<String>,
}

/// One identifier that a message gives for its patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedIdentifier {
    /// The FHIR system, only when the link has this authority configured as one that identifies patients.
    pub system: Option<String>,
    /// The authority as the message names it.
    pub authority: String,
    /// The value.
    pub value: String,
    /// HL7 table 0203, such as `MR`.
    pub type_code: Option<String>,
}

/// One order number that a message names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNumber {
    /// Whose number it is.
    pub role: Role,
    /// The authority as the message names it, else its sending facility.
    pub authority: String,
    /// The number.
    pub value: String,
}

/// Who numbered an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The one who asked.
    Placer,
    /// The one who does it.
    Filler,
}

/// One resource that a message makes or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The resource type, such as `Observation`.
    pub kind: &'static str,
    /// Its id: a UUIDv5 of the key.
    pub id: String,
    /// Its business key; two keys with one id are never one resource.
    pub key: String,
    /// Where it stands in its own history.
    pub standing: Standing,
    /// The results that belong to it, as references such as `Observation/…`: `DiagnosticReport.result` or
    /// `Observation.hasMember`. Merge them with those already known (see [`crate::correction::merge_members`]) before
    /// rendering; a list that a resend leaves out is no deletion.
    pub members: Vec<String>,
    /// The resource without subject and members.
    pub body: Vec<u8>,
}

/// What a message wants done with one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write it whole.
    Put,
    /// Change its status alone (OBX-11 `U`): what was sent before stays.
    StatusOnly,
    /// It was never right: entered-in-error, without value and notes.
    Void {
        /// Its older versions must not be shown any more either (OBX-11 `W`: wrong patient or wrong result).
        older_too: bool,
    },
}

/// Whose record a resource is written into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A matched patient, as a reference such as `Patient/p-0001`.
    Of(&'a str),
    /// Nobody's: the type has no subject, or nobody was matched.
    Unmatched,
}

impl Record {
    /// Whether this type has a subject of its own.
    pub fn has_subject(&self) -> bool {
        matches!(self.kind, "Observation" | "DiagnosticReport" | "Specimen" | "ServiceRequest")
    }

    /// The complete resource, with its members and, where its type has one, its subject.
    pub fn render(&self, subject: Subject<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 64 + self.members.len() * 72);
        self.write(subject, &mut out);
        out
    }

    /// As [`Record::render`], after what stands in `out` already.
    pub(crate) fn write(&self, subject: Subject<'_>, out: &mut Vec<u8>) {
        let Some((_brace, open)) = self.body.split_last() else { return };
        out.extend_from_slice(open);
        if let Subject::Of(reference) = subject
            && self.has_subject()
        {
            out.extend_from_slice(b",\"subject\":{\"reference\":\"");
            refer(out, reference);
            out.extend_from_slice(b"\"}");
        }
        if !self.members.is_empty() {
            out.extend_from_slice(if self.kind == "DiagnosticReport" { b",\"result\":[" } else { b",\"hasMember\":[" });
            for (place, member) in self.members.iter().enumerate() {
                out.extend_from_slice(if place == 0 { b"{\"reference\":\"" } else { b",{\"reference\":\"" });
                refer(out, member);
                out.extend_from_slice(b"\"}");
            }
            out.push(b']');
        }
        out.push(b'}');
    }

    /// `Type/id`.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }
}

/// A reference is made of a type and an id, neither of which can hold a character that JSON escapes.
fn refer(out: &mut Vec<u8>, reference: &str) {
    let escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    if reference.as_bytes().iter().any(escaped) {
        out.extend(reference.bytes().filter(|byte| !escaped(byte)));
    } else {
        out.extend_from_slice(reference.as_bytes());
    }
}
