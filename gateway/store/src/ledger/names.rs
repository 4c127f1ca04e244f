//! Whom a finished segment names: a list beside it of patients and of the blocks that tell of each, so that a question about
//! one patient reads those alone.
//!
//! `0000000001.names`: a head, then lines of a digest and a place, in order. Made from the segment, held against the hash of its
//! last block whenever it is used, and of no worth of its own: where it is missing, the segment is read.

use super::back::{Scan, failed, told};
use super::block::HASH_BYTES;
use super::segment::{numbers, path};
use crate::error::StoreError;
use certs::digest::sha256;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How each list begins.
const MAGIC: [u8; 8] = *b"SLUICENM";
/// Bytes of its head: how it begins, where the segment's last block ends, and that block's hash.
const HEAD_BYTES: usize = 16 + HASH_BYTES;
/// Bytes of a line: a digest and the place of a block, both big-endian, so that lines in order are bytes in order.
const LINE_BYTES: usize = 16;

/// A patient as a list names them: different ones with one digest only cost a look at a block too many.
fn digest(patient: &str) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = sha256(patient.as_bytes());
    [a, b, c, d, e, f, g, h]
}

fn list(folder: &Path, segment: u64) -> PathBuf {
    path(folder, segment).with_extension("names")
}

/// The first finished segment that has no list, if there is one.
pub(super) fn missing(folder: &Path) -> io::Result<Option<u64>> {
    let numbers = numbers(folder)?;
    let finished = numbers.split_last().map_or(&[][..], |(_, finished)| finished);
    Ok(finished.iter().copied().find(|segment| !list(folder, *segment).exists()))
}

/// Makes the list of a finished segment. It bears its name once it is whole and durable.
pub(super) fn write(folder: &Path, segment: u64) -> Result<(), StoreError> {
    let mut scan = Scan::open(&path(folder, segment))?;
    let mut lines: Vec<[u8; LINE_BYTES]> = Vec::new();
    let (mut end, mut last) = (0, [0; HASH_BYTES]);
    while let Some(place) = scan.step()? {
        let Some(block) = scan.whole()? else { break };
        for entry in told(&block)? {
            for about in &entry.about {
                let mut line = [0; LINE_BYTES];
                line[..8].copy_from_slice(&digest(&about.patient));
                line[8..].copy_from_slice(&place.to_be_bytes());
                lines.push(line);
            }
        }
        (end, last) = (place + block.length as u64, block.hash);
    }
    lines.sort_unstable();
    lines.dedup();
    let whole = list(folder, segment);
    let draft = whole.with_extension("draft");
    let written = || {
        let mut file = File::create(&draft)?;
        file.write_all(&[&MAGIC[..], &end.to_be_bytes(), &last].concat())?;
        file.write_all(lines.as_flattened())?;
        file.sync_all()?;
        fs::rename(&draft, &whole)
    };
    written().map_err(failed)
}

/// Where the blocks of a segment are that name a patient, in their order; nothing where no list of this very segment tells.
pub(super) fn places(folder: &Path, segment: u64, patient: &str) -> Option<Vec<u64>> {
    let file = File::open(list(folder, segment)).ok()?;
    let mut head = [0; HEAD_BYTES];
    file.read_exact_at(&mut head, 0).ok()?;
    let (begins, rest) = head.split_at(MAGIC.len());
    let (end, last) = rest.split_at(8);
    let end = u64::from_be_bytes(end.try_into().ok()?);
    let mut stands = [0; HASH_BYTES];
    let from = end.checked_sub(HASH_BYTES as u64)?;
    File::open(path(folder, segment)).ok()?.read_exact_at(&mut stands, from).ok()?;
    if begins != MAGIC || stands != last {
        return None;
    }
    let count = (file.metadata().ok()?.len() - HEAD_BYTES as u64) / LINE_BYTES as u64;
    let line = |nth: u64| {
        let mut line = [0; LINE_BYTES];
        file.read_exact_at(&mut line, HEAD_BYTES as u64 + nth * LINE_BYTES as u64).ok()?;
        let (name, place) = line.split_at(8);
        Some((<[u8; 8]>::try_from(name).ok()?, u64::from_be_bytes(place.try_into().ok()?)))
    };
    let wanted = digest(patient);
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if line(middle)?.0 < wanted { low = middle + 1 } else { high = middle }
    }
    let mut places = Vec::new();
    while low < count {
        let (name, place) = line(low)?;
        if name != wanted {
            break;
        }
        places.push(place);
        low += 1;
    }
    Some(places)
}
