//! Signing in, and sessions.
//!
//! A sign-in belongs to a flow of this very browser, so nobody can be signed in by a form on another site. Every sign-in
//! starts a session with a new token; the one before ends. Sessions are kept under the digest of their token, and their
//! last use beside them: noting a use can then never bring back a session that was just ended.

use crate::account::{Account, PASSWORD_BYTES_MAX};
use crate::authority::Authority;
use crate::flow::Stopped;
use crate::ports::{Ports, Space, Unavailable};
use crate::settings::{SESSION_IDLE_S, SESSION_S};
use serde::{Deserialize, Serialize};

/// The use of a session is noted once a minute, not at every request.
const NOTED_EVERY_S: i64 = 60;

/// A signed-in browser. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The digest of its token, by which it is named elsewhere.
    pub digest: String,
    /// The account, by its opaque id.
    pub account: String,
    /// The account, by the name under which it is kept.
    pub username: String,
    /// When the person signed in.
    pub created_s: i64,
}

/// When a session was last used, to the minute, in seconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastUse {
    used_s: i64,
}

/// The key under which a session's last use is kept.
fn last_use(token: &str) -> String {
    format!("{token}.last-use")
}

/// Why no one was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSignedIn {
    /// User name and password do not belong together, or the account is switched off. One answer for all.
    Wrong,
    /// The flow cannot go on.
    Stopped(Stopped),
}

impl<P: Ports> Authority<P> {
    /// Signs a person in for a flow, and gives the token of the new session.
    ///
    /// # Errors
    /// `Wrong` after the same work, whether the account exists or not.
    pub async fn sign_in(
        &self,
        flow: &str,
        browser: &str,
        (username, password): (&str, &str),
        session_before: Option<&str>,
        now_s: i64,
    ) -> Result<String, NotSignedIn> {
        let stopped = |why: Unavailable| NotSignedIn::Stopped(why.into());
        let mut under_way = self.flow(flow, browser, now_s).await.map_err(NotSignedIn::Stopped)?;
        self.flow_client(&under_way).await.map_err(NotSignedIn::Stopped)?;
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(NotSignedIn::Wrong);
        }
        let account = self.account(username).await.map_err(stopped)?;
        let phc = account.as_ref().map(|account| account.password.as_str());
        let holds = self.ports.password_holds(password, phc).await.map_err(stopped)?;
        let account = account.filter(|account| holds && account.enabled).ok_or(NotSignedIn::Wrong)?;
        self.sign_out(session_before).await.map_err(stopped)?;
        let (token, session) = self.new_session(&account, now_s).await.map_err(stopped)?;
        under_way.session = Some(session.digest);
        under_way.patient = None;
        under_way.login_again = false;
        self.keep_again(flow, &under_way).await.map_err(NotSignedIn::Stopped)?;
        Ok(token)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn sign_out(&self, session: Option<&str>) -> Result<(), Unavailable> {
        if let Some(token) = session {
            self.take::<Session>(Space::Session, token).await?;
            self.take::<LastUse>(Space::Session, &last_use(token)).await?;
        }
        Ok(())
    }

    /// The session with this token and its account, while both hold.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn session(&self, token: Option<&str>, now_s: i64) -> Result<Option<(Session, Account)>, Unavailable> {
        let Some(token) = token else { return Ok(None) };
        let Some(session) = self.look::<Session>(Space::Session, token).await? else { return Ok(None) };
        let Some(LastUse { used_s }) = self.look(Space::Session, &last_use(token)).await? else { return Ok(None) };
        if now_s >= used_s + SESSION_IDLE_S || now_s >= session.created_s + SESSION_S {
            return Ok(None);
        }
        let Some(account) = self.live_account(&session.username, &session.account).await? else { return Ok(None) };
        if session.created_s < account.password_set_s {
            return Ok(None);
        }
        if now_s - used_s >= NOTED_EVERY_S {
            let used = LastUse { used_s: now_s };
            self.replace(Space::Session, &last_use(token), &used, now_s + SESSION_IDLE_S).await?;
        }
        Ok(Some((session, account)))
    }

    async fn new_session(&self, account: &Account, now_s: i64) -> Result<(String, Session), Unavailable> {
        let token = self.ports.token();
        let session = Session {
            digest: self.digest(&token),
            account: account.id.clone(),
            username: account.username.clone(),
            created_s: now_s,
        };
        self.keep(Space::Session, &last_use(&token), &LastUse { used_s: now_s }, now_s + SESSION_IDLE_S).await?;
        self.keep(Space::Session, &token, &session, session.created_s + SESSION_S).await?;
        Ok((token, session))
    }
}
