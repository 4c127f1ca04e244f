//! What an operator at the machine can ask: the journal, the ledger, accounts, launches, how it goes, and to stop.
//!
//! A running gateway answers by a socket in its data folder ([`socket`]); on a folder that no gateway has, a command does the
//! same through the same [`Admin`]. Health data leaves here in one place ([`reveal`]), through the gate.

mod accounts;
mod call;
mod clients;
mod journal;
mod keys;
mod launch;
pub mod ledger;
mod life;
mod line;
mod newcomer;
mod reveal;
mod socket;
mod who;

pub use call::{Call, CallError};
pub(crate) use life::Life;
pub use newcomer::NewAccount;
pub use socket::Socket;
pub(crate) use socket::serve;
pub use who::this_process;

use crate::context::Context;
use crate::inbound::Inbox;
use privacy::Operator;
use serde::{Deserialize, Serialize};
use smart::launch::NewLaunch;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use store::Store;
use tokio::sync::mpsc;

/// Bytes of one piece of an answer.
const PIECE_BYTES_MAX: usize = 32 * 1024;
/// Pieces that may wait for whoever reads them.
const PIECES_WAITING_MAX: usize = 16;

/// What can be asked. Without `Debug`: it may hold a password's hash, which belongs in no log.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Whether it serves, and since when.
    Status,
    /// To finish what is under way, and stop.
    Drain,
    /// Every message kept, or those of one state.
    JournalList {
        /// `applied`, `quarantined`, `refused` or `unfinished`.
        state: Option<String>,
    },
    /// What stands where in one message.
    JournalShow {
        /// Its number.
        sequence: u64,
    },
    /// One message whole, on the ledger.
    JournalReveal {
        /// Its number.
        sequence: u64,
        /// Why.
        reason: String,
    },
    /// One message through the live path again.
    JournalReplay {
        /// Its number.
        sequence: u64,
    },
    /// Whether the chain of the ledger holds.
    LedgerVerify,
    /// Every entry of the ledger as AuditEvents.
    LedgerExport,
    /// To add someone who can sign in.
    AccountAdd(NewAccount),
    /// Who can sign in.
    AccountList,
    /// To switch an account off or on.
    AccountSwitch {
        /// Its name.
        username: String,
        /// On or off.
        enabled: bool,
    },
    /// To name anew whom a representative acts for.
    AccountActFor {
        /// Its name.
        username: String,
        /// The patients, by their ids.
        patients: Vec<String>,
    },
    /// To say anew whom the login provider knows an account as.
    AccountLink {
        /// Its name.
        username: String,
        /// The provider's subject; none to unlink it.
        subject: Option<String>,
    },
    /// To make a code with which someone sets another password.
    AccountRecover {
        /// Its name.
        username: String,
    },
    /// To take an account's second factor off.
    AccountSecondFactorOff {
        /// Its name.
        username: String,
        /// Why.
        reason: String,
    },
    /// Which apps are registered.
    ClientList,
    /// To switch an app off or on that registered itself.
    ClientSwitch {
        /// Its id.
        client_id: String,
        /// On or off.
        enabled: bool,
    },
    /// To take an app away that registered itself.
    ClientRemove {
        /// Its id.
        client_id: String,
    },
    /// What an app has called lately.
    ClientCalls {
        /// Its id.
        client_id: String,
    },
    /// Which keys sign tokens.
    KeysList,
    /// To publish the next keys, or to let them sign.
    KeysRotate {
        /// Although others may not have heard of them yet.
        force: bool,
    },
    /// To take a key away.
    KeyRetire {
        /// Its name.
        kid: String,
        /// Although what it signed may still come.
        force: bool,
    },
    /// To give an account another password.
    AccountPassword {
        /// Its name.
        username: String,
        /// The password as a PHC string.
        password: String,
    },
    /// To make a launch for an app.
    Launch(NewLaunch),
}

/// Where an answer goes, piece by piece; whoever writes waits while the reader is slow.
#[derive(Clone)]
pub struct Out(mpsc::Sender<Vec<u8>>);

impl Out {
    /// An answer, and where it comes out.
    pub fn new() -> (Out, mpsc::Receiver<Vec<u8>>) {
        let (out, pieces) = mpsc::channel(PIECES_WAITING_MAX);
        (Out(out), pieces)
    }

    async fn bytes(&self, bytes: &[u8]) -> Result<(), String> {
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            self.0.send(piece.to_vec()).await.map_err(|_| gone())?;
        }
        Ok(())
    }

    async fn line(&self, text: &str) -> Result<(), String> {
        self.bytes(format!("{text}\n").as_bytes()).await
    }

    /// As `bytes`, from a thread that may wait.
    fn bytes_of_a_thread(&self, bytes: &[u8]) -> Result<(), String> {
        bytes.chunks(PIECE_BYTES_MAX).try_for_each(|piece| self.0.blocking_send(piece.to_vec()).map_err(|_| gone()))
    }
}

fn gone() -> String {
    "whoever asked has gone".to_owned()
}

/// Answers operators, on a gateway's own parts.
pub struct Admin {
    pub(crate) cx: Arc<Context>,
    pub(crate) store: Store,
    pub(crate) data: PathBuf,
    pub(crate) inboxes: Vec<Arc<Inbox>>,
    /// Nothing where a command has opened the folder of a gateway that does not run.
    pub(crate) life: Option<Life>,
}

impl Admin {
    /// Answers one question.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub fn perform<'a>(
        &'a self,
        operator: &'a Operator,
        command: Command,
        out: &'a Out,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(self.answer(operator, command, out))
    }

    async fn answer(&self, operator: &Operator, command: Command, out: &Out) -> Result<(), String> {
        match command {
            Command::Status => self.status(out).await,
            Command::Drain => self.drain(operator, out).await,
            Command::JournalList { state } => self.list_messages(state.as_deref(), out).await,
            Command::JournalShow { sequence } => self.show_message(sequence, out).await,
            Command::JournalReveal { sequence, reason } => self.reveal(operator, sequence, &reason, out).await,
            Command::JournalReplay { sequence } => self.replay_message(sequence, out).await,
            Command::LedgerVerify => ledger::verify(&self.data, ledger::Reading::Live, out).await,
            Command::LedgerExport => ledger::export(&self.data, &self.cx.fhir_base, ledger::Reading::Live, out).await,
            Command::AccountAdd(account) => self.add_account(account, out).await,
            Command::AccountList => self.list_accounts(out).await,
            Command::AccountSwitch { username, enabled } => self.switch_account(&username, enabled, out).await,
            Command::AccountActFor { username, patients } => self.act_for(operator, &username, &patients, out).await,
            Command::AccountLink { username, subject } => self.relink(operator, &username, subject, out).await,
            Command::AccountRecover { username } => self.recover_account(operator, &username, out).await,
            Command::AccountSecondFactorOff { username, reason } => {
                self.take_off_second_factor(operator, &username, &reason, out).await
            }
            Command::ClientList => self.list_clients(out).await,
            Command::ClientSwitch { client_id, enabled } => {
                self.switch_client(operator, &client_id, enabled, out).await
            }
            Command::ClientRemove { client_id } => self.remove_client(operator, &client_id, out).await,
            Command::ClientCalls { client_id } => self.list_calls(&client_id, out).await,
            Command::KeysList => self.list_keys(out).await,
            Command::KeysRotate { force } => self.rotate_keys(operator, force, out).await,
            Command::KeyRetire { kid, force } => self.retire_key(operator, kid, force, out).await,
            Command::Launch(new) => self.new_launch(operator, &new, out).await,
            Command::AccountPassword { username, password } => self.change_password(&username, password, out).await,
        }
    }
}
