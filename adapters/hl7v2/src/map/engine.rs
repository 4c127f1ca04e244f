//! Runs rows: from spans of a message to members of a resource, in one pass, noting what became of every leaf.

use std::cell::RefCell;
use std::collections::HashMap;

use bridge::mapping::{self, How, Map, Out, Piece, Primitive, Row, Source, Table};
use bridge::{Code, Heading, Link, Record, extension};

use super::scope::Scope;
use super::tables::Maps;
use crate::moment::{Moment, Zones};
use crate::parse::{Message, Value};

/// What a record takes beside its key and body, in bytes.
const RECORD_BYTES: usize = 300;

/// A rule that branches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) run: for<'r, 'm> fn(&mut Run<'m>, &mut Out, &At<'r, 'm>),
    /// Whether it has something to write even when its field is empty.
    pub(crate) always: bool,
}

impl mapping::Step for Step {
    fn always(&self) -> bool {
        self.always
    }
}

/// The reading of one message.
pub(crate) struct Run<'m> {
    pub(crate) link: &'m Link,
    pub(crate) message: &'m Message<'m>,
    pub(crate) heading: &'m Heading,
    pub(crate) zones: Zones<'m>,
    /// MSH-7, microseconds since 1970.
    pub(crate) sent_at_us: Option<i64>,
    /// The text that was last read as a time, and what it was read as.
    pub(crate) recent: RefCell<(String, Option<Moment>)>,
    pub(crate) maps: &'static Maps,
    /// People and organizations named so far, each once.
    pub(crate) shared: Vec<Record>,
    /// Where each of them stands there, by type and id.
    pub(crate) places: HashMap<(&'static str, String), usize>,
    /// How they were named: what was written where, and the reference it became.
    pub(crate) named: HashMap<String, (Value<'m>, String)>,
    /// The result whose unit was written last, and its members.
    pub(crate) unit: (usize, Vec<u8>),
    /// What is open of the objects being written, those of outer ones first: a piece, and whether one of its elements is.
    pub(crate) open: Vec<(Piece, bool)>,
    /// What the resource being written carries as it came: a line for each field, its place first.
    pub(crate) kept: String,
}

/// Where rows read from: segments, or the parts of one value.
#[derive(Clone, Copy)]
pub(crate) enum Base<'m> {
    Segments,
    Parts(Value<'m>),
}

/// What a step is given.
pub(crate) struct At<'r, 'm> {
    /// The value of its row; of one repetition when the row writes a list.
    pub(crate) value: Value<'m>,
    pub(crate) base: Base<'m>,
    pub(crate) scope: &'r Scope<'r>,
    /// The member to write; empty for an element of a list.
    pub(crate) name: &'static str,
    /// The full FHIR path.
    pub(crate) to: &'static str,
}

impl<'m> Run<'m> {
    /// Writes a whole resource by its map.
    pub(crate) fn resource(&mut self, map: &Map<Step>, id: &str, scope: &Scope<'_>) -> Vec<u8> {
        let mut out = Out::resource(map.kind, id);
        self.rows(map, Base::Segments, scope, &mut out, true);
        let body = out.finish();
        let report = || scope.report.and_then(|(report, _ids)| report.obr);
        self.message.makes(RECORD_BYTES + body.len(), scope.own.or_else(report).or(scope.group.pid).unwrap_or(0));
        body
    }

    /// Writes the members of one element from the parts of a value.
    pub(crate) fn parts(&mut self, map: &Map<Step>, value: Value<'m>, scope: &Scope<'_>, out: &mut Out) {
        self.rows(map, Base::Parts(value), scope, out, false);
    }

    /// Rows of one object share what they have open; everything is closed at the end.
    fn rows(&mut self, map: &Map<Step>, base: Base<'m>, scope: &Scope<'_>, out: &mut Out, whole: bool) {
        let floor = out.depth();
        let outer = self.open.len();
        let message = self.message;
        let nothing = message.nothing();
        let wanted = match base {
            Base::Segments => map.wanted(|segment| message.valued(scope.place(segment))),
            Base::Parts(value) => map.wanted(|_component| value.parts_valued()),
        };
        for row in wanted {
            match row.how {
                How::Keep => {
                    row.from.iter().for_each(|source| self.keep(self.find(*source, base, scope), row.to));
                    continue;
                }
                How::Ignore(rule) => {
                    row.from.iter().for_each(|source| self.find(*source, base, scope).ignored(rule));
                    continue;
                }
                How::Primitive(_) | How::Coded(_) | How::Datatype(_) | How::Step(_) | How::Fixed(_) => {}
            }
            let value = match row.from.as_slice() {
                [] => nothing,
                [source] => Some(self.find(*source, base, scope)).filter(|value| !value.is_empty()).unwrap_or(nothing),
                _several => self.first_valued(row, base, scope),
            };
            if value.is_empty() && !row.from.is_empty() && !needs_no_value(&row.how) {
                continue;
            }
            let Some(last) = row.path.last() else { continue };
            arrange(out, &mut self.open, outer, &row.within);
            let name = if last.list { "" } else { last.name };
            if let How::Fixed(text) = row.how {
                if out.opened_at(floor) {
                    out.string(name, text);
                }
                continue;
            }
            if last.list && !row.from.is_empty() && !value.is_empty() {
                value.repetitions().for_each(|one| self.one(row, one, base, scope, out, name));
            } else {
                self.one(row, value.first_repetition(), base, scope, out, name);
            }
            match row.from.as_slice() {
                _any if !whole => {}
                [_only] => self.keep(value, row.to),
                several => several.iter().for_each(|source| self.keep(self.find(*source, base, scope), row.to)),
            }
        }
        if whole && !self.kept.is_empty() {
            // One text with a line for each field: R4's extension may stand once.
            arrange(out, &mut self.open, outer, &[(Piece { name: "extension", list: true }, false)]);
            out.object("");
            out.plain("url", extension::ORIGINAL_TEXT);
            out.string("valueString", &self.kept);
            out.leave();
            self.kept.clear();
        }
        while out.depth() > floor {
            out.leave();
        }
        self.open.truncate(outer);
    }

    fn one(
        &mut self,
        row: &Row<Step>,
        value: Value<'m>,
        base: Base<'m>,
        scope: &Scope<'_>,
        out: &mut Out,
        name: &'static str,
    ) {
        match &row.how {
            How::Primitive(primitive) => self.primitive(*primitive, value, out, name, row.to),
            How::Coded(table) => self.coded(table, value, out, name, row.to),
            How::Datatype(map) => {
                out.object(name);
                self.rows(map, Base::Parts(value), scope, out, false);
                out.leave();
            }
            How::Step(step) => (step.run)(self, out, &At { value, base, scope, name, to: row.to }),
            How::Fixed(_) | How::Keep | How::Ignore(_) => {}
        }
    }

    /// The first valued of a row's sources; the others say the same, or are kept.
    fn first_valued(&mut self, row: &Row<Step>, base: Base<'m>, scope: &Scope<'_>) -> Value<'m> {
        let mut found: Option<Value<'m>> = None;
        for source in &row.from {
            let value = self.find(*source, base, scope);
            if value.is_empty() {
                continue;
            }
            match found {
                None => found = Some(value),
                Some(first) if first.is_as(value) => value.mapped(row.to),
                Some(_other) => {} // what it says otherwise is kept after the row
            }
        }
        found.unwrap_or_else(|| self.message.nothing())
    }

    /// Reads a date or time. Those of one message are mostly the same.
    pub(crate) fn time(&self, text: &str) -> Option<Moment> {
        let mut recent = self.recent.borrow_mut();
        if recent.0 != text {
            recent.1 = self.zones.read(text);
            recent.0.clear();
            recent.0.push_str(text);
        }
        recent.1
    }

    /// The value at a source.
    pub(crate) fn find(&self, source: Source, base: Base<'m>, scope: &Scope<'_>) -> Value<'m> {
        match base {
            Base::Parts(value) => match (source.field, source.component) {
                (0, _) => value,
                (part, 0) => value.part(part),
                (part, sub) => value.part(part).part(sub),
            },
            Base::Segments => {
                let field = scope.field(self.message, source.segment, source.field);
                if source.component == 0 { field } else { field.part(source.component) }
            }
        }
    }

    /// Carries what is left of a value as it came.
    pub(crate) fn keep(&mut self, value: Value<'m>, to: &'static str) {
        if value.is_empty() || !value.has_unknown() {
            return;
        }
        if !self.kept.is_empty() {
            self.kept.push('\n');
        }
        value.position().write(&mut self.kept);
        self.kept.push_str(": ");
        value.write_raw(&mut self.kept);
        value.kept(to);
    }

    /// Writes a primitive.
    pub(crate) fn primitive(
        &mut self,
        primitive: Primitive,
        value: Value<'m>,
        out: &mut Out,
        name: &str,
        to: &'static str,
    ) {
        let Some(text) = value.trimmed() else { return };
        match primitive {
            Primitive::String => out.string(name, &text),
            Primitive::Code => out.string(name, &super::coded::single_spaced(&text)),
            Primitive::Decimal => match super::number::decimal(&text) {
                Some(number) => out.raw(name, &number),
                None => return value.warn(Code::DataType),
            },
            Primitive::PositiveInt => match text.parse::<u32>() {
                Ok(number) if number > 0 => out.raw(name, &number.to_string()),
                Ok(_zero) => return value.warn(Code::DataType),
                Err(_not) => return value.warn(Code::DataType),
            },
            Primitive::Boolean => match &*text {
                "Y" => out.raw(name, "true"),
                "N" => out.raw(name, "false"),
                _other => return value.warn(Code::TableValueNotFound),
            },
            Primitive::Date | Primitive::DateTime => match self.time(&text) {
                Some(moment) => {
                    let day = moment.fhir.get(..10).filter(|_day| primitive == Primitive::Date);
                    out.string(name, day.unwrap_or(&moment.fhir));
                    if moment.cut || (day.is_some() && moment.fhir.len() > 10) {
                        // The rest of what it says stays as it came, beside the date.
                        self.keep(value, to);
                    }
                }
                None => return value.warn(Code::DataType),
            },
        }
        value.mapped_scalar(to);
    }

    /// Writes a code through a table; one that has no place in FHIR stays unmapped, to be kept.
    fn coded(&mut self, table: &'static Table, value: Value<'m>, out: &mut Out, name: &str, to: &'static str) {
        let Some(code) = value.trimmed() else { return };
        if let Some(target) = self.look_up(table, value, &code) {
            out.string(name, target);
            value.mapped_scalar(to);
        }
    }

    /// A code's meaning: the link's own, the published one, or ours with a warning.
    pub(crate) fn look_up(&self, table: &'static Table, value: Value<'_>, code: &str) -> Option<&'m str> {
        if let Some(own) = self.link.own_code(&table.name, code) {
            return Some(own);
        }
        match table.look_up(code) {
            Some((target, filled)) => {
                if filled {
                    value.warn(Code::TableValueNotFound);
                }
                Some(target)
            }
            None => {
                value.warn(Code::TableValueNotFound);
                None
            }
        }
    }
}

fn needs_no_value(how: &How<Step>) -> bool {
    matches!(how, How::Step(step) if step.always)
}

/// Opens what the next row needs, and closes what it does not: shared containers stay open. So does a list of which one row
/// writes an element by its members and the next one whole elements.
fn arrange(out: &mut Out, open: &mut Vec<(Piece, bool)>, outer: usize, wanted: &[(Piece, bool)]) {
    if wanted.is_empty() && open.len() == outer {
        return;
    }
    let own = open.get(outer..).unwrap_or_default();
    let shared = own.iter().zip(wanted).take_while(|(have, want)| have == want).count();
    let stays =
        own.get(shared).zip(wanted.get(shared)).is_some_and(|((have, _), (want, _))| have.list && *have == *want);
    while open.len() > outer + shared {
        if let Some((piece, element)) = open.pop() {
            if piece.list && element {
                out.leave();
            }
            if !stays || open.len() > outer + shared {
                out.leave();
            }
        }
    }
    for (place, (piece, element)) in wanted.iter().skip(shared).enumerate() {
        if piece.list {
            if !stays || place > 0 {
                out.array(piece.name);
            }
            if *element {
                out.object("");
            }
        } else {
            out.object(piece.name);
        }
        open.push((*piece, *element));
    }
}
