//! One HTTP/1 head, line by line: what every server would read alike, or the fault that says why not.
//!
//! Pure, and of one mind: what stands here decides what is a message and where it ends (RFC 9112), stricter than the
//! library behind it. Nothing is mended, folded, trimmed or guessed, because whoever stands before us may guess otherwise.

use crate::request::{PATH_BYTES_MAX, QUERY_BYTES_MAX, checked_path};
use privacy::{Kind, Refusal};

/// Bytes of the first line: the longest method, path and query, and the version.
pub(super) const LINE_BYTES_MAX: usize = METHOD_BYTES_MAX + PATH_BYTES_MAX + QUERY_BYTES_MAX + 300;
/// Bytes of a head, first line included: room for a token, a cookie and the longest address.
pub(super) const HEAD_BYTES_MAX: usize = 40 * 1024;
/// Fields of a head.
pub(crate) const FIELDS_MAX: usize = 64;
/// Letters of a method.
const METHOD_BYTES_MAX: usize = 16;
/// Digits of a length: more than any body that is taken, and far from an overflow.
const LENGTH_DIGITS_MAX: usize = 15;

/// Why a head is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The first line.
    Line,
    /// The address in it.
    Target,
    /// A line, its end or its name.
    Field,
    /// The host.
    Host,
    /// How long the body is.
    Length,
    /// A change of protocol, an expectation, a header for one hop alone.
    Hop,
    /// An address past the bound.
    AddressTooLong,
    /// A head past the bound.
    HeadTooLarge,
}

impl Fault {
    /// Each, and the name by which it goes from the socket to where it is answered.
    pub(super) const NAMED: [(Fault, &'static str); 8] = [
        (Fault::Line, "/line"),
        (Fault::Target, "/target"),
        (Fault::Field, "/field"),
        (Fault::Host, "/host"),
        (Fault::Length, "/length"),
        (Fault::Hop, "/hop"),
        (Fault::AddressTooLong, "/address"),
        (Fault::HeadTooLarge, "/head"),
    ];

    /// What the caller is told.
    pub(crate) fn refusal(self) -> Refusal {
        let (kind, text) = match self {
            Fault::Line => (
                Kind::Malformed,
                "Begin with one line: a method in capitals, the address and HTTP/1.1, with a space between.",
            ),
            Fault::Target => (
                Kind::Malformed,
                "The path may hold letters, digits, '-', '.', '_' and '$' between single slashes, and nothing encoded.",
            ),
            Fault::Field => (
                Kind::Malformed,
                "Each header is one line of plain text that ends with a carriage return and a line feed.",
            ),
            Fault::Host => (Kind::Malformed, "Send exactly one Host, the one the request is for."),
            Fault::Length => {
                (Kind::Malformed, "Say once how long the body is: by one Content-Length, or chunked and nothing else.")
            }
            Fault::Hop => {
                (Kind::Malformed, "Upgrades, other expectations and headers for one hop alone are not taken.")
            }
            Fault::AddressTooLong => {
                (Kind::AddressTooLong, "The address is too long; send a search as POST to _search.")
            }
            Fault::HeadTooLarge => (Kind::HeadTooLarge, "The headers are too many or too long."),
        };
        Refusal::new(kind, text)
    }
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// A head while its lines come.
#[derive(Debug, Default)]
pub(super) struct Head {
    lines: usize,
    old: bool,
    authority: Option<Vec<u8>>,
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    /// Takes one line, without its end; the empty one ends the head and says what follows.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Framing>, Fault> {
        self.lines += 1;
        if self.lines == 1 {
            return self.first(line).map(|()| None);
        }
        if line.is_empty() {
            return self.end().map(Some);
        }
        if self.lines > FIELDS_MAX + 1 {
            return Err(Fault::HeadTooLarge);
        }
        self.field(line).map(|()| None)
    }

    fn first(&mut self, line: &[u8]) -> Result<(), Fault> {
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Fault::Line);
        };
        self.old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _other => return Err(Fault::Line),
        };
        let capitals = (1..=METHOD_BYTES_MAX).contains(&method.len()) && method.iter().all(u8::is_ascii_uppercase);
        if !capitals || method == b"CONNECT" {
            return Err(Fault::Line);
        }
        self.target(target)
    }

    fn target(&mut self, target: &[u8]) -> Result<(), Fault> {
        let own = match target.strip_prefix(b"https://") {
            // The absolute form (RFC 9112 section 3.2.2) is the same address when it names the host that Host names.
            Some(rest) => {
                let slash = memchr::memchr(b'/', rest).ok_or(Fault::Target)?;
                let (authority, own) = rest.split_at(slash);
                self.authority = Some(authority.to_vec());
                own
            }
            None => target,
        };
        let (path, query) = match memchr::memchr(b'?', own) {
            Some(mark) => own.split_at(mark),
            None => (own, &[][..]),
        };
        if path.len() > PATH_BYTES_MAX || query.len() > QUERY_BYTES_MAX + 1 {
            return Err(Fault::AddressTooLong);
        }
        let path = std::str::from_utf8(path).map_err(|_| Fault::Target)?;
        if checked_path(path).is_err() || !query.iter().all(|byte| is(*byte, QUERY)) {
            return Err(Fault::Target);
        }
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        let colon = memchr::memchr(b':', line).ok_or(Fault::Field)?;
        let (name, rest) = line.split_at(colon);
        let value = rest.get(1..).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|byte| is(*byte, TOKEN)) || !is_text(value) {
            return Err(Fault::Field);
        }
        let named = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if named(b"host") => self.host(value.trim_ascii()),
            6 if named(b"expect") => expectation(value.trim_ascii()),
            7 if named(b"upgrade") => Err(Fault::Hop),
            10 if named(b"connection") => hops(value),
            14 if named(b"content-length") => self.length(value.trim_ascii()),
            17 if named(b"transfer-encoding") => self.coding(value.trim_ascii()),
            _other => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Fault> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
        let named = !value.is_empty() && value.iter().all(plain);
        let same = self.authority.as_ref().is_none_or(|authority| authority == value);
        if std::mem::replace(&mut self.host, true) || !named || !same {
            return Err(Fault::Host);
        }
        Ok(())
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Fault> {
        let digits = (1..=LENGTH_DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let length = value.iter().fold(0u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit & 0x0f)));
        if !digits || self.chunked || self.length.replace(length).is_some() {
            return Err(Fault::Length);
        }
        Ok(())
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Fault> {
        let only = value.eq_ignore_ascii_case(b"chunked");
        if !only || self.old || self.length.is_some() || std::mem::replace(&mut self.chunked, true) {
            return Err(Fault::Length);
        }
        Ok(())
    }

    fn end(&self) -> Result<Framing, Fault> {
        if !self.host {
            return Err(Fault::Host);
        }
        Ok(if self.chunked { Framing::Chunked } else { Framing::Length(self.length.unwrap_or(0)) })
    }
}

/// May stand in a header's name (RFC 9110 section 5.6.2).
const TOKEN: u8 = 1;
/// May stand in a query.
const QUERY: u8 = 2;
/// What each byte may be: looked up, because every byte of every request is asked.
const BYTES: [u8; 256] = bytes();

const fn bytes() -> [u8; 256] {
    let mut bytes = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        let alphanumeric = byte.is_ascii_alphanumeric();
        let mark = matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        if alphanumeric || mark {
            bytes[byte as usize] |= TOKEN;
        }
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>') {
            bytes[byte as usize] |= QUERY;
        }
        byte += 1;
    }
    bytes
}

fn is(byte: u8, what: u8) -> bool {
    BYTES[usize::from(byte)] & what != 0
}

/// Whether all is plain text: spaces, tabs and what can be seen. Every byte is looked at, without a branch, so that many are
/// looked at together.
fn is_text(value: &[u8]) -> bool {
    let strange = |byte: u8| u8::from(byte.wrapping_sub(b' ') > b'~' - b' ') & u8::from(byte != b'\t');
    value.iter().fold(0, |any, byte| any | strange(*byte)) == 0
}

fn expectation(value: &[u8]) -> Result<(), Fault> {
    if value.eq_ignore_ascii_case(b"100-continue") { Ok(()) } else { Err(Fault::Hop) }
}

/// A header named here is taken away by whoever stands between; then the two of us have read different requests.
fn hops(value: &[u8]) -> Result<(), Fault> {
    let known = |word: &[u8]| {
        [&b"keep-alive"[..], b"close", b"te"].iter().any(|known| word.trim_ascii().eq_ignore_ascii_case(known))
    };
    if value.split(|byte| *byte == b',').all(known) { Ok(()) } else { Err(Fault::Hop) }
}
