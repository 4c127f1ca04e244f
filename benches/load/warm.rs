//! What a peer is asked before it is timed, so that its own start is not what is measured.

use crate::wrk::Load;
use std::time::{Duration, Instant};

/// No peer is warmed for longer than this, however few answers it has given.
const WARM_MAX: Duration = Duration::from_secs(60);

/// Asked in slices of some seconds until so many answers were given.
#[derive(Clone, Copy)]
pub(crate) struct Warm {
    slice_s: u64,
    answers: u64,
}

impl Warm {
    /// For what was compiled beforehand: one slice.
    pub(crate) const COMPILED: Warm = Warm { slice_s: 1, answers: 1 };
    /// For what compiles itself while it runs. fhir-gateway's cost a request was seen to fall sixfold over its first 50,000
    /// answers, with a rest half-way: neither some seconds nor a cost that no longer falls would tell that it is done.
    pub(crate) const JVM: Warm = Warm { slice_s: 5, answers: 60_000 };

    /// Warms a peer; how many answers it gave comes back.
    pub(crate) fn up(self, load: &Load, base: &str, connections: usize) -> Result<u64, String> {
        let begun = Instant::now();
        let mut given = 0;
        while given < self.answers && begun.elapsed() < WARM_MAX {
            given += load.run(base, connections, self.slice_s)?.requests;
        }
        Ok(given)
    }

    /// Whether a reader should know how many answers there were.
    pub(crate) fn is_long(self) -> bool {
        self.answers > Warm::COMPILED.answers
    }
}
