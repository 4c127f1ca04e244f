//! One block of the ledger: a fixed header, entries as lines of JSON, and a hash over both.
//!
//! Each header holds the hash of the block before it, so no block can be changed, left out or put elsewhere without every
//! later one saying so. All numbers are little-endian.

use certs::digest::{Sha256, sha256};

/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = 128;
/// Bytes of a hash (SHA-256).
pub(crate) const HASH_BYTES: usize = 32;
/// The longest payload: one answer's entry is bounded by the page it stands for, and a block by what waits at once.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How each block begins.
pub(crate) const MAGIC: [u8; 8] = *b"SLUICEBK";
/// The layout of the header.
const FORMAT: u16 = 1;

/// A hash.
pub(crate) type Hash = [u8; HASH_BYTES];

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Entries, one line each.
    Entries,
    /// A note by the ledger about itself: one line.
    Note,
}

impl Content {
    fn number(self) -> u16 {
        match self {
            Content::Entries => 1,
            Content::Note => 2,
        }
    }

    fn of(number: u16) -> Option<Content> {
        [Content::Entries, Content::Note].into_iter().find(|known| known.number() == number)
    }
}

/// What a block says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// What it holds.
    pub(crate) content: Content,
    /// Lines in the payload.
    pub(crate) lines: u32,
    /// The process that wrote it: random, made at each opening.
    pub(crate) process: [u8; 16],
    /// Its number, from 1 on without a gap.
    pub(crate) sequence: u64,
    /// When it was made, milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The hash of the block before it; zeros for the first.
    pub(crate) previous: Hash,
}

/// A block ready to be written, and its hash.
pub(crate) fn encode(header: &Header, payload: &[u8]) -> (Vec<u8>, Hash) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX); // bounded by PAYLOAD_BYTES_MAX
    let mut block = Vec::with_capacity(HEADER_BYTES + payload.len() + HASH_BYTES);
    block.extend_from_slice(&MAGIC);
    block.extend_from_slice(&FORMAT.to_le_bytes());
    block.extend_from_slice(&header.content.number().to_le_bytes());
    block.extend_from_slice(&header.lines.to_le_bytes());
    block.extend_from_slice(&header.process);
    block.extend_from_slice(&header.sequence.to_le_bytes());
    block.extend_from_slice(&header.at_ms.to_le_bytes());
    block.extend_from_slice(&length.to_le_bytes());
    block.extend_from_slice(&[0; 12]);
    block.extend_from_slice(&header.previous);
    block.extend_from_slice(&sha256(payload));
    block.extend_from_slice(payload);
    let hash = sha256(&block);
    block.extend_from_slice(&hash);
    (block, hash)
}

/// A block that was read and agrees with its own hash.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) header: Header,
    pub(crate) payload: &'a [u8],
    pub(crate) hash: Hash,
    /// Bytes of the whole.
    pub(crate) length: usize,
}

/// Why bytes are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// They do not begin as a block does.
    #[error("it does not begin as a block does")]
    NoBlock,
    /// A field of the header has a value that is never written.
    #[error("its header is not one that is ever written")]
    BadHeader,
    /// The bytes end before the block does.
    #[error("it ends too early")]
    CutShort,
    /// The hash does not agree.
    #[error("it does not agree with its hash")]
    BadHash,
}

/// How long the payload is of the block whose header this may be; nothing where it is none. Says nothing of its hash.
pub(crate) fn payload_bytes(head: &[u8]) -> Option<usize> {
    let is_header = head.starts_with(&MAGIC) && u16::from_le_bytes(field(head, 8)) == FORMAT;
    is_header.then(|| u32::from_le_bytes(field(head, 48)) as usize)
}

/// Reads the block at the beginning of the bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Block<'_>, BlockFault> {
    let Some((head, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(if bytes.starts_with(&MAGIC) { BlockFault::CutShort } else { BlockFault::NoBlock });
    };
    if !head.starts_with(&MAGIC) {
        return Err(BlockFault::NoBlock);
    }
    let content = Content::of(u16::from_le_bytes(field(head, 10)));
    let length = u32::from_le_bytes(field(head, 48)) as usize;
    let (Some(content), FORMAT) = (content, u16::from_le_bytes(field(head, 8))) else {
        return Err(BlockFault::BadHeader);
    };
    if length > PAYLOAD_BYTES_MAX || field::<12>(head, 52) != [0; 12] {
        return Err(BlockFault::BadHeader);
    }
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Err(BlockFault::CutShort) };
    let Some(written) = rest.first_chunk::<HASH_BYTES>() else { return Err(BlockFault::CutShort) };
    let mut whole = Sha256::new();
    whole.update(head);
    whole.update(payload);
    let hash = whole.finish();
    if hash != *written || field::<HASH_BYTES>(head, 96) != sha256(payload) {
        return Err(BlockFault::BadHash);
    }
    let header = Header {
        content,
        lines: u32::from_le_bytes(field(head, 12)),
        process: field(head, 16),
        sequence: u64::from_le_bytes(field(head, 32)),
        at_ms: i64::from_le_bytes(field(head, 40)),
        previous: field(head, 64),
    };
    Ok(Block { header, payload, hash, length: HEADER_BYTES + length + HASH_BYTES })
}

/// The bytes of one field of a header.
fn field<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(bytes) = head.get(at..at + N) {
        out.copy_from_slice(bytes);
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(sequence: u64) -> Header {
        Header { content: Content::Entries, lines: 2, process: [7; 16], sequence, at_ms: -5, previous: [9; 32] }
    }

    #[test]
    fn a_block_reads_back_as_it_was_written() {
        let (bytes, hash) = encode(&header(3), b"{}\n{}\n");
        let padded = [bytes.as_slice(), &[0; 200]].concat();
        let block = decode(&padded).unwrap();
        assert_eq!((block.header, block.payload), (header(3), b"{}\n{}\n".as_slice()));
        assert_eq!((block.hash, block.length), (hash, bytes.len()));
    }

    proptest! {
        #[test]
        fn any_bit_that_is_turned_and_any_cut_is_noticed(
            payload in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let (mut bytes, _) = encode(&header(1), &payload);
            let at = at.index(bytes.len());
            prop_assert!(decode(&bytes[..at]).is_err());
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
