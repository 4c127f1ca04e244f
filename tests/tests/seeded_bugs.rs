//! Whoever says that a harness would notice a leak has to have seen it notice one: each of seven mistakes that have
//! happened elsewhere is switched on in a build that is never shipped, and the proof fails; with none on, it passes.

#![expect(clippy::print_stdout, reason = "a run says by what each mistake was noticed")]

use tests::gateway::Program;
use tests::proof::run::{Wanted, notices};

/// The mistakes, as `sluice-faults` knows them.
const BUGS: [&str; 7] = [
    "concatenated-replay",
    "truncated-id",
    "empty-means-all",
    "connection-reused",
    "cache-without-subject",
    "filter-error-sends",
    "second-patient",
];

const WANTED: Wanted = Wanted { answers: 6_000, pairs: 300, seed: 7, keep: false };
/// Runs in one of which a mistake must be noticed: a cancelled request meets the next one by chance.
const RUNS: u64 = 4;

/// Why the proof fails with this mistake switched on, if it does.
async fn noticed(bug: &str) -> Option<String> {
    for seed in WANTED.seed..WANTED.seed + RUNS {
        if let Some(why) = notices(Wanted { seed, ..WANTED }, Program::Faults, &[("SLUICE_FAULT", bug)]).await {
            return Some(why);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_seeded_mistake_is_noticed() {
    let mut missed = Vec::new();
    for bug in BUGS {
        match noticed(bug).await {
            Some(why) => println!("{bug}: {why}"),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "the proof passes with {missed:?} switched on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mistake_nothing_is_noticed() {
    assert_eq!(notices(WANTED, Program::Faults, &[]).await, None);
}
