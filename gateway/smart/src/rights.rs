//! What each role may do: one table. What does not stand in it, nobody may.
//!
//! A role says of whom an app may be opened and which pages a person has under `/account`. Whose record that is in the end is
//! asked of the account and of the records at every step. Those who look after this server see no patient's record here.

use privacy::{Purpose, Role};

/// For whom an app may be opened by someone who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launches {
    /// For themselves.
    Own,
    /// For one of the patients whom their account names.
    Named,
    /// For one of the patients in their care.
    InCare,
    /// For nobody.
    Nobody,
}

/// A page under `/account` beside the first one and the sign-in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The browsers that one is signed in with.
    Sessions,
    /// One's second factor.
    SecondFactor,
    /// The apps that one allowed to see a record.
    Apps,
    /// Who saw a record.
    Disclosures,
    /// Opening an app for a patient in one's care.
    Launch,
}

/// What a role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Why they ask for records; who has no purpose asks for none.
    pub purpose: Option<Purpose>,
    /// For whom they may open an app.
    pub launches: Launches,
    /// Their pages.
    pub pages: &'static [Page],
}

/// The table.
pub const fn rights(role: Role) -> Rights {
    match role {
        Role::Patient => row(Some(Purpose::PatientRequest), Launches::Own, OF_A_RECORD),
        Role::Representative => row(Some(Purpose::PatientRequest), Launches::Named, OF_A_RECORD),
        Role::Clinician => row(Some(Purpose::Treatment), Launches::InCare, OF_CARE),
        Role::PrivacyOfficer => row(None, Launches::Nobody, OF_ALL),
        Role::Administrator => row(None, Launches::Nobody, OF_ALL),
        Role::Integrator => row(None, Launches::Nobody, OF_ALL),
        // No person has this role.
        Role::System => row(None, Launches::Nobody, &[]),
    }
}

const OF_A_RECORD: &[Page] = &[Page::Apps, Page::Disclosures, Page::Sessions, Page::SecondFactor];
const OF_CARE: &[Page] = &[Page::Launch, Page::Sessions, Page::SecondFactor];
const OF_ALL: &[Page] = &[Page::Sessions, Page::SecondFactor];

const fn row(purpose: Option<Purpose>, launches: Launches, pages: &'static [Page]) -> Rights {
    Rights { purpose, launches, pages }
}

impl Rights {
    /// Whether they have a page.
    pub fn has(&self, page: Page) -> bool {
        self.pages.contains(&page)
    }

    /// Whether they see any patient's record at all.
    pub fn sees_records(&self) -> bool {
        self.purpose.is_some() && self.launches != Launches::Nobody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_after_the_server_sees_no_record_and_only_pages_about_themselves() {
        for role in [Role::PrivacyOfficer, Role::Administrator, Role::Integrator, Role::System] {
            let own = rights(role);
            assert!(!own.sees_records() && own.purpose.is_none() && own.launches == Launches::Nobody, "{role:?}");
            for page in [Page::Apps, Page::Disclosures, Page::Launch] {
                assert!(!own.has(page), "{role:?} {page:?}");
            }
        }
    }

    #[test]
    fn a_representative_has_a_patients_rights_and_no_others() {
        let (patient, representative) = (rights(Role::Patient), rights(Role::Representative));
        assert_eq!((patient.purpose, patient.pages), (representative.purpose, representative.pages));
        assert!(!representative.has(Page::Launch) && rights(Role::Clinician).has(Page::Launch));
        let launches: Vec<Launches> = Role::ALL.into_iter().map(|role| rights(role).launches).collect();
        for once in [Launches::Own, Launches::Named, Launches::InCare] {
            assert_eq!(launches.iter().filter(|launches| **launches == once).count(), 1, "{once:?}");
        }
    }
}
