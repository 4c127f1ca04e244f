//! From text to segments and leaves, in one pass over its bytes.

use std::collections::BTreeMap;

use bridge::mapping::Source;
use bridge::{Code, Position, Severity};

use super::{FIELD_BYTES_MAX, FIELDS_NOTED, LEAVES_MAX, Leaf, Level, Message, Segment};
use crate::delimiters::Delimiters;

impl Message<'_> {
    pub(super) fn cut(&mut self) {
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
    pub(super) fn count(&mut self) {
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
    pub(super) fn bound(&self) {
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
}

/// Whether fields of this segment are read for more than one resource.
fn is_read_again(segment: &[u8; 3]) -> bool {
    matches!(segment, b"MSH" | b"PID" | b"PD1" | b"PV1" | b"ORC" | b"OBR" | b"TQ1" | b"CTD" | b"SPM" | b"OBX")
}

/// What each byte separates. Letters, digits, spaces and bytes of other characters separate nothing, nor does a separator
/// that is not there.
pub(super) fn separates(own: &Delimiters) -> [Level; 256] {
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
