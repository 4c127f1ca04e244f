//! `sluice account`: who can sign in. A password is read from the terminal or a file descriptor, never from the command line,
//! and leaves this process as its argon2id hash alone.

use crate::args::{AccountCommand, DataArgs, PasswordArgs};
use certs::{Zeroizing, password};
use console::Term;
use server::admin::{Command, NewAccount};
use smart::Account;
use smart::account::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// What is to be asked of which gateway.
///
/// # Errors
/// One sentence: there is no password, or it is too short or too long.
pub(crate) fn command(typed: AccountCommand) -> Result<(DataArgs, Command), String> {
    Ok(match typed {
        AccountCommand::Add {
            data,
            password,
            role,
            fhir_user,
            patient,
            thirteen_or_older,
            provider_subject,
            locale,
            username,
        } => {
            // Who signs in elsewhere has a password here only when one is handed over.
            let elsewhere = provider_subject.is_some() && password.password_fd.is_none();
            let password = if elsewhere { None } else { Some(hash(&password)?) };
            let (patients, of_age) = (patient, thirteen_or_older);
            let new = NewAccount { username, password, role, fhir_user, patients, provider_subject, of_age, locale };
            (data, Command::AccountAdd(new))
        }
        AccountCommand::ActFor { data, patient, username } => {
            (data, Command::AccountActFor { username, patients: patient })
        }
        AccountCommand::Link { data, provider_subject, username } => {
            (data, Command::AccountLink { username, subject: Some(provider_subject) })
        }
        AccountCommand::Unlink { data, username } => (data, Command::AccountLink { username, subject: None }),
        AccountCommand::Recover { data, username } => (data, Command::AccountRecover { username }),
        AccountCommand::List(data) => (data, Command::AccountList),
        AccountCommand::Disable { data, username } => (data, Command::AccountSwitch { username, enabled: false }),
        AccountCommand::Enable { data, username } => (data, Command::AccountSwitch { username, enabled: true }),
        AccountCommand::SecondFactorOff { data, reason, username } => {
            (data, Command::AccountSecondFactorOff { username, reason })
        }
        AccountCommand::Password { data, password, username } => {
            (data, Command::AccountPassword { username, password: hash(&password)? })
        }
    })
}

fn hash(args: &PasswordArgs) -> Result<String, String> {
    let password = match args.password_fd {
        Some(descriptor) => from_descriptor(descriptor)
            .map_err(|why| format!("no password can be read from file descriptor {descriptor} ({why})"))?,
        None => from_terminal()?,
    };
    sound(&password)?;
    password::hash(&password).map_err(|why| why.to_string())
}

/// Whether this may be somebody's password.
fn sound(password: &str) -> Result<(), String> {
    if Account::is_password(password) {
        return Ok(());
    }
    Err(format!("a password has at least {PASSWORD_CHARS_MIN} characters, and at most {PASSWORD_BYTES_MAX} bytes"))
}

/// The first line of what a descriptor gives, such as `--password-fd 3 3<file` or `--password-fd 0` behind a pipe.
fn from_descriptor(descriptor: u32) -> io::Result<Zeroizing<String>> {
    if descriptor == 0 {
        return first_line(io::stdin().lock());
    }
    // Opening it by name needs no `unsafe`, and leaves the descriptor itself alone.
    first_line(BufReader::new(File::open(format!("/proc/self/fd/{descriptor}"))?))
}

fn first_line(from: impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    // Two more than may be, so that one that is too long is told so and not cut.
    from.take(password::PASSWORD_BYTES_MAX as u64 + 2).read_line(&mut line)?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(line)
}

/// Asked for twice, without showing it.
fn from_terminal() -> Result<Zeroizing<String>, String> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err("there is no terminal to ask for the password on; hand it over with --password-fd".to_owned());
    }
    let ask = |prompt: &str| {
        let read = terminal.write_str(prompt).and_then(|()| terminal.read_secure_line());
        read.map(Zeroizing::new).map_err(|why| format!("no password can be read from the terminal ({why})"))
    };
    let password = ask("Password: ")?;
    if *ask("Once more: ")? != *password {
        return Err("the two are not the same; nothing was changed".to_owned());
    }
    Ok(password)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        for given in ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nsecond line\n"] {
            assert_eq!(*first_line(given.as_bytes()).unwrap(), "correct horse", "{given:?}");
        }
        assert_eq!(*first_line(&b" spaces stay \n"[..]).unwrap(), " spaces stay ");
    }

    #[test]
    fn a_password_is_neither_short_nor_cut() {
        assert!(sound("correct hors").is_ok());
        assert!(sound("correct hor").is_err());
        assert!(sound("ñandúñandúñ").is_err(), "characters count, not bytes");
        let long = "x".repeat(password::PASSWORD_BYTES_MAX + 1);
        assert!(sound(&first_line(long.as_bytes()).unwrap()).is_err());
    }
}
