//! Ids that follow from what each thing is, all of a group before anything refers to any.

use std::borrow::Cow;
use std::collections::HashMap;

use bridge::identifier::{Key, id, text, uuid};
use bridge::{Claimed, Role};
use uuid::Uuid;

use super::Work;
use super::kin::{Kin, Parent};
use crate::map::identifiers::order_number;
use crate::map::structure::Group;
use crate::parse::Value;

/// The ids of everything that one order makes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) report: Named,
    pub(crate) request: Named,
    pub(crate) results: Vec<Named>,
    pub(crate) specimens: Vec<Named>,
    /// The result of another order that this one goes further into.
    pub(crate) parent: Option<Parent>,
    /// That result's id.
    pub(crate) parent_result: Option<String>,
    /// The request of the parent order.
    pub(crate) parent_request: Option<String>,
}

/// A key and the id that follows from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub(crate) key: String,
    pub(crate) id: String,
}

impl Named {
    /// The reference to a result of this name.
    pub(super) fn result(&self) -> String {
        ["Observation/", &self.id].concat()
    }
}

impl Work<'_> {
    /// The key and id of what the segment at `place` makes.
    pub(super) fn name(&self, kind: &str, key: Key, place: usize) -> Named {
        let key = key.text();
        self.run.message.makes(key.len(), place);
        Named { id: id(self.run.link.namespace, kind, &key), key }
    }

    /// As [`Work::name`]; the same key a second time in one message is another thing: its second occurrence.
    fn again(&self, kind: &str, key: Key, place: usize, seen: &mut HashMap<Uuid, usize>) -> Named {
        let mut key = key.text();
        let mut own = uuid(self.run.link.namespace, kind, &key);
        let count = seen.entry(own).or_insert(0);
        *count += 1;
        if *count > 1 {
            key.push_str(&format!("|#{count}"));
            own = uuid(self.run.link.namespace, kind, &key);
        }
        self.run.message.makes(key.len(), place);
        Named { id: text(own), key }
    }

    /// What makes a thing of this message only: for things that no number identifies.
    fn only_here(&self, shape: &str) -> Key {
        let heading = self.run.heading;
        Key::of(shape)
            .and(&exact(&heading.sending_application))
            .and(self.facility)
            .and(&exact(&heading.control_id))
            .and(&self.place.to_string())
    }

    pub(super) fn patient_name(&self, subject: &Claimed) -> Named {
        let first = subject.identifiers.iter().find(|given| given.system.is_some()).or(subject.identifiers.first());
        let key = match first {
            Some(given) => {
                Key::of("patient").and(given.system.as_deref().unwrap_or(&given.authority)).and(&given.value)
            }
            None => self.only_here("patient-of"),
        };
        self.name("Patient", key, 0)
    }

    pub(super) fn loose_name(&self, subject: &Claimed, obx: usize, place: usize) -> Named {
        let field = |number: u16| self.run.message.field(obx, number);
        let when = field(14).naming().unwrap_or_default();
        let key = match subject.identifiers.first() {
            Some(given) if !when.is_empty() => Key::of("of-patient").and(&given.authority).and(&given.value).and(&when),
            Some(_) | None => self.only_here("of-patient-in").and(&place.to_string()),
        };
        self.name("Observation", key.and(&coded(field(3))).and(&field(4).naming_raw()), obx)
    }

    /// Every id of a group, before anything refers to any.
    pub(super) fn ids(&self, group: &Group) -> Vec<Ids> {
        let message = self.run.message;
        let results = group.reports.iter().map(|report| report.results.len() + 1).sum();
        let mut seen: HashMap<Uuid, usize> = HashMap::with_capacity(results);
        let mut all: Vec<Ids> = Vec::with_capacity(group.reports.len());
        for (place, report) in group.reports.iter().enumerate() {
            if message.is_overfull() {
                break;
            }
            let obr = report.obr.unwrap_or(usize::MAX);
            let orc = report.orc.unwrap_or(usize::MAX);
            let service = coded(message.field(obr, 4));
            let placer = self.number(&[message.field(obr, 2), message.field(orc, 2)]);
            let filler = self.number(&[message.field(obr, 3), message.field(orc, 3)]);
            let parent_order = message.field(obr, 29).naming_raw();
            let parent_result = message.field(obr, 26).naming_raw();
            let number = match (&filler, &placer) {
                (Some(filler), _placer) => Key::of("filler").and(&filler.0).and(&filler.1),
                (None, Some(placer)) => Key::of("placer").and(&placer.0).and(&placer.1),
                (None, None) => self.only_here("report-in").and(&place.to_string()),
            };
            let key = number.and(&service).and(&parent_order).and(&parent_result);
            let request = match (&placer, &filler) {
                (Some(placer), _filler) => Key::of("placer").and(&placer.0).and(&placer.1).and(&service),
                (None, Some(filler)) => Key::of("filler").and(&filler.0).and(&filler.1).and(&service),
                (None, None) => self.only_here("request-in").and(&place.to_string()).and(&service),
            };
            let own = self.again("DiagnosticReport", key, obr, &mut seen);
            let mut ids = Ids { report: own, request: self.name("ServiceRequest", request, obr), ..Ids::default() };
            let report_key = &ids.report.key;
            for taken in &report.specimens {
                let given = message.field(taken.spm, 2);
                let key = if given.is_empty() {
                    Key::of("specimen").and(report_key).and(&message.field(taken.spm, 1).naming_raw())
                } else {
                    Key::of("specimen-id").and(self.facility).and(&given.naming_raw())
                };
                ids.specimens.push(self.again("Specimen", key, taken.spm, &mut seen));
            }
            let of_order = [15u16, 9, 10, 14, 39].iter().any(|field| !message.field(obr, *field).is_empty());
            if report.specimens.is_empty() && of_order {
                ids.specimens.push(self.name("Specimen", Key::of("specimen-of").and(report_key), obr));
            }
            let of_report = Key::of("result").and(report_key);
            ids.results.reserve(report.results.len());
            for result in &report.results {
                if message.is_overfull() {
                    break;
                }
                let field = |number: u16| message.field(result.obx, number);
                let specimen = result.specimen.and_then(|place| ids.specimens.get(place));
                let key = of_report
                    .begun()
                    .and(&coded(field(3)))
                    .and(&field(4).naming_raw())
                    .and(specimen.map(|specimen| specimen.key.as_str()).unwrap_or_default());
                ids.results.push(self.again("Observation", key, result.obx, &mut seen));
            }
            all.push(ids);
        }
        let Some(kin) = Kin::of(message, group) else { return all };
        for place in 0..all.len() {
            let order = kin.parent_order(group, place);
            let found = kin.parent_of(group, place, order);
            let result = found.and_then(|at| all.get(at.report)?.results.get(at.result)).map(|named| named.id.clone());
            let request = order.and_then(|parent| all.get(parent)).map(|ids| ids.request.id.clone());
            if let Some(ids) = all.get_mut(place) {
                ids.parent = found;
                ids.parent_result = result;
                ids.parent_request = request;
            }
        }
        all
    }

    /// A number and whose it is; without an authority of its own, the sending facility's.
    fn number(&self, places: &[Value<'_>]) -> Option<(String, String)> {
        let number = places.iter().find_map(|value| order_number(*value, Role::Filler, self.facility))?;
        Some((number.authority, number.value))
    }
}

/// Bytes of a heading as they stand in a key: text where they are UTF-8; else a carriage return, which no field holds, and
/// each byte as a character. So different bytes never make one key, as they make no one entry of the journal.
pub(super) fn exact(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_not) => std::iter::once('\r').chain(bytes.iter().copied().map(char::from)).collect(),
    }
}

/// A coded field as its identity: code and system, else the text.
pub(super) fn coded(value: Value<'_>) -> String {
    let Some(code) = value.part(1).naming() else { return value.naming_raw() };
    let system = value.part(3).naming().unwrap_or_default();
    if !code.contains(['^', '&', '\\']) && code != "\"\"" {
        return [&*code, "^", &*system].concat();
    }
    // What was escaped in a code must not be taken for what separates it from the system, nor for a code that is not there.
    let mut own = String::with_capacity(code.len() + system.len() + 8);
    for character in code.chars() {
        if matches!(character, '^' | '&' | '"' | '\\') {
            own.push('\\');
        }
        own.push(character);
    }
    own + "^" + &system
}

/// The number of an order that another one names.
pub(super) fn entity(value: Value<'_>) -> Option<String> {
    let scalar = value.part(1);
    scalar.trimmed().or_else(|| value.trimmed()).map(|text| text.into_owned())
}
