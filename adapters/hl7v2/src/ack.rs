//! The answer to a message: MSH, MSA, ERR. It repeats what the sender sent byte for byte and says nothing of any patient.

use bridge::{Acknowledgment, Defect, Heading, Link, Severity, Stamp, Verdict, When};

/// At most this many defects are told; the journal has them all.
const ERR_SEGMENTS_MAX: usize = 50;

/// What the sender is to be told: one answer in original mode, up to two in enhanced mode (MSH-15 and MSH-16).
pub(crate) fn acknowledge(
    link: &Link,
    stamp: &Stamp,
    heading: &Heading,
    verdict: Verdict,
    defects: &[Defect],
) -> Acknowledgment {
    let asked = heading.conditions;
    if link.original_mode || (asked.accept.is_none() && asked.application.is_none()) {
        return Acknowledgment {
            now: Some(write(stamp, heading, verdict, verdict.application_code(), defects)),
            later: None,
        };
    }
    let accept = wanted(asked.accept, verdict);
    let application = wanted(asked.application, verdict);
    let later = Stamp { control_id: format!("{}A", stamp.control_id), ..stamp.clone() };
    Acknowledgment {
        now: accept.then(|| write(stamp, heading, verdict, verdict.accept_code(), defects)),
        later: application.then(|| write(&later, heading, verdict, verdict.application_code(), defects)),
    }
}

fn wanted(asked: Option<When>, verdict: Verdict) -> bool {
    match (asked, verdict) {
        (None, _any) | (Some(When::Never), _any) => false,
        (Some(When::Always), _any) => true,
        (Some(When::OnSuccess), Verdict::Accepted) => true,
        (Some(When::OnSuccess), Verdict::InError | Verdict::Rejected) => false,
        (Some(When::OnError), Verdict::Accepted) => false,
        (Some(When::OnError), Verdict::InError | Verdict::Rejected) => true,
    }
}

fn write(stamp: &Stamp, heading: &Heading, verdict: Verdict, code: &str, defects: &[Defect]) -> Vec<u8> {
    let usual = || (b"|".to_vec(), b"^~\\&".to_vec());
    let (field, encoding) = match heading.separators.split_first() {
        Some((field, encoding)) if !encoding.is_empty() => (vec![*field], encoding.to_vec()),
        Some(_) | None => usual(),
    };
    let component = encoding.first().copied().unwrap_or(b'^');
    let join = |parts: &[&str]| parts.join(&char::from(component).to_string()).into_bytes();
    let trigger = word(&heading.trigger);
    let kind = if trigger.is_empty() { join(&["ACK"]) } else { join(&["ACK", trigger, "ACK"]) };
    let mut out = Vec::with_capacity(256);
    let mut segment = |name: &[u8], fields: &[&[u8]]| {
        out.extend_from_slice(name);
        for value in fields {
            out.extend_from_slice(&field);
            out.extend_from_slice(value);
        }
        while out.ends_with(&field) {
            out.truncate(out.len() - field.len());
        }
        out.push(b'\r');
    };
    let sent_at = clock(stamp.at_us);
    segment(
        b"MSH",
        &[
            &encoding,
            &heading.receiving_application,
            &heading.receiving_facility,
            &heading.sending_application,
            &heading.sending_facility,
            sent_at.as_bytes(),
            b"",
            &kind,
            stamp.control_id.as_bytes(),
            word(&heading.processing_id).as_bytes(),
            word(&heading.version).as_bytes(),
            b"",
            b"",
            b"",
            b"",
            b"",
            &heading.charset,
        ],
    );
    segment(b"MSA", &[code.as_bytes(), &heading.control_id]);
    if verdict != Verdict::Accepted {
        let errors = defects.iter().filter(|defect| defect.severity == Severity::Error).take(ERR_SEGMENTS_MAX);
        for defect in errors {
            err(&mut segment, heading, defect, component);
        }
    }
    out
}

/// A code as the tables have them. What the sender had escaped was decoded, and would end our field or our segment.
fn word(text: &str) -> &str {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') { text } else { "" }
}

/// ERR-2 to ERR-4 since 2.5; before, all of it in ERR-1.
fn err(segment: &mut impl FnMut(&[u8], &[&[u8]]), heading: &Heading, defect: &Defect, component: u8) {
    let at = defect.at;
    let number = |value: u32| if value == 0 { String::new() } else { value.to_string() };
    let name = String::from_utf8_lossy(&at.segment).into_owned();
    let occurrence = number(at.occurrence.max(1));
    let code = defect.code.number();
    let words = defect.code.words();
    let joined = |parts: &[&str]| {
        let separator = char::from(component).to_string();
        parts.join(&separator).trim_end_matches(char::from(component)).to_owned()
    };
    if since_2_5(&heading.version) {
        let repetition = if at.field == 0 { String::new() } else { number(u32::from(at.repetition.max(1))) };
        let place = joined(&[
            &name,
            &occurrence,
            &number(u32::from(at.field)),
            &repetition,
            &number(u32::from(at.component)),
            &number(u32::from(at.subcomponent)),
        ]);
        let code = joined(&[code, words, "HL70357"]);
        segment(b"ERR", &[b"", place.as_bytes(), code.as_bytes(), defect.severity.letter().as_bytes()]);
    } else {
        // ELD: segment, sequence, field, and the code, whose own parts are subcomponents.
        let subcomponent = heading.separators.get(4).copied().unwrap_or(b'&');
        let code = [code, words, "HL70357"].join(&char::from(subcomponent).to_string());
        let place = joined(&[&name, &occurrence, &number(u32::from(at.field)), &code]);
        segment(b"ERR", &[place.as_bytes()]);
    }
}

fn since_2_5(version: &str) -> bool {
    version.as_bytes().get(2).is_some_and(|minor| *minor >= b'5')
}

/// The moment as `YYYYMMDDHHMMSS+0000`.
fn clock(at_us: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(at_us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y%m%d%H%M%S+0000").to_string()
}
