//! Redaction alone, in memory: strict reading, judging by a policy, and bytes out, beside trees of `serde_json`.
//!
//! Input are pages of resources of the synthetic population. Before anything is timed, what redaction leaves is held
//! against what a plain filter over trees leaves of the same page.

#![expect(clippy::print_stdout, reason = "a bench tells its figures")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use bytes::Bytes;
use conformance::population;
use engines::{Contestant, compare, machine};
use fhir::Resource;
use json::{Document, Limits};
use privacy::{Left, Policy, redact};
use serde_json::{Map, Value as Tree, json};
use std::collections::BTreeMap;

const SEED: u64 = 4;

/// Cuts as a payer's policy makes them, over more types: about two fifths of a page are left.
const POLICY: &str = r#"
purpose = "HPAYMT"
law     = "45 CFR 164.502(b)"
never   = ["PSYTHPN"]
[allow]
Patient           = ["active", "identifier", "name", "birthDate", "gender", "address", "deceased[x]", "link"]
Coverage          = "every element"
Encounter         = ["subject", "status", "class", "type", "period", "diagnosis"]
Procedure         = ["subject", "status", "code", "performed[x]", "encounter"]
ServiceRequest    = ["subject", "status", "intent", "doNotPerform", "code", "occurrence[x]", "authoredOn", "requester"]
Condition         = ["clinicalStatus", "verificationStatus", "code.coding.system", "code.coding.code", "subject", "onset[x]"]
Observation       = ["status", "code", "subject.reference", "effective[x]", "value[x]"]
DiagnosticReport  = ["status", "code", "subject", "effective[x]", "issued"]
MedicationRequest = ["status", "intent", "doNotPerform", "medication[x]", "subject", "authoredOn"]
Immunization      = ["status", "isSubpotent", "vaccineCode", "patient", "occurrence[x]"]
Practitioner      = "every element"
Organization      = "every element"
"#;

fn main() {
    let policy = Policy::read(POLICY, |_| "bench".to_owned()).unwrap();
    let rules = rules();
    println!("{}; GB/s of input and CPU, medians of interleaved turns", machine());
    println!("{:<10} {:<34} {:>9} {:>9} {:>10} {:>8}", "input", "way", "GB/s", "best", "us/page", "ratio");
    for (name, page) in [
        ("100 KB", page(100_000, false)),
        ("186 KB", page(100_000, true)),
        ("10 MB", page(10_000_000, false)),
        ("2 KB", one_patient()),
    ] {
        let expected = by_trees(&page, &rules);
        let ours = redacted(&page, &policy);
        let trees: Vec<Tree> = ours.iter().map(|row| serde_json::from_slice(row).unwrap()).collect();
        let same = Tree::Array(trees) == serde_json::from_slice::<Tree>(&expected).unwrap();
        assert!(same, "redaction and a filter over trees disagree");
        let out: usize = ours.iter().map(Bytes::len).sum();
        let timings = compare(vec![
            Contestant::new("strict redaction", || redacted(&page, &policy).len()),
            Contestant::new("strict reading alone", || {
                Document::parse(page.clone(), &Limits::DEFAULT).unwrap().root().index_end()
            }),
            Contestant::new("serde_json IgnoredAny (syntax alone)", || {
                serde_json::from_slice::<serde::de::IgnoredAny>(&page).is_ok() as usize
            }),
            Contestant::new("serde_json::Value, filter, write", || by_trees(&page, &rules).len()),
        ]);
        let trees = timings.last().unwrap().median_s;
        for timing in &timings {
            let rate = |seconds: f64| page.len() as f64 / seconds / 1e9;
            println!(
                "{name:<10} {:<34} {:>9.3} {:>9.3} {:>10.1} {:>8.1}",
                timing.name,
                rate(timing.median_s),
                rate(timing.least_s),
                timing.median_s * 1e6,
                trees / timing.median_s
            );
        }
        println!("{name:<10} {} bytes in, {} out ({:.0} %)", page.len(), out, 100.0 * out as f64 / page.len() as f64);
    }
}

/// A Bundle of at least so many bytes, person after person.
fn page(bytes_min: usize, pretty: bool) -> Bytes {
    let mut text = r#"{"resourceType":"Bundle","type":"searchset","entry":["#.to_owned();
    let mut resources = (0u32..).flat_map(|index| population::person(SEED, index).resources);
    let mut first = true;
    while text.len() < bytes_min {
        let resource = resources.next().unwrap();
        text.push_str(if first { "{" } else { ",{" });
        text.push_str(&format!(
            r#""fullUrl":"https://here.example/fhir/{}/{}","resource":"#,
            resource.kind, resource.id
        ));
        text.push_str(&resource.json);
        text.push_str(r#","search":{"mode":"match"}}"#);
        first = false;
    }
    text.push_str("]}");
    if pretty {
        text = serde_json::to_string_pretty(&serde_json::from_str::<Tree>(&text).unwrap()).unwrap();
    }
    text.into()
}

/// A Bundle of one Patient.
fn one_patient() -> Bytes {
    let patient = population::person(SEED, 0).resources.swap_remove(0);
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{}}}]}}"#, patient.json).into()
}

/// The product's own way: the page read strictly once, each resource cut. Rows stay apart, as a page of the product holds
/// them: one that is whole is a slice of the page.
fn redacted(page: &Bytes, policy: &Policy) -> Vec<Bytes> {
    let document = Document::parse(page.clone(), &Limits::DEFAULT).unwrap();
    let resources = document.root().get("entry").unwrap().items();
    let left = resources.filter_map(|entry| {
        let resource = Resource::of(entry.get("resource").unwrap()).unwrap();
        match redact(&resource, policy) {
            Left::Whole => Some(resource.value().slice()),
            Left::Cut(bytes) => Some(bytes.into()),
            Left::Nothing => None,
        }
    });
    left.collect()
}

/// What a filter over trees knows of the policy: by type, every element, or the paths kept.
type Rules = BTreeMap<String, Option<Vec<Vec<String>>>>;

/// What every cut keeps.
const ALWAYS: [&str; 6] = ["resourceType", "id", "meta", "implicitRules", "language", "modifierExtension"];

fn rules() -> Rules {
    let file: toml::Table = POLICY.parse().unwrap();
    let steps = |path: &str| path.split('.').map(str::to_owned).collect();
    let rule = |allowed: &toml::Value| {
        let named = allowed.as_array()?.iter().map(|path| path.as_str().unwrap());
        Some(ALWAYS.into_iter().chain(named).map(steps).collect())
    };
    file["allow"].as_table().unwrap().iter().map(|(kind, allowed)| (kind.clone(), rule(allowed))).collect()
}

/// The plain way: a tree of the page, filtered, written.
fn by_trees(page: &[u8], rules: &Rules) -> Vec<u8> {
    let Tree::Object(mut bundle) = serde_json::from_slice(page).unwrap() else { panic!("a Bundle is an object") };
    let Some(Tree::Array(entries)) = bundle.remove("entry") else { panic!("a Bundle has entries") };
    let left = entries.into_iter().filter_map(|mut entry| filtered(entry["resource"].take(), rules));
    serde_json::to_vec(&left.collect::<Vec<_>>()).unwrap()
}

fn filtered(resource: Tree, rules: &Rules) -> Option<Tree> {
    let Tree::Object(members) = resource else { return None };
    let rule = rules.get(members["resourceType"].as_str()?)?;
    let Some(paths) = rule else { return Some(Tree::Object(members)) };
    let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
    let mut kept = children(members, &paths);
    let meta = kept.entry("meta").or_insert_with(|| json!({})).as_object_mut().unwrap();
    let tags = meta.entry("tag").or_insert_with(|| json!([])).as_array_mut().unwrap();
    tags.push(json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}));
    Some(Tree::Object(kept))
}

fn children(members: Map<String, Tree>, paths: &[&[String]]) -> Map<String, Tree> {
    let kept = members.into_iter().filter_map(|(name, value)| {
        let stem = name.strip_prefix('_').unwrap_or(&name);
        let below: Vec<&[String]> =
            paths.iter().filter(|path| is_named(stem, &path[0])).map(|path| &path[1..]).collect();
        let value = match (below.is_empty(), name.as_str()) {
            (true, "modifierExtension") => value,
            (true, _) => return None,
            (false, _) if below.iter().any(|rest| rest.is_empty()) => value,
            (false, _) => within(value, &below),
        };
        Some((name, value))
    });
    kept.collect()
}

fn within(value: Tree, paths: &[&[String]]) -> Tree {
    match value {
        Tree::Object(members) => Tree::Object(children(members, paths)),
        Tree::Array(items) => items.into_iter().map(|item| within(item, paths)).collect(),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => Tree::Null,
    }
}

/// Whether a member is the one that a step names, or one of its choices.
fn is_named(member: &str, step: &str) -> bool {
    match step.strip_suffix("[x]") {
        None => member == step,
        Some(stem) => {
            member.strip_prefix(stem).is_some_and(|kind| kind.starts_with(|first: char| first.is_uppercase()))
        }
    }
}
