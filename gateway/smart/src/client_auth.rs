//! How an app proves that it is itself: HTTP Basic, a secret in the form, a signed assertion, or nothing for a public one.
//! One way at a time (RFC 6749 section 2.3).
//!
//! RFC 6749 section 2.3.1 wants id and secret form-encoded inside Basic; half of the apps send them raw. Both are read.

use crate::authority::Authority;
use crate::client::{Client, ClientKind};
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError};
use crate::parameters::Parameters;
use crate::ports::Ports;
use crate::token::missing;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

/// Bytes of an `Authorization` header that is read.
const HEADER_BYTES_MAX: usize = 4096;

impl<P: Ports> Authority<P> {
    /// The client of a request at the token, revocation or introspection endpoint, proven and enabled.
    pub(crate) async fn proven_client(
        &self,
        authorization: Option<&str>,
        parameters: Parameters<'_>,
        now_s: i64,
    ) -> Result<Client, OauthError> {
        let of = |name: &str| parameters.get(name).ok().flatten();
        let (id, secret) = (of("client_id"), of("client_secret"));
        match (of("client_assertion_type"), of("client_assertion")) {
            (None, None) => {}
            (Some(_), None) => return Err(missing("client_assertion")),
            (None, Some(_)) => return Err(missing("client_assertion_type")),
            (Some(_), Some(_)) if authorization.is_some() || secret.is_some() => {
                let text = "A client assertion came together with a secret. A client proves itself in one way.";
                return Err(OauthError::new(ErrorCode::InvalidRequest, text));
            }
            (Some(kind), Some(assertion)) => return self.asserted_client(kind, assertion, id, now_s).await,
        }
        match authorization {
            None => {
                let id =
                    id.ok_or_else(|| unproven(false, "The request names no client. Send client_id, or HTTP Basic."))?;
                self.checked(id, secret).await?.ok_or_else(|| unproven(false, WRONG_FORM))
            }
            Some(_) if secret.is_some() => Err(OauthError::new(
                ErrorCode::InvalidRequest,
                "A client secret came both in the Authorization header and in the form. Use one of them.",
            )),
            Some(header) => {
                for (named, secret) in basic(header).ok_or_else(|| unproven(true, UNREADABLE_BASIC))? {
                    let Some(client) = self.checked(&named, Some(secret.as_str())).await? else { continue };
                    if id.is_some_and(|id| id != client.client_id) {
                        let text = "client_id in the form names another client than the Authorization header.";
                        return Err(OauthError::new(ErrorCode::InvalidRequest, text));
                    }
                    return Ok(client);
                }
                Err(unproven(true, WRONG_BASIC))
            }
        }
    }

    /// The client that a request says it is of, by whatever it says so: nothing of that is proven. An id that is written
    /// form-encoded (RFC 6749 section 2.3.1) counts as what it says, however it is spelled.
    pub fn claimed_client(&self, authorization: Option<&str>, form: &[(String, String)]) -> Option<String> {
        let of = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if let Some((scheme, token)) = authorization.and_then(|header| header.split_once(' '))
            && scheme.eq_ignore_ascii_case("bearer")
        {
            return self.client_of_token(token.trim());
        }
        let basic = authorization.and_then(basic).and_then(|ways| ways.into_iter().next_back()).map(|(id, _)| id);
        let asserted = || {
            let claims = self.ports.open_token(of("client_assertion")?)?.claims;
            Some(claims.get("iss")?.as_str()?.to_owned())
        };
        basic.or_else(asserted).or_else(|| of("client_id").map(str::to_owned))
    }

    /// The client that an access token names; nothing of that is proven.
    pub fn client_of_token(&self, token: &str) -> Option<String> {
        Some(self.ports.open_token(token)?.claims.get("client_id")?.as_str()?.to_owned())
    }

    /// The client, when it is enabled and the secret is right for its kind.
    async fn checked(&self, id: &str, secret: Option<&str>) -> Result<Option<Client>, OauthError> {
        let secret = secret.filter(|secret| !secret.is_empty());
        let Some(client) = self.live_client(id).await? else { return Ok(None) };
        let right = match (&client.proof, secret) {
            _ if self.meets(id, Mishap::Secret) => false,
            (ClientKind::Public, None) => true,
            (ClientKind::ConfidentialSymmetric { secret_sha256 }, Some(secret)) => {
                let made = Client::secret_sha256(&self.ports, secret);
                self.ports.equal(made.as_bytes(), secret_sha256.as_bytes())
            }
            (ClientKind::Public, Some(_))
            | (ClientKind::ConfidentialSymmetric { .. }, None)
            | (ClientKind::ConfidentialAsymmetric { .. }, _) => false,
        };
        Ok(right.then_some(client))
    }
}

const WRONG_FORM: &str = "The client is not known, is switched off, or did not prove itself. A confidential client sends its \
                          client_secret, by HTTP Basic or in the form, or a client_assertion where it registered keys; a public client \
                          sends none of them.";
const WRONG_BASIC: &str = "The client in the Authorization header is not known, is switched off, or its secret is wrong. Id and \
                           secret were tried as they came and form-decoded.";
const UNREADABLE_BASIC: &str = "The Authorization header cannot be read. Send Basic and the base64 of id, colon, secret; or leave \
                                the header out and send client_id in the form.";

fn unproven(challenge_basic: bool, text: &'static str) -> OauthError {
    OauthError { challenge_basic, ..OauthError::new(ErrorCode::InvalidClient, text) }
}

/// Id and secret of a Basic header: as they are, and form-decoded where that is something else.
fn basic(header: &str) -> Option<Vec<(String, String)>> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let raw = (id.to_owned(), secret.to_owned());
    let decoded = (form_decoded(id), form_decoded(secret));
    Some(if raw == decoded { vec![raw] } else { vec![raw, decoded] })
}

/// One value of a form, decoded.
fn form_decoded(text: &str) -> String {
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn basic_is_read_raw_and_form_decoded() {
        assert_eq!(
            basic(&header("app:se+cr%2Fet=&")),
            Some(vec![("app".to_owned(), "se+cr%2Fet=&".to_owned()), ("app".to_owned(), "se cr/et=&".to_owned()),])
        );
        assert_eq!(basic(&header("app:plain:with:colons")).map(|all| all.len()), Some(1));
        assert_eq!(basic(&header("no colon")), None);
        assert_eq!(basic("Bearer abc"), None);
        assert_eq!(basic("Basic ***"), None);
    }
}
