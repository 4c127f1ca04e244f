//! Ledger entries as AuditEvents in the shape of IHE BALP 1.1: one event for each patient, naming no other.
//!
//! Source: IHE Basic Audit Log Patterns, `PatientRead` and `PatientQuery`. A refusal, which is about no one we may name,
//! becomes one event without a patient. An operator's look into a kept message is told the same way, without a claim to
//! either pattern.

use crate::ledger::{About, Entry, Event, Looked};
use crate::principal::Role;
use crate::purpose::Purpose;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use json::Writer;
use percent_encoding::percent_decode_str;

const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const OBJECT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// Parameters of codes, dates and the answer's shape: they say what was looked for, never whose.
const WHAT: [&str; 22] = [
    "_count",
    "_elements",
    "_format",
    "_include",
    "_lastUpdated",
    "_revinclude",
    "_sort",
    "_summary",
    "_total",
    "authoredon",
    "category",
    "class",
    "clinical-status",
    "code",
    "date",
    "intent",
    "lifecycle-status",
    "onset-date",
    "period",
    "status",
    "target-date",
    "type",
];

/// Parameters that say whose records were looked for.
const WHOSE: [&str; 5] = ["beneficiary", "patient", "patient:Patient", "subject", "subject:Patient"];

/// Who observed: this gateway.
pub struct Observer<'a> {
    /// The gateway's FHIR base.
    pub base: &'a str,
}

/// The events of one entry, each a whole AuditEvent.
///
/// `place` is the entry's place on the ledger, `block-entry`, from which stable ids are made.
pub fn events(entry: &Entry, place: &str, observer: &Observer<'_>) -> Vec<Vec<u8>> {
    let one = |about, at| {
        let id = format!("{place}-{at}");
        match &entry.looked {
            None => event(entry, about, &id, observer),
            Some(looked) => look(entry, looked, about, &id, observer),
        }
    };
    if entry.about.is_empty() {
        return vec![one(None, 0)];
    }
    entry.about.iter().enumerate().map(|(at, about)| one(Some(about), at)).collect()
}

/// The event of one patient of an entry, under an id that says nothing of the entry's place; nothing where the entry is not
/// about them. For the patient themself: a place would tell how much else this gateway does.
pub fn event_about(entry: &Entry, patient: &str, id: &str, observer: &Observer<'_>) -> Option<Vec<u8>> {
    let about = entry.about.iter().find(|about| about.patient == patient)?;
    Some(match &entry.looked {
        None => event(entry, Some(about), id, observer),
        Some(looked) => look(entry, looked, Some(about), id, observer),
    })
}

fn event(entry: &Entry, about: Option<&About>, id: &str, observer: &Observer<'_>) -> Vec<u8> {
    let search = entry.interaction.starts_with("search");
    let mut out = Writer::new();
    out.begin_object().member("resourceType", "AuditEvent").member("id", id);
    if about.is_some() {
        let profile = if search { "PatientQuery" } else { "PatientRead" };
        out.key("meta").begin_object().key("profile").begin_array().string(&format!("{BALP}{profile}"));
        out.end_array().end_object();
    }
    coding(out.key("type"), "http://terminology.hl7.org/CodeSystem/audit-event-type", "rest");
    out.key("subtype").begin_array();
    coding(&mut out, "http://hl7.org/fhir/restful-interaction", interaction(entry));
    out.end_array();
    out.member("action", if search { "E" } else { "R" });
    out.member("recorded", &entry.at().to_string());
    outcome(&mut out, entry);
    purpose(&mut out, entry);
    agents(&mut out, entry, search, observer);
    source(&mut out, observer);
    entities(&mut out, entry, about, search, observer);
    out.end_object();
    out.finish()
}

/// A look into a kept message: who looked, why, into which, and whose it was.
fn look(entry: &Entry, looked: &Looked, about: Option<&About>, id: &str, observer: &Observer<'_>) -> Vec<u8> {
    let mut out = Writer::new();
    out.begin_object().member("resourceType", "AuditEvent").member("id", id);
    coding(out.key("type"), DCM, "110110");
    out.member("action", "R").member("recorded", &entry.at().to_string()).member("outcome", "0");
    purpose(&mut out, entry);
    out.key("agent").begin_array();
    agent(&mut out, "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", true, |out| {
        out.key("who").begin_object().key("identifier").begin_object().member("value", &entry.account);
        out.end_object().end_object();
    });
    out.end_array();
    source(&mut out, observer);
    out.key("entity").begin_array();
    patient(&mut out, about);
    let number = entry.id.as_deref().unwrap_or("");
    out.begin_object();
    coding(out.key("type"), OBJECT_TYPE, "2");
    out.member("name", &format!("message {number} of the link {}", looked.link)).member("description", &looked.reason);
    if looked.patient_unknown {
        out.key("detail").begin_array().begin_object().member("type", "patient");
        out.member("valueString", "not known of everything in it").end_object().end_array();
    }
    out.end_object();
    request(&mut out, entry);
    out.end_array().end_object();
    out.finish()
}

fn interaction(entry: &Entry) -> &str {
    if entry.interaction.is_empty() { "read" } else { &entry.interaction }
}

fn purpose(out: &mut Writer, entry: &Entry) {
    out.key("purposeOfEvent").begin_array().begin_object().key("coding").begin_array();
    coding(out, Purpose::SYSTEM, &entry.purpose);
    out.end_array().end_object().end_array();
}

fn source(out: &mut Writer, observer: &Observer<'_>) {
    out.key("source").begin_object();
    out.key("observer").begin_object().member("display", observer.base).end_object();
    out.key("type").begin_array();
    coding(out, "http://terminology.hl7.org/CodeSystem/security-source-type", "4");
    out.end_array().end_object();
}

/// `0` success; `4` a refusal, whose reason is the name of its kind.
fn outcome(out: &mut Writer, entry: &Entry) {
    match entry.event {
        Event::Disclosed => out.member("outcome", "0"),
        Event::Refused => {
            out.member("outcome", "4").member("outcomeDesc", entry.refusal.as_deref().unwrap_or("refused"))
        }
    };
}

/// The client, this server, and the person, if there is one; else the client asked by itself. Reading, data flows from
/// server to client; a query goes the other way.
fn agents(out: &mut Writer, entry: &Entry, search: bool, observer: &Observer<'_>) {
    const SOURCE: &str = "110153";
    const DESTINATION: &str = "110152";
    let (client, server) = if search { (SOURCE, DESTINATION) } else { (DESTINATION, SOURCE) };
    out.key("agent").begin_array();
    let by_itself = Role::of(&entry.role) == Some(Role::System);
    agent(out, DCM, client, by_itself, |out| {
        out.key("who").begin_object().key("identifier").begin_object().member("value", &entry.client);
        out.end_object().end_object();
        if !entry.from.is_empty() {
            out.key("network").begin_object().member("address", &entry.from).member("type", "2").end_object();
        }
    });
    agent(out, DCM, server, false, |out| {
        out.key("who").begin_object().member("display", "Sluice").end_object();
        out.key("network").begin_object().member("address", observer.base).member("type", "5").end_object();
    });
    if by_itself {
        out.end_array();
        return;
    }
    let represents = Role::of(&entry.role) == Some(Role::Representative);
    agent(out, "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", true, |out| {
        if represents {
            out.key("role").begin_array().begin_object().member("text", &entry.role).end_object().end_array();
        }
        out.key("who").begin_object();
        // Whoever stands in the record of one patient is not named to another for whom they act as well.
        if let Some(reference) = entry.fhir_user.as_ref().filter(|_| !represents) {
            out.member("reference", reference);
        }
        out.key("identifier").begin_object().member("value", &entry.account).end_object().end_object();
    });
    out.end_array();
}

fn agent(out: &mut Writer, system: &str, code: &str, requestor: bool, who: impl FnOnce(&mut Writer)) {
    out.begin_object().key("type").begin_object().key("coding").begin_array();
    coding(out, system, code);
    out.end_array().end_object();
    who(out);
    out.key("requestor").boolean(requestor);
    out.end_object();
}

/// The query as far as it may stand in one patient's event. A query can name anyone, whoever the answer was about: by
/// reference, by identifier, by name. Parameters that only say what was looked for stay; those that say whose stay when it
/// is this patient; all others go.
fn query_for(about: &About, entry: &Entry, query: &str, observer: &Observer<'_>) -> String {
    let ours =
        ["", "Patient/", &format!("{}/Patient/", observer.base)].map(|before| format!("{before}{}", about.patient));
    let kept = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = decoded(name);
        if WHAT.contains(&name.as_str()) {
            return Some(pair.to_owned());
        }
        let whose = WHOSE.contains(&name.as_str()) || (name == "_id" && entry.kind == "Patient");
        let value = decoded(value);
        let own: Vec<&str> = value.split(',').filter(|one| whose && ours.iter().any(|our| our == one)).collect();
        (!own.is_empty()).then(|| format!("{name}={}", own.join(",")))
    });
    kept.collect::<Vec<_>>().join("&")
}

/// `application/x-www-form-urlencoded`, undone.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The patient, the resources of that patient alone, the query, the request's id, and the policy.
fn entities(out: &mut Writer, entry: &Entry, about: Option<&About>, search: bool, observer: &Observer<'_>) {
    out.key("entity").begin_array();
    patient(out, about);
    if let Some(asked) = asked(entry, about, search, observer) {
        entity(out, "2", "24", |out| {
            out.member("query", &STANDARD.encode(asked));
        });
    }
    request(out, entry);
    if !entry.policy.is_empty() {
        out.begin_object().member("name", &entry.policy);
        coding(out.key("type"), OBJECT_TYPE, "2");
        coding(out.key("role"), "http://terminology.hl7.org/CodeSystem/object-role", "13");
        out.end_object();
    }
    out.end_array();
}

/// What was asked, as far as it may stand in this event: of an answer the search, of a refusal whatever was asked for.
fn asked(entry: &Entry, about: Option<&About>, search: bool, observer: &Observer<'_>) -> Option<String> {
    let query = entry.query.as_deref().unwrap_or("");
    match about {
        Some(about) => search.then(|| format!("{}?{}", entry.kind, query_for(about, entry, query, observer))),
        // It could not be read as a question; its address stands as it came.
        None if entry.kind.is_empty() => (!query.is_empty()).then(|| query.to_owned()),
        None if search => Some(format!("{}?{query}", entry.kind)),
        None => entry.id.as_ref().map(|id| format!("{}/{id}", entry.kind)),
    }
}

/// The patient, and what of theirs was shown.
fn patient(out: &mut Writer, about: Option<&About>) {
    let Some(about) = about else { return };
    entity(out, "1", "1", |out| reference(out, &format!("Patient/{}", about.patient)));
    for resource in &about.resources {
        entity(out, "2", "4", |out| reference(out, resource));
    }
}

/// The request's id, by which the log is found.
fn request(out: &mut Writer, entry: &Entry) {
    if entry.correlation.is_empty() {
        return;
    }
    out.begin_object().key("what").begin_object().key("identifier").begin_object();
    out.member("value", &entry.correlation).end_object().end_object();
    coding(out.key("type"), "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId");
    out.end_object();
}

fn entity(out: &mut Writer, kind: &str, role: &str, body: impl FnOnce(&mut Writer)) {
    out.begin_object();
    body(out);
    coding(out.key("type"), OBJECT_TYPE, kind);
    coding(out.key("role"), "http://terminology.hl7.org/CodeSystem/object-role", role);
    out.end_object();
}

fn reference(out: &mut Writer, to: &str) {
    out.key("what").begin_object().member("reference", to).end_object();
}

fn coding(out: &mut Writer, system: &str, code: &str) {
    out.begin_object().member("system", system).member("code", code).end_object();
}

#[cfg(test)]
#[path = "accounting_tests.rs"]
mod tests;
