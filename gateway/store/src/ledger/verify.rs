//! Holding a ledger to its chain, and reading it out. Reads the files alone, so it changes nothing beside a process that writes them.

use super::FOLDER;
use super::block::{Block, Content};
use super::segment::{Broken, Chain, End, Why, gap, numbers, path, walk};
use privacy::ledger::{Entry, Receipt};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// What an unbroken ledger holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Files.
    pub segments: u64,
    /// Blocks, notes included.
    pub blocks: u64,
    /// Entries.
    pub entries: u64,
    /// The ledger's notes about itself, one line of JSON each: what a crash tore, when a disk failed.
    pub notes: Vec<String>,
    /// The hash of the last block, in hexadecimal: keep it elsewhere, and nobody can cut the end off unseen.
    pub last_hash: String,
}

/// Walks the whole chain of the ledger in a data folder.
///
/// # Errors
/// [`Broken`]: the first block that does not hold.
pub fn verify(dir: &Path) -> Result<Report, Broken> {
    let mut report = Report { segments: 0, blocks: 0, entries: 0, notes: Vec::new(), last_hash: String::new() };
    let mut files = Files::open(dir)?;
    loop {
        let more = files.follow(|block| {
            match block.header.content {
                Content::Entries => report.entries += entries_of(block)?.len() as u64,
                Content::Note => report.notes.push(String::from_utf8_lossy(block.payload).trim_end().to_owned()),
            }
            report.blocks += 1;
            Ok(())
        })?;
        if !more {
            break;
        }
        report.segments += 1;
    }
    report.last_hash = files.chain.previous.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(report)
}

/// Every entry of the ledger in a data folder, oldest first, each with its place. A break ends it with an error, after all
/// entries that stand before the break.
///
/// # Errors
/// [`Broken`], when the files are not all there.
pub fn entries(dir: &Path) -> Result<Entries, Broken> {
    Ok(Entries { files: Files::open(dir)?, ready: VecDeque::new(), state: State::Reading })
}

/// The entries of a ledger, one file in memory at a time.
pub struct Entries {
    files: Files,
    ready: VecDeque<(Receipt, Entry)>,
    state: State,
}

enum State {
    Reading,
    Broke(Broken),
    Ended,
}

impl Entries {
    fn refill(&mut self) {
        let ready = &mut self.ready;
        let followed = self.files.follow(|block| {
            if block.header.content == Content::Entries {
                for (place, entry) in (0u32..).zip(entries_of(block)?) {
                    ready.push_back((Receipt { block: block.header.sequence, place }, entry));
                }
            }
            Ok(())
        });
        self.state = match followed {
            Ok(true) => State::Reading,
            Ok(false) => State::Ended,
            Err(broken) => State::Broke(broken),
        };
    }
}

impl Iterator for Entries {
    type Item = Result<(Receipt, Entry), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Reading => self.refill(),
                State::Broke(broken) => return Some(Err(broken)),
                State::Ended => return None,
            }
        }
    }
}

/// The files of a ledger, one after another, and how far the chain has been followed.
struct Files {
    folder: PathBuf,
    left: VecDeque<u64>,
    chain: Chain,
}

impl Files {
    fn open(dir: &Path) -> Result<Files, Broken> {
        let folder = dir.join(FOLDER);
        let unreadable =
            |error: std::io::Error| Broken { segment: 1, block: 1, why: Why::Unreadable(error.to_string()) };
        let left = numbers(&folder).map_err(unreadable)?;
        match gap(&left) {
            Some(broken) => Err(broken),
            None => Ok(Files { folder, left: left.into(), chain: Chain::START }),
        }
    }

    /// Follows the chain through the next file, if there is one. Only the last may end in a tail that a crash tore.
    fn follow(&mut self, show: impl FnMut(&Block<'_>) -> Result<(), Why>) -> Result<bool, Broken> {
        let Some(segment) = self.left.pop_front() else { return Ok(false) };
        let broken = |chain: &Chain, why| Broken { segment, block: chain.next, why };
        let bytes = fs::read(path(&self.folder, segment))
            .map_err(|error| broken(&self.chain, Why::Unreadable(error.to_string())))?;
        match walk(&bytes, segment, &mut self.chain, show)? {
            (_, End::Clean) => Ok(true),
            (_, End::Torn(fault)) if self.left.is_empty() => Err(broken(&self.chain, Why::Tail(fault))),
            (_, End::Torn(fault)) => Err(broken(&self.chain, fault.into())),
        }
    }
}

/// The entries of a block, which its header has counted.
pub(super) fn entries_of(block: &Block<'_>) -> Result<Vec<Entry>, Why> {
    let lines = block.payload.split_inclusive(|byte| *byte == b'\n');
    let entries: Vec<Entry> = lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(|_| Why::BadLines)?;
    if entries.len() == block.header.lines as usize { Ok(entries) } else { Err(Why::BadLines) }
}
