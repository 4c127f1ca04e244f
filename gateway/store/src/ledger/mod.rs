//! The ledger: who was told what, in blocks that are chained and on the disk before an answer leaves.
//!
//! All entries that wait together make one block, written and flushed once by one thread. Blocks stand in append-only
//! files; [`verify`] and [`entries`] read them without a running process. Nothing is ever changed or taken out.

mod back;
mod block;
mod names;
mod seal;
mod segment;
mod tail;
mod verify;

pub use back::{Stretch, Told};
pub use block::BlockFault;
pub(crate) use segment::sync_folder;
pub use segment::{Broken, Why};
pub(crate) use tail::OpenFault;
pub use tail::Trimmed;
pub use verify::{Entries, Report, entries, verify};

use crate::open::Options;
use privacy::ledger::{Entry, LedgerDown, Receipt};
use seal::Job;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tail::Tail;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// The folder in the data folder.
pub(crate) const FOLDER: &str = "ledger";
/// A segment's size: a busy day of a small hospital, and read in a moment at start.
pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Entries that may wait for a block; then callers wait to hand theirs over.
const WAITING_MAX: usize = 8192;
/// Room for the entry of one resource, so that it is written without being moved.
const ENTRY_BYTES: usize = 1024;
/// The longest entry, in bytes. A page of 500 rows makes about 40 kB.
const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A handle on the ledger. Cloning shares it.
#[derive(Clone)]
pub struct Ledger {
    jobs: mpsc::Sender<Job>,
    up: Arc<AtomicBool>,
    under_way: Arc<AtomicUsize>,
    /// Where its files are.
    folder: Arc<Path>,
    /// Those who read it back while it is written, one at a time.
    readers: Arc<Semaphore>,
    /// Resolves when the thread has ended.
    ended: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

impl Ledger {
    /// Opens the ledger in a folder and starts its thread, which keeps `held` until it ends.
    pub(crate) fn open(
        folder: &Path,
        options: &Options,
        held: impl Send + 'static,
    ) -> Result<(Ledger, Option<Trimmed>), OpenFault> {
        let (tail, trimmed) = Tail::open(folder, options.segment_bytes, options.now.micros() / 1000)?;
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let up = Arc::new(AtomicBool::new(true));
        let under_way = Arc::new(AtomicUsize::new(0));
        let (seen, expected) = (Arc::clone(&up), Arc::clone(&under_way));
        let (over, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            seal::run(tail, waiting, &seen, &expected);
            drop(held);
            drop(over);
        })?;
        let (folder, readers) = (Arc::from(folder), Arc::new(Semaphore::new(1)));
        let ended = Arc::new(Mutex::new(Some(ended)));
        Ok((Ledger { jobs, up, under_way, folder, readers, ended }, trimmed))
    }

    /// Says that an entry is on its way, until what is given is dropped: a block may wait for it. One that is recorded
    /// without having been announced is as durable, and nobody waits for it.
    pub fn expect_entry(&self) -> Expected {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Expected(Arc::clone(&self.under_way))
    }

    /// Whether the last block could be written, or the disk has been found well since. Says nothing of the next.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire) && !self.jobs.is_closed()
    }

    /// What resolves when the ledger has ended, which it does once every handle is gone; given once.
    pub(crate) fn ended(&self) -> Option<oneshot::Receiver<()>> {
        self.ended.lock().ok()?.take()
    }
}

/// An entry that was announced.
#[must_use]
pub struct Expected(Arc<AtomicUsize>);

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl privacy::ledger::Ledger for Ledger {
    async fn record(&self, entry: Entry) -> Result<Receipt, LedgerDown> {
        let mut line = Vec::with_capacity(ENTRY_BYTES);
        serde_json::to_writer(&mut line, &entry).map_err(|error| LedgerDown(error.to_string()))?;
        line.push(b'\n');
        if line.len() > ENTRY_BYTES_MAX {
            return Err(LedgerDown("the entry is too long".to_owned()));
        }
        let stopped = || LedgerDown("its thread has stopped".to_owned());
        let (tell, told) = oneshot::channel();
        self.jobs.send(Job { line, at_ms: entry.at_us / 1000, tell }).await.map_err(|_| stopped())?;
        told.await.map_err(|_| stopped())?
    }
}
