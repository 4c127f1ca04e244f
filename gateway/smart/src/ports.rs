//! What the authorization server needs from outside: a durable shelf, cryptography, who is in whose care, the keys that
//! clients publish, and the house's own OpenID provider.
//!
//! The edge implements these; a trial implementation in memory stands beside the tests. Secrets never reach a shelf as
//! they are: keys of tickets are digests.

use crate::claims::{AccessClaims, IdClaims};
use fhir::{Id, ResourceType};
use std::future::Future;
use std::sync::Arc;

/// The families of things that are kept. Each is a namespace of its own, so that one kind can never be taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// Registered apps, by client id.
    Client,
    /// People who can sign in, by user name.
    Account,
    /// Signed-in browsers, by the digest of the session token.
    Session,
    /// Which sessions an account has, by the account's opaque id.
    Sessions,
    /// Second factors, by the account's opaque id.
    SecondFactor,
    /// Sign-ins that wait for the code of a second factor, by the digest of their token.
    HalfWay,
    /// Sign-ins that are under way at the OpenID provider, by the digest of their state.
    Away,
    /// Whose account it is whom the OpenID provider knows, by the digest of issuer and subject.
    Subject,
    /// Codes with which another password can be set, by the account's opaque id.
    Recovery,
    /// What an account granted to a client, by grant id.
    Grant,
    /// Which apps an account stopped a moment ago, by the account's opaque id.
    Stops,
    /// Authorization codes, by their digest.
    Code,
    /// Launches under way, by the digest of their id.
    Flow,
    /// Launches that an EHR made, by the digest of their ticket.
    Launch,
    /// Client assertions that were used, by the digest of client and `jti`.
    Assertion,
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The document, JSON.
    pub json: String,
    /// Grows with every change of the document.
    pub revision: u64,
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// Written; this is the new revision.
    Done(u64),
    /// Someone was quicker: the document is not at the expected revision.
    Stale,
}

/// Something we depend on cannot serve us now; the text is for our log alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not available: {0}")]
pub struct Unavailable(pub String);

/// Durable storage: documents with revisions, and tickets that end by themselves.
pub trait Shelf: Send + Sync {
    /// The document under this key.
    fn document(&self, space: Space, key: &str) -> impl Future<Output = Result<Option<Kept>, Unavailable>> + Send;
    /// Every document of a space.
    fn documents(&self, space: Space) -> impl Future<Output = Result<Vec<Kept>, Unavailable>> + Send;
    /// How many documents a space has.
    fn count_documents(&self, space: Space) -> impl Future<Output = Result<usize, Unavailable>> + Send;
    /// Writes when the document is at the expected revision, `None` meaning that there must be none. Durable on return.
    fn swap_document(
        &self,
        space: Space,
        key: &str,
        expected: Option<u64>,
        json: String,
    ) -> impl Future<Output = Result<Swap, Unavailable>> + Send;
    /// Takes documents away; those that are not there are no fault. Durable on return.
    fn remove_documents(&self, space: Space, keys: Vec<String>)
    -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// Keeps a ticket until the time given (seconds since 1970), where there is none with this key; says whether there was
    /// none. Of many who try at once, exactly one keeps it. Durable on return.
    fn put_ticket_once(
        &self,
        space: Space,
        key: &str,
        json: String,
        expires_s: i64,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
    /// Writes a ticket anew where it still is, and says whether it is: one that was taken does not come back. Durable on
    /// return.
    fn replace_ticket(
        &self,
        space: Space,
        key: &str,
        json: String,
        expires_s: i64,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
    /// Looks at a ticket.
    fn ticket(&self, space: Space, key: &str) -> impl Future<Output = Result<Option<String>, Unavailable>> + Send;
    /// Takes a ticket away: of many who try at once, exactly one gets it.
    fn take_ticket(&self, space: Space, key: &str) -> impl Future<Output = Result<Option<String>, Unavailable>> + Send;
}

/// Why an access token is not ours or not alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// Signature, header, issuer, audience or form do not hold.
    Invalid,
    /// It was ours and has run out.
    Expired,
}

/// A JSON Web Token of someone else, taken apart. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Its protected header.
    pub header: serde_json::Map<String, serde_json::Value>,
    /// What it claims.
    pub claims: serde_json::Map<String, serde_json::Value>,
}

/// How a token stands to a set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// One key of the set has its name and kind, and signed it.
    ByKey,
    /// One key of the set has its name and kind, and did not sign it.
    NotByKey,
    /// The set has no key, or more than one, of its name and kind.
    NoSuchKey,
}

/// Signing, digests and randomness.
pub trait Crypto: Send + Sync {
    /// 256 random bits, base64url without padding.
    fn token(&self) -> String;
    /// SHA-256.
    fn sha256(&self, bytes: &[u8]) -> [u8; 32];
    /// HMAC with SHA-1, as authenticator apps have it (RFC 6238); for nothing else.
    fn hmac_sha1(&self, key: &[u8], message: &[u8]) -> [u8; 20];
    /// HMAC with SHA-256.
    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32];
    /// Whether both are the same bytes, in a time that does not tell where they differ.
    fn equal(&self, one: &[u8], other: &[u8]) -> bool;
    /// An access token: ES256, `typ` `at+jwt` (RFC 9068).
    fn sign_access_token(&self, claims: &AccessClaims) -> Result<String, Unavailable>;
    /// An id_token: RS256, as SMART asks.
    fn sign_id_token(&self, claims: &IdClaims) -> Result<String, Unavailable>;
    /// The claims of an access token of ours: `typ`, key, issuer, audience and times are checked here.
    fn verify_access_token(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now_s: i64,
    ) -> Result<serde_json::Map<String, serde_json::Value>, TokenFault>;
    /// Takes a compact JWS apart, strictly: no member twice, nothing behind the end. `None` where it is none.
    fn open_token(&self, token: &str) -> Option<Opened>;
    /// Holds a token's signature against a set of public keys (RFC 7517 section 5), by `kid` and `alg`; only RS384 and ES384
    /// count.
    fn is_signed(&self, token: &str, key_set: &str) -> Signed;
    /// The same for the id_token of an OpenID provider: only RS256 and ES256 count.
    fn is_signed_by_provider(&self, token: &str, key_set: &str) -> Signed;
    /// Whether a text is a set of public keys, one of which at least signs RS384 or ES384, and tells no private one.
    fn is_key_set(&self, key_set: &str) -> bool;
    /// The public keys, each a bare JWK (RFC 7517).
    fn public_keys(&self) -> Vec<serde_json::Value>;
    /// A number that is another one after each change of the keys by which access tokens hold.
    fn key_generation(&self) -> u64;
    /// Whether the password is that of the PHC string. Without one the same time is spent and the answer is no.
    fn password_holds(
        &self,
        password: &str,
        phc: Option<&str>,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
    /// A password as a PHC string (argon2id).
    fn password_hash(&self, password: &str) -> impl Future<Output = Result<String, Unavailable>> + Send;
}

/// Which patients a clinician treats, and whose a record is.
pub trait Care: Send + Sync {
    /// The patients whose Encounter, CareTeam or generalPractitioner names this practitioner.
    fn patients_in_care_of(&self, practitioner: &Id) -> impl Future<Output = Result<Vec<Id>, Unavailable>> + Send;
    /// Whether there is such a record, and it is about this patient and nobody else.
    fn is_about(
        &self,
        kind: ResourceType,
        id: &Id,
        patient: &Id,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// How new a published key set must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As its publisher lets it be kept.
    Kept,
    /// It lacks a key: fetched anew, unless that was done a moment ago.
    Anew,
}

/// Who said where a set is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// Whoever runs this server: it may be inside their own network, where they allow that.
    Operator,
    /// An app that registered itself, and so anyone: it is public.
    Stranger,
}

/// Key sets that clients publish (`jwks_uri`).
pub trait KeySets: Send + Sync {
    /// Whether a client may publish its keys at this address; asks nobody.
    fn may_publish_at(&self, uri: &str) -> bool;
    /// The set at the registered address of a client, as text.
    fn key_set(
        &self,
        client_id: &str,
        at: (&str, NamedBy),
        fresh: Freshness,
    ) -> impl Future<Output = Result<Arc<str>, Unavailable>> + Send;
}

/// The house's own OpenID provider, over the network.
pub trait Provider: Send + Sync {
    /// What it publishes of itself (OpenID Connect Discovery 1.0, 4), as text. It may be kept for a while.
    fn configuration(&self, issuer: &str) -> impl Future<Output = Result<Arc<str>, Unavailable>> + Send;
    /// Its answer at its token endpoint to this form, where we prove ourselves with our secret (`client_secret_basic`); only
    /// one that says yes is one.
    fn redeem(&self, endpoint: &str, form: &[(&str, &str)])
    -> impl Future<Output = Result<String, Unavailable>> + Send;
}

/// All ports together, as the edge hands them in.
pub trait Ports: Shelf + Crypto + Care + KeySets + Provider {}
impl<T: Shelf + Crypto + Care + KeySets + Provider> Ports for T {}
