//! One part of a message: what stands there, and what became of it.

use std::borrow::Cow;
use std::ops::Range;

use bridge::mapping::Source;
use bridge::{Code, Kind, Position, Severity};

use super::{Leaf, Message};
use crate::escape;

/// A part of a message: a field, one repetition, one component or one subcomponent. Empty when not valued.
#[derive(Clone, Copy)]
pub(crate) struct Value<'m> {
    message: &'m Message<'m>,
    first: usize,
    end: usize,
    /// 0 field, 1 repetition, 2 component, 3 subcomponent.
    level: u8,
}

impl<'m> Value<'m> {
    /// The field of these leaves.
    pub(super) fn of(message: &'m Message<'m>, leaves: Range<usize>) -> Value<'m> {
        Value { message, first: leaves.start, end: leaves.end, level: 0 }
    }

    /// Whether nothing stands here, or only the two quotes that delete.
    pub(crate) fn is_empty(&self) -> bool {
        self.leaves().iter().all(|leaf| leaf.null)
    }

    #[inline]
    fn leaves(self) -> &'m [Leaf] {
        self.message.leaves.get(self.first..self.end).unwrap_or_default()
    }

    /// Each valued repetition.
    pub(crate) fn repetitions(self) -> impl Iterator<Item = Value<'m>> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let leaf = if at < self.end { self.message.leaves.get(at) } else { None }?;
            let first = at;
            while at < self.end && self.message.leaves.get(at).is_some_and(|other| other.repetition == leaf.repetition)
            {
                at += 1;
            }
            Some(Value { first, end: at, level: self.level.max(1), ..self })
        })
    }

    /// A component of a repetition (of the first, when this is a field), or a subcomponent of a component.
    pub(crate) fn part(self, number: u16) -> Value<'m> {
        if let [leaf] = self.leaves() {
            let (own, level) = if self.level >= 2 { (leaf.subcomponent, 3) } else { (leaf.component, 2) };
            return Value { first: if own == number { self.first } else { self.end }, level, ..self };
        }
        let whole = self.first_repetition();
        let (leaves, level) = (whole.leaves(), if whole.level >= 2 { 3 } else { 2 });
        let number_of = |leaf: &Leaf| if level == 3 { leaf.subcomponent } else { leaf.component };
        // Most values have few parts.
        let from = leaves.iter().take_while(|leaf| number_of(leaf) < number).count();
        let count = leaves.iter().skip(from).take_while(|leaf| number_of(leaf) == number).count();
        let first = whole.first + if count == 0 { leaves.len() } else { from };
        Value { first, end: first + count, level, ..self }
    }

    /// A part of it that is not valued.
    pub(crate) fn none(self) -> Value<'m> {
        Value { first: self.end, level: 3, ..self }
    }

    /// The first of its repetitions, when this is a field; else itself.
    pub(crate) fn first_repetition(self) -> Value<'m> {
        let [first, .., last] = self.leaves() else { return Value { level: self.level.max(1), ..self } };
        if self.level > 0 || first.repetition == last.repetition {
            return Value { level: self.level.max(1), ..self };
        }
        self.repetitions().next().unwrap_or(self)
    }

    /// Whether another value says the same, byte for byte.
    pub(crate) fn is_as(self, other: Value<'_>) -> bool {
        self.raw() == other.raw()
    }

    /// The valued components, or subcomponents of a component: a bit for each of the first 63, one for all beyond.
    pub(crate) fn parts_valued(self) -> u64 {
        let whole = self.first_repetition();
        let number_of = |leaf: &Leaf| if whole.level >= 2 { leaf.subcomponent } else { leaf.component };
        whole.leaves().iter().fold(0, |bits, leaf| bits | Source::bit(number_of(leaf)))
    }

    /// The text of a scalar, decoded; of a composite, its first component's (a newer composite in an older field).
    #[inline]
    pub(crate) fn text(self) -> Option<Cow<'m, str>> {
        let leaf = self.message.leaves.get(self.first).filter(|_leaf| self.first < self.end)?;
        let scalar = (self.level >= 2 || leaf.component == 1) && (self.level >= 3 || leaf.subcomponent == 1);
        if !scalar || leaf.null {
            return None;
        }
        let raw = self.message.text_of(leaf);
        if !self.message.escapes {
            return Some(Cow::Borrowed(raw));
        }
        let (text, known) = escape::decode(raw, &self.message.delimiters, self.message.charset);
        if !known {
            self.warn(Code::DataType);
        }
        Some(text)
    }

    /// As [`Value::text`], without spaces around it; `None` when nothing else is there.
    pub(crate) fn trimmed(self) -> Option<Cow<'m, str>> {
        let text = self.text()?;
        if let ([first, ..], [.., last]) = (text.as_bytes(), text.as_bytes())
            && first.is_ascii_graphic()
            && last.is_ascii_graphic()
        {
            return Some(text);
        }
        without_spaces(text)
    }

    /// What this names something by: its text; where its bytes were not understood, as they came, behind a carriage return,
    /// with which no text begins. So different bytes never name one thing.
    pub(crate) fn naming(self) -> Option<Cow<'m, str>> {
        let text = self.trimmed()?;
        Some(if self.is_doubtful() { Cow::Owned(self.naming_raw()) } else { text })
    }

    /// As [`Value::naming`], by everything that stands here as it came.
    pub(crate) fn naming_raw(self) -> String {
        if self.is_doubtful() { format!("\r{}", self.raw()) } else { self.raw() }
    }

    /// Whether bytes of this were not understood, so that its text may stand for others as well.
    pub(crate) fn is_doubtful(self) -> bool {
        let doubtful = self.message.doubtful;
        !doubtful.is_empty()
            && self.leaves().iter().any(|leaf| {
                let place = doubtful.partition_point(|range| range.end <= leaf.start as usize);
                let within = doubtful.get(place).is_some_and(|range| range.start < leaf.end as usize);
                within && !self.message.text_of(leaf).is_ascii()
            })
    }

    /// Everything that stands here as it came, separators included, escapes not decoded.
    pub(crate) fn raw(self) -> String {
        let ends = self.leaves().last().zip(self.leaves().first()).map(|(last, first)| last.end - first.start);
        let Some(bytes) = ends else { return String::new() };
        let mut out = String::with_capacity(bytes as usize + 8);
        self.write_raw(&mut out);
        out
    }

    /// As [`Value::raw`], after what stands in `out` already.
    pub(crate) fn write_raw(self, out: &mut String) {
        let own = &self.message.delimiters;
        let (mut repetition, mut component, mut subcomponent) = (0u16, 1u16, 1u16);
        for place in self.first..self.end {
            let Some(leaf) = self.message.leaves.get(place) else { continue };
            if place == self.first {
                repetition = if self.level == 0 { 1 } else { leaf.repetition };
                component = if self.level >= 2 { leaf.component } else { 1 };
                subcomponent = if self.level >= 3 { leaf.subcomponent } else { 1 };
            }
            let mut push = |byte: u8, times: u16| (0..times).for_each(|_time| out.push(char::from(byte)));
            if leaf.repetition > repetition {
                push(own.repetition, leaf.repetition - repetition);
                (component, subcomponent) = (1, 1);
            }
            if leaf.component > component {
                push(own.component, leaf.component - component);
                subcomponent = 1;
            }
            push(own.subcomponent, leaf.subcomponent.saturating_sub(subcomponent));
            (repetition, component, subcomponent) = (leaf.repetition, leaf.component, leaf.subcomponent);
            out.push_str(self.message.text_of(leaf));
        }
    }

    /// Whether more than the first component is valued.
    pub(crate) fn is_composite(self) -> bool {
        self.leaves().iter().any(|leaf| leaf.component > 1 || leaf.subcomponent > 1)
    }

    /// Notes that all of this stands in a FHIR element that means the same.
    pub(crate) fn mapped(self, to: &'static str) {
        self.message.settle(self.first..self.end, Kind::Mapped, to);
    }

    /// Notes that this scalar stands there: its first leaf alone.
    pub(crate) fn mapped_scalar(self, to: &'static str) {
        self.message.settle(self.first..self.end.min(self.first + 1), Kind::Mapped, to);
    }

    /// Notes that whatever is left of this is carried as it came.
    pub(crate) fn kept(self, to: &'static str) {
        self.message.settle(self.first..self.end, Kind::Kept, to);
    }

    /// Notes the rule by which whatever is left of this is not carried.
    pub(crate) fn ignored(self, rule: &'static str) {
        self.message.settle(self.first..self.end, Kind::Ignored, rule);
    }

    /// Notes that the same became of this as of another value with the same text.
    pub(crate) fn shares_fate_of(self, other: Value<'_>) {
        for (own, place) in (self.first..self.end).zip(other.first..other.end) {
            if let (Some(own), Some(fate)) = (self.message.fates.get(own), other.message.fates.get(place)) {
                own.set(fate.get());
            }
        }
    }

    /// Whether a leaf of this has no fate yet.
    pub(crate) fn has_unknown(self) -> bool {
        let fates = self.message.fates.get(self.first..self.end).unwrap_or_default();
        fates.iter().any(|fate| fate.get().kind == Kind::Unknown)
    }

    /// Where this stands.
    pub(crate) fn position(self) -> Position {
        let Some(leaf) = self.message.leaves.get(self.first) else { return Position::segment(*b"MSH") };
        let mut at = self.message.position(leaf.segment as usize);
        at.field = leaf.field;
        at.repetition = if self.level >= 1 { leaf.repetition } else { 0 };
        at.component = if self.level >= 2 { leaf.component } else { 0 };
        at.subcomponent = if self.level >= 3 { leaf.subcomponent } else { 0 };
        at
    }

    /// Notes something here for which the message cannot be filed.
    pub(crate) fn fault(self, code: Code) {
        self.message.defect(self.position(), code, Severity::Error);
    }

    /// Notes something odd here that was read all the same.
    pub(crate) fn warn(self, code: Code) {
        self.message.defect(self.position(), code, Severity::Warning);
    }
}

#[cold]
fn without_spaces(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let trimmed = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    (!trimmed.is_empty()).then_some(trimmed)
}
