//! The two oracles over every route, on the embedded store and on a server behind the gateway.
//!
//! `SLUICE_PROOF_ANSWERS`, `SLUICE_PROOF_PAIRS` and `SLUICE_PROOF_SEED` choose how much; `--bin proof` does any number.

#![expect(clippy::print_stdout, reason = "a run says what it tried")]

use std::str::FromStr;
use tests::gateway::Program;
use tests::proof::run::{Wanted, run};

fn set<T: FromStr>(name: &str, otherwise: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_extra_nothing_withheld_and_two_worlds_alike() {
    let wanted = Wanted {
        answers: set("SLUICE_PROOF_ANSWERS", 100_000),
        pairs: set("SLUICE_PROOF_PAIRS", 10_000),
        seed: set("SLUICE_PROOF_SEED", 1),
        keep: true,
    };
    let report = run(wanted, Program::Shipped, &[]).await;
    println!("{report}");
    assert!(report.failures.is_empty(), "{report}");
    assert!(report.answers_total() >= wanted.answers && report.pairs_total() >= wanted.pairs, "{report}");
}
