//! Registered apps: listed, and those that registered themselves switched off and on, or taken away. Those of the
//! configuration are changed there.

use super::{Admin, Out};
use crate::clock;
use crate::oauth::developers::told;
use fhir::Instant;
use privacy::Operator;
use serde_json::json;
use smart::{Client, ClientKind};

impl Admin {
    /// Every app, a line of JSON each; of its secrets, nothing.
    pub(super) async fn list_clients(&self, out: &Out) -> Result<(), String> {
        for client in self.cx.authority.clients().await.map_err(|why| why.to_string())? {
            let proof = match client.proof {
                ClientKind::Public => "none",
                ClientKind::ConfidentialSymmetric { .. } => "secret",
                ClientKind::ConfidentialAsymmetric { .. } => "keys",
            };
            let line = json!({
                "client_id": client.client_id,
                "name": client.name,
                "proof": proof,
                "redirect_uris": client.redirect_uris,
                "scopes": client.scopes.to_string(),
                "registered_itself": client.by_itself.map(|itself| Instant::from_seconds(itself.at_s).to_string()),
                "enabled": client.enabled,
            });
            out.line(&line.to_string()).await?;
        }
        Ok(())
    }

    /// The calls of an app that a running gateway remembers, the newest first, a line of JSON each.
    pub(super) async fn list_calls(&self, client_id: &str, out: &Out) -> Result<(), String> {
        let client = self.cx.authority.client(client_id).await.map_err(|why| why.to_string())?;
        let client = client.ok_or_else(|| unknown(client_id))?;
        for call in self.cx.calls.of(&client.client_id) {
            out.line(&told(&call).to_string()).await?;
        }
        Ok(())
    }

    pub(super) async fn switch_client(
        &self,
        operator: &Operator,
        client_id: &str,
        enabled: bool,
        out: &Out,
    ) -> Result<(), String> {
        let client = self.of_itself(client_id).await?;
        let switched = self.cx.authority.switch_registration(client_id, enabled, clock::now().seconds()).await;
        let ended = switched.map_err(|why| why.to_string())?.ok_or_else(|| unknown(client_id))?;
        tracing::warn!(operator = operator.name(), client = client_id, enabled, "an operator switched an app");
        let name = client.name;
        if enabled {
            return out.line(&format!("{name} can be used again; what people granted to it before stays ended.")).await;
        }
        out.line(&format!("{name} cannot be used any more; {ended} grants were ended.")).await
    }

    pub(super) async fn remove_client(&self, operator: &Operator, client_id: &str, out: &Out) -> Result<(), String> {
        let client = self.of_itself(client_id).await?;
        let removed = self.cx.authority.remove_registration(&client, clock::now().seconds()).await;
        let ended = removed.map_err(|why| why.to_string())?.unwrap_or(0);
        tracing::warn!(operator = operator.name(), client = client_id, "an operator took an app away");
        out.line(&format!("{} is registered no more; {ended} grants were ended.", client.name)).await
    }

    /// An app that registered itself.
    async fn of_itself(&self, client_id: &str) -> Result<Client, String> {
        let client = self.cx.authority.client(client_id).await.map_err(|why| why.to_string())?;
        let client = client.ok_or_else(|| unknown(client_id))?;
        match client.by_itself {
            Some(_) => Ok(client),
            None => {
                Err(format!("{client_id} stands in the configuration: change it there, and start the gateway anew"))
            }
        }
    }
}

fn unknown(client_id: &str) -> String {
    format!("there is no app {client_id}; `sluice client list` shows those there are")
}
