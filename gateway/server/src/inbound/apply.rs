//! Whose a group of a message is, and what it writes into that patient's record.

use crate::records::Records;
use bridge::correction::{self, Apply};
use bridge::matching::{self, Candidate, Match};
use bridge::{Filing, Link, Record, Subject};
use fhir::ResourceType;
use fhir::patch::Edits;
use json::{Document, Limits, Value};
use privacy::Phi;
use store::{Known, OrderOwner, Store, Write};

/// Finds out whose a group is.
///
/// # Errors
/// What the store or upstream says.
pub async fn whose(store: &Store, records: &Records, link: &Link, filing: &Phi<Filing>) -> Result<Match, String> {
    let claimed = filing.expose().subject.clone();
    let mut candidates = Vec::new();
    for (via, identifier) in claimed.identifiers.iter().enumerate() {
        let Some(system) = &identifier.system else { continue };
        for patient in identified(store, records, system, &identifier.value).await? {
            candidates.extend(candidate(patient.expose(), via));
        }
    }
    let mut owners = Vec::new();
    for number in &filing.expose().orders {
        if let Some(patient) = store.order_owner(&link.name, number).await.map_err(|why| why.to_string())? {
            owners.push((number.clone(), patient));
        }
    }
    Ok(matching::decide(&claimed, &candidates, &owners))
}

async fn identified(store: &Store, records: &Records, system: &str, value: &str) -> Result<Vec<Phi<Document>>, String> {
    match records {
        Records::Store(store) => store.patients_identified(system, value).await.map_err(|why| why.to_string()),
        Records::Upstream(upstream) => {
            let _ = store;
            upstream.patients_identified(system, value).await.map_err(|why| format!("{:?}", why.kind()))
        }
    }
}

fn candidate(patient: &Document, via: usize) -> Option<Candidate> {
    let root = patient.root();
    let text = |value: Value<'_>, name: &str| value.get(name).and_then(Value::text).map(|text| text.into_owned());
    let names = root.get("name").into_iter().flat_map(Value::items);
    Some(Candidate {
        patient: text(root, "id")?,
        via,
        families: names.filter_map(|name| text(name, "family")).collect(),
        birth_date: text(root, "birthDate"),
        sex: text(root, "gender"),
        active: root.get("active").and_then(Value::boolean).unwrap_or(true),
    })
}

/// Adds what a matched group writes. `false`: it can never be written as it is, because two keys have one id.
///
/// # Errors
/// What the store or upstream says.
pub async fn writes(
    store: &Store,
    records: &Records,
    link: &Link,
    filing: &Phi<Filing>,
    patient: &str,
    write: &mut Write,
) -> Result<bool, String> {
    let filing = filing.expose();
    for record in &filing.records {
        let prior = store.known(&link.name, &record.key).await.map_err(|why| why.to_string())?;
        let current = current(store, records, record).await?;
        if prior.is_none() && current.is_some() && record.has_subject() {
            return Ok(false);
        }
        one(record, patient, prior.as_ref(), current.as_ref(), write)?;
    }
    let owner = |number: &bridge::OrderNumber| OrderOwner { number: number.clone(), patient: patient.to_owned() };
    write.orders.extend(filing.orders.iter().map(owner));
    Ok(true)
}

async fn current(store: &Store, records: &Records, record: &Record) -> Result<Option<Phi<Document>>, String> {
    let kind: ResourceType = record.kind.parse().map_err(|_| "a record of no known type".to_owned())?;
    match records {
        Records::Store(_) => store.current(kind, &record.id).await.map_err(|why| why.to_string()),
        Records::Upstream(upstream) => upstream.current(kind, &record.id).await.map_err(|why| format!("{:?}", why.kind())),
    }
}

fn one(
    record: &Record,
    patient: &str,
    prior: Option<&Known>,
    current: Option<&Phi<Document>>,
    write: &mut Write,
) -> Result<(), String> {
    let members = correction::merge_members(prior.map_or(&[][..], |prior| &prior.members), &record.members);
    let whole = Record { members: members.clone(), ..record.clone() };
    let reference = format!("Patient/{patient}");
    let rendered = document(whole.render(Subject::Of(&reference)))?;
    let same = current.is_some_and(|kept| same_but_meta(rendered.root(), kept.expose().root()));
    match correction::decide(prior.map(|prior| &prior.standing), &record.standing, same) {
        Apply::Create | Apply::Replace => write.resources.push(Phi::new(rendered)),
        Apply::Void => {
            if let bridge::Action::Void { older_too: true } = record.standing.action {
                write.forget_older.push((record.kind.to_owned(), record.id.clone()));
            }
            write.resources.push(Phi::new(rendered));
        }
        Apply::StatusOnly => match current {
            Some(kept) => write.resources.push(Phi::new(with_status(kept.expose(), &record.standing.status)?)),
            None => write.resources.push(Phi::new(rendered)),
        },
        Apply::Unchanged => return Ok(()),
        Apply::Ignore(reason) => {
            tracing::info!(?reason, "an older result changes nothing");
            return Ok(());
        }
    }
    write.known.push(Known {
        key: record.key.clone(),
        kind: record.kind.to_owned(),
        id: record.id.clone(),
        standing: record.standing.clone(),
        members,
    });
    Ok(())
}

fn document(bytes: Vec<u8>) -> Result<Document, String> {
    Document::parse(bytes.into(), &Limits::DEFAULT).map_err(|why| why.to_string())
}

fn same_but_meta(one: Value<'_>, other: Value<'_>) -> bool {
    let rest = |value: Value<'_>| -> Vec<Vec<u8>> {
        let mut members: Vec<Vec<u8>> =
            value.members().filter(|member| member.key != "meta").map(|member| member.raw().to_vec()).collect();
        members.sort();
        members
    };
    rest(one) == rest(other)
}

fn with_status(kept: &Document, status: &str) -> Result<Document, String> {
    let mut edits = Edits::of(kept);
    let mut json = json::Writer::new();
    json.string(status);
    edits.set(kept.root(), "status", json.finish());
    document(edits.finish())
}
