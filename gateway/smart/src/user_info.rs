//! The UserInfo endpoint (OpenID Connect Core 1.0, section 5.3): who signed in, as the id_token said it.
//!
//! Told to whoever holds an access token that was granted `openid`; the person as a resource only where that was granted
//! too. Nothing of their record is told here.

use crate::authority::{Authority, write};
use crate::oauth_error::{ErrorCode, OauthError};
use crate::ports::{Ports, Unavailable};
use privacy::Principal;
use privacy::scope::Scope;
use serde::Serialize;

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// The account, opaque.
    sub: String,
    /// The person, as an absolute address.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
}

impl UserInfo {
    /// The JSON body.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn body(&self) -> Result<String, Unavailable> {
        write(self)
    }
}

impl<P: Ports> Authority<P> {
    /// What the holder of a token is told of the person who signed in.
    ///
    /// # Errors
    /// `insufficient_scope` where the token was not granted `openid`.
    pub fn user_info(&self, principal: &Principal) -> Result<UserInfo, OauthError> {
        let scopes = &principal.scopes;
        if !scopes.has(Scope::OpenId) {
            return Err(OauthError::new(ErrorCode::InsufficientScope, NOT_GRANTED));
        }
        let told = scopes.has(Scope::FhirUser) || scopes.has(Scope::Profile);
        let person = principal.fhir_user.as_ref().filter(|_| told);
        let address =
            |(kind, id): &(fhir::ResourceType, fhir::Id)| format!("{}/{}/{id}", self.settings.fhir_base, kind.as_str());
        Ok(UserInfo { sub: principal.account.clone(), fhir_user: person.map(address) })
    }
}

const NOT_GRANTED: &str = "The access token was not granted openid, so it does not tell who signed in. Ask for openid, and \
                           for fhirUser, when the person authorizes.";
