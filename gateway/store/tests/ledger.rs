//! The ledger: chained, durable, and unforgiving.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use privacy::ledger::Ledger as _;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use store::{OpenError, Options, Store, Why, entries, verify};
use tempfile::TempDir;
use world::{at, entry, folder, open};

fn segment(dir: &TempDir, number: u32) -> PathBuf {
    dir.path().join("ledger").join(format!("{number:010}.seg"))
}

/// A ledger of some blocks, one entry each, in segments of this size; the store is closed.
async fn written(dir: &TempDir, blocks: i64, segment_bytes: u64) {
    let store = Store::open(dir.path(), Options { segment_bytes, ..Options::new(at(0)) }).await.unwrap();
    let ledger = store.ledger();
    for number in 0..blocks {
        ledger.record(entry(number)).await.unwrap();
    }
    drop(ledger);
    store.close().await;
}

fn correlations(dir: &Path) -> Vec<String> {
    entries(dir).unwrap().map(|found| found.unwrap().1.correlation).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_read_back_in_their_order_and_place() {
    let dir = folder();
    let store = open(&dir).await;
    let ledger = store.ledger();
    let first = ledger.record(entry(0)).await.unwrap();
    let second = ledger.record(entry(1)).await.unwrap();
    assert_eq!((first.block, first.place, second.block, second.place), (1, 0, 2, 0));
    drop(ledger);
    store.close().await;
    let all: Vec<_> = entries(dir.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(all, [(first, entry(0)), (second, entry(1))]);
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.segments, report.blocks, report.entries, report.last_hash.len()), (1, 2, 2, 64));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_together_share_a_block_and_each_has_its_own_place() {
    let dir = folder();
    let store = open(&dir).await;
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            let ledger = store.ledger();
            tokio::spawn(async move { ledger.record(entry(number)).await.unwrap() })
        })
        .collect();
    let mut places = HashSet::new();
    for task in tasks {
        let receipt = task.await.unwrap();
        assert!(places.insert((receipt.block, receipt.place)));
    }
    store.close().await;
    let report = verify(dir.path()).unwrap();
    assert_eq!(report.entries, 500);
    assert!(report.blocks < 500, "{} blocks", report.blocks);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_goes_on_over_restarts_and_segments() {
    let dir = folder();
    for round in 1..=3 {
        written(&dir, 10, 1600).await;
        let report = verify(dir.path()).unwrap();
        assert_eq!(report.entries, round * 10);
        assert!(report.segments > round * 2, "{} segments", report.segments);
    }
    let expected: Vec<String> = (0..3).flat_map(|_| (0..10).map(|number| format!("c{number}"))).collect();
    assert_eq!(correlations(dir.path()), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_byte_that_is_changed_names_its_block() {
    let dir = folder();
    written(&dir, 5, 1 << 20).await;
    let file = segment(&dir, 1);
    let whole = fs::read(&file).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let starts: Vec<usize> = (0..used).filter(|at| whole[*at..].starts_with(b"SLUICEBK")).collect();
    assert_eq!(starts.len(), 5);
    for at in (0..used).step_by(7).chain([used - 1, used, used + 4000]) {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        fs::write(&file, &changed).unwrap();
        let block = starts.iter().filter(|start| **start <= at).count() as u64 + u64::from(at >= used);
        let broken = verify(dir.path()).unwrap_err();
        assert_eq!((broken.segment, broken.block), (1, block), "byte {at}: {broken}");
        let read = entries(dir.path()).unwrap();
        assert_eq!(read.filter(Result::is_ok).count() as u64, block - 1, "what stands before the break is still told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_segments_cannot_be_left_out_or_swapped() {
    let dir = folder();
    written(&dir, 12, 1600).await;
    assert!(verify(dir.path()).unwrap().segments >= 4);
    let (two, three) = (fs::read(segment(&dir, 2)).unwrap(), fs::read(segment(&dir, 3)).unwrap());
    fs::write(segment(&dir, 2), &three).unwrap();
    fs::write(segment(&dir, 3), &two).unwrap();
    assert_eq!(verify(dir.path()).unwrap_err().why, Why::OutOfChain);
    fs::write(segment(&dir, 3), &three).unwrap();
    fs::remove_file(segment(&dir, 2)).unwrap();
    let broken = verify(dir.path()).unwrap_err();
    assert_eq!((broken.segment, broken.why), (2, Why::Missing));
    fs::write(segment(&dir, 2), &two).unwrap();
    assert!(verify(dir.path()).is_ok());
    let block = two.windows(8).skip(1).position(|window| window == b"SLUICEBK").unwrap() + 1;
    fs::write(segment(&dir, 2), &two[block..]).unwrap();
    assert_eq!(verify(dir.path()).unwrap_err().why, Why::OutOfChain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_is_trimmed_and_noted_and_the_chain_goes_on() {
    let dir = folder();
    written(&dir, 3, 1 << 20).await;
    let file = segment(&dir, 1);
    let whole = fs::read(&file).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let last = (0..used).rfind(|at| whole[*at..].starts_with(b"SLUICEBK")).unwrap();
    for cut in [last + 1, last + 64, last + 130, used - 1] {
        let mut torn = whole[..cut].to_vec();
        torn.resize(whole.len(), 0);
        fs::write(&file, &torn).unwrap();
        assert!(matches!(verify(dir.path()).unwrap_err().why, Why::Tail(_)), "cut at {cut}");
        let store = open(&dir).await;
        let trimmed = store.trimmed().unwrap().clone();
        assert_eq!((trimmed.segment, trimmed.block), (1, 3));
        store.ledger().record(entry(9)).await.unwrap();
        store.close().await;
        let report = verify(dir.path()).unwrap();
        assert_eq!((report.entries, report.notes.len()), (3, 1));
        assert!(report.notes[0].contains("torn tail trimmed"));
        assert_eq!(correlations(dir.path()), ["c0", "c1", "c9"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_broken_in_its_middle_is_not_opened_and_not_mended() {
    let dir = folder();
    written(&dir, 4, 1 << 20).await;
    let file = segment(&dir, 1);
    let mut changed = fs::read(&file).unwrap();
    changed[150] ^= 1;
    fs::write(&file, &changed).unwrap();
    let Err(refused) = Store::open(dir.path(), Options::new(at(1))).await else { panic!("it was opened") };
    assert!(matches!(&refused, OpenError::Ledger { broken, .. } if broken.block == 1), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), changed);
}

/// What was disclosed about a patient, a stretch at a time, until the ledger begins.
async fn told_about(store: &Store, patient: &str, at_most: usize) -> Vec<String> {
    let patient = fhir::Id::parse(patient).unwrap();
    let (mut told, mut from) = (Vec::new(), None::<String>);
    loop {
        let ledger = store.ledger();
        let stretch = ledger.disclosed_about(&patient, from.as_deref(), at_most).await.unwrap();
        let store::Stretch { told: some, next } = stretch.into_exposed();
        assert!(some.len() <= at_most);
        told.extend(some.into_iter().map(|one| one.entry.correlation));
        match next {
            Some(next) => from = Some(next),
            None => return told,
        }
    }
}

fn about(number: i64, patients: &[&str]) -> privacy::ledger::Entry {
    let one = |patient: &&str| privacy::ledger::About { patient: (*patient).to_owned(), resources: Vec::new() };
    privacy::ledger::Entry { about: patients.iter().map(one).collect(), ..entry(number) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_disclosed_about_a_patient_is_read_back_the_newest_first_over_all_segments() {
    let dir = folder();
    let store = Store::open(dir.path(), Options { segment_bytes: 2000, ..Options::new(at(0)) }).await.unwrap();
    let ledger = store.ledger();
    for number in 0..30 {
        let patients: &[&str] = match number % 3 {
            0 => &["p1"],
            1 => &["p1", "p10"],
            _ => &["p10"],
        };
        ledger.record(about(number, patients)).await.unwrap();
    }
    let refused = privacy::ledger::Entry { event: privacy::ledger::Event::Refused, ..about(30, &["p1"]) };
    ledger.record(refused).await.unwrap();
    drop(ledger);
    let of = |left: &[i64]| -> Vec<String> {
        (0..30).rev().filter(|number| left.contains(&(number % 3))).map(|number| format!("c{number}")).collect()
    };
    let tells_all = async || {
        for at_most in [1, 2, 7, 100] {
            assert_eq!(told_about(&store, "p1", at_most).await, of(&[0, 1]), "{at_most}");
            assert_eq!(told_about(&store, "p10", at_most).await, of(&[1, 2]), "{at_most}");
            assert!(told_about(&store, "p", at_most).await.is_empty(), "one id is no part of another");
        }
    };
    tells_all().await;
    let segments = verify(dir.path()).unwrap().segments;
    assert!(segments > 3);
    while store.ledger().list_names().await.unwrap() {}
    let list = |nth: u64| segment(&dir, u32::try_from(nth).unwrap()).with_extension("names");
    assert!(
        (1..segments).all(|nth| list(nth).exists()) && !list(segments).exists(),
        "what is still written has no list"
    );
    tells_all().await;
    fs::copy(list(2), list(1)).unwrap();
    fs::write(list(2), b"SLUICENM").unwrap();
    tells_all().await;
    assert_eq!(verify(dir.path()).unwrap().segments, segments);
    let patient = fhir::Id::parse("p1").unwrap();
    for place in ["x", "1-2", "9999"] {
        assert!(store.ledger().disclosed_about(&patient, Some(place), 5).await.is_err(), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_altered_is_not_read_back() {
    let dir = folder();
    let store = open(&dir).await;
    for number in 0..3 {
        store.ledger().record(about(number, &["p1"])).await.unwrap();
    }
    let file = segment(&dir, 1);
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(12).position(|some| some == b"\"patient\":\"p").unwrap();
    bytes[at - 40] ^= 1;
    fs::write(&file, bytes).unwrap();
    let patient = fhir::Id::parse("p1").unwrap();
    assert!(store.ledger().disclosed_about(&patient, None, 5).await.is_err());
}
