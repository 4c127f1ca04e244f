//! What the disk allows: a loop of small writes, each flushed, and nothing else.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of one write: a block of the ledger with one entry is about as long.
const WRITE_BYTES: usize = 1024;
/// Bytes laid down beforehand, so that the loop overwrites as the ledger does.
const AHEAD_BYTES: usize = 4 * 1024 * 1024;

/// Flushes a second, over some time.
pub(crate) fn flushes_per_s(folder: &Path, time: Duration) -> Result<f64, String> {
    let failed = |why: std::io::Error| format!("the disk could not be tried: {why}");
    let path = folder.join("flush");
    let mut options = OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).open(&path).map_err(failed)?;
    file.write_all(&vec![0; AHEAD_BYTES]).and_then(|()| file.sync_all()).map_err(failed)?;
    let block = [7; WRITE_BYTES];
    let begun = Instant::now();
    let mut flushes = 0u32;
    while begun.elapsed() < time {
        let place = (flushes as usize * WRITE_BYTES) % AHEAD_BYTES;
        file.seek(SeekFrom::Start(place as u64)).map_err(failed)?;
        file.write_all(&block).and_then(|()| file.sync_data()).map_err(failed)?;
        flushes += 1;
    }
    Ok(f64::from(flushes) / begun.elapsed().as_secs_f64())
}
