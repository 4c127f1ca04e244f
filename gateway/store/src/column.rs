//! What of a record goes into columns beside its bytes: whose it is, by what it is found, what it refers to, how sensitive
//! it is. The one file of this crate that looks into a record before the gate.

use crate::error::StoreError;
use bytes::Bytes;
use fhir::patch::stamp;
use fhir::reference::Reference;
use fhir::search::{Term, terms};
use fhir::subject::{About, about};
use fhir::{Id, Instant, Resource, ResourceType};
use json::{Document, Limits, Value};
use privacy::Phi;
use privacy::label::labels;
use serde_json::json;
use std::collections::BTreeSet;

/// The key id before bytes that are not sealed.
const PLAIN: u8 = 0;

/// A record that is about to be written. Its columns are lists in JSON, which one statement a table takes apart.
pub(crate) struct Prepared {
    document: Document,
    pub(crate) columns: Columns,
}

/// The columns of one record.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// `[patient id]`; empty for what has no patient of its own.
    pub(crate) patients: String,
    /// `[[param, code, system]]`
    pub(crate) tokens: String,
    /// `[[param, folded, exact]]`
    pub(crate) texts: String,
    /// `[[param, low, high]]`
    pub(crate) dates: String,
    /// `[[param, kind, id]]`
    pub(crate) references: String,
    /// `[[kind, id]]`
    pub(crate) links: String,
    /// `[code]`
    pub(crate) labels: String,
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
        About::Unknown => return Columns::none(),
    };
    let patients: BTreeSet<&str> = patients.iter().map(Id::as_str).collect();
    let (mut tokens, mut texts, mut dates, mut references) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for term in terms(resource) {
        let param = param(resource.kind(), term.param());
        match term {
            Term::Token { system, code, .. } => tokens.push(json!([param, code, system_column(system.as_deref())])),
            Term::Text { folded, exact, .. } => texts.push(json!([param, folded, exact])),
            Term::Date { low, high, .. } => dates.push(json!([param, low, high])),
            Term::Reference { kind, id, .. } => references.push(json!([param, kind.as_str(), id.as_str()])),
        }
    }
    let labels: BTreeSet<&str> = labels(resource).into_iter().map(|label| label.code()).collect();
    Columns {
        patients: json!(patients).to_string(),
        tokens: json!(tokens).to_string(),
        texts: json!(texts).to_string(),
        dates: json!(dates).to_string(),
        references: json!(references).to_string(),
        links: json!(links(resource)).to_string(),
        labels: json!(labels).to_string(),
    }
}

impl Columns {
    fn none() -> Columns {
        let empty = || "[]".to_owned();
        Columns {
            patients: empty(),
            tokens: empty(),
            texts: empty(),
            dates: empty(),
            references: empty(),
            links: empty(),
            labels: empty(),
        }
    }
}

/// Every record that this one refers to, the Binaries behind its attachments included.
fn links(resource: &Resource<'_>) -> BTreeSet<(&'static str, String)> {
    let local = |value: &Value<'_>| {
        let reference = Reference::parse(&value.text()?);
        let (kind, id) = reference.local()?;
        Some((kind.as_str(), id.to_string()))
    };
    let binary = |(kind, _): &(&'static str, String)| *kind == ResourceType::Binary.as_str();
    let attached = resource.attachments();
    let attached = attached.iter().filter_map(local).filter(binary);
    resource.references().iter().filter_map(local).chain(attached).collect()
}

/// A parameter's name in the index.
pub(crate) fn param(kind: ResourceType, name: &str) -> String {
    format!("{kind}.{name}")
}

/// A code system in the index, where no system at all is empty.
pub(crate) fn system_column(system: Option<&str>) -> &str {
    match system {
        None => "",
        // A system that is there and empty is no system that one could ask for.
        Some("") => "|",
        Some(system) => system,
    }
}
