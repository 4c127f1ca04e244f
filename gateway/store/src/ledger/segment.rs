//! Segment files `0000000001.seg`, `0000000002.seg` …: writing at the end of the last one, and reading them all.

use super::block::{Block, Flaw, HASH};
use privacy::ledger::{Entry, Receipt};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes after which a new segment is begun.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// A ledger that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A block does not hold; everything before it does.
    #[error("{segment}: block {block}, at byte {at}: {why}")]
    Block {
        /// The file.
        segment: PathBuf,
        /// The number the block should have.
        block: u64,
        /// Where it begins.
        at: u64,
        /// What is wrong.
        why: Flaw,
    },
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Blocks that hold.
    pub blocks: u64,
    /// Their entries.
    pub entries: u64,
    /// The last block's hash, in hexadecimal: keep it elsewhere, and nobody can shorten the ledger unseen.
    pub head: String,
}

/// An entry and where it stands.
pub struct Recorded {
    /// The entry.
    pub entry: Entry,
    /// Its block and place.
    pub receipt: Receipt,
}

/// Holds every block against its hash and the one before it.
///
/// # Errors
/// [`Broken`], naming the first block that does not hold.
pub fn verify(folder: &Path) -> Result<Report, Broken> {
    let mut report = Report { blocks: 0, entries: 0, head: String::new() };
    let end = walk(folder, |_, entries| {
        report.blocks += 1;
        report.entries += entries.len() as u64;
    })?;
    report.head = end.head.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(report)
}

/// Every entry, in order.
///
/// # Errors
/// [`Broken`]: an export is of a whole ledger or none.
pub fn entries(folder: &Path) -> Result<Vec<Recorded>, Broken> {
    let mut all = Vec::new();
    walk(folder, |block, entries| {
        for (place, entry) in (0u32..).zip(entries) {
            all.push(Recorded { entry, receipt: Receipt { block, place } });
        }
    })?;
    Ok(all)
}

struct End {
    next: u64,
    head: [u8; HASH],
    segment: u64,
    length: u64,
    torn: u64,
}

/// Reads all segments in order. Only the last may end in a torn block.
fn walk(folder: &Path, mut each: impl FnMut(u64, Vec<Entry>)) -> Result<End, Broken> {
    let mut end = End { next: 1, head: [0; HASH], segment: 1, length: 0, torn: 0 };
    for number in 1.. {
        let path = segment_path(folder, number);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => break,
            Err(why) => return Err(Broken::File(path, why)),
        };
        let is_last = !segment_path(folder, number + 1).exists();
        let mut at = 0usize;
        end.torn = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match Block::read(rest, end.next, &end.head) {
                Ok(block) => {
                    let flawed = |why| Broken::Block { segment: path.clone(), block: end.next, at: at as u64, why };
                    each(block.sequence, block.entries().map_err(flawed)?);
                    end.next += 1;
                    end.head = block.hash;
                    at += block.bytes.len();
                }
                // A write that was cut off is shorter than it says, and nothing stands behind it.
                Err(Flaw::Short) if is_last => {
                    end.torn = rest.len() as u64;
                    break;
                }
                Err(why) => return Err(Broken::Block { segment: path, block: end.next, at: at as u64, why }),
            }
        }
        end.segment = number;
        end.length = at as u64;
    }
    Ok(end)
}

fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.seg"))
}

/// The end of the last segment, where blocks are added.
pub(super) struct Tail {
    folder: PathBuf,
    segment: u64,
    file: File,
    length: u64,
    next: u64,
    head: [u8; HASH],
    doubtful: bool,
}

impl Tail {
    pub(super) fn open(folder: &Path) -> io::Result<Tail> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let end = walk(folder, |_, _| {}).map_err(io::Error::other)?;
        let file = open_segment(folder, end.segment)?;
        if end.torn > 0 {
            tracing::warn!(bytes = end.torn, "a ledger block was cut off when the process ended; its answers never left");
            file.set_len(end.length)?;
            file.sync_all()?;
        }
        Ok(Tail {
            folder: folder.to_owned(),
            segment: end.segment,
            file,
            length: end.length,
            next: end.next,
            head: end.head,
            doubtful: false,
        })
    }

    /// The number of the next block.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The hash that the next block follows.
    pub(super) fn head(&self) -> &[u8; HASH] {
        &self.head
    }

    /// Adds a block and waits until it is durable.
    ///
    /// After a failure nothing that was written is trusted: the file is opened again and cut back before the next try.
    pub(super) fn append(&mut self, block: &Block) -> io::Result<()> {
        if self.doubtful {
            self.file = open_segment(&self.folder, self.segment)?;
            self.file.set_len(self.length)?;
            self.file.sync_all()?;
            self.doubtful = false;
        }
        if self.length >= SEGMENT_BYTES {
            self.file = open_segment(&self.folder, self.segment + 1)?;
            self.segment += 1;
            self.length = 0;
        }
        self.doubtful = true;
        self.file.write_all_at(&block.bytes, self.length)?;
        self.file.sync_data()?;
        self.doubtful = false;
        self.length += block.bytes.len() as u64;
        self.next += 1;
        self.head = block.hash;
        Ok(())
    }
}

/// Opens or makes a segment; that it exists is made durable too.
fn open_segment(folder: &Path, number: u64) -> io::Result<File> {
    let path = segment_path(folder, number);
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

