//! Backend services: a client that acts for itself, without a person (SMART App Launch 2.2.0, "Backend Services"; RFC 6749
//! section 4.4).
//!
//! Only a client that proves itself by its own key, and only under `system/` scopes that it is registered for. It acts for
//! one of the purposes of its registration, which is never the patient's own. Each token has a grant of five minutes behind it,
//! so that it can be revoked like any other and ends with its client; there is no refresh token.

use crate::authority::Authority;
use crate::client::{Client, ClientKind};
use crate::grant::Grant;
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError, shown};
use crate::offer;
use crate::ports::{Ports, Swap, Unavailable};
use crate::purpose;
use crate::settings::SERVICE_TOKEN_S;
use crate::token::{Tokens, missing};
use privacy::scope::Level;
use privacy::{Purpose, Role, Scopes};

impl Client {
    /// Whether it may act for itself, for this purpose and under these scopes, as it is registered now.
    fn still_allows(&self, grant: &Grant) -> bool {
        self.enabled
            && self.own_purposes().any(|purpose| purpose == grant.purpose)
            && self.scopes.cover(&grant.scopes)
            && matches!(self.proof, ClientKind::ConfidentialAsymmetric { .. })
    }
}

/// A system that may ask without a person, for what it is registered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Who runs it, where that is registered.
    pub owner: Option<String>,
    /// Why it may ask.
    pub purposes: Vec<Purpose>,
}

impl<P: Ports> Authority<P> {
    /// The systems that may ask for every patient's record without one of them, by their names.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn systems(&self) -> Result<Vec<System>, Unavailable> {
        let system = |client: Client| {
            let asks = client.scopes.resources().any(|scope| scope.level == Level::System);
            let purposes: Vec<Purpose> = client.own_purposes().collect();
            let may = client.enabled && asks && !purposes.is_empty();
            may.then_some(System { name: client.name, owner: client.owner, purposes })
        };
        let mut systems: Vec<System> = self.clients().await?.into_iter().filter_map(system).collect();
        systems.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(systems)
    }

    /// A token for a client that proved itself and acts for itself.
    pub(crate) async fn serve_itself(
        &self,
        client: &Client,
        scope: Option<&str>,
        purpose: Option<&str>,
        now_s: i64,
    ) -> Result<Tokens, OauthError> {
        match client.proof {
            ClientKind::ConfidentialAsymmetric { .. } => {}
            ClientKind::Public | ClientKind::ConfidentialSymmetric { .. } => return Err(unauthorized(NO_KEYS)),
        }
        let purpose = purpose::of_itself(purpose, client)?;
        let asked = scope.ok_or_else(|| missing("scope"))?;
        let nothing = self.meets(&client.client_id, Mishap::TokenScope);
        let allowed = if nothing { Scopes::default() } else { client.scopes.clone() };
        let scopes = offer::offer_to_service(&Scopes::parse(asked), &allowed, &self.settings.served);
        if scopes.is_empty() {
            return Err(OauthError::new(
                ErrorCode::InvalidScope,
                format!(
                    "scope was {}; none of it can be granted. Ask for system/ scopes that are registered.",
                    shown(asked)
                ),
            ));
        }
        let grant = Grant {
            id: self.ports.token(),
            client: client.client_id.clone(),
            account: client.client_id.clone(),
            username: String::new(),
            role: Role::System,
            fhir_user: None,
            patient: None,
            launch: None,
            scopes,
            purpose,
            session: None,
            created_s: now_s,
            used_s: now_s,
            expires_s: now_s + SERVICE_TOKEN_S,
            generation: 0,
            secret: self.ports.token(),
            revoked_s: None,
        };
        match self.swap_grant(&grant, None).await? {
            Swap::Done(_) => {}
            Swap::Stale => return Err(Unavailable("a new grant has the id of another".to_owned()).into()),
        }
        // Whoever switched the client off just now may have looked for its grants before this one stood.
        if !self.client(&client.client_id).await?.is_some_and(|client| client.still_allows(&grant)) {
            self.end_grant(&grant.id, now_s).await?;
            return Err(unauthorized("The client was switched off, or its registration was changed. Ask again."));
        }
        Ok(self.access(&grant, &grant.scopes, now_s)?)
    }

    /// Ends what an app holds beyond its registration: everything when it is switched off, what was for a purpose that it lost,
    /// and of what it got for itself all that it could not get now. To be called when a registration was changed; gives how many grants ended.
    ///
    /// # Errors
    /// When the shelf does not serve; what was ended until then stays ended.
    pub async fn confine(&self, client: &Client, now_s: i64) -> Result<usize, Unavailable> {
        let beyond = |grant: &Grant| match grant.role {
            Role::System => !client.still_allows(grant),
            Role::Patient
            | Role::Representative
            | Role::Clinician
            | Role::PrivacyOfficer
            | Role::Administrator
            | Role::Integrator => !client.enabled || !client.purposes.contains(&grant.purpose),
        };
        self.end_grants(|grant| grant.client == client.client_id && beyond(grant), now_s).await
    }
}

const NO_KEYS: &str = "Only a client that registered public keys, and proves itself by a client_assertion, may ask for \
                       client_credentials.";

fn unauthorized(text: &'static str) -> OauthError {
    OauthError::new(ErrorCode::UnauthorizedClient, text)
}
