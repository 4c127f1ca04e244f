//! What the authorization server needs from outside, on our store, keys and records.

use crate::clock;
use crate::keys::{KeyRing, Use};
use crate::published::{KeyFetcher, Network, ProviderCaller, read_uri};
use crate::records::Records;
use certs::statement::{self, Statement};
use certs::verify::{Expected, verify_jwt};
use fhir::{Id, ResourceType};
use privacy::Refusal;
use serde_json::{Map, Value};
use smart::claims::{AccessClaims, IdClaims};
use smart::ports::{
    Care, Crypto, Freshness, Kept, KeySets, NamedBy, Opened, Provider, Shelf, Signed, Space, Swap, TokenFault,
    Unavailable,
};
use std::sync::Arc;
use store::{Namespace, Store, StoreError};
use tokio::sync::Semaphore;

/// Passwords checked at the same time: each takes 19 MiB and a core.
const PASSWORDS_AT_ONCE: usize = 2;
/// Seconds by which our own clock may have been set back since a token was signed.
const LEEWAY_S: u32 = 5;

/// The ports, together.
pub struct Ports {
    store: Store,
    keys: Arc<KeyRing>,
    records: Arc<Records>,
    passwords: Arc<Semaphore>,
    published: KeyFetcher,
    provider: ProviderCaller,
}

impl Ports {
    /// On this store, these keys and these records; what clients publish is fetched as `published` does.
    pub fn new(store: Store, keys: Arc<KeyRing>, records: Arc<Records>, published: KeyFetcher) -> Ports {
        let provider = ProviderCaller::new(Network::default(), None);
        Ports { store, keys, records, passwords: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)), published, provider }
    }

    /// The same, with a login provider that is called so.
    pub fn with_provider(self, provider: ProviderCaller) -> Ports {
        Ports { provider, ..self }
    }

    fn sign(&self, usage: Use, typ: &str, claims: &impl serde::Serialize) -> Result<String, Unavailable> {
        let ring = self.keys.now();
        ring.signing(usage).map_err(unavailable)?.sign_jwt(typ, claims).map_err(unavailable)
    }
}

fn unavailable(why: impl std::fmt::Display) -> Unavailable {
    Unavailable(why.to_string())
}

fn refused(why: Refusal) -> Unavailable {
    unavailable(why.private().unwrap_or("no reason"))
}

fn kept<T>(result: Result<T, StoreError>) -> Result<T, Unavailable> {
    result.map_err(unavailable)
}

/// Each space of the authorization server is a namespace of the store.
fn namespace(space: Space) -> Namespace {
    match space {
        Space::Client => Namespace::Client,
        Space::Account => Namespace::Account,
        Space::Session => Namespace::Session,
        Space::Sessions => Namespace::Sessions,
        Space::SecondFactor => Namespace::SecondFactor,
        Space::HalfWay => Namespace::HalfWay,
        Space::Away => Namespace::Away,
        Space::Subject => Namespace::Subject,
        Space::Recovery => Namespace::Recovery,
        Space::Grant => Namespace::Grant,
        Space::Stops => Namespace::Stops,
        Space::Code => Namespace::Code,
        Space::Flow => Namespace::Flow,
        Space::Launch => Namespace::Launch,
        Space::Assertion => Namespace::Assertion,
    }
}

impl Shelf for Ports {
    async fn document(&self, space: Space, key: &str) -> Result<Option<Kept>, Unavailable> {
        let found = kept(self.store.documents().get(namespace(space), key).await)?;
        Ok(found.map(|document| Kept { json: document.json, revision: document.revision }))
    }

    async fn documents(&self, space: Space) -> Result<Vec<Kept>, Unavailable> {
        let found = kept(self.store.documents().list(namespace(space)).await)?;
        Ok(found.into_iter().map(|document| Kept { json: document.json, revision: document.revision }).collect())
    }

    async fn count_documents(&self, space: Space) -> Result<usize, Unavailable> {
        kept(self.store.documents().count(namespace(space)).await)
    }

    async fn swap_document(
        &self,
        space: Space,
        key: &str,
        expected: Option<u64>,
        json: String,
    ) -> Result<Swap, Unavailable> {
        let swap = kept(self.store.documents().compare_and_put(namespace(space), key, expected, json).await)?;
        Ok(match swap {
            store::Swap::Done(revision) => Swap::Done(revision),
            store::Swap::Stale => Swap::Stale,
        })
    }

    async fn remove_documents(&self, space: Space, keys: Vec<String>) -> Result<(), Unavailable> {
        kept(self.store.documents().delete_all(namespace(space), keys).await)
    }

    async fn put_ticket_once(
        &self,
        space: Space,
        key: &str,
        json: String,
        expires_s: i64,
    ) -> Result<bool, Unavailable> {
        let now_s = clock::now().seconds();
        kept(self.store.tickets().put_once(namespace(space), key, json, expires_s, now_s).await)
    }

    async fn replace_ticket(&self, space: Space, key: &str, json: String, expires_s: i64) -> Result<bool, Unavailable> {
        kept(self.store.tickets().replace(namespace(space), key, json, expires_s).await)
    }

    async fn ticket(&self, space: Space, key: &str) -> Result<Option<String>, Unavailable> {
        kept(self.store.tickets().get(namespace(space), key, clock::now().seconds()).await)
    }

    async fn take_ticket(&self, space: Space, key: &str) -> Result<Option<String>, Unavailable> {
        kept(self.store.tickets().take(namespace(space), key, clock::now().seconds()).await)
    }
}

impl Crypto for Ports {
    fn token(&self) -> String {
        certs::random::token()
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        certs::digest::sha256(bytes)
    }

    fn hmac_sha1(&self, key: &[u8], message: &[u8]) -> [u8; 20] {
        certs::digest::hmac_sha1(key, message)
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        certs::digest::hmac_sha256(key, message)
    }

    fn equal(&self, one: &[u8], other: &[u8]) -> bool {
        certs::digest::equal(one, other)
    }

    fn sign_access_token(&self, claims: &AccessClaims) -> Result<String, Unavailable> {
        self.sign(Use::Access, "at+jwt", claims)
    }

    fn sign_id_token(&self, claims: &IdClaims) -> Result<String, Unavailable> {
        self.sign(Use::Identity, "JWT", claims)
    }

    fn verify_access_token(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now_s: i64,
    ) -> Result<Map<String, Value>, TokenFault> {
        let expected = Expected { typ: "at+jwt", iss: issuer, aud: audience };
        match verify_jwt(token, &self.keys.now().verifying(now_s), &expected, now_s, LEEWAY_S) {
            Ok(claims) => Ok(claims.into_map()),
            Err(certs::Error::TokenExpired) => Err(TokenFault::Expired),
            Err(_) => Err(TokenFault::Invalid),
        }
    }

    fn open_token(&self, token: &str) -> Option<Opened> {
        statement::open(token).ok().map(|Statement { header, claims }| Opened { header, claims })
    }

    fn is_signed(&self, token: &str, key_set: &str) -> Signed {
        match statement::read_keys(key_set).and_then(|keys| statement::prove(token, &keys)) {
            Ok(()) => Signed::ByKey,
            Err(certs::Error::TokenKey) => Signed::NoSuchKey,
            Err(_) => Signed::NotByKey,
        }
    }

    fn is_signed_by_provider(&self, token: &str, key_set: &str) -> Signed {
        match statement::read_provider_keys(key_set).and_then(|keys| statement::prove_id_token(token, &keys)) {
            Ok(()) => Signed::ByKey,
            Err(certs::Error::TokenKey) => Signed::NoSuchKey,
            Err(_) => Signed::NotByKey,
        }
    }

    fn is_key_set(&self, key_set: &str) -> bool {
        statement::read_keys(key_set).is_ok_and(|keys| !keys.is_empty())
    }

    fn public_keys(&self) -> Vec<Value> {
        self.keys.now().published()
    }

    fn key_generation(&self) -> u64 {
        self.keys.now().generation
    }

    async fn password_holds(&self, password: &str, phc: Option<&str>) -> Result<bool, Unavailable> {
        let place = Arc::clone(&self.passwords).acquire_owned().await.map_err(unavailable)?;
        let (password, known) = (password.to_owned(), phc.is_some());
        let phc = phc.unwrap_or(certs::password::DUMMY).to_owned();
        // The work goes on where its caller has gone, and so does its place.
        let checked = tokio::task::spawn_blocking(move || {
            let _place = place;
            certs::password::verify(&password, &phc)
        });
        Ok(checked.await.map_err(unavailable)? && known)
    }

    async fn password_hash(&self, password: &str) -> Result<String, Unavailable> {
        let place = Arc::clone(&self.passwords).acquire_owned().await.map_err(unavailable)?;
        let password = certs::Zeroizing::new(password.to_owned());
        let hashed = tokio::task::spawn_blocking(move || {
            let _place = place;
            certs::password::hash(&password)
        });
        hashed.await.map_err(unavailable)?.map_err(unavailable)
    }
}

impl Provider for Ports {
    async fn configuration(&self, issuer: &str) -> Result<Arc<str>, Unavailable> {
        self.provider.configuration(issuer).await.map_err(unavailable)
    }

    async fn redeem(&self, endpoint: &str, form: &[(&str, &str)]) -> Result<String, Unavailable> {
        let answer = self.provider.redeem(endpoint, form).await;
        answer.map_err(|why| {
            tracing::warn!(why, "a code of the login provider was not redeemed");
            unavailable(why)
        })
    }
}

impl KeySets for Ports {
    fn may_publish_at(&self, uri: &str) -> bool {
        read_uri(uri).is_ok()
    }

    async fn key_set(&self, client_id: &str, at: (&str, NamedBy), fresh: Freshness) -> Result<Arc<str>, Unavailable> {
        self.published.key_set(client_id, at, fresh).await.map_err(unavailable)
    }
}

impl Care for Ports {
    async fn patients_in_care_of(&self, practitioner: &Id) -> Result<Vec<Id>, Unavailable> {
        self.records.patients_in_care_of(practitioner).await.map_err(refused)
    }

    async fn is_about(&self, kind: ResourceType, id: &Id, patient: &Id) -> Result<bool, Unavailable> {
        self.records.is_about(kind, id, patient).await.map_err(refused)
    }
}
