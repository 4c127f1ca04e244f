//! Signing in, and sessions.
//!
//! A sign-in belongs to a flow of this very browser, or to a form that was given to this very browser, so nobody can be
//! signed in by a form on another site. Every sign-in starts a session with a new token; the one before ends. Sessions are
//! kept under the digest of their token, their last use beside them, and live while they stand on their account's list
//! ([`crate::sessions`]). Who signs in at the house's own provider starts one in the same way ([`crate::provider`]).

use crate::account::{Account, PASSWORD_BYTES_MAX};
use crate::authority::{Authority, KEY_BYTES_MAX, read, write};
use crate::flow::Stopped;
use crate::ports::{Ports, Space, Unavailable};
use crate::settings::{SESSION_IDLE_S, SESSION_S};
use crate::whence::Whence;
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
pub(crate) struct LastUse {
    pub(crate) used_s: i64,
}

/// The key under which a session's last use is kept.
pub(crate) fn last_use(digest: &str) -> String {
    format!("{digest}.last-use")
}

/// The browser that someone signs in with.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Its own token.
    pub browser: &'a str,
    /// The token of the session that it has so far; a sign-in ends that.
    pub session: Option<&'a str>,
    /// Where it is.
    pub whence: &'a Whence,
    /// The time, in seconds since 1970.
    pub now_s: i64,
}

/// What the right password led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    /// To a session, by its token.
    Session(String),
    /// To the question for the code of a second factor, by the token of the sign-in that waits.
    Code(String),
}

/// Why no one was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSignedIn {
    /// User name and password do not belong together, or the account is switched off. One answer for all. Of a code: it is
    /// wrong, was used, or is not of this time.
    Wrong,
    /// There were too many wrong codes.
    TooMany,
    /// The flow cannot go on.
    Stopped(Stopped),
}

impl From<Stopped> for NotSignedIn {
    fn from(why: Stopped) -> NotSignedIn {
        NotSignedIn::Stopped(why)
    }
}

impl From<Unavailable> for NotSignedIn {
    fn from(why: Unavailable) -> NotSignedIn {
        NotSignedIn::Stopped(why.into())
    }
}

impl<P: Ports> Authority<P> {
    /// Signs a person in, for a flow or for their own pages, or asks for the code of their second factor.
    ///
    /// # Errors
    /// `Wrong` after the same work, whether the account exists or not.
    pub async fn sign_in(
        &self,
        flow: Option<&str>,
        (username, password): (&str, &str),
        visit: &Visit<'_>,
    ) -> Result<SignedIn, NotSignedIn> {
        if let Some(flow) = flow {
            let under_way = self.flow(flow, visit.browser, visit.now_s).await?;
            self.flow_client(&under_way).await?;
        }
        if password.len() > PASSWORD_BYTES_MAX || !self.settings.takes_passwords() {
            return Err(NotSignedIn::Wrong);
        }
        let account = self.account(username).await?;
        let phc = account.as_ref().and_then(Account::phc);
        let holds = self.ports.password_holds(password, phc).await?;
        let account = account.filter(|account| holds && account.enabled).ok_or(NotSignedIn::Wrong)?;
        if self.is_asked_for_code(&account).await? {
            return Ok(SignedIn::Code(self.half_way(flow, &account, visit).await?));
        }
        let token = self.signed_in(flow, &account, visit).await?;
        // Whoever changed the password or switched a second factor on just now may have ended sessions before this one stood.
        let now = self.live_account(&account.username, &account.id).await?;
        let same = now.is_some_and(|now| now.password == account.password);
        if !same || self.is_asked_for_code(&account).await? {
            self.sign_out(Some(&token), visit.now_s).await?;
            return Err(NotSignedIn::Wrong);
        }
        Ok(SignedIn::Session(token))
    }

    /// Starts the session of someone who has proved to be this person, and binds the flow to it.
    pub(crate) async fn signed_in(
        &self,
        flow: Option<&str>,
        account: &Account,
        visit: &Visit<'_>,
    ) -> Result<String, NotSignedIn> {
        let under_way = match flow {
            Some(id) => Some((id, self.flow(id, visit.browser, visit.now_s).await?)),
            None => None,
        };
        self.sign_out(visit.session, visit.now_s).await?;
        let (token, session) = self.new_session(account, visit).await?;
        if let Some((id, mut flow)) = under_way {
            flow.session = Some(session.digest);
            flow.patient = None;
            flow.login_again = false;
            self.keep_again(id, &flow).await?;
        }
        Ok(token)
    }

    /// Ends a session, and what apps may do while it lasts.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn sign_out(&self, session: Option<&str>, now_s: i64) -> Result<(), Unavailable> {
        let Some(token) = session else { return Ok(()) };
        if let Some(session) = self.look::<Session>(Space::Session, token).await? {
            self.end_listed(&session.account, &session.digest, now_s).await?;
        }
        Ok(())
    }

    /// The session with this token and its account, while both hold.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn session(&self, token: Option<&str>, now_s: i64) -> Result<Option<(Session, Account)>, Unavailable> {
        let Some(token) = token.filter(|token| token.len() <= KEY_BYTES_MAX) else { return Ok(None) };
        let Some(session) = self.kept_session(&self.digest(token)).await? else { return Ok(None) };
        let Some(account) = self.live_account(&session.username, &session.account).await? else { return Ok(None) };
        let lives = self.use_session(&session, &account, now_s).await?;
        Ok(lives.then_some((session, account)))
    }

    /// Whether a session lives; if it does, this is a use of it.
    pub(crate) async fn use_session(
        &self,
        session: &Session,
        account: &Account,
        now_s: i64,
    ) -> Result<bool, Unavailable> {
        let Some(used_s) = self.lives(session, account, now_s).await? else { return Ok(false) };
        if !self.is_listed(session).await? {
            return Ok(false);
        }
        if now_s - used_s >= NOTED_EVERY_S {
            let used = write(&LastUse { used_s: now_s })?;
            self.ports.replace_ticket(Space::Session, &last_use(&session.digest), used, now_s + SESSION_IDLE_S).await?;
        }
        Ok(true)
    }

    /// The session of this digest, whether it lives or not.
    pub(crate) async fn kept_session(&self, digest: &str) -> Result<Option<Session>, Unavailable> {
        self.ports.ticket(Space::Session, digest).await?.map(|json| read(&json)).transpose()
    }

    /// When a session was last used, while it is this account's and in its time.
    pub(crate) async fn lives(
        &self,
        session: &Session,
        account: &Account,
        now_s: i64,
    ) -> Result<Option<i64>, Unavailable> {
        let of_this_password = session.account == account.id && session.created_s >= account.password_set_s;
        if !of_this_password || now_s >= session.created_s + SESSION_S {
            return Ok(None);
        }
        Ok(self.used(&session.digest).await?.filter(|used_s| now_s < used_s + SESSION_IDLE_S))
    }

    /// What a form of this browser, or of this session, carries along to prove that it is ours: whoever has neither cookie
    /// cannot know it, and it says nothing of the cookie.
    pub fn form_token(&self, cookie: &str) -> String {
        self.digest(&format!("form {cookie}"))
    }

    /// Whether a form carries the token of this cookie.
    pub fn is_form_of(&self, cookie: Option<&str>, token: &str) -> bool {
        cookie.is_some_and(|cookie| self.ports.equal(self.form_token(cookie).as_bytes(), token.as_bytes()))
    }

    async fn new_session(&self, account: &Account, visit: &Visit<'_>) -> Result<(String, Session), Unavailable> {
        let token = self.ports.token();
        let session = Session {
            digest: self.digest(&token),
            account: account.id.clone(),
            username: account.username.clone(),
            created_s: visit.now_s,
        };
        let used = write(&LastUse { used_s: visit.now_s })?;
        self.list_session(&session, visit.whence).await?;
        self.ports
            .put_ticket_once(Space::Session, &last_use(&session.digest), used, visit.now_s + SESSION_IDLE_S)
            .await?;
        self.keep(Space::Session, &token, &session, session.created_s + SESSION_S).await?;
        Ok((token, session))
    }
}
