//! Public corpora, read from the folder that `SLUICE_CORPORA` names: nothing panics, nothing is silently lost, and what
//! others made of the same ORUs agrees with us on the facts, or `corpus-differences.tsv` says which rule makes us differ.
//!
//! Run with `--test corpus`. With `UPDATE_DIFFERENCES=1` the table is rewritten; new rows have no rule yet and fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bridge::{Adapter, Filing, Kind, Link, Reading, Verdict};
use bytes::Bytes;
use hl7v2::Hl7v2;
use privacy::Phi;
use serde_json::Value;

fn corpora() -> PathBuf {
    let folder = std::env::var_os("SLUICE_CORPORA").expect("SLUICE_CORPORA names the folder of the corpora");
    Path::new(&folder).join("hl7v2")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

fn link() -> Link {
    Link::new("corpus", uuid::Uuid::from_u128(7))
}

fn read(message: &[u8]) -> (Reading, Vec<Filing>) {
    let mut reading = Hl7v2.read(&link(), &Phi::new(Bytes::copy_from_slice(message)));
    let filings = std::mem::take(&mut reading.filings).into_iter().map(Phi::into_exposed).collect();
    (reading, filings)
}

#[test]
fn every_message_is_read_without_panic_and_every_element_of_an_oru_is_accounted_for() {
    let mut all = Vec::new();
    files(&corpora(), &mut all);
    let (mut messages, mut results) = (0, 0);
    for file in all {
        let bytes = std::fs::read(&file).expect("a readable file");
        for message in hl7v2::messages(&bytes) {
            messages += 1;
            let (reading, filings) = read(message);
            let shown = bridge::bundle(&filings);
            serde_json::from_slice::<Value>(&shown).expect("a Bundle is JSON");
            if reading.verdict == Verdict::Rejected {
                continue;
            }
            results += 1;
            for loss in &reading.loss {
                match loss.kind {
                    Kind::Mapped | Kind::Kept => assert!(loss.to.is_some(), "{} goes somewhere", loss.at),
                    Kind::Ignored => assert!(loss.rule.is_some(), "{} is ignored by a rule", loss.at),
                    Kind::Unknown => {}
                }
            }
            assert!(!reading.loss.is_empty());
        }
    }
    assert!(messages > 700, "{messages} messages");
    assert!(results > 370, "{results} ORUs");
}

/// One fact: what it is of, and what it says.
type Facts = BTreeMap<String, BTreeSet<String>>;

/// The differences of one message: fact, what we say, what they say.
fn differences(ours: &Facts, theirs: &Facts) -> Vec<(String, String, String)> {
    let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let none = BTreeSet::new();
    let mut found = Vec::new();
    for key in keys {
        let (own, other) = (ours.get(key).unwrap_or(&none), theirs.get(key).unwrap_or(&none));
        if own != other {
            let join =
                |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>().join(" ; ");
            found.push((key.clone(), join(own, other), join(other, own)));
        }
    }
    found
}

fn facts(bundle: &Value) -> Facts {
    let mut facts = Facts::new();
    let mut say = |fact: String, value: String| {
        if !value.is_empty() {
            facts.entry(fact).or_default().insert(value);
        }
    };
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    for entry in &entries {
        let resource = &entry["resource"];
        match resource["resourceType"].as_str().unwrap_or_default() {
            "Patient" => {
                for identifier in list(&resource["identifier"]) {
                    say("patient.id".into(), hidden(text(&identifier["value"])));
                }
            }
            "DiagnosticReport" => {
                let code = coded(&resource["code"]);
                say("report.code".into(), code.clone());
                say(format!("report.status {code}"), text(&resource["status"]).into());
                say(format!("report.effective {code}"), effective(resource));
                say(format!("report.issued {code}"), time(text(&resource["issued"])));
                for identifier in list(&resource["identifier"]) {
                    say("report.order".into(), hidden(text(&identifier["value"])));
                }
                for note in notes(resource) {
                    say(format!("report.note {code}"), hidden(&note));
                }
                say(format!("report.note {code}"), hidden(text(&resource["conclusion"])));
                for form in list(&resource["presentedForm"]) {
                    let content = form["data"].as_str().or(form["url"].as_str()).unwrap_or_default();
                    say("document".into(), hidden(content));
                }
            }
            "ServiceRequest" => {
                say("report.order".into(), hidden(text(&resource["requisition"]["value"])));
                let parents = list(&resource["basedOn"]).into_iter().map(|parent| &parent["identifier"]);
                for identifier in list(&resource["identifier"]).into_iter().chain(parents) {
                    say("report.order".into(), hidden(text(&identifier["value"])));
                }
            }
            "Observation" => {
                let code = coded(&resource["code"]);
                say("result.code".into(), code.clone());
                say(format!("result.status {code}"), text(&resource["status"]).into());
                say(format!("result.effective {code}"), effective(resource));
                say(format!("result.value {code}"), value(resource));
                for extension in list(&resource["extension"]) {
                    let form = &extension["valueAttachment"];
                    let content = form["data"].as_str().or(form["url"].as_str()).unwrap_or_default();
                    say("document".into(), hidden(content));
                }
                for component in list(&resource["component"]) {
                    say(format!("result.value {code}"), value(component));
                }
                for note in notes(resource) {
                    say(format!("result.note {code}"), hidden(&note));
                }
            }
            _other => {}
        }
    }
    facts
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map(|items| items.iter().collect()).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Free text and numbers of people are compared, not shown.
fn hidden(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return text;
    }
    let digest = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("#{:08x}", digest >> 32)
}

fn coded(concept: &Value) -> String {
    let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
    let codes = list(&concept["coding"]);
    let mut told = codes.iter().filter(|coding| coding["system"] != absent);
    let code = told.find_map(|coding| coding["code"].as_str()).unwrap_or_default();
    if code.is_empty() { hidden(text(&concept["text"])) } else { code.to_owned() }
}

/// One moment written in two offsets is one moment; how exact it is told counts.
fn time(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.to_string(),
        Err(_partial) => text.to_owned(),
    }
}

fn effective(resource: &Value) -> String {
    let period = &resource["effectivePeriod"];
    if period.is_object() {
        return format!("{}/{}", time(text(&period["start"])), time(text(&period["end"])));
    }
    time(text(&resource["effectiveDateTime"]))
}

fn quantity(value: &Value) -> String {
    let number = &value["value"];
    let number = number.as_f64().map(|number| number.to_string()).unwrap_or_default();
    let unit = value["code"].as_str().or(value["unit"].as_str()).unwrap_or_default();
    format!("{}{number} {unit}", text(&value["comparator"])).trim().to_owned()
}

fn value(resource: &Value) -> String {
    let of = |name: &str| &resource[name];
    if of("valueQuantity").is_object() {
        return format!("Quantity {}", quantity(of("valueQuantity")));
    }
    if of("valueRange").is_object() {
        let range = of("valueRange");
        return format!("Range {} to {}", quantity(&range["low"]), quantity(&range["high"]));
    }
    if of("valueRatio").is_object() {
        let ratio = of("valueRatio");
        return format!("Ratio {} to {}", quantity(&ratio["numerator"]), quantity(&ratio["denominator"]));
    }
    if of("valueCodeableConcept").is_object() {
        return format!("Coded {}", coded(of("valueCodeableConcept")));
    }
    if of("valuePeriod").is_object() {
        let period = of("valuePeriod");
        return format!("Period {}/{}", time(text(&period["start"])), time(text(&period["end"])));
    }
    if let Some(string) = of("valueString").as_str() {
        return format!("String {}", hidden(string));
    }
    if let Some(moment) = of("valueDateTime").as_str() {
        return format!("DateTime {}", time(moment));
    }
    if let Some(clock) = of("valueTime").as_str() {
        return format!("Time {clock}");
    }
    String::new()
}

fn notes(resource: &Value) -> Vec<String> {
    let own = list(&resource["note"]).into_iter().map(|note| text(&note["text"]).to_owned());
    let extensions = list(&resource["extension"]);
    let carried =
        extensions.iter().filter_map(|extension| extension["valueAnnotation"]["text"].as_str().map(str::to_owned));
    own.chain(carried).collect()
}

/// Every ORU with an expected output: its name, the message, and the output.
fn expected() -> Vec<(String, Vec<u8>, Value)> {
    let root = corpora();
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut pairs = Vec::new();
    for file in all {
        let name = file.strip_prefix(&root).expect("inside the corpora").to_string_lossy().into_owned();
        let other = if name.ends_with(".fhir") {
            file.with_extension("hl7")
        } else if let Some(stem) = name.strip_prefix("microsoft-FHIR-Converter/expected-fhir/") {
            let stem = stem.trim_end_matches("-expected.json");
            root.join("microsoft-FHIR-Converter/input").join(stem)
        } else {
            continue;
        };
        let Ok(bytes) = std::fs::read(&other).or_else(|_none| std::fs::read(other.with_extension("hl7"))) else {
            continue;
        };
        let (Some(message), Ok(json)) = (
            hl7v2::messages(&bytes).first().map(|message| message.to_vec()),
            serde_json::from_slice::<Value>(&std::fs::read(&file).expect("a readable file")),
        ) else {
            continue;
        };
        if read(&message).0.verdict != Verdict::Rejected {
            pairs.push((name, message, json));
        }
    }
    pairs
}

#[test]
fn the_facts_agree_with_what_others_made_or_a_rule_says_why_not() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus-differences.tsv");
    let written = std::fs::read_to_string(&table).unwrap_or_default();
    let mut explained: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for line in written.lines().skip(1) {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        assert_eq!(columns.len(), 5, "five columns: {line}");
        explained.insert(columns[..4].to_vec(), columns[4].clone());
    }
    let pairs = expected();
    assert!(pairs.len() > 240, "{} pairs", pairs.len());
    let mut found: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for (name, message, theirs) in &pairs {
        let ours: Value = serde_json::from_slice(&bridge::bundle(&read(message).1)).expect("JSON");
        for (fact, own, other) in differences(&facts(&ours), &facts(theirs)) {
            let row = vec![name.clone(), fact, own, other];
            let rule = explained.get(&row).cloned().unwrap_or_default();
            found.insert(row, rule);
        }
    }
    if std::env::var_os("UPDATE_DIFFERENCES").is_some() {
        let mut out = String::from("message\tfact\tours\ttheirs\trule\n");
        for (row, rule) in &found {
            out.push_str(&format!("{}\t{rule}\n", row.join("\t")));
        }
        std::fs::write(&table, out).expect("a writable table");
    }
    let unexplained: Vec<_> =
        found.iter().filter(|(_row, rule)| rule.is_empty()).map(|(row, _rule)| row.join(" | ")).collect();
    assert_eq!(unexplained, Vec::<String>::new(), "differences without a rule");
    let stale: Vec<_> = explained.keys().filter(|row| !found.contains_key(*row)).map(|row| row.join(" | ")).collect();
    assert_eq!(stale, Vec::<String>::new(), "rows of the table that are no difference any more");
}
