//! One block: a fixed header, entries as JSON lines, and a hash over both.
//!
//! Layout, numbers big-endian: magic `SLUICEB1` (8), sequence (8), time in microseconds since 1970 (8), entries (4), payload
//! bytes (4), hash of the block before (32), payload, SHA-256 of everything before it (32). The first block follows zeros.

use certs::digest::sha256;
use privacy::ledger::Entry;

/// The first bytes of every block; the last of them is the layout's version.
const MAGIC: &[u8; 8] = b"SLUICEB1";
/// Bytes before the payload.
pub(super) const HEADER: usize = 64;
/// Bytes behind the payload.
pub(super) const HASH: usize = 32;
/// Bytes of a payload: more than any block of ours, less than a mistake in a length could ask for.
const PAYLOAD_MAX: usize = 256 * 1024 * 1024;

/// A sealed block.
pub(super) struct Block {
    pub(super) sequence: u64,
    pub(super) hash: [u8; HASH],
    pub(super) bytes: Vec<u8>,
    payload_len: usize,
}

/// Why bytes are no block, or not the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The bytes end inside it.
    #[error("it ends too early")]
    Short,
    /// It does not begin as a block does.
    #[error("it does not begin as a block does")]
    Magic,
    /// Its length cannot be.
    #[error("its length cannot be")]
    Length,
    /// Its bytes are not those that were sealed.
    #[error("its bytes are not those that were sealed")]
    Hash,
    /// It does not follow the block before it.
    #[error("it does not follow the block before it")]
    Chain,
    /// Its number is not the next.
    #[error("its number is not the next")]
    Sequence,
    /// Its entries cannot be read.
    #[error("its entries cannot be read")]
    Entries,
}

impl Block {
    /// Seals entries behind the block with this hash.
    pub(super) fn seal(
        sequence: u64,
        at_us: i64,
        previous: &[u8; HASH],
        entries: &[&Entry],
    ) -> Result<Block, serde_json::Error> {
        let mut payload = Vec::with_capacity(entries.len() * 512);
        for entry in entries {
            serde_json::to_writer(&mut payload, entry)?;
            payload.push(b'\n');
        }
        let mut bytes = Vec::with_capacity(HEADER + payload.len() + HASH);
        bytes.extend(MAGIC);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(at_us.to_be_bytes());
        bytes.extend(u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(previous);
        bytes.extend(&payload);
        let hash = sha256(&bytes);
        bytes.extend(hash);
        Ok(Block { sequence, hash, bytes, payload_len: payload.len() })
    }

    /// Reads the block at the start of the bytes, and holds it against the one before.
    pub(super) fn read(bytes: &[u8], sequence: u64, previous: &[u8; HASH]) -> Result<Block, Flaw> {
        let header = bytes.get(..HEADER).ok_or(Flaw::Short)?;
        if !header.starts_with(MAGIC) {
            return Err(Flaw::Magic);
        }
        let number = |at: usize| header.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
        let payload_len = number(28).ok_or(Flaw::Short)? as usize;
        if payload_len > PAYLOAD_MAX {
            return Err(Flaw::Length);
        }
        let sealed = bytes.get(..HEADER + payload_len).ok_or(Flaw::Short)?;
        let hash = bytes.get(HEADER + payload_len..HEADER + payload_len + HASH).ok_or(Flaw::Short)?;
        if sha256(sealed) != hash {
            return Err(Flaw::Hash);
        }
        if header.get(32..64) != Some(previous.as_slice()) {
            return Err(Flaw::Chain);
        }
        if header.get(8..16) != Some(sequence.to_be_bytes().as_slice()) {
            return Err(Flaw::Sequence);
        }
        let hash = hash.try_into().map_err(|_| Flaw::Short)?;
        let whole = bytes.get(..HEADER + payload_len + HASH).ok_or(Flaw::Short)?.to_vec();
        let block = Block { sequence, hash, bytes: whole, payload_len };
        let told = number(24).ok_or(Flaw::Short)? as usize;
        if block.entries()?.len() == told { Ok(block) } else { Err(Flaw::Entries) }
    }

    /// Its entries, in order.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, Flaw> {
        let payload = self.bytes.get(HEADER..HEADER + self.payload_len).ok_or(Flaw::Short)?;
        let lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(|_| Flaw::Entries)).collect()
    }
}
