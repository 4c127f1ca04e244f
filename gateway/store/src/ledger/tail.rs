//! The end of the ledger: where blocks are added, and how it is found again after a crash or a failing disk.

use super::block::{Content, Header, decode, encode};
use super::segment::{Broken, Chain, End, Why, gap, numbers, path, sync_folder, walk};
use privacy::faults::{self, Point};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Zeros are put down this many bytes ahead, so that writing a block overwrites and changes no file's length.
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

/// What was cut from the end of a ledger when it was opened: a block that a crash tore, whose answers never left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// The segment.
    pub segment: u64,
    /// The number that the torn block would have had.
    pub block: u64,
    /// Bytes from the last whole block to the last that is not zero.
    pub bytes: u64,
}

/// A ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFault {
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The chain.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// The end of the ledger.
pub(super) struct Tail {
    folder: PathBuf,
    segment_bytes: u64,
    process: [u8; 16],
    segment: u64,
    file: File,
    /// Where the next block goes: everything before it is durable.
    at: u64,
    /// How long the file is; zeros from `at` on.
    length: u64,
    chain: Chain,
}

impl Tail {
    /// Finds the end of the ledger in a folder and cuts off what a crash tore.
    pub(super) fn open(folder: &Path, segment_bytes: u64, now_ms: i64) -> Result<(Tail, Option<Trimmed>), OpenFault> {
        fs::create_dir_all(folder)?;
        let (mut tail, torn) = Tail::find(folder, segment_bytes)?;
        if let Some(Trimmed { segment, block, bytes }) = &torn {
            tail.cut()?;
            let line = format!(r#"{{"note":"torn tail trimmed","segment":{segment},"block":{block},"bytes":{bytes}}}"#);
            tail.note(&line, now_ms)?;
        }
        Ok((tail, torn))
    }

    /// Finds the end of the ledger, checks the chain of its last segment, and says what is torn behind it. Changes nothing,
    /// except that the first segment is made where there is none.
    fn find(folder: &Path, segment_bytes: u64) -> Result<(Tail, Option<Trimmed>), OpenFault> {
        let there = numbers(folder)?;
        if let Some(broken) = gap(&there) {
            return Err(broken.into());
        }
        let process = certs::random::bytes();
        let Some(segment) = there.last().copied() else {
            let file = create(folder, 1)?;
            let (folder, chain) = (folder.to_owned(), Chain::START);
            return Ok((Tail { folder, segment_bytes, process, segment: 1, file, at: 0, length: 0, chain }, None));
        };
        let mut chain = start_of(folder, segment)?;
        let bytes = fs::read(path(folder, segment))?;
        let (at, end) = walk(&bytes, segment, &mut chain, |_| Ok(()))?;
        let file = OpenOptions::new().read(true).write(true).open(path(folder, segment))?;
        let torn = match end {
            End::Clean => None,
            End::Torn(_) => {
                let last = bytes.iter().rposition(|byte| *byte != 0).map_or(at, |last| last + 1);
                Some(Trimmed { segment, block: chain.next, bytes: (last - at) as u64 })
            }
        };
        let (length, at, folder) = (bytes.len() as u64, at as u64, folder.to_owned());
        Ok((Tail { folder, segment_bytes, process, segment, file, at, length, chain }, torn))
    }

    /// Cuts the file off behind its last block.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.at)?;
        self.file.sync_all()?;
        self.length = self.at;
        Ok(())
    }

    /// Adds one block; on return it is on the disk, and this is its number.
    pub(super) fn add(&mut self, content: Content, lines: u32, payload: &[u8], at_ms: i64) -> io::Result<u64> {
        let Chain { next: sequence, previous } = self.chain;
        let header = Header { content, lines, process: self.process, sequence, at_ms, previous };
        let (block, hash) = encode(&header, payload);
        let room = block.len() as u64;
        if self.at > 0 && self.at + room > self.segment_bytes {
            self.roll_over()?;
        }
        if self.at + room > self.length {
            self.lay_zeros(self.at + room)?;
        }
        faults::pass(Point::BeforeBlock);
        if faults::due(Point::MidBlock) {
            self.file.write_all_at(block.get(..block.len() / 2).unwrap_or_default(), self.at)?;
            faults::die();
        }
        self.file.write_all_at(&block, self.at)?;
        faults::pass(Point::AfterWriteBeforeFsync);
        self.file.sync_data()?;
        faults::pass(Point::AfterFsync);
        self.at += room;
        self.chain = Chain { next: sequence + 1, previous: hash };
        Ok(sequence)
    }

    /// After a failure: cuts the file back to what is durable, reads it again, and goes on only if it is what was written.
    pub(super) fn recover(&mut self, why: &str, refused: u64, at_ms: i64) -> Result<(), OpenFault> {
        self.file = OpenOptions::new().read(true).write(true).open(path(&self.folder, self.segment))?;
        self.cut()?;
        let (mut tail, torn) = Tail::find(&self.folder, self.segment_bytes)?;
        if torn.is_some() || tail.chain != self.chain {
            let block = self.chain.next.saturating_sub(1);
            return Err(Broken { segment: self.segment, block, why: Why::OutOfChain }.into());
        }
        tail.process = self.process;
        let why = serde_json::Value::from(why);
        let line = format!(r#"{{"note":"taken up again after a failure","refused":{refused},"why":{why}}}"#);
        tail.note(&line, at_ms)?;
        *self = tail;
        Ok(())
    }

    fn note(&mut self, line: &str, at_ms: i64) -> io::Result<u64> {
        self.add(Content::Note, 1, format!("{line}\n").as_bytes(), at_ms)
    }

    /// Closes this file behind its last block and begins the next.
    fn roll_over(&mut self) -> io::Result<()> {
        self.cut()?;
        self.file = create(&self.folder, self.segment + 1)?;
        (self.segment, self.at, self.length) = (self.segment + 1, 0, 0);
        Ok(())
    }

    /// Lengthens the file with zeros to hold this many bytes and some ahead, but not beyond where it will be closed.
    fn lay_zeros(&mut self, needed: u64) -> io::Result<()> {
        let until = (self.length + AHEAD_BYTES).min(self.segment_bytes).max(needed);
        let zeros = vec![0; usize::try_from(until - self.length).unwrap_or_default()];
        self.file.write_all_at(&zeros, self.length)?;
        self.length = until;
        Ok(())
    }
}

/// Where the chain stands at the beginning of a segment: behind the last block of the one before it, whose own beginning
/// is taken at its word here and held to the chain by `verify`.
fn start_of(folder: &Path, segment: u64) -> Result<Chain, OpenFault> {
    let Some(before) = segment.checked_sub(1).filter(|before| *before > 0) else { return Ok(Chain::START) };
    let bytes = fs::read(path(folder, before))?;
    let first = decode(&bytes).map_err(|fault| Broken { segment: before, block: 0, why: fault.into() })?;
    let mut chain = Chain { next: first.header.sequence, previous: first.header.previous };
    match walk(&bytes, before, &mut chain, |_| Ok(()))? {
        (_, End::Clean) => Ok(chain),
        // A segment is closed when all in it is durable, so this is no crash's doing.
        (_, End::Torn(fault)) => Err(Broken { segment: before, block: chain.next, why: fault.into() }.into()),
    }
}

/// A new segment. A file of that name can only be left from a roll-over that failed, and holds no durable block.
fn create(folder: &Path, segment: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let file = options.open(path(folder, segment))?;
    file.sync_all()?;
    sync_folder(folder)?;
    Ok(file)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::ledger::{FOLDER, verify};
    use std::io::Write;
    use tempfile::TempDir;

    const SMALL: u64 = 2048;

    fn open(dir: &TempDir) -> Tail {
        Tail::open(&dir.path().join(FOLDER), SMALL, 0).unwrap().0
    }

    fn add(tail: &mut Tail, note: &str) -> u64 {
        tail.note(note, 0).unwrap()
    }

    #[test]
    fn after_a_failure_what_was_half_written_is_cut_off_and_the_chain_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = open(&dir);
        for number in 0..10 {
            add(&mut tail, &format!("before {number}"));
            // Whatever a failed write has left behind the last durable block, a whole block that was never answered included.
            let Chain { next: sequence, previous } = tail.chain;
            let header = Header { content: Content::Note, lines: 1, process: [0; 16], sequence, at_ms: 0, previous };
            let (block, _) = encode(&header, b"never answered\n");
            let left = block.get(..block.len() - 20 * (number % 2)).unwrap();
            tail.file.write_all_at(left, tail.at).unwrap();
            tail.recover("no space", 3, 0).unwrap();
            add(&mut tail, &format!("after {number}"));
        }
        let report = verify(dir.path()).unwrap();
        assert_eq!((report.blocks, report.notes.len()), (30, 30));
        assert!(report.notes.iter().all(|note| !note.contains("never answered")));
        assert!(report.segments > 2);
        assert_eq!(report.notes.iter().filter(|note| note.contains(r#""refused":3"#)).count(), 10);
    }

    #[test]
    fn what_was_durable_and_is_no_more_keeps_the_ledger_down() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = open(&dir);
        add(&mut tail, "one");
        add(&mut tail, "two");
        let file = path(&dir.path().join(FOLDER), 1);
        let mut bytes = fs::read(&file).unwrap();
        bytes[140] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(tail.recover("no space", 1, 0).is_err());
        let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[140] ^= 1;
        bytes[last] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(tail.recover("no space", 1, 0).is_err(), "a durable block that no longer holds is no torn tail");
        assert_eq!(fs::read(&file).unwrap().get(..=last), bytes.get(..=last), "and is left as it is found");
        fs::write(&file, []).unwrap();
        assert!(tail.recover("no space", 1, 0).is_err(), "blocks that are gone are not written over");
    }

    #[test]
    fn a_roll_over_that_failed_halfway_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = open(&dir);
        let folder = dir.path().join(FOLDER);
        add(&mut tail, &"x".repeat(1200));
        File::create(path(&folder, 2)).unwrap().write_all(&[0; 100]).unwrap();
        let mut tail = open(&dir);
        add(&mut tail, &"y".repeat(1200));
        assert_eq!(verify(dir.path()).unwrap().notes.len(), 2);
    }
}
