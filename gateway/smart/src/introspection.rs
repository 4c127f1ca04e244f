//! The introspection endpoint (RFC 7662; SMART App Launch 2.2.0, "Token Introspection").
//!
//! It tells whoever proves itself what an access token stands for: an app its own tokens, a resource server those of every
//! app. Any other token is inactive and nothing more, whether it is another's, has ended or is none, so that the endpoint is
//! no oracle. What a record holds is never told here, and being told the context of a token opens nothing.

use crate::authority::{Authority, write};
use crate::client::Client;
use crate::introspect::Known;
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError};
use crate::parameters::Parameters;
use crate::ports::{Ports, Unavailable};
use crate::token::{ToldLaunch, missing};
use privacy::scope::Scope;
use serde::Serialize;

/// What is told of a token: `{"active":false}` and nothing more, or what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(flatten)]
    of: Option<Active>,
}

/// What a living token stands for. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Active {
    scope: String,
    client_id: String,
    token_type: &'static str,
    /// Why it was granted, by the parameter's own name.
    purpose_of_use: &'static str,
    exp: i64,
    iat: i64,
    iss: String,
    aud: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    #[serde(flatten)]
    launch: ToldLaunch,
    /// The account, where the app was told who signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
}

impl Introspection {
    /// The JSON body.
    pub fn body(&self) -> Result<String, Unavailable> {
        write(self)
    }
}

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
        let parameters = Parameters::new(form).usable()?;
        let client = match authorization.and_then(bearer) {
            Some(token) => self.bearer_client(token, now_s).await?,
            None => {
                let client = self.proven_client(authorization, parameters, now_s).await?;
                if !client.is_confidential() {
                    return Err(OauthError::new(ErrorCode::InvalidClient, PUBLIC));
                }
                client
            }
        };
        let token = parameters.get("token").ok().flatten().ok_or_else(|| missing("token"))?;
        let known = self.introspect(token, now_s).ok();
        let known = known.filter(|known| client.resource_server || known.principal().client == client.client_id);
        let known = known.filter(|known| !self.meets(&known.principal().client, Mishap::Revoked));
        let of = known.and_then(|known| self.told(&known));
        Ok(Introspection { active: of.is_some(), of })
    }

    fn told(&self, known: &Known) -> Option<Active> {
        let (iat, exp) = known.times_s()?;
        let (grant, scopes) = (known.grant(), &known.principal().scopes);
        let identified = scopes.has(Scope::OpenId);
        Some(Active {
            scope: scopes.to_string(),
            client_id: grant.client.clone(),
            token_type: "Bearer",
            purpose_of_use: grant.purpose.code(),
            exp,
            iat,
            iss: self.settings.issuer().to_owned(),
            aud: self.settings.fhir_base.clone(),
            patient: grant.patient.as_ref().map(ToString::to_string),
            launch: self.told_launch(grant),
            sub: identified.then(|| grant.account.clone()),
            fhir_user: self.told_fhir_user(grant, scopes).filter(|_| identified),
        })
    }

    /// The client that a living access token was issued to.
    async fn bearer_client(&self, token: &str, now_s: i64) -> Result<Client, OauthError> {
        let refused = || OauthError { challenge_basic: true, ..OauthError::new(ErrorCode::InvalidClient, DEAD_BEARER) };
        let principal = self.principal(token, now_s).map_err(|_| refused())?;
        self.live_client(&principal.client).await?.ok_or_else(refused)
    }
}

const PUBLIC: &str =
    "A public client proves nothing by its id. Send one of its own access tokens: Authorization: Bearer …";
const DEAD_BEARER: &str = "The access token in the Authorization header does not hold. Send a living one, or prove the client \
                           by HTTP Basic.";

/// The token of a Bearer header (RFC 6750 section 2.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
