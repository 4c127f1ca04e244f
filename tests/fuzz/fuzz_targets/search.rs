//! Search parameters: what is taken is bounded, and what is printed of it is read again as the same question.
//!
//! The first byte chooses the type, the second the handling, the rest is a query string.
#![no_main]

use fhir::search::{
    COUNT_MAX, Criterion, Filter, Handling, Modifier, PARAMETERS_MAX, Query, SORT_KEYS_MAX, VALUE_BYTES_MAX,
    VALUES_MAX, matches, searchable, sort_value,
};
use fhir::{Resource, ResourceType};
use json::{Document, Limits};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const BASE: &str = "https://localhost:8443/fhir";

/// Records of every type, for a question to look at.
static RECORDS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let person = conformance::population::person(1, 0).resources;
    let mut kept: Vec<&'static str> = Vec::new();
    let rows = conformance::population::shared(1).into_iter().chain(person);
    let first_three = rows.filter(|row| {
        kept.push(row.kind);
        kept.iter().filter(|kind| **kind == row.kind).count() <= 3
    });
    first_three.map(|row| Document::parse(row.json.into(), &Limits::DEFAULT).expect("the population is JSON")).collect()
});

fuzz_target!(|input: &[u8]| {
    let [kind, handling, text @ ..] = input else { return };
    let kinds: Vec<ResourceType> = searchable().collect();
    let kind = kinds[usize::from(*kind) % kinds.len()];
    let handling = if handling % 2 == 0 { Handling::Strict } else { Handling::Lenient };
    let pairs = decoded(text);
    match Query::parse(kind, &pairs, handling, BASE) {
        Ok(query) => {
            bounded(&query);
            again(&query);
            assert!(handling == Handling::Lenient || query.ignored.iter().all(|name| name.starts_with('_')));
            for record in RECORDS.iter() {
                let resource = Resource::of(record.root()).expect("the population holds resources");
                assert!(!matches(&query, &resource) || resource.kind() == kind);
                query.sort.iter().for_each(|key| drop(sort_value(&resource, key)));
            }
        }
        Err(fault) => assert!(!fault.to_string().contains(['\r', '\n', '\0'])),
    }
});

fn decoded(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn bounded(query: &Query) {
    assert!(query.filters.len() <= PARAMETERS_MAX && query.sort.len() <= SORT_KEYS_MAX);
    assert!(query.count.is_none_or(|count| count <= COUNT_MAX));
    assert!(query.includes.len() <= 1 && query.revincludes.len() <= 1);
    assert!(query.filters.iter().all(|filter| !filter.values.is_empty()));
    assert!(query.filters.iter().map(|filter| filter.values.len()).sum::<usize>() <= VALUES_MAX);
}

/// The self link, and every filter written out, ask the same.
fn again(query: &Query) {
    let url = query.self_url();
    let link = url.strip_prefix(&format!("{BASE}/{}", query.kind)).expect("a link of ours");
    assert!(link.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{link}");
    let pairs = decoded(link.trim_start_matches('?').as_bytes());
    assert_eq!(pairs, query.self_pairs);
    let linked = Query::parse(query.kind, &pairs, Handling::Strict, BASE).expect("a self link can be followed");
    assert_eq!(Query { ignored: Vec::new(), ..query.clone() }, linked);
    for filter in &query.filters {
        if let Some(pair) = written(filter) {
            let read = Query::parse(query.kind, &[pair], Handling::Strict, BASE).expect("what is written can be read");
            assert_eq!(read.filters.first(), Some(filter));
        }
    }
}

/// A filter as a client would write it; a date is kept as a range, for which there is no one way.
fn written(filter: &Filter) -> Option<(String, String)> {
    let name = match filter.modifier {
        None => filter.parameter.name.to_owned(),
        Some(Modifier::Exact) => format!("{}:exact", filter.parameter.name),
        Some(Modifier::Contains) => format!("{}:contains", filter.parameter.name),
        Some(Modifier::Type(kind)) => format!("{}:{kind}", filter.parameter.name),
    };
    let dated = |value: &Criterion| matches!(value, Criterion::Date { .. });
    let values: Vec<String> = filter.values.iter().map(Criterion::to_string).collect();
    // Escapes may make a value longer than one may send.
    let short = values.iter().all(|value| value.len() <= VALUE_BYTES_MAX);
    (short && !filter.values.iter().any(dated)).then(|| (name, values.join(",")))
}
