//! The authorization server: its settings, its ports, its table of grants, and the small steps that all flows share.

use crate::account::{Account, USERNAME_BYTES_MAX};
use crate::client::Client;
use crate::grant::{Grant, GrantTable};
use crate::mishap::Mishaps;
use crate::ports::{Kept, Ports, Space, Swap, Unavailable};
use crate::settings::Settings;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use privacy::Role;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Bytes of a client id, a flow's id or any other key that a stranger can send.
pub(crate) const KEY_BYTES_MAX: usize = 256;
/// Times that a change is tried again when others were quicker; each time at least one of them got on.
const SWAPS_MAX: usize = 200;

/// The authorization server.
pub struct Authority<P> {
    /// Where it stands.
    pub settings: Settings,
    pub(crate) ports: P,
    pub(crate) grants: Arc<GrantTable>,
    /// What developers chose for their apps; none where this is no sandbox.
    pub(crate) mishaps: Option<Mishaps>,
}

impl<P: Ports> Authority<P> {
    /// An authorization server whose table of grants is read from the shelf.
    pub async fn open(settings: Settings, ports: P) -> Result<Authority<P>, Unavailable> {
        let mishaps = settings.sandbox.then(Mishaps::default);
        let authority = Authority { settings, ports, grants: Arc::default(), mishaps };
        for kept in authority.ports.documents(Space::Grant).await? {
            authority.grants.note(read(&kept.json)?, kept.revision);
        }
        Ok(authority)
    }

    /// Registers an app, or changes its registration.
    pub async fn put_client(&self, client: &Client) -> Result<(), Unavailable> {
        self.put(Space::Client, &client.client_id, client).await
    }

    /// Adds an account, or changes it.
    pub async fn put_account(&self, account: &Account) -> Result<(), Unavailable> {
        self.put(Space::Account, &Account::username_key(&account.username), account).await
    }

    /// A registered app, by its id; enabled or not.
    pub async fn client(&self, client_id: &str) -> Result<Option<Client>, Unavailable> {
        if client_id.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        self.get(Space::Client, client_id).await
    }

    /// An account, by the name a person types; enabled or not.
    pub async fn account(&self, username: &str) -> Result<Option<Account>, Unavailable> {
        if username.len() > USERNAME_BYTES_MAX {
            return Ok(None);
        }
        self.get(Space::Account, &Account::username_key(username)).await
    }

    /// What people are shown of an app and allow, as one digest: where it is another, what they agreed to is not there any more.
    pub(crate) fn as_registered(&self, client: &Client) -> Result<String, Unavailable> {
        Ok(self.digest(&write(&(&client.name, client.scopes.to_string(), &client.proof))?))
    }

    /// Every registered app, in the order of their ids; enabled or not.
    pub async fn clients(&self) -> Result<Vec<Client>, Unavailable> {
        self.ports.documents(Space::Client).await?.iter().map(|kept| read(&kept.json)).collect()
    }

    /// Every account, in the order of their names; enabled or not.
    pub async fn accounts(&self) -> Result<Vec<Account>, Unavailable> {
        self.ports.documents(Space::Account).await?.iter().map(|kept| read(&kept.json)).collect()
    }

    /// Forgets grants that have ended by themselves; the edge calls it now and then. Those of backend services, of which there
    /// is one for each token, leave the shelf as well; a person's stay, because a code that comes twice must find its own.
    ///
    /// # Errors
    /// When the shelf does not serve; what is left on it is forgotten after the next start.
    pub async fn forget_ended(&self, now_s: i64) -> Result<(), Unavailable> {
        let ended = self.grants.forget_ended(now_s);
        let own = ended.iter().filter(|grant| grant.role == Role::System).map(|grant| grant.id.clone());
        let own: Vec<String> = own.collect();
        if own.is_empty() { Ok(()) } else { self.ports.remove_documents(Space::Grant, own).await }
    }

    /// The grants that hold now.
    pub fn grants_alive(&self, now_s: i64) -> Vec<Arc<Grant>> {
        self.grants.alive(now_s)
    }

    /// The client when it is registered and enabled.
    pub(crate) async fn live_client(&self, client_id: &str) -> Result<Option<Client>, Unavailable> {
        Ok(self.client(client_id).await?.filter(|client| client.enabled))
    }

    /// The account when it exists, is enabled and is still the same one.
    pub(crate) async fn live_account(&self, username: &str, id: &str) -> Result<Option<Account>, Unavailable> {
        Ok(self.account(username).await?.filter(|account| account.enabled && account.id == id))
    }

    /// What is kept of a secret: its digest.
    pub(crate) fn digest(&self, secret: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.ports.sha256(secret.as_bytes()))
    }

    /// The grant as the shelf has it, with its revision.
    pub(crate) async fn kept_grant(&self, id: &str) -> Result<Option<(Grant, u64)>, Unavailable> {
        match self.ports.document(Space::Grant, id).await? {
            Some(Kept { json, revision }) => Ok(Some((read(&json)?, revision))),
            None => Ok(None),
        }
    }

    /// Writes a grant, on the shelf first and in the table after. `None` expects that there is none yet.
    pub(crate) async fn swap_grant(&self, grant: &Grant, expected: Option<u64>) -> Result<Swap, Unavailable> {
        let swap = self.ports.swap_document(Space::Grant, &grant.id, expected, write(grant)?).await?;
        if let Swap::Done(revision) = swap {
            self.grants.note(grant.clone(), revision);
        }
        Ok(swap)
    }

    /// Reads a document.
    pub(crate) async fn get<T: DeserializeOwned>(&self, space: Space, key: &str) -> Result<Option<T>, Unavailable> {
        self.ports.document(space, key).await?.map(|kept| read(&kept.json)).transpose()
    }

    /// Looks at a ticket.
    pub(crate) async fn look<T: DeserializeOwned>(&self, space: Space, secret: &str) -> Result<Option<T>, Unavailable> {
        if secret.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        self.ports.ticket(space, &self.digest(secret)).await?.map(|json| read(&json)).transpose()
    }

    /// Takes a ticket away.
    pub(crate) async fn take<T: DeserializeOwned>(&self, space: Space, secret: &str) -> Result<Option<T>, Unavailable> {
        if secret.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        self.ports.take_ticket(space, &self.digest(secret)).await?.map(|json| read(&json)).transpose()
    }

    /// Keeps a new ticket under the digest of its secret.
    pub(crate) async fn keep(
        &self,
        space: Space,
        secret: &str,
        ticket: &impl Serialize,
        expires_s: i64,
    ) -> Result<(), Unavailable> {
        let kept = self.keep_once(space, secret, ticket, expires_s).await?;
        if kept { Ok(()) } else { Err(Unavailable("a new ticket has the secret of another".to_owned())) }
    }

    /// Keeps a ticket where there is none; says whether there was none.
    pub(crate) async fn keep_once(
        &self,
        space: Space,
        secret: &str,
        ticket: &impl Serialize,
        expires_s: i64,
    ) -> Result<bool, Unavailable> {
        self.ports.put_ticket_once(space, &self.digest(secret), write(ticket)?, expires_s).await
    }

    /// Writes a ticket anew where it still is; says whether it is.
    pub(crate) async fn replace(
        &self,
        space: Space,
        secret: &str,
        ticket: &impl Serialize,
        expires_s: i64,
    ) -> Result<bool, Unavailable> {
        self.ports.replace_ticket(space, &self.digest(secret), write(ticket)?, expires_s).await
    }

    async fn put(&self, space: Space, key: &str, document: &(impl Serialize + Sync)) -> Result<(), Unavailable> {
        for _ in 0..SWAPS_MAX {
            let expected = self.ports.document(space, key).await?.map(|kept| kept.revision);
            match self.ports.swap_document(space, key, expected, write(document)?).await? {
                Swap::Done(_) => return Ok(()),
                Swap::Stale => {}
            }
        }
        Err(Unavailable("others keep changing the same document".to_owned()))
    }

    /// Changes a document as it stands at that moment, whoever else changes it meanwhile. `change` is given what is kept, and
    /// may be asked more than once; it gives what is to be kept instead, or nothing where all is to stay as it is.
    pub(crate) async fn change<T: DeserializeOwned + Serialize + Send + Sync>(
        &self,
        space: Space,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Option<T> + Send,
    ) -> Result<(), Unavailable> {
        for _ in 0..SWAPS_MAX {
            let kept = self.ports.document(space, key).await?;
            let expected = kept.as_ref().map(|kept| kept.revision);
            let Some(changed) = change(kept.map(|kept| read(&kept.json)).transpose()?) else { return Ok(()) };
            match self.ports.swap_document(space, key, expected, write(&changed)?).await? {
                Swap::Done(_) => return Ok(()),
                Swap::Stale => {}
            }
        }
        Err(Unavailable("others keep changing the same document".to_owned()))
    }

    /// Ends a grant, however often it is tried and whoever else changes it meanwhile.
    pub(crate) async fn end_grant(&self, id: &str, now_s: i64) -> Result<(), Unavailable> {
        for _ in 0..SWAPS_MAX {
            let Some((mut grant, revision)) = self.kept_grant(id).await? else { return Ok(()) };
            if grant.revoked_s.is_some() {
                self.grants.note(grant, revision);
                return Ok(());
            }
            grant.revoked_s = Some(now_s);
            match self.swap_grant(&grant, Some(revision)).await? {
                Swap::Done(_) => return Ok(()),
                Swap::Stale => {}
            }
        }
        Err(Unavailable("others keep changing the same grant".to_owned()))
    }
}

pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Unavailable> {
    serde_json::from_str(json).map_err(|why| unreadable(&why))
}

/// Without the value that was found: documents hold secrets.
fn unreadable(why: &serde_json::Error) -> Unavailable {
    Unavailable(format!("a kept document cannot be read, at line {} column {}", why.line(), why.column()))
}

pub(crate) fn write(document: &impl Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(document).map_err(|why| Unavailable(format!("a document cannot be written: {why}")))
}
