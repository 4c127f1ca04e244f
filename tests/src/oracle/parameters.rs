//! What each search parameter reads, from the definitions of R4 and US Core (`parameters.txt`).

use serde_json::Value;
use std::sync::LazyLock;

/// One search parameter of one type.
#[derive(Debug)]
pub struct Parameter {
    /// The type it belongs to.
    pub of: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `token`, `string`, `date` or `reference`.
    pub kind: &'static str,
    /// The elements it reads.
    paths: Vec<&'static str>,
    /// The types that a reference may name; `*` is any.
    targets: Vec<&'static str>,
    /// Whether it reads a code whose system is implied.
    pub is_bare: bool,
}

static TABLE: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let lines = include_str!("parameters.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(read).collect()
});

fn read(line: &'static str) -> Option<Parameter> {
    let mut words = line.split(' ');
    let (of, name, kind, paths) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let targets = words.next().map_or_else(Vec::new, |targets| targets.split(',').collect());
    let paths: Vec<&str> = paths.split(',').collect();
    Some(Parameter { of, name, kind, is_bare: paths.iter().any(|path| path.ends_with('!')), paths, targets })
}

/// The parameters of a type; none for one that cannot be searched.
pub fn of(kind: &str) -> impl Iterator<Item = &'static Parameter> {
    TABLE.iter().filter(move |parameter| parameter.of == kind)
}

/// One of them.
pub fn find(kind: &str, name: &str) -> Option<&'static Parameter> {
    of(kind).find(|parameter| parameter.name == name)
}

impl Parameter {
    /// Whether a reference to this type can be asked for.
    pub fn may_name(&self, kind: &str) -> bool {
        self.targets.iter().any(|target| *target == "*" || *target == kind)
    }

    /// The types that a reference may name; empty when any.
    pub fn targets(&self) -> &[&'static str] {
        if self.targets.contains(&"*") { &[] } else { &self.targets }
    }

    /// The values that a record has for it.
    pub fn values<'a>(&self, row: &'a Value) -> Vec<&'a Value> {
        self.paths.iter().flat_map(|path| walk(row, path.trim_end_matches('!'))).collect()
    }
}

fn walk<'a>(row: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![row], |at, step| at.into_iter().flat_map(|value| below(value, step)).collect())
}

fn below<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    if let Some(choice) = step.strip_suffix('*') {
        let members = value.as_object().into_iter().flatten();
        return members.filter(|(name, _)| name.starts_with(choice)).map(|(_, value)| value).collect();
    }
    let (name, of) = step
        .strip_suffix('}')
        .and_then(|step| step.split_once('{'))
        .map_or((step, None), |(name, of)| (name, Some(of)));
    let found: Vec<&Value> = match value.get(name) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(other) => vec![other],
        None => Vec::new(),
    };
    match of {
        None => found,
        Some("assertedDate") => {
            let url = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate";
            found.into_iter().filter(|item| item["url"] == url).filter_map(|item| item.get("valueDateTime")).collect()
        }
        Some(system) => found.into_iter().filter(|item| item["system"] == system).collect(),
    }
}
