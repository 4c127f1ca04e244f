//! Tokens that were looked at a moment ago, so that a signature is verified once and not with every request.
//!
//! Keeps facts, never decisions: what a genuine token stood for is held against the time and the grant each time it is used,
//! so that a revocation holds at once and no token outlives itself. The keys cannot change under it, because both are made
//! at start. Knows tokens by their digest alone; strangers' tokens have a place of their own and push no one else's out.

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
pub(crate) struct Tokens {
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
    pub(crate) fn principal<P: Ports>(
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
