//! Refresh tokens: renewed at every use, told again for a minute, and the end of the grant when used twice.
//!
//! A token is the grant's id, a generation and an HMAC of both under the grant's own secret, so nothing about tokens is
//! stored and the successor of a lost answer can be told again (RFC 9700 section 4.14, without the lost-answer trouble).

use crate::authority::Authority;
use crate::client::Client;
use crate::grant::Grant;
use crate::mishap::Mishap;
use crate::oauth_error::{ErrorCode, OauthError, shown};
use crate::offer;
use crate::ports::{Ports, Swap, Unavailable};
use crate::purpose;
use crate::settings::{REFRESH_RETRY_S, REFRESH_S};
use crate::token::{Tokens, invalid_grant, missing, signed_out};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use privacy::Scopes;
use privacy::scope::Scope;

/// Bytes of a grant's id and of an HMAC.
const DIGEST_BYTES: usize = 32;
/// Bytes of a token before base64url: id, generation, HMAC.
const TOKEN_BYTES: usize = DIGEST_BYTES + 8 + DIGEST_BYTES;
/// Times that a renewal is tried again when others were quicker; after one of them won, the others tell its successor.
const SWAPS_MAX: usize = 8;

/// A refresh token, taken apart.
pub(crate) struct Refresh {
    pub(crate) grant: String,
    generation: u64,
    mac: Vec<u8>,
}

impl Refresh {
    /// Reads a token; `None` when it has not the form of one of ours.
    pub(crate) fn read(token: &str) -> Option<Refresh> {
        // 96 characters of base64url hold exactly the 72 bytes.
        if token.len() != TOKEN_BYTES / 3 * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, rest) = bytes.split_at_checked(DIGEST_BYTES)?;
        let (generation, mac) = rest.split_first_chunk::<8>()?;
        let grant = URL_SAFE_NO_PAD.encode(id);
        Some(Refresh { grant, generation: u64::from_be_bytes(*generation), mac: mac.to_vec() })
    }
}

impl<P: Ports> Authority<P> {
    pub(crate) async fn refresh(
        &self,
        client: &Client,
        token: Option<&str>,
        (scope, purpose): (Option<&str>, Option<&str>),
        now_s: i64,
    ) -> Result<Tokens, OauthError> {
        let token = Refresh::read(token.ok_or_else(|| missing("refresh_token"))?).ok_or_else(unknown)?;
        let id = client.client_id.as_str();
        for _ in 0..SWAPS_MAX {
            let found = self.kept_grant(&token.grant).await?.filter(|_| !self.meets(id, Mishap::Code));
            let (grant, revision) = found.ok_or_else(unknown)?;
            if !self.is_genuine(&token, &grant)? || grant.client != client.client_id {
                return Err(unknown());
            }
            let over = self.meets(id, Mishap::RefreshExpired) || self.meets(id, Mishap::Revoked);
            if over || !grant.is_alive(now_s) || !grant.can_be_renewed() {
                return Err(invalid_grant(
                    "The grant was revoked or has run out. The person must authorize the app again.",
                ));
            }
            let retold =
                token.generation.checked_add(1) == Some(grant.generation) && now_s - grant.used_s <= REFRESH_RETRY_S;
            if token.generation != grant.generation && !retold {
                self.end_grant(&grant.id, now_s).await?;
                return Err(invalid_grant(
                    "This refresh token was used before, so the grant was revoked. Keep only the newest one; the person \
                     must authorize the app again.",
                ));
            }
            purpose::repeated(purpose, grant.purpose)?;
            let who = (grant.username.as_str(), grant.account.as_str());
            let account = self.still_allowed(client, who, grant.patient.as_ref(), grant.purpose).await?;
            if !self.session_holds(&grant, &account, now_s).await? {
                return Err(self.ended(&grant, signed_out(), now_s).await?);
            }
            // The registration may have become narrower since; a grant never outlives it.
            let nothing = self.meets(id, Mishap::TokenScope);
            let granted = offer::offer(&grant.scopes, &client.scopes, &self.settings.served);
            let granted = if nothing { Scopes::default() } else { granted };
            let scopes = narrower(&granted, scope.or(nothing.then_some("")))?;
            if retold {
                return Ok(self.renewed(&grant, &scopes, now_s)?);
            }
            // One that lives with a session ends with it; any other lives on for as long again.
            let expires_s = if grant.session.is_some() { grant.expires_s } else { now_s + REFRESH_S };
            let next = Grant { generation: grant.generation + 1, used_s: now_s, expires_s, ..grant };
            match self.swap_grant(&next, Some(revision)).await? {
                Swap::Done(_) => return Ok(self.renewed(&next, &scopes, now_s)?),
                Swap::Stale => {}
            }
        }
        Err(Unavailable("others keep changing the same grant".to_owned()).into())
    }

    /// The newest refresh token of a grant.
    pub(crate) fn refresh_token(&self, grant: &Grant) -> Result<String, Unavailable> {
        let (id, mac) = self.mac(grant, grant.generation)?;
        Ok(URL_SAFE_NO_PAD.encode([&id[..], &grant.generation.to_be_bytes()[..], &mac[..]].concat()))
    }

    /// Whether we made this token, at some time, for this grant.
    pub(crate) fn is_genuine(&self, token: &Refresh, grant: &Grant) -> Result<bool, Unavailable> {
        let (_, mac) = self.mac(grant, token.generation)?;
        Ok(token.generation <= grant.generation && self.ports.equal(&mac, &token.mac))
    }

    fn renewed(&self, grant: &Grant, scopes: &Scopes, now_s: i64) -> Result<Tokens, Unavailable> {
        let refresh_token = Some(self.refresh_token(grant)?);
        Ok(Tokens { refresh_token, ..self.access(grant, scopes, now_s)? })
    }

    fn mac(&self, grant: &Grant, generation: u64) -> Result<(Vec<u8>, [u8; DIGEST_BYTES]), Unavailable> {
        let damaged = |_| Unavailable("a kept grant has an id or a secret that is not base64url".to_owned());
        let id = URL_SAFE_NO_PAD.decode(&grant.id).map_err(damaged)?;
        let secret = URL_SAFE_NO_PAD.decode(&grant.secret).map_err(damaged)?;
        let mac = self.ports.hmac_sha256(&secret, &[&id[..], &generation.to_be_bytes()[..]].concat());
        Ok((id, mac))
    }
}

/// The same scopes or fewer, as asked for (RFC 6749 section 6). A word that is not understood was not granted.
fn narrower(granted: &Scopes, asked: Option<&str>) -> Result<Scopes, OauthError> {
    let Some(asked) = asked else { return Ok(granted.clone()) };
    let understood = asked.split(' ').filter(|word| !word.is_empty()).all(|word| word.parse::<Scope>().is_ok());
    let scopes = Scopes::parse(asked);
    if understood && !scopes.is_empty() && granted.cover(&scopes) {
        return Ok(scopes);
    }
    Err(OauthError::new(
        ErrorCode::InvalidScope,
        format!(
            "scope was {}; a refresh may ask for what was granted or less. Leave scope out to get all of it.",
            shown(asked)
        ),
    ))
}

fn unknown() -> OauthError {
    invalid_grant(
        "The refresh token is not known here, or belongs to another client. The person must authorize the app again.",
    )
}
