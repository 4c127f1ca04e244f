//! The house's own OpenID provider: what it publishes of itself, and its token endpoint, where we prove ourselves with our secret.
//!
//! Asked as clients' key sets are: by https alone, within [`Network`], bounded in size and time. What it says is judged in crate
//! `smart`. The secret goes to the token endpoint and nowhere else, never into a log.

use super::fetch::{Fetched, Form, Wire};
use super::network::Network;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::Zeroizing;
use form_urlencoded::{Serializer, byte_serialize};
use smart::settings::ProviderSettings;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long what it publishes of itself is kept, unless it says less: where it moves its addresses, people wait this long.
const KEPT_MAX: Duration = Duration::from_secs(600);
/// How long it is kept at least, whatever it says: a whole house signs in one after another otherwise.
const KEPT_MIN: Duration = Duration::from_secs(60);
/// How long a fetch that failed is not tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A login provider as it is configured. Without `Debug`: it holds a secret.
pub struct LoginProvider {
    /// Who it is, and what it knows us as.
    pub settings: ProviderSettings,
    /// What we prove ourselves with.
    pub client_secret: Zeroizing<String>,
}

/// Calls it.
pub struct ProviderCaller {
    /// The way there, and what stands in `Authorization`; nothing where no provider is configured.
    way: Option<(Wire, Zeroizing<String>)>,
    known: Mutex<Option<Known>>,
}

/// What the last fetch brought, and until when that counts.
struct Known {
    until: Instant,
    brought: Result<Arc<str>, String>,
}

impl ProviderCaller {
    /// Within this network; of a house without a provider, nobody is called.
    pub fn new(network: Network, provider: Option<&LoginProvider>) -> ProviderCaller {
        let way = provider.map(|own| {
            // RFC 6749 section 2.3.1: both are encoded as a form's values before they are put together.
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let both = Zeroizing::new(format!("{}:{}", part(&own.settings.client_id), part(&own.client_secret)));
            (Wire::new(network), Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes()))))
        });
        ProviderCaller { way, known: Mutex::default() }
    }

    /// What it publishes of itself.
    ///
    /// # Errors
    /// Why it cannot be had, for our log.
    pub async fn configuration(&self, issuer: &str) -> Result<Arc<str>, String> {
        let (wire, _) = self.way.as_ref().ok_or(NONE)?;
        // One fetch at a time; whoever waited takes what it brought.
        let mut known = self.known.lock().await;
        if let Some(kept) = known.as_ref().filter(|kept| Instant::now() < kept.until) {
            return kept.brought.clone();
        }
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (brought, kept) = match wire.get(&address).await {
            Ok(Fetched { text, max_age }) => {
                (Ok(Arc::<str>::from(text)), max_age.unwrap_or(KEPT_MAX).clamp(KEPT_MIN, KEPT_MAX))
            }
            Err(why) => (Err(format!("the login provider's configuration cannot be had: {why}")), AGAIN_AFTER),
        };
        *known = Some(Known { until: Instant::now() + kept, brought: brought.clone() });
        brought
    }

    /// Its answer to a form.
    ///
    /// # Errors
    /// Why there is none, for our log.
    pub async fn redeem(&self, endpoint: &str, form: &[(&str, &str)]) -> Result<String, String> {
        let (wire, authorization) = self.way.as_ref().ok_or(NONE)?;
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = wire.post(endpoint, &Form { authorization: authorization.clone(), body }).await;
        answer.map(|fetched| fetched.text).map_err(|why| format!("the login provider's token endpoint: {why}"))
    }
}

const NONE: &str = "no login provider is configured";
