//! One partner and how we speak with it: the settings that reading, matching and acknowledging depend on.
//!
//! Holds no socket and no secret; the server keeps those beside it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One partner's link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The name an operator gave it; appears in the journal and in logs.
    pub name: String,
    /// Random, made once for this link; every id made from its messages is a UUIDv5 in this namespace.
    pub namespace: Uuid,
    /// The zone of times that carry no offset and whose message (MSH-7) carries none either; without it such times keep
    /// their date alone.
    pub zone: Option<jiff::tz::TimeZone>,
    /// Whose identifiers are understood, and as which FHIR system.
    pub authorities: Vec<Authority>,
    /// Which processing ids are accepted; others are rejected with 202.
    pub processing: Processing,
    /// Answers once in original mode, whatever MSH-15 and MSH-16 ask for.
    pub original_mode: bool,
    /// When the positive acknowledgement leaves.
    pub ack: AckWhen,
    /// The charset of messages whose MSH-18 is empty, as its HL7 table 0211 code; `None` reads UTF-8.
    pub charset: Option<String>,
    /// Codes that this partner uses otherwise: table name (such as `0085`) to code to FHIR code. They win over ours.
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
}

/// Who assigned an identifier, and the FHIR system its values belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// HD.1, compared exactly; `None` does not look at it.
    pub namespace_id: Option<String>,
    /// HD.2 (an OID, a UUID, a DNS name), compared without regard to case; `None` does not look at it.
    pub universal_id: Option<String>,
    /// The `Identifier.system` of its values.
    pub system: String,
    /// Whether its values identify patients, so that they may be used to find one.
    pub patients: bool,
}

impl Authority {
    /// Whether this is the authority that a message names: every part configured here must be there and agree.
    pub fn is(&self, namespace_id: &str, universal_id: &str) -> bool {
        let named = self.namespace_id.is_some() || self.universal_id.is_some();
        named
            && self.namespace_id.as_deref().is_none_or(|own| own == namespace_id)
            && self.universal_id.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(universal_id))
    }
}

impl Link {
    /// A link that understands no authority, has no zone, takes every processing id and answers once journalled.
    pub fn new(name: &str, namespace: Uuid) -> Link {
        Link {
            name: name.to_owned(),
            namespace,
            zone: None,
            authorities: Vec::new(),
            processing: Processing::All,
            original_mode: false,
            ack: AckWhen::Journalled,
            charset: None,
            tables: BTreeMap::new(),
        }
    }

    /// The authority that a message names, if this link knows it.
    pub fn authority(&self, namespace_id: &str, universal_id: &str) -> Option<&Authority> {
        self.authorities.iter().find(|authority| authority.is(namespace_id, universal_id))
    }

    /// This partner's own meaning of a code, if it has one.
    pub fn own_code(&self, table: &str, code: &str) -> Option<&str> {
        self.tables.get(table)?.get(code).map(String::as_str)
    }
}

/// Which processing ids (HL7 table 0103) a link accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Processing {
    /// This one alone.
    Only(char),
    /// Production, training and debugging alike, and those that say nothing: for demos and test systems.
    All,
}

impl Processing {
    /// Whether a message with this processing id (its first component) may come in.
    pub fn accepts(self, id: &str) -> bool {
        match self {
            Processing::Only(own) => id.chars().eq([own]),
            Processing::All => matches!(id, "P" | "T" | "D" | ""),
        }
    }
}

/// Not one of `P`, `T`, `D` or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a link's processing is one of P (production), T (training), D (debugging) or all")]
pub struct UnknownProcessing;

impl FromStr for Processing {
    type Err = UnknownProcessing;

    fn from_str(text: &str) -> Result<Processing, UnknownProcessing> {
        match text {
            "P" => Ok(Processing::Only('P')),
            "T" => Ok(Processing::Only('T')),
            "D" => Ok(Processing::Only('D')),
            "all" => Ok(Processing::All),
            _other => Err(UnknownProcessing),
        }
    }
}

/// When the positive acknowledgement leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckWhen {
    /// Once the raw message is durable and understood.
    Journalled,
    /// Once its content is applied or quarantined, so that the next search finds it.
    OnApply,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_names_nothing_is_nobodys() {
        let blank = Authority { namespace_id: None, universal_id: None, system: "urn:x".into(), patients: true };
        assert!(!blank.is("", ""));
        assert!(!blank.is("HOSP", "1.2.3"));
    }

    #[test]
    fn every_configured_part_of_an_authority_must_agree() {
        let both = Authority {
            namespace_id: Some("HOSP".into()),
            universal_id: Some("1.2.3".into()),
            system: "urn:oid:1.2.3".into(),
            patients: true,
        };
        assert!(both.is("HOSP", "1.2.3"));
        assert!(!both.is("HOSP", ""));
        assert!(!both.is("hosp", "1.2.3"));
    }

    #[test]
    fn test_messages_do_not_enter_a_production_link() {
        assert!(!Processing::Only('P').accepts("T"));
        assert!(Processing::Only('P').accepts("P"));
        assert!(!Processing::Only('P').accepts(""));
        assert!(Processing::All.accepts(""));
        assert_eq!("X".parse::<Processing>(), Err(UnknownProcessing));
    }
}
