//! A mistake on purpose: a connection on which an answer is still to come goes back to the pool, and whoever is next reads
//! it as their own.

use super::line::{Answer, Broke, Line};
use privacy::faults::{Bug, seeded};
use std::sync::{Mutex, PoisonError};

/// Connections that were given up with an answer unread.
static UNREAD: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// A connection that somebody gave up.
pub(super) fn given_up() -> Option<Line> {
    UNREAD.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// As [`Line::exchange`], but whoever drops it half way leaves the connection to the next.
pub(super) async fn exchange(line: Line, question: &[u8], bytes_max: usize) -> Result<(Answer, Option<Line>), Broke> {
    let mut lent = Lent(Some(line));
    let Some(line) = &mut lent.0 else { return Err(Broke::Unanswered) };
    let asked = line.ask(question, bytes_max).await;
    let line = lent.0.take();
    let (answer, again) = asked?;
    Ok((answer, line.filter(|_| again)))
}

/// A connection while it is being asked.
struct Lent(Option<Line>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(line) = self.0.take()
            && seeded(Bug::ConnectionReused)
        {
            UNREAD.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}
