//! The files of a ledger, and the walk along their chain.
//!
//! `ledger/0000000001.seg` and on, without a gap. Behind the last block of the last file there are only zeros, put there
//! beforehand so that writing a block is overwriting.

use super::block::{Block, BlockFault, HASH_BYTES, HEADER_BYTES, Hash, MAGIC, decode};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Where the next block belongs in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The number it will have.
    pub(crate) next: u64,
    /// The hash it will name.
    pub(crate) previous: Hash,
}

impl Chain {
    /// Before the first block.
    pub(crate) const START: Chain = Chain { next: 1, previous: [0; HASH_BYTES] };
}

/// The ledger is not as it was written, and this is where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("block {block} in segment {segment}: {why}")]
pub struct Broken {
    /// The number of the segment's file.
    pub segment: u64,
    /// The number of the first block that does not hold.
    pub block: u64,
    /// How.
    pub why: Why,
}

/// How a block does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The bytes are no block.
    #[error("{0}")]
    Block(#[from] BlockFault),
    /// It is the last of all, and no block: altered, or torn by a crash before its answers left. Opening the store trims
    /// what a crash tore.
    #[error("{0}; as the last of all it may have been torn by a crash, which opening the store mends")]
    Tail(BlockFault),
    /// It is whole but does not follow the one before it.
    #[error("it does not follow the block before it")]
    OutOfChain,
    /// Its payload is not the lines that its header counts.
    #[error("its lines cannot be read")]
    BadLines,
    /// The file is missing.
    #[error("its file is missing")]
    Missing,
    /// The file cannot be read.
    #[error("its file cannot be read: {0}")]
    Unreadable(String),
}

/// The path of a segment.
pub(crate) fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:010}.seg"))
}

/// The numbers of the segments that are there, in order; files of other names are not the ledger's.
pub(crate) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg")).and_then(|stem| stem.parse::<u64>().ok());
        if let Some(number) = number
            && path(folder, number).file_name() == Some(&name)
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The first number that is missing from 1 on, as a break of the chain.
pub(crate) fn gap(numbers: &[u64]) -> Option<Broken> {
    let (segment, _) = (1u64..).zip(numbers).find(|(expected, found)| expected != *found)?;
    Some(Broken { segment, block: 0, why: Why::Missing })
}

/// Makes a change of names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// How the walk along one file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At zeros or at the end of the file.
    Clean,
    /// At something that is no block, with no block behind it.
    Torn(BlockFault),
}

/// Walks along the blocks of one file, showing each; says where they end. A block that does not hold while others follow
/// it is no tail and breaks the walk.
pub(crate) fn walk(
    bytes: &[u8],
    segment: u64,
    chain: &mut Chain,
    mut show: impl FnMut(&Block<'_>) -> Result<(), Why>,
) -> Result<(usize, End), Broken> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let broken = |why| Broken { segment, block: chain.next, why };
        let head = rest.get(..HEADER_BYTES).unwrap_or(rest);
        let found = if is_blank(head) { None } else { Some(decode(rest)) };
        match found {
            None if is_blank(rest) => return Ok((at, End::Clean)),
            None if holds_block(rest) => return Err(broken(BlockFault::NoBlock.into())),
            None => return Ok((at, End::Torn(BlockFault::NoBlock))),
            Some(Ok(block)) => {
                if block.header.sequence != chain.next || block.header.previous != chain.previous {
                    return Err(broken(Why::OutOfChain));
                }
                show(&block).map_err(broken)?;
                at += block.length;
                *chain = Chain { next: chain.next + 1, previous: block.hash };
            }
            Some(Err(fault)) if holds_block(rest.get(1..).unwrap_or_default()) => return Err(broken(fault.into())),
            Some(Err(fault)) => return Ok((at, End::Torn(fault))),
        }
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Whether a whole block stands anywhere in the bytes.
fn holds_block(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(found) = rest.windows(MAGIC.len()).position(|window| window == MAGIC) {
        rest = rest.get(found..).unwrap_or_default();
        if decode(rest).is_ok() {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}
