//! The proof harness at any length: `cargo run --release -p tests --bin proof -- --answers N --pairs N --seed S`.
//!
//! Prints what was tried and the line for `tests/PROOF.md`.

use std::process::{Command, ExitCode};
use std::str::FromStr;
use tests::gateway::Program;
use tests::proof::run::{Wanted, run};

#[expect(clippy::print_stdout, reason = "a record for whoever runs it")]
#[tokio::main]
async fn main() -> ExitCode {
    let wanted = Wanted {
        answers: option("--answers").unwrap_or(100_000),
        pairs: option("--pairs").unwrap_or(10_000),
        seed: option("--seed").unwrap_or(1),
    };
    let report = run(wanted, Program::Shipped, &[]).await;
    println!("{report}");
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "| {} | {} | {} | {} | {} | {:.0} s | {} |",
        report.answers_total(),
        report.pairs_total(),
        report.seed,
        said("git", &["rev-parse", "--short=10", "HEAD"]),
        format_args!("{}, {cores} cores", said("uname", &["-sm"])),
        report.took.as_secs_f64(),
        if report.failures.is_empty() { "nothing" } else { "see above" },
    );
    if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn option<T: FromStr>(name: &str) -> Option<T> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.replace('_', "").parse().ok()
}
