//! What stands in the tokens.

use serde::Serialize;

/// The claims of an access token (RFC 9068, and ours: `grant`, `patient`, `fhirUser`, `purpose`). Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessClaims {
    /// Who issued it: the FHIR base.
    pub iss: String,
    /// The account, opaque.
    pub sub: String,
    /// For whom: the FHIR base.
    pub aud: String,
    /// The app.
    pub client_id: String,
    /// Its own id, never used again.
    pub jti: String,
    /// When it was issued.
    pub iat: i64,
    /// When it runs out.
    pub exp: i64,
    /// What the app may do.
    pub scope: String,
    /// The grant it was issued on.
    pub grant: String,
    /// The patient in context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The person, as an absolute address.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
    /// Why: a v3 ActReason code.
    pub purpose: String,
}

/// The claims of an id_token (OpenID Connect Core 2, and SMART's `fhirUser`). Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdClaims {
    /// Who issued it.
    pub iss: String,
    /// The account, opaque.
    pub sub: String,
    /// The app.
    pub aud: String,
    /// When it was issued.
    pub iat: i64,
    /// When it runs out.
    pub exp: i64,
    /// When the person signed in.
    pub auth_time: i64,
    /// The app's own nonce, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The person, as an absolute address.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
}
