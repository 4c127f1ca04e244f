//! The parameters of a request: bounded, each at most once, empty ones as if they had not been sent.
//!
//! RFC 6749 sections 3.1 and 3.2.

use crate::authorize::unusable;
use crate::oauth_error::OauthError;

/// Parameters in one request; a launch has a dozen.
const COUNT_MAX: usize = 64;
/// Bytes of one value: a scope of 200 words, or a token.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// The parameters of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<'a>(&'a [(String, String)]);

/// A parameter that is there more often than once, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    Repeated,
    TooLong,
}

impl<'a> Parameters<'a> {
    pub(crate) fn new(pairs: &'a [(String, String)]) -> Parameters<'a> {
        Parameters(pairs)
    }

    /// The value of a parameter that may be absent.
    pub(crate) fn get(self, name: &str) -> Result<Option<&'a str>, Unusable> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Unusable::Repeated),
            (Some(value), None) if value.len() > VALUE_BYTES_MAX => Err(Unusable::TooLong),
            (Some(value), None) => Ok(Some(value).filter(|value| !value.is_empty())),
            (None, _) => Ok(None),
        }
    }

    /// The same, when each can be used.
    ///
    /// # Errors
    /// `invalid_request` with the name of some parameter that makes the whole request unusable.
    pub(crate) fn usable(self) -> Result<Parameters<'a>, OauthError> {
        if self.0.len() > COUNT_MAX {
            return Err(unusable("parameters", Unusable::TooLong));
        }
        match self.0.iter().find_map(|(name, _)| self.get(name).err().map(|why| (name, why))) {
            Some((name, why)) => Err(unusable(name, why)),
            None => Ok(self),
        }
    }
}
