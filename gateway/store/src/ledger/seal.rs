//! The thread that seals blocks: takes all entries that wait, writes one block, and answers once it is on the disk.
//!
//! A write or a flush that fails makes the ledger down for those entries and all later ones, until the file has been cut
//! back to its last durable block, read again and found whole. Nobody is ever told yes after a failed flush.

use super::block::Content;
use super::tail::Tail;
use privacy::ledger::{LedgerDown, Receipt};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Entries of one block at most.
const ENTRIES_MAX: usize = 1024;
/// A block is closed once its payload has this many bytes.
const PAYLOAD_BYTES_FULL: usize = 1024 * 1024;
/// How long a block waits for entries that were announced, at a time. A flush costs a core more than an answer does.
const LINGER: Duration = Duration::from_micros(250);
/// How often at most.
const LINGERS_MAX: usize = 6;
/// Fewer are not waited for: one caller alone never waits, nor do some.
const COMPANY: usize = 8;
/// How soon after a failure the disk is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How often the queue is looked at while the ledger is down.
const LOOK: Duration = Duration::from_millis(20);

/// An entry as it will stand in the block, and who waits for it.
pub(super) struct Job {
    /// One line of JSON.
    pub(super) line: Vec<u8>,
    /// When it happened, milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Told once it is durable, or cannot be made so.
    pub(super) tell: oneshot::Sender<Result<Receipt, LedgerDown>>,
}

/// Seals blocks until every handle is gone. `under_way` counts the entries that were announced and not yet told of.
pub(super) fn run(mut tail: Tail, mut jobs: mpsc::Receiver<Job>, up: &AtomicBool, under_way: &AtomicUsize) {
    let mut failure: Option<Failure> = None;
    loop {
        let first = match &failure {
            None => jobs.blocking_recv(),
            Some(_) => match poll(&mut jobs) {
                Next::Job(job) => Some(job),
                Next::Quiet => {
                    // Nobody waits: the disk is tried all the same, so that whoever looks sees the ledger up again.
                    failure = failure.and_then(|failure| mend(&mut tail, failure));
                    up.store(failure.is_none(), Ordering::Release);
                    continue;
                }
                Next::Over => None,
            },
        };
        let Some(first) = first else { return };
        let batch = gathered(first, &mut jobs, under_way);
        failure = failure.and_then(|failure| mend(&mut tail, failure));
        failure = match failure {
            None => seal(&mut tail, batch, up),
            Some(failure) => {
                let refused = failure.refused + batch.len() as u64;
                tell_all(batch, &Err(failure.why.clone()));
                Some(Failure { refused, ..failure })
            }
        };
    }
}

/// A batch of all that wait, and of those that come while many more are on their way.
fn gathered(first: Job, jobs: &mut mpsc::Receiver<Job>, under_way: &AtomicUsize) -> Vec<Job> {
    let mut bytes = first.line.len();
    let mut batch = vec![first];
    for lingers in 0.. {
        while let Ok(job) = jobs.try_recv() {
            bytes += job.line.len();
            batch.push(job);
            if batch.len() >= ENTRIES_MAX || bytes >= PAYLOAD_BYTES_FULL {
                return batch;
            }
        }
        if lingers == LINGERS_MAX || under_way.load(Ordering::Relaxed) < batch.len() + COMPANY {
            break;
        }
        std::thread::sleep(LINGER);
    }
    batch
}

/// What a look at the queue gave while the ledger is down.
enum Next {
    Job(Job),
    Quiet,
    Over,
}

fn poll(jobs: &mut mpsc::Receiver<Job>) -> Next {
    match jobs.try_recv() {
        Ok(job) => Next::Job(job),
        Err(mpsc::error::TryRecvError::Empty) => {
            std::thread::sleep(LOOK);
            Next::Quiet
        }
        Err(mpsc::error::TryRecvError::Disconnected) => Next::Over,
    }
}

/// The ledger is down.
struct Failure {
    why: String,
    /// When it was last tried.
    tried: Instant,
    /// Entries refused since it is down.
    refused: u64,
    /// The time of the last of them.
    at_ms: i64,
}

/// Tries to go on after a failure, once in a while; gives the failure that remains.
fn mend(tail: &mut Tail, failure: Failure) -> Option<Failure> {
    if failure.tried.elapsed() < RETRY {
        return Some(failure);
    }
    match tail.recover(&failure.why, failure.refused, failure.at_ms) {
        Ok(()) => {
            tracing::info!(refused = failure.refused, "the ledger takes entries again");
            None
        }
        Err(fault) => {
            let why = fault.to_string();
            tracing::error!(why, "the ledger stays down");
            Some(Failure { why, tried: Instant::now(), ..failure })
        }
    }
}

/// Makes one block of a batch and tells everybody in it how that went.
fn seal(tail: &mut Tail, batch: Vec<Job>, up: &AtomicBool) -> Option<Failure> {
    let at_ms = batch.iter().map(|job| job.at_ms).max().unwrap_or_default();
    let lengths: usize = batch.iter().map(|job| job.line.len()).sum();
    let mut payload = Vec::with_capacity(lengths);
    batch.iter().for_each(|job| payload.extend_from_slice(&job.line));
    let lines = u32::try_from(batch.len()).unwrap_or(u32::MAX); // at most ENTRIES_MAX
    let outcome = tail.add(Content::Entries, lines, &payload, at_ms).map_err(|error| error.to_string());
    up.store(outcome.is_ok(), Ordering::Release);
    tell_all(batch, &outcome);
    let why = outcome.err()?;
    tracing::error!(why, "the ledger is down");
    Some(Failure { why, tried: Instant::now(), refused: u64::from(lines), at_ms })
}

fn tell_all(batch: Vec<Job>, outcome: &Result<u64, String>) {
    for (place, job) in (0u32..).zip(batch) {
        let answer = match outcome {
            Ok(block) => Ok(Receipt { block: *block, place }),
            Err(why) => Err(LedgerDown(why.clone())),
        };
        drop(job.tell.send(answer)); // The caller may have gone; the entry stays.
    }
}
