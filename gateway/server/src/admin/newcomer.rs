//! An account as an operator describes it, and whether role, person, patients and way to sign in go together.
//!
//! Deny by default: a combination that is not spelt here is refused, with a sentence that says what to do.

use super::accounts::hashed;
use crate::clock;
use fhir::{Id, ResourceType};
use privacy::Role;
use serde::{Deserialize, Serialize};
use smart::account::{PATIENTS_MAX, ProviderSubject};
use smart::id_token::{SUBJECT_BYTES_MAX, is_subject};
use smart::settings::ProviderSettings;
use smart::{Account, Locale};

/// An account to be added.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// What the person types.
    pub username: String,
    /// The password as a PHC string; none for who signs in at the login provider alone.
    pub password: Option<String>,
    /// Their role, as a word; without it, what the person as a resource says.
    pub role: Option<String>,
    /// The person as a resource: `Patient/…`, `Practitioner/…`, `RelatedPerson/…`.
    pub fhir_user: Option<String>,
    /// The patients whom a representative acts for, by their ids.
    pub patients: Vec<String>,
    /// Whom the login provider knows them as.
    pub provider_subject: Option<String>,
    /// Whether the operator vouches that they are old enough for an account of their own.
    pub of_age: bool,
    /// The language of their pages, `en` or `es`.
    pub locale: Option<String>,
}

/// An account whose parts go together.
pub(super) struct Newcomer {
    /// As it will be kept.
    pub(super) account: Account,
    /// Whether the operator vouches for their age.
    pub(super) of_age: bool,
}

/// The roles that an account can have.
const ROLES: &str = "patient, representative, clinician, privacy-officer, administrator or integrator";

/// The account as it will be kept.
pub(super) fn newcomer(new: NewAccount, provider: Option<&ProviderSettings>) -> Result<Newcomer, String> {
    if !Account::is_username(&new.username) {
        return Err("a user name has 1 to 254 bytes and neither spaces nor control characters".to_owned());
    }
    let person = new.fhir_user.as_deref().map(person).transpose()?;
    let role = role(new.role.as_deref(), person.as_ref().map(|(kind, _)| *kind))?;
    goes_together(role, person.as_ref().map(|(kind, _)| *kind), !new.patients.is_empty())?;
    let patients = if new.patients.is_empty() { Vec::new() } else { named(&new.patients)? };
    let locale = match new.locale {
        None => None,
        Some(code) => Some(Locale::of(&code).ok_or("a language is en or es")?),
    };
    let provider = new.provider_subject.map(|subject| known_as(subject, provider)).transpose()?;
    let password = match new.password {
        Some(password) => hashed(password)?,
        None if provider.is_some() => String::new(),
        None => return Err("an account has a password, or a --provider-subject by which it signs in".to_owned()),
    };
    let account = Account {
        id: certs::random::uuid_v4(),
        username: new.username,
        password,
        password_set_s: clock::now().seconds(),
        role,
        fhir_user: person,
        patients,
        provider,
        locale,
        enabled: true,
    };
    Ok(Newcomer { account, of_age: new.of_age })
}

/// The patients whom a representative acts for, by their ids or as `Patient/ID`.
pub(super) fn named(patients: &[String]) -> Result<Vec<Id>, String> {
    let id = |text: &String| Id::parse(text.strip_prefix("Patient/").unwrap_or(text)).ok();
    let mut known: Vec<Id> = Vec::new();
    for text in patients {
        let id = id(text).ok_or("--patient names the id of a Patient, as p-0007")?;
        if !known.contains(&id) {
            known.push(id);
        }
    }
    if (1..=PATIENTS_MAX).contains(&known.len()) {
        return Ok(known);
    }
    Err(format!("a representative acts for 1 to {PATIENTS_MAX} patients; name each with --patient ID"))
}

fn person(text: &str) -> Result<(ResourceType, Id), String> {
    let parts = text.split_once('/').and_then(|(kind, id)| Some((kind.parse().ok()?, Id::parse(id).ok()?)));
    parts.ok_or_else(|| "--fhir-user names a person as Patient/ID, Practitioner/ID or RelatedPerson/ID".to_owned())
}

fn role(word: Option<&str>, person: Option<ResourceType>) -> Result<Role, String> {
    match (word, person) {
        (Some(word), _) => {
            let role = Role::of(word).filter(|role| *role != Role::System);
            role.ok_or_else(|| format!("there is no such role; --role is {ROLES}"))
        }
        (None, Some(ResourceType::Patient)) => Ok(Role::Patient),
        (None, Some(ResourceType::Practitioner)) => Ok(Role::Clinician),
        (None, _) => Err(format!(
            "it is not said what this person may do; name --fhir-user Patient/ID or Practitioner/ID, or --role: {ROLES}"
        )),
    }
}

/// Whether a role, the person as a resource and patients to act for go together.
fn goes_together(role: Role, person: Option<ResourceType>, patients: bool) -> Result<(), String> {
    let wrong = |text: &str| Err(text.to_owned());
    match (role, person, patients) {
        (Role::Patient, Some(ResourceType::Patient), false) => Ok(()),
        (Role::Patient, _, true) => wrong(
            "a patient acts for themselves; for who acts for others say --role representative, and leave --patient out here",
        ),
        (Role::Patient, _, false) => wrong("a patient is named by their own record; add --fhir-user Patient/ID"),
        (Role::Representative, None | Some(ResourceType::RelatedPerson), true) => Ok(()),
        (Role::Representative, None | Some(ResourceType::RelatedPerson), false) => {
            wrong("a representative acts for patients; name each with --patient ID")
        }
        (Role::Representative, Some(_), _) => wrong(
            "a representative is no patient or clinician in the same account; leave --fhir-user out, or name RelatedPerson/ID",
        ),
        (Role::Clinician, Some(ResourceType::Practitioner), false) => Ok(()),
        (Role::Clinician, _, true) => {
            wrong("a clinician sees those in whose care the records name them; leave --patient out")
        }
        (Role::Clinician, _, false) => wrong("a clinician is named by the records; add --fhir-user Practitioner/ID"),
        (
            Role::PrivacyOfficer | Role::Administrator | Role::Integrator,
            None | Some(ResourceType::Practitioner),
            false,
        ) => Ok(()),
        (Role::PrivacyOfficer | Role::Administrator | Role::Integrator, _, _) => wrong(
            "this role sees no patient's record; leave --patient out, and --fhir-user too or name Practitioner/ID",
        ),
        (Role::System, _, _) => wrong("no person has this role"),
    }
}

pub(super) fn known_as(subject: String, provider: Option<&ProviderSettings>) -> Result<ProviderSubject, String> {
    let provider = provider.ok_or(
        "there is no login provider that could know this subject; add [login.provider] to the configuration, and name it with -c",
    )?;
    if !is_subject(&subject) {
        return Err(format!(
            "--provider-subject is the `sub` of this person in the provider's tokens: 1 to {SUBJECT_BYTES_MAX} visible ASCII characters"
        ));
    }
    Ok(ProviderSubject { issuer: provider.issuer.clone(), subject })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn asked(change: impl Fn(&mut NewAccount)) -> Result<Account, String> {
        let password = Some(certs::password::DUMMY.to_owned());
        let mut new = NewAccount { username: "ana".to_owned(), password, ..NewAccount::default() };
        change(&mut new);
        newcomer(new, None).map(|newcomer| newcomer.account)
    }

    fn of(role: &str, person: &str, patients: &[&str]) -> Result<Account, String> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        asked(|new| {
            (new.role, new.fhir_user) = (some(role), some(person));
            new.patients = patients.iter().map(|patient| (*patient).to_owned()).collect();
        })
    }

    #[test]
    fn a_person_without_a_role_has_the_one_of_their_record() {
        assert_eq!(of("", "Patient/p1", &[]).unwrap().role, Role::Patient);
        assert_eq!(of("", "Practitioner/d1", &[]).unwrap().role, Role::Clinician);
        assert!(of("", "", &[]).is_err() && of("", "RelatedPerson/r1", &["p1"]).is_err());
    }

    #[test]
    fn each_role_has_the_parts_that_it_needs_and_no_others() {
        for (role, person, patients) in [
            ("patient", "Patient/p1", &[][..]),
            ("representative", "", &["p1"]),
            ("representative", "RelatedPerson/r1", &["p1", "Patient/p2"]),
            ("clinician", "Practitioner/d1", &[]),
            ("privacy-officer", "", &[]),
            ("administrator", "Practitioner/d1", &[]),
            ("integrator", "", &[]),
        ] {
            let account = of(role, person, patients).unwrap();
            assert_eq!((account.role.as_str(), account.patients.len()), (role, patients.len()));
        }
        for (role, person, patients, mend) in [
            ("patient", "", &[][..], "--fhir-user Patient/ID"),
            ("patient", "Practitioner/d1", &[], "--fhir-user Patient/ID"),
            ("patient", "Patient/p1", &["p2"], "--role representative"),
            ("representative", "", &[], "--patient ID"),
            ("representative", "Patient/p1", &["p1"], "RelatedPerson/ID"),
            ("representative", "", &["p 1"], "--patient"),
            ("clinician", "", &[], "--fhir-user Practitioner/ID"),
            ("clinician", "Practitioner/d1", &["p1"], "leave --patient out"),
            ("administrator", "Patient/p1", &[], "sees no patient's record"),
            ("integrator", "", &["p1"], "sees no patient's record"),
            ("system", "", &[], "--role is"),
            ("doctor", "Practitioner/d1", &[], "--role is"),
            ("", "Organization/o1", &[], "--role"),
            ("", "Patient/p 1", &[], "--fhir-user names"),
        ] {
            let said = of(role, person, patients).err().unwrap_or_default();
            assert!(said.contains(mend), "{role} {person} {patients:?}: {said}");
        }
        let many: Vec<String> = (0..=PATIENTS_MAX).map(|nth| format!("p{nth}")).collect();
        assert!(named(&many).is_err() && named(&["p1".to_owned(), "Patient/p1".to_owned()]).unwrap().len() == 1);
    }

    #[test]
    fn what_else_is_no_account_is_refused() {
        let patient = |new: &mut NewAccount| new.fhir_user = Some("Patient/p1".to_owned());
        assert!(asked(patient).is_ok());
        type Change = fn(&mut NewAccount);
        let changes: [(&str, Change); 6] = [
            ("no name", |new| new.username = String::new()),
            ("a space", |new| new.username = "ana maria".to_owned()),
            ("a language", |new| new.locale = Some("de".to_owned())),
            ("no password", |new| new.password = None),
            ("a password in plain", |new| new.password = Some("correct horse".to_owned())),
            ("a subject without a provider", |new| new.provider_subject = Some("7".to_owned())),
        ];
        for (what, change) in changes {
            let refused = asked(|new| {
                patient(new);
                change(new);
            });
            assert!(refused.is_err(), "{what}");
        }
    }

    #[test]
    fn who_is_known_to_the_provider_needs_no_password() {
        let text = str::to_owned;
        let provider = ProviderSettings {
            issuer: text("https://login.example"),
            client_id: text("sluice"),
            label: text("The house"),
            instead: false,
        };
        let new = |subject: &str| NewAccount {
            username: text("ana"),
            fhir_user: Some(text("Patient/p1")),
            provider_subject: Some(text(subject)),
            ..NewAccount::default()
        };
        let account = newcomer(new("7"), Some(&provider)).map(|newcomer| newcomer.account).unwrap();
        let known = account.provider.unwrap();
        assert_eq!((known.issuer.as_str(), known.subject.as_str()), ("https://login.example", "7"));
        assert!(newcomer(new(""), Some(&provider)).is_err());
    }
}
