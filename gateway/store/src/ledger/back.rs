//! Reading the ledger backwards: what was disclosed about one patient, the newest first, a stretch at a time.
//!
//! One question looks into one segment. Blocks that do not name the patient are passed over by their length alone; one that
//! does is held against its hash before a word of it is believed. The chain is not followed: that is what `verify` is for.

use super::Ledger;
use super::block::{Content, HASH_BYTES, HEADER_BYTES, PAYLOAD_BYTES_MAX, decode, payload_bytes};
use super::segment::{numbers, path};
use super::verify::entries_of;
use crate::error::StoreError;
use fhir::Id;
use memchr::memmem::Finder;
use privacy::Phi;
use privacy::ledger::{Entry, Event, Receipt};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
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
}

fn stretch(folder: &Path, patient: &Id, from: Option<Mark>, at_most: usize) -> Result<Stretch, StoreError> {
    let newest = numbers(folder).map_err(failed)?.last().copied();
    let Some(Mark { segment, before }) = from.or(newest.map(|segment| Mark { segment, before: None })) else {
        return Ok(Stretch { told: Vec::new(), next: None });
    };
    let mut found: VecDeque<(Receipt, Entry)> = VecDeque::new();
    let mut more = false;
    each(&path(folder, segment), patient, |receipt, entry| {
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
fn each(path: &Path, patient: &Id, mut show: impl FnMut(Receipt, Entry)) -> Result<(), StoreError> {
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(path).map_err(failed)?);
    // As serde_json writes it; an id needs no escape.
    let named = Finder::new(&format!("\"patient\":\"{patient}\"")).into_owned();
    let mut block = Vec::new();
    loop {
        block.clear();
        if !fill(&mut file, &mut block, HEADER_BYTES)? {
            return Ok(());
        }
        // Zeros, or a block that is just being written: nothing behind it is durable.
        let Some(length) = payload_bytes(&block).filter(|length| *length <= PAYLOAD_BYTES_MAX) else { return Ok(()) };
        if !fill(&mut file, &mut block, length + HASH_BYTES)? {
            return Ok(());
        }
        let payload = block.get(HEADER_BYTES..HEADER_BYTES + length).unwrap_or_default();
        if named.find(payload).is_none() {
            continue;
        }
        let whole = match decode(&block) {
            Ok(whole) => whole,
            // The last of all may be half written at this very moment.
            Err(_) if is_last(&mut file)? => return Ok(()),
            Err(_) => return Err(StoreError::Damaged("a block of the ledger")),
        };
        if whole.header.content != Content::Entries {
            continue;
        }
        let entries = entries_of(&whole).map_err(|_| StoreError::Damaged("the lines of a block of the ledger"))?;
        for (place, entry) in (0u32..).zip(entries) {
            let about = entry.about.iter().any(|about| about.patient == patient.as_str());
            if about && entry.event == Event::Disclosed {
                show(Receipt { block: whole.header.sequence, place }, entry);
            }
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

fn failed(why: io::Error) -> StoreError {
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
