//! Whose a group of a message is, and what it writes into that patient's record.

use crate::records::Records;
use bridge::correction::{self, Apply};
use bridge::matching::{self, Candidate, Match, Reason};
use bridge::{Action, Filing, Link, Record, Subject};
use fhir::patch::Edits;
use fhir::subject::{About, about_at};
use fhir::{Id, Resource, ResourceType};
use json::{Document, Limits, Value};
use privacy::Phi;
use std::collections::{HashMap, HashSet};
use store::{Crossed, Expected, IDENTIFIERS_MAX, Order, PUTS_MAX, Put, Store};

/// Finds out whose a group is.
///
/// # Errors
/// What the store or upstream says.
pub(crate) async fn whose(
    store: &Store,
    records: &Records,
    link: &Link,
    filing: &Phi<Filing>,
) -> Result<Match, String> {
    let filing = filing.expose();
    let claimed = filing.subject.identifiers.iter().enumerate();
    let (places, asked): (Vec<usize>, Vec<(String, String)>) = claimed
        .filter_map(|(place, identifier)| Some((place, (identifier.system.clone()?, identifier.value.clone()))))
        .unzip();
    if asked.len() > IDENTIFIERS_MAX {
        return Ok(Match::Quarantine(Reason::TooManyIdentifiers));
    }
    let mut candidates = Vec::new();
    match records {
        Records::Store(store) => {
            let found = store.patients_by_identifier(&asked).await.map_err(|why| why.to_string())?;
            for (nth, patient) in found.expose() {
                candidates.extend(places.get(*nth).and_then(|via| candidate(patient, *via)));
            }
        }
        Records::Upstream(upstream, _) => {
            for (via, (system, value)) in places.iter().zip(&asked) {
                let found =
                    upstream.patients_identified(system, value).await.map_err(|why| format!("{:?}", why.kind()))?;
                candidates.extend(found.iter().filter_map(|patient| candidate(patient.expose(), *via)));
            }
        }
    }
    let known = store.order_owners(&link.name, &filing.orders).await.map_err(|why| why.to_string())?;
    let owners: Vec<_> = known.into_iter().map(|order| (order.number, order.patient.to_string())).collect();
    Ok(matching::decide(&filing.subject, &candidates, &owners))
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

/// What a message writes: records, what its keys became, and whose its order numbers are.
#[derive(Default)]
pub(crate) struct Writes {
    /// The records.
    pub puts: Vec<Put>,
    /// The keys.
    pub crossed: Vec<Crossed>,
    /// The order numbers.
    pub orders: Vec<Order>,
    /// The types and ids of the records, each once.
    names: HashSet<(ResourceType, Id)>,
}

/// Adds what a matched group writes. `false`: it can never be written as it is, because a key has led to another id, a record stands
/// there that is another patient's, or one message says two things of one record.
///
/// # Errors
/// What the store or upstream says.
pub(crate) async fn writes(
    store: &Store,
    records: &Records,
    link: &Link,
    filing: &Phi<Filing>,
    patient: &str,
    writes: &mut Writes,
) -> Result<bool, String> {
    let filing = filing.expose();
    if filing.records.len() + writes.names.len() > PUTS_MAX {
        return Ok(false);
    }
    let keys: Vec<String> = filing.records.iter().map(|record| record.key.clone()).collect();
    let known = store.crossed(&link.name, &keys).await.map_err(|why| why.to_string())?;
    let known: HashMap<&str, &Crossed> = known.iter().map(|crossed| (crossed.key.as_str(), crossed)).collect();
    let owner = Id::parse(patient).map_err(|why| why.to_string())?;
    let names = filing.records.iter().map(name).collect::<Result<Vec<_>, String>>()?;
    let currents = currents(records, &names).await?;
    for ((record, (kind, id)), (expected, current)) in filing.records.iter().zip(names).zip(currents) {
        let prior = known.get(record.key.as_str()).copied();
        if prior.is_some_and(|prior| prior.id != id) {
            return Ok(false);
        }
        if record.has_subject()
            && let Some(current) = &current
        {
            // A server behind us may have kept a record and its answer been lost before the key was known here.
            if prior.is_none() && matches!(records, Records::Store(_)) {
                return Ok(false);
            }
            if !is_of(current, &owner, records.base()) {
                let link = link.name.as_str();
                tracing::error!(alarm = "record-of-another", link, "a message names a record of another patient");
                return Ok(false);
            }
        }
        if !writes.names.insert((kind, id.clone())) {
            // What is nobody's own is written once, as the first group has it.
            if record.has_subject() {
                return Ok(false);
            }
            continue;
        }
        if let Err(why) = one(record, (kind, id, expected), patient, prior, current.as_ref(), writes) {
            tracing::error!(why, link = link.name, "a record of a message cannot be written");
            return Ok(false);
        }
    }
    writes.orders.extend(filing.orders.iter().map(|number| Order { number: number.clone(), patient: owner.clone() }));
    Ok(true)
}

/// Whether a record that is kept at `base` is this patient's and nobody else's.
fn is_of(record: &Phi<Document>, owner: &Id, base: &str) -> bool {
    let of = Resource::of(record.expose().root()).map(|resource| about_at(&resource, base));
    of.is_ok_and(|of| matches!(of, About::Patients(patients) if patients == [owner.clone()]))
}

/// The type and the id of a record.
fn name(record: &Record) -> Result<(ResourceType, Id), String> {
    let kind = record.kind.parse().map_err(|_| "a record of no known type".to_owned())?;
    Ok((kind, Id::parse(&record.id).map_err(|why| why.to_string())?))
}

/// How each of these stands now, and what it must not have become when it is written.
async fn currents(
    records: &Records,
    names: &[(ResourceType, Id)],
) -> Result<Vec<(Expected, Option<Phi<Document>>)>, String> {
    match records {
        Records::Store(store) => {
            let found = store.currents(names).await.map_err(|why| why.to_string())?;
            let stands = |found| match found {
                Some((version, content)) => (Expected::Version(version), Some(content)),
                None => (Expected::Absent, None),
            };
            Ok(found.into_iter().map(stands).collect())
        }
        Records::Upstream(upstream, _) => {
            let mut all = Vec::with_capacity(names.len());
            for (kind, id) in names {
                let current = upstream.current(*kind, id.as_str()).await.map_err(|why| format!("{:?}", why.kind()))?;
                all.push((Expected::Any, current));
            }
            Ok(all)
        }
    }
}

fn one(
    record: &Record,
    (kind, id, expected): (ResourceType, Id, Expected),
    patient: &str,
    prior: Option<&Crossed>,
    current: Option<&Phi<Document>>,
    writes: &mut Writes,
) -> Result<(), String> {
    let members = correction::merge_members(prior.map_or(&[][..], |prior| &prior.members), &record.members);
    let whole = Record { members: members.clone(), ..record.clone() };
    let reference = format!("Patient/{patient}");
    let rendered = document(whole.render(Subject::Of(&reference)))?;
    let same = current.is_some_and(|kept| same_but_meta(rendered.root(), kept.expose().root()));
    let mut withhold_earlier = false;
    let content = match correction::decide(prior.map(|prior| &prior.standing), &record.standing, same) {
        Apply::Create | Apply::Replace => rendered,
        Apply::Void => {
            withhold_earlier = matches!(record.standing.action, Action::Void { older_too: true });
            rendered
        }
        Apply::StatusOnly => match current {
            Some(kept) => with_status(kept.expose(), &record.standing.status)?,
            None => rendered,
        },
        Apply::Unchanged => return Ok(()),
        Apply::Ignore(reason) => {
            tracing::info!(?reason, "an older result changes nothing");
            return Ok(());
        }
    };
    let content = Phi::new(content.bytes().clone());
    writes.puts.push(Put { kind, id: id.clone(), content, expected, withhold_earlier });
    let standing = record.standing.clone();
    writes.crossed.push(Crossed { key: record.key.clone(), kind, id, standing, members });
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
