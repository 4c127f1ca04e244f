//! Apps that register themselves (RFC 7591) and look after their registration (RFC 7592).
//!
//! Whoever asks is in at once, and for that gets little: apps of patients alone, for the patient's own purpose, answered at
//! exact addresses, and shown to people as what they are: not checked by anyone. Secrets are told once and kept as digests.
//! Every change goes through the same rules as the first word, and a change of what people allowed ends what they granted.

use crate::authority::Authority;
use crate::client::{Client, ClientKind, Itself, Keys};
use crate::metadata::{Fault, Metadata, Way};
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError};
use crate::ports::{Ports, Space, Swap, Unavailable};
use crate::settings::REGISTER;
use privacy::{Purpose, Scopes};
use serde::Serialize;
use serde_json::Value;

/// Apps that may be registered, those of the configuration among them (about 1 KB each).
pub const CLIENTS_MAX: usize = 10_000;

/// The most that an app is granted that registered itself: what patients can allow about themselves.
pub(crate) const SCOPES: &str = "openid fhirUser profile launch/patient offline_access patient/*.rs";

/// A registration, as its app is told of it (RFC 7591 section 3.2.1). Never to be logged.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// The app's id.
    pub client_id: String,
    /// When it was registered, in seconds since 1970.
    pub client_id_issued_at: i64,
    /// Its secret, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Never, where there is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<i64>,
    /// With what it looks after its registration.
    pub registration_access_token: String,
    /// And where.
    pub registration_client_uri: String,
    /// Its name for people.
    pub client_name: String,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// How it proves itself.
    pub token_endpoint_auth_method: &'static str,
    /// What it can use at the token endpoint.
    pub grant_types: Vec<&'static str>,
    /// What it can ask for at the authorization endpoint.
    pub response_types: Vec<&'static str>,
    /// The most it may be granted.
    pub scope: String,
    /// Its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where it publishes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its terms of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
}

impl Registration {
    /// The JSON body.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn body(&self) -> Result<String, Unavailable> {
        serde_json::to_string(self).map_err(|_| Unavailable("a registration cannot be written".to_owned()))
    }
}

impl<P: Ports> Authority<P> {
    /// What keeps an app from being registered, if anything does.
    pub fn registration_fault(&self, metadata: &Metadata) -> Option<Fault> {
        metadata.fault(&self.ports, &self.settings.served)
    }

    /// Registers an app by what it says of itself.
    ///
    /// # Errors
    /// In the words of RFC 7591 section 3.2.2.
    pub async fn register(&self, metadata: &Metadata, now_s: i64) -> Result<Registration, OauthError> {
        if self.ports.count_documents(Space::Client).await? >= CLIENTS_MAX {
            return Err(OauthError::new(ErrorCode::TemporarilyUnavailable, FULL));
        }
        self.name_is_free(metadata).await?;
        let token = self.ports.token();
        let itself = Itself { at_s: now_s, token_sha256: self.digest(&token), secret_in_form: false };
        let (client, secret) = self.described(self.ports.token(), metadata, itself, None)?;
        match self
            .ports
            .swap_document(Space::Client, &client.client_id, None, crate::authority::write(&client)?)
            .await?
        {
            Swap::Done(_) => Ok(self.described_to_it(&client, secret, token)),
            Swap::Stale => Err(Unavailable("a new app has the id of another".to_owned()).into()),
        }
    }

    /// The registration, as it stands.
    ///
    /// # Errors
    /// `invalid_token`, the same whether there is no such app or it is another's token.
    pub async fn registration(&self, client_id: &str, token: &str) -> Result<Registration, OauthError> {
        let client = self.looked_after(client_id, token).await?;
        Ok(self.described_to_it(&client, None, token.to_owned()))
    }

    /// Puts another description in place of the one before.
    ///
    /// # Errors
    /// As [`Authority::registration`] and [`Authority::register`].
    pub async fn change_registration(
        &self,
        client_id: &str,
        token: &str,
        metadata: &Metadata,
        now_s: i64,
    ) -> Result<Registration, OauthError> {
        let before = self.looked_after(client_id, token).await?;
        if metadata.client_id.as_deref() != Some(client_id) {
            return Err(OauthError::new(ErrorCode::InvalidClientMetadata, NOT_THIS_ONE));
        }
        self.name_is_free(metadata).await?;
        let itself = before.by_itself.clone().ok_or_else(unknown)?;
        let (client, secret) = self.described(before.client_id.clone(), metadata, itself, Some(&before.proof))?;
        let mut found = None;
        let change = |kept: Option<Client>| {
            // Who switched it off, took it away or changed it meanwhile is not overruled.
            found = kept;
            (found.as_ref() == Some(&before)).then(|| client.clone())
        };
        self.change(Space::Client, client_id, change).await?;
        match found {
            Some(kept) if kept == before => {}
            Some(_) => return Err(Unavailable("a registration was changed by two at once".to_owned()).into()),
            None => return Err(unknown()),
        }
        // People allowed an app of that name, and what it showed then; whatever is another thing has to ask again.
        if client.name != before.name || client.proof != before.proof || client.scopes != before.scopes {
            self.end_grants(|grant| grant.client == client_id, now_s).await?;
        }
        Ok(self.described_to_it(&client, secret, token.to_owned()))
    }

    /// Takes the registration back, and ends all that was granted to the app.
    ///
    /// # Errors
    /// As [`Authority::registration`].
    pub async fn end_registration(&self, client_id: &str, token: &str, now_s: i64) -> Result<(), OauthError> {
        let client = self.looked_after(client_id, token).await?;
        self.remove_registration(&client, now_s).await?;
        Ok(())
    }

    /// Takes an app away that registered itself; gives how many grants ended with it, and nothing for one of the configuration.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn remove_registration(&self, client: &Client, now_s: i64) -> Result<Option<usize>, Unavailable> {
        if client.by_itself.is_none() {
            return Ok(None);
        }
        self.remove_client(&client.client_id, now_s).await.map(Some)
    }

    /// Takes an app away, whoever registered it, and ends all that was granted to it; gives how many grants that were.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn remove_client(&self, client_id: &str, now_s: i64) -> Result<usize, Unavailable> {
        // First the app: from then on nothing more is granted to it.
        self.ports.remove_documents(Space::Client, vec![client_id.to_owned()]).await?;
        self.forget_mishap(client_id);
        self.end_grants(|grant| grant.client == client_id, now_s).await
    }

    /// Whether this token looks after this app.
    ///
    /// # Errors
    /// As [`Authority::registration`].
    pub async fn is_looked_after_with(&self, client_id: &str, token: &str) -> Result<(), OauthError> {
        self.own_registration(client_id, token).await.map(|_| ())
    }

    /// Switches an app off that registered itself, which ends all that was granted to it, or on again. Gives how many grants
    /// were ended, and nothing where there is no such app.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn switch_registration(
        &self,
        client_id: &str,
        enabled: bool,
        now_s: i64,
    ) -> Result<Option<usize>, Unavailable> {
        let mut switched = None;
        let change = |kept: Option<Client>| {
            switched = kept.filter(|client| client.by_itself.is_some()).map(|client| Client { enabled, ..client });
            switched.clone()
        };
        self.change(Space::Client, client_id, change).await?;
        match switched {
            Some(client) => self.confine(&client, now_s).await.map(Some),
            None => Ok(None),
        }
    }

    /// An app that nobody checked is not called as one that this house registered: people could not tell them apart.
    async fn name_is_free(&self, metadata: &Metadata) -> Result<(), OauthError> {
        let folded = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let wanted = folded(metadata.client_name.as_deref().unwrap_or(""));
        let is_taken = |client: &Client| client.by_itself.is_none() && folded(&client.name) == wanted;
        if self.clients().await?.iter().any(is_taken) {
            let text = "client_name is the name of another app here. Choose one that people can tell from it.";
            return Err(OauthError::new(ErrorCode::InvalidClientMetadata, text));
        }
        Ok(())
    }

    /// The app that is looked after with this token.
    async fn looked_after(&self, client_id: &str, token: &str) -> Result<Client, OauthError> {
        let client = self.own_registration(client_id, token).await?;
        if self.meets(client_id, Mishap::Registration) { Err(unknown()) } else { Ok(client) }
    }

    /// The app of this token.
    pub(crate) async fn own_registration(&self, client_id: &str, token: &str) -> Result<Client, OauthError> {
        let client = self.live_client(client_id).await?;
        let made = self.digest(token);
        let own = |client: &Client| {
            let kept = client.by_itself.as_ref().map(|itself| itself.token_sha256.as_str());
            kept.is_some_and(|kept| self.ports.equal(made.as_bytes(), kept.as_bytes()))
        };
        client.filter(own).ok_or_else(unknown)
    }

    /// The app that is described, and its secret where it gets one.
    fn described(
        &self,
        client_id: String,
        metadata: &Metadata,
        itself: Itself,
        before: Option<&ClientKind>,
    ) -> Result<(Client, Option<String>), OauthError> {
        let checked = metadata.checked(&self.ports, &self.settings.served)?;
        let (proof, secret) = match (checked.way, before) {
            (Way::Nothing, _) => (ClientKind::Public, None),
            (Way::Set(set), _) => (ClientKind::ConfidentialAsymmetric { keys: Keys::Set(set) }, None),
            (Way::At(uri), _) => (ClientKind::ConfidentialAsymmetric { keys: Keys::At(uri) }, None),
            // The secret that it has goes on.
            (Way::Secret, Some(ClientKind::ConfidentialSymmetric { secret_sha256 })) => {
                (ClientKind::ConfidentialSymmetric { secret_sha256: secret_sha256.clone() }, None)
            }
            (Way::Secret, _) => {
                let secret = self.ports.token();
                let secret_sha256 = Client::secret_sha256(&self.ports, &secret);
                (ClientKind::ConfidentialSymmetric { secret_sha256 }, Some(secret))
            }
        };
        let secret_in_form = checked.secret_in_form;
        let client = Client {
            client_id,
            name: checked.name,
            proof,
            redirect_uris: checked.redirect_uris,
            launch_uri: None,
            scopes: checked.scopes,
            purposes: vec![Purpose::PatientRequest],
            owner: None,
            terms_uri: checked.terms_uri,
            resource_server: false,
            by_itself: Some(Itself { secret_in_form, ..itself }),
            enabled: true,
        };
        Ok((client, secret))
    }

    fn described_to_it(&self, client: &Client, secret: Option<String>, token: String) -> Registration {
        let itself = client.by_itself.as_ref();
        let (method, jwks, jwks_uri) = match &client.proof {
            ClientKind::Public => ("none", None, None),
            ClientKind::ConfidentialSymmetric { .. } if itself.is_some_and(|itself| itself.secret_in_form) => {
                ("client_secret_post", None, None)
            }
            ClientKind::ConfidentialSymmetric { .. } => ("client_secret_basic", None, None),
            ClientKind::ConfidentialAsymmetric { keys: Keys::Set(set) } => {
                ("private_key_jwt", serde_json::from_str(set).ok(), None)
            }
            ClientKind::ConfidentialAsymmetric { keys: Keys::At(uri) } => ("private_key_jwt", None, Some(uri.clone())),
        };
        Registration {
            client_id: client.client_id.clone(),
            client_id_issued_at: itself.map_or(0, |itself| itself.at_s),
            client_secret_expires_at: secret.as_ref().map(|_| 0),
            client_secret: secret,
            registration_access_token: token,
            registration_client_uri: format!("{}/{}", self.settings.at(REGISTER), client.client_id),
            client_name: client.name.clone(),
            redirect_uris: client.redirect_uris.clone(),
            token_endpoint_auth_method: method,
            grant_types: vec!["authorization_code", "refresh_token"],
            response_types: vec!["code"],
            scope: client.scopes.to_string(),
            jwks,
            jwks_uri,
            tos_uri: client.terms_uri.clone(),
        }
    }
}

/// What an app may be granted that registered itself.
pub(crate) fn allowed() -> Scopes {
    Scopes::parse(SCOPES)
}

const FULL: &str = "There are as many apps here as there may be. Whoever runs this server can register one more.";

const NOT_THIS_ONE: &str = "client_id must be there and name the app that is changed (RFC 7592 section 2.2).";

/// One answer for an app that is not there and for another's token.
fn unknown() -> OauthError {
    OauthError::new(
        ErrorCode::InvalidToken,
        "The registration access token does not hold for this app, or there is no such app (any more).",
    )
}
