//! Who goes further into what: the order that OBR-29 names, the result that OBR-26 names, and the results under a dotted
//! sub-id. Each is looked up, never searched for, so that a message of any size is read in one pass.

use std::borrow::Cow;
use std::collections::HashMap;

use bridge::{Code, Role};

use super::ids::{Ids, coded, entity};
use crate::map::structure::{Group, Report};
use crate::parse::Message;

/// A result among the message's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Parent {
    pub(super) report: usize,
    pub(super) result: usize,
}

/// A result's code, and its sub-id where one is named.
type Told<'m> = (Cow<'m, str>, Option<Cow<'m, str>>);

/// The orders and results of a group, by what a child calls them.
pub(super) struct Kin<'m> {
    message: &'m Message<'m>,
    /// By who numbered the order, its number, and its service (or none named), in the order of the message.
    orders: HashMap<(Role, String, Option<String>), Vec<usize>>,
    /// By code and sub-id (or none named), likewise.
    results: HashMap<Told<'m>, Vec<Parent>>,
}

impl<'m> Kin<'m> {
    /// Those of a group; `None` when no order of it goes further into another.
    pub(super) fn of(message: &'m Message<'m>, group: &Group) -> Option<Kin<'m>> {
        let valued = |obr: usize, field: u16| !message.field(obr, field).is_empty();
        let mut children = group.reports.iter().filter_map(|report| report.obr);
        if !children.any(|obr| valued(obr, 26) || valued(obr, 29)) {
            return None;
        }
        let mut kin = Kin { message, orders: HashMap::new(), results: HashMap::new() };
        for (place, report) in group.reports.iter().enumerate() {
            kin.order(place, report);
            for (number, result) in report.results.iter().enumerate() {
                kin.result(Parent { report: place, result: number }, result.obx);
            }
        }
        Some(kin)
    }

    fn order(&mut self, place: usize, report: &Report) {
        let Some(obr) = report.obr else { return };
        let field = |number: u16| self.message.field(obr, number);
        let service = coded(field(4));
        for (role, number) in [(Role::Filler, entity(field(3).part(1))), (Role::Placer, entity(field(2).part(1)))] {
            let Some(number) = number else { continue };
            self.orders.entry((role, number.clone(), None)).or_default().push(place);
            self.orders.entry((role, number, Some(service.clone()))).or_default().push(place);
        }
    }

    fn result(&mut self, at: Parent, obx: usize) {
        let Some(code) = self.message.field(obx, 3).part(1).trimmed() else { return };
        self.results.entry((code.clone(), None)).or_default().push(at);
        if let Some(sub_id) = self.message.field(obx, 4).trimmed() {
            self.results.entry((code, Some(sub_id))).or_default().push(at);
        }
    }

    /// The order of this message that OBR-29 names.
    pub(super) fn parent_order(&self, group: &Group, place: usize) -> Option<usize> {
        let child = group.reports.get(place)?.obr?;
        let named = self.message.field(child, 29);
        let (placer, filler) = (entity(named.part(1)), entity(named.part(2)));
        let (role, number) = filler.map(|number| (Role::Filler, number)).or(placer.map(|n| (Role::Placer, n)))?;
        let service = Some(coded(self.message.field(child, 50))).filter(|service| !service.is_empty());
        let mut found = self.orders.get(&(role, number, service))?.iter().filter(|order| **order != place);
        let first = found.next()?;
        found.next().is_none().then_some(*first)
    }

    /// The one result that OBR-26 names, in the order that OBR-29 names; never the nearest.
    pub(super) fn parent_of(&self, group: &Group, place: usize, order: Option<usize>) -> Option<Parent> {
        let child = group.reports.get(place)?.obr?;
        let named = self.message.field(child, 26);
        if named.is_empty() {
            return None;
        }
        let (code, sub_id) = (named.part(1).part(1).trimmed()?, named.part(2).trimmed());
        let named_order = !self.message.field(child, 29).is_empty();
        let all = self.results.get(&(code, sub_id)).map(Vec::as_slice).unwrap_or_default();
        let until = |report: usize| all.split_at(all.partition_point(|result| result.report < report));
        let found = match order {
            Some(order) => only(until(order).1.iter().take_while(|result| result.report == order)),
            None if named_order => None,
            None => only(until(place).0.iter().chain(until(place + 1).1)),
        };
        if found.is_none() {
            named.warn(Code::UnknownKey);
        }
        found
    }
}

/// The only one, if there is one.
fn only<'p>(mut found: impl Iterator<Item = &'p Parent>) -> Option<Parent> {
    let first = found.next()?;
    found.next().is_none().then_some(*first)
}

/// The results of other orders that go further into a result of the group's.
pub(super) fn children(ids: &[Ids]) -> HashMap<Parent, Vec<&Ids>> {
    let mut children: HashMap<Parent, Vec<&Ids>> = HashMap::new();
    for child in ids {
        if let Some(parent) = child.parent {
            children.entry(parent).or_default().push(child);
        }
    }
    children
}

/// The results of one report by their sub-ids: how many have one, and which are under it (`1.2` under `1`).
#[derive(Default)]
pub(super) struct SubIds<'m> {
    having: HashMap<Cow<'m, str>, usize>,
    under: HashMap<String, Vec<usize>>,
}

impl<'m> SubIds<'m> {
    /// Those of a report.
    pub(super) fn of(message: &'m Message<'m>, report: &Report) -> SubIds<'m> {
        let mut all = SubIds::default();
        for (place, result) in report.results.iter().enumerate() {
            let Some(sub_id) = message.field(result.obx, 4).trimmed() else { continue };
            if let Some((up, _last)) = sub_id.rsplit_once('.') {
                all.under.entry(up.to_owned()).or_default().push(place);
            }
            *all.having.entry(sub_id).or_default() += 1;
        }
        all
    }

    /// The results under a sub-id, where exactly one result has it.
    pub(super) fn under(&self, sub_id: &str) -> &[usize] {
        let alone = self.having.get(sub_id) == Some(&1);
        self.under.get(sub_id).filter(|_under| alone).map(Vec::as_slice).unwrap_or_default()
    }
}
