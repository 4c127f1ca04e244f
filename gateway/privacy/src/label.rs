//! Security labels: codes in `meta.security` that say how sensitive a resource is.
//!
//! Sensitivity codes are HL7's v3 ActCode, confidentiality codes its v3 Confidentiality. Labels are themselves sensitive; they are read here and nowhere else.

use fhir::resource::Resource;

/// A sensitivity or confidentiality that a policy can name. Others may stand on a resource; they bear on nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// `R`: restricted (v3 Confidentiality).
    Restricted,
    /// `V`: very restricted (v3 Confidentiality).
    VeryRestricted,
    /// `PSY`: psychiatry.
    Psychiatry,
    /// `PSYTHPN`: psychotherapy notes, which the right of access does not cover (45 CFR 164.501, 164.524(a)(1)(i)).
    PsychotherapyNote,
    /// `ETH`: substance use.
    SubstanceUse,
}

impl Label {
    /// Every label there is.
    pub const ALL: [Label; 5] =
        [Label::Restricted, Label::VeryRestricted, Label::Psychiatry, Label::PsychotherapyNote, Label::SubstanceUse];

    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Label::Restricted => "R",
            Label::VeryRestricted => "V",
            Label::Psychiatry => "PSY",
            Label::PsychotherapyNote => "PSYTHPN",
            Label::SubstanceUse => "ETH",
        }
    }

    /// The label with this code.
    pub fn of(code: &str) -> Option<Label> {
        Label::ALL.into_iter().find(|label| label.code() == code)
    }
}

/// Every label on the resource or on anything contained in it.
///
/// A code counts whatever its system says, or if it names none: reading too much as sensitive is the smaller mistake. A
/// label without a readable code counts as every label, and so does a contained resource that cannot be read.
pub fn labels(resource: &Resource<'_>) -> Vec<Label> {
    let mut labels = of_codings(resource);
    for inner in resource.contained() {
        match inner {
            Ok(inner) => labels.extend(of_codings(&inner)),
            Err(_) => labels.extend(Label::ALL),
        }
    }
    labels
}

fn of_codings(resource: &Resource<'_>) -> Vec<Label> {
    let mut labels = Vec::new();
    for coding in resource.labels() {
        match coding.code {
            Some(code) => labels.extend(Label::of(&code)),
            None => labels.extend(Label::ALL),
        }
    }
    labels
}
