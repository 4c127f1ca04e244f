//! The few facts of a patient's record that pages show: a name, a birth date.

use crate::plain::plain;
use fhir::ResourceType;
use json::{Document, Limits, Value};
use privacy::Shown;

/// A patient, as a line of a page.
pub(crate) struct PatientLine {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) birth_date: Option<String>,
}

/// The line of a released row; `None` when it is no Patient that can be read.
pub(crate) fn patient_line(row: &Shown) -> Option<PatientLine> {
    if row.kind != ResourceType::Patient {
        return None;
    }
    let document = Document::parse(row.content.clone(), &Limits::DEFAULT).ok()?;
    let patient = document.root();
    Some(PatientLine {
        id: row.id.to_string(),
        name: name(patient),
        birth_date: text(patient, "birthDate").map(|date| plain(&date)),
    })
}

/// The official or usual name, else the first one.
pub(crate) fn name(patient: Value<'_>) -> Option<String> {
    let names: Vec<Value<'_>> = patient.get("name")?.items().collect();
    let of_use = |wanted: &str| names.iter().find(|name| name.get("use").is_some_and(|text| text.is(wanted)));
    let chosen = of_use("official").or_else(|| of_use("usual")).or(names.first())?;
    let parts = |key: &str| -> Vec<String> {
        let list = chosen.get(key);
        list.into_iter().flat_map(Value::items).filter_map(|part| part.text().map(|text| text.into_owned())).collect()
    };
    let words: Vec<String> = parts("given").into_iter().chain(text(*chosen, "family")).chain(parts("suffix")).collect();
    let whole = if words.is_empty() { text(*chosen, "text")? } else { words.join(" ") };
    Some(plain(&whole)).filter(|name| !name.is_empty())
}

fn text(value: Value<'_>, key: &str) -> Option<String> {
    value.get(key)?.text().map(|text| text.into_owned())
}
