//! Tokens that were looked at a moment ago, so that a signature is verified once and not with every request.
//!
//! Keeps facts, never decisions: what a genuine token stood for is held against the time and the grant each time it is used,
//! so that a revocation holds at once and no token outlives itself, nor the key that signed it: whenever keys change, every
//! token is looked at anew. Knows tokens by their digest alone; strangers' tokens have a place of their own and push no one else's out.

use certs::digest::sha256;
use moka::sync::Cache;
use privacy::Principal;
use smart::introspect::{Known, Why};
use smart::ports::Ports;
use smart::{Authority, introspect};
use std::sync::Arc;
use std::time::Duration;

/// Genuine tokens that are kept; about 1 KB each.
const KNOWN_MAX: u64 = 20_000;
/// How long one is kept that nobody sends.
const KNOWN_IDLE: Duration = Duration::from_secs(600);
/// Tokens that opened nothing and never will.
const REFUSED_MAX: u64 = 10_000;
/// How long such a one is kept.
const REFUSED_LIFE: Duration = Duration::from_secs(60);

type Digest = [u8; 32];

/// The tokens that are kept.
pub struct Tokens {
    known: Cache<Digest, Arc<Known>>,
    refused: Cache<Digest, Why>,
}

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens {
            known: Cache::builder().max_capacity(KNOWN_MAX).time_to_idle(KNOWN_IDLE).build(),
            refused: Cache::builder().max_capacity(REFUSED_MAX).time_to_live(REFUSED_LIFE).build(),
        }
    }
}

impl Tokens {
    /// The principal of a token.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn principal<P: Ports>(
        &self,
        authority: &Authority<P>,
        token: &str,
        now_s: i64,
    ) -> Result<Arc<Principal>, Why> {
        if token.len() > introspect::TOKEN_BYTES_MAX {
            return Err(Why::NotOurs);
        }
        let digest = sha256(token.as_bytes());
        if let Some(known) = self.known.get(&digest) {
            if let Some(principal) = authority.recall(&known, now_s) {
                return Ok(principal);
            }
            self.known.invalidate(&digest);
        }
        if let Some(why) = self.refused.get(&digest) {
            return Err(why);
        }
        match authority.introspect(token, now_s) {
            Ok(known) => {
                let known = Arc::new(known);
                self.known.insert(digest, Arc::clone(&known));
                Ok(Arc::clone(known.principal()))
            }
            // Neither becomes good again; a grant that is not known may only just be on its way into the table.
            Err(why @ (Why::NotOurs | Why::Expired)) => {
                self.refused.insert(digest, why);
                Err(why)
            }
            Err(why @ (Why::NoGrant | Why::Contradiction)) => Err(why),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::clock;
    use crate::keys::{KeyRing, Keys, State, Use};
    use crate::ports::Ports;
    use crate::published::{KeyFetcher, Network};
    use crate::records::Records;
    use fhir::{Id, ResourceType};
    use privacy::{Purpose, Role, Scopes};
    use smart::claims::AccessClaims;
    use smart::{Grant, Settings};
    use store::{Namespace, Options, Store};
    use tempfile::TempDir;

    const BASE: &str = "https://here/fhir";

    fn grant(id: &str) -> Grant {
        let patient = Id::parse("p1").unwrap();
        Grant {
            id: id.to_owned(),
            client: "reader".to_owned(),
            account: "account".to_owned(),
            username: "ana".to_owned(),
            role: Role::Patient,
            fhir_user: Some((ResourceType::Patient, patient.clone())),
            patient: Some(patient),
            launch: None,
            scopes: Scopes::parse("patient/Patient.rs"),
            purpose: Purpose::PatientRequest,
            session: None,
            created_s: 0,
            used_s: 0,
            expires_s: 10_000,
            generation: 0,
            secret: String::new(),
            revoked_s: None,
        }
    }

    fn token(keys: &KeyRing, grant: &str) -> String {
        let claims = AccessClaims {
            iss: BASE.to_owned(),
            sub: "account".to_owned(),
            aud: BASE.to_owned(),
            client_id: "reader".to_owned(),
            jti: "j".to_owned(),
            iat: 1_000,
            exp: 2_000,
            scope: "patient/Patient.rs".to_owned(),
            grant: grant.to_owned(),
            patient: Some("p1".to_owned()),
            fhir_user: None,
            purpose: "PATRQT".to_owned(),
        };
        keys.now().signing(Use::Access).unwrap().sign_jwt("at+jwt", &claims).unwrap()
    }

    async fn authority(dir: &TempDir) -> (Authority<Ports>, Arc<KeyRing>) {
        let store = Store::open(dir.path(), Options::new(clock::now())).await.unwrap();
        let json = serde_json::to_string(&grant("g1")).unwrap();
        store.documents().put(Namespace::Grant, "g1", json).await.unwrap();
        let folder = dir.path().join("keys");
        let keys = Keys::make(&folder).unwrap().ring;
        let (records, published) = (Arc::new(Records::Store(store.clone())), KeyFetcher::new(Network::default()));
        let ports = Ports::new(store, Arc::clone(&keys), records, published);
        let settings = Settings::new("https://here", &[ResourceType::Patient]);
        (Authority::open(settings, ports).await.unwrap(), keys)
    }

    #[tokio::test]
    async fn a_token_that_was_looked_at_ends_with_itself_and_with_its_grant() {
        let dir = tempfile::tempdir().unwrap();
        let (authority, key) = authority(&dir).await;
        let (tokens, token) = (Tokens::default(), token(&key, "g1"));
        let first = tokens.principal(&authority, &token, 1_500).unwrap();
        let again = tokens.principal(&authority, &token, 1_501).unwrap();
        assert!(Arc::ptr_eq(&first, &again), "the signature was verified once");
        let others = Tokens::default();
        assert!(others.principal(&authority, &token, 1_999).is_ok());
        assert_eq!(others.principal(&authority, &token, 2_005), Err(Why::Expired));
        assert_eq!(authority.end_grants(|grant| grant.id == "g1", 1_502).await, Ok(1));
        assert_eq!(tokens.principal(&authority, &token, 1_502), Err(Why::NoGrant));
    }

    #[tokio::test]
    async fn a_token_changed_in_one_character_is_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let (authority, key) = authority(&dir).await;
        let (tokens, good) = (Tokens::default(), token(&key, "g1"));
        assert!(tokens.principal(&authority, &good, 1_500).is_ok());
        let at = good.find('.').unwrap() + 5;
        let mut forged = good.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        for _ in 0..2 {
            assert_eq!(tokens.principal(&authority, &forged, 1_500), Err(Why::NotOurs));
        }
        assert!(tokens.principal(&authority, &good, 1_500).is_ok(), "strangers push nobody out");
        assert_eq!(tokens.principal(&authority, &token(&key, "g2"), 1_500), Err(Why::NoGrant));
    }

    #[tokio::test]
    async fn a_token_that_was_looked_at_ends_with_the_key_that_signed_it() {
        let dir = tempfile::tempdir().unwrap();
        let (authority, keys) = authority(&dir).await;
        let (tokens, old) = (Tokens::default(), token(&keys, "g1"));
        let signed = keys.now().signing(Use::Access).unwrap().kid().to_owned();
        assert!(tokens.principal(&authority, &old, 1_500).is_ok());
        keys.rotate(1_400, false).unwrap();
        keys.rotate(1_500, true).unwrap();
        assert_ne!(keys.now().signing(Use::Access).unwrap().kid(), signed);
        assert!(tokens.principal(&authority, &old, 1_500).is_ok(), "a former key's token holds until it runs out");
        assert!(tokens.principal(&authority, &token(&keys, "g1"), 1_500).is_ok());
        assert!(keys.retire(&signed, 1_500, false).is_err());
        keys.retire(&signed, 1_500, true).unwrap();
        assert_eq!(tokens.principal(&authority, &old, 1_500), Err(Why::NotOurs));
        assert!(keys.now().keys.iter().all(|held| held.state != State::Former || held.usage == Use::Identity));
    }
}
