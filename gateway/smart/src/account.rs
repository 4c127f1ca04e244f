//! People who can sign in.

use crate::authority::{Authority, write};
use crate::locale::Locale;
use crate::ports::{Ports, Space, Swap, Unavailable};
use crate::stored;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role};
use serde::{Deserialize, Serialize};

/// Bytes of a user name: an e-mail address may have 254.
pub const USERNAME_BYTES_MAX: usize = 254;
/// Bytes of a password: enough for a passphrase, too few to keep argon2 busy.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// A person who can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Opaque and never given to another: the `sub` of tokens.
    pub id: String,
    /// What the person types; it is compared in lower case.
    pub username: String,
    /// The password as a PHC string (argon2id).
    pub password: String,
    /// When it was given this password, in seconds since 1970: sessions of the password before are over.
    #[serde(default)]
    pub password_set_s: i64,
    /// What kind of person.
    #[serde(with = "stored::person_role")]
    pub role: Role,
    /// The person as a resource.
    #[serde(with = "stored::fhir_user")]
    pub fhir_user: (ResourceType, Id),
    /// The language of their pages, when they chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Whether they may sign in at all.
    pub enabled: bool,
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

    /// Why this person asks: a patient for their own record, a clinician to treat.
    pub fn purpose(&self) -> Purpose {
        match self.role {
            Role::Patient => Purpose::PatientRequest,
            // No account is read with the last: it would be someone who treats nobody.
            Role::Clinician | Role::System => Purpose::Treatment,
        }
    }
}

impl<P: Ports> Authority<P> {
    /// Adds an account, unless its name is taken; says whether it was added.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn add_account(&self, account: &Account) -> Result<bool, Unavailable> {
        let key = Account::username_key(&account.username);
        let swap = self.ports.swap_document(Space::Account, &key, None, write(account)?).await?;
        Ok(matches!(swap, Swap::Done(_)))
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
        let change = |account| Account { enabled, ..account };
        let Some(account) = self.change_account(username, change).await? else { return Ok(None) };
        if enabled {
            return Ok(Some(0));
        }
        // First the account: from then on nobody signs in and nothing more is granted.
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
        self.end_other_sessions(&account, None, now_s).await?;
        Ok(true)
    }

    /// Changes an account as it stands at that moment, so that of two changes at once neither undoes the other. Gives what
    /// it has become, and nothing when there is no such account.
    async fn change_account(
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
