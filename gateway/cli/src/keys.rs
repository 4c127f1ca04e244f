//! `sluice keys`: which keys sign tokens, and letting others take their place without a failed request.

use crate::args::{DataArgs, KeysCommand};
use server::admin::Command;

/// What is to be asked of which gateway.
pub(crate) fn command(typed: KeysCommand) -> (DataArgs, Command) {
    match typed {
        KeysCommand::List(data) => (data, Command::KeysList),
        KeysCommand::Rotate { data, force } => (data, Command::KeysRotate { force }),
        KeysCommand::Retire { data, force, kid } => (data, Command::KeyRetire { kid, force }),
    }
}
