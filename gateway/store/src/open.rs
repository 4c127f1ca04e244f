//! Opening a data folder: one process at a time, a version we know, and a database that keeps its word.

use crate::Store;
use crate::ledger::Ledger;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// The version of the folder's layout.
const VERSION: u32 = 1;
/// Connections that read at the same time.
const READERS: u32 = 4;
/// Each step of the schema, in order; forward only.
const STEPS: [&str; 1] = [include_str!("../sql/sqlite/0001_first.sql")];

/// Why a data folder cannot be used: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read or written.
    #[error("the data folder {0} cannot be used ({1}); give this user read and write access to it, or name another folder")]
    Folder(PathBuf, io::Error),
    /// Another process has it.
    #[error("the data folder {0} is in use by another sluice process; stop that one first, or name another folder")]
    InUse(PathBuf),
    /// A newer version wrote it.
    #[error("the data folder {0} was written by a newer version of sluice (layout {1}, this one knows {VERSION}); use that version")]
    Newer(PathBuf, String),
    /// The database cannot be opened.
    #[error("the database in {0} cannot be opened ({1}); restore the folder from a backup, or name another folder")]
    Database(PathBuf, sqlx::Error),
    /// The ledger cannot be opened.
    #[error("the ledger in {0} cannot be opened ({1}); run `sluice ledger verify`, then restore the folder from a backup")]
    Ledger(PathBuf, String),
}

impl Store {
    /// Opens a data folder, making it when it is not there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(folder: &Path) -> Result<Store, OpenError> {
        let failed = |why| OpenError::Folder(folder.to_owned(), why);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = lock(folder)?;
        version(folder)?;
        let database = |why| OpenError::Database(folder.to_owned(), why);
        let options = SqliteConnectOptions::new()
            .filename(folder.join("sluice.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .disable_statement_logging();
        let mut writer = options.connect().await.map_err(database)?;
        migrate(&mut writer).await.map_err(database)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await
            .map_err(database)?;
        let ledger = Ledger::open(&folder.join("ledger"))
            .map_err(|why| OpenError::Ledger(folder.to_owned(), why.to_string()))?;
        Ok(Store { writer: Arc::new(Mutex::new(writer)), readers, ledger, _lock: Arc::new(lock) })
    }
}

/// The lock ends with the process, however that ends.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let failed = |why| OpenError::Folder(folder.to_owned(), why);
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(std::fs::TryLockError::Error(why)) => Err(failed(why)),
    }
}

fn version(folder: &Path) -> Result<(), OpenError> {
    let path = folder.join("VERSION");
    let failed = |why| OpenError::Folder(folder.to_owned(), why);
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(version) if version <= VERSION => Ok(()),
            Ok(_) | Err(_) => Err(OpenError::Newer(folder.to_owned(), text.trim().chars().take(20).collect())),
        },
        Err(why) if why.kind() == io::ErrorKind::NotFound => fs::write(&path, format!("{VERSION}\n")).map_err(failed),
        Err(why) => Err(failed(why)),
    }
}

async fn migrate(writer: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
    let (done,): (i64,) = sqlx::query_as("PRAGMA user_version").fetch_one(&mut *writer).await?;
    for (at, step) in STEPS.iter().enumerate().skip(usize::try_from(done).unwrap_or(0)) {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        transaction.execute(sqlx::raw_sql(*step)).await?;
        let mark = format!("PRAGMA user_version = {}", at + 1);
        transaction.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(mark))).await?;
        transaction.commit().await?;
    }
    Ok(())
}
