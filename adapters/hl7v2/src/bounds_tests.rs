//! Messages as large as a frame may be: each is read in one pass, or refused where it grows past a bound. What took a time
//! that grows with the square would not end here, so no time is asserted.

use bridge::{Filing, Link, Reading, Record, Verdict};
use bytes::Bytes;
use privacy::Phi;
use uuid::Uuid;

use super::*;

const HEAD: &str = "MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\rPID|1||X\r";

fn whole(message: String) -> (Reading, Vec<Filing>) {
    assert!(message.len() <= mllp::FRAME_BYTES_MAX, "{} bytes fit in no frame", message.len());
    let link = Link::new("lab", Uuid::from_u128(1));
    let mut reading = Hl7v2.read(&link, &Phi::new(Bytes::from(message)));
    let filings = std::mem::take(&mut reading.filings).into_iter().map(Phi::into_exposed).collect();
    (reading, filings)
}

/// A message of a head and many of the same, each by its number.
fn many(head: &str, count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).fold(format!("{HEAD}{head}"), |message, place| message + &each(place))
}

fn accepted(message: String) -> Vec<Record> {
    let (reading, filings) = whole(message);
    assert_eq!(reading.verdict, Verdict::Accepted, "{:?}", reading.defects.first());
    filings.into_iter().flat_map(|filing| filing.records).collect()
}

/// The first thing that is told to be wrong.
fn refused(message: String) -> String {
    let (reading, filings) = whole(message);
    assert_eq!((reading.verdict, filings.len()), (Verdict::InError, 0));
    reading.defects.first().map(|defect| format!("{} {}", defect.at, defect.code.number())).expect("a defect")
}

#[test]
fn as_many_results_as_there_are_each_find_those_under_them() {
    let made = accepted(many("OBR|1||F|P\r", 60_000, |n| match n % 2 {
        0 => format!("OBX|1|ST|K||x|||||F|{n}\r").replace("|K||", &format!("|K|{n}|")),
        _under => format!("OBX|1|ST|K|{}.1|x||||||F\r", n - 1),
    }));
    let members = |kind: &str| -> usize { made.iter().filter(|r| r.kind == kind).map(|r| r.members.len()).sum() };
    assert_eq!((members("Observation"), members("DiagnosticReport")), (30_000, 60_000));
    assert!(bridge::bundle([]).len() < 100);
}

#[test]
fn results_that_nothing_tells_apart_are_counted() {
    let made = accepted(many("OBR|1||F|P\r", 60_000, |_n| "OBX|1|ST|K||x||||||F\r".to_owned()));
    let keys: std::collections::HashSet<&str> = made.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys.len(), 60_002);
}

#[test]
fn as_many_orders_as_there_are_each_find_their_parents() {
    let made = accepted(many("", 40_000, |n| {
        let parent = n.saturating_sub(1);
        format!("OBR|1|P{n}|F{n}|S|||||||||||||||||||||F|K^{parent}|||P{parent}^F{parent}\rOBX|1|ST|K|{n}|x||||||F\r")
    }));
    let results = made.iter().filter(|record| record.kind == "Observation");
    assert_eq!(results.filter(|record| record.members.len() == 1).count(), 39_999);
}

#[test]
fn orders_of_one_number_find_no_parent_by_it() {
    let made =
        accepted(many("", 40_000, |_n| "OBR|1|P|F|S||||||||||||||||||||||K|||P^F\rOBX|1|ST|K|1|x||||||F\r".into()));
    assert!(made.iter().all(|record| record.kind != "Observation" || record.members.is_empty()));
}

#[test]
fn as_many_people_and_laboratories_as_there_are_are_each_written_once() {
    let made = accepted(many("OBR|1||F|P\r", 40_000, |n| {
        format!("OBX|1|ST|K||x||||||F|||||{n}^Doe\r").replace("\r", &format!("|||||||Lab {n}\r"))
    }));
    let of = |kind: &str| made.iter().filter(|record| record.kind == kind).count();
    assert_eq!((of("Practitioner"), of("Organization")), (40_000, 40_000));
}

#[test]
fn as_many_patients_as_there_are_each_have_a_filing() {
    let (reading, filings) = whole(many("", 60_000, |n| format!("PID|1||X{n}\rOBX|1|ST|K||x||||||F|||20250101\r")));
    assert_eq!((reading.verdict, filings.len()), (Verdict::Accepted, 60_001));
    let shown = bridge::bundle(&filings);
    assert_eq!(memchr::memmem::find_iter(&shown, b"\"fullUrl\"").count(), 120_001);
}

#[test]
fn as_many_defects_as_there_are_are_each_told_once() {
    let (reading, _filings) = whole(many("OBR|1||F|P\r", 100_000, |_n| "OBX|1|NM|K||1||||||?\r".to_owned()));
    assert_eq!(reading.defects.len(), 100_000 + 1, "one for each status, and one for the report's");
    let (reading, _filings) = whole(many("OBR|1||F|P\r", 4_000_000, |_n| "x\r".to_owned()));
    assert_eq!(reading.verdict, Verdict::InError);
}

#[test]
fn values_of_as_many_parts_as_fit_are_read() {
    const PARTS: usize = 1_500_000;
    for (kind, separator) in [
        ("ST", "a^"),
        ("TX", "a~"),
        ("CE", "a&"),
        ("NA", "1^"),
        ("ST", "a\""),
        ("FT", "\\F\\"),
        ("FT", "\\x"),
        ("FT", "\\X0D\\"),
    ] {
        let made = accepted(format!("{HEAD}OBR|1||F|P\rOBX|1|{kind}|K||{}||||||F\r", separator.repeat(PARTS)));
        assert_eq!(made.len(), 3, "{kind} {separator}");
    }
    let made = accepted(many("OBR|1||F|P\rOBX|1|ST|K||x||||||F\r", 300_000, |n| format!("NTE|{n}|L|a~b\r")));
    assert_eq!(made.len(), 3);
}

#[test]
fn a_segment_of_as_many_fields_as_fit_is_read() {
    let fields = |count: usize| format!("{HEAD}OBR|1||F|P\rOBX|1|ST|K||x||||||F{}\r", "|a".repeat(count));
    assert_eq!(accepted(fields(60_000)).len(), 5, "two of them name a person and a laboratory");
    assert_eq!(refused(fields(1_500_000)), "OBX-65535 104", "what has no number of its own");
}

#[test]
fn more_parts_than_are_kept_refuse_the_message() {
    assert_eq!(refused(format!("{HEAD}OBR|1||F|P\rOBX|1|NA|K||{}\r", "1^".repeat(3_000_000))), "MSH 104");
}

#[test]
fn a_field_longer_than_what_it_is_for_refuses_the_message_at_its_place() {
    let result = "OBX|1|ST|K||x||||||F\r";
    for (segments, at) in [
        (format!("PID|1||{}\rOBR|1||F|P\r{result}", "X~".repeat(500_000)), "PID[2]-3 104"),
        (format!("OBR|1||{}|P\r{result}", "F".repeat(1_000_000)), "OBR-3 104"),
        (format!("OBR|1||F|P|||2025~{}\r{result}", "\"\"~".repeat(1_000_000)), "OBR-7 104"),
        (format!("OBR|1||F|P\rOBX|1|ST|{}||x||||||F\r", "K&".repeat(500_000)), "OBX-3 104"),
        (format!("PV1|1{}{}\rOBR|1||F|P\r{result}", "|".repeat(18), "V~".repeat(500_000)), "PV1-19 104"),
    ] {
        assert_eq!(refused(format!("{HEAD}{segments}")), at);
    }
    assert_eq!(accepted(format!("{HEAD}OBR|1||F|P\rOBX|1|ST|K||{}||||||F\r", "x".repeat(1_000_000))).len(), 3);
    assert_eq!(accepted(format!("{HEAD}OBR|1||F|P\r{result}ZZZ|{}\r", "x".repeat(1_000_000))).len(), 3);
}

#[test]
fn what_each_result_would_repeat_too_often_refuses_the_message_where_it_is_too_much() {
    let visit = format!("PV1|1{}{}\rOBR|1||F|P\r", "|".repeat(18), "V".repeat(16_000));
    let at = refused(many(&visit, 300_000, |_n| "OBX|1|ST|K||x||||||F\r".to_owned()));
    assert!(at.starts_with("OBX[") && at.ends_with("] 104"), "{at}");
    let number = format!("OBR|1||{}|P\r", "F".repeat(16_000));
    let at = refused(many(&number, 300_000, |_n| "OBX|1|ST|K||x||||||F\r".to_owned()));
    assert!(at.starts_with("OBX[") && at.ends_with("] 104"), "{at}");
    let code = format!("OBR|1||F|P\rOBX|1|CE|K^{}||{}\r", "w".repeat(16_000), "a~".repeat(700_000));
    assert_eq!(refused(format!("{HEAD}{code}")), "OBX 104");
}
