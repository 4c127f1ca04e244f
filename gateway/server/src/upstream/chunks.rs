//! A body that says in pieces how long it is (RFC 9112, 7.1), taken apart however its bytes are split.
//!
//! Extensions and trailers are passed over within a bound and mean nothing here. A bare line feed ends no line.

use bytes::{Buf, BytesMut};

/// Bytes of a line that says a piece's length, its extensions included, and of one trailer.
const LINE_BYTES_MAX: usize = 1024;
/// Trailers.
const TRAILERS_MAX: usize = 16;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before a piece's length.
    Length,
    /// Within a piece, this many bytes before its end.
    Piece(usize),
    /// Behind a piece, before the end of its line.
    Behind,
    /// Behind the last piece, with this many trailers passed.
    Trailers(usize),
    /// At the end of the body.
    End,
}

/// A body being put together.
pub(super) struct Chunks {
    at: At,
    body: BytesMut,
    bytes_max: usize,
}

impl Chunks {
    /// Nothing yet.
    pub(super) fn new(bytes_max: usize) -> Chunks {
        Chunks { at: At::Length, body: BytesMut::new(), bytes_max }
    }

    /// Takes what belongs to the body from the beginning of the bytes; whether it is whole now. What came behind it stays.
    ///
    /// # Errors
    /// How it is no such body, or that it is too long.
    pub(super) fn take(&mut self, bytes: &mut BytesMut) -> Result<bool, &'static str> {
        loop {
            match self.at {
                At::Length => {
                    let Some(line) = line(bytes)? else { return Ok(false) };
                    let length = length(&line).ok_or("a piece of it has no length")?;
                    if length > self.bytes_max - self.body.len() {
                        return Err("its answer is too large");
                    }
                    self.at = if length == 0 { At::Trailers(0) } else { At::Piece(length) };
                }
                At::Piece(left) => {
                    let there = left.min(bytes.len());
                    self.body.extend_from_slice(&bytes.split_to(there));
                    self.at = if there == left { At::Behind } else { At::Piece(left - there) };
                    if there < left {
                        return Ok(false);
                    }
                }
                At::Behind => match bytes.get(..2) {
                    Some(b"\r\n") => {
                        bytes.advance(2);
                        self.at = At::Length;
                    }
                    Some(_) => return Err("a piece of it is longer than it says"),
                    None => return Ok(false),
                },
                At::Trailers(passed) => {
                    let Some(line) = line(bytes)? else { return Ok(false) };
                    self.at = match line.is_empty() {
                        true => At::End,
                        false if passed >= TRAILERS_MAX => return Err("it has too many trailers"),
                        false => At::Trailers(passed + 1),
                    };
                }
                At::End => return Ok(true),
            }
        }
    }

    /// The body.
    pub(super) fn into_body(self) -> BytesMut {
        self.body
    }
}

/// The next line without its end, when its end has come.
fn line(bytes: &mut BytesMut) -> Result<Option<BytesMut>, &'static str> {
    let looked = bytes.get(..bytes.len().min(LINE_BYTES_MAX)).unwrap_or_default();
    match looked.windows(2).position(|two| two == b"\r\n") {
        Some(end) => {
            let line = bytes.split_to(end);
            bytes.advance(2);
            Ok(Some(line))
        }
        None if looked.len() >= LINE_BYTES_MAX => Err("a line between its pieces is too long"),
        None => Ok(None),
    }
}

/// Hexadecimal digits, and maybe an extension.
fn length(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    let plain = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    plain.then(|| usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// The body, and what came behind it; fed in pieces of this many bytes.
    fn read(text: &str, step: usize) -> Result<Option<(String, String)>, &'static str> {
        let mut chunks = Chunks::new(100);
        let mut bytes = BytesMut::new();
        let mut whole = false;
        for piece in text.as_bytes().chunks(step) {
            bytes.extend_from_slice(piece);
            whole = whole || chunks.take(&mut bytes)?;
        }
        let text = |bytes: BytesMut| String::from_utf8(bytes.to_vec()).unwrap();
        Ok(whole.then(|| (text(chunks.into_body()), text(bytes))))
    }

    #[test]
    fn pieces_make_the_same_body_however_they_are_split() {
        let text = "5\r\nhello\r\n9;name=\"x\"\r\n, world! \r\n1 \r\n.\r\n0\r\nExpires: never\r\n\r\nrest";
        for step in 1..=text.len() {
            let (body, behind) = read(text, step).unwrap().unwrap();
            assert_eq!((body.as_str(), behind.as_str()), ("hello, world! .", "rest"), "{step}");
        }
    }

    #[test]
    fn what_is_no_body_in_pieces_is_refused() {
        for bad in ["x\r\n", "-1\r\n", "\r\n", "0x5\r\n", "5\r\nhelloX\r\n", "123456789\r\n", "65\r\n"] {
            assert!(read(bad, bad.len()).is_err(), "{bad}");
        }
        assert!(read(&format!("5;{}\r\n", "x".repeat(LINE_BYTES_MAX)), 4096).is_err());
        assert!(read(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(TRAILERS_MAX + 1)), 4096).is_err());
    }

    #[test]
    fn a_body_that_has_not_ended_is_not_whole() {
        for part in ["", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "5\nhello\n0\n\n"] {
            assert_eq!(read(part, 3), Ok(None), "{part}");
        }
    }
}
