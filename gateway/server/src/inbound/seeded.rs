//! A mistake on purpose: what waits is joined, as a script once joined the mails that had not been delivered.

use super::Inbox;
use bridge::Filing;
use bridge::journal::{Ending, Journal, Wanted};
use privacy::Phi;
use privacy::faults::{Bug, seeded};

/// Messages joined at most.
const JOINED_MAX: usize = 1000;

impl Inbox {
    /// What the other messages hold that are not applied.
    pub(super) async fn all_that_wait_but(&self, sequence: u64) -> Vec<Phi<Filing>> {
        let mut filings = Vec::new();
        if !seeded(Bug::ConcatenatedReplay) {
            return filings;
        }
        for wanted in [Wanted::Unfinished, Wanted::Ended(Ending::Quarantined)] {
            for kept in self.store.list(wanted, 0, JOINED_MAX).await.unwrap_or_default() {
                if kept.sequence != sequence
                    && let Ok(Some(raw)) = self.store.raw(kept.sequence).await
                {
                    filings.extend(self.adapter.read(&self.link, &raw).filings);
                }
            }
        }
        filings
    }
}
