//! `bench`: what the gateway costs, beside whom. Peers are measured in one run, in turn, each pinned to a core of its own.
//!
//! The runner starts itself again for the parts: the server behind, the bare pass-through, the gateway. Nothing here is
//! shipped, and no figure made here is asserted by a test.

mod check;
mod chunks;
mod disk;
mod fhir_gateway;
mod gateway;
mod http;
mod links;
mod memory;
mod nginx;
mod origin;
mod pass;
mod people;
mod process;
mod report;
mod tokens;
mod warm;
mod wrk;

use std::io::Write;
use std::process::ExitCode;

const USAGE: &str =
    "bench load [--quick] | bench links [--quick] | bench tokens [--quick] | bench memory | bench all [--quick]";

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match run(&given) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            drop(writeln!(std::io::stderr(), "{sentence}"));
            ExitCode::FAILURE
        }
    }
}

fn run(given: &[String]) -> Result<(), String> {
    let quick = given.iter().any(|word| word == "--quick");
    let words: Vec<&str> = given.iter().map(String::as_str).filter(|word| *word != "--quick").collect();
    match words.as_slice() {
        ["origin", port] => one_thread(origin::run(number(port)?)),
        ["pass", port, behind] => one_thread(pass::run(number(port)?, number(behind)?)),
        ["gateway", speaks, port, behind, people, folder] => {
            let people = usize::from(number(people)?);
            gateway::run(gateway::Speaks::read(speaks)?, number(port)?, number(behind)?, people, folder.as_ref())
        }
        ["laboratory", ack, count, folder] => links::serve(links::acknowledges(ack)?, number(count)?, folder.as_ref()),
        ["senders", count, seconds, folder] => {
            one_thread(links::send(number(count)?, number(seconds)?, folder.as_ref()))
        }
        ["floor", seconds] => tokens::floor(number(seconds)?),
        ["principals", folder] => one_thread(tokens::principals(folder.as_ref())),
        ["load"] => report::opened(|report| http::run(report, quick)),
        ["links"] => report::opened(|report| links::run(report, quick)),
        ["tokens"] => report::opened(|report| tokens::run(report, quick)),
        ["memory"] => report::opened(memory::run),
        ["all"] => report::opened(|report| {
            http::run(report, quick)?;
            tokens::run(report, quick)?;
            links::run(report, quick)?;
            memory::run(report)
        }),
        _ => Err(USAGE.to_owned()),
    }
}

fn number(word: &str) -> Result<u16, String> {
    word.parse().map_err(|_| format!("{word} is no number; {USAGE}"))
}

/// Runs on one thread: for parts that have one core.
fn one_thread(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(work)
}
