//! The embedded store: SQLite and append-only files. The only SQL.
//!
//! One connection writes, a few read. What a write promises is durable when it returns: WAL with full synchronisation for
//! the database, `fdatasync` for the ledger. Searches begin at the patient; nothing here decides who may see a row.

mod documents;
mod find;
mod journal;
pub mod ledger;
mod open;
mod resources;

pub use journal::{Known, OrderOwner, Write};
pub use ledger::Ledger;
pub use open::OpenError;
pub use resources::Put;

use sqlx::{SqliteConnection, SqlitePool};
use std::fs::File;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A data folder, open.
#[derive(Clone)]
pub struct Store {
    writer: Arc<Mutex<SqliteConnection>>,
    readers: SqlitePool,
    ledger: Ledger,
    _lock: Arc<File>,
}

/// The store could not do what it was asked; the text is for our log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own word: disk full, read-only, corrupt.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Something kept cannot be read.
    #[error("what is kept cannot be read: {0}")]
    Content(String),
}

impl Store {
    /// The ledger beside the records.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
