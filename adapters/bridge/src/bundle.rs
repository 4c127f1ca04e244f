//! One transaction Bundle that shows everything a message makes, for people and for tests.

use std::collections::HashSet;

use crate::filing::{Filing, Record, Subject};

/// A transaction of PUTs with the deterministic ids: each filing's patient as the message shows it, and its resources
/// about that patient.
///
/// The live path never applies this: there the patient is matched, not written.
pub fn bundle<'a>(filings: impl IntoIterator<Item = &'a Filing>) -> Vec<u8> {
    let mut out = br#"{"resourceType":"Bundle","type":"transaction""#.to_vec();
    let mut shown: HashSet<(&str, &str)> = HashSet::new();
    for filing in filings {
        shown.reserve(filing.records.len() + 1);
        let bytes = |record: &Record| record.body.len() + record.members.len() * 72 + 400;
        out.reserve(filing.records.iter().map(bytes).sum());
        let subject = filing.patient.reference();
        for record in std::iter::once(&filing.patient).chain(&filing.records) {
            let first = shown.is_empty();
            if !shown.insert((record.kind, &record.id)) {
                continue; // Two groups may name one practitioner or one patient; a transaction may hold each id once.
            }
            out.extend_from_slice(if first { br#","entry":["# } else { b"," });
            entry(&mut out, record, &subject);
        }
    }
    if !shown.is_empty() {
        out.push(b']');
    }
    out.push(b'}');
    out
}

fn entry(out: &mut Vec<u8>, record: &Record, subject: &str) {
    let reference = |out: &mut Vec<u8>| {
        out.extend_from_slice(record.kind.as_bytes());
        out.push(b'/');
        out.extend_from_slice(record.id.as_bytes());
    };
    // The ids are UUIDs, yet a transaction resolves `Type/id` only against full URLs that end in it.
    out.extend_from_slice(br#"{"fullUrl":"https://sluice.example/fhir/"#);
    reference(out);
    out.extend_from_slice(br#"","resource":"#);
    record.write(Subject::Of(subject), out);
    out.extend_from_slice(br#","request":{"method":"PUT","url":""#);
    reference(out);
    out.extend_from_slice(br#""}}"#);
}
