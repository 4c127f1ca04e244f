//! A client's signed statement about itself (RFC 7523; SMART App Launch 2.2.0, "Client Authentication: Asymmetric").
//!
//! Whose keys it is to be held under follows from what it says, so it is taken apart before it is proven, and what it says
//! counts for nothing until [`prove`] was asked. The signature is checked under exactly one key of the client's own set:
//! that of the `kid` and of the algorithm. Never fetches a set, and reads no time.

use serde_json::{Map, Value};

use crate::digest::base64url_decode;
use crate::jwk::{Alg, PublicKey, read_set};
use crate::verify::Parts;
use crate::{Error, Result};

/// What clients sign with: SMART wants both of every server.
pub const ALGS: [Alg; 2] = [Alg::Rs384, Alg::Es384];
/// What OpenID providers sign with: the first is everyone's default, the second is what newer ones prefer.
const PROVIDER_ALGS: [Alg; 2] = [Alg::Rs256, Alg::Es256];

/// A statement taken apart. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its protected header.
    pub header: Map<String, Value>,
    /// What it says.
    pub claims: Map<String, Value>,
}

/// Takes a compact JWS apart.
///
/// # Errors
/// [`Error::TokenSize`] and [`Error::TokenForm`].
pub fn open(token: &str) -> Result<Statement> {
    let parts = Parts::split(token)?;
    Ok(Statement { header: parts.header()?, claims: parts.claims()? })
}

/// The keys that a client published and may sign statements with; those of other kinds are passed over.
///
/// # Errors
/// [`Error::JwkSet`] where it is no set, or holds two keys of one name and kind; [`Error::JwkPrivate`] where it tells a
/// private key.
pub fn read_keys(set: &str) -> Result<Vec<PublicKey>> {
    let keys = read_set(set.as_bytes(), Alg::Rs384)?;
    Ok(keys.into_iter().filter(|key| ALGS.contains(&key.alg())).collect())
}

/// Proves a statement under the one key that its `kid` and `alg` choose.
///
/// # Errors
/// [`Error::TokenKey`] where the keys have none or two of that name and kind, [`Error::TokenAlgorithm`] where it is signed
/// by what is not in [`ALGS`], [`Error::TokenSignature`] where the key did not sign it.
pub fn prove(token: &str, keys: &[PublicKey]) -> Result<()> {
    prove_by(&ALGS, token, keys)
}

/// The keys that an OpenID provider published and may sign id_tokens with; those of other kinds are passed over.
///
/// # Errors
/// As [`read_keys`].
pub fn read_provider_keys(set: &str) -> Result<Vec<PublicKey>> {
    let keys = read_set(set.as_bytes(), Alg::Rs256)?;
    Ok(keys.into_iter().filter(|key| PROVIDER_ALGS.contains(&key.alg())).collect())
}

/// Proves the id_token of an OpenID provider under the one key that its `kid` and `alg` choose.
///
/// # Errors
/// As [`prove`].
pub fn prove_id_token(token: &str, keys: &[PublicKey]) -> Result<()> {
    prove_by(&PROVIDER_ALGS, token, keys)
}

fn prove_by(algs: &[Alg], token: &str, keys: &[PublicKey]) -> Result<()> {
    let parts = Parts::split(token)?;
    let header = parts.header()?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let alg = text("alg").and_then(Alg::from_name).filter(|alg| algs.contains(alg)).ok_or(Error::TokenAlgorithm)?;
    let kid = text("kid").ok_or(Error::TokenKey)?;
    let mut named = keys.iter().filter(|key| key.kid() == kid && key.alg() == alg);
    let (Some(key), None) = (named.next(), named.next()) else { return Err(Error::TokenKey) };
    let signature = base64url_decode(parts.signature).map_err(|_| Error::TokenForm)?;
    if key.verifies(parts.signed.as_bytes(), &signature) { Ok(()) } else { Err(Error::TokenSignature) }
}
