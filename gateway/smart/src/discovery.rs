//! What this server says of itself: smart-configuration, openid-configuration, public keys.
//!
//! SMART App Launch 2.2.0 ("Conformance"), OpenID Connect Discovery 1.0 section 3, RFC 8414. All are made from one set of
//! settings, from which the CapabilityStatement takes its addresses as well, so that no two of them can disagree.

use crate::assertion::SIGNING_ALGS;
use crate::authority::Authority;
use crate::parts::parts;
use crate::ports::Ports;
use crate::settings::{AUTHORIZE, BRANDS, INTROSPECT, JWKS, REGISTER, REVOKE, Settings, TOKEN, USER_INFO};
use fhir::ResourceType;
use serde_json::{Value, json};

/// What is truly supported, in SMART's words.
pub const CAPABILITIES: [&str; 18] = [
    "launch-ehr",
    "launch-standalone",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
    "authorize-post",
];

/// How a client proves itself at every endpoint.
const CLIENT_AUTH: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// These ways, and one more.
fn with(ways: [&'static str; 3], more: &'static str) -> Vec<&'static str> {
    ways.into_iter().chain([more]).collect()
}

/// `[fhir base]/.well-known/smart-configuration`.
pub fn smart_configuration(settings: &Settings) -> Value {
    let mut all = metadata(settings);
    if let (Some(members), Some(brand)) = (all.as_object_mut(), &settings.brand) {
        members.insert("user_access_brand_bundle".to_owned(), json!(settings.at(BRANDS)));
        members.insert("user_access_brand_identifier".to_owned(), json!(brand));
    }
    all
}

/// What both documents say.
fn metadata(settings: &Settings) -> Value {
    let mut all = json!({
        "issuer": settings.issuer(),
        "jwks_uri": settings.at(JWKS),
        "authorization_endpoint": settings.at(AUTHORIZE),
        "token_endpoint": settings.at(TOKEN),
        "revocation_endpoint": settings.at(REVOKE),
        "introspection_endpoint": settings.at(INTROSPECT),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": scopes_supported(settings),
        "token_endpoint_auth_methods_supported": with(CLIENT_AUTH, "none"),
        "token_endpoint_auth_signing_alg_values_supported": SIGNING_ALGS,
        "revocation_endpoint_auth_methods_supported": with(CLIENT_AUTH, "none"),
        "revocation_endpoint_auth_signing_alg_values_supported": SIGNING_ALGS,
        "introspection_endpoint_auth_methods_supported": with(CLIENT_AUTH, "Bearer"),
        "introspection_endpoint_auth_signing_alg_values_supported": SIGNING_ALGS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "capabilities": CAPABILITIES,
    });
    if let (Some(members), true) = (all.as_object_mut(), settings.registration_open) {
        members.insert("registration_endpoint".to_owned(), json!(settings.at(REGISTER)));
    }
    all
}

/// `[fhir base]/.well-known/openid-configuration`, the FHIR base being the issuer.
pub fn openid_configuration(settings: &Settings) -> Value {
    let mut all = metadata(settings);
    if let Some(members) = all.as_object_mut() {
        members.remove("capabilities");
        members.insert("userinfo_endpoint".to_owned(), json!(settings.at(USER_INFO)));
        members.insert("subject_types_supported".to_owned(), json!(["public"]));
        members.insert("id_token_signing_alg_values_supported".to_owned(), json!(["RS256"]));
        let claims = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser"];
        members.insert("claims_supported".to_owned(), json!(claims));
        members.insert("request_parameter_supported".to_owned(), json!(false));
        members.insert("request_uri_parameter_supported".to_owned(), json!(false));
    }
    all
}

/// Every scope that can be granted, one by one and as a wildcard, in both spellings; of granular ones those of US Core.
fn scopes_supported(settings: &Settings) -> Vec<String> {
    let words = [
        "openid",
        "fhirUser",
        "profile",
        "offline_access",
        "online_access",
        "launch",
        "launch/patient",
        "patient/*.rs",
        "patient/*.read",
        "user/*.rs",
        "user/*.read",
        "system/*.rs",
        "system/*.read",
    ];
    let of = |kind: ResourceType, level: &str| {
        let whole = ["rs", "read"].map(|may| format!("{level}/{}.{may}", kind.as_str()));
        whole.into_iter().chain(parts(kind).map(|part| format!("{level}/{}.rs?{part}", kind.as_str()))).collect()
    };
    let kinds = settings.served.iter().flat_map(|kind| ["patient", "user", "system"].map(|level| of(*kind, level)));
    words.into_iter().map(str::to_owned).chain(kinds.flat_map(|all: Vec<String>| all)).collect()
}

impl<P: Ports> Authority<P> {
    /// The public keys (RFC 7517 section 5).
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.ports.public_keys() })
    }
}
