//! Launches that are walked through on our own page, in a sandbox: what the page has to remember as the app that it plays.
//!
//! The app is registered like any other, and comes through the same doors. What it holds stays in memory, is bounded, and
//! belongs to one browser.

use crate::ports::Ports;
use certs::digest::{base64url, sha256};
use privacy::{Purpose, Scopes};
use smart::ports::Unavailable;
use smart::settings::TRY_CALLBACK;
use smart::{Authority, Client, ClientKind};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The app that the page plays.
pub const CLIENT: &str = "sluice-try";
/// The most that it may be granted.
const SCOPES: &str = "openid fhirUser launch/patient offline_access patient/*.rs";
/// What it asks for unless told otherwise.
pub(crate) const ASKED: &str = "launch/patient openid fhirUser patient/*.rs";
/// Seconds that a launch is remembered: as long as its access token lives.
const LIFE_S: i64 = 3600;
/// Launches that are remembered; with one more, the oldest is forgotten.
const TRIES_MAX: usize = 1_000;

/// A launch as its app knows it.
#[derive(Clone)]
pub(crate) struct Try {
    pub(crate) began_s: i64,
    pub(crate) scope: String,
    pub(crate) state: String,
    pub(crate) verifier: String,
    /// What came back to the redirect address, by name.
    pub(crate) answer: Option<Vec<(String, String)>>,
    pub(crate) token: Option<TokenAnswer>,
}

/// What the token endpoint answered.
#[derive(Clone)]
pub(crate) struct TokenAnswer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Try {
    /// A new one.
    pub(crate) fn new(scope: &str, now_s: i64) -> Try {
        let (state, verifier) = (certs::random::token(), certs::random::token());
        Try { began_s: now_s, scope: scope.to_owned(), state, verifier, answer: None, token: None }
    }

    /// The challenge of its verifier (RFC 7636 section 4.2).
    pub(crate) fn challenge(&self) -> String {
        base64url(&sha256(self.verifier.as_bytes()))
    }

    /// A member of what came back.
    pub(crate) fn answered(&self, name: &str) -> Option<&str> {
        let answer = self.answer.as_ref()?;
        answer.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A member of the token answer.
    pub(crate) fn told(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.token.as_ref()?.body).ok()?;
        body.get(name)?.as_str().map(str::to_owned)
    }
}

/// The launches that are remembered, each by the digest of its browser's token.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<[u8; 32], Try>>);

impl Tries {
    /// The one of this browser.
    pub(crate) fn of(&self, browser: &str, now_s: i64) -> Option<Try> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&sha256(browser.as_bytes())).filter(|own| now_s < own.began_s + LIFE_S).cloned()
    }

    /// Takes the one of this browser, so that whoever comes at the same time finds none; [`Tries::keep`] puts it back.
    pub(crate) fn take(&self, browser: &str, now_s: i64) -> Option<Try> {
        let own = self.of(browser, now_s)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&sha256(browser.as_bytes())).map(|_| own)
    }

    /// Puts this one in the place of what the browser had.
    pub(crate) fn keep(&self, browser: &str, own: Try) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = sha256(browser.as_bytes());
        if !all.contains_key(&key) && all.len() >= TRIES_MAX {
            let oldest = all.iter().min_by_key(|(_, own)| own.began_s).map(|(key, _)| *key);
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        all.insert(key, own);
    }
}

/// Registers the app of the page in a sandbox; anywhere else, takes away the one that a sandbox left behind.
///
/// # Errors
/// When the shelf does not serve.
pub(crate) async fn register(authority: &Authority<Ports>, now_s: i64) -> Result<(), Unavailable> {
    let redirect_uris = vec![authority.settings.at(TRY_CALLBACK)];
    if authority.settings.sandbox {
        let client = Client {
            client_id: CLIENT.to_owned(),
            name: "Sluice trial app".to_owned(),
            proof: ClientKind::Public,
            redirect_uris,
            launch_uri: None,
            scopes: Scopes::parse(SCOPES),
            purposes: vec![Purpose::PatientRequest, Purpose::Treatment],
            owner: None,
            terms_uri: None,
            resource_server: false,
            by_itself: None,
            enabled: true,
        };
        return authority.put_client(&client).await;
    }
    match authority.client(CLIENT).await? {
        Some(left) if left.redirect_uris == redirect_uris => authority.remove_client(CLIENT, now_s).await.map(|_| ()),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_belongs_to_its_browser_ends_after_an_hour_and_not_more_than_so_many_are_kept() {
        let tries = Tries::default();
        tries.keep("one", Try::new("patient/*.rs", 100));
        assert!(tries.of("one", 100 + LIFE_S - 1).is_some() && tries.of("one", 100 + LIFE_S).is_none());
        assert!(tries.of("other", 100).is_none());
        (0..TRIES_MAX + 3).for_each(|nth| tries.keep(&nth.to_string(), Try::new("", 200)));
        assert!(tries.of("one", 200).is_none(), "the oldest is forgotten");
        assert_eq!(tries.0.lock().map(|all| all.len()).ok(), Some(TRIES_MAX));
    }
}
