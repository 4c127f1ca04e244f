//! Numbers as RFC 8259, section 6 writes them.

use crate::{Error, Fault};

/// Whether a text is one JSON number and nothing else (RFC 8259, section 6).
pub fn is_number(lexeme: &str) -> bool {
    end(lexeme.as_bytes(), 0).is_ok_and(|end| end == lexeme.len())
}

/// Where the number that starts at `from` ends.
#[inline]
pub(crate) fn end(bytes: &[u8], from: usize) -> Result<usize, Error> {
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
