//! The `sluice` command: every failure is one sentence that says what to do, on standard error, with exit status 1.

mod args;
mod config;
mod data;
mod demo;
#[cfg(feature = "faults")]
mod faults;
mod hl7;
mod init;
mod journal;
mod ledger;
mod out;
mod policy;
mod serve;

use args::{Command, Sluice};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Sluice::parse().command;
    server::telemetry::start(false);
    #[cfg(feature = "faults")]
    if let Err(sentence) = faults::start() {
        return failed(&sentence);
    }
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => failed(&sentence),
    }
}

fn failed(sentence: &str) -> ExitCode {
    // With standard error gone too, the exit status alone must say it.
    drop(writeln!(std::io::stderr(), "{sentence}"));
    ExitCode::FAILURE
}

fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::Demo(args) => wait(demo::run(args)),
        Command::Init { dir } => init::run(dir),
        Command::Serve(args) => wait(serve::run(&args.config)),
        Command::CheckConfig(args) => serve::check(&args.config),
        Command::Policy(command) => policy::run(command),
        Command::Ledger(command) => ledger::run(command),
        Command::Journal(command) => wait(journal::run(command)),
        Command::Hl7v2(command) => hl7::run(command),
    }
}

fn wait(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|why| format!("no threads could be started ({why}); free some memory and try again"))?
        .block_on(work)
}
