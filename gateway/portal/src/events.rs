//! What pages show of an event of the record's history: when, who, by which app, why, and which kinds of records.
//!
//! Read from AuditEvents that were released to the patient whom they are about (IHE BALP, as `privacy::accounting` writes
//! them). What an event does not say in a way that is known here is shown as unknown, never guessed.

use crate::records::name;
use crate::text::{Text, of_kind, place_of};
use fhir::{Instant, ResourceType};
use json::{Document, Limits, Value};
use privacy::{Page as Released, Shown};
use std::collections::BTreeMap;

/// The client under which this server's own pages stand.
pub(crate) const PORTAL: &str = "portal";
/// The agents that are clients (DICOM: source and destination of data).
const CLIENTS: [&str; 2] = ["110153", "110152"];

/// Who saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The patient themself.
    Own,
    /// A clinician, by the reference to them.
    Clinician(String),
    /// Someone who acts for the patient.
    Representative,
    /// Someone who runs the server.
    Operator,
    /// Someone of whom the event says nothing that is known here.
    Unknown,
}

/// One event.
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) who: Who,
    /// The app's id; none for an operator.
    pub(crate) client: Option<String>,
    pub(crate) why: Text,
    /// Kinds of records and how many of each, in the order of pages.
    pub(crate) kinds: Vec<(ResourceType, usize)>,
}

/// The events of a page, as they stand there.
pub(crate) fn events(page: &Released) -> Vec<Event> {
    page.rows.iter().filter_map(event).collect()
}

fn event(row: &Shown) -> Option<Event> {
    if row.kind != ResourceType::AuditEvent {
        return None;
    }
    let document = Document::parse(row.content.clone(), &Limits::DEFAULT).ok()?;
    let event = document.root();
    let at = Instant::parse(&text(event, "recorded")?).ok()?;
    let purpose = items(event, "purposeOfEvent").find_map(code).unwrap_or_default();
    let (why, operates) = match purpose.as_str() {
        "TREAT" => (Text::PurposeTreatment, false),
        "HPAYMT" => (Text::PurposePayment, false),
        "PATRQT" => (Text::PurposeRequest, false),
        "HOPERAT" => (Text::PurposeOperations, true),
        _ => (Text::PurposeOther, false),
    };
    let agents: Vec<Value<'_>> = items(event, "agent").collect();
    let is_client = |agent: &&Value<'_>| agent.get("type").and_then(code).is_some_and(|code| CLIENTS.contains(&&*code));
    let client = agents.iter().filter(is_client).find_map(|agent| text(agent.get("who")?.get("identifier")?, "value"));
    let person = agents.iter().find(|agent| agent.get("requestor").is_some_and(|asks| asks.raw() == b"true"));
    let represents = person.is_some_and(|agent| {
        items(*agent, "role").any(|role| role.get("text").is_some_and(|said| said.is("representative")))
    });
    let person = person.and_then(|agent| text(agent.get("who")?, "reference"));
    let who = match person {
        None | Some(_) if represents => Who::Representative,
        Some(reference) if row.about.iter().any(|own| reference == format!("Patient/{own}")) => Who::Own,
        Some(reference) if reference.starts_with("Practitioner/") => Who::Clinician(reference),
        Some(_) => Who::Unknown,
        None if operates => Who::Operator,
        None => Who::Unknown,
    };
    Some(Event { at, who, client, why, kinds: kinds(event) })
}

/// What was read on one day, by kind in the order of pages, and how many of each.
pub(crate) struct DayRead {
    pub(crate) at: Instant,
    pub(crate) kinds: BTreeMap<(usize, ResourceType), usize>,
}

/// Adds an event to the days that it is the next of, the newest first.
pub(crate) fn add(days: &mut Vec<DayRead>, event: Event) {
    const DAY_S: i64 = 24 * 3600;
    let day = |at: Instant| at.seconds().div_euclid(DAY_S);
    if days.last().is_none_or(|last| day(last.at) != day(event.at)) {
        days.push(DayRead { at: event.at, kinds: BTreeMap::new() });
    }
    let Some(last) = days.last_mut() else { return };
    for (kind, count) in event.kinds {
        *last.kinds.entry((place_of(kind), kind)).or_default() += count;
    }
}

/// Everything that was shown, by its kind: the entities with the role of a resource (object-role 4).
fn kinds(event: Value<'_>) -> Vec<(ResourceType, usize)> {
    let shown = items(event, "entity")
        .filter(|entity| entity.get("role").and_then(|role| role.get("code")).is_some_and(|code| code.is("4")));
    let kind = |entity: Value<'_>| {
        let reference = text(entity.get("what")?, "reference")?;
        reference.split('/').next()?.parse().ok()
    };
    let mut counted: BTreeMap<ResourceType, usize> = BTreeMap::new();
    shown.filter_map(kind).for_each(|kind| *counted.entry(kind).or_default() += 1);
    let mut kinds: Vec<(ResourceType, usize)> = counted.into_iter().collect();
    kinds.sort_by_key(|(kind, _)| place_of(*kind));
    kinds
}

/// What a kind of record is called on pages.
pub(crate) fn kind_name(kind: ResourceType, say: impl Fn(Text) -> &'static str) -> String {
    match of_kind(kind) {
        (_, label, Some(_)) => say(label).to_owned(),
        (_, label, None) => format!("{} ({})", say(label), kind.as_str()),
    }
}

/// The names of the people of a page, by the reference to each.
pub(crate) fn names(people: &Released) -> BTreeMap<String, String> {
    let named = |row: &Shown| {
        let document = Document::parse(row.content.clone(), &Limits::DEFAULT).ok()?;
        Some((format!("{}/{}", row.kind, row.id), name(document.root())?))
    };
    people.rows.iter().filter_map(named).collect()
}

fn items<'a>(value: Value<'a>, key: &str) -> impl Iterator<Item = Value<'a>> {
    value.get(key).into_iter().flat_map(Value::items)
}

fn text(value: Value<'_>, key: &str) -> Option<String> {
    value.get(key)?.text().map(|text| text.into_owned())
}

/// The first code of a CodeableConcept.
fn code(concept: Value<'_>) -> Option<String> {
    items(concept, "coding").find_map(|coding| text(coding, "code"))
}
