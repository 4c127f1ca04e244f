//! The embedded store as a source of records: searches narrowed to the permit's patients, and single reads.
//!
//! Narrowing here is the first of two walls: the gate judges every row again. A record that is nobody's is never found.

mod cursor;
mod evidence;
mod find;
mod parts;
mod reach;
mod sql;

pub(crate) use reach::{Way, way};

use crate::error::StoreError;
use crate::open::Store;
use fhir::search::Query;
use fhir::{Id, ResourceType};
use privacy::{Chunk, Cursor, Permit, Phi, Refusal, Source};

/// Bytes of rows in one chunk, from which on no further row is taken in.
pub(crate) const CHUNK_BYTES_FULL: usize = 16 * 1024 * 1024;

/// Why a search gave no rows.
pub(crate) enum Fault {
    /// The place to go on from is not one of this search's.
    NoSuchPlace,
    /// The store's own.
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for Fault {
    fn from(error: E) -> Fault {
        Fault::Store(error.into())
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        match fault {
            Fault::NoSuchPlace => {
                let public = "This page link no longer leads anywhere. Search again from the first page.";
                Refusal::new(privacy::Kind::Gone, public)
            }
            Fault::Store(StoreError::Busy) => {
                let public = "Too much is asked for at the moment. Try again after the seconds that Retry-After names.";
                Refusal::new(privacy::Kind::Unavailable, public).retry_after(5)
            }
            Fault::Store(error) => Refusal::fault(error),
        }
    }
}

impl Source for Store {
    async fn find(&self, permit: &Permit, query: &Query, from: &Cursor, at_most: usize) -> Result<Phi<Chunk>, Refusal> {
        Ok(Phi::new(find::find(self, permit, query, from, at_most).await?))
    }

    async fn fetch(
        &self,
        permit: &Permit,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> Result<Phi<Chunk>, Refusal> {
        Ok(Phi::new(find::fetch(self, permit, kind, id, version).await?))
    }
}
