//! Asking a gateway: the running one by its admin socket; where none runs, its folder is opened and the same is done here.

use crate::args::DataArgs;
use crate::out;
use crate::place::{self, Place};
use privacy::Operator;
use server::admin::{self, Call, Command, Out, ledger};

/// Asks, and prints the answer as it comes.
///
/// # Errors
/// One sentence.
pub(crate) async fn ask(args: &DataArgs, command: Command) -> Result<(), String> {
    let place = place::of(args)?;
    let show = if matches!(command, Command::JournalReveal { .. }) { out::message } else { out::bytes };
    match Call::ask(&place.folder, &command).await.map_err(|why| why.to_string())? {
        Some(mut call) => {
            while let Some(piece) = call.next().await.map_err(|why| why.to_string())? {
                show(&piece)?;
            }
            Ok(())
        }
        None => here(place, command, show).await,
    }
}

/// Does it in this process.
async fn here(place: Place, command: Command, write: fn(&[u8]) -> Result<(), String>) -> Result<(), String> {
    let (out, mut pieces) = Out::new();
    let operator =
        admin::this_process().map_err(|why| format!("it cannot be told who runs this ({why}); try again"))?;
    let work = async move { perform(place, &operator, command, &out).await };
    let show = async move {
        while let Some(piece) = pieces.recv().await {
            write(&piece)?;
        }
        Ok(())
    };
    let (done, shown): (_, Result<(), String>) = tokio::join!(work, show);
    shown.and(done)
}

async fn perform(place: Place, operator: &Operator, command: Command, out: &Out) -> Result<(), String> {
    let base = format!("{}/fhir", place.origin);
    let folder = place.folder.clone();
    match command {
        Command::Status | Command::Drain | Command::ClientCalls { .. } => {
            Err(format!("no gateway runs on {}", folder.display()))
        }
        // The ledger's files are enough: they may be a copy, and opening the folder would mend what is to be looked at.
        Command::LedgerVerify | Command::LedgerExport if !folder.join("ledger").is_dir() => {
            Err(format!("there is no ledger in {}; name the data folder of a gateway that has run", folder.display()))
        }
        Command::LedgerVerify => ledger::verify(&folder, ledger::Reading::AtRest, out).await,
        Command::LedgerExport => ledger::export(&folder, &base, ledger::Reading::AtRest, out).await,
        command @ (Command::JournalList { .. }
        | Command::JournalShow { .. }
        | Command::JournalReveal { .. }
        | Command::JournalReplay { .. }
        | Command::AccountAdd(_)
        | Command::AccountList
        | Command::AccountSwitch { .. }
        | Command::AccountActFor { .. }
        | Command::AccountLink { .. }
        | Command::AccountRecover { .. }
        | Command::AccountSecondFactorOff { .. }
        | Command::AccountPassword { .. }
        | Command::ClientList
        | Command::ClientSwitch { .. }
        | Command::ClientRemove { .. }
        | Command::KeysList
        | Command::KeysRotate { .. }
        | Command::KeyRetire { .. }
        | Command::Launch(_)) => place.open().await?.perform(operator, command, out).await,
    }
}
