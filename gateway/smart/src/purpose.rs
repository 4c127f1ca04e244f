//! The purpose of use that a request asserts: the parameter `purpose_of_use`, a code of HL7's v3 ActReason.
//!
//! Which purposes a client may act for is registered, and which of them are open to a person follows from their role; one of
//! them goes with each grant, and no token of it is ever for another. Where nothing is asserted, a person asks for what
//! people in their role ask for, and a client that acts for itself for the one purpose that it has, if it has one.

use crate::account::Account;
use crate::client::Client;
use crate::oauth_error::{ErrorCode, OauthError, shown};
use privacy::{Purpose, Role};

/// What the parameter is called.
pub(crate) const PARAMETER: &str = "purpose_of_use";

impl Client {
    /// What it may act for without a person: a patient's own request never is.
    pub fn own_purposes(&self) -> impl Iterator<Item = Purpose> {
        self.purposes.iter().copied().filter(|purpose| purpose.is_open_to(Role::System))
    }

    /// Whether it may act for this purpose, for this person.
    pub(crate) fn may_act_for(&self, purpose: Purpose, account: &Account) -> bool {
        self.purposes.contains(&purpose) && purpose.is_open_to(account.role)
    }
}

/// The purpose that a request asserts, if it does: one that the client is registered for.
///
/// # Errors
/// `invalid_request` for a code that is not known, `unauthorized_client` for one that is not registered.
pub(crate) fn asserted(code: Option<&str>, client: &Client) -> Result<Option<Purpose>, OauthError> {
    let Some(code) = code else { return Ok(None) };
    let purpose = code.parse::<Purpose>().map_err(|unknown| {
        let text = format!("{PARAMETER} was {}: {unknown}. {}", shown(code), registered(client.purposes.iter()));
        OauthError::new(ErrorCode::InvalidRequest, text)
    })?;
    if client.purposes.contains(&purpose) {
        return Ok(Some(purpose));
    }
    let text = format!("{PARAMETER} was {purpose}. {}", registered(client.purposes.iter()));
    Err(OauthError::new(ErrorCode::UnauthorizedClient, text))
}

/// What a client acts for that acts for itself.
///
/// # Errors
/// As [`asserted`]; `unauthorized_client` where it has no purpose that is open to it, `invalid_request` where it has several
/// and asserts none.
pub(crate) fn of_itself(code: Option<&str>, client: &Client) -> Result<Purpose, OauthError> {
    match asserted(code, client)? {
        Some(purpose) if purpose.is_open_to(Role::System) => return Ok(purpose),
        Some(purpose) => {
            let own: Vec<Purpose> = client.own_purposes().collect();
            let text = format!("{PARAMETER} was {purpose}, which needs the patient. {}", registered(own.iter()));
            return Err(OauthError::new(ErrorCode::UnauthorizedClient, text));
        }
        None => {}
    }
    let own: Vec<Purpose> = client.own_purposes().collect();
    match own.as_slice() {
        [only] => Ok(*only),
        [] => Err(OauthError::new(ErrorCode::UnauthorizedClient, NO_PURPOSE)),
        several => {
            let text = format!("{PARAMETER} is missing. {}", registered(several.iter()));
            Err(OauthError::new(ErrorCode::InvalidRequest, text))
        }
    }
}

/// Holds a purpose that is asserted once more against the one that was granted.
///
/// # Errors
/// `invalid_grant`: what was allowed for one purpose is never used for another.
pub(crate) fn repeated(code: Option<&str>, granted: Purpose) -> Result<(), OauthError> {
    match code {
        Some(code) if code != granted.code() => {
            let text = format!(
                "{PARAMETER} was {}; what was granted is for {granted}. Leave it out, or start the authorization again.",
                shown(code)
            );
            Err(OauthError::new(ErrorCode::InvalidGrant, text))
        }
        Some(_) | None => Ok(()),
    }
}

/// Which purposes could be asked for.
fn registered<'a>(purposes: impl Iterator<Item = &'a Purpose>) -> String {
    let codes: Vec<&str> = purposes.map(|purpose| purpose.code()).collect();
    if codes.is_empty() {
        return "The client is registered for none.".to_owned();
    }
    format!("The client is registered for {}. Send one of these.", codes.join(", "))
}

const NO_PURPOSE: &str = "The client is not registered for a purpose of its own, such as TREAT or HPAYMT. Whoever runs this server \
                          can change that.";
