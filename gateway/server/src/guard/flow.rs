//! One connection's messages, one behind the other: which bytes may go on, in whatever pieces they come.
//!
//! A head goes on whole or not at all; a body goes on as it comes, within what its head announced. Holds no bytes itself.

use super::head::{Fault, Framing, HEAD_BYTES_MAX, Head, LINE_BYTES_MAX};

/// Digits of a chunk's size.
const CHUNK_DIGITS_MAX: usize = 8;

/// Where in its messages a connection is.
#[derive(Debug)]
pub(super) struct Flow {
    state: State,
}

#[derive(Debug)]
enum State {
    /// In a head: where its current line begins, up to where no end of line was seen, and what it said so far.
    Head { line_at: usize, seen: usize, head: Head },
    /// In a body of so many bytes more.
    Body(u64),
    /// Before the size of a chunk.
    Size,
    /// In a chunk of so many bytes more.
    Chunk(u64),
    /// Behind a chunk's bytes.
    ChunkEnd,
    /// Behind the last chunk, where no trailers are taken.
    LastEnd,
    /// Behind a fault: nothing more goes on.
    Ended,
}

/// What may be done with bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// So many go on; the rest is to be shown again, with what follows it.
    pub(super) bytes: usize,
    /// What comes behind them.
    pub(super) then: Then,
}

/// What comes behind the bytes that go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// More, as it arrives.
    More,
    /// A head that is not taken.
    Refuse(Fault),
    /// A body that breaks what its head announced.
    Broken,
}

/// One step of the walk.
enum Step {
    /// So many bytes belong to what goes on.
    Go(usize),
    /// The rest says nothing yet.
    Wait,
    Refuse(Fault),
    Break,
}

impl Flow {
    /// A new connection.
    pub(super) fn new() -> Flow {
        Flow { state: State::head() }
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_amid(&self) -> bool {
        match self.state {
            State::Head { seen, .. } => seen > 0,
            State::Body(_) | State::Size | State::Chunk(_) | State::ChunkEnd | State::LastEnd | State::Ended => true,
        }
    }

    /// Looks at bytes that have not gone on yet, from the first of them.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Passed {
        let mut passed = 0;
        while let Some(rest @ [_, ..]) = bytes.get(passed..) {
            match self.step(rest) {
                Step::Go(count) => passed += count,
                Step::Wait => break,
                Step::Refuse(fault) => return self.end(passed, Then::Refuse(fault)),
                Step::Break => return self.end(passed, Then::Broken),
            }
        }
        Passed { bytes: passed, then: Then::More }
    }

    fn end(&mut self, bytes: usize, then: Then) -> Passed {
        self.state = State::Ended;
        Passed { bytes, then }
    }

    fn step(&mut self, rest: &[u8]) -> Step {
        match &mut self.state {
            State::Head { line_at, seen, head } => {
                let (framing, count) = match lines(rest, line_at, seen, head) {
                    Ok(Some(ended)) => ended,
                    Ok(None) => return Step::Wait,
                    Err(fault) => return Step::Refuse(fault),
                };
                self.state = match framing {
                    Framing::Length(0) => State::head(),
                    Framing::Length(length) => State::Body(length),
                    Framing::Chunked => State::Size,
                };
                Step::Go(count)
            }
            State::Body(left) => {
                let count = take(rest, left);
                if *left == 0 {
                    self.state = State::head();
                }
                Step::Go(count)
            }
            State::Size => match size(rest) {
                Ok(Some((size, count))) => {
                    self.state = if size == 0 { State::LastEnd } else { State::Chunk(size) };
                    Step::Go(count)
                }
                Ok(None) => Step::Wait,
                Err(NoSize) => Step::Break,
            },
            State::Chunk(left) => {
                let count = take(rest, left);
                if *left == 0 {
                    self.state = State::ChunkEnd;
                }
                Step::Go(count)
            }
            State::ChunkEnd => self.line_end(rest, State::Size),
            State::LastEnd => self.line_end(rest, State::head()),
            State::Ended => Step::Wait,
        }
    }

    /// A carriage return and a line feed, and nothing else.
    fn line_end(&mut self, rest: &[u8], next: State) -> Step {
        match rest {
            [b'\r', b'\n', ..] => {
                self.state = next;
                Step::Go(2)
            }
            [b'\r'] => Step::Wait,
            _other => Step::Break,
        }
    }
}

impl State {
    fn head() -> State {
        State::Head { line_at: 0, seen: 0, head: Head::default() }
    }
}

/// Takes the lines that have come whole. What follows the head and where it ends, or that more must come.
fn lines(
    rest: &[u8],
    line_at: &mut usize,
    seen: &mut usize,
    head: &mut Head,
) -> Result<Option<(Framing, usize)>, Fault> {
    loop {
        let unseen = rest.get(*seen..).unwrap_or_default();
        let found = memchr::memchr(b'\n', unseen).map(|at| *seen + at);
        // The bounds bear the same whether the line's end has come or not, so that no split changes the verdict.
        let reached = found.map_or(rest.len(), |at| at + 1);
        if *line_at == 0 && reached > LINE_BYTES_MAX {
            return Err(Fault::AddressTooLong);
        }
        if reached > HEAD_BYTES_MAX {
            return Err(Fault::HeadTooLarge);
        }
        let Some(at) = found else {
            *seen = rest.len();
            return Ok(None);
        };
        let line = rest.get(*line_at..at).and_then(|line| line.strip_suffix(b"\r")).ok_or(Fault::Field)?;
        (*line_at, *seen) = (at + 1, at + 1);
        if let Some(framing) = head.line(line)? {
            return Ok(Some((framing, at + 1)));
        }
    }
}

/// As many of the bytes as are left to come.
fn take(rest: &[u8], left: &mut u64) -> usize {
    let count = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
    *left -= count as u64;
    count
}

/// No size of a chunk.
struct NoSize;

/// The size of a chunk and the length of its line: hexadecimal digits alone. Extensions are read differently by different
/// servers, and nobody needs them.
fn size(rest: &[u8]) -> Result<Option<(u64, usize)>, NoSize> {
    let digits = rest.iter().take(CHUNK_DIGITS_MAX).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, end) = rest.split_at(digits);
    match end {
        [] => Ok(None),
        _end if digits.is_empty() => Err(NoSize),
        [b'\r'] => Ok(None),
        [b'\r', b'\n', ..] => {
            let text = std::str::from_utf8(digits).map_err(|_| NoSize)?;
            let size = u64::from_str_radix(text, 16).map_err(|_| NoSize)?;
            Ok(Some((size, digits.len() + 2)))
        }
        _other => Err(NoSize),
    }
}
