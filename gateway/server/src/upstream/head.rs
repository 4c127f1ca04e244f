//! The head of an answer from the server behind us: read once, strictly, and only for what reading the rest depends on.
//!
//! What two readers could read differently is refused: a length and a transfer coding, two lengths, a coding that is not
//! `chunked` alone. Nothing of the other headers is kept.

use http::StatusCode;
use std::mem::MaybeUninit;

/// Header lines of one answer.
const HEADERS_MAX: usize = 100;
/// The head of one answer, in bytes.
pub(super) const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes.
    Length(usize),
    /// It says so in pieces.
    Chunked,
    /// As long as the connection stays open.
    UntilClosed,
}

/// A head that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The status.
    pub(super) status: StatusCode,
    /// How long the body is.
    pub(super) framing: Framing,
    /// Whether the server would answer another question on this connection.
    pub(super) keeps: bool,
    /// Bytes of the head itself.
    pub(super) bytes: usize,
}

/// Reads the head at the beginning of the bytes; nothing yet when its end has not come.
///
/// # Errors
/// How it is none, without a word of what it says.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, &mut headers);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Ok(None),
        Ok(httparse::Status::Partial) => return Err("its head is too long"),
        Err(_) => return Err("its head is not HTTP/1"),
    };
    if length > HEAD_BYTES_MAX {
        return Err("its head is too long");
    }
    let status = head.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or("its status is none")?;
    let (mut lengths, mut codings, mut keeps) = (Vec::new(), Vec::new(), head.version == Some(1));
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            lengths.push(header.value);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            codings.push(header.value);
        } else if header.name.eq_ignore_ascii_case("content-encoding") {
            // We ask for none, and what is small on the wire may be any size behind it.
            return Err("its answer is encoded");
        } else if header.name.eq_ignore_ascii_case("connection") {
            keeps &= !says_close(header.value);
        }
    }
    let framing = match (lengths.as_slice(), codings.as_slice()) {
        ([one], []) => Framing::Length(number(one).ok_or("its length is no number")?),
        ([], [one]) if one.eq_ignore_ascii_case(b"chunked") && head.version == Some(1) => Framing::Chunked,
        ([], []) => Framing::UntilClosed,
        (_, _) => return Err("it says more than once, or unclearly, how long it is"),
    };
    Ok(Some(Head { status, framing, keeps: keeps && framing != Framing::UntilClosed, bytes: length }))
}

fn says_close(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Digits and nothing else: no sign, no space, no list.
fn number(value: &[u8]) -> Option<usize> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(value).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn head(lines: &str) -> Result<Option<Head>, &'static str> {
        read(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes())
    }

    #[test]
    fn a_head_says_how_long_its_body_is_and_whether_the_connection_stays() {
        let framing = |lines: &str| head(lines).unwrap().map(|head| (head.framing, head.keeps)).unwrap();
        assert_eq!(framing("Content-Length: 12\r\n"), (Framing::Length(12), true));
        assert_eq!(framing("content-length:0\r\nConnection: Close\r\n"), (Framing::Length(0), false));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), (Framing::Chunked, true));
        assert!(!framing("Connection: keep-alive, close\r\nTransfer-Encoding: chunked\r\n").1);
        assert_eq!(framing(""), (Framing::UntilClosed, false));
        let old = read(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n").unwrap().unwrap();
        assert_eq!((old.framing, old.keeps), (Framing::Length(3), false));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for bad in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: \r\n",
            "Content-Length: 99999999999999999999999\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Content-Length: 5\r\nContent-Encoding: gzip\r\n",
            "Content-Length: 5\r\nContent-Encoding: identity\r\n",
            " folded: x\r\n",
        ] {
            assert!(head(bad).is_err(), "{bad}");
        }
        assert!(read(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(read(b"HTTP/2 200 OK\r\n\r\n").is_err());
        assert!(read(b"<html>").is_err());
    }

    #[test]
    fn a_head_without_an_end_is_waited_for_up_to_its_bound() {
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
        assert!(head(&"a: b\r\n".repeat(HEADERS_MAX + 1)).is_err());
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(HEAD_BYTES_MAX));
        assert!(read(long.as_bytes()).is_err());
    }
}
