//! HL7 v2: reading ends whatever comes, gives the same twice, makes a Bundle that a strict reader takes, tells of every
//! valued element, and answers in whole segments of our own.
#![no_main]

use bridge::{AckWhen, Adapter, Authority, Filing, Kind, Link, Reading, Stamp, Verdict};
use bytes::Bytes;
use fuzz::hl7;
use hl7v2::Hl7v2;
use json::{Document, Limits};
use libfuzzer_sys::fuzz_target;
use privacy::Phi;
use std::sync::LazyLock;
use uuid::Uuid;

/// The link of the goldens.
static LINK: LazyLock<Link> = LazyLock::new(|| Link {
    zone: Some(jiff::tz::TimeZone::get("America/Chicago").expect("a zone of the bundled database")),
    authorities: vec![Authority {
        namespace_id: Some("CLINIC".into()),
        universal_id: None,
        system: "urn:oid:2.999.1".into(),
        patients: true,
    }],
    original_mode: true,
    ack: AckWhen::OnApply,
    ..Link::new("lab", Uuid::from_u128(0x5108_0ce0))
});

/// More rows of a kind than one message makes; a Bundle past the bound of a page is not read here.
const BUNDLE: Limits = Limits { bytes_max: 64 * 1024 * 1024, ..Limits::DEFAULT };

fuzz_target!(|raw: &[u8]| {
    let (reading, filings) = read(raw);
    let (again, filings_again) = read(raw);
    assert!(filings == filings_again && reading.heading == again.heading);
    assert_eq!((reading.verdict, &reading.defects, &reading.loss), (again.verdict, &again.defects, &again.loss));
    is_a_bundle(&filings);
    assert!(reading.verdict != Verdict::Rejected || filings.is_empty());
    accounted(&reading, raw);
    let wrapped = Phi::new(Bytes::copy_from_slice(raw));
    let alone = Hl7v2.heading(&LINK, &wrapped);
    assert_eq!(alone.is_some(), reading.heading.is_some());
    // In other charsets one letter that is none, anywhere, changes how the header is decoded.
    let utf8 = hl7::elements(raw).is_some();
    assert!(!utf8 || alone == reading.heading, "the header alone says what the whole message says");
    assert_eq!(Hl7v2.fingerprint(&LINK, &wrapped), Hl7v2.fingerprint(&LINK, &wrapped));
    answered(&reading);
    for message in hl7v2::messages(raw) {
        assert!(message.starts_with(b"MSH"));
    }
});

fn read(raw: &[u8]) -> (Reading, Vec<Filing>) {
    let mut reading = Hl7v2.read(&LINK, &Phi::new(Bytes::copy_from_slice(raw)));
    let filings = std::mem::take(&mut reading.filings).into_iter().map(Phi::into_exposed).collect();
    (reading, filings)
}

fn is_a_bundle(filings: &[Filing]) {
    let bundle =
        Document::parse(bridge::bundle(filings).into(), &BUNDLE).expect("a Bundle is JSON without doubled keys");
    assert!(bundle.root().get("resourceType").is_some_and(|kind| kind.is("Bundle")));
    for entry in bundle.root().get("entry").into_iter().flat_map(|entries| entries.items()) {
        let resource = fhir::Resource::of(entry.get("resource").expect("an entry has a resource"));
        assert!(resource.expect("a resource").id().is_some());
    }
}

fn accounted(reading: &Reading, raw: &[u8]) {
    for loss in &reading.loss {
        match loss.kind {
            Kind::Mapped | Kind::Kept => assert!(loss.to.is_some(), "{} goes somewhere", loss.at),
            Kind::Ignored => assert!(loss.rule.is_some(), "{} is ignored by a rule", loss.at),
            Kind::Unknown => {}
        }
    }
    if reading.heading.is_some()
        && let Some(expected) = hl7::elements(raw)
    {
        let told: Vec<([u8; 3], u16)> = reading.loss.iter().map(|loss| (loss.at.segment, loss.at.field)).collect();
        assert_eq!(told, expected);
    }
}

fn answered(reading: &Reading) {
    let Some(heading) = &reading.heading else { return };
    let stamp = Stamp { at_us: 1_750_000_000_000_000, control_id: "S1".into() };
    let answer = Hl7v2.acknowledge(&LINK, &stamp, heading, reading.verdict, &reading.defects);
    let answer = answer.now.expect("the link is in original mode");
    let (last, segments) = answer.split_last().expect("an answer says something");
    assert_eq!(*last, b'\r');
    let names: Vec<&[u8]> =
        segments.split(|byte| *byte == b'\r').map(|line| line.get(..3).unwrap_or_default()).collect();
    assert_eq!(names.get(..2), Some(&[&b"MSH"[..], b"MSA"][..]));
    assert!(names.iter().skip(2).all(|name| *name == b"ERR"));
}
