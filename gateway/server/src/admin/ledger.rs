//! Holding the ledger to its chain, and telling its entries as AuditEvents: from the files alone, running or not.
//!
//! While a gateway writes, the newest block may be half there for a moment. A break that is gone at the next look was that.

use super::Out;
use privacy::accounting::{Observer, events};
use privacy::ledger::{Entry, Receipt};
use std::path::Path;
use std::time::Duration;
use store::{Broken, Report};

/// Between two looks at a block that is not whole.
const PAUSE: Duration = Duration::from_millis(20);
/// Looks at one block after which it is broken and not being written.
const LOOKS_MAX: usize = 50;

/// What the files are read beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing writes them.
    AtRest,
    /// A gateway may be writing the newest.
    Live,
}

/// Says whether the whole chain holds.
///
/// # Errors
/// The first block that does not hold, and what to do.
pub async fn verify(data: &Path, reading: Reading, out: &Out) -> Result<(), String> {
    let data = data.to_owned();
    let mut patience = Patience::new(reading);
    let verified = tokio::task::spawn_blocking(move || {
        loop {
            match store::verify(&data) {
                Ok(report) => return Ok(report),
                Err(broken) => patience.bear(broken)?,
            }
        }
    });
    let report = verified.await.map_err(|why| why.to_string())?.map_err(|why| told_broken(&why))?;
    out.line(&told(&report)).await
}

/// Prints every entry's events, a line each.
///
/// # Errors
/// The first block that does not hold; what stands before it was printed.
pub async fn export(data: &Path, fhir_base: &str, reading: Reading, out: &Out) -> Result<(), String> {
    let (data, base, out) = (data.to_owned(), fhir_base.to_owned(), out.clone());
    let mut patience = Patience::new(reading);
    let exported = tokio::task::spawn_blocking(move || {
        let mut last = None;
        loop {
            match export_after(&data, &base, &mut last, &out)? {
                Ok(()) => return Ok(()),
                Err(broken) => patience.bear(broken).map_err(|why| told_broken(&why))?,
            }
        }
    });
    exported.await.map_err(|why| why.to_string())?
}

/// Prints what comes after the last entry printed, as far as the chain holds.
fn export_after(
    data: &Path,
    base: &str,
    last: &mut Option<(u64, u32)>,
    out: &Out,
) -> Result<Result<(), Broken>, String> {
    let observer = Observer { base };
    let entries = match store::entries(data) {
        Ok(entries) => entries,
        Err(broken) => return Ok(Err(broken)),
    };
    for one in entries {
        let (receipt, entry) = match one {
            Ok(one) => one,
            Err(broken) => return Ok(Err(broken)),
        };
        let place = Some((receipt.block, receipt.place));
        if place > *last {
            out.bytes_of_a_thread(&lines(&entry, &receipt, &observer))?;
            *last = place;
        }
    }
    Ok(Ok(()))
}

/// How long a break is borne.
struct Patience {
    reading: Reading,
    last: Option<Broken>,
    looks: usize,
}

impl Patience {
    fn new(reading: Reading) -> Patience {
        Patience { reading, last: None, looks: 0 }
    }

    /// Waits for another look, unless the break is one to tell.
    fn bear(&mut self, broken: Broken) -> Result<(), Broken> {
        self.looks = if self.last.as_ref() == Some(&broken) { self.looks + 1 } else { 0 };
        if self.reading == Reading::AtRest || self.looks >= LOOKS_MAX {
            return Err(broken);
        }
        self.last = Some(broken);
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

fn told_broken(why: &Broken) -> String {
    format!(
        "the ledger does not hold: {why}; everything before that place does. Keep the folder as it is, and hold it against a backup"
    )
}

/// The report, and what to do with it.
fn told(report: &Report) -> String {
    let Report { segments, blocks, entries, notes, last_hash } = report;
    let notes: String = notes.iter().map(|note| format!("It notes of itself: {note}\n")).collect();
    format!(
        "The ledger holds: {}, {}, {}.\n{notes}Its last hash is {last_hash}\n\
         Keep that elsewhere: a later ledger without it was shortened.",
        count(*segments, "segment", "segments"),
        count(*blocks, "block", "blocks"),
        count(*entries, "entry", "entries"),
    )
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
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
    use store::Why;

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
        let golden = "The ledger holds: 1 segment, 2 blocks, 5 entries.\nIt notes of itself: torn\nIts last hash is ab\n\
                      Keep that elsewhere: a later ledger without it was shortened.";
        assert_eq!(told(&report), golden);
    }

    #[test]
    fn a_break_at_rest_is_told_at_once_and_one_beside_a_writer_when_it_stays() {
        let broken = |block| Broken { segment: 1, block, why: Why::BadLines };
        assert!(Patience::new(Reading::AtRest).bear(broken(1)).is_err());
        let mut patience = Patience::new(Reading::Live);
        for block in 1..5 {
            assert!(patience.bear(broken(block)).is_ok(), "a break that moves on is a block being written");
        }
        patience.looks = LOOKS_MAX - 1;
        assert!(patience.bear(broken(4)).is_err());
    }
}
