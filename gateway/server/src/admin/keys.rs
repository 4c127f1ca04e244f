//! The keys that sign tokens: shown, rotated, taken away, in a running gateway without a restart.

use super::{Admin, Out};
use crate::clock;
use crate::keys::{JWKS_KEPT_S, KeyRing, Rotated, Unready};
use fhir::Instant;
use privacy::Operator;
use serde_json::json;
use std::sync::Arc;

impl Admin {
    /// Every signing key, a line of JSON each.
    pub(super) async fn list_keys(&self, out: &Out) -> Result<(), String> {
        for held in &self.cx.keys.now().keys {
            let (key, at) = (held.public(), |seconds: i64| Instant::from_seconds(seconds).to_string());
            let line = json!({
                "kid": key.kid(),
                "use": held.usage.as_str(),
                "alg": key.alg().name(),
                "state": held.state.as_str(),
                "since": (held.since_s > 0).then(|| at(held.since_s)),
                "ready": held.ready_s().map(at),
            });
            out.line(&line.to_string()).await?;
        }
        Ok(())
    }

    /// The next step of a rotation, and what is to be done then.
    pub(super) async fn rotate_keys(&self, operator: &Operator, force: bool, out: &Out) -> Result<(), String> {
        let now_s = clock::now().seconds();
        let rotated = self.change_keys(move |keys| keys.rotate(now_s, force)).await?;
        tracing::warn!(operator = operator.name(), force, step = ?rotated, "an operator rotates the signing keys");
        let said = match rotated {
            Rotated::Published => format!(
                "New keys are published. In {JWKS_KEPT_S} seconds everybody has heard of them: run `sluice keys rotate` again \
                 then, and they sign."
            ),
            Rotated::Signs => {
                "The new keys sign. What the former ones signed holds until it has run out; `sluice keys list` \
                               says when they are ready for `sluice keys retire KID`."
                    .to_owned()
            }
        };
        out.line(&said).await
    }

    /// Takes a key away.
    pub(super) async fn retire_key(
        &self,
        operator: &Operator,
        kid: String,
        force: bool,
        out: &Out,
    ) -> Result<(), String> {
        let (now_s, named) = (clock::now().seconds(), kid.clone());
        self.change_keys(move |keys| keys.retire(&named, now_s, force)).await?;
        tracing::warn!(operator = operator.name(), force, kid, "an operator retired a signing key");
        out.line(&format!("The key {kid} is published no more, and nothing that it signed holds.")).await
    }

    /// Makes a change by a thread that may wait: keys are made, and files written.
    async fn change_keys<T: Send + 'static>(
        &self,
        change: impl FnOnce(&KeyRing) -> Result<T, Unready> + Send + 'static,
    ) -> Result<T, String> {
        let keys = Arc::clone(&self.cx.keys);
        let changed = tokio::task::spawn_blocking(move || change(&keys)).await;
        changed.map_err(|why| why.to_string())?.map_err(|why| why.to_string())
    }
}
