//! Mishaps on purpose: in a sandbox a developer chooses one for an app of theirs, and its next calls meet it.
//!
//! A mishap is a fact that is looked at otherwise, and never an answer that is made up: the client as if it were not
//! registered, the grant as if it had been revoked. What the app is told then is what it would be told in earnest, by the same
//! lines. Most of the words are those of the launcher that SMART publishes; the last four are ours. Where there is no sandbox
//! there is no table, and so nothing that could be chosen or met.

use crate::authority::Authority;
use crate::client::Client;
use crate::introspect::Why;
use crate::oauth_error::OauthError;
use crate::ports::Ports;
use privacy::Scopes;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// What an app can be made to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mishap {
    /// At the authorization endpoint: the client is not known.
    ClientId,
    /// At the authorization endpoint: the address is not registered.
    RedirectUri,
    /// At the authorization endpoint: nothing that is asked for can be granted.
    Scope,
    /// At the token endpoint: the secret, or the signature, is wrong.
    Secret,
    /// At the token endpoint: the code, or the refresh token, is not known.
    Code,
    /// At the token endpoint: what the refresh token stood for has run out.
    RefreshExpired,
    /// Where the app looks after its registration: the token of the registration does not hold.
    Registration,
    /// At the token endpoint: more is asked for than there is.
    TokenScope,
    /// At the token endpoint: the assertion was used before.
    Jti,
    /// At the FHIR interface: the access token is none of ours.
    TokenInvalid,
    /// At the FHIR interface: the access token has run out.
    TokenExpired,
    /// At the FHIR interface: requests come too often.
    Throttled,
    /// Everywhere: the person has stopped the app.
    Revoked,
    /// At the FHIR interface: the purpose of use has no policy.
    Purpose,
    /// At the FHIR interface: the record server gives no usable answer.
    Upstream,
}

impl Mishap {
    /// All of them, in the order of the page.
    pub const ALL: [Mishap; 15] = [
        Mishap::ClientId,
        Mishap::RedirectUri,
        Mishap::Scope,
        Mishap::Secret,
        Mishap::Code,
        Mishap::RefreshExpired,
        Mishap::Registration,
        Mishap::TokenScope,
        Mishap::Jti,
        Mishap::TokenInvalid,
        Mishap::TokenExpired,
        Mishap::Throttled,
        Mishap::Revoked,
        Mishap::Purpose,
        Mishap::Upstream,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Mishap::ClientId => "auth_invalid_client_id",
            Mishap::RedirectUri => "auth_invalid_redirect_uri",
            Mishap::Scope => "auth_invalid_scope",
            Mishap::Secret => "auth_invalid_client_secret",
            Mishap::Code => "token_invalid_token",
            Mishap::RefreshExpired => "token_expired_refresh_token",
            Mishap::Registration => "token_expired_registration_token",
            Mishap::TokenScope => "token_invalid_scope",
            Mishap::Jti => "token_invalid_jti",
            Mishap::TokenInvalid => "request_invalid_token",
            Mishap::TokenExpired => "request_expired_token",
            Mishap::Throttled => "request_throttled",
            Mishap::Revoked => "request_revoked",
            Mishap::Purpose => "request_purpose_denied",
            Mishap::Upstream => "request_upstream_down",
        }
    }

    /// The one of this word.
    pub fn of(word: &str) -> Option<Mishap> {
        Mishap::ALL.into_iter().find(|mishap| mishap.word() == word)
    }
}

/// What is chosen for which app, in memory: after a start nothing is. There are no more than apps that registered themselves.
#[derive(Default)]
pub(crate) struct Mishaps(RwLock<HashMap<String, Mishap>>);

impl<P: Ports> Authority<P> {
    /// Chooses a mishap for an app that registered itself, or takes it away; nothing outside of a sandbox.
    ///
    /// # Errors
    /// `invalid_token` unless the registration access token is the app's.
    pub async fn choose_mishap(&self, client_id: &str, token: &str, mishap: Option<Mishap>) -> Result<(), OauthError> {
        let client = self.own_registration(client_id, token).await?;
        let Some(Mishaps(table)) = &self.mishaps else { return Ok(()) };
        let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
        match mishap {
            Some(mishap) => table.insert(client.client_id, mishap),
            None => table.remove(&client.client_id),
        };
        Ok(())
    }

    /// What is chosen for an app.
    pub fn mishap(&self, client_id: &str) -> Option<Mishap> {
        let Mishaps(table) = self.mishaps.as_ref()?;
        table.read().unwrap_or_else(PoisonError::into_inner).get(client_id).copied()
    }

    /// Whether an app is to meet this one.
    pub fn meets(&self, client_id: &str, mishap: Mishap) -> bool {
        self.mishap(client_id) == Some(mishap)
    }

    /// Why the access tokens of an app open nothing at the moment, if that was chosen.
    pub fn refused_on_purpose(&self, client_id: &str) -> Option<Why> {
        match self.mishap(client_id)? {
            Mishap::TokenInvalid => Some(Why::NotOurs),
            Mishap::TokenExpired => Some(Why::Expired),
            Mishap::Revoked => Some(Why::NoGrant),
            Mishap::ClientId
            | Mishap::RedirectUri
            | Mishap::Scope
            | Mishap::Secret
            | Mishap::Code
            | Mishap::RefreshExpired
            | Mishap::Registration
            | Mishap::TokenScope
            | Mishap::Jti
            | Mishap::Throttled
            | Mishap::Purpose
            | Mishap::Upstream => None,
        }
    }

    /// Forgets an app that is registered no more.
    pub(crate) fn forget_mishap(&self, client_id: &str) {
        if let Some(Mishaps(table)) = &self.mishaps {
            table.write().unwrap_or_else(PoisonError::into_inner).remove(client_id);
        }
    }

    /// A client as the authorization endpoint is to see it.
    pub(crate) fn as_if(&self, client: Option<Client>) -> Option<Client> {
        let client = client?;
        match self.mishap(&client.client_id) {
            Some(Mishap::ClientId) => None,
            Some(Mishap::RedirectUri) => Some(Client { redirect_uris: Vec::new(), ..client }),
            Some(Mishap::Scope) => Some(Client { scopes: Scopes::default(), ..client }),
            Some(
                Mishap::Secret
                | Mishap::Code
                | Mishap::RefreshExpired
                | Mishap::Registration
                | Mishap::TokenScope
                | Mishap::Jti
                | Mishap::TokenInvalid
                | Mishap::TokenExpired
                | Mishap::Throttled
                | Mishap::Revoked
                | Mishap::Purpose
                | Mishap::Upstream,
            )
            | None => Some(client),
        }
    }
}
