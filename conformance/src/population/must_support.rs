//! Proof that 25 people show every must-support element of US Core 6.1.
//!
//! The elements come from `conformance/definitions/us-core-6.1-must-support.txt`, whose head tells its grammar.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chart::US_CORE;
use super::{Resource, person, shared};

const TABLE: &str = include_str!("../../definitions/us-core-6.1-must-support.txt");

/// One step of a path: a member's name, and what its items must hold to count.
struct Step<'a> {
    name: &'a str,
    conditions: Vec<(Vec<&'a str>, Vec<&'a str>)>,
}

/// Everything seen, by `Type/id`.
type Seen = BTreeMap<String, Value>;

fn parse(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (at, letter) in path.char_indices().chain([(path.len(), '.')]) {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            '.' if depth == 0 => {
                steps.push(step(path.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            _ => {} // part of a name or of a condition
        }
    }
    steps
}

fn step(text: &str) -> Step<'_> {
    let mut parts = text.split('[');
    let name = parts.next().unwrap_or_default();
    let conditions = parts
        .filter_map(|part| part.trim_end_matches(']').split_once('='))
        .map(|(path, values)| (path.split('.').collect(), values.split('|').collect()))
        .collect();
    Step { name, conditions }
}

/// All values at `names` below `value`, through arrays.
fn below<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| below(item, name)).collect(),
        Value::Object(members) => members.get(name).map_or_else(Vec::new, items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    }
}

fn walk<'v>(from: &'v Value, steps: &[Step<'_>]) -> Vec<&'v Value> {
    let mut values = vec![from];
    for step in steps {
        values = values
            .into_iter()
            .flat_map(|value| below(value, step.name))
            .filter(|value| step.conditions.iter().all(|(path, wanted)| holds(value, path, wanted)))
            .collect();
    }
    values
}

fn holds(value: &Value, path: &[&str], wanted: &[&str]) -> bool {
    let ends =
        path.iter().fold(vec![value], |values, name| values.into_iter().flat_map(|value| below(value, name)).collect());
    ends.iter().any(|end| end.as_str().is_some_and(|text| wanted.contains(&text)))
}

fn claims(resource: &Value, profile: &str) -> bool {
    let claimed = &resource["meta"]["profile"];
    items(claimed).iter().any(|url| url.as_str().is_some_and(|url| url.strip_prefix(US_CORE) == Some(profile)))
}

/// Whether a reference leads to something of one of these profiles or bare types.
fn leads(reference: &Value, within: &Value, targets: &str, seen: &Seen) -> bool {
    let Some(to) = reference["reference"].as_str() else {
        // A logical reference, to what is not served here: its type speaks for it.
        let kind = reference["type"].as_str().filter(|_| reference["identifier"]["value"].is_string());
        return kind.is_some_and(|kind| targets.split('|').any(|target| target == kind));
    };
    let target = match to.strip_prefix('#') {
        Some(id) => items(&within["contained"]).into_iter().find(|one| one["id"] == id),
        None => seen.get(to),
    };
    target
        .is_some_and(|found| targets.split('|').any(|target| claims(found, target) || found["resourceType"] == target))
}

/// Every object that carries this extension URL, anywhere.
fn extensions<'v>(value: &'v Value, url: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| extensions(item, url, found)),
        Value::Object(members) => {
            if members.get("url").is_some_and(|own| own == url) {
                found.push(value);
            }
            members.values().for_each(|member| extensions(member, url, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn population(seed: u64) -> Seen {
    let mut rows: Vec<Resource> = shared(seed);
    rows.extend((0..25).flat_map(|index| person(seed, index).resources));
    rows.into_iter()
        .map(|row| {
            let value = serde_json::from_str(&row.json).unwrap_or_default();
            (format!("{}/{}", row.kind, row.id), value)
        })
        .collect()
}

/// Lines of the table that nobody in the population shows.
fn missing(seen: &Seen) -> Vec<&'static str> {
    let mut of_profile: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    rows.filter(|line| {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap_or_default();
        let (profile, element, path) = (column(), column(), column());
        let found = of_profile.entry(profile).or_insert_with(|| bearers(seen, profile, element));
        let (path, targets) = path.split_once("->").unwrap_or((path, ""));
        let steps = parse(path);
        let shown = |bearer: &&Value| {
            walk(bearer, &steps).iter().any(|end| targets.is_empty() || leads(end, bearer, targets, seen))
        };
        !found.iter().any(shown)
    })
    .collect()
}

/// The resources that claim a profile, or the extensions that carry its URL.
fn bearers<'s>(seen: &'s Seen, profile: &str, element: &str) -> Vec<&'s Value> {
    if !element.starts_with("Extension.") {
        return seen.values().filter(|resource| claims(resource, profile)).collect();
    }
    let url = format!("{US_CORE}{profile}");
    let mut found = Vec::new();
    seen.values().for_each(|resource| extensions(resource, &url, &mut found));
    found
}

#[test]
fn twenty_five_people_show_every_must_support_element() {
    for seed in [1, 2, 77, u64::MAX] {
        let missing = missing(&population(seed));
        assert!(missing.is_empty(), "seed {seed}, never seen:\n{}", missing.join("\n"));
    }
}

#[test]
fn the_table_is_the_whole_of_us_core_and_notices_what_is_gone() {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.filter(|line| line.split('\t').count() == 3).count(), 764);
    let mut seen = population(1);
    seen.retain(|at, _| !at.starts_with("Device/") && !at.starts_with("Goal/"));
    for resource in seen.values_mut() {
        if let Value::Object(members) = resource {
            members.remove("media");
        }
    }
    let gone = missing(&seen);
    assert!(gone.iter().any(|line| line.contains("Device.udiCarrier.carrierHRF")));
    assert!(gone.iter().any(|line| line.contains("Goal.target.due[x]")));
    assert!(gone.iter().any(|line| line.ends_with("media.link->Media")));
    let of_these = |line: &&str| ["Device.", "Goal.", "media"].iter().any(|part| line.contains(part));
    assert!(gone.iter().all(of_these), "{gone:?}");
}
