//! `kills --kills N --seed S`: kills the gateway N times, says what came of it, and ends with 1 when a rule was broken.
//!
//! Its last line belongs into tests/PROOF.md.

#![allow(clippy::print_stdout, reason = "a program that speaks by its output")]

use std::process::ExitCode;
use tests::kills;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let (Some(kills), Some(seed)) = (number("--kills"), number("--seed")) else {
        println!("kills --kills N --seed S");
        return ExitCode::FAILURE;
    };
    let begun = std::time::Instant::now();
    let tally = kills::run(kills, seed, |tally| println!("{tally}")).await;
    for (label, times) in &tally.kills {
        println!("{times:6} {label}");
    }
    for breach in &tally.breaches {
        println!("{breach}");
    }
    println!("| kills | {seed} | {} | {tally} | {} s |", commit(), begun.elapsed().as_secs());
    if tally.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was tried, as git names it.
fn commit() -> String {
    let told = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    told.map_or_else(|_| "unknown".to_owned(), |told| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}
