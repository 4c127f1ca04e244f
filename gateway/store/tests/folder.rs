//! Opening a data folder, and being refused one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::fs;
use std::path::Path;
use store::{OpenError, Options, Store};
use world::{at, folder, open};

async fn refusal(dir: &Path) -> OpenError {
    match Store::open(dir, Options::new(at(0))).await {
        Ok(_) => panic!("it was opened"),
        Err(refused) => {
            let sentence = refused.to_string();
            assert!(!sentence.contains('\n') && sentence.len() < 300, "{sentence}");
            refused
        }
    }
}

#[tokio::test]
async fn a_new_folder_is_made_and_opened_again() {
    let dir = folder();
    let deep = dir.path().join("a/b");
    let store = Store::open(&deep, Options::new(at(0))).await.unwrap();
    store.check().await.unwrap();
    assert!(store.ledger().is_up());
    store.close().await;
    assert_eq!(fs::read_to_string(deep.join("VERSION")).unwrap(), "sluice 1\n");
    Store::open(&deep, Options::new(at(1))).await.unwrap().close().await;
}

#[tokio::test]
async fn only_one_process_has_a_folder_at_a_time() {
    let dir = folder();
    let store = open(&dir).await;
    assert!(matches!(refusal(dir.path()).await, OpenError::InUse(_)));
    store.close().await;
    open(&dir).await.close().await;
}

#[tokio::test]
async fn a_folder_of_a_newer_version_is_left_alone() {
    let dir = folder();
    open(&dir).await.close().await;
    fs::write(dir.path().join("VERSION"), "sluice 2\n").unwrap();
    let refused = refusal(dir.path()).await;
    assert!(matches!(&refused, OpenError::Newer { found, known: 1, .. } if found == "2"), "{refused}");
    fs::write(dir.path().join("VERSION"), "something else").unwrap();
    assert!(matches!(refusal(dir.path()).await, OpenError::Foreign(_)));
    fs::write(dir.path().join("VERSION"), [0xff, 0xfe]).unwrap();
    assert!(matches!(refusal(dir.path()).await, OpenError::Foreign(_)));
}

#[tokio::test]
async fn a_folder_that_lost_its_database_is_not_begun_anew() {
    let dir = folder();
    open(&dir).await.close().await;
    fs::remove_file(dir.path().join("sluice.db")).unwrap();
    assert!(matches!(refusal(dir.path()).await, OpenError::Missing(_)));
    assert!(!dir.path().join("sluice.db").exists());
}

#[tokio::test]
async fn a_database_that_is_none_is_not_opened() {
    let dir = folder();
    open(&dir).await.close().await;
    fs::write(dir.path().join("sluice.db"), vec![7; 8192]).unwrap();
    assert!(matches!(refusal(dir.path()).await, OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_file_in_the_place_of_the_folder_is_named() {
    let dir = folder();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(refusal(&file).await, OpenError::Unusable { .. }));
}

#[tokio::test]
async fn closing_does_not_wait_for_ever_for_somebody_who_keeps_a_handle() {
    let dir = folder();
    let store = open(&dir).await;
    let kept = store.ledger();
    tokio::time::timeout(std::time::Duration::from_secs(20), store.close()).await.unwrap();
    assert!(matches!(refusal(dir.path()).await, OpenError::InUse(_)));
    drop(kept);
}
