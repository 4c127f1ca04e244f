//! A message as spans: segments, and the leaves of their fields, each with what became of it.
//!
//! Parsing never fails on content: what is odd is a [`Defect`], what is there stays addressable. Only a message whose MSH
//! cannot be read is no message.

mod cut;
mod header;
mod value;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ops::Range;

use bridge::mapping::Source;
use bridge::{Code, Defect, Kind, Loss, Position, Severity};

use crate::charset::Charset;
use crate::delimiters::Delimiters;
use header::Decoded;
pub(crate) use header::{decode, header_end, header_fields};
pub(crate) use value::Value;

/// More leaves than the largest real message has by far; a message past it is refused, so that memory is bounded.
pub(crate) const LEAVES_MAX: usize = 2_000_000;

/// What numbers, names, times or places something is shorter by far, in bytes; a message past it is refused, because such
/// a field is looked at for each result anew. Text and documents stand in OBX-5, in NTE and in segments of a site's own.
pub(crate) const FIELD_BYTES_MAX: usize = 16 * 1024;

/// What one message may make of keys and resources, in bytes: eight times the longest frame, more than any real one does.
/// A message past it is refused, because a few of its fields stand in each of its results.
pub(crate) const MADE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// One parsed message. Not shared between threads: what became of each leaf is noted while it is read.
pub(crate) struct Message<'a> {
    text: &'a str,
    /// Its separators.
    pub(crate) delimiters: Delimiters,
    /// Whether its escape character stands anywhere but in MSH-2, which declares it.
    escapes: bool,
    /// Which of them a byte is.
    separates: [Level; 256],
    charset: Charset,
    /// Where text stands whose bytes were not understood, in order.
    doubtful: &'a [Range<usize>],
    segments: Vec<Segment>,
    leaves: Vec<Leaf>,
    /// Whether one of them is the two quotes that delete.
    nulls: bool,
    /// For each segment, where the leaves of each of its first fields begin, of those beyond together, and where all end.
    fields: Vec<u32>,
    fates: Vec<Cell<Fate>>,
    defects: RefCell<Defects>,
    /// How many bytes of keys and resources it has made.
    made: Cell<usize>,
    /// Whether it is past one of the bounds, so that nothing is made of it.
    overfull: Cell<bool>,
}

/// What is wrong, each thing once, in the order of finding.
#[derive(Default)]
struct Defects {
    found: Vec<Defect>,
    known: HashSet<Defect>,
}

impl Defects {
    fn note(&mut self, defect: Defect) {
        if self.known.insert(defect) {
            self.found.push(defect);
        }
    }
}

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Its name.
    pub(crate) name: [u8; 3],
    /// Which of that name, from 1; 0 when it is the only one.
    pub(crate) occurrence: u32,
    first: u32,
    end: u32,
    /// A bit for each of the first 63 fields that is valued, and one for all beyond: most that a map asks for are not.
    valued: u64,
    /// Its part of [`Message::fields`] begins here.
    fields: u32,
}

/// What a byte separates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Nothing,
    Field,
    Repetition,
    Component,
    Subcomponent,
}

/// How many of a segment's fields are noted; those beyond are looked up.
const FIELDS_NOTED: u16 = 63;

/// One valued leaf: a subcomponent, or what stands undivided in a component, repetition or field.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    start: u32,
    end: u32,
    segment: u32,
    field: u16,
    repetition: u16,
    component: u16,
    subcomponent: u16,
    /// Whether it is the two quotes that delete.
    null: bool,
}

impl Leaf {
    /// The first of a segment.
    const FIRST: Leaf =
        Leaf { start: 0, end: 0, segment: 0, field: 0, repetition: 1, component: 1, subcomponent: 1, null: false };
}

#[derive(Clone, Copy, Debug)]
struct Fate {
    kind: Kind,
    /// Where it went when it was mapped or kept, the rule when it was ignored.
    by: &'static str,
}

const UNKNOWN: Fate = Fate { kind: Kind::Unknown, by: "" };

impl<'a> Message<'a> {
    /// Cuts a decoded message into segments and leaves.
    pub(crate) fn parse(decoded: &'a Decoded<'_>) -> Message<'a> {
        let mut message = Message {
            text: &decoded.text,
            delimiters: decoded.delimiters,
            escapes: memchr::memchr_iter(decoded.delimiters.escape, decoded.text.as_bytes()).nth(1).is_some(),
            separates: cut::separates(&decoded.delimiters),
            charset: decoded.charset,
            doubtful: &decoded.doubtful,
            segments: Vec::with_capacity(32),
            leaves: Vec::with_capacity(decoded.text.len() / 6),
            nulls: false,
            fields: Vec::with_capacity(decoded.text.len() / 4),
            fates: Vec::new(),
            defects: RefCell::default(),
            made: Cell::new(0),
            overfull: Cell::new(false),
        };
        decoded.defects.iter().for_each(|defect| message.defects.get_mut().note(*defect));
        message.cut();
        message.count();
        message.bound();
        message.fates = vec![Cell::new(UNKNOWN); message.leaves.len()];
        if message.nulls {
            for (_null, fate) in message.leaves.iter().zip(&message.fates).filter(|(leaf, _fate)| leaf.null) {
                // "" deletes; a resource written whole has nothing to delete.
                fate.set(Fate { kind: Kind::Ignored, by: "explicit-null" });
            }
        }
        message
    }

    /// Its segments, in order.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// A field of the segment at `place`; empty when it is not valued.
    pub(crate) fn field(&self, place: usize, field: u16) -> Value<'_> {
        let Some(segment) = self.segments.get(place) else { return self.nothing() };
        if segment.valued & Source::bit(field) == 0 {
            return self.nothing();
        }
        if field >= FIELDS_NOTED {
            return self.distant_field(segment, field);
        }
        // It ends where the next one begins.
        let entry = segment.fields as usize + usize::from(field);
        match self.fields.get(entry..entry + 2) {
            Some([first, end]) => Value::of(self, *first as usize..*end as usize),
            Some(_) | None => self.nothing(),
        }
    }

    /// The value of what is not valued.
    pub(crate) fn nothing(&self) -> Value<'_> {
        Value::of(self, 0..0)
    }

    /// A field beyond those that are noted.
    fn distant_field(&self, segment: &Segment, field: u16) -> Value<'_> {
        let (first, end) = (segment.first as usize, segment.end as usize);
        let leaves = self.leaves.get(first..end).unwrap_or_default();
        let from = leaves.partition_point(|leaf| leaf.field < field);
        let to = leaves.partition_point(|leaf| leaf.field <= field);
        Value::of(self, first + from..first + to)
    }

    /// The valued fields of the segment at `place`: a bit for each of the first 63, one for all beyond.
    pub(crate) fn valued(&self, place: usize) -> u64 {
        self.segments.get(place).map_or(0, |segment| segment.valued)
    }

    /// The greatest field number that the segment at `place` values.
    pub(crate) fn last_field(&self, place: usize) -> u16 {
        let Some(segment) = self.segments.get(place) else { return 0 };
        let leaves = self.leaves.get(segment.first as usize..segment.end as usize).unwrap_or_default();
        leaves.last().map_or(0, |leaf| leaf.field)
    }

    /// Notes something wrong; the same twice is noted once.
    pub(crate) fn defect(&self, at: Position, code: Code, severity: Severity) {
        self.defects.borrow_mut().note(Defect { at, code, severity });
    }

    /// Everything found wrong so far.
    pub(crate) fn defects(&self) -> Vec<Defect> {
        self.defects.borrow().found.clone()
    }

    /// Whether it is past one of the bounds, so that nothing is to be made of it.
    pub(crate) fn is_overfull(&self) -> bool {
        self.overfull.get()
    }

    /// Counts what is made of the segment at `place`; past the bound the message is refused there.
    pub(crate) fn makes(&self, bytes: usize, place: usize) {
        self.made.set(self.made.get().saturating_add(bytes));
        if self.made.get() > MADE_BYTES_MAX && !self.is_overfull() {
            self.overfull(self.position(place));
        }
    }

    fn overfull(&self, at: Position) {
        self.overfull.set(true);
        self.defect(at, Code::ValueTooLong, Severity::Error);
    }

    /// The place of a whole segment.
    pub(crate) fn position(&self, place: usize) -> Position {
        let segment = self.segments.get(place);
        let mut at = Position::segment(segment.map_or(*b"MSH", |segment| segment.name));
        at.occurrence = segment.map_or(0, |segment| segment.occurrence);
        at
    }

    /// What became of every leaf, in the order of the message.
    pub(crate) fn loss(&self) -> Vec<Loss> {
        let mut loss = Vec::with_capacity(self.leaves.len());
        let mut fates = self.fates.iter().map(Cell::get);
        let one = |one: &Leaf, other: &Leaf| {
            (one.segment, one.field, one.repetition) == (other.segment, other.field, other.repetition)
        };
        for repetition in self.leaves.chunk_by(one) {
            let Some(first) = repetition.first() else { continue };
            let whole =
                Position { field: first.field, repetition: first.repetition, ..self.position(first.segment as usize) };
            // A field without components is shown as a whole.
            let divided = repetition.iter().any(|leaf| leaf.component > 1 || leaf.subcomponent > 1);
            for (leaf, Fate { kind, by }) in repetition.iter().zip(&mut fates) {
                let component = if divided { leaf.component } else { 0 };
                let subcomponent = if leaf.subcomponent > 1 { leaf.subcomponent } else { 0 };
                let (to, rule) = match kind {
                    Kind::Mapped | Kind::Kept => (Some(by), None),
                    Kind::Ignored => (None, Some(by)),
                    Kind::Unknown => (None, None),
                };
                loss.push(Loss { at: Position { component, subcomponent, ..whole }, kind, to, rule });
            }
        }
        loss
    }

    #[inline]
    fn text_of(&self, leaf: &Leaf) -> &str {
        self.text.get(leaf.start as usize..leaf.end as usize).unwrap_or_default()
    }

    fn settle(&self, places: Range<usize>, kind: Kind, by: &'static str) {
        for fate in self.fates.get(places).unwrap_or_default() {
            // Mapped beats kept beats ignored: the best that happened to a leaf is what is told.
            if kind < fate.get().kind {
                fate.set(Fate { kind, by });
            }
        }
    }
}
