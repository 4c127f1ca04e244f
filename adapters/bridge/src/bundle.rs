//! One transaction Bundle that shows everything a message makes, for people and for tests.

use crate::filing::{Filing, Record, Subject};

/// A transaction of PUTs with the deterministic ids: each filing's patient as the message shows it, and its resources
/// about that patient.
///
/// The live path never applies this: there the patient is matched, not written.
pub fn bundle<'a>(filings: impl IntoIterator<Item = &'a Filing>) -> Vec<u8> {
    let mut out = br#"{"resourceType":"Bundle","type":"transaction""#.to_vec();
    let mut shown: Vec<String> = Vec::new();
    for filing in filings {
        let subject = filing.patient.reference();
        for record in std::iter::once(&filing.patient).chain(&filing.records) {
            let reference = record.reference();
            if shown.contains(&reference) {
                continue; // Two groups may name one practitioner or one patient; a transaction may hold each id once.
            }
            out.extend_from_slice(if shown.is_empty() { br#","entry":["# } else { b"," });
            entry(&mut out, record, &reference, &subject);
            shown.push(reference);
        }
    }
    if !shown.is_empty() {
        out.push(b']');
    }
    out.push(b'}');
    out
}

fn entry(out: &mut Vec<u8>, record: &Record, reference: &str, subject: &str) {
    // The ids are UUIDs, yet a transaction resolves `Type/id` only against full URLs that end in it.
    out.extend_from_slice(br#"{"fullUrl":"https://sluice.example/fhir/"#);
    out.extend_from_slice(reference.as_bytes());
    out.extend_from_slice(br#"","resource":"#);
    out.extend_from_slice(&record.render(Subject::Of(subject)));
    out.extend_from_slice(br#","request":{"method":"PUT","url":""#);
    out.extend_from_slice(reference.as_bytes());
    out.extend_from_slice(br#""}}"#);
}
