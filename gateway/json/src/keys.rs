//! The keys of one object, while it is read: whether two of them decode to the same text.
//!
//! Each key sets one of 64 bits. One that finds its bit free is new for certain, which most are; one that does not is held
//! against the keys before it. Where that would cost more than linear time, the whole object is looked through once at its
//! end, in a hash set that nobody can choose colliding keys for.

use crate::escape;
use crate::index::Index;
use std::borrow::Cow;
use std::collections::HashSet;

/// Up to this many keys before it are looked through for one whose bit is taken.
const WALKED_MAX: u32 = 32;

/// A key that was just read: its place in the index, its quotes, and whether it holds escapes.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) place: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

/// What is known of an open object's keys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Keys {
    bits: u64,
    count: u32,
    /// Whether a key was left to the end.
    left: bool,
}

impl Keys {
    /// Notes a key, the latest of the object at `object`; `false` when it was there before.
    #[inline(always)]
    pub(crate) fn is_new(&mut self, bytes: &[u8], index: &Index, object: u32, key: Key) -> bool {
        let bit = bit(bytes, key);
        let free = self.bits & bit == 0;
        self.bits |= bit;
        self.count += 1;
        if free {
            return true;
        }
        self.left |= self.count > WALKED_MAX;
        self.left || !stands_before(bytes, index, object, key.place)
    }

    /// The second of two equal keys, if any was left to the end; the object at `object` is complete.
    #[inline(always)]
    pub(crate) fn twice(&self, bytes: &[u8], index: &Index, object: u32) -> Option<u32> {
        if self.left { twice(bytes, index, object) } else { None }
    }
}

#[cold]
#[inline(never)]
fn twice(bytes: &[u8], index: &Index, object: u32) -> Option<u32> {
    // The standard hasher is keyed by chance, so nobody can choose keys that collide.
    let mut seen = HashSet::new();
    let mut at = Index::inside(object);
    while (at as usize) < index.len() {
        if !seen.insert(decoded(bytes, index, at)) {
            return Some(at);
        }
        at = index.next(at + 1);
    }
    None
}

/// Whether the key at `key` is among those before it in the object at `object`.
#[cold]
#[inline(never)]
fn stands_before(bytes: &[u8], index: &Index, object: u32, key: u32) -> bool {
    let own = decoded(bytes, index, key);
    let mut at = Index::inside(object);
    while at < key {
        if decoded(bytes, index, at) == own {
            return true;
        }
        at = index.next(at + 1);
    }
    false
}

/// What the key at `at` says.
#[inline(always)]
fn decoded<'a>(bytes: &'a [u8], index: &Index, at: u32) -> Cow<'a, [u8]> {
    let inside = &bytes[index.start(at) + 1..index.end(at) - 1];
    if index.is_escaped(at) { Cow::Owned(escape::decode(inside).into_bytes()) } else { Cow::Borrowed(inside) }
}

/// One of 64 bits, by what the key says: its first eight bytes, its last byte and its length.
#[inline(always)]
fn bit(bytes: &[u8], key: Key) -> u64 {
    let inside = &bytes[key.start + 1..key.end - 1];
    match bytes.get(key.start + 1..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(first) if !key.escaped => mixed(u64::from_le_bytes(*first), inside),
        // Escaped, or at the very end of the bytes.
        Some(_) | None => odd_bit(inside, key.escaped),
    }
}

#[cold]
#[inline(never)]
fn odd_bit(inside: &[u8], escaped: bool) -> u64 {
    let text = if escaped { Cow::Owned(escape::decode(inside).into_bytes()) } else { Cow::Borrowed(inside) };
    let first = text.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mixed(first, &text)
}

/// Of a key shorter than eight bytes, what stands behind it in the first word is not looked at.
#[inline(always)]
fn mixed(first: u64, text: &[u8]) -> u64 {
    let beyond = 64 - 8 * text.len().min(8) as u32;
    let first = first.checked_shl(beyond).unwrap_or(0);
    let last = text.last().map_or(0, |last| u64::from(*last) << 8 | text.len() as u64);
    1 << ((first ^ last).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
}
