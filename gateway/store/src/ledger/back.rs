//! Reading the ledger backwards: what was disclosed about one patient, the newest first, a stretch at a time.
//!
//! One question looks into one segment, and reads the blocks that [`names`] knows, or all of them where it knows none. One
//! that names the patient is held against its hash before a word of it is believed. The chain is not followed: that is what `verify` is for.

use super::Ledger;
use super::block::{Block, Content, HASH_BYTES, HEADER_BYTES, PAYLOAD_BYTES_MAX, decode, payload_bytes};
use super::names;
use super::segment::{numbers, path};
use super::verify::entries_of;
use crate::error::StoreError;
use fhir::Id;
use memchr::memmem::Finder;
use privacy::Phi;
use privacy::ledger::{Entry, Event, Receipt};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// Bytes that are read of a segment at once.
const READ_BYTES: usize = 1024 * 1024;

/// A place to go on from, towards the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    segment: u64,
    /// Entries at this place and behind it have been told; none yet of this segment.
    before: Option<(u64, u32)>,
}

impl Mark {
    fn read(text: &str) -> Option<Mark> {
        let mut parts = text.split('-').map(|part| part.parse::<u64>().ok());
        let segment = parts.next()??;
        let before = match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => None,
            (Some(Some(block)), Some(Some(place)), None) => Some((block, u32::try_from(place).ok()?)),
            (_, _, _) => return None,
        };
        Some(Mark { segment, before })
    }

    fn write(self) -> String {
        match self.before {
            None => self.segment.to_string(),
            Some((block, place)) => format!("{}-{block}-{place}", self.segment),
        }
    }
}

/// One entry that is about the patient, and the place behind it.
pub struct Told {
    /// It.
    pub entry: Entry,
    /// Where to go on, towards the past.
    pub after: String,
}

/// A stretch of the ledger.
pub struct Stretch {
    /// The entries, the newest first.
    pub told: Vec<Told>,
    /// Where the next stretch begins; nothing at the beginning of the ledger.
    pub next: Option<String>,
}

impl Ledger {
    /// What was disclosed about a patient, the newest first: up to so many entries of one segment, from a place on.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a place or a block that is none; the disk's.
    pub async fn disclosed_about(
        &self,
        patient: &Id,
        from: Option<&str>,
        at_most: usize,
    ) -> Result<Phi<Stretch>, StoreError> {
        // One at a time: each keeps a core and the disk busy.
        let place = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (folder, patient) = (self.folder.clone(), patient.clone());
        let from = match from {
            None => None,
            Some(text) => Some(Mark::read(text).ok_or(StoreError::Damaged("a place in the ledger"))?),
        };
        let read = tokio::task::spawn_blocking(move || {
            let _place = place;
            stretch(&folder, &patient, from, at_most)
        });
        read.await.map_err(|_| StoreError::Closed)?.map(Phi::new)
    }

    /// Lists whom the next finished segment names that has no list yet; whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a block that is none; the disk's.
    pub async fn list_names(&self) -> Result<bool, StoreError> {
        let folder = self.folder.clone();
        let listed = tokio::task::spawn_blocking(move || match names::missing(&folder).map_err(failed)? {
            Some(segment) => names::write(&folder, segment).map(|()| true),
            None => Ok(false),
        });
        listed.await.map_err(|_| StoreError::Closed)?
    }
}

fn stretch(folder: &Path, patient: &Id, from: Option<Mark>, at_most: usize) -> Result<Stretch, StoreError> {
    let newest = numbers(folder).map_err(failed)?.last().copied();
    let Some(Mark { segment, before }) = from.or(newest.map(|segment| Mark { segment, before: None })) else {
        return Ok(Stretch { told: Vec::new(), next: None });
    };
    let mut found: VecDeque<(Receipt, Entry)> = VecDeque::new();
    let mut more = false;
    each(folder, segment, patient, |receipt, entry| {
        if before.is_some_and(|before| (receipt.block, receipt.place) >= before) {
            return;
        }
        if found.len() == at_most {
            found.pop_front();
            more = true;
        }
        found.push_back((receipt, entry));
    })?;
    let told: Vec<Told> = found
        .into_iter()
        .rev()
        .map(|(Receipt { block, place }, entry)| Told {
            entry,
            after: Mark { segment, before: Some((block, place)) }.write(),
        })
        .collect();
    let next = match told.last() {
        Some(oldest) if more => Some(oldest.after.clone()),
        Some(_) | None if segment > 1 => Some(Mark { segment: segment - 1, before: None }.write()),
        Some(_) | None => None,
    };
    Ok(Stretch { told, next })
}

/// Shows every entry of a segment by which something about the patient was disclosed, in the order of the file.
fn each(folder: &Path, segment: u64, patient: &Id, mut show: impl FnMut(Receipt, Entry)) -> Result<(), StoreError> {
    let mut scan = Scan::open(&path(folder, segment))?;
    // As serde_json writes it; an id needs no escape.
    let named = Finder::new(&format!("\"patient\":\"{patient}\"")).into_owned();
    let mut known = names::places(folder, segment, patient.as_str()).map(Vec::into_iter);
    loop {
        if let Some(places) = &mut known {
            let Some(place) = places.next() else { return Ok(()) };
            scan.go_to(place)?;
        }
        if scan.step()?.is_none() {
            return Ok(());
        }
        if named.find(scan.payload()).is_none() {
            continue;
        }
        let Some(whole) = scan.whole()? else { return Ok(()) };
        for (place, entry) in (0u32..).zip(told(&whole)?) {
            let about = entry.about.iter().any(|about| about.patient == patient.as_str());
            if about && entry.event == Event::Disclosed {
                show(Receipt { block: whole.header.sequence, place }, entry);
            }
        }
    }
}

/// The entries of a block; a note has none.
pub(super) fn told(block: &Block<'_>) -> Result<Vec<Entry>, StoreError> {
    match block.header.content {
        Content::Entries => entries_of(block).map_err(|_| StoreError::Damaged("the lines of a block of the ledger")),
        Content::Note => Ok(Vec::new()),
    }
}

/// A segment, read block by block. Behind its last stand zeros, or a block that is just being written.
pub(super) struct Scan {
    file: BufReader<File>,
    at: u64,
    block: Vec<u8>,
}

impl Scan {
    /// At the beginning of a segment.
    pub(super) fn open(path: &Path) -> Result<Scan, StoreError> {
        let file = BufReader::with_capacity(READ_BYTES, File::open(path).map_err(failed)?);
        Ok(Scan { file, at: 0, block: Vec::new() })
    }

    /// On to the block at a place.
    fn go_to(&mut self, place: u64) -> Result<(), StoreError> {
        self.at = place;
        self.file.seek(SeekFrom::Start(place)).map(drop).map_err(failed)
    }

    /// Reads the next block, not believed yet, and says where it stands; nothing behind the last.
    pub(super) fn step(&mut self) -> Result<Option<u64>, StoreError> {
        self.block.clear();
        if !fill(&mut self.file, &mut self.block, HEADER_BYTES)? {
            return Ok(None);
        }
        let length = payload_bytes(&self.block).filter(|length| *length <= PAYLOAD_BYTES_MAX);
        let Some(length) = length else { return Ok(None) };
        if !fill(&mut self.file, &mut self.block, length + HASH_BYTES)? {
            return Ok(None);
        }
        let place = self.at;
        self.at += self.block.len() as u64;
        Ok(Some(place))
    }

    /// The lines of the block.
    fn payload(&self) -> &[u8] {
        self.block.get(HEADER_BYTES..self.block.len().saturating_sub(HASH_BYTES)).unwrap_or_default()
    }

    /// The block, held against its hash; nothing of the last of all, which may be half written at this very moment.
    pub(super) fn whole(&mut self) -> Result<Option<Block<'_>>, StoreError> {
        let Scan { file, block, .. } = self;
        match decode(block) {
            Ok(whole) => Ok(Some(whole)),
            Err(_) if is_last(file)? => Ok(None),
            Err(_) => Err(StoreError::Damaged("a block of the ledger")),
        }
    }
}

/// Reads so many bytes more; says whether they were all there.
fn fill(file: &mut impl Read, into: &mut Vec<u8>, bytes: usize) -> Result<bool, StoreError> {
    let read = file.by_ref().take(bytes as u64).read_to_end(into).map_err(failed)?;
    Ok(read == bytes)
}

/// Whether no block follows.
fn is_last(file: &mut impl Read) -> Result<bool, StoreError> {
    let mut head = Vec::new();
    Ok(!fill(file, &mut head, HEADER_BYTES)? || payload_bytes(&head).is_none())
}

pub(super) fn failed(why: io::Error) -> StoreError {
    StoreError::Failed(format!("the ledger cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_it_was_written_and_nothing_else_is_one() {
        for mark in [Mark { segment: 3, before: None }, Mark { segment: 1, before: Some((77, 4)) }] {
            assert_eq!(Mark::read(&mark.write()), Some(mark));
        }
        for none in ["", "x", "1-2", "1-2-3-4", "-1", "1-2-99999999999", "1-x-2"] {
            assert_eq!(Mark::read(none), None, "{none}");
        }
    }
}
