//! The one pass over the bytes: grammar, limits, duplicate keys, and the index of spans.
//!
//! Straight RFC 8259 with an explicit stack, so depth costs heap within a bound and never the thread's stack. Strings are
//! skipped eight bytes at a time. Time is linear in the length: a large object's keys meet in a hash set.

use crate::document::Node;
use crate::{Error, Fault, Kind, Limits, NODES_MAX, escape};
use std::borrow::Cow;
use std::collections::HashSet;

/// Up to this many keys are compared pair by pair, which is quicker than a hash set for the objects FHIR has.
const PAIRWISE_MAX: usize = 16;

/// Checks a whole document and gives its index; the first node is the root.
pub(crate) fn scan(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    if bytes.len() > limits.bytes_max || bytes.len() >= u32::MAX as usize {
        return Err(Error { at: limits.bytes_max, fault: Fault::TooLong });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Error { at: 0, fault: Fault::BomFound });
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Error { at: error.valid_up_to(), fault: Fault::NotUtf8 });
    }
    let nodes = Vec::with_capacity((bytes.len() / 12 + 8).min(NODES_MAX));
    let mut scanner = Scanner { bytes, at: 0, depth_max: limits.depth_max, nodes, open: Vec::new(), keys: Vec::new() };
    scanner.document()?;
    Ok(scanner.nodes)
}

/// Whether a text is one JSON number and nothing else (RFC 8259, section 6).
pub fn is_number(lexeme: &str) -> bool {
    number_end(lexeme.as_bytes(), 0).is_ok_and(|end| end == lexeme.len())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
    /// Keys of all open objects; each [`Open`] knows where its own begin.
    keys: Vec<Key>,
}

/// An object or array whose end has not come yet.
struct Open {
    node: u32,
    object: bool,
    keys_from: usize,
}

/// A key of an open object: a quick print for telling most keys apart, and its node.
#[derive(Clone, Copy)]
struct Key {
    print: u64,
    node: u32,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Error> {
        self.blank();
        loop {
            let opened = self.value()?;
            if !opened && !self.after_value()? {
                break;
            }
        }
        self.blank();
        if self.at < self.bytes.len() { self.fault(Fault::TrailingBytes) } else { Ok(()) }
    }

    /// One scalar, an empty container, or the opening of one whose first value is next (then `true`).
    fn value(&mut self) -> Result<bool, Error> {
        match self.peek()? {
            b'"' => self.string().map(|()| false),
            b'{' => {
                self.open(Kind::Object)?;
                self.blank();
                if self.peek()? == b'}' {
                    return self.close().map(|()| false);
                }
                self.key().map(|()| true)
            }
            b'[' => {
                self.open(Kind::Array)?;
                self.blank();
                if self.peek()? == b']' {
                    return self.close().map(|()| false);
                }
                Ok(true)
            }
            b'-' | b'0'..=b'9' => {
                let end = number_end(self.bytes, self.at)?;
                self.leaf(Kind::Number, end).map(|()| false)
            }
            b't' => self.word(b"true", Kind::Bool).map(|()| false),
            b'f' => self.word(b"false", Kind::Bool).map(|()| false),
            b'n' => self.word(b"null", Kind::Null).map(|()| false),
            _ => self.fault(Fault::Unexpected),
        }
    }

    /// Closes what ends here; `true` when another value follows, `false` when the document's value is complete.
    fn after_value(&mut self) -> Result<bool, Error> {
        loop {
            let Some(open) = self.open.last() else { return Ok(false) };
            let object = open.object;
            self.blank();
            match (self.peek()?, object) {
                (b',', true) => {
                    self.at += 1;
                    self.blank();
                    self.key()?;
                    return Ok(true);
                }
                (b',', false) => {
                    self.at += 1;
                    self.blank();
                    return Ok(true);
                }
                (b'}', true) | (b']', false) => self.close()?,
                _ => return self.fault(Fault::Unexpected),
            }
        }
    }

    /// A key and its colon, and the blanks before the value.
    fn key(&mut self) -> Result<(), Error> {
        if self.peek()? != b'"' {
            return self.fault(Fault::Unexpected);
        }
        let node = self.nodes.len() as u32;
        self.string()?;
        let print = print(&self.decoded(node));
        self.keys.push(Key { print, node });
        self.blank();
        if self.peek()? != b':' {
            return self.fault(Fault::Unexpected);
        }
        self.at += 1;
        self.blank();
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Result<(), Error> {
        if self.open.len() >= self.depth_max {
            return self.fault(Fault::TooDeep);
        }
        let node = self.nodes.len() as u32;
        self.push(kind, self.at, false)?;
        self.open.push(Open { node, object: kind == Kind::Object, keys_from: self.keys.len() });
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.pop() else { return self.fault(Fault::Unexpected) };
        if open.object {
            self.distinct(open.keys_from)?;
            self.keys.truncate(open.keys_from);
        }
        self.at += 1;
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[open.node as usize];
        node.end = self.at as u32;
        node.next = next;
        Ok(())
    }

    /// Refuses an object in which two keys decode to the same text.
    fn distinct(&self, keys_from: usize) -> Result<(), Error> {
        let keys = &self.keys[keys_from..];
        let twice = if keys.len() <= PAIRWISE_MAX { self.twice_in_few(keys) } else { self.twice_in_many(keys) };
        match twice {
            Some(key) => Err(Error { at: self.nodes[key.node as usize].start as usize, fault: Fault::DuplicateKey }),
            None => Ok(()),
        }
    }

    fn twice_in_few(&self, keys: &[Key]) -> Option<Key> {
        for (at, key) in keys.iter().enumerate() {
            for earlier in &keys[..at] {
                if key.print == earlier.print && self.decoded(key.node) == self.decoded(earlier.node) {
                    return Some(*key);
                }
            }
        }
        None
    }

    fn twice_in_many(&self, keys: &[Key]) -> Option<Key> {
        // The standard hasher is keyed by chance, so nobody can choose keys that collide.
        let mut seen = HashSet::with_capacity(keys.len());
        keys.iter().find(|key| !seen.insert(self.decoded(key.node))).copied()
    }

    fn decoded(&self, node: u32) -> Cow<'_, [u8]> {
        let node = self.nodes[node as usize];
        let inside = &self.bytes[node.start as usize + 1..node.end as usize - 1];
        if node.escaped { Cow::Owned(escape::decode(inside).into_bytes()) } else { Cow::Borrowed(inside) }
    }

    fn string(&mut self) -> Result<(), Error> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return self.push(Kind::String, start, escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return self.fault(Fault::ControlCharacter),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Ok(())
            }
            b'u' => match self.unit()? {
                0xD800..0xDC00 if self.bytes[self.at..].starts_with(b"\\u") => {
                    self.at += 1;
                    match self.unit()? {
                        0xDC00..0xE000 => Ok(()),
                        _ => Err(Error { at: start, fault: Fault::LoneSurrogate }),
                    }
                }
                0xD800..0xE000 => Err(Error { at: start, fault: Fault::LoneSurrogate }),
                _ => Ok(()),
            },
            _ => self.fault(Fault::BadEscape),
        }
    }

    /// `u` and its four digits.
    fn unit(&mut self) -> Result<u32, Error> {
        let digits = &self.bytes[self.at + 1..];
        match escape::unit(digits) {
            Some((unit, _)) => {
                self.at += 5;
                Ok(unit)
            }
            None if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) => {
                self.at = self.bytes.len();
                self.fault(Fault::Truncated)
            }
            None => self.fault(Fault::BadEscape),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), Error> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word) {
            return self.leaf(kind, self.at + word.len());
        }
        let fault = if word.starts_with(rest) { Fault::Truncated } else { Fault::Unexpected };
        self.fault(fault)
    }

    fn leaf(&mut self, kind: Kind, end: usize) -> Result<(), Error> {
        let start = self.at;
        self.at = end;
        self.push(kind, start, false)
    }

    /// Notes a value from `start` to here.
    fn push(&mut self, kind: Kind, start: usize, escaped: bool) -> Result<(), Error> {
        let index = self.nodes.len();
        if index >= NODES_MAX {
            return self.fault(Fault::TooMany);
        }
        self.nodes.push(Node { start: start as u32, end: self.at as u32, next: index as u32 + 1, kind, escaped });
        Ok(())
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, Error> {
        match self.bytes.get(self.at) {
            Some(&byte) => Ok(byte),
            None => self.fault(Fault::Truncated),
        }
    }

    fn fault<T>(&self, fault: Fault) -> Result<T, Error> {
        Err(Error { at: self.at, fault })
    }
}

/// Where the run of characters that need no care ends: at a quote, a backslash, a control character, or the end.
fn plain_end(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Each test may also mark bytes above its first true one (a borrow runs upwards), never below: the lowest is exact.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let special = control | zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// Where the number that starts at `from` ends.
fn number_end(bytes: &[u8], from: usize) -> Result<usize, Error> {
    let mut at = from;
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    if bytes.get(at) == Some(&b'0') {
        at += 1;
    } else {
        at = digits_end(bytes, at)?;
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits_end(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits_end(bytes, at)?;
    }
    match bytes.get(at) {
        Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') => Err(Error { at, fault: Fault::BadNumber }),
        _ => Ok(at),
    }
}

/// The end of one digit or more.
fn digits_end(bytes: &[u8], from: usize) -> Result<usize, Error> {
    let mut at = from;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at > from {
        return Ok(at);
    }
    let fault = if at == bytes.len() { Fault::Truncated } else { Fault::BadNumber };
    Err(Error { at, fault })
}

/// A print that tells most short keys apart: length, first eight and last eight bytes. Equal keys have equal prints.
fn print(key: &[u8]) -> u64 {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (key.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0),
    };
    first.rotate_left(29) ^ last.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (key.len() as u64) << 56
}
