//! OAuth errors: RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1, RFC 7009, OpenID Connect Core 3.1.2.6.
//!
//! A description says what came, what was expected and how to mend it, in the characters that the RFC allows. What came
//! is shown only where it is a word of the protocol, shortened; tokens, codes, secrets and names of people never are.

use crate::settings::{ERRORS, Settings};
use serde::Serialize;
use std::borrow::Cow;

/// Characters of a caller's own word that a description repeats.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// An error code of the protocol, or of a page that cannot redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request lacks something, repeats something or is malformed.
    InvalidRequest,
    /// The client is unknown or did not prove itself.
    InvalidClient,
    /// The code or refresh token does not hold.
    InvalidGrant,
    /// The client is not registered for what it tries.
    UnauthorizedClient,
    /// The grant type does not exist here.
    UnsupportedGrantType,
    /// The response type does not exist here.
    UnsupportedResponseType,
    /// Nothing that was asked for can be granted, or more than was granted before.
    InvalidScope,
    /// The person, or a rule, said no.
    AccessDenied,
    /// A page would have to be shown, and the app asked for none.
    InteractionRequired,
    /// Request objects are not read here.
    RequestNotSupported,
    /// Request objects are not fetched here.
    RequestUriNotSupported,
    /// Our own mistake.
    ServerError,
    /// We cannot serve now.
    TemporarilyUnavailable,
    /// The app is not registered; shown on a page, never sent to an address.
    UnknownClient,
    /// The redirect address is not registered; shown on a page, never sent to an address.
    InvalidRedirectUri,
    /// The sign-in has run out or belongs to another browser; shown on a page.
    FlowExpired,
    /// The bearer token is missing, or does not hold (RFC 6750).
    InvalidToken,
    /// The bearer token was not granted what is asked for (RFC 6750).
    InsufficientScope,
    /// What an app says of itself to be registered does not hold (RFC 7591).
    InvalidClientMetadata,
}

impl ErrorCode {
    /// Every code there is; each has a page that explains it.
    pub const ALL: [ErrorCode; 19] = [
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidClient,
        ErrorCode::InvalidGrant,
        ErrorCode::UnauthorizedClient,
        ErrorCode::UnsupportedGrantType,
        ErrorCode::UnsupportedResponseType,
        ErrorCode::InvalidScope,
        ErrorCode::AccessDenied,
        ErrorCode::InteractionRequired,
        ErrorCode::RequestNotSupported,
        ErrorCode::RequestUriNotSupported,
        ErrorCode::ServerError,
        ErrorCode::TemporarilyUnavailable,
        ErrorCode::UnknownClient,
        ErrorCode::InvalidRedirectUri,
        ErrorCode::FlowExpired,
        ErrorCode::InvalidToken,
        ErrorCode::InsufficientScope,
        ErrorCode::InvalidClientMetadata,
    ];

    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::InvalidRequest => "invalid_request",
            ErrorCode::InvalidClient => "invalid_client",
            ErrorCode::InvalidGrant => "invalid_grant",
            ErrorCode::UnauthorizedClient => "unauthorized_client",
            ErrorCode::UnsupportedGrantType => "unsupported_grant_type",
            ErrorCode::UnsupportedResponseType => "unsupported_response_type",
            ErrorCode::InvalidScope => "invalid_scope",
            ErrorCode::AccessDenied => "access_denied",
            ErrorCode::InteractionRequired => "interaction_required",
            ErrorCode::RequestNotSupported => "request_not_supported",
            ErrorCode::RequestUriNotSupported => "request_uri_not_supported",
            ErrorCode::ServerError => "server_error",
            ErrorCode::TemporarilyUnavailable => "temporarily_unavailable",
            ErrorCode::UnknownClient => "unknown_client",
            ErrorCode::InvalidRedirectUri => "invalid_redirect_uri",
            ErrorCode::FlowExpired => "flow_expired",
            ErrorCode::InvalidToken => "invalid_token",
            ErrorCode::InsufficientScope => "insufficient_scope",
            ErrorCode::InvalidClientMetadata => "invalid_client_metadata",
        }
    }

    /// The code with this word.
    pub fn of(word: &str) -> Option<ErrorCode> {
        ErrorCode::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// The HTTP status of an error that is answered directly (RFC 6749 section 5.2).
    pub fn status(self) -> u16 {
        match self {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => 401,
            ErrorCode::ServerError => 500,
            ErrorCode::TemporarilyUnavailable => 503,
            ErrorCode::AccessDenied | ErrorCode::InsufficientScope => 403,
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidGrant
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::UnsupportedResponseType
            | ErrorCode::InvalidScope
            | ErrorCode::InteractionRequired
            | ErrorCode::RequestNotSupported
            | ErrorCode::RequestUriNotSupported
            | ErrorCode::UnknownClient
            | ErrorCode::InvalidRedirectUri
            | ErrorCode::FlowExpired
            | ErrorCode::InvalidClientMetadata => 400,
        }
    }
}

/// An error of the authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthError {
    /// Which error.
    pub code: ErrorCode,
    /// What came, what was expected, how to mend it.
    pub description: Cow<'static, str>,
    /// Whether the client tried HTTP Basic, so that the answer must name that scheme (RFC 6749 section 5.2).
    pub challenge_basic: bool,
    /// What happened inside, for our log alone.
    pub private: Option<String>,
}

/// The body of a direct answer.
#[derive(Debug, Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
    error_uri: String,
}

impl OauthError {
    /// An error with its description.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> OauthError {
        OauthError { code, description: description.into(), challenge_basic: false, private: None }
    }

    /// The JSON body of a direct answer.
    pub fn body(&self, settings: &Settings) -> String {
        let body = Body {
            error: self.code.as_str(),
            error_description: &self.description,
            error_uri: error_uri(settings, self.code),
        };
        serde_json::to_string(&body).unwrap_or_else(|_| format!(r#"{{"error":"{}"}}"#, self.code.as_str()))
    }
}

impl From<crate::ports::Unavailable> for OauthError {
    fn from(why: crate::ports::Unavailable) -> OauthError {
        OauthError {
            code: ErrorCode::TemporarilyUnavailable,
            description: "The server cannot do this at the moment. Try again in a few seconds.".into(),
            challenge_basic: false,
            private: Some(why.0),
        }
    }
}

/// Where an error code is explained.
pub fn error_uri(settings: &Settings, code: ErrorCode) -> String {
    format!("{}{}", settings.at(ERRORS), code.as_str())
}

/// A caller's own word, fit to stand in a description: printable ASCII without quotes, shortened.
pub(crate) fn shown(word: &str) -> String {
    let fit: String = word
        .chars()
        .map(|letter| match letter {
            '"' | '\\' | '\'' => '?',
            ' '..='~' => letter,
            _outside => '?',
        })
        .take(SHOWN_CHARACTERS_MAX)
        .collect();
    if word.chars().count() > SHOWN_CHARACTERS_MAX { format!("'{fit}...'") } else { format!("'{fit}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_word() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::of(code.as_str()), Some(code));
        }
    }

    #[test]
    fn a_word_from_outside_is_shown_in_the_characters_that_a_description_may_have() {
        assert_eq!(shown("pass\"word\\\n\u{202e}x"), "'pass?word???x'");
        assert_eq!(shown(&"a".repeat(61)), format!("'{}...'", "a".repeat(60)));
    }
}
