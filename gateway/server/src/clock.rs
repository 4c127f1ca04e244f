//! The one place that reads the clock. Everything below takes `now` as an argument.

use fhir::Instant;
use std::time::{SystemTime, UNIX_EPOCH};

/// The present moment.
#[allow(clippy::disallowed_methods, reason = "the edge owns the clock")]
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
