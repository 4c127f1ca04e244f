//! MSH: who sent a message, of what kind, and whether it is for us.

use bridge::{Code, Conditions, Heading, Link, Position, Severity, Verdict, When};

use crate::parse::{Message, Value, header_fields};

/// Reads MSH, which is the first segment of a parsed message; what an answer repeats is taken from the raw bytes.
pub(crate) fn heading(message: &Message<'_>, raw: &[u8]) -> Heading {
    let parts: Vec<&[u8]> = header_fields(raw, message.delimiters.field).take(18).collect();
    let bytes = |field: usize| parts.get(field - 1).copied().unwrap_or_default().to_vec();
    let part = |field: u16, part: u16| text(message.field(0, field).part(part));
    let (code, trigger) = (part(9, 1), part(9, 2));
    let declared = part(9, 3);
    let structure = if declared.is_empty() { structure_of(&code, &trigger) } else { declared };
    Heading {
        separators: message.delimiters.written(),
        sending_application: bytes(3),
        sending_facility: bytes(4),
        receiving_application: bytes(5),
        receiving_facility: bytes(6),
        sent_at: part(7, 1),
        code,
        trigger,
        structure,
        control_id: bytes(10),
        processing_id: part(11, 1),
        version: part(12, 1),
        conditions: Conditions { accept: when(&part(15, 1)), application: when(&part(16, 1)) },
        charset: bytes(18),
    }
}

fn text(value: Value<'_>) -> String {
    value.trimmed().map(|text| text.into_owned()).unwrap_or_default()
}

/// MSH-9.3 where a sender (before 2.3.1, always) leaves it out.
fn structure_of(code: &str, trigger: &str) -> String {
    match (code, trigger) {
        ("ADT", "A04" | "A08" | "A13") => "ADT_A01".to_owned(),
        ("", _) | (_, "") => code.to_owned(),
        (code, trigger) => format!("{code}_{trigger}"),
    }
}

fn when(code: &str) -> Option<When> {
    match code {
        "AL" => Some(When::Always),
        "NE" => Some(When::Never),
        "ER" => Some(When::OnError),
        "SU" => Some(When::OnSuccess),
        _empty_or_unknown => None,
    }
}

/// Whether a message of this heading is for us; what is wrong with it is noted on the message.
pub(crate) fn admit(message: &Message<'_>, heading: &Heading, link: &Link) -> Verdict {
    let reject = |field: u16, code: Code| {
        message.defect(Position::field(*b"MSH", field), code, Severity::Error);
        Verdict::Rejected
    };
    if !supported(&heading.version) {
        return reject(12, Code::UnsupportedVersion);
    }
    match (heading.code.as_str(), heading.trigger.as_str()) {
        ("ORU", "R01") => {}
        ("ORU", "") if heading.structure == "ORU_R01" => {}
        ("ORU", _other) => return reject(9, Code::UnsupportedEvent),
        (_other, _event) => return reject(9, Code::UnsupportedMessageType),
    }
    if !link.processing.accepts(&heading.processing_id) {
        return reject(11, Code::UnsupportedProcessingId);
    }
    // Two messages in one frame: what stands behind the second header is not known to be the first one's patient's.
    if let Some(other) = message.segments().iter().skip(1).find(|one| matches!(&one.name, b"MSH" | b"FHS" | b"BHS")) {
        message.defect(Position::segment(other.name), Code::SegmentSequence, Severity::Error);
        return Verdict::InError;
    }
    if heading.control_id.is_empty() {
        message.defect(Position::field(*b"MSH", 10), Code::RequiredFieldMissing, Severity::Error);
        return Verdict::InError;
    }
    Verdict::Accepted
}

/// 2.1 to 2.9; a vendor's tail such as `2.3.z` is a hint we do without.
fn supported(version: &str) -> bool {
    let mut bytes = version.bytes();
    bytes.next() == Some(b'2')
        && bytes.next() == Some(b'.')
        && bytes.next().is_some_and(|minor| (b'1'..=b'9').contains(&minor))
        && !bytes.next().is_some_and(|next| next.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_2_1_to_2_9_are_read() {
        for version in ["2.1", "2.3", "2.3.1", "2.3.z", "2.5.1", "2.8.2", "2.9"] {
            assert!(supported(version), "{version}");
        }
        for version in ["", "2", "2.0", "2.10", "3.0", "2.", "v2.5"] {
            assert!(!supported(version), "{version}");
        }
    }
}
