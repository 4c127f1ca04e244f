//! One legacy dialect as pure functions. Sockets, files and retries live in the server.

use bytes::Bytes;
use privacy::Phi;

use crate::filing::Reading;
use crate::heading::Heading;
use crate::link::Link;
use crate::verdict::{Defect, Verdict};

/// One legacy dialect. Pure: the same bytes on the same link always give the same answers.
pub trait Adapter: Send + Sync {
    /// A framer for one new connection.
    fn framer(&self) -> Box<dyn Framer>;

    /// The routing facts alone, cheaply, before the message is journalled; `None` when they cannot be read.
    fn heading(&self, link: &Link, raw: &Phi<Bytes>) -> Option<Heading>;

    /// A digest of the message without what a resend may change (MSH-7), to tell a duplicate from a conflict.
    fn fingerprint(&self, link: &Link, raw: &Phi<Bytes>) -> [u8; 16];

    /// All that the message says, every defect, and what became of each of its elements.
    fn read(&self, link: &Link, raw: &Phi<Bytes>) -> Reading;

    /// What the sender is to be told, by the sender's own wishes and the link's settings.
    fn acknowledge(
        &self,
        link: &Link,
        stamp: &Stamp,
        heading: &Heading,
        verdict: Verdict,
        defects: &[Defect],
    ) -> Acknowledgment;
}

/// The time and the control number to write into a message of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The moment, microseconds since 1970.
    pub at_us: i64,
    /// Our own control number, never used before on this link; at most 20 letters or digits (HL7 before 2.7).
    pub control_id: String,
}

/// The answers to one message, unframed: none, one, or (enhanced mode) an accept and an application acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acknowledgment {
    /// On the same connection, at once: the single answer of original mode, or the accept acknowledgement.
    pub now: Option<Vec<u8>>,
    /// Later, as a message of its own: the application acknowledgement of enhanced mode.
    pub later: Option<Vec<u8>>,
}

/// Cuts a connection's bytes into messages. Any split of the same bytes gives the same messages.
pub trait Framer: Send {
    /// Takes what was just read and gives what it completed, in order.
    fn push(&mut self, bytes: &[u8]) -> Vec<Framed>;

    /// How many bytes of an unfinished message are held; for the timeout of a frame that never ends.
    fn held_bytes(&self) -> usize;

    /// Wraps one of our own messages for the wire, ready for a single write; `None` when it holds bytes that the framing
    /// cannot carry.
    fn frame(&self, message: &[u8]) -> Option<Vec<u8>>;
}

/// What a framer found.
pub enum Framed {
    /// One whole message.
    Message(Phi<Bytes>),
    /// A message that began anew before it ended: thrown away, not to be acknowledged.
    Truncated,
    /// Bytes between messages: thrown away, counted.
    Noise {
        /// How many.
        bytes: usize,
    },
    /// A message longer than the bound: close the connection without an answer.
    TooLong,
}
