//! A message as spans: segments, and the leaves of their fields, each with what became of it.
//!
//! Parsing never fails on content: what is odd is a [`Defect`], what is there stays addressable. Only a message whose MSH
//! cannot be read is no message.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use bridge::mapping::Source;
use bridge::{Code, Defect, Kind, Loss, Position, Severity};

use crate::charset::Charset;
use crate::delimiters::Delimiters;
use crate::escape;

/// More leaves than the largest real message has by far; a message past it is refused, so that memory is bounded.
pub(crate) const LEAVES_MAX: usize = 2_000_000;

/// What numbers, names, times or places something is shorter by far, in bytes; a message past it is refused, because such
/// a field is looked at for each result anew. Text and documents stand in OBX-5, in NTE and in segments of a site's own.
pub(crate) const FIELD_BYTES_MAX: usize = 16 * 1024;

/// What one message may make of keys and resources, in bytes: eight times the longest frame, more than any real one does.
/// A message past it is refused, because a few of its fields stand in each of its results.
pub(crate) const MADE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A message's bytes as text, with its separators.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) delimiters: Delimiters,
    pub(crate) charset: Charset,
    /// Where text stands whose bytes were not understood.
    pub(crate) doubtful: Vec<Range<usize>>,
    pub(crate) defects: Vec<Defect>,
}

/// Where the header ends: at a carriage return, or at a line feed where the message has no return.
pub(crate) fn header_end(raw: &[u8]) -> usize {
    memchr::memchr(b'\r', raw).or_else(|| memchr::memchr(b'\n', raw)).unwrap_or(raw.len())
}

/// The header's fields as they came: MSH-1 is the separator itself, so that MSH-3 is the third.
pub(crate) fn header_fields(raw: &[u8], field: u8) -> impl Iterator<Item = &[u8]> {
    let mut header = raw.get(..header_end(raw)).unwrap_or_default();
    while let Some((b'\n' | b'\r' | 0, before)) = header.split_last() {
        header = before;
    }
    header.split(move |byte| *byte == field)
}

/// Reads separators and charset, and decodes. `None` when MSH cannot be read.
pub(crate) fn decode<'a>(raw: &'a [u8], default_charset: Option<&str>) -> Option<Decoded<'a>> {
    let delimiters = Delimiters::of(raw)?;
    let mut defects = Vec::new();
    let declared = header_fields(raw, delimiters.field).nth(17).unwrap_or_default();
    // MSH-18 repeats: the first is the default, the others are alternates reached by escape sequences.
    let first = declared.split(|byte| *byte == delimiters.repetition).next().unwrap_or_default();
    let first = first.split(|byte| *byte == delimiters.component).next().unwrap_or_default();
    let named = std::str::from_utf8(first).unwrap_or("?").trim();
    let named = if named.is_empty() { default_charset.unwrap_or_default() } else { named };
    let warn = |code| Defect { at: Position::field(*b"MSH", 18), code, severity: Severity::Warning };
    let charset = Charset::named(named).unwrap_or_else(|| {
        defects.push(warn(Code::TableValueNotFound));
        Charset::Utf8
    });
    let (text, understood) = charset.decode(raw);
    let mut doubtful = Vec::new();
    if !understood {
        defects.push(warn(Code::DataType));
        doubtful = charset.doubtful(raw);
    }
    Some(Decoded { text, delimiters, charset, doubtful, defects })
}

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
            separates: separates(&decoded.delimiters),
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

    fn cut(&mut self) {
        let bytes = self.text.as_bytes();
        // CR ends a segment; where none does, LF; beside CR a lone LF is data.
        let by_return = memchr::memchr(b'\r', bytes).is_some();
        let end_byte = if by_return { b'\r' } else { b'\n' };
        let mut at = 0;
        let mut named = *b"MSH";
        while at < bytes.len() && self.leaves.len() < LEAVES_MAX {
            let rest = bytes.get(at..).unwrap_or_default();
            let length = memchr::memchr(end_byte, rest).unwrap_or(rest.len());
            let (mut from, mut to) = (at, at + length);
            at = to + 1;
            while from < to && matches!(bytes[from], b'\n' | b'\r' | b' ' | 0) {
                from += 1;
            }
            while from < to && matches!(bytes[to - 1], b'\n' | b'\r' | 0) {
                to -= 1;
            }
            if from < to {
                self.segment(from, to, &mut named);
            }
        }
        if self.leaves.len() >= LEAVES_MAX {
            self.overfull(Position::segment(*b"MSH"));
        }
    }

    /// One segment; `before` is the name of the last one that had any.
    fn segment(&mut self, from: usize, to: usize, before: &mut [u8; 3]) {
        let bytes = self.text.as_bytes();
        let name: [u8; 3] =
            bytes.get(from..(from + 3).min(to)).and_then(|name| name.try_into().ok()).unwrap_or(*b"???");
        let named = name[0].is_ascii_uppercase() && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let bounded = to == from + 3 || bytes.get(from + 3) == Some(&self.delimiters.field);
        let first = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        let place = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        if named && bounded {
            self.fields(from, to, place, &name == b"MSH");
            self.segment_of(name, first);
            *before = name;
        } else {
            // A line that is no segment: most often a carriage return that a sender left inside a field.
            self.leaf(Leaf { start: at(from), end: at(to), segment: place, ..Leaf::FIRST });
            self.segment_of(*b"???", first);
            self.defect(Position::segment(*before), Code::SegmentSequence, Severity::Error);
        }
    }

    /// Notes the segment of the leaves from `first`, and where each of its fields begins.
    fn segment_of(&mut self, name: [u8; 3], first: u32) {
        let leaves = self.leaves.get(first as usize..).unwrap_or_default();
        let (mut valued, fields, mut next) = (0u64, at(self.fields.len()), 0);
        for (place, leaf) in (first..).zip(leaves) {
            if leaf.field >= next {
                valued |= Source::bit(leaf.field);
                let upto = leaf.field.min(FIELDS_NOTED);
                (next..=upto).for_each(|_field| self.fields.push(place));
                next = upto + 1;
                if next > FIELDS_NOTED {
                    break;
                }
            }
        }
        let end = at(self.leaves.len());
        self.fields.push(end);
        self.segments.push(Segment { name, occurrence: 0, first, end, valued, fields });
    }

    fn fields(&mut self, from: usize, to: usize, place: u32, header: bool) {
        let bytes = self.text.as_bytes();
        let mut start = from + 3;
        let mut leaf = Leaf { segment: place, ..Leaf::FIRST };
        if header {
            self.leaf(Leaf { start: at(start), end: at((start + 1).min(to)), field: 1, ..leaf });
            let rest = bytes.get(start + 1..to).unwrap_or_default();
            let length = memchr::memchr(self.delimiters.field, rest).unwrap_or(rest.len());
            self.leaf(Leaf { start: at(start + 1), end: at(start + 1 + length), field: 2, ..leaf });
            start += 1 + length;
            leaf.field = 2;
        }
        // One pass: each separator closes a leaf and says where the next one stands.
        leaf.start = at(start);
        for (here, byte) in (leaf.start..).zip(bytes.get(start..to).unwrap_or_default()) {
            let level = self.separates[usize::from(*byte)];
            if level == Level::Nothing {
                continue;
            }
            self.leaf(Leaf { end: here, ..leaf });
            leaf.start = here + 1;
            match level {
                Level::Nothing => {}
                Level::Field => {
                    leaf.field = leaf.field.saturating_add(1);
                    (leaf.repetition, leaf.component, leaf.subcomponent) = (1, 1, 1);
                }
                Level::Repetition => {
                    leaf.repetition = leaf.repetition.saturating_add(1);
                    (leaf.component, leaf.subcomponent) = (1, 1);
                }
                Level::Component => {
                    leaf.component = leaf.component.saturating_add(1);
                    leaf.subcomponent = 1;
                }
                Level::Subcomponent => leaf.subcomponent = leaf.subcomponent.saturating_add(1),
            }
        }
        self.leaf(Leaf { end: at(to), ..leaf });
    }

    /// Notes a leaf, if anything stands there.
    #[inline]
    fn leaf(&mut self, leaf: Leaf) {
        if leaf.start >= leaf.end || self.leaves.len() >= LEAVES_MAX {
            return;
        }
        let null = leaf.end - leaf.start == 2
            && self.text.as_bytes().get(leaf.start as usize..leaf.end as usize) == Some(b"\"\"");
        self.nulls |= null;
        self.leaves.push(Leaf { null, ..leaf });
    }

    /// Counts segments of one name.
    fn count(&mut self) {
        let mut counts: BTreeMap<[u8; 3], u32> = BTreeMap::new();
        for segment in &mut self.segments {
            let count = counts.entry(segment.name).or_insert(0);
            *count += 1;
            segment.occurrence = *count;
        }
        for segment in self.segments.iter_mut().filter(|segment| counts.get(&segment.name) == Some(&1)) {
            segment.occurrence = 0;
        }
    }

    /// Refuses a message with a field that is longer than what it is for.
    fn bound(&self) {
        let long = |leaves: &[Leaf]| {
            let ends = leaves.last().zip(leaves.first()).map(|(last, first)| last.end - first.start);
            ends.is_some_and(|bytes| bytes as usize > FIELD_BYTES_MAX)
        };
        for (place, segment) in self.segments.iter().enumerate() {
            let leaves = self.leaves.get(segment.first as usize..segment.end as usize).unwrap_or_default();
            if !long(leaves) || !is_read_again(&segment.name) {
                continue;
            }
            for field in leaves.chunk_by(|one, other| one.field == other.field).filter(|field| long(field)) {
                let number = field.first().map_or(0, |leaf| leaf.field);
                if (&segment.name, number) != (b"OBX", 5) {
                    self.overfull(Position { field: number, ..self.position(place) });
                }
            }
        }
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
            Some([first, end]) => Value { message: self, first: *first as usize, end: *end as usize, level: 0 },
            Some(_) | None => self.nothing(),
        }
    }

    /// The value of what is not valued.
    pub(crate) fn nothing(&self) -> Value<'_> {
        Value { message: self, first: 0, end: 0, level: 0 }
    }

    /// A field beyond those that are noted.
    fn distant_field(&self, segment: &Segment, field: u16) -> Value<'_> {
        let (first, end) = (segment.first as usize, segment.end as usize);
        let leaves = self.leaves.get(first..end).unwrap_or_default();
        let from = leaves.partition_point(|leaf| leaf.field < field);
        let to = leaves.partition_point(|leaf| leaf.field <= field);
        Value { message: self, first: first + from, end: first + to, level: 0 }
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

#[cold]
fn without_spaces(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let trimmed = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    (!trimmed.is_empty()).then_some(trimmed)
}

/// Whether fields of this segment are read for more than one resource.
fn is_read_again(segment: &[u8; 3]) -> bool {
    matches!(segment, b"MSH" | b"PID" | b"PD1" | b"PV1" | b"ORC" | b"OBR" | b"TQ1" | b"CTD" | b"SPM" | b"OBX")
}

/// What each byte separates. Letters, digits, spaces and bytes of other characters separate nothing, nor does a separator
/// that is not there.
fn separates(own: &Delimiters) -> [Level; 256] {
    let mut separates = [Level::Nothing; 256];
    let levels = [
        (own.subcomponent, Level::Subcomponent),
        (own.repetition, Level::Repetition),
        (own.component, Level::Component),
        (own.field, Level::Field),
    ];
    for (byte, level) in levels {
        if byte.is_ascii_punctuation() {
            separates[usize::from(byte)] = level;
        }
    }
    separates
}

/// A place as the message keeps it; a message is bounded far below what that can say.
fn at(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

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
