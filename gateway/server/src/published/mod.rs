//! Key sets that clients publish (`jwks_uri`): fetched when they are needed, and kept no longer than their publisher says.
//!
//! A client's address comes from the configuration, but what stands behind its name is the client's; so who is asked is
//! bounded by [`network`], and what comes back by [`fetch`]. One fetch at a time for a client; whoever came before it began
//! takes what it brings. Keeps no secret, and decides nothing: whether a key signed is asked elsewhere.

mod fetch;
pub mod network;
mod provider;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use certs::statement;
pub use fetch::read_uri;
use fetch::{Fetched, Wire};
pub use network::Network;
pub use provider::{LoginProvider, ProviderCaller};
use smart::ports::{Freshness, NamedBy};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as Turn, Semaphore};

/// How long a set is kept whose publisher does not say.
const KEPT_USUALLY: Duration = Duration::from_secs(300);
/// How long a set is kept at most, whatever its publisher says: a key that was given up counts no longer than that.
const KEPT_MAX: Duration = Duration::from_secs(3600);
/// How old a set must be to be fetched anew for a key that is not in it: strangers can name any key.
const ANEW_AFTER: Duration = Duration::from_secs(60);
/// How long a fetch that failed is not tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Fetches at the same time, of all clients together.
const FETCHES_AT_ONCE: usize = 8;

/// Fetches key sets, and keeps them for a while.
pub struct KeyFetcher {
    wire: Wire,
    /// For addresses that strangers name.
    public: Wire,
    /// By client. There are no more than are registered.
    known: Mutex<HashMap<String, Arc<Turn<Option<Known>>>>>,
    fetches: Semaphore,
}

/// What the last fetch brought.
struct Known {
    uri: String,
    begun: Instant,
    brought: Result<(Arc<str>, Duration), String>,
}

impl Known {
    /// What can be used of it by someone who came at `came`: nothing where it is to be fetched again.
    fn serves(&self, uri: &str, fresh: Freshness, came: Instant, now: Instant) -> Option<Result<Arc<str>, String>> {
        if self.uri != uri {
            return None;
        }
        let age = now.saturating_duration_since(self.begun);
        let is_good = self.begun >= came
            || match (&self.brought, fresh) {
                (Ok((_, kept)), Freshness::Kept) => age < *kept,
                (Ok(_), Freshness::Anew) => age < ANEW_AFTER,
                (Err(_), Freshness::Kept | Freshness::Anew) => age < AGAIN_AFTER,
            };
        is_good.then(|| self.brought.clone().map(|(set, _)| set))
    }
}

impl KeyFetcher {
    /// Within this network.
    pub fn new(network: Network) -> KeyFetcher {
        let public = Wire::new(network.public_alone());
        let fetches = Semaphore::new(FETCHES_AT_ONCE);
        KeyFetcher { wire: Wire::new(network), public, known: Mutex::default(), fetches }
    }

    /// The set at a client's address.
    ///
    /// # Errors
    /// Why it cannot be had, for our log.
    pub async fn key_set(
        &self,
        client_id: &str,
        (uri, by): (&str, NamedBy),
        fresh: Freshness,
    ) -> Result<Arc<str>, String> {
        let came = Instant::now();
        let turn = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(client_id.to_owned()).or_default())
        };
        let mut known = turn.lock().await;
        if let Some(served) = known.as_ref().and_then(|known| known.serves(uri, fresh, came, Instant::now())) {
            return served;
        }
        let _place = self.fetches.acquire().await.map_err(|why| why.to_string())?;
        let begun = Instant::now();
        let wire = match by {
            NamedBy::Operator => &self.wire,
            NamedBy::Stranger => &self.public,
        };
        let brought = wire.get(uri).await.and_then(checked);
        let brought = brought.map_err(|why| format!("the key set of {client_id} cannot be had: {why}"));
        let served = brought.clone().map(|(set, _)| set);
        *known = Some(Known { uri: uri.to_owned(), begun, brought });
        served
    }
}

/// A set that can be read, and how long it may be kept.
fn checked(Fetched { text, max_age }: Fetched) -> Result<(Arc<str>, Duration), String> {
    statement::read_keys(&text).map_err(|why| why.to_string())?;
    Ok((text.into(), max_age.unwrap_or(KEPT_USUALLY).min(KEPT_MAX)))
}
