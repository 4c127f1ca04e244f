//! Opening a data folder: whose it is, that nobody else has it, that we can read it, and what it holds.
//!
//! Every refusal is one sentence that says what to do.

use crate::error::{FULL, NOTADB, READONLY, StoreError, primary_code};
use crate::ledger::{self, Broken, Ledger, Trimmed};
use crate::mount::network_file_system;
use crate::sqlite::{self, MigrateFault, Writer};
use fhir::Instant;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqlitePool;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The database's file.
const DATABASE: &str = "sluice.db";
/// Locked while a process uses the folder.
const LOCK: &str = "LOCK";
/// Says which version of Sluice's layout the folder has.
const VERSION: &str = "VERSION";
/// The layout that this version writes.
const LAYOUT: u32 = 1;
/// The longest VERSION file that is read.
const VERSION_BYTES_MAX: u64 = 64;

/// How long [`Store::close`] waits for others to let go.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// How to open a data folder.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time of opening, for notes on the ledger.
    pub now: Instant,
    /// Connections that read at once; each is a thread of its own.
    pub readers: u32,
    /// The size at which a ledger segment is closed and a new one begun, in bytes.
    pub segment_bytes: u64,
}

impl Options {
    /// Four readers, segments of 64 MiB.
    pub fn new(now: Instant) -> Options {
        Options { now, readers: 4, segment_bytes: ledger::SEGMENT_BYTES }
    }
}

/// The data folder cannot be used; each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or reached.
    #[error("{folder} cannot be used as a data folder ({why}): name a folder that this user may read and write")]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Another process has it.
    #[error("{0} is in use by another Sluice process: stop that one, or name another folder")]
    InUse(PathBuf),
    /// A newer Sluice wrote it.
    #[error(
        "{folder} was written by a newer Sluice (its version is {found}, this one knows {known}): start that newer version, or name another folder"
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// The version found.
        found: String,
        /// The newest that is known.
        known: u32,
    },
    /// VERSION is there and does not say a version.
    #[error("{0} has a VERSION file that no Sluice wrote: name another folder, or restore this one from its backup")]
    Foreign(PathBuf),
    /// VERSION is there and the database is not.
    #[error("{0} has no sluice.db any more: restore it from its backup, or name an empty folder")]
    Missing(PathBuf),
    /// On a network file system.
    #[error(
        "{folder} is on a network file system ({kind}), where no write is sure to last: name a folder on a local disk"
    )]
    NetworkFileSystem {
        /// The folder.
        folder: PathBuf,
        /// The file system's type.
        kind: String,
    },
    /// The database cannot be read.
    #[error("{folder}/sluice.db cannot be read ({why}): restore it from its backup")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// The ledger's chain is broken.
    #[error(
        "the ledger in {folder} is broken ({broken}): keep the folder as it is, find out who changed it, and restore it from its backup"
    )]
    Ledger {
        /// The folder.
        folder: PathBuf,
        /// Where and how.
        broken: Broken,
    },
    /// No room.
    #[error("the disk of {0} is full: make room, or name a folder on another disk")]
    Full(PathBuf),
}

/// An open data folder. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    readers: SqlitePool,
    writer: Writer,
    ledger: Ledger,
    trimmed: Option<Trimmed>,
}

impl Store {
    /// Opens the folder, making it and what belongs in it where they are missing.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is changed in a folder that is refused, except that an older schema may have been brought
    /// up to date.
    pub async fn open(dir: &Path, options: Options) -> Result<Store, OpenError> {
        let unusable = |why| unusable(dir, why);
        // For its owner alone: nothing in it is encrypted.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable)?;
        for_its_owner_alone(dir).map_err(unusable)?;
        if let Some(kind) = network_file_system(dir) {
            return Err(OpenError::NetworkFileSystem { folder: dir.to_owned(), kind });
        }
        let lock = Arc::new(lock(dir)?);
        let file = dir.join(DATABASE);
        let known = check_version(dir)?;
        if known && !file.try_exists().map_err(unusable)? {
            return Err(OpenError::Missing(dir.to_owned()));
        }
        let write_options = sqlite::write_options(&file);
        let mut connection = write_options.connect().await.map_err(|error| sql_fault(dir, &error))?;
        sqlite::migrate(&mut connection).await.map_err(|fault| match fault {
            MigrateFault::Newer(found) => {
                OpenError::Newer { folder: dir.to_owned(), found: format!("schema {found}"), known: LAYOUT }
            }
            MigrateFault::Sql(error) => sql_fault(dir, &error),
        })?;
        let held = Arc::clone(&lock);
        let (ledger, trimmed) =
            Ledger::open(&dir.join(ledger::FOLDER), &options, held).map_err(|fault| match fault {
                ledger::OpenFault::Broken(broken) => OpenError::Ledger { folder: dir.to_owned(), broken },
                ledger::OpenFault::Io(why) => unusable(why),
            })?;
        if !known {
            write_version(dir).map_err(unusable)?;
        }
        let readers = sqlite::readers(&file, options.readers);
        let writer = Writer::start(connection, write_options, lock);
        Ok(Store { shared: Arc::new(Shared { readers, writer, ledger, trimmed }) })
    }

    /// The ledger that is kept in the same folder.
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger.clone()
    }

    /// What had to be cut from the ledger's end when it was opened: a block whose answers never left.
    pub fn trimmed(&self) -> Option<&Trimmed> {
        self.shared.trimmed.as_ref()
    }

    /// Finishes what is under way, folds the log into the database and gives the folder free.
    ///
    /// For that every clone, and every handle on the ledger, must be gone; it waits a moment for the last of them. What was
    /// answered as durable is so in any case.
    pub async fn close(self) {
        let task = self.shared.writer.task();
        let ledger = self.shared.ledger.ended();
        let readers = self.shared.readers.clone();
        drop(self);
        let all = async {
            readers.close().await;
            if let Some(task) = task
                && let Err(error) = task.await
            {
                tracing::error!(%error, "the writer ended badly");
            }
            if let Some(ledger) = ledger {
                drop(ledger.await); // An error is the end: nothing is ever sent.
            }
        };
        if tokio::time::timeout(CLOSE_WAIT, all).await.is_err() {
            tracing::warn!("the store is still in use somewhere; its log is read at the next start");
        }
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.shared.readers
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    /// Whether the store answers: one row is read.
    ///
    /// # Errors
    /// [`StoreError`], when it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM resource LIMIT 1").fetch_optional(self.readers()).await?;
        Ok(())
    }
}

fn unusable(dir: &Path, why: io::Error) -> OpenError {
    let folder = dir.to_owned();
    if matches!(why.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return OpenError::Full(folder);
    }
    OpenError::Unusable { folder, why }
}

fn sql_fault(dir: &Path, error: &sqlx::Error) -> OpenError {
    const IOERR: i32 = 10;
    const CANTOPEN: i32 = 14;
    let folder = dir.to_owned();
    match primary_code(error) {
        Some(NOTADB) => OpenError::Damaged { folder, why: "it is no database".to_owned() },
        Some(CANTOPEN | IOERR) => OpenError::Unusable { folder, why: io::Error::other(error.to_string()) },
        Some(READONLY) => OpenError::Unusable { folder, why: io::ErrorKind::PermissionDenied.into() },
        Some(FULL) => OpenError::Full(folder),
        Some(_) | None => OpenError::Damaged { folder, why: error.to_string() },
    }
}

/// Takes a folder that was there already from everyone but its owner.
fn for_its_owner_alone(dir: &Path) -> io::Result<()> {
    let open_to_others = std::fs::metadata(dir)?.permissions().mode() & 0o077 != 0;
    if open_to_others { std::fs::set_permissions(dir, Permissions::from_mode(0o700)) } else { Ok(()) }
}

/// Takes the folder for this process. The lock ends with the process, however that ends.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(dir.join(LOCK)).map_err(|why| unusable(dir, why))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(why)) => Err(unusable(dir, why)),
    }
}

/// Whether the folder says that it is ours; refuses one that a newer version wrote.
fn check_version(dir: &Path) -> Result<bool, OpenError> {
    let mut text = String::new();
    match File::open(dir.join(VERSION)) {
        Ok(file) => match file.take(VERSION_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => {}
            Err(why) if why.kind() == io::ErrorKind::InvalidData => return Err(OpenError::Foreign(dir.to_owned())),
            Err(why) => return Err(unusable(dir, why)),
        },
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(why) => return Err(unusable(dir, why)),
    }
    let number = text.strip_prefix("sluice ").and_then(|rest| rest.trim_end().parse::<u32>().ok());
    match number {
        Some(number) if number <= LAYOUT => Ok(true),
        Some(number) => Err(OpenError::Newer { folder: dir.to_owned(), found: number.to_string(), known: LAYOUT }),
        None => Err(OpenError::Foreign(dir.to_owned())),
    }
}

/// Written last, so that a folder with a VERSION has everything else.
fn write_version(dir: &Path) -> io::Result<()> {
    let mut file = File::create(dir.join(VERSION))?;
    writeln!(file, "sluice {LAYOUT}")?;
    file.sync_all()?;
    ledger::sync_folder(dir)
}
