//! The database: one connection that writes, some that read, and how both are set up.

mod migrate;
mod writer;

pub(crate) use migrate::{MigrateFault, migrate};
pub(crate) use writer::Writer;

use crate::error::StoreError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, Transaction};
use std::path::Path;
use std::time::Duration;

/// The write-ahead log is cut back to this many bytes once it has been folded into the database.
const WAL_BYTES_KEPT: &str = "67108864";
/// The write-ahead log is folded into the database once it has this many pages (of 4 KB). Each time costs two flushes.
const CHECKPOINT_PAGES: &str = "8192";
/// What the connection that writes keeps of the database in memory, in KB below zero as SQLite wants it: what a day's
/// messages touch is spread over every index.
const WRITER_CACHE: &str = "-65536";
/// How long a connection waits for a lock. Only a checkpoint or an outside tool ever holds one against us.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Prepared statements kept by each connection; searches make many different ones.
const STATEMENTS_KEPT: usize = 256;

/// How the connection that writes is set up: every commit is on the disk before it is answered.
pub(crate) fn write_options(file: &Path) -> SqliteConnectOptions {
    options(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // What a savepoint may have to take back stays in memory instead of a file of its own.
        .pragma("temp_store", "MEMORY")
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_WAIT)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .disable_statement_logging()
}

/// Connections that only read.
pub(crate) fn readers(file: &Path, connections: u32) -> SqlitePool {
    let options = options(file).pragma("query_only", "ON");
    SqlitePoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options)
}

/// A snapshot to read from: all that is asked of it sees the same moment.
pub(crate) async fn snapshot(readers: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    Ok(readers.begin().await?)
}

/// An unsigned number as SQLite keeps it; past its range, its last.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that the store wrote itself and never wrote below zero.
pub(crate) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
