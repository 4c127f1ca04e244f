//! `sluice ledger`: holds the record of disclosures against itself, and prints it for others to read.

use crate::args::{DataArgs, LedgerCommand};
use server::admin::Command;

/// What is to be asked of which gateway.
pub(crate) fn command(typed: LedgerCommand) -> (DataArgs, Command) {
    match typed {
        LedgerCommand::Verify(data) => (data, Command::LedgerVerify),
        LedgerCommand::Export(data) => (data, Command::LedgerExport),
    }
}
