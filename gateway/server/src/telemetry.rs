//! Logs: one line an event, without health data. Neither paths nor queries are logged.
//!
//! What someone must look into is an alarm, and its line names it. Those that come from outside, from the server behind us or
//! for whom an answer was, also say how often they have been since the process began, so that whoever reads the log alone can
//! count. Nothing of it is shown to a client.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// What someone must look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// The server behind us gave rows of patients who were not asked for.
    ForeignRow,
    /// The server behind us gave no answer, too late a one, or one that cannot be read.
    Upstream,
    /// An answer was for someone else than who asked.
    WrongRecipient,
}

static FOREIGN_ROW: AtomicU64 = AtomicU64::new(0);
static UPSTREAM: AtomicU64 = AtomicU64::new(0);
static WRONG_RECIPIENT: AtomicU64 = AtomicU64::new(0);

impl Alarm {
    /// Counts it so many times; how often it has been.
    pub fn count(self, times: u64) -> u64 {
        let counter = match self {
            Alarm::ForeignRow => &FOREIGN_ROW,
            Alarm::Upstream => &UPSTREAM,
            Alarm::WrongRecipient => &WRONG_RECIPIENT,
        };
        counter.fetch_add(times, Ordering::Relaxed) + times
    }
}

/// What is logged unless `RUST_LOG` says otherwise.
const USUAL: [(&str, LevelFilter); 3] =
    [("server", LevelFilter::INFO), ("store", LevelFilter::INFO), ("cli", LevelFilter::INFO)];

/// Starts logging to standard error; `RUST_LOG` chooses what, by `target=level` and commas.
pub fn start(json: bool) {
    let chosen = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let chosen = chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN).with_targets(USUAL));
    // Colours are for eyes; in a file they hide what is looked for.
    let log = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let log = if json { log.json().boxed() } else { log.boxed() };
    // A second start in one process (tests) keeps the first.
    drop(tracing_subscriber::registry().with(log.with_filter(chosen)).try_init());
}
