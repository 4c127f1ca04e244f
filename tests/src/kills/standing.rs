//! What stands in a gateway, as it tells anybody: by FHIR searches, by its journal and by its ledger.

use super::reader::Reader;
use super::sender::told_by;
use crate::gateway::{Folder, Program};
use crate::http::Peer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Output};

/// Matches on a page; a search goes on to the next.
const COUNT: usize = 200;

/// One version of a result as it stands: what its value says, and how often its record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stands {
    /// The version that its value tells of.
    pub version: u32,
    /// `meta.versionId`.
    pub written: u32,
}

/// What stands in one patient's record: each result with every record of it, and how many reports there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    /// By result.
    pub results: BTreeMap<String, Vec<Stands>>,
    /// Reports.
    pub reports: usize,
}

/// A patient's record, by their own app.
pub async fn chart(reader: &mut Reader, peer: &Peer) -> Chart {
    let mut connection = peer.connect().await.unwrap();
    let mut chart = Chart::default();
    for (kind, is_result) in [("Observation", true), ("DiagnosticReport", false)] {
        let mut target = format!("/fhir/{kind}?_count={COUNT}");
        loop {
            let page = reader.ask(&mut connection, &target).await.expect("an answer from a gateway that nobody kills");
            let rows = page["entry"].as_array().cloned().unwrap_or_default();
            chart.reports += if is_result { 0 } else { rows.len() };
            for row in rows.iter().filter(|_| is_result) {
                let (result, stands) = read(&row["resource"]);
                chart.results.entry(result).or_default().push(stands);
            }
            let links = page["link"].as_array().cloned().unwrap_or_default();
            let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
            let url = next["url"].as_str().unwrap();
            target = url.strip_prefix(&peer.origin).unwrap().to_owned();
        }
    }
    chart
}

fn read(observation: &Value) -> (String, Stands) {
    let value = observation["valueString"].as_str().unwrap_or_default();
    let (result, version) = told_by(value).unwrap_or_else(|| panic!("a result that nobody sent: {observation}"));
    let written =
        observation["meta"]["versionId"].as_str().and_then(|version| version.parse().ok()).unwrap_or_default();
    (result, Stands { version, written })
}

/// One message as the journal lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub sequence: u64,
    /// MSH-10.
    pub control: String,
    /// `applied`, `quarantined`, `refused` or `unfinished`.
    pub state: String,
}

/// The journal, by `sluice journal list`.
pub fn journal(folder: &Folder) -> Vec<Kept> {
    let listed = sluice(folder, &["journal", "list", "--config"], &[]);
    let kept = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        Kept { sequence: line["sequence"].as_u64().unwrap(), control: text("control_id"), state: text("state") }
    };
    said(&listed).lines().map(kept).collect()
}

/// The correlation ids on the ledger, an entry each, by `sluice ledger export`; first `sluice ledger verify` must hold.
///
/// # Errors
/// What `verify` or `export` says.
pub fn ledger(folder: &Folder) -> Result<Vec<String>, String> {
    for command in ["verify", "export"] {
        let told = sluice(folder, &["ledger", command, "--config"], &[]);
        if !told.status.success() {
            return Err(String::from_utf8_lossy(&told.stderr).into_owned());
        }
        if command == "verify" {
            continue;
        }
        let mut entries = BTreeMap::new();
        for line in said(&told).lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            // `BLOCK-PLACE-NTH`: an entry is as many events as it has patients.
            let (entry, _) = event["id"].as_str().unwrap().rsplit_once('-').unwrap();
            entries.insert(entry.to_owned(), correlation(&event));
        }
        return Ok(entries.into_values().collect());
    }
    Ok(Vec::new())
}

fn correlation(event: &Value) -> String {
    let entities = event["entity"].as_array().cloned().unwrap_or_default();
    let id = entities.iter().find(|entity| entity["type"]["code"] == "XrequestId");
    id.and_then(|entity| entity["what"]["identifier"]["value"].as_str()).unwrap_or_default().to_owned()
}

/// A command of the program on this folder's configuration; `arguments` end where its path goes.
pub fn sluice(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(Program::Faults.path());
    command.args(arguments).arg(folder.config()).envs(environment.iter().copied()).env("RUST_LOG", "error");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
