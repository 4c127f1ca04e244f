//! Why someone asks: the purpose of use.
//!
//! Codes are HL7's v3 ActReason, system `http://terminology.hl7.org/CodeSystem/v3-ActReason`. A purpose without a policy
//! does not exist: there is no default. Which purposes a client may act for is registered; which of them are open to a person
//! follows from who they are.

use crate::principal::Role;
use std::fmt;
use std::str::FromStr;

/// The purpose of use a principal acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// `TREAT`: a provider treats the patient (45 CFR 164.506(c)(2)).
    Treatment,
    /// `HPAYMT`: payment for care (45 CFR 164.506(c)(3)).
    Payment,
    /// `PATRQT`: the patient asks for their own record (45 CFR 164.524).
    PatientRequest,
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: [Purpose; 3] = [Purpose::Treatment, Purpose::Payment, Purpose::PatientRequest];
    /// The code system of the codes.
    pub const SYSTEM: &'static str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

    /// The v3 ActReason code.
    pub fn code(self) -> &'static str {
        match self {
            Purpose::Treatment => "TREAT",
            Purpose::Payment => "HPAYMT",
            Purpose::PatientRequest => "PATRQT",
        }
    }

    /// Whether someone in this role may act for it: what patients ask, and those who act for them, is always the patient's own
    /// request, and nobody else's ever is. Who looks after the server asks for no record.
    pub fn is_open_to(self, role: Role) -> bool {
        match role {
            Role::Patient | Role::Representative => self == Purpose::PatientRequest,
            Role::Clinician | Role::System => self != Purpose::PatientRequest,
            Role::PrivacyOfficer | Role::Administrator | Role::Integrator => false,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is no purpose this gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown purpose of use; known are TREAT, HPAYMT and PATRQT")]
pub struct UnknownPurpose;

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(code: &str) -> Result<Purpose, UnknownPurpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.code() == code).ok_or(UnknownPurpose)
    }
}
