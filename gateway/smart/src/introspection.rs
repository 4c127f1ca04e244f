//! The introspection endpoint (RFC 7662; SMART App Launch 2.2.0, "Token Introspection").
//!
//! It tells whoever proves itself what an access token stands for: an app its own tokens, a resource server those of every
//! app. Any other token is inactive and nothing more, whether it is another's, has ended or is none, so that the endpoint is
//! no oracle. What a record holds is never told here, and being told the context of a token opens nothing.

use crate::authority::Authority;
use crate::authorize::unusable;
use crate::client::Client;
use crate::oauth_error::{ErrorCode, OauthError};
use crate::parameters::Parameters;
use crate::ports::Ports;
use crate::token::missing;
use privacy::Principal;
use privacy::scope::Scope;
use serde::Serialize;

/// What is told of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Introspection {
    /// It opens nothing, or is not the asker's to know of.
    Inactive {
        /// `false`.
        active: bool,
    },
    /// What it stands for.
    Active(Box<Active>),
}

/// What a living token stands for. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Active {
    active: bool,
    scope: String,
    client_id: String,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    iss: String,
    aud: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    /// The account, where the app was told who signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
}

const INACTIVE: Introspection = Introspection::Inactive { active: false };

impl<P: Ports> Authority<P> {
    /// Answers a request at the introspection endpoint: its `Authorization` header (Basic, or a living access token of the
    /// asker's own as Bearer) and its form.
    ///
    /// # Errors
    /// `invalid_client` for who proves nothing, `invalid_request` without a token; never for a token that is not known.
    pub async fn introspection(
        &self,
        authorization: Option<&str>,
        form: &[(String, String)],
        now_s: i64,
    ) -> Result<Introspection, OauthError> {
        let parameters = Parameters::new(form);
        if let Some((name, why)) = parameters.unusable() {
            return Err(unusable(name, why));
        }
        let client = match authorization.and_then(bearer) {
            Some(token) => self.bearer_client(token, now_s).await?,
            None => self.proven_client(authorization, parameters).await?,
        };
        if authorization.is_none() && !client.is_confidential() {
            let text =
                "A public client proves nothing by its id. Send one of its own access tokens: Authorization: Bearer …";
            return Err(OauthError::new(ErrorCode::InvalidClient, text));
        }
        let token = parameters.get("token").ok().flatten().ok_or_else(|| missing("token"))?;
        let Ok(known) = self.introspect(token, now_s) else { return Ok(INACTIVE) };
        let (Some((iat, exp)), principal) = (known.times_s(), known.principal()) else { return Ok(INACTIVE) };
        if !client.resource_server && principal.client != client.client_id {
            return Ok(INACTIVE);
        }
        Ok(Introspection::Active(Box::new(self.active(principal, iat, exp))))
    }

    fn active(&self, principal: &Principal, iat: i64, exp: i64) -> Active {
        let Principal { client, account, fhir_user, scopes, subject, .. } = principal;
        let identified = scopes.has(Scope::OpenId);
        let told_user = identified && (scopes.has(Scope::FhirUser) || scopes.has(Scope::Profile));
        let base = &self.settings.fhir_base;
        let user = fhir_user.as_ref().map(|(kind, id)| format!("{base}/{}/{id}", kind.as_str()));
        Active {
            active: true,
            scope: scopes.to_string(),
            client_id: client.clone(),
            token_type: "Bearer",
            exp,
            iat,
            iss: self.settings.issuer().to_owned(),
            aud: base.clone(),
            patient: subject.patients().first().map(ToString::to_string),
            sub: identified.then(|| account.clone()),
            fhir_user: user.filter(|_| told_user),
        }
    }

    /// The client that a living access token was issued to.
    async fn bearer_client(&self, token: &str, now_s: i64) -> Result<Client, OauthError> {
        let refused = || {
            let text = "The access token in the Authorization header does not hold. Send a living one, or prove the client by HTTP Basic.";
            OauthError::new(ErrorCode::InvalidClient, text)
        };
        let principal = self.principal(token, now_s).map_err(|_| refused())?;
        self.live_client(&principal.client).await?.ok_or_else(refused)
    }
}

/// The token of a Bearer header (RFC 6750 section 2.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
