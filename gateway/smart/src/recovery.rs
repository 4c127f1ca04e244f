//! Another password for someone who has forgotten theirs: by a code that an operator makes and hands to the person.
//!
//! A code is good once and for an hour, and is kept as a digest; a new one makes the one before worthless. It stands for the
//! password alone: a second factor that is on is asked for as well, so the way in is no weaker than the sign-in. Whatever is
//! wrong, the answer is one and comes after the same work, so that nobody learns which accounts there are, or which of
//! them wait for a code.

use crate::account::Account;
use crate::authority::Authority;
use crate::base32;
use crate::ports::{Ports, Space, Unavailable};
use crate::second::Tried;
use crate::settings::RECOVERY_S;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Letters of a code: eighty bits, so that a digest without salt keeps them, and that nobody guesses one within the limits of
/// sign-ins. Wrong ones leave no trace where the code is kept, since how long that took would tell that there is one.
const LETTERS: usize = 16;
/// Letters that stand together, as they are read out and typed.
const TOGETHER: usize = 4;
/// Characters that are looked at of what was typed.
const TYPED_CHARS_MAX: usize = 40;

/// What is kept of a code. Times in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recovery {
    /// The digest of the code; empty once it was used.
    digest: String,
    expires_s: i64,
}

/// Why no code was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    /// There is nobody of this name.
    #[error("there is no account of this name that may sign in; `sluice account list` shows those there are")]
    UnknownAccount,
    /// They have no password that they could have forgotten.
    #[error("this account signs in at the login provider and has no password here; the provider recovers it")]
    NoPassword,
    /// A port does not serve.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// What someone typed who has forgotten their password.
pub struct Typed<'a> {
    /// Their user name.
    pub username: &'a str,
    /// The code that an operator gave them.
    pub code: &'a str,
    /// The password that they want.
    pub password: &'a str,
    /// The code of their second factor, where they have one.
    pub second: &'a str,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// They have another password; every session is over.
    Done,
    /// This cannot be a password.
    Unsuitable,
    /// Something of it is wrong, or has run out. One answer for all.
    Wrong,
}

impl<P: Ports> Authority<P> {
    /// Makes a code for an account; it is told this once.
    ///
    /// # Errors
    /// [`NoCode`].
    pub async fn begin_recovery(&self, username: &str, now_s: i64) -> Result<String, NoCode> {
        let account = self.account(username).await?.filter(|account| account.enabled).ok_or(NoCode::UnknownAccount)?;
        if account.phc().is_none() || !self.settings.takes_passwords() {
            return Err(NoCode::NoPassword);
        }
        let random = URL_SAFE_NO_PAD.decode(self.ports.token()).unwrap_or_default();
        let letters: Vec<char> = base32::encode(&random).to_lowercase().chars().take(LETTERS).collect();
        if letters.len() < LETTERS {
            return Err(Unavailable("there is no randomness".to_owned()).into());
        }
        let fours = letters.chunks(TOGETHER).map(|four| four.iter().collect::<String>());
        let code = fours.collect::<Vec<_>>().join("-");
        let digest = self.recovery_digest(&account, &code);
        let new = |_: Option<Recovery>| Some(Recovery { digest: digest.clone(), expires_s: now_s + RECOVERY_S });
        self.change(Space::Recovery, &account.id, new).await?;
        Ok(code)
    }

    /// Sets the password that someone wants, by the code that they were given. Their sessions end, as with every other password.
    ///
    /// # Errors
    /// When a port does not serve.
    pub async fn recover(&self, typed: &Typed<'_>, now_s: i64) -> Result<Recovered, Unavailable> {
        if !self.settings.takes_passwords() {
            return Ok(Recovered::Wrong);
        }
        if !Account::is_password(typed.password) {
            return Ok(Recovered::Unsuitable);
        }
        // Before anything is looked at: what takes long takes as long for everybody.
        let hash = self.ports.password_hash(typed.password).await?;
        let Some(account) = self.account(typed.username).await?.filter(|account| account.enabled) else {
            return Ok(Recovered::Wrong);
        };
        let digest = self.recovery_digest(&account, typed.code);
        if !self.try_recovery(&account, &digest, now_s, false).await? {
            return Ok(Recovered::Wrong);
        }
        if self.is_asked_for_code(&account).await? {
            match self.try_code(&account, typed.second, now_s).await? {
                Tried::Holds => {}
                Tried::Wrong | Tried::TooMany => return Ok(Recovered::Wrong),
            }
        }
        // Of many who have the same code at once, exactly one sets a password.
        if !self.try_recovery(&account, &digest, now_s, true).await? {
            return Ok(Recovered::Wrong);
        }
        let done = self.change_password(&account.username, hash, now_s).await?;
        Ok(if done { Recovered::Done } else { Recovered::Wrong })
    }

    /// Makes a code that is still out worthless: the password it would replace has been replaced, or the account switched off.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub(crate) async fn forget_recovery(&self, account: &str) -> Result<(), Unavailable> {
        let over = |kept: Option<Recovery>| kept.map(|_| Recovery { digest: String::new(), expires_s: 0 });
        self.change(Space::Recovery, account, over).await
    }

    /// Whether a code holds; a right one may be used up.
    async fn try_recovery(
        &self,
        account: &Account,
        digest: &str,
        now_s: i64,
        use_up: bool,
    ) -> Result<bool, Unavailable> {
        let mut holds = false;
        let change = |kept: Option<Recovery>| {
            holds = kept.is_some_and(|kept| {
                self.ports.equal(kept.digest.as_bytes(), digest.as_bytes()) && now_s < kept.expires_s
            });
            (holds && use_up).then(|| Recovery { digest: String::new(), expires_s: 0 })
        };
        self.change(Space::Recovery, &account.id, change).await?;
        Ok(holds)
    }

    /// What is kept of a code: it belongs to one account.
    fn recovery_digest(&self, account: &Account, typed: &str) -> String {
        let letters = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
        let code: String = letters.take(TYPED_CHARS_MAX).flat_map(char::to_lowercase).collect();
        self.digest(&format!("recovery of {} by {code}", account.id))
    }
}
