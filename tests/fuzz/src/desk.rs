//! The authorization server's ports in memory, for one thread: a shelf, and digests and signatures that are quick and toys.
//!
//! Protects nothing. What a digest is for (one preimage found by chance) is beyond a fuzzer even with these.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role, Scopes};
use serde_json::{Map, Value};
use smart::claims::{AccessClaims, IdClaims};
use smart::ports::{
    Care, Crypto, Freshness, Kept, KeySets, NamedBy, Opened, Provider, Shelf, Signed, Space, Swap, TokenFault,
    Unavailable,
};
use smart::{Account, Authority, Client, ClientKind, Settings};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// The time of everything, in seconds since 1970.
pub const NOW: i64 = 1_800_000_000;
/// The FHIR base, and so issuer and audience.
pub const BASE: &str = "https://localhost:8443/fhir";
/// Where the apps are answered.
pub const REDIRECT: &str = "http://127.0.0.1:8000/cb";
/// What the public app proves itself with.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The secret of the confidential app.
pub const SECRET: &str = "a secret/with+signs";

/// Checks an access token's signature and times and gives its claims.
pub type Verify = fn(token: &str, issuer: &str, audience: &str, now_s: i64) -> Result<Map<String, Value>, TokenFault>;

/// The ports.
pub struct Desk {
    documents: Mutex<BTreeMap<(Space, String), Kept>>,
    tickets: Mutex<BTreeMap<(Space, String), String>>,
    randomness: AtomicU64,
    verify: Verify,
}

impl Desk {
    /// Empty, with a way to verify access tokens.
    pub fn new(verify: Verify) -> Desk {
        let (documents, tickets) = (Mutex::default(), Mutex::default());
        Desk { documents, tickets, randomness: AtomicU64::new(0), verify }
    }

    /// Puts a document on the shelf before anyone looks.
    pub fn with(self, space: Space, key: &str, json: String) -> Desk {
        self.documents.lock().expect("one thread").insert((space, key.to_owned()), Kept { json, revision: 1 });
        self
    }
}

/// Takes no access token at all.
pub fn none(_: &str, _: &str, _: &str, _: i64) -> Result<Map<String, Value>, TokenFault> {
    Err(TokenFault::Invalid)
}

/// 32 bytes that depend on all of a text.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (lane, eight) in out.chunks_mut(8).enumerate() {
        let begun = 0xcbf2_9ce4_8422_2325u64 ^ (lane as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = bytes
            .iter()
            .fold(begun, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3).rotate_left(5));
        eight.copy_from_slice(&mixed.to_be_bytes());
    }
    out
}

impl Shelf for Desk {
    async fn document(&self, space: Space, key: &str) -> Result<Option<Kept>, Unavailable> {
        Ok(self.documents.lock().expect("one thread").get(&(space, key.to_owned())).cloned())
    }

    async fn documents(&self, space: Space) -> Result<Vec<Kept>, Unavailable> {
        let documents = self.documents.lock().expect("one thread");
        Ok(documents.iter().filter(|((of, _), _)| *of == space).map(|(_, kept)| kept.clone()).collect())
    }

    async fn count_documents(&self, _: Space) -> Result<usize, Unavailable> {
        Ok(0)
    }

    async fn swap_document(
        &self,
        space: Space,
        key: &str,
        expected: Option<u64>,
        json: String,
    ) -> Result<Swap, Unavailable> {
        let mut documents = self.documents.lock().expect("one thread");
        let known = documents.get(&(space, key.to_owned())).map(|kept| kept.revision);
        if known != expected {
            return Ok(Swap::Stale);
        }
        let revision = known.unwrap_or(0) + 1;
        documents.insert((space, key.to_owned()), Kept { json, revision });
        Ok(Swap::Done(revision))
    }

    async fn remove_documents(&self, space: Space, keys: Vec<String>) -> Result<(), Unavailable> {
        let mut documents = self.documents.lock().expect("one thread");
        keys.into_iter().for_each(|key| drop(documents.remove(&(space, key))));
        Ok(())
    }

    async fn put_ticket_once(&self, space: Space, key: &str, json: String, _: i64) -> Result<bool, Unavailable> {
        let mut tickets = self.tickets.lock().expect("one thread");
        let is_new = !tickets.contains_key(&(space, key.to_owned()));
        if is_new {
            tickets.insert((space, key.to_owned()), json);
        }
        Ok(is_new)
    }

    async fn replace_ticket(&self, space: Space, key: &str, json: String, _: i64) -> Result<bool, Unavailable> {
        let mut tickets = self.tickets.lock().expect("one thread");
        Ok(tickets.get_mut(&(space, key.to_owned())).map(|ticket| *ticket = json).is_some())
    }

    async fn ticket(&self, space: Space, key: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.tickets.lock().expect("one thread").get(&(space, key.to_owned())).cloned())
    }

    async fn take_ticket(&self, space: Space, key: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.tickets.lock().expect("one thread").remove(&(space, key.to_owned())))
    }
}

impl Crypto for Desk {
    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&self.randomness.fetch_add(1, Ordering::Relaxed).to_be_bytes()))
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        digest(bytes)
    }

    fn hmac_sha1(&self, key: &[u8], message: &[u8]) -> [u8; 20] {
        let mut out = [0; 20];
        out.copy_from_slice(&digest(&[key, message].concat())[..20]);
        out
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        digest(&[key, b"/", message].concat())
    }

    fn equal(&self, one: &[u8], other: &[u8]) -> bool {
        one == other
    }

    fn sign_access_token(&self, claims: &AccessClaims) -> Result<String, Unavailable> {
        serde_json::to_string(claims).map_err(|why| Unavailable(why.to_string()))
    }

    fn sign_id_token(&self, claims: &IdClaims) -> Result<String, Unavailable> {
        serde_json::to_string(claims).map_err(|why| Unavailable(why.to_string()))
    }

    fn verify_access_token(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now_s: i64,
    ) -> Result<Map<String, Value>, TokenFault> {
        (self.verify)(token, issuer, audience, now_s)
    }

    fn open_token(&self, token: &str) -> Option<Opened> {
        let mut parts = token.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok());
        Some(Opened { header: parts.next()??, claims: parts.next()?? })
    }

    /// Nobody signs here.
    fn is_signed(&self, _: &str, _: &str) -> Signed {
        Signed::NotByKey
    }

    fn is_signed_by_provider(&self, _: &str, _: &str) -> Signed {
        Signed::NotByKey
    }

    fn is_key_set(&self, _: &str) -> bool {
        true
    }

    fn public_keys(&self) -> Vec<Value> {
        Vec::new()
    }

    fn key_generation(&self) -> u64 {
        0
    }

    async fn password_holds(&self, password: &str, phc: Option<&str>) -> Result<bool, Unavailable> {
        Ok(phc.is_some_and(|phc| phc == password))
    }

    async fn password_hash(&self, password: &str) -> Result<String, Unavailable> {
        Ok(password.to_owned())
    }
}

impl Provider for Desk {
    async fn configuration(&self, _: &str) -> Result<Arc<str>, Unavailable> {
        Err(Unavailable("there is no provider here".to_owned()))
    }

    async fn redeem(&self, _: &str, _: &[(&str, &str)]) -> Result<String, Unavailable> {
        Err(Unavailable("there is no provider here".to_owned()))
    }
}

impl KeySets for Desk {
    fn may_publish_at(&self, _: &str) -> bool {
        true
    }

    async fn key_set(&self, _: &str, _: (&str, NamedBy), _: Freshness) -> Result<Arc<str>, Unavailable> {
        Err(Unavailable("nobody publishes here".to_owned()))
    }
}

impl Care for Desk {
    async fn patients_in_care_of(&self, _: &Id) -> Result<Vec<Id>, Unavailable> {
        Ok(Vec::new())
    }

    async fn is_about(&self, _: ResourceType, _: &Id, _: &Id) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

/// The result of a future that never waits.
pub fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// An id of R4.
pub fn id(text: &str) -> Id {
    Id::parse(text).expect("an id")
}

/// The server's settings.
pub fn settings() -> Settings {
    let served = [ResourceType::Patient, ResourceType::Observation, ResourceType::Condition];
    Settings::new("https://localhost:8443", &served)
}

/// A world with the patient `ana`, a public app `reader` and a confidential one, `keeper`.
pub fn world(desk: Desk) -> Authority<Desk> {
    let authority = done(Authority::open(settings(), desk)).expect("the shelf serves");
    let public = Client {
        client_id: "reader".to_owned(),
        name: "Reader".to_owned(),
        proof: ClientKind::Public,
        redirect_uris: vec![REDIRECT.to_owned(), "https://app.example/cb?tenant=1".to_owned()],
        launch_uri: Some("https://app.example/launch".to_owned()),
        scopes: Scopes::parse("openid fhirUser profile launch launch/patient offline_access patient/*.rs"),
        purposes: vec![Purpose::PatientRequest, Purpose::Treatment],
        owner: None,
        terms_uri: None,
        resource_server: false,
        by_itself: None,
        enabled: true,
    };
    let secret_sha256: String = digest(SECRET.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let proof = ClientKind::ConfidentialSymmetric { secret_sha256 };
    let confidential = Client { client_id: "keeper".to_owned(), proof, ..public.clone() };
    let ana = Account {
        id: "account-of-ana".to_owned(),
        username: "ana".to_owned(),
        password: "ana-password".to_owned(),
        password_set_s: 0,
        role: Role::Patient,
        fhir_user: Some((ResourceType::Patient, id("ana"))),
        patients: Vec::new(),
        provider: None,
        locale: None,
        enabled: true,
    };
    done(authority.put_client(&public)).expect("the shelf serves");
    done(authority.put_client(&confidential)).expect("the shelf serves");
    done(authority.put_account(&ana)).expect("the shelf serves");
    authority
}
