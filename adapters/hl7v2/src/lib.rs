//! HL7 v2: framing, parsing, mapping, acknowledging. Pure: no IO, no clock, no randomness.
//!
//! [`Hl7v2`] reads ORU^R01 of 2.1 to 2.9 into filings. Other messages are read as far as their heading and rejected with
//! 200 or 201, so that their sender knows at once.

mod ack;
mod charset;
mod delimiters;
mod escape;
mod heading;
mod map;
pub mod mllp;
mod moment;
mod parse;
mod split;

use std::cell::RefCell;

use bridge::{
    Acknowledgment, Adapter, Code, Defect, Filing, Framer, Heading, Link, Loss, Position, Reading, Severity, Stamp,
    Verdict,
};
use bytes::Bytes;
use privacy::{Impersonal, Phi};

pub use split::messages;

/// The dialect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hl7v2;

impl Adapter for Hl7v2 {
    fn framer(&self) -> Box<dyn Framer> {
        Box::new(mllp::Mllp::new())
    }

    fn heading(&self, link: &Link, raw: &Phi<Bytes>) -> Option<Heading> {
        raw.inspect(|raw| read_heading(link, raw))
    }

    fn fingerprint(&self, link: &Link, raw: &Phi<Bytes>) -> [u8; 16] {
        raw.inspect(|raw| Digest(fingerprint(link, raw))).0
    }

    fn read(&self, link: &Link, raw: &Phi<Bytes>) -> Reading {
        let read = raw.derive(|raw| read(link, raw));
        // The facts name places and codes; what is about a person stays wrapped.
        let Facts { heading, verdict, defects, loss } = read.inspect(|(told, _filings)| told.take());
        let filings = read.map(|(_facts, filings)| filings).each().collect();
        Reading { heading, verdict, filings, defects, loss }
    }

    fn acknowledge(
        &self,
        link: &Link,
        stamp: &Stamp,
        heading: &Heading,
        verdict: Verdict,
        defects: &[Defect],
    ) -> Acknowledgment {
        ack::acknowledge(link, stamp, heading, verdict, defects)
    }
}

/// What reading gives besides the filings: places, codes and routing.
struct Facts {
    heading: Option<Heading>,
    verdict: Verdict,
    defects: Vec<Defect>,
    loss: Vec<Loss>,
}

impl Impersonal for Facts {}

impl Facts {
    /// MSH could not be read: nothing is known, not even whom to answer.
    fn unreadable() -> Facts {
        let at = Position::segment(*b"MSH");
        let defect = Defect { at, code: Code::SegmentSequence, severity: Severity::Error };
        Facts { heading: None, verdict: Verdict::Rejected, defects: vec![defect], loss: Vec::new() }
    }
}

/// Facts that are looked at once.
struct Told(RefCell<Option<Facts>>);

impl Told {
    fn take(&self) -> Facts {
        self.0.borrow_mut().take().unwrap_or_else(Facts::unreadable)
    }
}

struct Digest([u8; 16]);

impl Impersonal for Digest {}

fn read(link: &Link, raw: &[u8]) -> (Told, Vec<Filing>) {
    let told = |facts| Told(RefCell::new(Some(facts)));
    let Some(decoded) = parse::decode(raw, link.charset.as_deref()) else {
        return (told(Facts::unreadable()), Vec::new());
    };
    let message = parse::Message::parse(&decoded);
    let heading = heading::heading(&message, raw);
    let admitted = heading::admit(&message, &heading, link);
    let filings = match admitted {
        Verdict::Rejected => Vec::new(),
        Verdict::Accepted | Verdict::InError => map::filings(&message, &heading, link),
    };
    let mut defects = message.defects();
    defects.sort_by_key(|defect| defect.severity != Severity::Error);
    let wrong = defects.iter().any(|defect| defect.severity == Severity::Error);
    let verdict = if admitted == Verdict::Accepted && wrong { Verdict::InError } else { admitted };
    (told(Facts { heading: Some(heading), verdict, defects, loss: message.loss() }), filings)
}

fn read_heading(link: &Link, raw: &[u8]) -> Option<Heading> {
    // MSH alone: the rest of a message may be megabytes.
    let header = raw.get(..=parse::header_end(raw)).unwrap_or(raw);
    let decoded = parse::decode(header, link.charset.as_deref())?;
    Some(heading::heading(&parse::Message::parse(&decoded), raw))
}

/// A digest of all but MSH-7, in the link's own secret namespace.
fn fingerprint(link: &Link, raw: &[u8]) -> [u8; 16] {
    let Some(delimiters) = delimiters::Delimiters::of(raw) else {
        return *uuid::Uuid::new_v5(&link.namespace, raw).as_bytes();
    };
    let (header, rest) = raw.split_at(parse::header_end(raw));
    let mut kept = Vec::with_capacity(raw.len());
    // MSH-1 is the separator itself, so MSH-7 is the seventh part.
    for (place, part) in header.split(|byte| *byte == delimiters.field).enumerate() {
        kept.extend_from_slice(if place == 6 { b"" } else { part });
        kept.push(delimiters.field);
    }
    kept.extend_from_slice(rest);
    *uuid::Uuid::new_v5(&link.namespace, &kept).as_bytes()
}

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod tests;
