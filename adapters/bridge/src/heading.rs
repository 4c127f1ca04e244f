//! The routing facts of a message: who sent it, of what kind, under which number. No clinical content.

use privacy::Impersonal;
use serde::{Deserialize, Serialize};

/// What must be known of a message to journal, route and answer it.
///
/// What an answer repeats is as the sender wrote it, byte for byte. No name, identifier or
/// result of a patient stands here, yet it is not for logs: a sender may put anything into a control id.
#[derive(Clone, PartialEq, Eq)]
pub struct Heading {
    /// MSH-1 and MSH-2 of the message: field, component, repetition, escape, subcomponent separators and, from 2.7 on, the
    /// truncation character.
    pub separators: Vec<u8>,
    /// MSH-3.
    pub sending_application: Vec<u8>,
    /// MSH-4.
    pub sending_facility: Vec<u8>,
    /// MSH-5.
    pub receiving_application: Vec<u8>,
    /// MSH-6.
    pub receiving_facility: Vec<u8>,
    /// MSH-7, as text.
    pub sent_at: String,
    /// MSH-9.1, such as `ORU`.
    pub code: String,
    /// MSH-9.2, such as `R01`.
    pub trigger: String,
    /// MSH-9.3, such as `ORU_R01`; derived from the first two when the sender left it out.
    pub structure: String,
    /// MSH-10.
    pub control_id: Vec<u8>,
    /// MSH-11, first component.
    pub processing_id: String,
    /// MSH-12, first component.
    pub version: String,
    /// MSH-15 and MSH-16.
    pub conditions: Conditions,
    /// MSH-18, as it came.
    pub charset: Vec<u8>,
}

impl Impersonal for Heading {}

impl Heading {
    /// That of a message whose header cannot be read: nothing is known of its sender, and an answer is as plain as can be.
    pub fn unreadable() -> Heading {
        Heading {
            separators: b"|^~\\&".to_vec(),
            sending_application: Vec::new(),
            sending_facility: Vec::new(),
            receiving_application: Vec::new(),
            receiving_facility: Vec::new(),
            sent_at: String::new(),
            code: String::new(),
            trigger: String::new(),
            structure: String::new(),
            control_id: Vec::new(),
            processing_id: "P".to_owned(),
            version: "2.5.1".to_owned(),
            conditions: Conditions { accept: None, application: None },
            charset: Vec::new(),
        }
    }
}

/// Which acknowledgements the sender asks for (MSH-15 and MSH-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// MSH-15; `None` when empty.
    pub accept: Option<When>,
    /// MSH-16; `None` when empty.
    pub application: Option<When>,
}

/// When an acknowledgement is wanted (HL7 table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// AL.
    Always,
    /// NE.
    Never,
    /// ER: only on error or rejection.
    OnError,
    /// SU: only on success.
    OnSuccess,
}
