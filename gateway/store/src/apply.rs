//! Applying a message: its records, the crosswalk, the order numbers and the end of its delivery, all in one transaction.
//!
//! So a message is applied once or not at all, wherever the process dies; and its settled answer stands beside it.

use crate::crosswalk::{Crossed, Order, cross, own};
use crate::error::StoreError;
use crate::journal::set;
use crate::open::Store;
use crate::resources::{Put, Version, put_all, ready};
use bridge::journal::Mark;
use fhir::Instant;
use privacy::faults::{self, Point};

/// Everything that a message does to the store.
pub struct Applied {
    /// Its number in the journal.
    pub sequence: u64,
    /// The link it came over.
    pub link: String,
    /// The records it writes, none where all of it waits for a person.
    pub puts: Vec<Put>,
    /// What its business keys became.
    pub crossed: Vec<Crossed>,
    /// Whose its order numbers are.
    pub orders: Vec<Order>,
    /// The end of its delivery, with the answer to its sender when that is settled now.
    pub mark: Mark,
    /// When.
    pub at: Instant,
}

impl Store {
    /// Applies a message; on return all of it is durable, or nothing of it happened.
    ///
    /// # Errors
    /// [`StoreError::TwoKeys`] where two business keys lead to one id, [`StoreError::Stale`] where a record does not stand
    /// as expected, [`StoreError::Unfit`], [`StoreError::NoSuchMessage`], and the disk's.
    pub async fn apply(&self, applied: Applied) -> Result<Vec<Version>, StoreError> {
        let Applied { sequence, link, puts, crossed, orders, mark, at } = applied;
        let ready = ready(&puts)?;
        let work = self.writer().write(move |connection| {
            Box::pin(async move {
                cross(connection, &link, &crossed).await?;
                own(connection, &link, &orders).await?;
                let versions = put_all(connection, ready, at).await?;
                faults::pass(Point::MidApply);
                set(connection, sequence, mark).await?;
                Ok(versions)
            })
        });
        work.await
    }
}
