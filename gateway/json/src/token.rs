//! The parts of the grammar that hold no others: where a string, a number, a word or blanks end.
//!
//! Strings are skipped many bytes at a time, and only those that are not ASCII are checked as UTF-8: outside strings nothing
//! else can stand.

use crate::lanes::Lanes;
use crate::{Error, Fault, Kind, escape, number};

/// The bytes of a document, and the way of looking at them.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a, L> {
    pub(crate) lanes: L,
    pub(crate) bytes: &'a [u8],
}

impl<L: Lanes> Tokens<'_, L> {
    #[inline(always)]
    pub(crate) fn peek(self, at: usize) -> Result<u8, Error> {
        match self.bytes.get(at) {
            Some(&byte) => Ok(byte),
            None => fault(at, Fault::Truncated),
        }
    }

    /// Where the blanks that may begin here end. Compact JSON has none, pretty JSON many.
    #[inline(always)]
    pub(crate) fn solid(self, at: usize) -> usize {
        match self.bytes.get(at) {
            Some(b' ' | b'\n' | b'\r' | b'\t') => self.lanes.solid(self.bytes, at + 1),
            Some(_) | None => at,
        }
    }

    /// The end of the string that starts here, and whether it holds escapes.
    #[inline(always)]
    pub(crate) fn string(self, start: usize) -> Result<(usize, bool), Error> {
        let plain = self.lanes.plain(self.bytes, start + 1);
        if plain.ascii && self.bytes.get(plain.end) == Some(&b'"') {
            return Ok((plain.end + 1, false));
        }
        self.odd_string(start, plain.end)
    }

    /// As [`Tokens::string`], of one that is not plain ASCII up to its end; `end` is where its first plain run ends.
    #[inline(never)]
    fn odd_string(self, start: usize, end: usize) -> Result<(usize, bool), Error> {
        let mut end = end;
        let mut escaped = false;
        while self.peek(end)? != b'"' {
            escaped = true;
            end = self.lanes.plain(self.bytes, escape_end(self.bytes, end)?).end;
        }
        match std::str::from_utf8(&self.bytes[start..end]) {
            Ok(_) => Ok((end + 1, escaped)),
            Err(not) => fault(start + not.valid_up_to(), Fault::NotUtf8),
        }
    }

    /// A number, `true`, `false` or `null`: what it is, and its end.
    #[inline(always)]
    pub(crate) fn scalar(self, at: usize) -> Result<(Kind, usize), Error> {
        match self.peek(at)? {
            b'-' | b'0'..=b'9' => Ok((Kind::Number, number::end(self.bytes, at)?)),
            b't' => Ok((Kind::Bool, self.word(at, b"true")?)),
            b'f' => Ok((Kind::Bool, self.word(at, b"false")?)),
            b'n' => Ok((Kind::Null, self.word(at, b"null")?)),
            _ => fault(at, Fault::Unexpected),
        }
    }

    #[inline(always)]
    fn word(self, at: usize, word: &[u8]) -> Result<usize, Error> {
        let rest = &self.bytes[at..];
        if rest.starts_with(word) {
            return Ok(at + word.len());
        }
        fault(at, if word.starts_with(rest) { Fault::Truncated } else { Fault::Unexpected })
    }
}

/// The end of what ends a plain run and is no quote: an escape, else a control character.
fn escape_end(bytes: &[u8], start: usize) -> Result<usize, Error> {
    if bytes.get(start) != Some(&b'\\') {
        return fault(start, Fault::ControlCharacter);
    }
    let at = start + 1;
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => match unit(bytes, at)? {
            0xD800..0xDC00 if bytes[at + 5..].starts_with(b"\\u") => match unit(bytes, at + 6)? {
                0xDC00..0xE000 => Ok(at + 11),
                _ => fault(start, Fault::LoneSurrogate),
            },
            0xD800..0xE000 => fault(start, Fault::LoneSurrogate),
            _ => Ok(at + 5),
        },
        Some(_) => fault(at, Fault::BadEscape),
        None => fault(at, Fault::Truncated),
    }
}

/// `u` and its four digits.
fn unit(bytes: &[u8], at: usize) -> Result<u32, Error> {
    let digits = &bytes[at + 1..];
    match escape::unit(digits) {
        Some((unit, _)) => Ok(unit),
        None if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) => fault(bytes.len(), Fault::Truncated),
        None => fault(at, Fault::BadEscape),
    }
}

#[cold]
pub(crate) fn fault<T>(at: usize, fault: Fault) -> Result<T, Error> {
    Err(Error { at, fault })
}
