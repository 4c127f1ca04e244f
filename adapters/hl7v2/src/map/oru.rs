//! ORU^R01: from the groups of a message to filings. How each thing is named, stands, is timed, linked and annotated has a
//! file of its own below.

pub(super) mod ids;
mod kin;
pub(super) mod links;
pub(super) mod notes;
mod share;
pub(super) mod status;
pub(super) mod times;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use bridge::{
    Action, Claimed, ClaimedIdentifier, Code, Filing, Heading, Link, OrderNumber, Position, Record, Role, Severity,
    Stage, Standing,
};

use super::engine::Run;
use super::identifiers::order_number;
use super::scope::Scope;
use super::structure::{self, Group, Report};
use super::tables::MAPS;
use crate::moment::Zones;
use crate::parse::{Message, Value};
use ids::{Ids, Named, exact};
use kin::{Parent, SubIds, children};
use status::{Change, change, status_of_report, status_of_result};

/// One filing for each patient group of the message.
pub(crate) fn filings(message: &Message<'_>, heading: &Heading, link: &Link) -> Vec<Filing> {
    if message.is_overfull() {
        return Vec::new();
    }
    let groups = structure::read(message);
    let missing = |name: &[u8; 3]| message.defect(Position::segment(*name), Code::SegmentSequence, Severity::Error);
    let has_nothing = groups.iter().all(|group| group.reports.is_empty() && group.loose.is_empty());
    if has_nothing || groups.iter().any(|group| group.lacks_report) {
        missing(b"OBR");
    }
    if groups.is_empty() || groups.iter().any(|group| group.pid.is_none()) {
        missing(b"PID");
    }
    let mut filed = Vec::with_capacity(groups.len());
    let zones = Zones::of(link, &heading.sent_at);
    let sent_at_us = zones.read(&heading.sent_at).map(|moment| moment.low_us);
    let facility = exact(&heading.sending_facility);
    for (place, group) in groups.iter().enumerate() {
        let run = Run {
            link,
            message,
            heading,
            zones,
            sent_at_us,
            recent: RefCell::default(),
            maps: &MAPS,
            shared: Vec::new(),
            places: HashMap::new(),
            named: HashMap::new(),
            unit: (usize::MAX, Vec::new()),
            open: Vec::new(),
            kept: String::new(),
        };
        filed.push(Work { run, place, facility: &facility }.filing(group));
        if message.is_overfull() {
            return Vec::new();
        }
    }
    sweep(message);
    filed
}

struct Work<'m> {
    run: Run<'m>,
    /// The place of the group in the message.
    place: usize,
    /// MSH-4: whose a number is that names no authority.
    facility: &'m str,
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
        let children = children(&ids);
        let mut records = Vec::new();
        for (place, result) in group.loose.iter().enumerate() {
            if self.run.message.is_overfull() {
                break;
            }
            self.is_to_say(result.obx, 3);
            let named = self.loose_name(&subject, result.obx, place);
            let scope = Scope { group, report: None, own: Some(result.obx), notes: &result.notes, result: None };
            let body = self.run.resource(&MAPS.observation, &named.id, &scope);
            let standing = self.result_standing(result.obx, None);
            records.push(self.record("Observation", &named, body, standing, Vec::new()));
        }
        let mut orders = Orders::default();
        for (place, (report, own)) in group.reports.iter().zip(&ids).enumerate() {
            if self.run.message.is_overfull() {
                break;
            }
            self.orders(report, &mut orders);
            self.report(group, (report, own), place, &children, &mut records);
        }
        let mut all = std::mem::take(&mut self.run.shared);
        all.extend(once_each(records, self.run.message, group));
        Filing { subject, orders: orders.named, records: all, patient }
    }

    fn report(
        &mut self,
        group: &Group,
        (report, own): (&Report, &Ids),
        place: usize,
        children: &HashMap<Parent, Vec<&Ids>>,
        records: &mut Vec<Record>,
    ) {
        let message = self.run.message;
        let obr = report.obr.unwrap_or(usize::MAX);
        self.is_to_say(obr, 4);
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
        let mut sub_ids: Option<SubIds<'m>> = None;
        for (number, (result, named)) in report.results.iter().zip(&own.results).enumerate() {
            if message.is_overfull() {
                return;
            }
            self.is_to_say(result.obx, 3);
            let scope = Scope { own: Some(result.obx), notes: &result.notes, result: Some(number), ..base };
            let body = self.run.resource(&MAPS.observation, &named.id, &scope);
            let under = match message.field(result.obx, 4).trimmed() {
                Some(sub_id) => sub_ids.get_or_insert_with(|| SubIds::of(message, report)).under(&sub_id),
                None => &[],
            };
            let under = under.iter().filter_map(|place| own.results.get(*place));
            let further = children.get(&Parent { report: place, result: number });
            let further = further.into_iter().flatten().flat_map(|child| &child.results);
            let members = under.chain(further).map(Named::result).collect();
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
        let results = own.results.iter().map(Named::result).collect();
        records.push(self.record("DiagnosticReport", &own.report, body, standing, results));
    }

    /// Without this field nobody knows what the segment is about.
    fn is_to_say(&self, place: usize, field: u16) {
        let message = self.run.message;
        if message.field(place, field).is_empty() {
            let at = Position { field, ..message.position(place) };
            message.defect(at, Code::RequiredFieldMissing, Severity::Error);
        }
    }

    fn record(
        &self,
        kind: &'static str,
        named: &Named,
        body: Vec<u8>,
        standing: Standing,
        members: Vec<String>,
    ) -> Record {
        Record { kind, id: named.id.clone(), key: named.key.clone(), standing, members, body }
    }

    fn standing(&self, status: &str, stage: Stage, action: Action, reported_at_us: Option<i64>) -> Standing {
        Standing { status: status.to_owned(), stage, reported_at_us, sent_at_us: self.run.sent_at_us, action }
    }

    /// OBR-22 as microseconds since 1970.
    fn reported_at_us(&self, obr: usize) -> Option<i64> {
        let text = self.run.message.field(obr, 22).trimmed()?;
        self.run.time(&text).map(|moment| moment.low_us)
    }

    fn result_standing(&self, obx: usize, reported: Option<i64>) -> Standing {
        let code = self.run.message.field(obx, 11).trimmed().unwrap_or_default();
        let status = status_of_result(&self.run, obx);
        let stage = match status {
            "registered" | "preliminary" => Stage::Preliminary,
            "entered-in-error" => Stage::Withdrawn,
            _final => Stage::Final,
        };
        let action = match (change(&self.run, obx), &*code) {
            (Change::Withdrawn, code) => Action::Void { older_too: code == "W" },
            (Change::StatusAlone, _code) => Action::StatusOnly,
            (Change::Told, _code) => Action::Put,
        };
        self.standing(status, stage, action, reported)
    }

    fn orders(&self, report: &Report, orders: &mut Orders) {
        for (segment, field, role) in [
            (report.orc, 2, Role::Placer),
            (report.obr, 2, Role::Placer),
            (report.orc, 3, Role::Filler),
            (report.obr, 3, Role::Filler),
        ] {
            let place = segment.unwrap_or(usize::MAX);
            if let Some(number) = order_number(self.run.message.field(place, field), role, self.facility) {
                self.run.message.makes(number.authority.len() + number.value.len(), place);
                orders.name(number);
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
                // What cannot be read names nobody, and must not be taken for somebody.
                for part in [cx.part(1), authority].into_iter().filter(|part| part.is_doubtful()) {
                    part.fault(Code::DataType);
                }
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
        let birth = text(field(7)).and_then(|text| self.run.time(&text));
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
}

/// The order numbers of a group, each once.
#[derive(Default)]
struct Orders {
    named: Vec<OrderNumber>,
    known: HashSet<OrderNumber>,
}

impl Orders {
    fn name(&mut self, number: OrderNumber) {
        if self.known.insert(number.clone()) {
            self.named.push(number);
        }
    }
}

/// Each resource once: two OBR of one order make one request.
fn once_each(records: Vec<Record>, message: &Message<'_>, group: &Group) -> Vec<Record> {
    if group.reports.len() + group.loose.len() < 2 {
        return records;
    }
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
