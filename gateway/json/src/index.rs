//! The index of a document: one flat list in document order, eight bytes an entry.
//!
//! A scalar or a key takes one entry; an object or array two, of which the second says where it ends. Keys and values of an
//! object alternate. Lengths are counted, not ends, so a part of an index is itself an index.

use crate::{Error, Fault, Kind, NODES_MAX};

/// The bits of an entry that tell a length; the other four tell the kind, and whether a string holds escapes.
const EXTENT_BITS: u32 = 28;
const EXTENT: u32 = (1 << EXTENT_BITS) - 1;
const ESCAPED: u32 = 1 << 31;

/// The longest document, in bytes: what an entry has room for.
pub(crate) const BYTES_MAX: usize = EXTENT as usize;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    /// Where the value starts; in a container's second entry, where it ends.
    start: u32,
    /// Kind, escapes, and of a scalar how many bytes it has, of a container how many entries it and all inside it take.
    rest: u32,
}

/// All entries; the first is the root's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Index(Vec<Node>);

impl Index {
    /// An empty index with room for what a document of so many bytes usually takes.
    pub(crate) fn for_bytes(bytes: usize) -> Index {
        Index(Vec::with_capacity((bytes / 8 + 8).min(NODES_MAX)))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes a scalar or key.
    #[inline(always)]
    pub(crate) fn leaf(&mut self, kind: Kind, start: usize, end: usize, escaped: bool) -> Result<(), Error> {
        let escaped = if escaped { ESCAPED } else { 0 };
        let rest = (end - start) as u32 | (kind as u32) << EXTENT_BITS | escaped;
        self.push(Node { start: start as u32, rest })
    }

    /// Notes that a container begins; its place is what [`Index::close`] wants.
    #[inline(always)]
    pub(crate) fn open(&mut self, kind: Kind, start: usize) -> Result<u32, Error> {
        let place = self.0.len() as u32;
        self.push(Node { start: start as u32, rest: (kind as u32) << EXTENT_BITS })?;
        self.push(Node { start: 0, rest: 0 })?;
        Ok(place)
    }

    /// Notes that the container at `place` ends.
    #[inline(always)]
    pub(crate) fn close(&mut self, place: u32, end: usize) {
        let entries = self.0.len() as u32 - place;
        self.0[place as usize].rest |= entries;
        self.0[place as usize + 1].start = end as u32;
    }

    #[inline(always)]
    fn push(&mut self, node: Node) -> Result<(), Error> {
        if self.0.len() == self.0.capacity() {
            self.grow(node.start as usize)?;
        }
        self.0.push(node);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, at: usize) -> Result<(), Error> {
        let (used, room) = (self.0.len(), (self.0.capacity() * 2).clamp(8, NODES_MAX));
        if used >= NODES_MAX {
            return Err(Error { at, fault: Fault::TooMany });
        }
        self.0.reserve_exact(room - used);
        Ok(())
    }

    /// Which kind of value is at `place`.
    #[inline(always)]
    pub(crate) fn kind(&self, place: u32) -> Kind {
        match self.0[place as usize].rest >> EXTENT_BITS & 7 {
            0 => Kind::Null,
            1 => Kind::Bool,
            2 => Kind::Number,
            3 => Kind::String,
            4 => Kind::Array,
            _object => Kind::Object,
        }
    }

    /// Whether the string at `place` holds escapes.
    #[inline(always)]
    pub(crate) fn is_escaped(&self, place: u32) -> bool {
        self.0[place as usize].rest & ESCAPED != 0
    }

    /// Where the value at `place` starts.
    #[inline(always)]
    pub(crate) fn start(&self, place: u32) -> usize {
        self.0[place as usize].start as usize
    }

    /// Where the value at `place` ends.
    #[inline(always)]
    pub(crate) fn end(&self, place: u32) -> usize {
        match self.kind(place) {
            Kind::Array | Kind::Object => self.0[place as usize + 1].start as usize,
            Kind::Null | Kind::Bool | Kind::Number | Kind::String => {
                let node = self.0[place as usize];
                (node.start + (node.rest & EXTENT)) as usize
            }
        }
    }

    /// The place just behind the value at `place` and all inside it.
    #[inline(always)]
    pub(crate) fn next(&self, place: u32) -> u32 {
        match self.kind(place) {
            Kind::Array | Kind::Object => place + (self.0[place as usize].rest & EXTENT),
            Kind::Null | Kind::Bool | Kind::Number | Kind::String => place + 1,
        }
    }

    /// The value of the first member, of the object at `place`, whose key has so many bytes with its quotes and passes
    /// `is_it`, or holds escapes and passes it. Lengths are here, so that most keys are passed over unread.
    #[inline(always)]
    pub(crate) fn member(&self, place: u32, key_bytes: usize, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (mut at, end) = (Index::inside(place), self.next(place));
        while at < end {
            let rest = self.0[at as usize].rest;
            if (rest & ESCAPED != 0 || (rest & EXTENT) as usize == key_bytes) && is_it(at) {
                return Some(at + 1);
            }
            at = self.next(at + 1);
        }
        None
    }

    /// The place of the first thing inside the container at `place`.
    #[inline(always)]
    pub(crate) fn inside(place: u32) -> u32 {
        place + 2
    }
}
