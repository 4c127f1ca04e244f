//! The one pass over the bytes: grammar, limits, UTF-8, duplicate keys, and the index of spans.
//!
//! Straight RFC 8259 with an explicit stack, so depth costs heap within a bound and never the thread's stack. Strings are
//! skipped many bytes at a time, and only those that are not ASCII are checked as UTF-8: outside strings nothing else can
//! stand. Time is linear in the length.

use crate::index::{BYTES_MAX, Index};
use crate::keys::Keys;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Avx2;
use crate::lanes::{Lanes, Portable};
use crate::{Error, Fault, Kind, Limits, escape, number};

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
    let mut scanner = Scanner { lanes, bytes, depth_max: limits.depth_max, index, around: Vec::with_capacity(16) };
    match scanner.document() {
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

struct Scanner<'a, L> {
    lanes: L,
    bytes: &'a [u8],
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

impl<L: Lanes> Scanner<'_, L> {
    #[inline(always)]
    fn document(&mut self) -> Result<(), Error> {
        let mut open = Open { inside: Inside::Nothing, place: 0, keys: Keys::default() };
        let mut at = self.solid(0);
        loop {
            let (end, opened) = self.value(at, &mut open)?;
            at = end;
            if !opened && !self.after_value(&mut at, &mut open)? {
                break;
            }
        }
        at = self.solid(at);
        if at < self.bytes.len() { fault(at, Fault::TrailingBytes) } else { Ok(()) }
    }

    /// One scalar, or the opening of a container whose first value is next (then `true`); an empty one is still to be closed.
    #[inline(always)]
    fn value(&mut self, at: usize, open: &mut Open) -> Result<(usize, bool), Error> {
        let (kind, end) = match self.peek(at)? {
            b'"' => return self.string(at).map(|end| (end, false)),
            b'{' => return self.enter(at, open, Kind::Object),
            b'[' => return self.enter(at, open, Kind::Array),
            b'-' | b'0'..=b'9' => (Kind::Number, number::end(self.bytes, at)?),
            b't' => (Kind::Bool, self.word(at, b"true")?),
            b'f' => (Kind::Bool, self.word(at, b"false")?),
            b'n' => (Kind::Null, self.word(at, b"null")?),
            _ => return fault(at, Fault::Unexpected),
        };
        self.index.leaf(kind, at, end, false)?;
        Ok((end, false))
    }

    /// Closes what ends here; `true` when another value follows, `false` when the document's value is complete.
    #[inline(always)]
    fn after_value(&mut self, at: &mut usize, open: &mut Open) -> Result<bool, Error> {
        loop {
            if open.inside == Inside::Nothing {
                return Ok(false);
            }
            *at = self.solid(*at);
            match (self.peek(*at)?, open.inside) {
                (b',', Inside::Object) => {
                    *at = self.key(self.solid(*at + 1), open)?;
                    return Ok(true);
                }
                (b',', Inside::Array) => {
                    *at = self.solid(*at + 1);
                    return Ok(true);
                }
                (b'}', Inside::Object) | (b']', Inside::Array) => {
                    *at += 1;
                    self.leave(*at, open)?;
                }
                _ => return fault(*at, Fault::Unexpected),
            }
        }
    }

    #[inline(always)]
    fn enter(&mut self, at: usize, open: &mut Open, kind: Kind) -> Result<(usize, bool), Error> {
        if self.around.len() >= self.depth_max {
            return fault(at, Fault::TooDeep);
        }
        self.around.push(*open);
        let inside = if kind == Kind::Object { Inside::Object } else { Inside::Array };
        *open = Open { inside, place: self.index.open(kind, at)?, keys: Keys::default() };
        let at = self.solid(at + 1);
        match (self.peek(at)?, inside) {
            (b'}', Inside::Object) | (b']', Inside::Array) => Ok((at, false)),
            (_, Inside::Object) => self.key(at, open).map(|at| (at, true)),
            (_, Inside::Array | Inside::Nothing) => Ok((at, true)),
        }
    }

    #[inline(always)]
    fn leave(&mut self, end: usize, open: &mut Open) -> Result<(), Error> {
        if let Some(key) = open.keys.twice(self.bytes, &self.index, open.place) {
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
    fn key(&mut self, at: usize, open: &mut Open) -> Result<usize, Error> {
        if self.peek(at)? != b'"' {
            return fault(at, Fault::Unexpected);
        }
        let key = self.index.len() as u32;
        let end = self.string(at)?;
        if !open.keys.is_new(self.bytes, &self.index, open.place, key) {
            return fault(at, Fault::DuplicateKey);
        }
        let at = self.solid(end);
        if self.peek(at)? != b':' {
            return fault(at, Fault::Unexpected);
        }
        Ok(self.solid(at + 1))
    }

    #[inline(always)]
    fn string(&mut self, start: usize) -> Result<usize, Error> {
        let plain = self.lanes.plain(self.bytes, start + 1);
        let (mut end, mut ascii, mut escaped) = (plain.end, plain.ascii, false);
        while self.peek(end)? != b'"' {
            escaped = true;
            let plain = self.lanes.plain(self.bytes, self.escape(end)?);
            end = plain.end;
            ascii &= plain.ascii;
        }
        if !ascii {
            text(&self.bytes[start..end], start)?;
        }
        self.index.leaf(Kind::String, start, end + 1, escaped)?;
        Ok(end + 1)
    }

    /// What ends a plain run and is no quote: an escape, or a control character.
    #[inline(never)]
    fn escape(&self, start: usize) -> Result<usize, Error> {
        if self.peek(start)? != b'\\' {
            return fault(start, Fault::ControlCharacter);
        }
        let at = start + 1;
        match self.peek(at)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
            b'u' => match self.unit(at)? {
                0xD800..0xDC00 if self.bytes[at + 5..].starts_with(b"\\u") => match self.unit(at + 6)? {
                    0xDC00..0xE000 => Ok(at + 11),
                    _ => fault(start, Fault::LoneSurrogate),
                },
                0xD800..0xE000 => fault(start, Fault::LoneSurrogate),
                _ => Ok(at + 5),
            },
            _ => fault(at, Fault::BadEscape),
        }
    }

    /// `u` and its four digits.
    fn unit(&self, at: usize) -> Result<u32, Error> {
        let digits = &self.bytes[at + 1..];
        match escape::unit(digits) {
            Some((unit, _)) => Ok(unit),
            None if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) => {
                fault(self.bytes.len(), Fault::Truncated)
            }
            None => fault(at, Fault::BadEscape),
        }
    }

    #[inline(always)]
    fn word(&self, at: usize, word: &[u8]) -> Result<usize, Error> {
        let rest = &self.bytes[at..];
        if rest.starts_with(word) {
            return Ok(at + word.len());
        }
        fault(at, if word.starts_with(rest) { Fault::Truncated } else { Fault::Unexpected })
    }

    /// Where the blanks that may begin here end. Compact JSON has none, pretty JSON many.
    #[inline(always)]
    fn solid(&self, at: usize) -> usize {
        match self.bytes.get(at) {
            Some(b' ' | b'\n' | b'\r' | b'\t') => self.lanes.solid(self.bytes, at + 1),
            Some(_) | None => at,
        }
    }

    #[inline(always)]
    fn peek(&self, at: usize) -> Result<u8, Error> {
        match self.bytes.get(at) {
            Some(&byte) => Ok(byte),
            None => fault(at, Fault::Truncated),
        }
    }
}

/// Whether a string is text.
#[inline(never)]
fn text(bytes: &[u8], start: usize) -> Result<(), Error> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(not) => fault(start + not.valid_up_to(), Fault::NotUtf8),
    }
}

#[cold]
fn fault<T>(at: usize, fault: Fault) -> Result<T, Error> {
    Err(Error { at, fault })
}
