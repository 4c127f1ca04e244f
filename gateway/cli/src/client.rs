//! `sluice client`: which apps are registered, and what becomes of those that registered themselves.

use crate::args::{ClientCommand, DataArgs};
use server::admin::Command;

/// What is to be asked of which gateway.
pub(crate) fn command(typed: ClientCommand) -> (DataArgs, Command) {
    match typed {
        ClientCommand::List(data) => (data, Command::ClientList),
        ClientCommand::Calls { data, client_id } => (data, Command::ClientCalls { client_id }),
        ClientCommand::Disable { data, client_id } => (data, Command::ClientSwitch { client_id, enabled: false }),
        ClientCommand::Enable { data, client_id } => (data, Command::ClientSwitch { client_id, enabled: true }),
        ClientCommand::Remove { data, client_id } => (data, Command::ClientRemove { client_id }),
    }
}
