//! One person's chart while it is being written: gives each resource its id, profile, label and narrative.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::codes::{ACT_CODE, ACT_REASON, coding, escaped, reference};
use super::facts::Facts;
use super::names::MRN_SYSTEM;
use super::{Person, Resource};

/// Where the US Core profiles live.
pub(super) const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

/// What a resource is called and claims, before its content.
pub(super) struct Entry<'a> {
    /// The resource type.
    pub(super) kind: &'static str,
    /// The middle of its id: `obs` gives `p-0007-obs-1`.
    pub(super) tag: &'a str,
    /// The name of its US Core profile, if there is one.
    pub(super) profile: Option<&'a str>,
    /// What it is about, for the narrative, without the person's name.
    pub(super) summary: &'a str,
}

/// A chart: the facts, and the resources written so far.
pub(super) struct Chart {
    pub(super) facts: Facts,
    rows: Vec<Resource>,
    counts: BTreeMap<String, u32>,
}

impl Chart {
    pub(super) fn open(facts: Facts) -> Chart {
        Chart { facts, rows: Vec::new(), counts: BTreeMap::new() }
    }

    /// Writes a resource and returns the reference to it.
    pub(super) fn add(&mut self, entry: &Entry<'_>, body: Value) -> String {
        self.write(entry, body, &[])
    }

    /// Writes a resource labelled as a psychotherapy note (45 CFR 164.501), which never leaves.
    pub(super) fn add_psychotherapy(&mut self, entry: &Entry<'_>, body: Value) -> String {
        let label = coding(ACT_CODE, "PSYTHPN", "psychotherapy note information sensitivity");
        self.write(entry, body, &[label])
    }

    fn write(&mut self, entry: &Entry<'_>, body: Value, labels: &[Value]) -> String {
        let id = if entry.kind == "Patient" {
            self.facts.id.clone()
        } else {
            let count = self.counts.entry(entry.tag.to_owned()).or_default();
            *count += 1;
            format!("{}-{}-{count}", self.facts.id, entry.tag)
        };
        let who = format!("{} ({})", self.facts.full_name(), self.facts.mrn);
        let row = resource(entry, id, &who, labels, body);
        let at = format!("{}/{}", row.kind, row.id);
        self.rows.push(row);
        at
    }

    /// The person as a subject.
    pub(super) fn subject(&self) -> Value {
        reference(&format!("Patient/{}", self.facts.id), &self.facts.full_name())
    }

    /// References to all resources of a type written so far, without those in `except`.
    pub(super) fn written(&self, kind: &str) -> Vec<String> {
        let same = self.rows.iter().filter(|row| row.kind == kind);
        same.map(|row| format!("{}/{}", row.kind, row.id)).collect()
    }

    pub(super) fn close(self) -> Person {
        let facts = self.facts;
        Person {
            birth_date: facts.born.date(),
            patient: facts.id,
            given: facts.given,
            family: facts.family,
            sex: facts.sex,
            mrn: facts.mrn,
            mrn_system: MRN_SYSTEM,
            username: facts.username,
            resources: self.rows,
        }
    }
}

/// Puts a resource together: type, id, meta, narrative, then its own content.
pub(super) fn resource(entry: &Entry<'_>, id: String, who: &str, labels: &[Value], body: Value) -> Resource {
    let mut security = vec![coding(ACT_REASON, "HTEST", "test health data")];
    security.extend_from_slice(labels);
    let mut meta = Map::new();
    if let Some(profile) = entry.profile {
        meta.insert("profile".to_owned(), json!([format!("{US_CORE}{profile}")]));
    }
    meta.insert("security".to_owned(), Value::Array(security));
    let mut whole = Map::new();
    whole.insert("resourceType".to_owned(), json!(entry.kind));
    whole.insert("id".to_owned(), json!(id));
    whole.insert("meta".to_owned(), Value::Object(meta));
    // Binary is no DomainResource and has no narrative.
    if entry.kind != "Binary" {
        let words = escaped(&format!("{}: {who}. Synthetic data.", entry.summary));
        let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{words}</p></div>");
        whole.insert("text".to_owned(), json!({ "status": "generated", "div": div }));
    }
    if let Value::Object(members) = body {
        whole.extend(members);
    }
    Resource { kind: entry.kind, id, json: Value::Object(whole).to_string() }
}
