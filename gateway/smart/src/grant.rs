//! What a person granted to an app, or a backend service got for itself, and the table of grants that every request is checked against.
//!
//! A grant is written to the shelf first and to the table after; a request looks at the table alone. What is not in the
//! table does not exist: a token without a known grant is refused.

use crate::launch::LaunchContext;
use crate::stored;
use fhir::{Id, ResourceType};
use privacy::scope::Scope;
use privacy::{Purpose, Role, Scopes};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What a person granted to an app, or a backend service got for itself. Times in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Made from the code's digest, so that a code used twice finds what it made; a backend service's is random.
    pub id: String,
    /// The app.
    pub client: String,
    /// The account, by its opaque id; the app itself where there is no person (RFC 9068 section 2.2).
    pub account: String,
    /// The account, by the name under which it is kept; empty where there is no person.
    pub username: String,
    /// What kind of person.
    #[serde(with = "stored::role")]
    pub role: Role,
    /// The person as a resource, where there is one.
    #[serde(with = "stored::maybe_fhir_user")]
    pub fhir_user: Option<(ResourceType, Id)>,
    /// The patient in context.
    #[serde(with = "stored::maybe_id")]
    pub patient: Option<Id>,
    /// What the EHR that opened the app said; it is told with each of its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<LaunchContext>,
    /// What was granted.
    #[serde(with = "stored::scopes")]
    pub scopes: Scopes,
    /// Why.
    #[serde(with = "stored::purpose")]
    pub purpose: Purpose,
    /// The digest of the session that it lives and ends with (`online_access`); nothing of one that stands by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When it was granted.
    pub created_s: i64,
    /// When it was last renewed.
    pub used_s: i64,
    /// When it ends.
    pub expires_s: i64,
    /// How many times its refresh token has been renewed.
    pub generation: u64,
    /// The key of its refresh tokens, base64url.
    pub secret: String,
    /// When it was revoked.
    pub revoked_s: Option<i64>,
}

impl Grant {
    /// Whether it holds at this time.
    pub fn is_alive(&self, now_s: i64) -> bool {
        self.revoked_s.is_none() && now_s < self.expires_s
    }

    /// Whether its app can get further tokens.
    pub(crate) fn can_be_renewed(&self) -> bool {
        self.session.is_some() || self.scopes.has(Scope::OfflineAccess)
    }

    /// The person as an absolute address.
    pub(crate) fn fhir_user_address(&self, fhir_base: &str) -> Option<String> {
        self.fhir_user.as_ref().map(|(kind, id)| format!("{fhir_base}/{}/{id}", kind.as_str()))
    }
}

/// The grants in memory, each at the newest revision seen.
#[derive(Default)]
pub(crate) struct GrantTable(RwLock<HashMap<String, (u64, Arc<Grant>)>>);

impl GrantTable {
    /// The grant with this id, alive or not.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Grant>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).map(|(_, grant)| Arc::clone(grant))
    }

    /// Whether there is one of this id that holds now.
    pub(crate) fn holds(&self, id: &str, now_s: i64) -> bool {
        self.find(id).is_some_and(|grant| grant.is_alive(now_s))
    }

    /// Notes what was just written. A write that was overtaken by a later one changes nothing: a revocation stays.
    pub(crate) fn note(&self, grant: Grant, revision: u64) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match table.get(&grant.id) {
            Some((known, _)) if *known >= revision => {}
            Some(_) | None => {
                table.insert(grant.id.clone(), (revision, Arc::new(grant)));
            }
        }
    }

    /// Forgets what has ended by itself, and gives it.
    pub(crate) fn forget_ended(&self, now_s: i64) -> Vec<Arc<Grant>> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.extract_if(|_, (_, grant)| now_s >= grant.expires_s).map(|(_, (_, grant))| grant).collect()
    }

    /// The grants that hold now.
    pub(crate) fn alive(&self, now_s: i64) -> Vec<Arc<Grant>> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.values().filter(|(_, grant)| grant.is_alive(now_s)).map(|(_, grant)| Arc::clone(grant)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(revoked_s: Option<i64>) -> Grant {
        Grant {
            id: "g".to_owned(),
            client: "reader".to_owned(),
            account: "a".to_owned(),
            username: "ana".to_owned(),
            role: Role::Patient,
            fhir_user: Some((ResourceType::Patient, crate::trial::id("ana"))),
            patient: None,
            launch: None,
            scopes: Scopes::default(),
            purpose: Purpose::PatientRequest,
            session: None,
            created_s: 0,
            used_s: 0,
            expires_s: 100,
            generation: 0,
            secret: String::new(),
            revoked_s,
        }
    }

    #[test]
    fn a_write_that_was_overtaken_does_not_undo_a_revocation() {
        let table = GrantTable::default();
        table.note(grant(Some(1)), 7);
        table.note(grant(None), 6);
        assert!(table.find("g").is_some_and(|grant| !grant.is_alive(2)));
        assert!(table.alive(2).is_empty());
    }

    #[test]
    fn a_grant_is_forgotten_when_it_has_ended_and_not_before() {
        let table = GrantTable::default();
        table.note(grant(None), 1);
        table.forget_ended(99);
        assert_eq!(table.alive(99).len(), 1);
        table.forget_ended(100);
        assert!(table.find("g").is_none());
    }
}
