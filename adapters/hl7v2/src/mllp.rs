//! MLLP: a message between a vertical tab and a file separator with a carriage return. Pure; no socket.
//!
//! The same bytes in any split give the same messages. Never holds more than one bounded frame, never joins two, and never
//! gives out a frame whose end was not seen.

use bridge::{Framed, Framer};
use bytes::Bytes;
use privacy::Phi;

/// Begins a message.
const VT: u8 = 0x0b;
/// Ends a message, with the carriage return that follows.
const FS: u8 = 0x1c;
const CR: u8 = 0x0d;

/// The longest message taken: 16 MiB, room for the largest embedded PDF seen in practice.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes between two messages; whoever sends more does not speak MLLP.
pub const NOISE_BYTES_MAX: usize = 64 * 1024;

/// One connection's framer.
pub struct Mllp {
    held: Vec<u8>,
    state: State,
    noise: usize,
    bytes_max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Between messages.
    Between,
    /// Inside a message.
    Inside,
    /// A file separator was seen inside a message; a carriage return now ends it.
    Ending,
    /// A message, or what stands between two, grew past its bound; nothing more is taken.
    Spent,
}

impl Mllp {
    /// A framer that takes messages of up to [`FRAME_BYTES_MAX`].
    pub fn new() -> Mllp {
        Mllp::bounded(FRAME_BYTES_MAX)
    }

    /// A framer with another bound, in bytes.
    pub fn bounded(bytes_max: usize) -> Mllp {
        Mllp { held: Vec::new(), state: State::Between, noise: 0, bytes_max }
    }

    fn quiet(&mut self, found: &mut Vec<Framed>) {
        if self.noise > 0 {
            found.push(Framed::Noise { bytes: self.noise });
            self.noise = 0;
        }
    }

    /// Takes a run of ordinary bytes of a message.
    fn take(&mut self, run: &[u8], found: &mut Vec<Framed>) {
        if self.held.len() + run.len() > self.bytes_max {
            self.held = Vec::new();
            self.state = State::Spent;
            found.push(Framed::TooLong);
        } else {
            self.held.extend_from_slice(run);
        }
    }
}

impl Default for Mllp {
    fn default() -> Mllp {
        Mllp::new()
    }
}

impl Framer for Mllp {
    fn push(&mut self, bytes: &[u8]) -> Vec<Framed> {
        let mut found = Vec::new();
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match (self.state, byte) {
                (State::Spent, _any) => return found,
                (State::Between, VT) => {
                    self.quiet(&mut found);
                    self.state = State::Inside;
                    rest = after;
                }
                (State::Between, _noise) => {
                    self.noise += 1;
                    rest = after;
                    if self.noise > NOISE_BYTES_MAX {
                        self.state = State::Spent;
                        found.push(Framed::TooLong);
                    }
                }
                (State::Inside, VT) | (State::Ending, VT) => {
                    // The sender began anew: what came before was cut off and is not to be acknowledged.
                    self.held.clear();
                    self.state = State::Inside;
                    found.push(Framed::Truncated);
                    rest = after;
                }
                (State::Inside, FS) => {
                    self.state = State::Ending;
                    rest = after;
                }
                (State::Ending, CR) => {
                    self.state = State::Between;
                    found.push(Framed::Message(Phi::new(Bytes::from(std::mem::take(&mut self.held)))));
                    rest = after;
                }
                (State::Ending, _data) => {
                    // A file separator that ends nothing is data; the parser reports it.
                    self.state = State::Inside;
                    self.take(&[FS], &mut found);
                }
                (State::Inside, _data) => {
                    let run = memchr::memchr2(VT, FS, rest).unwrap_or(rest.len());
                    let (run, after) = rest.split_at(run);
                    self.take(run, &mut found);
                    rest = after;
                }
            }
        }
        // Noise is told once per run of it, so that a split inside it changes nothing: at the next message.
        found
    }

    fn held_bytes(&self) -> usize {
        match self.state {
            State::Between | State::Spent => 0,
            State::Inside | State::Ending => self.held.len() + 1,
        }
    }

    fn frame(&self, message: &[u8]) -> Option<Vec<u8>> {
        frame(message)
    }
}

/// Wraps a message; `None` when it holds a byte that would end or begin a frame.
pub fn frame(message: &[u8]) -> Option<Vec<u8>> {
    if memchr::memchr2(VT, FS, message).is_some() {
        return None;
    }
    let mut framed = Vec::with_capacity(message.len() + 3);
    framed.push(VT);
    framed.extend_from_slice(message);
    framed.extend_from_slice(&[FS, CR]);
    Some(framed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What was found, in a form that can be compared.
    fn found(framer: &mut Mllp, bytes: &[u8]) -> Vec<String> {
        let mut seen = Vec::new();
        for framed in framer.push(bytes) {
            match framed {
                Framed::Message(message) => seen.push(format!("{:?}", message.expose())),
                Framed::Truncated => seen.push("truncated".into()),
                Framed::Noise { bytes } => seen.push(format!("noise {bytes}")),
                Framed::TooLong => seen.push("too long".into()),
            }
        }
        seen
    }

    #[test]
    fn two_frames_in_one_read_are_two_messages() {
        let seen = found(&mut Mllp::new(), b"\x0bMSH|A\r\x1c\r\x0bMSH|B\r\x1c\r");
        assert_eq!(seen, [r#"b"MSH|A\r""#, r#"b"MSH|B\r""#]);
    }

    #[test]
    fn a_message_that_begins_anew_is_not_joined_with_the_one_cut_off() {
        assert_eq!(found(&mut Mllp::new(), b"\x0bMSH|A\x0bMSH|B\x1c\r"), ["truncated", r#"b"MSH|B""#]);
    }

    #[test]
    fn a_separator_without_a_return_is_data() {
        assert_eq!(found(&mut Mllp::new(), b"\x0bA\x1cB\x1c\x1c\r"), [r#"b"A\x1cB\x1c""#]);
    }

    #[test]
    fn noise_between_messages_is_counted_and_thrown_away() {
        assert_eq!(found(&mut Mllp::new(), b"\r\n?\x0bA\x1c\r"), ["noise 3", r#"b"A""#]);
    }

    #[test]
    fn a_message_past_the_bound_ends_the_connection_and_holds_nothing() {
        let mut framer = Mllp::bounded(4);
        assert_eq!(found(&mut framer, b"\x0b12345"), ["too long"]);
        assert_eq!(framer.held_bytes(), 0);
        assert_eq!(found(&mut framer, b"\x1c\r\x0bA\x1c\r"), Vec::<String>::new());
    }

    #[test]
    fn noise_past_its_bound_ends_the_connection() {
        let mut framer = Mllp::new();
        let noise = vec![b'?'; NOISE_BYTES_MAX];
        assert_eq!(found(&mut framer, &noise), Vec::<String>::new());
        assert_eq!(found(&mut framer, b"?"), ["too long"]);
        assert_eq!(found(&mut framer, b"\x0bA\x1c\r"), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_framed_is_not_framed() {
        assert_eq!(frame(b"MSH\x1cX"), None);
        assert_eq!(frame(b"MSH|"), Some(b"\x0bMSH|\x1c\r".to_vec()));
    }

    proptest! {
        #[test]
        fn any_split_of_the_same_bytes_gives_the_same_messages(
            bytes in prop::collection::vec(prop::sample::select(vec![0x0b, 0x1c, 0x0d, b'A', b'|']), 0..60),
            cuts in prop::collection::vec(0usize..60, 0..6),
        ) {
            let whole = found(&mut Mllp::bounded(12), &bytes);
            let mut framer = Mllp::bounded(12);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let split: Vec<String> = cuts.windows(2).flat_map(|pair| found(&mut framer, &bytes[pair[0]..pair[1]])).collect();
            prop_assert_eq!(&whole, &split);
            let mut framer = Mllp::bounded(12);
            let single: Vec<String> = bytes.iter().flat_map(|byte| found(&mut framer, &[*byte])).collect();
            prop_assert_eq!(whole, single);
        }

        #[test]
        fn what_is_framed_comes_out_as_it_went_in(messages in prop::collection::vec("[A-Z|^\\r]{0,40}", 0..5)) {
            let wire: Vec<u8> = messages.iter().filter_map(|message| frame(message.as_bytes())).flatten().collect();
            let seen: Vec<Vec<u8>> = Mllp::new().push(&wire).into_iter().filter_map(|framed| match framed {
                Framed::Message(message) => Some(message.expose().to_vec()),
                Framed::Truncated | Framed::Noise { .. } | Framed::TooLong => None,
            }).collect();
            prop_assert_eq!(seen, messages.iter().map(|message| message.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
