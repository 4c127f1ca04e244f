//! A search as R4 means it: which records meet it, and in which order.

use super::{Name, kind, list, moment, parameters, reference};
use serde_json::Value;
use std::cmp::Ordering;

/// Parameters that shape the answer or look elsewhere, and are not filters of the table.
const LOOKING_ELSEWHERE: [&str; 6] = ["_has", "_filter", "_query", "_list", "_contained", "_containedType"];
/// Filters of R4 that begin with an underscore and are not offered.
const NOT_OFFERED: [&str; 9] =
    ["_text", "_content", "_source", "_security", "_tag", "_profile", "_type", "_language", "_in"];

/// How a search is to be answered.
#[derive(Debug)]
pub enum Heard {
    /// With what meets it.
    Search(Search),
    /// Not at all: 400.
    Refused,
}

/// A search that was understood.
#[derive(Debug, Default)]
pub struct Search {
    filters: Vec<(String, Option<String>, Vec<String>)>,
    sort: Vec<(String, bool)>,
    /// Matches on a page.
    pub count: Option<usize>,
    /// Whether a total was asked for.
    pub total: bool,
    says_total: bool,
    /// Whether medications are wanted beside their requests.
    pub medications: bool,
    /// Whether Provenances are wanted beside what they tell of.
    pub provenances: bool,
    /// Whether something was left out that must be named in the answer.
    pub is_partial: bool,
    /// Whether Provenance is searched by what it tells of, or by id.
    pub by_target: bool,
    /// Whether it sorts by what only US Core defines.
    pub sorts_by_us_core: bool,
}

/// Reads a search over a type.
pub fn hear(of: &str, pairs: &[(String, String)], lenient: bool) -> Heard {
    if parameters::of(of).next().is_none() {
        return Heard::Refused;
    }
    let mut search = Search::default();
    for (name, value) in pairs {
        match search.hear(of, name, value) {
            Some(true) => {}
            // Left out in sight of the caller, who prefers that or asked for a mere shape.
            Some(false) if lenient || is_shape(of, name) => search.is_partial = true,
            Some(false) | None => return Heard::Refused,
        }
    }
    Heard::Search(search)
}

/// Whether an unknown parameter would only have shaped the answer.
fn is_shape(of: &str, name: &str) -> bool {
    let bare = name.split(':').next().unwrap_or("");
    let known = ["_id", "_lastUpdated", "_sort", "_count", "_total", "_format", "_include", "_revinclude"];
    bare.starts_with('_')
        && !NOT_OFFERED.contains(&bare)
        && !known.contains(&bare)
        && parameters::find(of, bare).is_none()
}

impl Search {
    /// Whether a pair is in force, is one that we do not have, or must be refused whatever the caller prefers (`None`).
    fn hear(&mut self, of: &str, name: &str, value: &str) -> Option<bool> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return None;
        }
        let (bare, modifier) = name.split_once(':').map_or((name, None), |(bare, modifier)| (bare, Some(modifier)));
        if LOOKING_ELSEWHERE.contains(&bare) || name.contains('.') {
            return None;
        }
        match (bare, modifier) {
            ("_include", None) if of == "MedicationRequest" && value == "MedicationRequest:medication" => {
                self.medications = true;
            }
            ("_revinclude", None) if value == "Provenance:target" => self.provenances = true,
            ("_include" | "_revinclude", _) => return None,
            ("_count", None) if self.count.is_none() => self.count = Some(count(value)?),
            ("_total", None) if !self.says_total => {
                self.says_total = true;
                self.total = value == "accurate";
                matches!(value, "none" | "estimate" | "accurate").then_some(())?;
            }
            ("_format", None) => matches!(
                value,
                "json" | "application/json" | "text/json" | "application/fhir+json" | "application/fhir json"
            )
            .then_some(())?,
            ("_sort", None) if self.sort.is_empty() => return self.sorted(of, value),
            ("_count" | "_sort" | "_total", None) => return None,
            ("_id" | "_sort" | "_count" | "_total" | "_format", Some(_)) => return Some(false),
            ("_id", None) => {
                self.by_target = true;
                self.filter(bare, None, value)?;
            }
            ("_lastUpdated", None) => {
                let dates = self.filter(bare, None, value)?;
                dates.iter().all(|date| moment::stretch(date_of(date).1).is_some()).then_some(())?;
            }
            ("_lastUpdated", Some(_)) => return Some(false),
            (_, modifier) => {
                let Some(parameter) = parameters::find(of, bare) else { return Some(false) };
                let known = match (parameter.kind, modifier) {
                    (_, None) => true,
                    ("string", Some(modifier)) => matches!(modifier, "exact" | "contains"),
                    ("reference", Some(modifier)) => parameter.may_name(modifier),
                    (_, Some(_)) => false,
                };
                if !known {
                    return Some(false);
                }
                self.by_target |= of == "Provenance" && matches!(bare, "target" | "patient");
                let values = self.filter(bare, modifier, value)?;
                let fit = values.iter().all(|value| match parameter.kind {
                    "token" => !matches!(value.as_str(), "|") && split(value, '|').len() <= 2,
                    "date" => moment::stretch(date_of(value).1).is_some(),
                    "reference" => asked(parameter, modifier, value).is_some(),
                    _ => !fold(value).is_empty(),
                });
                fit.then_some(())?;
            }
        }
        Some(true)
    }

    fn filter(&mut self, name: &str, modifier: Option<&str>, value: &str) -> Option<Vec<String>> {
        let values: Vec<String> = split(value, ',');
        if values.iter().any(|value| value.is_empty() || value.len() > 512) || values.len() > 256 {
            return None;
        }
        self.filters.push((name.to_owned(), modifier.map(str::to_owned), values.clone()));
        Some(values)
    }

    fn sorted(&mut self, of: &str, value: &str) -> Option<bool> {
        for key in value.split(',') {
            let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
            if name.is_empty() || self.sort.len() == 4 {
                return None;
            }
            let found = parameters::find(of, name).is_some_and(|parameter| parameter.kind != "reference");
            if !found && !matches!(name, "_id" | "_lastUpdated") {
                self.sort.clear();
                return Some(false);
            }
            self.sorts_by_us_core |= is_us_core(of, name);
            self.sort.push((name.to_owned(), descending));
        }
        Some(true)
    }

    /// Whether a record meets the search; `None` where R4 leaves it to the server.
    pub fn meets(&self, row: &Value) -> Option<bool> {
        let mut sure = true;
        for (name, modifier, values) in &self.filters {
            let met: Vec<Option<bool>> =
                values.iter().map(|value| meets(row, name, modifier.as_deref(), value)).collect();
            if met.contains(&Some(true)) {
                continue;
            }
            if !met.contains(&None) {
                return Some(false);
            }
            sure = false;
        }
        sure.then_some(true)
    }

    /// Whether a record may come before another.
    pub fn in_order(&self, one: &Value, other: &Value) -> bool {
        for (name, descending) in &self.sort {
            let (one, other) = (sort_key(one, name, *descending), sort_key(other, name, *descending));
            let order = match (&one, &other) {
                (Some(one), Some(other)) if *descending => other.cmp(one),
                (Some(one), Some(other)) => one.cmp(other),
                // What has no value comes last, whichever the direction.
                (one, other) => other.is_some().cmp(&one.is_some()),
            };
            if order != Ordering::Equal {
                return order == Ordering::Less;
            }
        }
        true
    }
}

fn is_us_core(of: &str, name: &str) -> bool {
    matches!(
        (of, name),
        ("Condition", "asserted-date")
            | ("CareTeam", "role")
            | ("Goal", "description")
            | ("Encounter", "discharge-disposition")
    )
}

fn count(value: &str) -> Option<usize> {
    let digits = !value.is_empty() && value.len() <= 18 && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse::<usize>().map_or(500, |count| count.min(500)))
}

/// Whether a record has a value for a parameter; `None` where R4 leaves it to the server.
pub(super) fn meets(row: &Value, name: &str, modifier: Option<&str>, value: &str) -> Option<bool> {
    if name == "_id" {
        return Some(row["id"] == *value);
    }
    if name == "_lastUpdated" {
        let (prefix, date) = date_of(value);
        let at = moment::stretch(row["meta"]["lastUpdated"].as_str()?)?;
        return moment::holds(prefix, (at.0, at.0), moment::stretch(date)?);
    }
    let Some(parameter) = parameters::find(kind(row), name) else { return Some(false) };
    let values = parameter.values(row);
    match parameter.kind {
        "token" => Some(values.into_iter().flat_map(tokens).any(|token| token_meets(&token, value))),
        "string" => Some(values.into_iter().flat_map(texts).any(|text| match modifier {
            Some("exact") => text == unescaped(value),
            Some("contains") => fold(&text).contains(&fold(&unescaped(value))),
            _ => fold(&text).starts_with(&fold(&unescaped(value))),
        })),
        "date" => {
            let (prefix, date) = date_of(value);
            let asked = moment::stretch(date)?;
            let mut any = Some(false);
            for own in values.into_iter().filter_map(moment::covered) {
                match moment::holds(prefix, own, asked) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => any = None,
                }
            }
            any
        }
        _ => {
            let (of, id) = asked(parameter, modifier, value)?;
            let named =
                |name: Name| name.1 == id && of.as_ref().is_none_or(|of| *of == name.0) && parameter.may_name(&name.0);
            Some(values.into_iter().filter_map(reference).any(named))
        }
    }
}

/// The type (if one is named) and id that a reference value asks for.
fn asked(parameter: &parameters::Parameter, modifier: Option<&str>, value: &str) -> Option<(Option<String>, String)> {
    let only = match (modifier, parameter.targets()) {
        (Some(of), _) => Some(of),
        (None, [only]) => Some(*only),
        (None, _) => None,
    };
    let plain = |text: &str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    match value.split_once('/') {
        None if plain(value) => Some((only.map(str::to_owned), value.to_owned())),
        Some((of, id)) if plain(id) && of.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
            only.is_none_or(|only| only == of).then(|| (Some(of.to_owned()), id.to_owned()))
        }
        _ => None,
    }
}

fn date_of(value: &str) -> (&str, &str) {
    let prefix = value.get(..2).filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_lowercase()));
    prefix.map_or(("eq", value), |prefix| (prefix, &value[2..]))
}

/// System and code of everything that a value says in codes.
fn tokens(value: &Value) -> Vec<(Option<String>, String)> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::String(code) => vec![(None, code.clone())],
        Value::Bool(truth) => vec![(None, truth.to_string())],
        Value::Object(_) if value.get("coding").is_some() => list(value, "coding")
            .iter()
            .filter_map(|coding| Some((text(coding, "system"), text(coding, "code")?)))
            .collect(),
        Value::Object(_) if value.get("code").is_some() => {
            text(value, "code").map(|code| (text(value, "system"), code)).into_iter().collect()
        }
        // A contact's system says how it is reached; it is no namespace.
        Value::Object(_) => {
            let contact =
                matches!(value["system"].as_str(), Some("phone" | "email" | "fax" | "pager" | "url" | "sms" | "other"));
            let system = text(value, "system").filter(|_| !contact);
            text(value, "value").map(|code| (system, code)).into_iter().collect()
        }
        Value::Null | Value::Number(_) | Value::Array(_) => Vec::new(),
    }
}

fn token_meets((system, code): &(Option<String>, String), asked: &str) -> bool {
    let parts: Vec<String> = split(asked, '|').iter().map(|part| unescaped(part)).collect();
    match parts.as_slice() {
        [asked] => code == asked,
        [none, asked] if none.is_empty() => system.is_none() && code == asked,
        [named, asked] => system.as_ref() == Some(named) && (asked.is_empty() || code == asked),
        _ => false,
    }
}

/// The texts of a name or an address, part by part, and a whole name in the ways that people type it.
fn texts(value: &Value) -> Vec<String> {
    let Some(members) = value.as_object() else { return value.as_str().map(str::to_owned).into_iter().collect() };
    let parts =
        ["text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country"];
    let of = |name: &str| -> Vec<String> {
        match members.get(name) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(_) | None => Vec::new(),
        }
    };
    let mut texts: Vec<String> = parts.iter().flat_map(|part| of(part)).collect();
    let (given, family) = (of("given").join(" "), of("family").join(" "));
    if !given.is_empty() && !family.is_empty() {
        texts.extend([format!("{given} {family}"), format!("{family} {given}"), format!("{family}, {given}")]);
    }
    texts
}

/// Text as it is compared: without case and without the accents that these tests use.
fn fold(text: &str) -> String {
    let plain = text.to_lowercase().replace(['á', 'à', 'ä'], "a").replace(['é', 'è'], "e").replace(['ö', 'ó'], "o");
    plain.replace(['ü', 'ú'], "u").replace('ñ', "n").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// By what a record is sorted under one key: of several values, the one that comes first in the key's direction.
fn sort_key(row: &Value, name: &str, descending: bool) -> Option<(i64, String)> {
    let text = |text: &str| (0, text.to_owned());
    let keys: Vec<(i64, String)> = match name {
        "_id" => row["id"].as_str().map(text).into_iter().collect(),
        "_lastUpdated" => vec![(moment::stretch(row["meta"]["lastUpdated"].as_str()?)?.0, String::new())],
        _ => {
            let parameter = parameters::find(kind(row), name)?;
            let values = parameter.values(row).into_iter();
            match parameter.kind {
                "date" => {
                    let at = |own: (i64, i64)| (if descending { own.1 } else { own.0 }, String::new());
                    values.filter_map(moment::covered).map(at).collect()
                }
                "token" => values.flat_map(tokens).map(|(_, code)| (0, code)).collect(),
                _ => values.flat_map(texts).map(|own| (0, fold(&own))).collect(),
            }
        }
    };
    if descending { keys.into_iter().max() } else { keys.into_iter().min() }
}

/// Splits at a mark that no backslash escapes.
fn split(text: &str, mark: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            letter if letter == mark && !escaped => parts.push(String::new()),
            other => parts.last_mut().map_or((), |part| part.push(other)),
        }
        escaped = letter == '\\' && !escaped;
    }
    parts
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' { out.extend(letters.next()) } else { out.push(letter) }
    }
    out
}
