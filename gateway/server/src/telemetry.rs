//! Logs: one line an event, without health data. Neither paths nor queries are logged.
//!
//! What someone must look into is an alarm: its line names it and says how often it has been since the process began, so
//! that whoever reads the log alone can count. Nothing of it is shown to a client.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_subscriber::EnvFilter;

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

/// Starts logging to standard error; `RUST_LOG` chooses what, `info` of ours otherwise.
pub fn start(json: bool) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,server=info,store=info,cli=info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    // Colours are for eyes; in a file they hide what is looked for.
    let log = log.with_ansi(std::io::stderr().is_terminal());
    let started = if json { log.json().try_init() } else { log.try_init() };
    // A second start in one process (tests) keeps the first.
    drop(started);
}
