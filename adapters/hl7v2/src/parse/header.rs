//! A message's header: its separators and its charset, by which its bytes become text.

use std::borrow::Cow;
use std::ops::Range;

use bridge::{Code, Defect, Position, Severity};

use crate::charset::Charset;
use crate::delimiters::Delimiters;

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
