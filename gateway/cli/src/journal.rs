//! `sluice journal`: what was received, what became of it, and once more from the start.

use crate::args::{DataArgs, JournalCommand};
use server::admin::Command;

/// What is to be asked of which gateway.
pub(crate) fn command(typed: JournalCommand) -> (DataArgs, Command) {
    match typed {
        JournalCommand::List { data, state } => (data, Command::JournalList { state }),
        JournalCommand::Show { data, reveal: true, reason, sequence } => {
            (data, Command::JournalReveal { sequence, reason: reason.unwrap_or_default() })
        }
        JournalCommand::Show { data, reveal: false, reason: _, sequence } => (data, Command::JournalShow { sequence }),
        JournalCommand::Replay { data, sequence } => (data, Command::JournalReplay { sequence }),
    }
}
