//! Which segments of a message a resource is made from.

use super::oru::ids::Ids;
use super::structure::{Group, Report};
use crate::parse::{Message, Value};

/// Which segments a resource is made from.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'r> {
    pub(crate) group: &'r Group,
    pub(crate) report: Option<(&'r Report, &'r Ids)>,
    /// The result or specimen being written.
    pub(crate) own: Option<usize>,
    /// Its notes.
    pub(crate) notes: &'r [usize],
    /// The place of the result among the report's.
    pub(crate) result: Option<usize>,
}

impl Scope<'_> {
    /// A field of the segment of that name that belongs here.
    pub(crate) fn field<'m>(&self, message: &'m Message<'m>, segment: [u8; 3], field: u16) -> Value<'m> {
        message.field(self.place(segment), field)
    }

    /// The place of the segment of that name that belongs here; beyond all when there is none.
    pub(super) fn place(&self, segment: [u8; 3]) -> usize {
        let report = self.report.map(|(report, _ids)| report);
        let place = match &segment {
            b"OBX" | b"SPM" => self.own,
            b"PID" => self.group.pid,
            b"PD1" => self.group.pd1,
            b"PV1" => self.group.pv1,
            b"ORC" => report.and_then(|report| report.orc),
            b"OBR" => report.and_then(|report| report.obr),
            b"TQ1" => report.and_then(|report| report.tq1),
            b"CTD" => report.and_then(|report| report.ctd),
            _other => None,
        };
        place.unwrap_or(usize::MAX)
    }
}
