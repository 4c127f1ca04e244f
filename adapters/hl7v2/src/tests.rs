//! The dialect from outside: maps that hold, goldens, and properties.
//!
//! A golden is a folder of `golden/`: a message, the Bundle it makes with what became of each element, and the answer.
//! `UPDATE_GOLDEN=1` writes them anew; the difference is then for people to read.

use std::path::Path;

use bridge::{AckWhen, Action, Authority, Kind, Record, Subject, When};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::map::Maps;

fn link() -> Link {
    let mut link = Link::new("lab", Uuid::from_u128(0x5108_0ce0));
    link.zone = Some(jiff::tz::TimeZone::get("America/Chicago").expect("a zone of the bundled database"));
    link.authorities = vec![Authority {
        namespace_id: Some("CLINIC".into()),
        universal_id: None,
        system: "urn:oid:2.999.1".into(),
        patients: true,
    }];
    link.original_mode = true;
    link.ack = AckWhen::OnApply;
    link
}

fn stamp() -> Stamp {
    Stamp { at_us: 1_750_000_000_000_000, control_id: "S1".into() }
}

fn whole(raw: &[u8]) -> (Reading, Vec<Filing>) {
    let mut reading = Hl7v2.read(&link(), &Phi::new(Bytes::copy_from_slice(raw)));
    let filings = std::mem::take(&mut reading.filings).into_iter().map(Phi::into_exposed).collect();
    (reading, filings)
}

fn shown(raw: &[u8]) -> String {
    let (reading, filings) = whole(raw);
    let bundle: serde_json::Value = serde_json::from_slice(&bridge::bundle(&filings)).expect("a Bundle is JSON");
    let loss: Vec<String> = reading
        .loss
        .iter()
        .map(|loss| format!("{} {} {}", loss.at, loss.kind.word(), loss.to.or(loss.rule).unwrap_or("-")))
        .collect();
    let defects: Vec<String> = reading
        .defects
        .iter()
        .map(|defect| format!("{} {} {}", defect.at, defect.code.number(), defect.severity.letter()))
        .collect();
    let standing: Vec<String> = filings
        .iter()
        .flat_map(|filing| &filing.records)
        .filter(|record| !record.standing.status.is_empty())
        .map(|record| {
            format!(
                "{} {} {:?} {:?}",
                record.kind, record.standing.status, record.standing.stage, record.standing.action
            )
        })
        .collect();
    let all = serde_json::json!({
        "verdict": reading.verdict.application_code(),
        "bundle": bundle,
        "standing": standing,
        "defects": defects,
        "loss": loss,
    });
    format!("{}\n", serde_json::to_string_pretty(&all).expect("JSON can be written"))
}

fn answer(raw: &[u8]) -> Vec<u8> {
    let (reading, _filings) = whole(raw);
    let heading = reading.heading.expect("a heading");
    Hl7v2.acknowledge(&link(), &stamp(), &heading, reading.verdict, &reading.defects).now.expect("an answer")
}

#[test]
fn every_map_compiles_and_writes_only_paths_that_r4_has() {
    let maps = Maps::compile().expect("every map compiles");
    let faults: Vec<String> = maps.resources().into_iter().flat_map(bridge::lint::paths).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_table_leads_to_codes_that_r4_has() {
    let known: &[(&str, &[&str])] = &[
        ("administrative-gender", &["male", "female", "other", "unknown"]),
        (
            "observation-status",
            &["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"],
        ),
        (
            "diagnostic-report-status",
            &[
                "registered",
                "partial",
                "preliminary",
                "final",
                "amended",
                "corrected",
                "appended",
                "cancelled",
                "entered-in-error",
                "unknown",
            ],
        ),
        ("request-status", &["draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"]),
        ("request-priority", &["routine", "urgent", "asap", "stat"]),
        ("address-use", &["home", "work", "temp", "old", "billing"]),
        ("address-type", &["postal", "physical", "both"]),
        ("name-use", &["usual", "official", "temp", "nickname", "anonymous", "old", "maiden"]),
        ("contact-point-use", &["home", "work", "temp", "old", "mobile"]),
        ("contact-point-system", &["phone", "fax", "email", "pager", "url", "sms", "other"]),
        ("boolean", &["true", "false"]),
        ("specimen-status", &["available", "unavailable", "unsatisfactory", "entered-in-error"]),
    ];
    let maps = Maps::compile().expect("every map compiles");
    // The other tables name a code system of HL7's and lead each code to one of its own.
    let lists: std::collections::BTreeMap<String, Vec<&str>> = maps
        .tables
        .values()
        .filter(|table| table.system.starts_with("http"))
        .map(|table| (table.system.clone(), table.codes.values().map(String::as_str).collect()))
        .collect();
    let mut all: Vec<(&str, &[&str])> = known.to_vec();
    all.extend(lists.iter().map(|(system, codes)| (system.as_str(), codes.as_slice())));
    assert_eq!(bridge::lint::tables(maps.tables, &all), Vec::<String>::new());
}

#[test]
fn goldens_are_what_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("goldens").map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    assert!(names.len() >= 7);
    for golden in names {
        let raw = std::fs::read(golden.join("in.hl7")).expect("a message");
        let (out, ack) = (shown(&raw), answer(&raw));
        if update {
            std::fs::write(golden.join("out.json"), &out).expect("a writable golden");
            std::fs::write(golden.join("ack.hl7"), &ack).expect("a writable golden");
        }
        let name = golden.display();
        let (out_was, ack_was) = (
            std::fs::read_to_string(golden.join("out.json")).expect("a golden"),
            std::fs::read(golden.join("ack.hl7")).expect("a golden"),
        );
        assert_eq!(out, out_was, "{name}");
        assert_eq!(String::from_utf8_lossy(&ack), String::from_utf8_lossy(&ack_was), "{name}");
    }
}

const PANEL: &[u8] = include_bytes!("../golden/chemistry_with_a_correction/in.hl7");
const WITHDRAWN: &[u8] = include_bytes!("../golden/withdrawn_and_status_only/in.hl7");

fn replaced(raw: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(raw.to_vec()).expect("UTF-8");
    assert!(text.contains(from), "{from} stands in the message");
    text.replace(from, to).into_bytes()
}

fn find<'f>(filing: &'f Filing, kind: &str, holds: &str) -> &'f Record {
    let holds = |record: &&Record| String::from_utf8_lossy(&record.body).contains(holds);
    filing.records.iter().filter(|record| record.kind == kind).find(holds).expect("a record")
}

#[test]
fn a_correction_has_the_ids_of_what_it_corrects() {
    let (_reading, first) = whole(PANEL);
    let (_reading, second) = whole(&replaced(&replaced(PANEL, "101.50", "99"), "NL000101", "NL000999"));
    let ids = |filings: &[Filing]| -> Vec<String> { filings[0].records.iter().map(Record::reference).collect() };
    assert_eq!(ids(&first), ids(&second));
    assert_ne!(first[0].records, second[0].records);
}

#[test]
fn another_panel_under_the_same_filler_number_is_another_report() {
    let (_reading, first) = whole(PANEL);
    let (_reading, second) = whole(&replaced(PANEL, "24323-8^", "57698-3^"));
    let report = |filings: &[Filing]| find(&filings[0], "DiagnosticReport", "").id.clone();
    assert_ne!(report(&first), report(&second));
}

#[test]
fn a_result_says_what_it_is_of_whether_an_order_stands_before_it_or_not() {
    let head = "MSH|^~\\&|L|F|S|H|20261120101500||ORU^R01^ORU_R01|C1|P|2.5.1\rPID|1||7^^^CLINIC^MR||Doe^Ann\r";
    for order in ["", "OBR|1|P1|F1|2345-7^Glucose^LN\r"] {
        for (result, verdict) in [("OBX|1|ST||", Verdict::InError), ("OBX|1|ST|2345-7^Glucose^LN||", Verdict::Accepted)]
        {
            let (reading, _filings) = whole(format!("{head}{order}{result}5.5||||||F\r").as_bytes());
            assert_eq!(reading.verdict, verdict, "{order}{result}");
        }
    }
}

#[test]
fn a_status_message_changes_the_status_alone_also_where_it_repeats_a_value() {
    let head = "MSH|^~\\&|L|F|S|H|20261120101500||ORU^R01^ORU_R01|C1|P|2.5.1\rPID|1||7^^^CLINIC^MR||Doe^Ann\r";
    for value in ["", "6.6"] {
        let message = format!("{head}OBR|1|P1|F1|2345-7^Glucose^LN\rOBX|1|ST|2345-7^Glucose^LN||{value}||||||U\r");
        let (_reading, filings) = whole(message.as_bytes());
        assert_eq!(find(&filings[0], "Observation", "2345-7").standing.action, Action::StatusOnly, "{value}");
    }
}

#[test]
fn a_withdrawn_result_keeps_neither_value_nor_notes() {
    let (reading, filings) = whole(WITHDRAWN);
    assert_eq!(reading.verdict, Verdict::Accepted);
    let glucose = find(&filings[0], "Observation", "2345-7");
    assert_eq!(glucose.standing.action, Action::Void { older_too: true });
    let body = String::from_utf8(glucose.render(Subject::Of("Patient/p"))).expect("UTF-8");
    assert!(body.contains("entered-in-error") && !body.contains("999") && !body.contains("somebody"), "{body}");
    assert_eq!(find(&filings[0], "Observation", "1920-8").standing.action, Action::Void { older_too: false });
    assert_eq!(find(&filings[0], "Observation", "2823-3").standing.action, Action::StatusOnly);
}

#[test]
fn a_specimens_description_and_its_notes_stand_in_one_list() {
    let raw = b"MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\rPID|1||X\rOBR|1|P|F|K\rOBX|1|ST|K||x||||||F\r\
        SPM|1|||BLD||||||||||described\rNTE|1||noted\r";
    let (_reading, filings) = whole(raw);
    let body = String::from_utf8_lossy(&find(&filings[0], "Specimen", "").body).into_owned();
    assert!(body.contains(r#""note":[{"text":"described"},{"text":"noted"}]"#), "{body}");
    assert_eq!(body.matches("\"note\"").count(), 1, "{body}");
}

#[test]
fn numbers_keep_their_digits_and_the_subject_is_written_last() {
    let (_reading, filings) = whole(PANEL);
    let glucose = find(&filings[0], "Observation", "2345-7");
    let body = String::from_utf8(glucose.render(Subject::Of("Patient/p-1"))).expect("UTF-8");
    assert!(body.contains(r#""value":101.50"#), "{body}");
    assert!(body.ends_with(r#""subject":{"reference":"Patient/p-1"}}"#), "{body}");
}

/// The reports, requests and results that a message makes of its own keys: their ids.
fn named(raw: &[u8]) -> std::collections::BTreeSet<String> {
    let own = |record: &&Record| matches!(record.kind, "DiagnosticReport" | "ServiceRequest" | "Observation");
    whole(raw).1.iter().flat_map(|filing| &filing.records).filter(own).map(Record::reference).collect()
}

/// A message with these bytes somewhere.
type Of<'f> = &'f dyn Fn(&[u8]) -> Vec<u8>;

#[test]
fn numbers_that_cannot_be_decoded_never_name_one_thing() {
    let message = |application: &[u8], facility: &[u8], control: &[u8], order: &[u8], result: &[u8]| {
        let head =
            [b"MSH|^~\\&|", application, b"|", facility, b"|C|D|20250101||ORU^R01|", control, b"|P|2.5\rPID|1||X"];
        [head.concat().as_slice(), b"\rOBR|1|", order, b"|K^Words^L\rOBX|1|ST|", result, b"|x||||||F\r"].concat()
    };
    // Bytes of no UTF-8, alone and beside such as would be, the character that Latin-1 has there, and what stands for none.
    let texts: [&[u8]; 6] = [b"\xfc", b"\xfb", "\u{fc}".as_bytes(), b"\xc3\xbc\xfb", "\u{fffd}".as_bytes(), b"\\XFC\\"];
    let of: [Of<'_>; 8] = [
        &|text| message(b"A", text, b"1", b"P|F", b"K|1"),
        &|text| message(b"A", text, b"1", b"|", b"K|1"),
        &|text| message(text, b"B", b"1", b"|", b"K|1"),
        &|text| message(b"A", b"B", text, b"|", b"K|1"),
        &|text| message(b"A", b"B", b"1", &[text, b"|"].concat(), b"K|1"),
        &|text| message(b"A", b"B", b"1", &[b"P|F^", text].concat(), b"K|1"),
        &|text| message(b"A", b"B", b"1", b"P|F", &[text, b"|1"].concat()),
        &|text| message(b"A", b"B", b"1", b"P|F", &[b"K|", text].concat()),
    ];
    for (place, of) in of.iter().enumerate() {
        let results = texts.map(|text| {
            let found = named(&of(text)).into_iter().find(|reference| reference.starts_with("Observation"));
            found.unwrap_or_else(|| panic!("a result for {text:?} at {place}"))
        });
        let distinct: std::collections::BTreeSet<_> = results.iter().collect();
        assert_eq!(distinct.len(), texts.len(), "{place}: {results:?}");
    }
}

#[test]
fn a_patients_identifier_that_cannot_be_decoded_refuses_the_message_at_its_place() {
    let text = String::from_utf8(PANEL.to_vec()).expect("UTF-8");
    let pid = text.split('\r').find(|line| line.starts_with("PID")).expect("a PID");
    let number = pid.split('|').nth(3).and_then(|field| field.split('^').next()).expect("an identifier");
    let (before, after) = text.split_once(number).expect("it stands there");
    let (reading, _filings) = whole(&[before.as_bytes(), b"\xfc1", after.as_bytes()].concat());
    let told = reading.defects.first().map(|defect| format!("{} {}", defect.at, defect.code.number()));
    assert_eq!((reading.verdict, told.as_deref()), (Verdict::InError, Some("PID-3.1 102")));
    // A name beside it that cannot be decoded is shown as it came, with a warning.
    let (reading, _filings) = whole(
        &text
            .replace("Ana", "An\u{1}")
            .into_bytes()
            .iter()
            .map(|byte| if *byte == 1 { 0xfc } else { *byte })
            .collect::<Vec<u8>>(),
    );
    assert_eq!(reading.verdict, Verdict::Accepted);
}

#[test]
fn a_code_with_what_it_escapes_is_not_another_code_of_another_system() {
    let of = |code: &str| named(&replaced(PANEL, "2345-7^", &format!("{code}^")));
    let (one, two) = (r"A\S\B^w^C", r"A^w^B\S\C");
    assert_ne!(of(one), of(two));
}

#[test]
fn only_configured_authorities_are_trusted() {
    let (_reading, filings) = whole(PANEL);
    let subject = &filings[0].subject;
    assert_eq!(subject.identifiers[0].system.as_deref(), Some("urn:oid:2.999.1"));
    assert_eq!(subject.identifiers[1].system, None);
    assert_eq!(subject.family.as_deref(), Some("Muñoz"));
    assert_eq!(subject.birth_date.as_deref(), Some("1980-02-29"));
    assert_eq!(filings[0].orders.len(), 2);
}

#[test]
fn each_patient_of_a_message_has_a_filing_and_only_their_results() {
    let raw = include_bytes!("../golden/two_patients_and_a_specimen_of_old/in.hl7");
    let (_reading, filings) = whole(raw);
    assert_eq!(filings.len(), 2);
    let text = |filing: &Filing| {
        filing.records.iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect::<String>()
    };
    assert!(text(&filings[0]).contains("5.5") && !text(&filings[0]).contains("4.1"));
    assert!(text(&filings[1]).contains("4.1") && !text(&filings[1]).contains("About the patient"));
    assert!(!text(&filings[0]).contains("About the patient"), "a note on a patient is never on a result");
}

#[test]
fn a_resend_differs_in_its_time_alone_and_a_reused_number_in_more() {
    let digest = |raw: &[u8]| Hl7v2.fingerprint(&link(), &Phi::new(Bytes::copy_from_slice(raw)));
    assert_eq!(digest(PANEL), digest(&replaced(PANEL, "20250310141530-0500", "20250311080000-0500")));
    assert_ne!(digest(PANEL), digest(&replaced(PANEL, "101.50", "101.5")));
}

#[test]
fn the_heading_alone_is_what_the_whole_message_says() {
    let alone = Hl7v2.heading(&link(), &Phi::new(Bytes::from_static(PANEL)));
    assert!(alone == whole(PANEL).0.heading);
}

#[test]
fn a_line_feed_in_a_header_is_data_to_whoever_reads_it() {
    let raw = replaced(PANEL, "NL000101", "NL\n101");
    let (reading, _filings) = whole(&raw);
    let heading = reading.heading.expect("a heading");
    assert_eq!(heading.control_id, b"NL\n101");
    assert!(Hl7v2.heading(&link(), &Phi::new(Bytes::from(raw))) == Some(heading));
}

#[test]
fn two_messages_in_one_frame_are_an_error_at_the_second_header() {
    for (header, at) in [("MSH|^~\\&|LAB", "MSH 100"), ("FHS|^~\\&|LAB", "FHS 100"), ("BHS|^~\\&|LAB", "BHS 100")] {
        let raw =
            [PANEL.trim_ascii_end(), b"\r", header.as_bytes(), b"\rOBX|9|NM|2345-7^Glucose^LN||9.9|||||F\r"].concat();
        let reading = Hl7v2.read(&link(), &Phi::new(Bytes::from(raw)));
        let told = reading.defects.first().map(|defect| format!("{} {}", defect.at, defect.code.number()));
        assert_eq!((reading.verdict, told.as_deref()), (Verdict::InError, Some(at)));
    }
}

#[test]
fn a_result_behind_an_order_that_lacks_its_report_is_not_taken_for_another_orders() {
    for more in ["OBX|9|NM|2345-7^Glucose^LN||9.9|||||F", "SPM|9|S2||SER"] {
        for before in
            [PANEL.trim_ascii_end(), &PANEL[..PANEL.windows(4).position(|four| four == b"\rORC").expect("an order")]]
        {
            let raw = [before, b"\rORC|RE|P2^HIS|F2^LAB\r", more.as_bytes(), b"\r"].concat();
            let reading = Hl7v2.read(&link(), &Phi::new(Bytes::from(raw)));
            let told: Vec<_> =
                reading.defects.iter().map(|defect| format!("{} {}", defect.at, defect.code.number())).collect();
            assert_eq!(reading.verdict, Verdict::InError, "{more}");
            assert!(told.contains(&"OBR 100".to_owned()), "{more}: {told:?}");
        }
    }
}

#[test]
fn a_document_of_an_order_is_no_result() {
    let document = "\rOBX|1|ED|||App5^NS^Octet-stream^Base64^QUJD|||||F\rTXA|1|DIS\rOBR|";
    let raw = String::from_utf8_lossy(PANEL).replacen("\rOBR|", document, 1);
    let reading = Hl7v2.read(&link(), &Phi::new(Bytes::from(raw)));
    assert!(!reading.defects.iter().any(|defect| defect.code.number() == "100"), "it stands where HL7 2.8 has it");
}

#[test]
fn what_is_not_for_us_is_rejected_with_its_reason() {
    let strict = || Link { processing: bridge::Processing::Only('P'), ..link() };
    let first = |raw: &[u8]| {
        let reading = Hl7v2.read(&strict(), &Phi::new(Bytes::copy_from_slice(raw)));
        (reading.verdict, reading.defects.first().map(|defect| format!("{} {}", defect.at, defect.code.number())))
    };
    let rejected = |why: &str| (Verdict::Rejected, Some(why.to_owned()));
    assert_eq!(first(&replaced(PANEL, "ORU^R01^ORU_R01", "ADT^A01^ADT_A01")), rejected("MSH-9 200"));
    assert_eq!(first(&replaced(PANEL, "ORU^R01^ORU_R01", "ORU^R30^ORU_R30")), rejected("MSH-9 201"));
    assert_eq!(first(&replaced(PANEL, "|P|2.5.1", "|T|2.5.1")), rejected("MSH-11 202"));
    assert_eq!(
        first(&replaced(PANEL, "|P|2.5.1", "|P^T|2.5.1")).0,
        Verdict::Accepted,
        "the first component alone counts"
    );
    assert_eq!(first(&replaced(PANEL, "|P|2.5.1", "|P|3.0")), rejected("MSH-12 203"));
    assert_eq!(first(b"MSH|^~\\^|A\r"), rejected("MSH 100"), "ambiguous separators");
    assert_eq!(first(b""), rejected("MSH 100"));
}

#[test]
fn a_header_without_a_separator_has_no_field() {
    let (reading, _filings) = whole(b"MSH|^~\\&|A\rMSH\rPID|1\r");
    let told: Vec<String> = reading.loss.iter().map(|loss| loss.at.to_string()).collect();
    assert_eq!(told, ["MSH[1]-1", "MSH[1]-2", "MSH[1]-3", "PID-1"]);
}

#[test]
fn an_answer_repeats_the_senders_own_bytes() {
    let raw = replaced(PANEL, "MSH|^~\\&|LIS^1.2.840.99^ISO|NORTHLAB|SLUICE|CLINIC", "MSH|^~\\&||^^|SLUICE|");
    let answer = answer(&replaced(&raw, "NL000101", " weird \\F\\ id "));
    let text = String::from_utf8(answer).expect("UTF-8");
    assert!(text.starts_with("MSH|^~\\&|SLUICE|||^^|20250615150640+0000||ACK^R01^ACK|S1|P|2.5.1\r"), "{text}");
    assert!(text.contains("\rMSA|AA| weird \\F\\ id \r"), "{text}");
}

#[test]
fn what_a_sender_escaped_makes_no_segment_of_an_answer() {
    for raw in [
        replaced(PANEL, "ORU^R01^ORU_R01", r"ORU^R01\X0D\MSA\F\AA\F\other"),
        replaced(PANEL, "|P|2.5.1", r"|P\X0D\MSA\F\AA\F\other|2.5.1"),
        replaced(PANEL, "|P|2.5.1", r"|P|2.5.1\X0D\MSA\F\AA\F\other"),
    ] {
        let text = String::from_utf8(answer(&raw)).expect("UTF-8");
        assert_eq!((text.matches("MSA").count(), text.contains("other")), (1, false), "{text}");
    }
}

#[test]
fn enhanced_mode_answers_as_the_sender_asks() {
    let (reading, _filings) = whole(PANEL);
    let mut heading = reading.heading.expect("a heading");
    let enhanced = Link { original_mode: false, ..link() };
    let mut told = |accept, application, verdict| {
        heading.conditions.accept = accept;
        heading.conditions.application = application;
        let answer = Hl7v2.acknowledge(&enhanced, &stamp(), &heading, verdict, &[]);
        let code = |bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| {
                let text = String::from_utf8(bytes).expect("UTF-8");
                text.split("\rMSA|").nth(1).and_then(|msa| msa.get(..2)).unwrap_or_default().to_owned()
            })
        };
        (code(answer.now), code(answer.later))
    };
    let some = |code: &str| Some(code.to_owned());
    assert_eq!(told(None, None, Verdict::Accepted), (some("AA"), None), "original mode");
    assert_eq!(told(Some(When::Always), Some(When::Never), Verdict::Accepted), (some("CA"), None));
    assert_eq!(told(Some(When::Always), Some(When::Always), Verdict::InError), (some("CE"), some("AE")));
    assert_eq!(told(Some(When::Never), Some(When::OnError), Verdict::Accepted), (None, None));
    assert_eq!(told(Some(When::OnSuccess), Some(When::OnError), Verdict::Rejected), (None, some("AR")));
}

#[test]
fn an_error_is_told_where_it_is_in_the_form_of_the_version() {
    let raw = include_bytes!("../golden/broken_by_a_return_inside_a_field/in.hl7");
    let new = String::from_utf8(answer(raw)).expect("UTF-8");
    assert!(new.contains("\rMSA|AE|NL000606\rERR||OBX^1|100^Segment sequence error^HL70357|E\r"), "{new}");
    let old = String::from_utf8(answer(&replaced(raw, "|2.5.1", "|2.3"))).expect("UTF-8");
    assert!(old.contains("\rERR|OBX^1^^100&Segment sequence error&HL70357\r"), "{old}");
}

/// Fields that a walk may value, with a text that can be found again.
fn walked(segment: &str, field: u16) -> Option<Vec<u8>> {
    let text = String::from_utf8(PANEL.to_vec()).expect("UTF-8");
    let mut out: Vec<String> = Vec::new();
    let mut done = false;
    for line in text.split('\r').filter(|line| !line.is_empty()) {
        let mut fields: Vec<String> = line.split('|').map(str::to_owned).collect();
        let place = usize::from(if segment == "MSH" { field - 1 } else { field });
        if !done && line.starts_with(segment) {
            if fields.len() <= place {
                fields.resize(place + 1, String::new());
            }
            if fields[place].is_empty() {
                fields[place] = format!("Walk{field}");
                done = true;
            }
        }
        out.push(fields.join("|"));
    }
    done.then(|| format!("{}\r", out.join("\r")).into_bytes())
}

#[test]
fn every_field_of_every_segment_has_a_fate_and_what_is_kept_is_really_there() {
    let mut walked_fields = 0;
    for (segment, last) in
        [("PID", 40u16), ("PV1", 52), ("ORC", 38), ("OBR", 55), ("OBX", 34), ("SPM", 36), ("NTE", 9), ("MSH", 25)]
    {
        for field in 3..=last {
            let Some(raw) = walked(segment, field) else { continue };
            walked_fields += 1;
            let (reading, filings) = whole(&raw);
            let wanted = |loss: &&Loss| loss.at.to_string().starts_with(segment) && loss.at.field == field;
            let fates: Vec<&Loss> = reading.loss.iter().filter(wanted).collect();
            assert!(!fates.is_empty(), "{segment}-{field} is told of");
            let said = format!("Walk{field}");
            let all: String = filings
                .iter()
                .flat_map(|filing| filing.records.iter().chain([&filing.patient]))
                .map(|record| String::from_utf8_lossy(&record.body).into_owned())
                .collect();
            for loss in fates.iter().filter(|loss| loss.kind == Kind::Kept) {
                assert!(all.contains(&said), "{} says it is kept", loss.at);
            }
        }
    }
    assert!(walked_fields > 150, "{walked_fields} fields walked");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever bytes come, reading ends, and what it gives is JSON.
    #[test]
    fn no_bytes_make_reading_fail(tail in prop::collection::vec(
        prop::sample::select(b"\r|^~\\&OBXRPIDMSHNTE19.\x0b\x1c\xff\xc3\" -+".to_vec()), 0..400)) {
        let mut raw = b"MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\rPID|1||X\rOBR|1||F|G\rOBX|1|NM|K||".to_vec();
        raw.extend_from_slice(&tail);
        let (reading, filings) = whole(&raw);
        prop_assert!(reading.heading.is_some());
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&bridge::bundle(&filings)).is_ok());
    }

    /// A name of any characters, escaped as HL7 says, never makes a segment, a field or another patient.
    #[test]
    fn hostile_text_stays_where_it_was_put(name in "[ -~\\r\\n\u{e9}\u{4e00}]{1,20}") {
        let escaped: String = name.chars().map(|c| match c {
            '|' => r"\F\".to_owned(),
            '^' => r"\S\".to_owned(),
            '~' => r"\R\".to_owned(),
            '&' => r"\T\".to_owned(),
            '\\' => r"\E\".to_owned(),
            '\r' => r"\X0D\".to_owned(),
            '\n' => r"\X0A\".to_owned(),
            other => other.to_string(),
        }).collect();
        let raw = replaced(PANEL, "Muñoz^Ana", &format!("{escaped}^Ana"));
        let (reading, filings) = whole(&raw);
        prop_assert_eq!(filings.len(), 1);
        prop_assert_eq!(filings[0].records.len(), whole(PANEL).1[0].records.len());
        prop_assert_eq!(reading.verdict, Verdict::Accepted);
        let family = filings[0].subject.family.clone().unwrap_or_default();
        let is_null = name.trim() == "\"\"";
        prop_assert!(is_null || family == name.trim(), "{:?} became {:?}", name, family);
    }

    /// The same message twice gives the same bytes.
    #[test]
    fn reading_is_a_function_of_the_bytes(value in "[0-9.<>a-z]{0,8}") {
        let raw = replaced(PANEL, "101.50", &value);
        prop_assert_eq!(shown(&raw), shown(&raw));
    }
}
