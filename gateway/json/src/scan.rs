//! The one pass over the bytes: grammar, limits, duplicate keys, and the index of spans.
//!
//! Straight RFC 8259 with an explicit stack, so depth costs heap within a bound and never the thread's stack. Time is linear
//! in the length.

use crate::index::{BYTES_MAX, Index};
use crate::keys::{Key, Keys};
#[cfg(target_arch = "x86_64")]
use crate::lanes::Avx2;
use crate::lanes::{Lanes, Portable};
use crate::token::{Tokens, fault};
use crate::{Error, Fault, Kind, Limits};

/// Checks a whole document and gives its index.
pub(crate) fn scan(bytes: &[u8], limits: &Limits) -> Result<Index, Error> {
    #[cfg(target_arch = "x86_64")]
    if let Some(quick) = Avx2::detected() {
        return quick.run(
            #[inline(always)]
            |lanes| scan_with(lanes, bytes, limits),
        );
    }
    scan_with(Portable, bytes, limits)
}

/// As [`scan`], by one way of looking at bytes.
#[inline(always)]
pub(crate) fn scan_with(lanes: impl Lanes, bytes: &[u8], limits: &Limits) -> Result<Index, Error> {
    let bytes_max = limits.bytes_max.min(BYTES_MAX);
    if bytes.len() > bytes_max {
        return Err(Error { at: bytes_max, fault: Fault::TooLong });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Error { at: 0, fault: Fault::BomFound });
    }
    let index = Index::for_bytes(bytes.len());
    let mut scanner = Scanner { depth_max: limits.depth_max, index, around: Vec::with_capacity(16) };
    match scanner.document(Tokens { lanes, bytes }) {
        Ok(()) => Ok(scanner.index),
        Err(error) => Err(first_fault(bytes, error)),
    }
}

/// Bytes that are no text at all are told as that, whatever else is wrong before them.
#[cold]
#[inline(never)]
fn first_fault(bytes: &[u8], error: Error) -> Error {
    match std::str::from_utf8(bytes) {
        Ok(_) => error,
        Err(not) => Error { at: not.valid_up_to(), fault: Fault::NotUtf8 },
    }
}

struct Scanner {
    depth_max: usize,
    index: Index,
    /// What is open around the innermost object or array.
    around: Vec<Open>,
}

/// An object or array whose end has not come yet, or what is around the whole document.
#[derive(Clone, Copy)]
struct Open {
    inside: Inside,
    place: u32,
    keys: Keys,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Object,
    Array,
}

/// What comes after a value.
enum After {
    /// Another one.
    Value,
    /// The end of the document's.
    End,
}

// What is looked at for every byte goes by value, so that it can stay in registers.
impl Scanner {
    #[inline(always)]
    fn document<L: Lanes>(&mut self, tokens: Tokens<'_, L>) -> Result<(), Error> {
        let mut open = Open { inside: Inside::Nothing, place: 0, keys: Keys::default() };
        let mut at = tokens.solid(0);
        loop {
            if open.inside == Inside::Object {
                at = self.key(tokens, at, &mut open)?;
            }
            let (kind, end) = match tokens.peek(at)? {
                b'"' => {
                    let (end, escaped) = tokens.string(at)?;
                    self.index.leaf(Kind::String, at, end, escaped)?;
                    at = end;
                    (None, at)
                }
                b'{' => (Some(Kind::Object), at),
                b'[' => (Some(Kind::Array), at),
                _ => {
                    let (kind, end) = tokens.scalar(at)?;
                    self.index.leaf(kind, at, end, false)?;
                    at = end;
                    (None, at)
                }
            };
            if let Some(kind) = kind {
                self.enter(end, &mut open, kind)?;
                at = tokens.solid(end + 1);
                // What is empty ends at once.
                if !matches!((tokens.peek(at)?, kind), (b'}', Kind::Object) | (b']', Kind::Array)) {
                    continue;
                }
            }
            match self.after_value(tokens, &mut at, &mut open)? {
                After::Value => {}
                After::End => break,
            }
        }
        at = tokens.solid(at);
        if at < tokens.bytes.len() { fault(at, Fault::TrailingBytes) } else { Ok(()) }
    }

    /// Closes what ends here.
    #[inline(always)]
    fn after_value<L: Lanes>(
        &mut self,
        tokens: Tokens<'_, L>,
        at: &mut usize,
        open: &mut Open,
    ) -> Result<After, Error> {
        loop {
            if open.inside == Inside::Nothing {
                return Ok(After::End);
            }
            *at = tokens.solid(*at);
            match (tokens.peek(*at)?, open.inside) {
                (b',', _) => {
                    *at = tokens.solid(*at + 1);
                    return Ok(After::Value);
                }
                (b'}', Inside::Object) | (b']', Inside::Array) => {
                    *at += 1;
                    self.leave(tokens.bytes, *at, open)?;
                }
                _ => return fault(*at, Fault::Unexpected),
            }
        }
    }

    #[inline(always)]
    fn enter(&mut self, at: usize, open: &mut Open, kind: Kind) -> Result<(), Error> {
        if self.around.len() >= self.depth_max {
            return fault(at, Fault::TooDeep);
        }
        self.around.push(*open);
        let inside = if kind == Kind::Object { Inside::Object } else { Inside::Array };
        *open = Open { inside, place: self.index.open(kind, at)?, keys: Keys::default() };
        Ok(())
    }

    #[inline(always)]
    fn leave(&mut self, bytes: &[u8], end: usize, open: &mut Open) -> Result<(), Error> {
        if let Some(key) = open.keys.twice(bytes, &self.index, open.place) {
            return fault(self.index.start(key), Fault::DuplicateKey);
        }
        self.index.close(open.place, end);
        match self.around.pop() {
            Some(around) => *open = around,
            None => return fault(end, Fault::Unexpected),
        }
        Ok(())
    }

    /// A key and its colon, and the blanks before the value.
    #[inline(always)]
    fn key<L: Lanes>(&mut self, tokens: Tokens<'_, L>, at: usize, open: &mut Open) -> Result<usize, Error> {
        if tokens.peek(at)? != b'"' {
            return fault(at, Fault::Unexpected);
        }
        let place = self.index.len() as u32;
        let (end, escaped) = tokens.string(at)?;
        self.index.leaf(Kind::String, at, end, escaped)?;
        let key = Key { place, start: at, end, escaped };
        if !open.keys.is_new(tokens.bytes, &self.index, open.place, key) {
            return fault(at, Fault::DuplicateKey);
        }
        let at = tokens.solid(end);
        if tokens.peek(at)? != b':' {
            return fault(at, Fault::Unexpected);
        }
        Ok(tokens.solid(at + 1))
    }
}
