//! The structure of an ORU^R01: whose results stand where, by the order of the segments, never by the nearest of a kind.

use crate::parse::Message;

/// Everything of one PID, until the next.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) pid: Option<usize>,
    pub(crate) pd1: Option<usize>,
    pub(crate) pv1: Option<usize>,
    /// Notes on the patient or visit: never on a result.
    pub(crate) notes: Vec<usize>,
    pub(crate) reports: Vec<Report>,
    /// Results that stand before any order.
    pub(crate) loose: Vec<Found>,
    /// Whether results or specimens stand behind an ORC and before its OBR, or without one: whose they are is not to be guessed.
    pub(crate) lacks_report: bool,
}

/// One order and its results.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) orc: Option<usize>,
    pub(crate) obr: Option<usize>,
    pub(crate) tq1: Option<usize>,
    pub(crate) ctd: Option<usize>,
    /// Notes on the order (after ORC) and on the report (after OBR).
    pub(crate) order_notes: Vec<usize>,
    pub(crate) notes: Vec<usize>,
    pub(crate) results: Vec<Found>,
    pub(crate) specimens: Vec<Taken>,
}

/// One result and its notes.
pub(crate) struct Found {
    pub(crate) obx: usize,
    pub(crate) notes: Vec<usize>,
    /// The specimen it follows, by place in the report's.
    pub(crate) specimen: Option<usize>,
}

/// One specimen and its notes.
pub(crate) struct Taken {
    pub(crate) spm: usize,
    pub(crate) notes: Vec<usize>,
}

/// An ORC whose OBR has not come yet.
struct Order {
    orc: usize,
    notes: Vec<usize>,
    /// Whether results or specimens stand behind it; those of a document of the order, which ends with a TXA, are none.
    has_results: bool,
}

/// Whose a note is: the segment it follows.
#[derive(Clone, Copy)]
enum Owner {
    Header,
    Patient,
    Order,
    Report,
    Result,
    Specimen,
}

/// Reads the structure of a message.
pub(crate) fn read(message: &Message<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut owner = Owner::Header;
    let mut waiting: Option<Order> = None;
    for (place, segment) in message.segments().iter().enumerate() {
        let begun = !groups.is_empty();
        if &segment.name == b"PID" || (!begun && matches!(&segment.name, b"ORC" | b"OBR" | b"OBX" | b"PV1" | b"PD1")) {
            groups.push(Group::default());
        }
        let ends_order = matches!(&segment.name, b"PID" | b"ORC" | b"OBR");
        let lacks_report = ends_order && waiting.as_ref().is_some_and(|order| order.has_results);
        let Some(group) = groups.last_mut() else { continue };
        group.lacks_report |= lacks_report;
        match &segment.name {
            b"PID" => {
                group.pid = Some(place);
                waiting = None;
                owner = Owner::Patient;
            }
            b"PD1" => {
                group.pd1.get_or_insert(place);
                owner = Owner::Patient;
            }
            b"PV1" => {
                group.pv1.get_or_insert(place);
                owner = Owner::Patient;
            }
            b"PV2" | b"NK1" | b"PRT" | b"ARV" | b"GT1" | b"IN1" if group.reports.is_empty() => owner = Owner::Patient,
            b"ORC" => {
                waiting = Some(Order { orc: place, notes: Vec::new(), has_results: false });
                owner = Owner::Order;
            }
            b"OBR" => {
                let (orc, order_notes) = waiting.take().map(|order| (order.orc, order.notes)).unzip();
                let order_notes = order_notes.unwrap_or_default();
                group.reports.push(Report { orc, obr: Some(place), order_notes, ..Report::default() });
                owner = Owner::Report;
            }
            b"OBX" | b"SPM" | b"TXA" if waiting.is_some() => {
                waiting.iter_mut().for_each(|order| order.has_results = &segment.name != b"TXA");
            }
            b"OBX" => {
                match group.reports.last_mut() {
                    Some(report) => {
                        let specimen = report.specimens.len().checked_sub(1);
                        report.results.push(Found { obx: place, notes: Vec::new(), specimen });
                    }
                    None => group.loose.push(Found { obx: place, notes: Vec::new(), specimen: None }),
                }
                owner = Owner::Result;
            }
            b"SPM" => {
                if let Some(report) = group.reports.last_mut() {
                    report.specimens.push(Taken { spm: place, notes: Vec::new() });
                    owner = Owner::Specimen;
                }
            }
            b"TQ1" => {
                if let Some(report) = group.reports.last_mut() {
                    report.tq1.get_or_insert(place);
                }
            }
            b"CTD" => {
                if let Some(report) = group.reports.last_mut() {
                    report.ctd.get_or_insert(place);
                }
            }
            b"NTE" => note(group, &mut waiting, owner, place),
            _other => {}
        }
    }
    if let Some(group) = groups.last_mut() {
        group.lacks_report |= waiting.is_some_and(|order| order.has_results);
    }
    groups
}

fn note(group: &mut Group, waiting: &mut Option<Order>, owner: Owner, place: usize) {
    let Group { notes, reports, loose, .. } = group;
    match owner {
        Owner::Header => {}
        Owner::Patient => notes.push(place),
        Owner::Order => {
            if let Some(order) = waiting {
                order.notes.push(place);
            }
        }
        Owner::Report => {
            if let Some(report) = reports.last_mut() {
                report.notes.push(place);
            }
        }
        Owner::Result => {
            let results = reports.last_mut().map_or(loose, |report| &mut report.results);
            if let Some(result) = results.last_mut() {
                result.notes.push(place);
            }
        }
        Owner::Specimen => {
            if let Some(taken) = reports.last_mut().and_then(|report| report.specimens.last_mut()) {
                taken.notes.push(place);
            }
        }
    }
}
