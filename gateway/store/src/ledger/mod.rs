//! The ledger: entries in blocks, chained by hash, durable before any answer leaves.
//!
//! One thread takes all entries that wait, seals them as one block, writes it to the current segment file, waits for
//! `fdatasync`, and only then lets go of the answers. If that fails, nobody is let go, and before the next block the file is
//! cut back to the last block that is known to be durable.

mod block;
mod segment;

pub use segment::{Broken, Recorded, Report, entries, verify};

use block::Block;
use privacy::ledger::{Entry, LedgerDown, Receipt};
use segment::Tail;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Entries that wait at most; past it, callers wait to be let in.
const WAITING_MAX: usize = 4096;
/// Entries of one block.
const BLOCK_ENTRIES_MAX: usize = 1024;
/// After a block of several entries more are on their way: waiting this long makes the next block fuller.
const LINGER: Duration = Duration::from_micros(200);
/// A block of fewer entries does not make the next one wait: a caller alone must not.
const LINGER_ENTRIES_MIN: usize = 4;

struct Job {
    entry: Entry,
    done: oneshot::Sender<Result<Receipt, LedgerDown>>,
}

/// A ledger that is being written. Cloning shares it.
#[derive(Clone)]
pub struct Ledger {
    jobs: mpsc::Sender<Job>,
}

impl Ledger {
    /// Opens the ledger of a folder, cutting off a block that was torn when the process died: its answers never left.
    ///
    /// # Errors
    /// What is wrong with the files or the chain.
    pub fn open(folder: &Path) -> io::Result<Ledger> {
        let tail = Tail::open(folder)?;
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        std::thread::Builder::new().name("ledger".to_owned()).spawn(move || write(tail, waiting))?;
        Ok(Ledger { jobs })
    }
}

impl privacy::ledger::Ledger for Ledger {
    async fn record(&self, entry: Entry) -> Result<Receipt, LedgerDown> {
        let (done, durable) = oneshot::channel();
        let down = || LedgerDown("its thread has ended".to_owned());
        self.jobs.send(Job { entry, done }).await.map_err(|_| down())?;
        durable.await.map_err(|_| down())?
    }
}

fn write(mut tail: Tail, mut waiting: mpsc::Receiver<Job>) {
    let mut linger = false;
    while let Some(first) = waiting.blocking_recv() {
        if linger {
            std::thread::sleep(LINGER);
        }
        let mut jobs = vec![first];
        while jobs.len() < BLOCK_ENTRIES_MAX {
            match waiting.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        linger = jobs.len() >= LINGER_ENTRIES_MIN;
        settle(&mut tail, jobs);
    }
}

fn settle(tail: &mut Tail, jobs: Vec<Job>) {
    let at_us = jobs.iter().map(|job| job.entry.at_us).max().unwrap_or(0);
    let entries: Vec<&Entry> = jobs.iter().map(|job| &job.entry).collect();
    let sealed = Block::seal(tail.next(), at_us, tail.head(), &entries).map_err(io::Error::other);
    let written = sealed.and_then(|block| tail.append(&block).map(|()| block.sequence));
    match written {
        Ok(block) => {
            for (place, job) in jobs.into_iter().enumerate() {
                let receipt = Receipt { block, place: u32::try_from(place).unwrap_or(u32::MAX) };
                // Whoever asked may have gone away; the entry stands all the same.
                drop(job.done.send(Ok(receipt)));
            }
        }
        Err(why) => {
            tracing::error!(alarm = "ledger", %why, "entries could not be made durable");
            for job in jobs {
                drop(job.done.send(Err(LedgerDown(why.to_string()))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
