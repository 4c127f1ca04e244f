//! An access token, turned back into the principal who may use it.
//!
//! The token must be ours and alive, and its grant must be known, alive and the same in every claim. A claim that is
//! missing, of another type or of another value is refused: no change to a token ever widens what it opens.
//!
//! Looking at a signature takes longer than all the rest of a request, so what was found may be kept: as [`Known`], which
//! opens nothing by itself and is held against the time and the grant whenever it is used.

use crate::authority::Authority;
use crate::grant::Grant;
use crate::ports::{Ports, TokenFault};
use privacy::scope::SCOPES_MAX;
use privacy::{Principal, Role, Scopes, Subject};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Bytes of an access token that is looked at; ours have about one thousand.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It is not ours, or not for us.
    NotOurs,
    /// It has run out.
    Expired,
    /// Its grant was revoked, has ended or is not known.
    NoGrant,
    /// It does not say what its grant says.
    Contradiction,
}

/// What a genuine token was found to stand for, by its grant as that was then.
pub struct Known {
    principal: Arc<Principal>,
    grant: Arc<Grant>,
    from_s: i64,
    until_s: i64,
    /// By which keys it was found genuine.
    keys: u64,
}

impl Known {
    /// The grant that it was issued on.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// When it was issued and when it runs out, in seconds since 1970; nothing of one that does not say so.
    pub(crate) fn times_s(&self) -> Option<(i64, i64)> {
        (self.from_s < self.until_s).then_some((self.from_s, self.until_s))
    }

    /// Whom it stands for at the time it was looked at.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }
}

impl<P: Ports> Authority<P> {
    /// The principal of a bearer token. Looks at memory alone.
    ///
    /// # Errors
    /// [`Why`] it opens nothing.
    pub fn principal(&self, token: &str, now_s: i64) -> Result<Principal, Why> {
        self.introspect(token, now_s).map(|known| Arc::unwrap_or_clone(known.principal))
    }

    /// Whom a token that was looked at before still stands for: it is within its own times, and its grant is alive and has
    /// not changed in anything, nor have our keys. Otherwise nothing, and the token is to be looked at anew.
    pub fn recall(&self, known: &Known, now_s: i64) -> Option<Arc<Principal>> {
        let grant = self.grants.find(&known.grant.id)?;
        let same =
            Arc::ptr_eq(&grant, &known.grant) && grant.is_alive(now_s) && known.keys == self.ports.key_generation();
        (same && (known.from_s..known.until_s).contains(&now_s)).then(|| Arc::clone(&known.principal))
    }

    /// Looks at a bearer token whole.
    ///
    /// # Errors
    /// [`Why`] it opens nothing.
    pub fn introspect(&self, token: &str, now_s: i64) -> Result<Known, Why> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Why::NotOurs);
        }
        let base = &self.settings.fhir_base;
        // Before the signature is looked at: keys that change meanwhile make it be looked at once more.
        let keys = self.ports.key_generation();
        let claims =
            self.ports.verify_access_token(token, self.settings.issuer(), base, now_s).map_err(|why| match why {
                TokenFault::Invalid => Why::NotOurs,
                TokenFault::Expired => Why::Expired,
            })?;
        let grant = text(&claims, "grant").ok_or(Why::Contradiction)?;
        let grant = self.grants.find(grant).ok_or(Why::NoGrant)?;
        let principal = Arc::new(principal_of(&claims, &grant, base, now_s)?);
        // A token that does not say its times is looked at anew each time.
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        let (from_s, until_s) = time("iat").zip(time("exp")).unwrap_or((i64::MAX, i64::MIN));
        Ok(Known { principal, grant, from_s, until_s, keys })
    }
}

/// The principal of verified claims, by the grant they name.
///
/// # Errors
/// [`Why`] they open nothing.
pub fn principal_of(claims: &Map<String, Value>, grant: &Grant, fhir_base: &str, now_s: i64) -> Result<Principal, Why> {
    if !grant.is_alive(now_s) {
        return Err(Why::NoGrant);
    }
    let patient = grant.patient.as_ref().map(|id| id.as_str());
    let fhir_user = grant.fhir_user_address(fhir_base);
    let subject = match grant.role {
        // Without a person there is no patient in context either.
        Role::System if patient.is_none() && fhir_user.is_none() => Subject::Everyone,
        Role::System => return Err(Why::Contradiction),
        Role::Patient | Role::Representative | Role::Clinician => {
            grant.patient.clone().map_or(Subject::Nobody, Subject::Patient)
        }
        Role::PrivacyOfficer | Role::Administrator | Role::Integrator => return Err(Why::Contradiction),
    };
    let same = text(claims, "grant") == Some(grant.id.as_str())
        && text(claims, "client_id") == Some(grant.client.as_str())
        && text(claims, "sub") == Some(grant.account.as_str())
        && text(claims, "purpose") == Some(grant.purpose.code())
        && optional(claims, "patient") == Some(patient)
        && optional(claims, "fhirUser").is_some_and(|named| named.is_none() || named == fhir_user.as_deref());
    let scopes = text(claims, "scope").and_then(whole).filter(|scopes| grant.scopes.cover(scopes));
    match scopes {
        Some(scopes) if same => Ok(Principal {
            client: grant.client.clone(),
            grant: grant.id.clone(),
            account: grant.account.clone(),
            fhir_user: grant.fhir_user.clone(),
            role: grant.role,
            purpose: grant.purpose,
            scopes,
            subject,
        }),
        Some(_) | None => Err(Why::Contradiction),
    }
}

/// A claim that must be a text.
fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// A claim that may be absent but must be a text when it is there; the outer `None` means that it is something else.
fn optional<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<Option<&'a str>> {
    match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    }
}

/// The scopes, when every word is one.
fn whole(scope: &str) -> Option<Scopes> {
    let words: Vec<&str> = scope.split(' ').collect();
    let scopes = Scopes::parse(scope);
    (words.len() <= SCOPES_MAX && scopes.iter().count() == words.len()).then_some(scopes)
}
