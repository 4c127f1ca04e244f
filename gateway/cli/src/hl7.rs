//! `sluice hl7v2 map`: what each message of a file becomes, one line of JSON each. Writes nothing down.
//!
//! The link is one that understands no partner's authorities and accepts every processing id, with fixed ids, so that two
//! runs over one file can be compared. Only for files one has already.

use crate::args::Hl7v2Command;
use crate::out;
use bridge::{Adapter, Defect, Filing, Link, Loss, Reading, Severity};
use bytes::Bytes;
use hl7v2::Hl7v2;
use json::Writer;
use privacy::Phi;
use std::fs;
use std::path::Path;
use uuid::Uuid;

/// Bytes of one file: a day of a laboratory's messages.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Runs one command. A file that cannot be read, or holds no message, does not keep the others from being mapped.
///
/// # Errors
/// A line for each such file, that names it and says what to do.
pub(crate) fn run(command: &Hl7v2Command) -> Result<(), String> {
    let Hl7v2Command::Map { files } = command;
    let mut passed_over = Vec::new();
    for path in files {
        match read(path) {
            Ok(bytes) => {
                for (number, message) in (1..).zip(hl7v2::messages(&bytes)) {
                    out::bytes(&mapped(&format!("{}#{number}", path.display()), message))?;
                    out::bytes(b"\n")?;
                }
            }
            Err(why) => passed_over.push(why),
        }
    }
    if passed_over.is_empty() { Ok(()) } else { Err(passed_over.join("\n")) }
}

/// The bytes of a file that holds at least one message.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let failed = |why| format!("{shown} cannot be read ({why}); name a file of HL7 v2 messages");
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("{shown} has {length} bytes; split it into files of at most {FILE_BYTES_MAX}"));
    }
    let bytes = fs::read(path).map_err(failed)?;
    if hl7v2::messages(&bytes).is_empty() {
        return Err(format!("{shown} holds no HL7 v2 message; each begins with MSH at the start of a line"));
    }
    Ok(bytes)
}

/// One message's line.
fn mapped(source: &str, message: &[u8]) -> Vec<u8> {
    let link = Link::new("map", Uuid::nil());
    let raw = Phi::new(Bytes::copy_from_slice(message));
    let Reading { verdict, filings, defects, loss, .. } = Hl7v2.read(&link, &raw);
    let filings: Vec<Filing> = filings.into_iter().map(Phi::into_exposed).collect();
    let mut out = Writer::new();
    out.begin_object().member("source", source).member("verdict", verdict.application_code());
    out.key("bundle").raw(&bridge::bundle(&filings));
    out.key("defects").begin_array();
    defects.iter().for_each(|found| defect(&mut out, found));
    out.end_array().key("loss").begin_array();
    loss.iter().for_each(|row| element(&mut out, row));
    out.end_array().end_object();
    out.finish()
}

fn defect(out: &mut Writer, found: &Defect) {
    let severity = match found.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    out.begin_object().member("at", &found.at.to_string()).member("code", found.code.number());
    out.member("severity", severity).member("words", found.code.words()).end_object();
}

fn element(out: &mut Writer, row: &Loss) {
    out.begin_object().member("at", &row.at.to_string()).member("kind", row.kind.word());
    if let Some(to) = row.to {
        out.member("to", to);
    }
    if let Some(rule) = row.rule {
        out.member("rule", rule);
    }
    out.end_object();
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::Value;

    fn line(message: &str) -> Value {
        serde_json::from_slice(&mapped("file.hl7#1", message.as_bytes())).unwrap()
    }

    const RESULT: &str = "MSH|^~\\&|LAB|HOSP|EHR|HOSP|20260102030405-0500||ORU^R01^ORU_R01|C1|P|2.5.1\r\
        PID|1||M1^^^HOSP^MR||DOE^JANE||19800101|F\r\
        OBR|1|P1|F1|2345-7^Glucose^LN|||20260102020000-0500|||||||||||||||20260102030000-0500||CH|F\r\
        OBX|1|NM|2345-7^Glucose^LN||1.50|mg/dL^^UCUM|||||F\r";

    #[test]
    fn a_result_becomes_a_bundle_with_every_element_accounted_for() {
        let line = line(RESULT);
        assert_eq!((&line["source"], &line["verdict"]), (&Value::from("file.hl7#1"), &Value::from("AA")));
        let entries = line["bundle"]["entry"].as_array().unwrap();
        let result =
            entries.iter().map(|entry| &entry["resource"]).find(|one| one["resourceType"] == "Observation").unwrap();
        assert_eq!(result["valueQuantity"]["value"].to_string(), "1.5");
        let loss = line["loss"].as_array().unwrap();
        assert!(loss.iter().any(|row| row["at"].as_str().unwrap().starts_with("OBX") && row["kind"] == "mapped"));
    }

    #[test]
    fn each_file_without_a_message_is_told_of() {
        let files = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into(), "missing.hl7".into()];
        let told = run(&Hl7v2Command::Map { files }).unwrap_err();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("Cargo.toml holds no HL7 v2 message"));
        assert!(lines[1].contains("missing.hl7 cannot be read"));
    }

    #[test]
    fn two_runs_over_one_message_give_the_same_bytes() {
        assert_eq!(mapped("x#1", RESULT.as_bytes()), mapped("x#1", RESULT.as_bytes()));
    }

    #[test]
    fn a_message_of_another_type_is_rejected_and_told_by_place_and_code() {
        let line = line("MSH|^~\\&|A|B|C|D|20260102||SIU^S12|C2|P|2.5.1\r");
        assert_eq!(line["verdict"], "AR");
        assert_eq!((&line["defects"][0]["code"], &line["bundle"]["entry"]), (&Value::from("200"), &Value::Null));
    }
}
