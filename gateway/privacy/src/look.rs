//! An operator's look into a message that is kept: who, why, which, and whose it is known to be.
//!
//! A kept message is no FHIR resource, so no policy can cut it: it is shown whole or not at all, to someone who has the data
//! folder anyway, for a reason that they wrote. That makes it a disclosure like any other, and it is recorded like one.

use crate::ledger::{About, Entry, Event, Looked};
use crate::principal::Recipient;
use fhir::{Id, Instant};

/// Why an operator looks, as a v3 ActReason: health care operations (45 CFR 164.501).
pub(crate) const OPERATIONS: &str = "HOPERAT";
/// The word for an operator where an entry names a role.
pub(crate) const ROLE: &str = "operator";
/// The client that an operator works with.
const CLIENT: &str = "sluice";
/// Bytes of a reason: a few sentences.
const REASON_BYTES_MAX: usize = 500;

/// Someone at the machine, by the name that the operating system knows them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    name: String,
}

impl Operator {
    /// The operator with this name.
    pub fn new(name: impl Into<String>) -> Operator {
        Operator { name: name.into() }
    }

    /// Their name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn recipient(&self) -> Recipient {
        Recipient::of(CLIENT, &format!("{ROLE} {}", self.name))
    }
}

impl Recipient {
    /// Whether this is the operator the answer is for.
    pub fn is_operator(&self, operator: &Operator) -> bool {
        *self == operator.recipient()
    }
}

/// Why someone looks, in their own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// The text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason is one line of 1 to {REASON_BYTES_MAX} bytes; it stands on the ledger, so name no patient in it")]
pub struct NoReason;

impl Reason {
    /// A reason that can be read later.
    ///
    /// # Errors
    /// [`NoReason`], for nothing, too much, or more than a line.
    pub fn parse(text: &str) -> Result<Reason, NoReason> {
        let text = text.trim();
        if text.is_empty() || text.len() > REASON_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(NoReason);
        }
        Ok(Reason(text.to_owned()))
    }

    /// Their words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose a message is, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// The patients it was matched to.
    pub patients: Vec<Id>,
    /// Whether there is more in it that was matched to nobody.
    pub others: bool,
}

/// One look into one message.
pub struct Look {
    /// Who looks.
    pub operator: Operator,
    /// Why.
    pub reason: Reason,
    /// The link that it came over.
    pub link: String,
    /// Its number in the journal.
    pub sequence: u64,
    /// Whose it is.
    pub whose: Whose,
    /// The correlation id of this look.
    pub correlation: String,
}

impl Look {
    /// What the ledger says of it.
    pub(crate) fn entry(&self, now: Instant) -> Entry {
        let about = |patient: &Id| About { patient: patient.to_string(), resources: Vec::new() };
        Entry {
            at_us: now.micros(),
            event: Event::Disclosed,
            client: CLIENT.to_owned(),
            grant: String::new(),
            account: self.operator.name.clone(),
            fhir_user: None,
            role: ROLE.to_owned(),
            purpose: OPERATIONS.to_owned(),
            policy: String::new(),
            interaction: "look".to_owned(),
            kind: "message".to_owned(),
            id: Some(self.sequence.to_string()),
            query: None,
            correlation: self.correlation.clone(),
            from: String::new(),
            refusal: None,
            looked: Some(Looked {
                link: self.link.clone(),
                reason: self.reason.0.clone(),
                patient_unknown: self.whose.others || self.whose.patients.is_empty(),
            }),
            about: self.whose.patients.iter().map(about).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_fits_on_a_line() {
        assert_eq!(
            Reason::parse("  the sender asked why PID-3 is refused "),
            Ok(Reason("the sender asked why PID-3 is refused".to_owned()))
        );
        for none in ["", "   ", "two\nlines", "\u{1b}[2J", &"x".repeat(REASON_BYTES_MAX + 1)] {
            assert_eq!(Reason::parse(none), Err(NoReason), "{none}");
        }
    }
}
