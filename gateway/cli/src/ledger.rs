//! `sluice ledger`: holds the record of disclosures against itself, and prints it for others to read.
//!
//! Both read the files alone and change nothing; a running gateway may be writing the last block, so stop it first.

use crate::args::LedgerCommand;
use crate::data::{self, Data};
use crate::out;
use privacy::accounting::{Observer, events};
use privacy::ledger::{Entry, Receipt};
use std::path::Path;
use store::{Report, entries, verify};

/// Runs one command.
///
/// # Errors
/// One sentence; for a ledger that does not hold, the first block that does not.
pub(crate) fn run(command: &LedgerCommand) -> Result<(), String> {
    match command {
        LedgerCommand::Verify(args) => {
            let data = data::of(args)?;
            out::line(&told(&verify(held(&data)?).map_err(|why| broken(&why))?))
        }
        LedgerCommand::Export(args) => {
            let data = data::of(args)?;
            let observer = Observer { base: &data.fhir_base };
            for one in entries(held(&data)?).map_err(|why| broken(&why))? {
                let (receipt, entry) = one.map_err(|why| broken(&why))?;
                out::bytes(&lines(&entry, &receipt, &observer))?;
            }
            Ok(())
        }
    }
}

/// The data folder, when it holds a ledger.
fn held(data: &Data) -> Result<&Path, String> {
    if data.folder.join("ledger").is_dir() {
        return Ok(&data.folder);
    }
    Err(format!("there is no ledger in {}; name the data folder of a gateway that has run", data.folder.display()))
}

fn broken(why: &dyn std::fmt::Display) -> String {
    format!(
        "the ledger does not hold: {why}; everything before that place does. Keep the folder as it is, and hold it against a backup"
    )
}

/// The report, and what to do with it.
fn told(report: &Report) -> String {
    let Report { segments, blocks, entries, notes, last_hash } = report;
    let notes: String = notes.iter().map(|note| format!("It notes of itself: {note}\n")).collect();
    format!(
        "The ledger holds: {segments} segments, {blocks} blocks, {entries} entries.\n{notes}Its last hash is {last_hash}\n\
         Keep that elsewhere: a later ledger without it was shortened."
    )
}

/// One entry's events, a line each.
fn lines(entry: &Entry, receipt: &Receipt, observer: &Observer<'_>) -> Vec<u8> {
    let place = format!("{}-{}", receipt.block, receipt.place);
    let mut lines = Vec::new();
    for event in events(entry, &place, observer) {
        lines.extend(event);
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_answer_about_two_patients_is_two_lines_that_name_one_each() {
        let entry: Entry = serde_json::from_value(json!({
            "at_us": 0, "event": "disclosed", "client": "c", "grant": "g", "account": "a", "role": "clinician",
            "purpose": "TREAT", "policy": "TREAT@1", "interaction": "read", "kind": "Observation", "correlation": "x",
            "about": [{ "patient": "p1", "resources": ["Observation/o1"] }, { "patient": "p2", "resources": [] }]
        }))
        .unwrap();
        let receipt = Receipt { block: 7, place: 2 };
        let text = String::from_utf8(lines(&entry, &receipt, &Observer { base: "https://h/fhir" })).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<&Value> = events.iter().map(|event| &event["id"]).collect();
        assert_eq!(ids, ["7-2-0", "7-2-1"]);
        assert!(!events[0].to_string().contains("p2") && !events[1].to_string().contains("p1"), "{text}");
    }

    #[test]
    fn a_report_says_what_to_keep() {
        let notes = vec!["torn".to_owned()];
        let report = Report { segments: 1, blocks: 2, entries: 5, notes, last_hash: "ab".to_owned() };
        let golden = "The ledger holds: 1 segments, 2 blocks, 5 entries.\nIt notes of itself: torn\nIts last hash is ab\n\
                      Keep that elsewhere: a later ledger without it was shortened.";
        assert_eq!(told(&report), golden);
    }
}
