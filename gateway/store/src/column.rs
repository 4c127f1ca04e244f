//! What of a record goes into columns beside its bytes: whose it is, by what it is found, what it refers to, how sensitive
//! it is. Searches look at these columns; beside them only `search` looks into a record, for whose it is.

use crate::error::StoreError;
use crate::search::{Way, way};
use bytes::Bytes;
use fhir::patch::stamp;
use fhir::reference::Reference;
use fhir::search::{Parameter, Term, parameter, terms};
use fhir::subject::{self, About, about};
use fhir::{Id, Instant, Resource, ResourceType};
use json::{Document, Limits, Value};
use privacy::Phi;
use privacy::label::labels;
use std::collections::BTreeSet;

/// The key id before bytes that are not sealed.
const PLAIN: u8 = 0;

/// A record that is about to be written, with its columns.
pub(crate) struct Prepared {
    document: Document,
    pub(crate) columns: Columns,
}

/// The columns of one record, table by table: each line of a table as the items of a JSON array, without its brackets.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// Patient's id; none for what has no patient of its own.
    pub(crate) patients: Vec<String>,
    /// Param, code, system.
    pub(crate) tokens: Vec<String>,
    /// Param, folded, exact.
    pub(crate) texts: Vec<String>,
    /// Param, low, high.
    pub(crate) dates: Vec<String>,
    /// Param, kind, id.
    pub(crate) references: Vec<String>,
    /// Kind, id.
    pub(crate) links: Vec<String>,
    /// Code.
    pub(crate) labels: Vec<String>,
}

/// Checks that the content is the resource it is put as, and draws its columns. Done before the writer's turn.
pub(crate) fn prepare(kind: ResourceType, id: &Id, content: &Phi<Bytes>) -> Result<Prepared, StoreError> {
    let unfit = |why: &dyn std::fmt::Display| StoreError::Unfit(why.to_string());
    let parse = |bytes: Bytes| Document::parse(bytes, &Limits::DEFAULT).map_err(|fault| unfit(&fault));
    let given = parse(content.expose().clone())?;
    let resource = Resource::of(given.root()).map_err(|fault| unfit(&fault))?;
    if resource.kind() != kind {
        return Err(unfit(&"its resourceType is another one"));
    }
    if resource.id().is_some_and(|own| own != *id) {
        return Err(unfit(&"its id is another one"));
    }
    let document = match resource.id() {
        Some(_) => given,
        None => parse(stamp(&given, id.as_str(), "1", Instant::from_micros(0)).into())?,
    };
    let columns = Resource::of(document.root()).map(|resource| columns(&resource)).map_err(|fault| unfit(&fault))?;
    Ok(Prepared { document, columns })
}

impl Prepared {
    /// The bytes to keep under a version: the resource as it came, but for id, version and time.
    pub(crate) fn stored(&self, id: &Id, version: u64, updated: Instant) -> Vec<u8> {
        let mut bytes = vec![PLAIN];
        bytes.extend_from_slice(&stamp(&self.document, id.as_str(), &version.to_string(), updated));
        bytes
    }
}

/// Bytes to keep, with the id of the key they are sealed with.
pub(crate) fn sealed(content: &Phi<Bytes>) -> Vec<u8> {
    [&[PLAIN], content.expose().as_ref()].concat()
}

/// Kept bytes, without the id of their key.
pub(crate) fn unsealed(kept: Vec<u8>) -> Result<Bytes, StoreError> {
    match kept.first() {
        Some(&PLAIN) => Ok(Bytes::from(kept).slice(1..)),
        Some(_) | None => Err(StoreError::Damaged("a record sealed with a key that is not known")),
    }
}

/// A kept record, checked again as strictly as when it came.
pub(crate) fn document(kept: Vec<u8>) -> Result<Document, StoreError> {
    Document::parse(unsealed(kept)?, &Limits::DEFAULT).map_err(|_| StoreError::Damaged("a record"))
}

fn columns(resource: &Resource<'_>) -> Columns {
    let patients = match about(resource) {
        About::Patients(patients) => patients,
        About::Shared | About::Targets(_) | About::Owner => Vec::new(),
        // Nobody's: kept, and never found.
        About::Unknown => return Columns::default(),
    };
    let patients: BTreeSet<&str> = patients.iter().map(Id::as_str).collect();
    let (mut tokens, mut texts, mut dates, mut references) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for term in terms(resource) {
        let param = param(resource.kind(), term.param());
        if says_whose(resource.kind(), term.param()) || union(&param).is_some() {
            continue;
        }
        match term {
            Term::Token { system, code, .. } => tokens.push(line([&param, &code, system_column(system.as_deref())])),
            Term::Text { folded, exact, .. } => texts.push(line([&param, &folded, &exact])),
            Term::Date { low, high, .. } => dates.push(format!("{},{low},{high}", line([&param]))),
            Term::Reference { kind, id, .. } => references.push(line([&param, kind.as_str(), id.as_str()])),
        }
    }
    let labels: BTreeSet<&str> = labels(resource).into_iter().map(|label| label.code()).collect();
    Columns {
        patients: patients.iter().map(|id| line([id])).collect(),
        tokens,
        texts,
        dates,
        references,
        links: links(resource, !patients.is_empty()).iter().map(|(kind, id)| line([kind.as_str(), id])).collect(),
        labels: labels.into_iter().map(|code| line([code])).collect(),
    }
}

/// Texts as the items of a JSON array.
fn line<const N: usize>(texts: [&str; N]) -> String {
    texts.map(|text| serde_json::Value::from(text).to_string()).join(",")
}

/// What this record refers to and could let be seen, the Binaries behind its attachments included. Of a patient's record that
/// is what has no patient of its own; of another, which may stand between, everything.
fn links(resource: &Resource<'_>, is_somebodys: bool) -> BTreeSet<(ResourceType, String)> {
    let local = |value: &Value<'_>| {
        let reference = Reference::parse(&value.text()?);
        let (kind, id) = reference.local()?;
        Some((kind, id.to_string()))
    };
    let attached = resource.attachments();
    let attached = attached.iter().filter_map(local).filter(|(kind, _)| way(*kind) == Way::Owner);
    let links = resource.references().into_iter().filter_map(|value| local(&value)).chain(attached);
    links.filter(|(kind, _)| !is_somebodys || matches!(way(*kind), Way::Shared | Way::Owner)).collect()
}

/// A parameter's name in the index.
pub(crate) fn param(kind: ResourceType, name: &str) -> String {
    format!("{kind}.{name}")
}

/// Whether a parameter reads the very element that says whose a record is: the table `subject` answers it.
pub(crate) fn says_whose(kind: ResourceType, name: &str) -> bool {
    let (Some(element), Some(Parameter { paths: [path], .. })) = (subject::element(kind), parameter(kind, name)) else {
        return false;
    };
    path.strip_prefix(kind.as_str()).and_then(|path| path.strip_prefix('.')) == Some(element)
}

/// The parameters whose lines together answer one that has none of its own.
pub(crate) fn union(param: &str) -> Option<&'static [&'static str]> {
    UNIONS.iter().find(|(name, _)| *name == param).map(|(_, parts)| *parts)
}

const UNIONS: [(&str, &[&str]); 1] = [("Observation.combo-code", &["Observation.code", "Observation.component-code"])];

/// A code system in the index, where no system at all is empty.
pub(crate) fn system_column(system: Option<&str>) -> &str {
    match system {
        None => "",
        // A system that is there and empty is no system that one could ask for.
        Some("") => "|",
        Some(system) => system,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use fhir::search::{parameters, searchable};

    fn paths(param: &str) -> Vec<&'static str> {
        let (kind, name) = param.split_once('.').unwrap();
        parameter(kind.parse().unwrap(), name).unwrap().paths.to_vec()
    }

    #[test]
    fn a_union_reads_what_its_parts_read() {
        for (union, parts) in UNIONS {
            assert_eq!(paths(union), parts.iter().flat_map(|part| paths(part)).collect::<Vec<_>>(), "{union}");
        }
    }

    #[test]
    fn every_record_of_a_patient_is_asked_for_by_whose_it_is() {
        let mut asked = 0;
        for kind in searchable().filter(|kind| subject::element(*kind).is_some()) {
            let named = parameters(kind).iter().filter(|parameter| says_whose(kind, parameter.name));
            let named: Vec<&str> = named.map(|parameter| parameter.name).collect();
            assert!(
                named.contains(&"patient")
                    && named.iter().all(|name| ["patient", "subject", "beneficiary"].contains(name))
            );
            asked += 1;
        }
        assert!(asked > 15 && !says_whose(ResourceType::Provenance, "patient"));
    }
}
