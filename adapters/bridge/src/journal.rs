//! The port behind which every message is kept: raw, durable, before anything is promised to its sender.
//!
//! Two legs end on their own: *delivery* (what became of the content) and *acknowledgement* (what the sender was told).
//! An implementation keeps raw bytes exactly, makes each call durable before it returns, and never answers from memory.

use std::future::Future;

use bytes::Bytes;
use privacy::Phi;
use serde::{Deserialize, Serialize};

use crate::heading::Heading;

/// The durable log of messages received.
pub trait Journal: Send + Sync {
    /// Keeps a message, unless one with the same key is kept already. On return it is durable.
    fn append(&self, entry: Entry) -> impl Future<Output = Result<Appended, JournalDown>> + Send;

    /// Writes what has become of a message, answers to be sent included, in one durable step.
    fn mark(&self, sequence: u64, mark: Mark) -> impl Future<Output = Result<(), JournalDown>> + Send;

    /// What is kept of one message, without its content; `None` when there is no such message.
    fn show(&self, sequence: u64) -> impl Future<Output = Result<Option<Kept>, JournalDown>> + Send;

    /// The raw message; `None` when there is no such message.
    fn raw(&self, sequence: u64) -> impl Future<Output = Result<Option<Phi<Bytes>>, JournalDown>> + Send;

    /// What is kept, oldest first, after a sequence number, at most so many.
    fn list(
        &self,
        wanted: Wanted,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Kept>, JournalDown>> + Send;
}

/// The journal cannot be written or read. Nothing may be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be used")]
pub struct JournalDown;

/// A message to be kept.
pub struct Entry {
    /// The link it came over.
    pub link: String,
    /// Its key; `None` when its heading could not be read, so that it can be no duplicate.
    pub key: Option<Key>,
    /// When it came, microseconds since 1970.
    pub received_at_us: i64,
    /// The message, exactly as it came.
    pub raw: Phi<Bytes>,
}

/// What makes two messages of one link the same: MSH-3, MSH-4 and MSH-10, and a digest of all but MSH-7.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// MSH-3.
    pub sending_application: Vec<u8>,
    /// MSH-4.
    pub sending_facility: Vec<u8>,
    /// MSH-10.
    pub control_id: Vec<u8>,
    /// A digest of everything but the time of sending.
    pub fingerprint: [u8; 16],
}

impl Key {
    /// The key of a message; `None` when the sender gave it no control id, so that it can be no duplicate.
    pub fn of(heading: &Heading, fingerprint: [u8; 16]) -> Option<Key> {
        if heading.control_id.is_empty() {
            return None;
        }
        Some(Key {
            sending_application: heading.sending_application.clone(),
            sending_facility: heading.sending_facility.clone(),
            control_id: heading.control_id.clone(),
            fingerprint,
        })
    }
}

/// What keeping a message gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Appended {
    /// It is kept under this number.
    New {
        /// Its number; later messages have greater ones.
        sequence: u64,
    },
    /// It was kept before: same key, same content. Nothing was written.
    Duplicate {
        /// The number of the one kept.
        sequence: u64,
        /// What its sender was told or is to be told, when that is settled.
        answer: Option<Answer>,
    },
    /// Its key was used before for another content (the newest one counts). It is kept, under its own number.
    Conflict {
        /// Its own number.
        sequence: u64,
        /// The number of the earlier one.
        earlier: u64,
    },
}

/// What a sender is told, unframed. Serialisable so that it can be kept beside the message.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// On the same connection.
    pub now: Option<Vec<u8>>,
    /// Later, as a message of its own.
    pub later: Option<Vec<u8>>,
}

/// What has become of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// The sender's answer is settled; the content is not yet delivered.
    Promised(Answer),
    /// The content's delivery has ended; the answer, when one is given here, is settled with it.
    Ended(Ending, Option<Answer>),
    /// The answer has been written to the connection.
    Told,
}

/// How a message's delivery ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All of it stands in the store.
    Applied,
    /// All or part of it waits for a person or a patient; the rest is applied.
    Quarantined,
    /// It was wrong or not for us, and its sender was told so.
    Refused,
}

/// One message as the journal shows it: no content.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its number.
    pub sequence: u64,
    /// The link it came over.
    pub link: String,
    /// Its key, if it had one.
    pub key: Option<Key>,
    /// When it came, microseconds since 1970.
    pub received_at_us: i64,
    /// The earlier message whose key it reuses for other content, if it does.
    pub conflicts_with: Option<u64>,
    /// How its delivery ended; `None` while under way.
    pub ending: Option<Ending>,
    /// What its sender is to be told; `None` while not settled.
    pub answer: Option<Answer>,
    /// Whether that was written to the connection.
    pub told: bool,
}

/// Which messages to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// All.
    All,
    /// Those whose delivery has not ended: to be taken up again at start.
    Unfinished,
    /// Those that ended so: quarantined ones are replayed when a patient appears.
    Ended(Ending),
}
