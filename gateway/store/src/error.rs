//! What can go wrong with the store, as far as a caller does something different about it.

use sqlx::Error;

/// The store could not do it. The texts hold no record's content and no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no room left; nothing was changed, and it works again once there is.
    #[error("the disk of the data folder is full")]
    Full,
    /// The folder may be read and not written.
    #[error("the data folder cannot be written")]
    ReadOnly,
    /// Something stored does not read as what it was stored as.
    #[error("something stored cannot be read: {0}")]
    Damaged(&'static str),
    /// It is no resource that can be kept.
    #[error("not a resource that can be kept: {0}")]
    Unfit(String),
    /// It is not as the caller expected it to be: someone was quicker.
    #[error("it was changed meanwhile")]
    Stale,
    /// Two business keys lead to one id, or one key to two.
    #[error("two business keys lead to one id")]
    TwoKeys,
    /// There is no such message in the journal.
    #[error("the journal has no such message")]
    NoSuchMessage,
    /// All connections to the database are in use, and stayed so for a while.
    #[error("the database is busy")]
    Busy,
    /// The store has been closed, or its writer has died.
    #[error("the store is closed")]
    Closed,
    /// The database or its disk failed; the text is SQLite's own and for our log alone.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        StoreError::from(&error)
    }
}

impl From<&Error> for StoreError {
    fn from(error: &Error) -> StoreError {
        if matches!(error, Error::PoolTimedOut) {
            return StoreError::Busy;
        }
        match primary_code(error) {
            Some(FULL) => StoreError::Full,
            Some(READONLY) => StoreError::ReadOnly,
            Some(CORRUPT | NOTADB) => StoreError::Damaged("the database file"),
            Some(_) | None => StoreError::Failed(error.to_string()),
        }
    }
}

/// SQLite's primary result codes (sqlite.org/rescode.html).
pub(crate) const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
pub(crate) const FULL: i32 = 13;
pub(crate) const NOTADB: i32 = 26;
/// Room for the shared-memory file could not be had: in practice, a full disk.
const IOERR_SHMSIZE: i32 = 4874;

/// The primary code; the lowest byte of an extended one.
pub(crate) fn primary_code(error: &Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(if code == IOERR_SHMSIZE { FULL } else { code & 0xff })
}

/// Whether the disk itself failed, so that what the process holds in memory of the file is not to be trusted.
pub(crate) fn is_disk_failure(error: &Error) -> bool {
    primary_code(error) == Some(IOERR)
}
