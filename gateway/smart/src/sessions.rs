//! The browsers that a person is signed in with, as that person sees them and ends them.
//!
//! Each account has one list of its sessions, and a session lives while it stands there and its ticket is kept. The list
//! changes by swaps of its revision alone, so a session that was taken off it never comes back, whatever is written at the
//! same time: neither a note of its use nor the ticket of a sign-in that was just under way.

use crate::account::Account;
use crate::authority::{Authority, read};
use crate::login::{LastUse, Session, last_use};
use crate::ports::{Ports, Space, Unavailable};
use crate::settings::{SESSION_S, SESSIONS_MAX};
use crate::whence::Whence;
use serde::{Deserialize, Serialize};

/// The sessions of an account, oldest first.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    sessions: Vec<Line>,
}

/// One session on the list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    digest: String,
    created_s: i64,
    whence: Whence,
}

/// A session that lives. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Living {
    /// The digest of its token: enough to end it, not to use it.
    pub digest: String,
    /// When the person signed in.
    pub created_s: i64,
    /// When it was last used, to the minute.
    pub used_s: i64,
    /// Where from.
    pub whence: Whence,
}

impl<P: Ports> Authority<P> {
    /// The sessions of a person that live, the newest first.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn sessions(&self, account: &Account, now_s: i64) -> Result<Vec<Living>, Unavailable> {
        let list = self.session_list(&account.id).await?;
        let mut living = Vec::new();
        for Line { digest, created_s, whence } in list.sessions.into_iter().rev() {
            let Some(session) = self.kept_session(&digest).await? else { continue };
            if let Some(used_s) = self.lives(&session, account, now_s).await? {
                living.push(Living { digest, created_s, used_s, whence });
            }
        }
        Ok(living)
    }

    /// Ends one session of a person; says whether it was theirs and lived. One of somebody else is as one that never was.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn end_session(&self, account: &Account, digest: &str, now_s: i64) -> Result<bool, Unavailable> {
        let own = self.session_list(&account.id).await?.sessions.iter().any(|line| line.digest == digest);
        if own { self.end_listed(&account.id, digest, now_s).await } else { Ok(false) }
    }

    /// Ends every session of a person but one, and makes codes worthless that they gave; gives how many sessions lived.
    ///
    /// # Errors
    /// When the shelf does not serve; what was ended until then stays ended.
    pub async fn end_other_sessions(
        &self,
        account: &Account,
        but: Option<&str>,
        now_s: i64,
    ) -> Result<usize, Unavailable> {
        self.stop_codes(&account.id).await?;
        let mut ended = 0;
        for line in self.session_list(&account.id).await?.sessions {
            if but != Some(line.digest.as_str()) && self.end_listed(&account.id, &line.digest, now_s).await? {
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// Puts a new session on its account's list, before it lives. The list holds so many; the oldest make room.
    pub(crate) async fn list_session(&self, session: &Session, whence: &Whence) -> Result<(), Unavailable> {
        let line = Line { digest: session.digest.clone(), created_s: session.created_s, whence: whence.clone() };
        let mut crowded = Vec::new();
        self.change_sessions(&session.account, |list| {
            list.sessions.retain(|other| session.created_s < other.created_s + SESSION_S);
            list.sessions.push(line.clone());
            let over = list.sessions.len().saturating_sub(SESSIONS_MAX);
            crowded = list.sessions.drain(..over).map(|line| line.digest).collect();
        })
        .await?;
        for digest in &crowded {
            self.take_ticket(digest).await?;
            self.end_grants_of_session(digest, session.created_s).await?;
        }
        Ok(())
    }

    /// Whether a session stands on its account's list.
    pub(crate) async fn is_listed(&self, session: &Session) -> Result<bool, Unavailable> {
        let list = self.session_list(&session.account).await?;
        Ok(list.sessions.iter().any(|line| line.digest == session.digest))
    }

    /// Takes a session off the list, from where on it lives no more, then its ticket away, and ends what lived with it.
    pub(crate) async fn end_listed(&self, account: &str, digest: &str, now_s: i64) -> Result<bool, Unavailable> {
        self.change_sessions(account, |list| list.sessions.retain(|line| line.digest != digest)).await?;
        let lived = self.take_ticket(digest).await?;
        self.end_grants_of_session(digest, now_s).await?;
        Ok(lived)
    }

    /// Ends the grants that live as long as a session (`online_access`).
    async fn end_grants_of_session(&self, digest: &str, now_s: i64) -> Result<(), Unavailable> {
        self.end_grants(|grant| grant.session.as_deref() == Some(digest), now_s).await.map(drop)
    }

    async fn take_ticket(&self, digest: &str) -> Result<bool, Unavailable> {
        let lived = self.ports.take_ticket(Space::Session, digest).await?.is_some();
        self.ports.take_ticket(Space::Session, &last_use(digest)).await?;
        Ok(lived)
    }

    /// When a session was last used, while it lives.
    pub(crate) async fn used(&self, digest: &str) -> Result<Option<i64>, Unavailable> {
        let kept = self.ports.ticket(Space::Session, &last_use(digest)).await?;
        let used: Option<LastUse> = kept.map(|json| read(&json)).transpose()?;
        Ok(used.map(|used| used.used_s))
    }

    async fn session_list(&self, account: &str) -> Result<List, Unavailable> {
        Ok(self.get(Space::Sessions, account).await?.unwrap_or_default())
    }

    async fn change_sessions(
        &self,
        account: &str,
        mut change: impl FnMut(&mut List) + Send,
    ) -> Result<(), Unavailable> {
        let changed = |list: Option<List>| {
            let mut list = list.unwrap_or_default();
            change(&mut list);
            Some(list)
        };
        self.change(Space::Sessions, account, changed).await
    }
}
