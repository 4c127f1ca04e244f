//! The `sluice` command: every failure is one sentence that says what to do, on standard error, with exit status 1.

mod account;
mod args;
mod ask;
mod client;
mod config;
mod demo;
#[cfg(feature = "faults")]
mod faults;
mod hl7;
mod init;
mod journal;
mod keys;
mod launch;
mod ledger;
mod out;
mod place;
mod policy;
mod sandbox;
mod serve;
mod stop;

use args::{Command, DataArgs, Sluice};
use clap::Parser;
use server::admin;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Sluice::parse().command;
    // Whatever is written here is for its owner alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    server::telemetry::start(false);
    #[cfg(feature = "faults")]
    if let Err(sentence) = faults::start() {
        return failed(&sentence);
    }
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => failed(&sentence),
    }
}

fn failed(sentence: &str) -> ExitCode {
    // With standard error gone too, the exit status alone must say it.
    drop(writeln!(std::io::stderr(), "{sentence}"));
    ExitCode::FAILURE
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Demo(args) => wait(demo::run(&args)),
        Command::Init { dir } => wait(init::run(&dir)),
        Command::Serve(args) => wait(serve::run(&args.config)),
        Command::CheckConfig(args) => serve::check(&args.config),
        Command::Policy(command) => policy::run(&command),
        Command::Ledger(command) => ask(ledger::command(command)),
        Command::Journal(command) => ask(journal::command(command)),
        Command::Account(command) => ask(account::command(command)?),
        Command::Client(command) => ask(client::command(command)),
        Command::Keys(command) => ask(keys::command(command)),
        Command::Launch(typed) => ask(launch::command(typed)?),
        Command::Status(data) => ask((data, admin::Command::Status)),
        Command::Drain(data) => ask((data, admin::Command::Drain)),
        Command::Hl7v2(command) => hl7::run(&command),
    }
}

fn ask((gateway, command): (DataArgs, admin::Command)) -> Result<(), String> {
    wait(ask::ask(&gateway, command))
}

fn wait(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|why| format!("no threads could be started ({why}); free some memory and try again"))?
        .block_on(work)
}
