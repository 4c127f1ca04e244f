//! How a running gateway goes, and asking it to stop.

use super::{Admin, Out};
use fhir::Instant;
use privacy::Operator;
use std::sync::Arc;
use tokio::sync::Notify;

/// What only a running gateway has.
pub(crate) struct Life {
    /// When it began.
    pub(crate) since: Instant,
    /// Told when an operator asks it to stop.
    pub(crate) drain: Arc<Notify>,
}

impl Admin {
    /// How it goes, as one line of JSON.
    pub(super) async fn status(&self, out: &Out) -> Result<(), String> {
        let life = self.life.as_ref().ok_or_else(not_running)?;
        let links: Vec<&str> = self.inboxes.iter().map(|inbox| inbox.link_name()).collect();
        let line = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "origin": self.cx.origin,
            "since": life.since.to_string(),
            "process": std::process::id(),
            "records": if self.cx.records.ready().await { "ready" } else { "not ready" },
            "ledger": if self.cx.gate.ledger().is_up() { "up" } else { "down" },
            "links": links,
        });
        out.line(&line.to_string()).await
    }

    /// Asks the gateway to finish and to stop.
    pub(super) async fn drain(&self, operator: &Operator, out: &Out) -> Result<(), String> {
        let life = self.life.as_ref().ok_or_else(not_running)?;
        tracing::info!(operator = operator.name(), "an operator asked the gateway to stop");
        life.drain.notify_one();
        out.line("The gateway finishes what is under way, and stops.").await
    }
}

fn not_running() -> String {
    "no gateway runs on this data folder".to_owned()
}
