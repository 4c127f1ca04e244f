//! A sign-in that waits for the code of a second factor: the password was right, and nobody is signed in yet.
//!
//! It belongs to the browser and to the flow that the password was typed in, ends after a few minutes, and is taken away by
//! the code. Account and password are looked at anew when the code comes.

use crate::account::{Account, PASSWORD_BYTES_MAX};
use crate::authority::Authority;
use crate::flow::Stopped;
use crate::login::{NotSignedIn, Visit};
use crate::ports::{Ports, Space, Unavailable};
use crate::second::Tried;
use crate::settings::HALF_WAY_S;
use serde::{Deserialize, Serialize};

/// Seconds in which a sign-in at the login provider still counts as of just now.
const JUST_NOW_S: i64 = 600;

/// A sign-in that waits. Times in seconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HalfWay {
    account: String,
    username: String,
    /// The digest of the browser's token.
    browser: String,
    /// The digest of the flow's id, for an app's launch.
    flow: Option<String>,
    created_s: i64,
}

impl<P: Ports> Authority<P> {
    /// Begins to wait; gives the token of the sign-in.
    pub(crate) async fn half_way(
        &self,
        flow: Option<&str>,
        account: &Account,
        visit: &Visit<'_>,
    ) -> Result<String, Unavailable> {
        let token = self.ports.token();
        let half = HalfWay {
            account: account.id.clone(),
            username: account.username.clone(),
            browser: self.digest(visit.browser),
            flow: flow.map(|flow| self.digest(flow)),
            created_s: visit.now_s,
        };
        self.keep(Space::HalfWay, &token, &half, visit.now_s + HALF_WAY_S).await?;
        Ok(token)
    }

    /// Ends a sign-in by the code of the person's second factor, or by a recovery code; gives the token of the new session.
    ///
    /// # Errors
    /// `Wrong` and `TooMany`, after which it goes on waiting; `Lost` when nothing waits here.
    pub async fn sign_in_with_code(
        &self,
        flow: Option<&str>,
        (half, code): (&str, &str),
        visit: &Visit<'_>,
    ) -> Result<String, NotSignedIn> {
        let account = self.waiting(flow, half, visit).await?.ok_or(Stopped::Lost)?;
        match self.try_code(&account, code, visit.now_s).await? {
            Tried::Holds => {}
            Tried::Wrong => return Err(NotSignedIn::Wrong),
            Tried::TooMany => return Err(NotSignedIn::TooMany),
        }
        if self.take::<HalfWay>(Space::HalfWay, half).await?.is_none() {
            return Err(Stopped::Lost.into());
        }
        self.signed_in(flow, &account, visit).await
    }

    /// Switches a second factor on, by the password and a first code, or where there is no password by a sign-in of just now:
    /// every session ends, and this browser gets a new one. Gives its token, and the recovery codes.
    ///
    /// # Errors
    /// `Wrong` for either, and `TooMany`; `Changed` where one has to sign in anew.
    pub async fn confirm_second_factor(
        &self,
        account: &Account,
        (password, code): (&str, &str),
        visit: &Visit<'_>,
    ) -> Result<(String, Vec<String>), NotSignedIn> {
        let own = self.digest(visit.session.unwrap_or(""));
        if let Some(phc) = account.phc() {
            let short = password.len() <= PASSWORD_BYTES_MAX;
            if !short || !self.ports.password_holds(password, Some(phc)).await? {
                return Err(NotSignedIn::Wrong);
            }
        } else {
            let session = self.kept_session(&own).await?;
            if session.is_none_or(|session| visit.now_s >= session.created_s + JUST_NOW_S) {
                return Err(Stopped::Changed.into());
            }
        }
        let codes = match self.switch_second_factor_on(account, &own, code, visit.now_s).await? {
            Ok(codes) => codes,
            Err(Tried::TooMany) => return Err(NotSignedIn::TooMany),
            Err(Tried::Wrong | Tried::Holds) => return Err(NotSignedIn::Wrong),
        };
        self.end_other_sessions(account, None, visit.now_s).await?;
        Ok((self.signed_in(None, account, visit).await?, codes))
    }

    /// Whose sign-in waits here, as the account is now.
    async fn waiting(&self, flow: Option<&str>, half: &str, visit: &Visit<'_>) -> Result<Option<Account>, Unavailable> {
        let Some(found) = self.look::<HalfWay>(Space::HalfWay, half).await? else { return Ok(None) };
        let own = self.ports.equal(self.digest(visit.browser).as_bytes(), found.browser.as_bytes())
            && found.flow == flow.map(|flow| self.digest(flow))
            && visit.now_s < found.created_s + HALF_WAY_S;
        if !own {
            return Ok(None);
        }
        let account = self.live_account(&found.username, &found.account).await?;
        // In the second in which the password was changed nobody can tell which came first.
        Ok(account.filter(|account| found.created_s > account.password_set_s))
    }
}
