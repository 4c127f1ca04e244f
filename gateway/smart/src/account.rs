//! People who can sign in.

use crate::authority::{Authority, write};
use crate::grant::Grant;
use crate::locale::Locale;
use crate::ports::{Ports, Space, Swap, Unavailable};
use crate::rights::{Rights, rights};
use crate::stored;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role};
use serde::{Deserialize, Serialize};

/// Bytes of a user name: an e-mail address may have 254.
pub const USERNAME_BYTES_MAX: usize = 254;
/// Bytes of a password: enough for a passphrase, too few to keep argon2 busy.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Characters of a password: what people choose below that is guessed (NIST SP 800-63B, 3.1.1.2 wants 8 beside a second
/// factor, and more without one).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Patients whom one representative acts for: a family.
pub const PATIENTS_MAX: usize = 20;

/// A person who can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Opaque and never given to another: the `sub` of tokens.
    pub id: String,
    /// What the person types; it is compared in lower case.
    pub username: String,
    /// The password as a PHC string (argon2id); empty where they sign in elsewhere alone.
    pub password: String,
    /// When it was given this password, or what people sign in by was changed or taken away, in seconds since 1970: sessions from
    /// before are over, and so are sign-ins that wait for a code.
    #[serde(default)]
    pub password_set_s: i64,
    /// What kind of person.
    #[serde(with = "stored::person_role")]
    pub role: Role,
    /// The person as a resource, where there is one.
    #[serde(default, with = "stored::maybe_fhir_user", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<(ResourceType, Id)>,
    /// The patients whom a representative acts for; none of anyone else.
    #[serde(default, with = "stored::ids", skip_serializing_if = "Vec::is_empty")]
    pub patients: Vec<Id>,
    /// Whom the house's own OpenID provider knows this person as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderSubject>,
    /// The language of their pages, when they chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Whether they may sign in at all.
    pub enabled: bool,
}

/// Someone as an OpenID provider knows them: by both together, since another provider may know another by the same subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSubject {
    /// The provider, by its issuer.
    pub issuer: String,
    /// The person, by the `sub` of its id_tokens.
    pub subject: String,
}

impl Account {
    /// A user name as it is kept: without spaces around it, in lower case.
    pub fn username_key(typed: &str) -> String {
        typed.trim().to_lowercase()
    }

    /// Whether this can be a user name: what is typed is compared in lower case, and stands in lists and logs.
    pub fn is_username(text: &str) -> bool {
        let sound = |letter: char| !letter.is_whitespace() && !letter.is_control();
        !text.is_empty() && text.len() <= USERNAME_BYTES_MAX && text.chars().all(sound)
    }

    /// Whether this may be somebody's password.
    pub fn is_password(text: &str) -> bool {
        text.chars().count() >= PASSWORD_CHARS_MIN && text.len() <= PASSWORD_BYTES_MAX
    }

    /// What this person may do.
    pub fn rights(&self) -> Rights {
        rights(self.role)
    }

    /// Why this person asks for records: a patient for their own, a clinician to treat; nothing for who asks for none.
    pub fn purpose(&self) -> Option<Purpose> {
        self.rights().purpose
    }

    /// A patient's own record.
    pub fn own_record(&self) -> Option<&Id> {
        match (self.role, &self.fhir_user) {
            (Role::Patient, Some((ResourceType::Patient, own))) => Some(own),
            (_, _) => None,
        }
    }

    /// The password, where there is one.
    pub(crate) fn phc(&self) -> Option<&str> {
        Some(self.password.as_str()).filter(|phc| !phc.is_empty())
    }
}

/// What became of an account that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Done,
    /// Its name is somebody else's.
    NameTaken,
    /// Another account belongs to whom the provider knows it as.
    SubjectTaken,
}

impl<P: Ports> Authority<P> {
    /// Adds an account, unless its name, or whom the provider knows it as, is taken.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn add_account(&self, account: &Account) -> Result<Added, Unavailable> {
        if self.account(&account.username).await?.is_some() {
            return Ok(Added::NameTaken);
        }
        if !self.link(account).await? {
            return Ok(Added::SubjectTaken);
        }
        let key = Account::username_key(&account.username);
        let swap = self.ports.swap_document(Space::Account, &key, None, write(account)?).await?;
        Ok(if matches!(swap, Swap::Done(_)) { Added::Done } else { Added::NameTaken })
    }

    /// Names anew whom a representative acts for. What apps were granted about those who are no longer among them ends; gives
    /// how many grants that were, and nothing when there is no such representative.
    ///
    /// # Errors
    /// When the shelf does not serve; what was ended until then stays ended.
    pub async fn act_for(&self, username: &str, patients: &[Id], now_s: i64) -> Result<Option<usize>, Unavailable> {
        let is_representative = |account: &Account| account.role == Role::Representative;
        if !self.account(username).await?.is_some_and(|account| is_representative(&account)) {
            return Ok(None);
        }
        let change = |account: Account| {
            let patients = if is_representative(&account) { patients.to_vec() } else { Vec::new() };
            Account { patients, ..account }
        };
        // First the account: from then on nothing more is granted.
        let Some(account) = self.change_account(username, change).await? else { return Ok(None) };
        self.stop_codes(&account.id).await?;
        let left = |grant: &Grant| {
            let about = grant.patient.as_ref().is_some_and(|patient| !account.patients.contains(patient));
            grant.account == account.id && about
        };
        self.end_grants(left, now_s).await.map(Some)
    }

    /// Switches an account off, which ends its sessions and all that it granted, or on again. Gives how many grants were
    /// ended, and nothing when there is no such account.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn switch_account(
        &self,
        username: &str,
        enabled: bool,
        now_s: i64,
    ) -> Result<Option<usize>, Unavailable> {
        // With what people had begun to sign in before, nobody goes on.
        let change = |account: Account| {
            let password_set_s = if enabled { account.password_set_s } else { now_s };
            Account { enabled, password_set_s, ..account }
        };
        let Some(account) = self.change_account(username, change).await? else { return Ok(None) };
        if enabled {
            return Ok(Some(0));
        }
        // First the account: from then on nobody signs in and nothing more is granted.
        self.forget_recovery(&account.id).await?;
        self.end_other_sessions(&account, None, now_s).await?;
        self.end_grants(|grant| grant.account == account.id, now_s).await.map(Some)
    }

    /// Gives an account another password, a PHC string; sessions of the one before are over, and what apps may do while one
    /// lasts; what else was granted stays. Says whether there is such an account.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn change_password(&self, username: &str, password: String, now_s: i64) -> Result<bool, Unavailable> {
        let change = |account| Account { password: password.clone(), password_set_s: now_s, ..account };
        let Some(account) = self.change_account(username, change).await? else { return Ok(false) };
        self.forget_recovery(&account.id).await?;
        self.end_other_sessions(&account, None, now_s).await?;
        Ok(true)
    }

    /// Changes an account as it stands at that moment, so that of two changes at once neither undoes the other. Gives what
    /// it has become, and nothing when there is no such account.
    pub(crate) async fn change_account(
        &self,
        username: &str,
        change: impl Fn(Account) -> Account + Send + Sync,
    ) -> Result<Option<Account>, Unavailable> {
        let mut changed = None;
        let change = |account: Option<Account>| {
            changed = account.map(&change);
            changed.clone()
        };
        self.change(Space::Account, &Account::username_key(username), change).await?;
        Ok(changed)
    }
}
