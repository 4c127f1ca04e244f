//! ORU^R01: from the groups of a message to filings, with ids that follow from what each thing is.

use std::collections::{HashMap, HashSet};

use bridge::identifier::{Key, id};
use bridge::mapping::{Map, Out};
use bridge::{
    Action, Claimed, ClaimedIdentifier, Code, Filing, Heading, Link, OrderNumber, Position, Record, Role, Severity,
    Stage, Standing,
};

use super::engine::{At, Run, Scope, Step};
use super::steps::{order_number, system_of};
use super::structure::{self, Group, Report};
use super::tables::MAPS;
use super::value;
use crate::moment::Zones;
use crate::parse::{Message, Value};

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

/// A result among the message's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    report: usize,
    result: usize,
}

/// What OBX-11 does to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It tells the result.
    Told,
    /// It changes the status alone.
    StatusAlone,
    /// It takes the result back.
    Withdrawn,
}

/// Reads a result's OBX-11.
pub(crate) fn change(run: &Run<'_>, obx: usize) -> Change {
    match run.message.field(obx, 11).trimmed().as_deref() {
        Some("D" | "W") => Change::Withdrawn,
        Some("U") if run.message.field(obx, 5).is_empty() => Change::StatusAlone,
        Some(_told) => Change::Told,
        None => Change::Told,
    }
}

/// One filing for each patient group of the message.
pub(crate) fn filings(message: &Message<'_>, heading: &Heading, link: &Link) -> Vec<Filing> {
    let groups = structure::read(message);
    let missing = |name: &[u8; 3]| message.defect(Position::segment(*name), Code::SegmentSequence, Severity::Error);
    if groups.iter().all(|group| group.reports.is_empty() && group.loose.is_empty()) {
        missing(b"OBR");
    }
    if groups.is_empty() || groups.iter().any(|group| group.pid.is_none()) {
        missing(b"PID");
    }
    let mut filed = Vec::with_capacity(groups.len());
    for (place, group) in groups.iter().enumerate() {
        let zones = Zones::of(link, &heading.sent_at);
        let sent_at_us = zones.read(&heading.sent_at).map(|moment| moment.low_us);
        let run = Run {
            link,
            message,
            heading,
            zones,
            sent_at_us,
            maps: &MAPS,
            shared: Vec::new(),
            named: HashMap::new(),
            open: Vec::new(),
            kept: Vec::new(),
        };
        filed.push(Work { run, place }.filing(group));
    }
    sweep(message);
    filed
}

struct Work<'m> {
    run: Run<'m>,
    /// The place of the group in the message.
    place: usize,
}

impl<'m> Work<'m> {
    fn filing(mut self, group: &Group) -> Filing {
        let subject = self.claimed(group);
        let patient_notes: Vec<usize> = group.notes.clone();
        let scope = Scope { group, report: None, own: None, notes: &patient_notes, result: None };
        for note in &patient_notes {
            self.run.message.field(*note, 1).ignored("set-id");
            for field in 2..=self.run.message.last_field(*note) {
                let value = self.run.message.field(*note, field);
                value.ignored("note-on-a-patient-is-no-result");
            }
        }
        let named = self.patient_name(&subject);
        let body = self.run.resource(&MAPS.patient, &named.id, &scope);
        let patient =
            self.record("Patient", &named, body, self.standing("", Stage::Final, Action::Put, None), Vec::new());
        let ids = self.ids(group);
        let mut records = Vec::new();
        for (place, result) in group.loose.iter().enumerate() {
            let named = self.loose_name(&subject, result.obx, place);
            let scope = Scope { group, report: None, own: Some(result.obx), notes: &result.notes, result: None };
            let body = self.run.resource(&MAPS.observation, &named.id, &scope);
            let standing = self.result_standing(result.obx, None);
            records.push(self.record("Observation", &named, body, standing, Vec::new()));
        }
        let mut orders: Vec<OrderNumber> = Vec::new();
        for (place, report) in group.reports.iter().enumerate() {
            self.orders(report, &mut orders);
            self.report(group, report, place, &ids, &mut records);
        }
        let mut all = std::mem::take(&mut self.run.shared);
        all.extend(once_each(records, self.run.message, group));
        Filing { subject, orders, records: all, patient }
    }

    fn report(&mut self, group: &Group, report: &Report, place: usize, ids: &[Ids], records: &mut Vec<Record>) {
        let Some(own) = ids.get(place) else { return };
        let message = self.run.message;
        let obr = report.obr.unwrap_or(usize::MAX);
        if message.field(obr, 4).is_empty() {
            let at = Position { field: 4, ..message.position(obr) };
            message.defect(at, Code::RequiredFieldMissing, Severity::Error);
        }
        let base = Scope { group, report: Some((report, own)), own: None, notes: &[], result: None };
        let reported = self.reported_at_us(obr);
        for (taken, named) in report.specimens.iter().zip(&own.specimens) {
            let scope = Scope { own: Some(taken.spm), notes: &taken.notes, ..base };
            let body = self.run.resource(&MAPS.specimen, &named.id, &scope);
            let standing = self.standing("", Stage::Final, Action::Put, reported);
            records.push(self.record("Specimen", named, body, standing, Vec::new()));
        }
        if report.specimens.is_empty()
            && let Some(named) = own.specimens.first()
        {
            let body = self.run.resource(&MAPS.specimen_of_order, &named.id, &base);
            let standing = self.standing("", Stage::Final, Action::Put, reported);
            records.push(self.record("Specimen", named, body, standing, Vec::new()));
        }
        let scope = Scope { notes: &report.order_notes, ..base };
        let body = self.run.resource(&MAPS.request, &own.request.id, &scope);
        let standing = self.standing("", Stage::Final, Action::Put, reported);
        records.push(self.record("ServiceRequest", &own.request, body, standing, Vec::new()));
        for (number, (result, named)) in report.results.iter().zip(&own.results).enumerate() {
            if message.field(result.obx, 3).is_empty() {
                let at = Position { field: 3, ..message.position(result.obx) };
                message.defect(at, Code::RequiredFieldMissing, Severity::Error);
            }
            let scope = Scope { own: Some(result.obx), notes: &result.notes, result: Some(number), ..base };
            let body = self.run.resource(&MAPS.observation, &named.id, &scope);
            let members = members(report, ids, place, number, message);
            let standing = self.result_standing(result.obx, reported);
            records.push(self.record("Observation", named, body, standing, members));
        }
        let scope = Scope { notes: &report.notes, ..base };
        let body = self.run.resource(&MAPS.report, &own.report.id, &scope);
        let status = status_of_report(&self.run, obr);
        let stage = match status {
            "registered" | "partial" | "preliminary" => Stage::Preliminary,
            _final => Stage::Final,
        };
        let standing = self.standing(status, stage, Action::Put, reported);
        let results = own.results.iter().map(|named| format!("Observation/{}", named.id)).collect();
        records.push(self.record("DiagnosticReport", &own.report, body, standing, results));
    }

    fn record(
        &self,
        kind: &'static str,
        named: &Named,
        body: Vec<u8>,
        standing: Standing,
        members: Vec<String>,
    ) -> Record {
        let mut once: Vec<String> = Vec::with_capacity(members.len());
        for member in members {
            if !once.contains(&member) {
                once.push(member);
            }
        }
        Record { kind, id: named.id.clone(), key: named.key.clone(), standing, members: once, body }
    }

    fn standing(&self, status: &str, stage: Stage, action: Action, reported_at_us: Option<i64>) -> Standing {
        Standing { status: status.to_owned(), stage, reported_at_us, sent_at_us: self.run.sent_at_us, action }
    }

    /// OBR-22 as microseconds since 1970.
    fn reported_at_us(&self, obr: usize) -> Option<i64> {
        let text = self.run.message.field(obr, 22).trimmed()?;
        self.run.zones.read(&text).map(|moment| moment.low_us)
    }

    fn result_standing(&self, obx: usize, reported: Option<i64>) -> Standing {
        let code = self.run.message.field(obx, 11).trimmed().unwrap_or_default().into_owned();
        let status = status_of_result(&self.run, obx);
        let stage = match status {
            "registered" | "preliminary" => Stage::Preliminary,
            "entered-in-error" => Stage::Withdrawn,
            _final => Stage::Final,
        };
        let action = match (change(&self.run, obx), code.as_str()) {
            (Change::Withdrawn, code) => Action::Void { older_too: code == "W" },
            (Change::StatusAlone, _code) => Action::StatusOnly,
            (Change::Told, _code) => Action::Put,
        };
        self.standing(status, stage, action, reported)
    }

    fn facility(&self) -> String {
        String::from_utf8_lossy(&self.run.heading.sending_facility).into_owned()
    }

    fn orders(&self, report: &Report, orders: &mut Vec<OrderNumber>) {
        let facility = self.facility();
        for (segment, field, role) in [
            (report.orc, 2, Role::Placer),
            (report.obr, 2, Role::Placer),
            (report.orc, 3, Role::Filler),
            (report.obr, 3, Role::Filler),
        ] {
            let value = self.run.message.field(segment.unwrap_or(usize::MAX), field);
            if let Some(number) = order_number(value, role, &facility)
                && !orders.contains(&number)
            {
                orders.push(number);
            }
        }
    }

    /// Whom PID claims it is about.
    fn claimed(&self, group: &Group) -> Claimed {
        let pid = group.pid.unwrap_or(usize::MAX);
        let field = |number: u16| self.run.message.field(pid, number);
        let text = |value: Value<'_>| value.trimmed().map(|text| text.into_owned());
        let mut identifiers = Vec::new();
        for number in [3u16, 2, 4] {
            for cx in field(number).repetitions() {
                let Some(value) = text(cx.part(1)) else { continue };
                let authority = cx.part(4);
                let (namespace, universal) =
                    (text(authority.part(1)).unwrap_or_default(), text(authority.part(2)).unwrap_or_default());
                let known = self.run.link.authority(&namespace, &universal).filter(|known| known.patients);
                identifiers.push(ClaimedIdentifier {
                    system: known.map(|known| known.system.clone()),
                    authority: if universal.is_empty() { namespace } else { universal },
                    value,
                    type_code: text(cx.part(5)),
                });
            }
        }
        let name = field(5);
        let birth = text(field(7)).and_then(|text| self.run.zones.read(&text));
        let sex = text(field(8)).and_then(|code| {
            let own = self.run.link.own_code("0001", &code).map(str::to_owned);
            own.or_else(|| MAPS.tables.get("0001")?.look_up(&code).map(|(target, _filled)| target.to_owned()))
        });
        Claimed {
            identifiers,
            family: text(name.part(1).part(1)),
            given: [2, 3].into_iter().filter_map(|part| text(name.part(part))).collect(),
            birth_date: birth.and_then(|moment| moment.fhir.get(..10.min(moment.fhir.len())).map(str::to_owned)),
            sex,
        }
    }

    fn name(&self, kind: &str, key: Key) -> Named {
        let key = key.text();
        Named { id: id(self.run.link.namespace, kind, &key), key }
    }

    /// What makes a thing of this message only: for things that no number identifies.
    fn only_here(&self, shape: &str) -> Key {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let heading = self.run.heading;
        Key::of(shape)
            .and(&text(&heading.sending_application))
            .and(&text(&heading.sending_facility))
            .and(&text(&heading.control_id))
            .and(&self.place.to_string())
    }

    fn patient_name(&self, subject: &Claimed) -> Named {
        let first = subject.identifiers.iter().find(|given| given.system.is_some()).or(subject.identifiers.first());
        let key = match first {
            Some(given) => {
                Key::of("patient").and(given.system.as_deref().unwrap_or(&given.authority)).and(&given.value)
            }
            None => self.only_here("patient-of"),
        };
        self.name("Patient", key)
    }

    fn loose_name(&self, subject: &Claimed, obx: usize, place: usize) -> Named {
        let field = |number: u16| self.run.message.field(obx, number);
        let when = field(14).trimmed().unwrap_or_default().into_owned();
        let key = match subject.identifiers.first() {
            Some(given) if !when.is_empty() => Key::of("of-patient").and(&given.authority).and(&given.value).and(&when),
            Some(_) | None => self.only_here("of-patient-in").and(&place.to_string()),
        };
        self.name("Observation", key.and(&coded(field(3))).and(&field(4).raw()))
    }

    /// Every id of a group, before anything refers to any.
    fn ids(&self, group: &Group) -> Vec<Ids> {
        let message = self.run.message;
        let mut seen: HashMap<(&'static str, Key), usize> = HashMap::new();
        let mut all: Vec<Ids> = Vec::with_capacity(group.reports.len());
        for (place, report) in group.reports.iter().enumerate() {
            let obr = report.obr.unwrap_or(usize::MAX);
            let orc = report.orc.unwrap_or(usize::MAX);
            let service = coded(message.field(obr, 4));
            let placer = self.number(&[message.field(obr, 2), message.field(orc, 2)]);
            let filler = self.number(&[message.field(obr, 3), message.field(orc, 3)]);
            let parent_order = message.field(obr, 29).raw();
            let parent_result = message.field(obr, 26).raw();
            let number = match (&filler, &placer) {
                (Some(filler), _placer) => Key::of("filler").and(&filler.0).and(&filler.1),
                (None, Some(placer)) => Key::of("placer").and(&placer.0).and(&placer.1),
                (None, None) => self.only_here("report-in").and(&place.to_string()),
            };
            let key = number.and(&service).and(&parent_order).and(&parent_result);
            let key = again(key, "DiagnosticReport", &mut seen);
            let request = match (&placer, &filler) {
                (Some(placer), _filler) => Key::of("placer").and(&placer.0).and(&placer.1).and(&service),
                (None, Some(filler)) => Key::of("filler").and(&filler.0).and(&filler.1).and(&service),
                (None, None) => self.only_here("request-in").and(&place.to_string()).and(&service),
            };
            let report_key = key.clone().text();
            let mut ids = Ids {
                report: self.name("DiagnosticReport", key),
                request: self.name("ServiceRequest", request),
                ..Ids::default()
            };
            for taken in &report.specimens {
                let given = message.field(taken.spm, 2);
                let key = if given.is_empty() {
                    Key::of("specimen").and(&report_key).and(&message.field(taken.spm, 1).raw())
                } else {
                    Key::of("specimen-id").and(&self.facility()).and(&given.raw())
                };
                ids.specimens.push(self.name("Specimen", again(key, "Specimen", &mut seen)));
            }
            let of_order = [15u16, 9, 10, 14, 39].iter().any(|field| !message.field(obr, *field).is_empty());
            if report.specimens.is_empty() && of_order {
                ids.specimens.push(self.name("Specimen", Key::of("specimen-of").and(&report_key)));
            }
            for result in &report.results {
                let field = |number: u16| message.field(result.obx, number);
                let specimen = result.specimen.and_then(|place| ids.specimens.get(place));
                let key = Key::of("result")
                    .and(&report_key)
                    .and(&coded(field(3)))
                    .and(&field(4).raw())
                    .and(specimen.map(|specimen| specimen.key.as_str()).unwrap_or_default());
                ids.results.push(self.name("Observation", again(key, "Observation", &mut seen)));
            }
            all.push(ids);
        }
        for place in 0..all.len() {
            let found = self.parent_of(group, place);
            let result = found.and_then(|at| all.get(at.report)?.results.get(at.result)).map(|named| named.id.clone());
            if let Some(ids) = all.get_mut(place) {
                ids.parent = found;
                ids.parent_result = result;
            }
            let request =
                self.parent_order(group, place).and_then(|parent| all.get(parent)).map(|ids| ids.request.id.clone());
            if let Some(ids) = all.get_mut(place) {
                ids.parent_request = request;
            }
        }
        all
    }

    /// A number and whose it is; without an authority of its own, the sending facility's.
    fn number(&self, places: &[Value<'_>]) -> Option<(String, String)> {
        let facility = self.facility();
        let number = places.iter().find_map(|value| order_number(*value, Role::Filler, &facility))?;
        Some((number.authority, number.value))
    }

    /// The order of this message that OBR-29 names.
    fn parent_order(&self, group: &Group, place: usize) -> Option<usize> {
        let message = self.run.message;
        let child = group.reports.get(place)?.obr?;
        let named = message.field(child, 29);
        let (placer, filler) = (entity(named.part(1)), entity(named.part(2)));
        let service = coded(message.field(child, 50));
        let is_parent = |other: usize, report: &Report| {
            let Some(obr) = report.obr else { return false };
            let field = |number: u16| entity(message.field(obr, number).part(1));
            let by_filler = filler.is_some() && filler == field(3);
            let by_placer = filler.is_none() && placer.is_some() && placer == field(2);
            other != place
                && (by_filler || by_placer)
                && (service.is_empty() || service == coded(message.field(obr, 4)))
        };
        let mut found = group.reports.iter().enumerate().filter(|(other, report)| is_parent(*other, report));
        let (first, _report) = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The one result that OBR-26 names, in the order that OBR-29 names; never the nearest.
    fn parent_of(&self, group: &Group, place: usize) -> Option<Parent> {
        let message = self.run.message;
        let child = group.reports.get(place)?.obr?;
        let named = message.field(child, 26);
        if named.is_empty() {
            return None;
        }
        let (code, sub_id) = (named.part(1).part(1).trimmed()?, named.part(2).trimmed());
        let named_order = !message.field(child, 29).is_empty();
        let order = self.parent_order(group, place);
        let mut found = Vec::new();
        for (number, report) in group.reports.iter().enumerate() {
            if number == place || (named_order && order != Some(number)) {
                continue;
            }
            for (result_place, result) in report.results.iter().enumerate() {
                let same_code = message.field(result.obx, 3).part(1).trimmed() == Some(code.clone());
                let same_sub = sub_id.is_none() || message.field(result.obx, 4).trimmed() == sub_id;
                if same_code && same_sub {
                    found.push(Parent { report: number, result: result_place });
                }
            }
        }
        match found.as_slice() {
            [one] => Some(*one),
            _none_or_several => {
                named.warn(Code::UnknownKey);
                None
            }
        }
    }
}

impl<'m> Run<'m> {
    /// Writes a person or organization once, and gives the reference to it; nothing when `key` gives none.
    pub(crate) fn share(
        &mut self,
        map: &'static Map<Step>,
        key: impl FnOnce() -> Option<Key>,
        value: Value<'m>,
        scope: &Scope<'_>,
        address: Option<Value<'m>>,
    ) -> Option<String> {
        // A kind has no carriage return, and neither has a segment.
        let mut written = format!("{}\r{}\r", map.kind, value.raw());
        if let Some(address) = address {
            written.push_str(&address.raw());
        }
        if let Some((first, reference)) = self.named.get(&written) {
            value.shares_fate_of(*first);
            if let Some(address) = address {
                address.mapped("Organization.address");
            }
            return Some(reference.clone());
        }
        let key = key()?.text();
        let own = id(self.link.namespace, map.kind, &key);
        let reference = format!("{}/{own}", map.kind);
        self.named.insert(written, (value, reference.clone()));
        let mut out = Out::resource(map.kind, &own);
        for row in &map.rows {
            let Some((last, _none)) = row.path.split_last() else { continue };
            if last.list {
                out.array(last.name);
            }
            if let bridge::mapping::How::Datatype(inner) = &row.how {
                out.object("");
                self.parts(inner, value, scope, &mut out);
                out.leave();
            } else if let bridge::mapping::How::Primitive(primitive) = &row.how {
                for source in &row.from {
                    let part = self.find(*source, super::engine::Base::Parts(value), scope);
                    self.primitive(*primitive, part, &mut out, last.name, row.to);
                }
            }
            if last.list {
                out.leave();
            }
        }
        for row in &map.rows {
            if let bridge::mapping::How::Ignore(rule) = row.how {
                row.from.iter().for_each(|at| {
                    self.find(*at, super::engine::Base::Parts(value), scope).ignored(rule);
                });
            }
        }
        if let Some(address) = address.filter(|address| !address.is_empty()) {
            out.array("address");
            out.object("");
            let map = &self.maps.address;
            self.parts(map, address, scope, &mut out);
            out.leave();
            out.leave();
        }
        let body = out.finish();
        let standing = Standing {
            status: String::new(),
            stage: Stage::Final,
            reported_at_us: None,
            sent_at_us: self.sent_at_us,
            action: Action::Put,
        };
        match self.shared.iter_mut().find(|record| record.kind == map.kind && record.id == own) {
            // The same person said twice: the fuller of the two stands.
            Some(record) if record.body.len() < body.len() => record.body = body,
            Some(_fuller) => {}
            None => self.shared.push(Record { kind: map.kind, id: own, key, standing, members: Vec::new(), body }),
        }
        Some(reference)
    }
}

/// A coded field as its identity: code and system, else the text.
fn coded(value: Value<'_>) -> String {
    let text = |part: u16| value.part(part).trimmed().unwrap_or_default().into_owned();
    let (code, system) = (text(1), text(3));
    if code.is_empty() { value.raw() } else { format!("{code}^{system}") }
}

fn entity(value: Value<'_>) -> Option<String> {
    let scalar = value.part(1);
    scalar.trimmed().or_else(|| value.trimmed()).map(|text| text.into_owned())
}

/// The same key a second time in one message is another thing: its second occurrence.
fn again(key: Key, kind: &'static str, seen: &mut HashMap<(&'static str, Key), usize>) -> Key {
    let count = seen.entry((kind, key.clone())).or_insert(0);
    *count += 1;
    if *count == 1 { key } else { key.and(&format!("#{count}")) }
}

/// Each resource once: two OBR of one order make one request.
fn once_each(records: Vec<Record>, message: &Message<'_>, group: &Group) -> Vec<Record> {
    let ids: HashSet<(&str, &str)> = records.iter().map(|record| (record.kind, record.id.as_str())).collect();
    if ids.len() == records.len() {
        return records;
    }
    let mut once: Vec<Record> = Vec::with_capacity(records.len());
    let mut places: HashMap<(&'static str, String), usize> = HashMap::new();
    for record in records {
        match places.get(&(record.kind, record.id.clone())) {
            Some(first) => {
                if once.get(*first).is_some_and(|first| first.body != record.body) {
                    let at = group.reports.first().and_then(|report| report.obr).unwrap_or(0);
                    message.defect(message.position(at), Code::DuplicateKey, Severity::Warning);
                }
            }
            None => {
                places.insert((record.kind, record.id.clone()), once.len());
                once.push(record);
            }
        }
    }
    once
}

/// The results that belong to one: by a dotted sub-id (`1.2` under `1`), and those of orders that go further into it.
fn members(report: &Report, ids: &[Ids], place: usize, number: usize, message: &Message<'_>) -> Vec<String> {
    let mut members = Vec::new();
    let sub_id = |obx: usize| message.field(obx, 4).trimmed().map(|text| text.into_owned());
    let own = report.results.get(number).and_then(|result| sub_id(result.obx));
    if let (Some(own), Some(own_ids)) = (own, ids.get(place)) {
        // Only where exactly one result has the sub-id that the others are under.
        let alone = report.results.iter().filter(|result| sub_id(result.obx).as_deref() == Some(&own)).count() == 1;
        for (result, named) in report.results.iter().zip(&own_ids.results) {
            let under = sub_id(result.obx).is_some_and(|sub| sub.rsplit_once('.').is_some_and(|(up, _last)| up == own));
            if alone && under {
                members.push(format!("Observation/{}", named.id));
            }
        }
    }
    for child in ids.iter().filter(|child| child.parent == Some(Parent { report: place, result: number })) {
        members.extend(child.results.iter().map(|named| format!("Observation/{}", named.id)));
    }
    members
}

fn status_of_result<'m>(run: &Run<'m>, obx: usize) -> &'m str {
    let value = run.message.field(obx, 11);
    status(run, value, "0085")
}

fn status_of_report<'m>(run: &Run<'m>, obr: usize) -> &'m str {
    let value = run.message.field(obr, 25);
    status(run, value, "0123")
}

fn status<'m>(run: &Run<'m>, value: Value<'_>, table: &str) -> &'m str {
    let found = value.trimmed().and_then(|code| run.look_up(run.maps.tables.get(table)?, value, &code));
    found.unwrap_or("unknown")
}

pub(crate) fn result_status(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(obx) = at.scope.own else { return };
    let status = status_of_result(run, obx);
    missing_or_mapped(run, at, status, obx, 11);
    out.string(at.name, status);
}

pub(crate) fn report_status(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(obr) = at.scope.report.and_then(|(report, _ids)| report.obr) else { return };
    let status = status_of_report(run, obr);
    missing_or_mapped(run, at, status, obr, 25);
    out.string(at.name, status);
}

fn missing_or_mapped(run: &Run<'_>, at: &At<'_, '_>, status: &str, place: usize, field: u16) {
    if at.value.is_empty() {
        let position = Position { field, ..run.message.position(place) };
        run.message.defect(position, Code::RequiredFieldMissing, Severity::Warning);
    } else if status != "unknown" {
        at.value.mapped_scalar(at.to);
    }
}

/// ORC-5 wins over ORC-1 where it is there; a report alone does not say how its order stands.
pub(crate) fn request_status(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let field = |number: u16| at.scope.field(run.message, *b"ORC", number);
    let mut told: Option<String> = None;
    for (number, table) in [(5u16, "0038"), (1, "0119")] {
        let value = field(number);
        let table = run.maps.tables.get(table);
        let (Some(code), Some(table)) = (value.trimmed(), table) else { continue };
        let own = run.link.own_code(&table.name, &code).map(str::to_owned);
        let target = own.or_else(|| table.look_up(&code).map(|(target, _filled)| target.to_owned()));
        match target {
            Some(target) if told.is_none() => {
                told = Some(target);
                value.mapped(at.to);
            }
            Some(_) | None => run.keep(value, at.to),
        }
    }
    out.string(at.name, told.as_deref().unwrap_or("unknown"));
}

/// OBR-11: added on, reflex, or ordered.
pub(crate) fn request_intent(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let reflex = at.value.trimmed().as_deref() == Some("G");
    out.string(at.name, if reflex { "reflex-order" } else { "order" });
    if reflex {
        at.value.mapped(at.to);
    }
}

/// Every result is a laboratory's.
pub(crate) fn result_category(_run: &mut Run<'_>, out: &mut Out, _at: &At<'_, '_>) {
    category(out, "http://terminology.hl7.org/CodeSystem/observation-category", "laboratory");
}

/// Every report is a laboratory's; OBR-24 may say which part of it.
pub(crate) fn report_category(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    const SECTIONS: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
    category(out, SECTIONS, "LAB");
    let section = at.value.part(1);
    let Some(code) = section.trimmed() else { return };
    if run.maps.tables.get("0074").is_some_and(|table| table.look_up(&code).is_some()) {
        if code != "LAB" {
            category(out, SECTIONS, &code);
        }
        section.mapped(at.to);
    }
}

fn category(out: &mut Out, system: &str, code: &str) {
    out.object("");
    out.array("coding");
    out.object("");
    out.string("system", system);
    out.string("code", code);
    out.leave();
    out.leave();
    out.leave();
}

/// OBX-14, else the report's, else the specimen's.
pub(crate) fn result_effective(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if when(run, out, at.value, "effectiveDateTime", at.to)
        || between(run, out, at, "effectiveDateTime", "effectivePeriod")
    {
        return;
    }
    let Some((report, _ids)) = at.scope.report else { return };
    let place = at.scope.result.and_then(|number| report.results.get(number)?.specimen).unwrap_or(0);
    if let Some(taken) = report.specimens.get(place) {
        let collected = run.message.field(taken.spm, 17);
        when(run, out, collected.part(1), "effectiveDateTime", at.to);
    }
}

pub(crate) fn report_effective(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let (one, two) = match at.name {
        "collected[x]" => ("collectedDateTime", "collectedPeriod"),
        _effective => ("effectiveDateTime", "effectivePeriod"),
    };
    if between(run, out, at, one, two) || one == "collectedDateTime" {
        return;
    }
    let specimen = at.scope.report.and_then(|(report, _ids)| report.specimens.first());
    if let Some(taken) = specimen {
        let collected = run.message.field(taken.spm, 17);
        when(run, out, collected.part(1), one, at.to);
    }
}

/// OBR-7, or OBR-7 to OBR-8.
fn between(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, one: &str, two: &'static str) -> bool {
    let (from, to) = (at.scope.field(run.message, *b"OBR", 7), at.scope.field(run.message, *b"OBR", 8));
    if to.is_empty() {
        return when(run, out, from, one, at.to);
    }
    out.object(two);
    let started = when(run, out, from, "start", at.to);
    let ended = when(run, out, to, "end", at.to);
    out.leave();
    started || ended
}

/// Writes a time; false when there is none, or none that can be read.
fn when(run: &mut Run<'_>, out: &mut Out, value: Value<'_>, name: &str, to: &'static str) -> bool {
    let Some(text) = value.trimmed() else { return false };
    match run.zones.read(&text) {
        Some(moment) => {
            out.string(name, &moment.fhir);
            if !moment.cut {
                value.mapped_scalar(to);
            }
            true
        }
        None => {
            value.warn(Code::DataType);
            false
        }
    }
}

/// SPM-17: a moment, or a period when it has an end.
pub(crate) fn collected(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let (from, to) = (at.value.part(1), at.value.part(2));
    if to.is_empty() {
        when(run, out, from, "collectedDateTime", at.to);
        return;
    }
    out.object("collectedPeriod");
    when(run, out, from, "start", at.to);
    when(run, out, to, "end", at.to);
    out.leave();
}

fn refer(out: &mut Out, name: &'static str, reference: &str) {
    out.object(name);
    out.string("reference", reference);
    out.leave();
}

pub(crate) fn based_on_request(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if let Some((_report, ids)) = at.scope.report {
        refer(out, at.name, &format!("ServiceRequest/{}", ids.request.id));
    }
}

/// OBR-29: the parent order, when it is in this message; else its number.
pub(crate) fn based_on_parent(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((_report, ids)) = at.scope.report else { return };
    if let Some(parent) = ids.parent_request.as_deref().filter(|parent| *parent != ids.request.id) {
        refer(out, at.name, &format!("ServiceRequest/{parent}"));
        return at.value.mapped(at.to);
    }
    for (part, role) in [(1u16, "PLAC"), (2, "FILL")] {
        let ei = at.value.part(part);
        let Some(number) = entity(ei) else { continue };
        out.object(at.name);
        out.string("type", "ServiceRequest");
        out.object("identifier");
        out.object("type");
        out.array("coding");
        out.object("");
        out.string("system", "http://terminology.hl7.org/CodeSystem/v2-0203");
        out.string("code", role);
        out.leave();
        out.leave();
        out.leave();
        if let Some(system) = system_of(run, ei.part(2), ei.part(3), ei.part(4)) {
            out.string("system", &system);
            ei.part(3).mapped(at.to);
            ei.part(4).mapped(at.to);
        }
        out.string("value", &number);
        out.leave();
        out.leave();
        ei.part(1).mapped(at.to);
    }
}

pub(crate) fn specimens(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((_report, ids)) = at.scope.report else { return };
    ids.specimens.iter().for_each(|named| refer(out, "", &format!("Specimen/{}", named.id)));
}

/// A result's specimen: the one it follows, or the report's only one.
pub(crate) fn specimen(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((report, ids)) = at.scope.report else { return };
    let followed = at.scope.result.and_then(|number| report.results.get(number)?.specimen);
    let named = match (followed, ids.specimens.as_slice()) {
        (Some(place), all) => all.get(place),
        (None, [only]) => Some(only),
        (None, _none_or_several) => None,
    };
    if let Some(named) = named {
        refer(out, at.name, &format!("Specimen/{}", named.id));
    }
}

/// The result of another order that this one's order goes further into, by place among the group's.
pub(crate) fn derived_from(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if let Some(parent) = at.scope.report.and_then(|(_report, ids)| ids.parent_result.as_deref()) {
        refer(out, "", &format!("Observation/{parent}"));
    }
}

/// OBR-26 says what the child results show as members of their parent; unresolved, it is kept as it came.
pub(crate) fn parent(_run: &mut Run<'_>, _out: &mut Out, at: &At<'_, '_>) {
    if at.scope.report.is_some_and(|(_report, ids)| ids.parent.is_some()) {
        at.value.mapped("Observation.hasMember");
    }
}

/// Documents among the results, embedded or pointed to, stand in the report they belong to.
pub(crate) fn documents(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((report, _ids)) = at.scope.report else { return };
    for result in &report.results {
        let Some(pointer) = value::document(run, result.obx) else { continue };
        if change(run, result.obx) != Change::Withdrawn {
            for one in run.message.field(result.obx, 5).repetitions() {
                out.object("");
                value::attachment(run, out, one, pointer);
                out.leave();
            }
        }
    }
}

/// The notes of this resource: each NTE one note.
pub(crate) fn notes(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if at.scope.own.is_some_and(|own| withdrawn(run, own)) {
        for note in at.scope.notes {
            (1..=run.message.last_field(*note))
                .for_each(|field| run.message.field(*note, field).ignored("withdrawn-result"));
        }
        return;
    }
    for note in at.scope.notes {
        out.object("");
        annotation(run, out, *note, at.to);
        out.leave();
    }
}

fn withdrawn(run: &Run<'_>, own: usize) -> bool {
    run.message.segments().get(own).is_some_and(|segment| &segment.name == b"OBX")
        && change(run, own) == Change::Withdrawn
}

/// R4's DiagnosticReport has no note: what the laboratory says of the whole report stands in its conclusion.
pub(crate) fn report_notes(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let mut said = Vec::with_capacity(at.scope.notes.len());
    for note in at.scope.notes {
        run.message.field(*note, 1).ignored("set-id");
        let comment = run.message.field(*note, 3);
        let text = comment_text(comment);
        if text.trim().is_empty() {
            comment.ignored("nothing-but-spaces");
        } else {
            said.push(text);
            comment.mapped(at.to);
        }
        keep_rest(run, *note, at.to);
    }
    let text = said.join("\n");
    if !text.trim().is_empty() {
        out.string(at.name, text.trim());
    }
}

/// NTE-3: each repetition a line.
fn comment_text(comment: Value<'_>) -> String {
    let lines = comment
        .repetitions()
        .map(|one| if one.is_composite() { one.raw() } else { one.text().unwrap_or_default().into_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a note says beside its text.
fn keep_rest(run: &mut Run<'_>, note: usize, to: &'static str) {
    for number in 2..=run.message.last_field(note) {
        let value = run.message.field(note, number);
        run.keep(value, to);
    }
}

/// NTE: text, and who wrote it when.
fn annotation(run: &mut Run<'_>, out: &mut Out, note: usize, to: &'static str) {
    let field = |number: u16| run.message.field(note, number);
    field(1).ignored("set-id");
    let comment = field(3);
    let text = comment_text(comment);
    if text.trim().is_empty() {
        comment.ignored("nothing-but-spaces");
        return keep_rest(run, note, to);
    }
    let (author, entered) = (field(5), field(6));
    let name: Vec<String> = [3, 2]
        .into_iter()
        .filter_map(|part| author.part(part).part(1).trimmed().map(|text| text.into_owned()))
        .collect();
    if !name.is_empty() {
        out.string("authorString", &name.join(" "));
        author.part(2).part(1).mapped(to);
        author.part(3).part(1).mapped(to);
    }
    when(run, out, entered, "time", to);
    out.string("text", text.trim());
    comment.mapped(to);
    keep_rest(run, note, to);
}

/// What no map names: routing, the sender's software, the visit.
fn sweep(message: &Message<'_>) {
    for (place, segment) in message.segments().iter().enumerate() {
        let rule = match &segment.name {
            b"MSH" => "routing",
            b"SFT" | b"UAC" => "software-of-the-sender",
            b"DSC" => "continuation",
            b"PV1" | b"PV2" | b"EVN" => "visits-belong-to-admission-messages",
            _other => continue,
        };
        for field in 1..=message.last_field(place) {
            message.field(place, field).ignored(rule);
        }
    }
}
