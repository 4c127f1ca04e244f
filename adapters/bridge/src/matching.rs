//! Whose message is it? Decided from facts, never guessed.
//!
//! A result in the wrong record harms two people. So one trusted identifier must lead to exactly one active patient, the
//! birth date and the family name must agree, nothing may point elsewhere; whatever else is quarantined for a person.

use privacy::Impersonal;

use crate::filing::{Claimed, OrderNumber};
use crate::fold::fold;

/// A patient whom one of the claimed identifiers leads to. One row for each identifier that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The logical id of the Patient.
    pub patient: String,
    /// Which of the claimed identifiers led here: its place in [`Claimed::identifiers`].
    pub via: usize,
    /// Every family name on record.
    pub families: Vec<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// A FHIR administrative-gender code.
    pub sex: Option<String>,
    /// Whether the record is in use.
    pub active: bool,
}

/// Whose a filing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// This patient's.
    Patient(String),
    /// Nobody's whom we know: it waits until the patient exists.
    NoPatient,
    /// It cannot be told safely: it waits for a person.
    Quarantine(Reason),
}

/// Why a filing is not filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No identifier of an authority that is configured as identifying patients.
    NoTrustedIdentifier,
    /// Its identifiers lead to more than one patient.
    MoreThanOnePatient,
    /// The record it leads to is not in use.
    InactivePatient,
    /// The birth date differs, or is not there to compare.
    BirthDate,
    /// The family name differs, or is not there to compare.
    FamilyName,
    /// The sex contradicts.
    Sex,
    /// An order number of it is known as another patient's.
    OrderOfAnother,
    /// It has more identifiers than are looked up.
    TooManyIdentifiers,
}

impl Impersonal for Reason {}

impl Reason {
    /// Its name for operators.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NoTrustedIdentifier => "no-trusted-identifier",
            Reason::MoreThanOnePatient => "more-than-one-patient",
            Reason::InactivePatient => "inactive-patient",
            Reason::BirthDate => "birth-date",
            Reason::FamilyName => "family-name",
            Reason::Sex => "sex",
            Reason::OrderOfAnother => "order-of-another",
            Reason::TooManyIdentifiers => "too-many-identifiers",
        }
    }
}

/// Decides whose a filing is, from the patients its identifiers lead to and the patients its order numbers are known for.
pub fn decide(claimed: &Claimed, candidates: &[Candidate], order_owners: &[(OrderNumber, String)]) -> Match {
    let trusted = |place: usize| claimed.identifiers.get(place).is_some_and(|given| given.system.is_some());
    if !(0..claimed.identifiers.len()).any(trusted) {
        return Match::Quarantine(Reason::NoTrustedIdentifier);
    }
    let mut found = candidates.iter().filter(|candidate| trusted(candidate.via));
    let Some(patient) = found.next() else {
        return if order_owners.is_empty() { Match::NoPatient } else { Match::Quarantine(Reason::OrderOfAnother) };
    };
    if found.any(|other| other.patient != patient.patient) {
        return Match::Quarantine(Reason::MoreThanOnePatient);
    }
    if !patient.active {
        return Match::Quarantine(Reason::InactivePatient);
    }
    if !same_day(claimed.birth_date.as_deref(), patient.birth_date.as_deref()) {
        return Match::Quarantine(Reason::BirthDate);
    }
    if !same_family(claimed.family.as_deref(), &patient.families) {
        return Match::Quarantine(Reason::FamilyName);
    }
    if contradict(claimed.sex.as_deref(), patient.sex.as_deref()) {
        return Match::Quarantine(Reason::Sex);
    }
    if order_owners.iter().any(|(_number, owner)| *owner != patient.patient) {
        return Match::Quarantine(Reason::OrderOfAnother);
    }
    Match::Patient(patient.patient.clone())
}

fn same_day(claimed: Option<&str>, known: Option<&str>) -> bool {
    const DAY_LEN: usize = 10; // YYYY-MM-DD: a month or a year alone fits too many people
    claimed.is_some_and(|day| day.len() == DAY_LEN && Some(day) == known)
}

fn same_family(claimed: Option<&str>, known: &[String]) -> bool {
    let claimed = claimed.map(fold).unwrap_or_default();
    !claimed.is_empty() && known.iter().any(|family| fold(family) == claimed)
}

/// Only two definite answers can contradict; `other` and `unknown` say too little.
fn contradict(claimed: Option<&str>, known: Option<&str>) -> bool {
    let definite = |sex: Option<&str>| sex.filter(|sex| matches!(*sex, "male" | "female")).map(str::to_owned);
    match (definite(claimed), definite(known)) {
        (Some(claimed), Some(known)) => claimed != known,
        (Some(_), None) | (None, Some(_)) | (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filing::{ClaimedIdentifier, Role};
    use proptest::prelude::*;

    fn claim() -> Claimed {
        Claimed {
            identifiers: vec![given("urn:oid:1.2.3", "A1"), untrusted("B7")],
            family: Some("Muñoz".into()),
            given: vec!["Ana".into()],
            birth_date: Some("1980-02-29".into()),
            sex: Some("female".into()),
        }
    }

    fn given(system: &str, value: &str) -> ClaimedIdentifier {
        ClaimedIdentifier {
            system: Some(system.into()),
            authority: "HOSP".into(),
            value: value.into(),
            type_code: Some("MR".into()),
        }
    }

    fn untrusted(value: &str) -> ClaimedIdentifier {
        ClaimedIdentifier { system: None, authority: "LAB".into(), value: value.into(), type_code: None }
    }

    fn ana() -> Candidate {
        Candidate {
            patient: "ana".into(),
            via: 0,
            families: vec!["Munoz".into()],
            birth_date: Some("1980-02-29".into()),
            sex: Some("female".into()),
            active: true,
        }
    }

    fn number(value: &str) -> OrderNumber {
        OrderNumber { role: Role::Filler, authority: "LAB".into(), value: value.into() }
    }

    #[test]
    fn one_identifier_one_active_patient_and_agreeing_demographics_file() {
        assert_eq!(decide(&claim(), &[ana()], &[]), Match::Patient("ana".into()));
        assert_eq!(decide(&claim(), &[ana()], &[(number("7"), "ana".into())]), Match::Patient("ana".into()));
    }

    #[test]
    fn nobody_found_waits_for_the_patient() {
        assert_eq!(decide(&claim(), &[], &[]), Match::NoPatient);
    }

    #[test]
    fn an_untrusted_identifier_finds_nobody() {
        let claim = Claimed { identifiers: vec![untrusted("A1")], ..claim() };
        assert_eq!(decide(&claim, &[ana()], &[]), Match::Quarantine(Reason::NoTrustedIdentifier));
        assert_eq!(decide(&Claimed::default(), &[], &[]), Match::Quarantine(Reason::NoTrustedIdentifier));
    }

    #[test]
    fn any_identifier_that_points_to_another_patient_quarantines() {
        let mut claim = claim();
        claim.identifiers.push(given("urn:oid:9", "Z"));
        let other = Candidate { patient: "bea".into(), via: 2, ..ana() };
        assert_eq!(decide(&claim, &[ana(), other], &[]), Match::Quarantine(Reason::MoreThanOnePatient));
    }

    #[test]
    fn an_order_of_another_patient_quarantines_even_when_nobody_is_found() {
        let owners = [(number("7"), "bea".to_owned())];
        assert_eq!(decide(&claim(), &[ana()], &owners), Match::Quarantine(Reason::OrderOfAnother));
        assert_eq!(decide(&claim(), &[], &owners), Match::Quarantine(Reason::OrderOfAnother));
    }

    #[test]
    fn a_month_is_no_birth_date_and_a_missing_name_is_no_agreement() {
        let month = Claimed { birth_date: Some("1980-02".into()), ..claim() };
        let candidate = Candidate { birth_date: Some("1980-02".into()), ..ana() };
        assert_eq!(decide(&month, &[candidate], &[]), Match::Quarantine(Reason::BirthDate));
        let nameless = Claimed { family: None, ..claim() };
        assert_eq!(decide(&nameless, &[ana()], &[]), Match::Quarantine(Reason::FamilyName));
    }

    #[test]
    fn an_unknown_sex_does_not_contradict() {
        let unknown = Claimed { sex: Some("unknown".into()), ..claim() };
        assert_eq!(decide(&unknown, &[ana()], &[]), Match::Patient("ana".into()));
        let male = Claimed { sex: Some("male".into()), ..claim() };
        assert_eq!(decide(&male, &[ana()], &[]), Match::Quarantine(Reason::Sex));
    }

    /// A small world of people, looked up by identifier as a store would.
    fn world() -> Vec<(String, Candidate)> {
        let person = |id: &str, family: &str, day: &str, sex: &str| {
            (
                format!("{id}-mrn"),
                Candidate {
                    patient: id.into(),
                    via: 0,
                    families: vec![family.into()],
                    birth_date: Some(day.into()),
                    sex: Some(sex.into()),
                    active: true,
                },
            )
        };
        vec![
            person("ana", "Munoz", "1980-02-29", "female"),
            person("bea", "Munoz", "1981-03-01", "female"),
            person("cid", "Smith", "1980-02-29", "male"),
            person("dan", "Smith", "1975-12-24", "male"),
        ]
    }

    proptest! {
        /// Whatever a sender changes in PID, nothing is filed to anyone but the one whose identifier, birth date and
        /// family name it all gives.
        #[test]
        fn perturbed_patient_fields_never_file_to_another(
            values in prop::collection::vec(
                prop::sample::select(vec!["ana-mrn", "bea-mrn", "cid-mrn", "dan-mrn", "none", "Ana-mrn"]), 1..3),
            trusted in prop::collection::vec(any::<bool>(), 3),
            family in prop::sample::select(vec![Some("Munoz"), Some("MUÑOZ"), Some("Smith"), Some("Smit"), Some(""), None]),
            day in prop::sample::select(
                vec![Some("1980-02-29"), Some("1981-03-01"), Some("1975-12-24"), Some("1980"), None]),
            sex in prop::sample::select(vec![Some("female"), Some("male"), Some("other"), None]),
            owner in prop::sample::select(vec![None, Some("ana"), Some("bea"), Some("dan")]),
        ) {
            let claim = Claimed {
                identifiers: values.iter().zip(&trusted)
                    .map(|(value, trusted)| if *trusted { given("urn:mrn", value) } else { untrusted(value) })
                    .collect(),
                family: family.map(str::to_owned),
                given: Vec::new(),
                birth_date: day.map(str::to_owned),
                sex: sex.map(str::to_owned),
            };
            let candidates: Vec<Candidate> = values.iter().enumerate()
                .filter(|(place, _value)| trusted.get(*place) == Some(&true))
                .filter_map(|(place, value)| {
                    let (_mrn, person) = world().into_iter().find(|(mrn, _person)| mrn == value)?;
                    Some(Candidate { via: place, ..person })
                })
                .collect();
            let owners: Vec<_> = owner.iter().map(|owner| (number("7"), (*owner).to_owned())).collect();
            if let Match::Patient(filed) = decide(&claim, &candidates, &owners) {
                let (mrn, person) = world().into_iter().find(|(_mrn, person)| person.patient == filed).expect("a person of this world");
                prop_assert!(values.iter().zip(&trusted).any(|(value, trusted)| *trusted && *value == mrn));
                prop_assert_eq!(claim.birth_date, person.birth_date);
                prop_assert_eq!(fold(family.unwrap_or_default()), fold(&person.families[0]));
                prop_assert!(sex.is_none() || sex == Some("other") || sex == person.sex.as_deref());
                prop_assert!(owner.is_none() || owner == Some(filed.as_str()));
                for (value, trusted) in values.iter().zip(&trusted) {
                    prop_assert!(!trusted || *value == mrn || !world().iter().any(|(other, _person)| other == value));
                }
            }
        }
    }
}
