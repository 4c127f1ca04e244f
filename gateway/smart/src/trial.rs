//! The ports in memory, for tests: a shelf, toy signatures over real digests, and a world with three people, two apps and a
//! backend service.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::claims::{AccessClaims, IdClaims};
use crate::login::{SignedIn, Visit};
use crate::ports::{
    Care, Crypto, Freshness, Kept, KeySets, NamedBy, Opened, Provider, Shelf, Signed, Space, Swap, TokenFault,
    Unavailable,
};
use crate::{Account, Authority, Client, ClientKind, Keys, Settings, Whence};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::digest;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role, Scopes};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// The time at which a test begins, in seconds since 1970.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The browser of the usual test.
pub(crate) const BROWSER: &str = "browser-token";
/// A PKCE pair (RFC 7636 appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Where the public app is answered.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:8000/cb";
/// Where an EHR opens the apps.
pub(crate) const LAUNCH: &str = "https://app.example/launch?from=ehr";
pub(crate) const SECRET: &str = "a secret/with+signs";

/// Ports in memory.
#[derive(Default)]
pub(crate) struct Trial {
    documents: Mutex<BTreeMap<(Space, String), Kept>>,
    tickets: Mutex<HashMap<(Space, String), String>>,
    randomness: AtomicU64,
    /// How often our keys have changed.
    pub(crate) keys: AtomicU64,
    /// Who is in whose care.
    pub(crate) care: Mutex<HashMap<String, Vec<Id>>>,
    /// Whose a record is.
    pub(crate) records: Mutex<HashMap<String, Id>>,
    /// Key sets that are published, by address: as they are kept, and as they would come anew.
    pub(crate) published: Mutex<HashMap<String, (String, String)>>,
    /// What the OpenID provider publishes of itself.
    pub(crate) configuration: Mutex<String>,
    /// What it answers at its token endpoint, by code.
    pub(crate) redeemed: Mutex<HashMap<String, String>>,
    /// What it was asked there.
    pub(crate) asked: Mutex<Vec<Vec<(String, String)>>>,
}

impl Shelf for Trial {
    async fn document(&self, space: Space, key: &str) -> Result<Option<Kept>, Unavailable> {
        Ok(self.documents.lock().unwrap().get(&(space, key.to_owned())).cloned())
    }

    async fn documents(&self, space: Space) -> Result<Vec<Kept>, Unavailable> {
        let documents = self.documents.lock().unwrap();
        Ok(documents.iter().filter(|((of, _), _)| *of == space).map(|(_, kept)| kept.clone()).collect())
    }

    async fn count_documents(&self, space: Space) -> Result<usize, Unavailable> {
        Ok(self.documents.lock().unwrap().keys().filter(|(of, _)| *of == space).count())
    }

    async fn swap_document(
        &self,
        space: Space,
        key: &str,
        expected: Option<u64>,
        json: String,
    ) -> Result<Swap, Unavailable> {
        let mut documents = self.documents.lock().unwrap();
        let known = documents.get(&(space, key.to_owned())).map(|kept| kept.revision);
        if known != expected {
            return Ok(Swap::Stale);
        }
        let revision = known.unwrap_or(0) + 1;
        documents.insert((space, key.to_owned()), Kept { json, revision });
        Ok(Swap::Done(revision))
    }

    async fn remove_documents(&self, space: Space, keys: Vec<String>) -> Result<(), Unavailable> {
        let mut documents = self.documents.lock().unwrap();
        keys.into_iter().for_each(|key| drop(documents.remove(&(space, key))));
        Ok(())
    }

    async fn put_ticket_once(&self, space: Space, key: &str, json: String, _: i64) -> Result<bool, Unavailable> {
        let mut tickets = self.tickets.lock().unwrap();
        let is_new = !tickets.contains_key(&(space, key.to_owned()));
        if is_new {
            tickets.insert((space, key.to_owned()), json);
        }
        Ok(is_new)
    }

    async fn replace_ticket(&self, space: Space, key: &str, json: String, _: i64) -> Result<bool, Unavailable> {
        let mut tickets = self.tickets.lock().unwrap();
        Ok(tickets.get_mut(&(space, key.to_owned())).map(|ticket| *ticket = json).is_some())
    }

    async fn ticket(&self, space: Space, key: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.tickets.lock().unwrap().get(&(space, key.to_owned())).cloned())
    }

    async fn take_ticket(&self, space: Space, key: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.tickets.lock().unwrap().remove(&(space, key.to_owned())))
    }
}

impl Trial {
    /// Everything that is kept, for tests that look for what must not be there.
    pub(crate) fn everything(&self) -> String {
        let documents = format!("{:?}", self.documents.lock().unwrap());
        format!("{documents}{:?}", self.tickets.lock().unwrap())
    }

    pub(crate) fn sign(&self, claims: &impl serde::Serialize) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap());
        let mac = URL_SAFE_NO_PAD.encode(self.hmac_sha256(b"trial", body.as_bytes()));
        format!("{body}.{mac}")
    }

    fn signature(key: &str, signed: &str) -> String {
        URL_SAFE_NO_PAD.encode(Trial::default().hmac_sha256(key.as_bytes(), signed.as_bytes()))
    }

    /// A client's assertion, signed with a toy key.
    pub(crate) fn assertion(key: &str, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", Trial::signature(key, &signed))
    }

    /// The claims of a token, without looking at anything else.
    pub(crate) fn open(token: &str) -> Map<String, Value> {
        let (body, _) = token.split_once('.').unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
    }
}

impl Crypto for Trial {
    fn token(&self) -> String {
        let number = self.randomness.fetch_add(1, Ordering::Relaxed);
        URL_SAFE_NO_PAD.encode(self.sha256(format!("random {number}").as_bytes()))
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        digest::sha256(bytes)
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        digest::hmac_sha256(key, message)
    }

    fn hmac_sha1(&self, key: &[u8], message: &[u8]) -> [u8; 20] {
        digest::hmac_sha1(key, message)
    }

    fn equal(&self, one: &[u8], other: &[u8]) -> bool {
        one == other
    }

    fn sign_access_token(&self, claims: &AccessClaims) -> Result<String, Unavailable> {
        Ok(self.sign(claims))
    }

    fn sign_id_token(&self, claims: &IdClaims) -> Result<String, Unavailable> {
        Ok(self.sign(claims))
    }

    fn verify_access_token(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now_s: i64,
    ) -> Result<Map<String, Value>, TokenFault> {
        let (body, mac) = token.split_once('.').ok_or(TokenFault::Invalid)?;
        let made = URL_SAFE_NO_PAD.encode(self.hmac_sha256(b"trial", body.as_bytes()));
        let claims = Some(body).filter(|_| mac == made).map(|_| Trial::open(token)).ok_or(TokenFault::Invalid)?;
        let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
        if !is("iss", issuer) || !is("aud", audience) {
            return Err(TokenFault::Invalid);
        }
        let exp = claims.get("exp").and_then(Value::as_i64).ok_or(TokenFault::Invalid)?;
        if now_s < exp { Ok(claims) } else { Err(TokenFault::Expired) }
    }

    fn open_token(&self, token: &str) -> Option<Opened> {
        let mut parts = token.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok());
        Some(Opened { header: parts.next()??, claims: parts.next()?? })
    }

    fn is_signed(&self, token: &str, key_set: &str) -> Signed {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = self.open_token(token).unwrap().header;
        let set: Value = serde_json::from_str(key_set).unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        let named: Vec<&Value> =
            keys.filter(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"]).collect();
        let [key] = &named[..] else { return Signed::NoSuchKey };
        if signature == Trial::signature(key["secret"].as_str().unwrap(), signed) {
            Signed::ByKey
        } else {
            Signed::NotByKey
        }
    }

    fn is_signed_by_provider(&self, token: &str, key_set: &str) -> Signed {
        self.is_signed(token, key_set)
    }

    fn is_key_set(&self, key_set: &str) -> bool {
        key_set.contains("\"kid\"") && !key_set.contains("\"d\"")
    }

    fn public_keys(&self) -> Vec<Value> {
        vec![serde_json::json!({ "kty": "EC" })]
    }

    fn key_generation(&self) -> u64 {
        self.keys.load(Ordering::Relaxed)
    }

    async fn password_holds(&self, password: &str, phc: Option<&str>) -> Result<bool, Unavailable> {
        Ok(phc.is_some_and(|phc| phc == format!("phc {password}")))
    }

    async fn password_hash(&self, password: &str) -> Result<String, Unavailable> {
        Ok(format!("phc {password}"))
    }
}

impl Provider for Trial {
    async fn configuration(&self, _: &str) -> Result<Arc<str>, Unavailable> {
        Ok(self.configuration.lock().unwrap().as_str().into())
    }

    async fn redeem(&self, _: &str, form: &[(&str, &str)]) -> Result<String, Unavailable> {
        self.asked.lock().unwrap().push(pairs(form));
        let code = form.iter().find(|(name, _)| *name == "code").map_or("", |(_, code)| code);
        let known = self.redeemed.lock().unwrap().get(code).cloned();
        known.ok_or_else(|| Unavailable("it answered with status 400".to_owned()))
    }
}

impl KeySets for Trial {
    fn may_publish_at(&self, uri: &str) -> bool {
        uri.starts_with("https://")
    }

    async fn key_set(&self, _: &str, (uri, _): (&str, NamedBy), fresh: Freshness) -> Result<Arc<str>, Unavailable> {
        let published = self.published.lock().unwrap();
        let (kept, newer) = published.get(uri).ok_or_else(|| Unavailable("nobody is there".to_owned()))?;
        Ok(match fresh {
            Freshness::Kept => kept.as_str().into(),
            Freshness::Anew => newer.as_str().into(),
        })
    }
}

impl Care for Trial {
    async fn patients_in_care_of(&self, practitioner: &Id) -> Result<Vec<Id>, Unavailable> {
        Ok(self.care.lock().unwrap().get(practitioner.as_str()).cloned().unwrap_or_default())
    }

    async fn is_about(&self, kind: ResourceType, id: &Id, patient: &Id) -> Result<bool, Unavailable> {
        Ok(self.records.lock().unwrap().get(&format!("{kind}/{id}")) == Some(patient))
    }
}

/// Runs a future that never waits for anything but other threads.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The parameters of an authorization request, some of them replaced; an empty value takes one away.
pub(crate) fn asked(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("client_id", "reader"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid fhirUser launch/patient offline_access patient/*.rs"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("aud", "https://localhost:8443/fhir"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut all: Vec<(&str, &str)> = usual.into_iter().collect();
    for change in changes {
        all.retain(|(name, _)| *name != change.0);
        all.push(*change);
    }
    pairs(&all)
}

pub(crate) fn account(username: &str, role: Role, fhir_user: (ResourceType, Id)) -> Account {
    Account {
        id: format!("account-of-{username}"),
        username: username.to_owned(),
        password: format!("phc {username}-password"),
        password_set_s: 0,
        role,
        fhir_user: Some(fhir_user),
        patients: Vec::new(),
        provider: None,
        locale: None,
        enabled: true,
    }
}

/// A representative who acts for these patients.
pub(crate) fn representative(username: &str, patients: &[&str]) -> Account {
    let own = account(username, Role::Representative, (ResourceType::RelatedPerson, id(username)));
    Account { patients: patients.iter().map(|patient| id(patient)).collect(), ..own }
}

/// A world with the patients `ana` and `ben`, the clinician `cleo` who treats both, a public and a confidential app.
pub(crate) fn world() -> Authority<Trial> {
    let trial = Trial::default();
    trial.care.lock().unwrap().insert("cleo".to_owned(), vec![id("ana"), id("ben")]);
    let served = [ResourceType::Patient, ResourceType::Observation, ResourceType::Condition];
    let style = "/static/style.json".to_owned();
    let settings = Settings { style, ..Settings::new("https://localhost:8443", &served) };
    let authority = run(Authority::open(settings, trial)).unwrap();
    let public = Client {
        client_id: "reader".to_owned(),
        name: "Reader".to_owned(),
        proof: ClientKind::Public,
        redirect_uris: vec![REDIRECT.to_owned()],
        launch_uri: Some(LAUNCH.to_owned()),
        scopes: Scopes::parse("openid fhirUser profile launch launch/patient offline_access patient/*.rs"),
        purposes: vec![Purpose::PatientRequest, Purpose::Treatment],
        owner: None,
        terms_uri: None,
        resource_server: false,
        by_itself: None,
        enabled: true,
    };
    let secret_sha256 = Client::secret_sha256(&authority.ports, SECRET);
    let confidential = Client {
        client_id: "keeper".to_owned(),
        proof: ClientKind::ConfidentialSymmetric { secret_sha256 },
        ..public.clone()
    };
    let service = Client {
        client_id: "service".to_owned(),
        proof: ClientKind::ConfidentialAsymmetric { keys: Keys::Set(key_set("one", "the private key")) },
        redirect_uris: Vec::new(),
        launch_uri: None,
        scopes: Scopes::parse("system/*.rs"),
        purposes: vec![Purpose::Treatment],
        ..public.clone()
    };
    run(authority.put_client(&public)).unwrap();
    run(authority.put_client(&confidential)).unwrap();
    run(authority.put_client(&service)).unwrap();
    for patient in ["ana", "ben"] {
        run(authority.put_account(&account(patient, Role::Patient, (ResourceType::Patient, id(patient))))).unwrap();
    }
    run(authority.put_account(&account("cleo", Role::Clinician, (ResourceType::Practitioner, id("cleo"))))).unwrap();
    authority
}

/// A set with one toy key.
pub(crate) fn key_set(kid: &str, secret: &str) -> String {
    serde_json::json!({ "keys": [{ "kid": kid, "alg": "ES384", "secret": secret }] }).to_string()
}

/// The usual browser, with the session that it has so far.
pub(crate) fn visit(session: Option<&str>, now_s: i64) -> Visit<'_> {
    static WHENCE: Whence = Whence { browser: None, system: None, network: None };
    Visit { browser: BROWSER, session, whence: &WHENCE, now_s }
}

/// The session that a password led to.
pub(crate) fn session(signed_in: SignedIn) -> String {
    match signed_in {
        SignedIn::Session(token) => token,
        SignedIn::Code(_) => panic!("a code is asked for"),
    }
}

/// Signs in and gives the session's token.
pub(crate) fn signed_in(authority: &Authority<Trial>, flow: &str, username: &str) -> String {
    let password = format!("{username}-password");
    session(run(authority.sign_in(Some(flow), (username, &password), &visit(None, NOW))).unwrap())
}

/// The value of a parameter in an address.
pub(crate) fn told(location: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// A code for a patient's whole launch, everything allowed.
pub(crate) fn code(authority: &Authority<Trial>, username: &str, changes: &[(&str, &str)]) -> String {
    let flow = run(authority.begin(&asked(changes), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(authority, &flow, username);
    let step = run(authority.step(&flow, BROWSER, Some(&session), NOW)).unwrap();
    let crate::flow::Step::Consent(_, consent) = step else { panic!("no consent page") };
    let patient = consent.patient.as_ref().map(Id::as_str);
    let word = crate::consent::Word { kept: &consent.items, patient };
    let location = run(authority.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
    told(&location, "code").unwrap()
}

/// The form that redeems a code, some parameters replaced.
pub(crate) fn redeeming(code: &str, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("client_id", "reader"),
        ("code_verifier", VERIFIER),
    ];
    let mut all: Vec<(&str, &str)> = usual.into_iter().collect();
    for change in changes {
        all.retain(|(name, _)| *name != change.0);
        all.push(*change);
    }
    pairs(&all)
}

/// A hundred threads do the same thing at once.
pub(crate) fn hundred<T: Send + 'static>(
    authority: Authority<Trial>,
    deed: impl Fn(&Authority<Trial>) -> T + Send + Sync + Clone + 'static,
) -> (Arc<Authority<Trial>>, Vec<T>) {
    let authority = Arc::new(authority);
    let barrier = Arc::new(std::sync::Barrier::new(100));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (authority, barrier, deed) = (Arc::clone(&authority), Arc::clone(&barrier), deed.clone());
            std::thread::spawn(move || {
                barrier.wait();
                deed(&authority)
            })
        })
        .collect();
    let done = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    (authority, done)
}
