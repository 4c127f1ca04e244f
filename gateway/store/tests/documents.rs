//! Documents with revisions, and tickets that only one can take.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use store::{Namespace, Store, Swap};
use world::{folder, open};

#[tokio::test]
async fn a_document_is_kept_under_its_namespace_and_key() {
    let dir = folder();
    let store = open(&dir).await;
    let documents = store.documents();
    let first = documents.put(Namespace::Client, "app", "{\"a\":1}".into()).await.unwrap();
    assert_eq!(documents.get(Namespace::Account, "app").await.unwrap(), None);
    let second = documents.put(Namespace::Client, "app", "{\"a\":2}".into()).await.unwrap();
    assert!(second > first);
    documents.put(Namespace::Client, "aaa", "{}".into()).await.unwrap();
    let kept = documents.get(Namespace::Client, "app").await.unwrap().unwrap();
    assert_eq!((kept.json.as_str(), kept.revision), ("{\"a\":2}", second));
    let keys: Vec<String> = documents.list(Namespace::Client).await.unwrap().into_iter().map(|one| one.key).collect();
    assert_eq!(keys, ["aaa", "app"]);
    assert!(documents.delete(Namespace::Client, "app").await.unwrap());
    assert!(!documents.delete(Namespace::Client, "app").await.unwrap());
}

#[tokio::test]
async fn a_change_made_meanwhile_is_noticed_even_when_the_document_was_made_anew() {
    let dir = folder();
    let store = open(&dir).await;
    let documents = store.documents();
    let swap = |expected, json: &str| documents.compare_and_put(Namespace::Grant, "g", expected, json.to_owned());
    assert_eq!(swap(Some(1), "{}").await.unwrap(), Swap::Stale);
    let Swap::Done(first) = swap(None, "1").await.unwrap() else { panic!("stale") };
    assert_eq!(swap(None, "2").await.unwrap(), Swap::Stale);
    let Swap::Done(second) = swap(Some(first), "2").await.unwrap() else { panic!("stale") };
    assert_eq!(swap(Some(first), "3").await.unwrap(), Swap::Stale);
    documents.delete(Namespace::Grant, "g").await.unwrap();
    let Swap::Done(third) = swap(None, "4").await.unwrap() else { panic!("stale") };
    assert!(third > second, "a revision is never used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_change_one_document_at_once_one_succeeds() {
    let dir = folder();
    let store = open(&dir).await;
    let revision = store.documents().put(Namespace::Grant, "g", "0".into()).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .documents()
                    .compare_and_put(Namespace::Grant, "g", Some(revision), format!("{number}"))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += usize::from(matches!(task.await.unwrap(), Swap::Done(_)));
    }
    assert_eq!(done, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_take_a_ticket_at_once_one_gets_it() {
    let dir = folder();
    let store = open(&dir).await;
    store.tickets().put_once(Namespace::Code, "secret", "{}".into(), 1000, 10).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.tickets().take(Namespace::Code, "secret", 10).await.unwrap() })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += usize::from(task.await.unwrap().is_some());
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_ticket_ends_by_itself_and_is_no_other_kinds() {
    let dir = folder();
    let store = open(&dir).await;
    let tickets = store.tickets();
    assert!(tickets.put_once(Namespace::Session, "s", "one".into(), 100, 10).await.unwrap());
    assert_eq!(tickets.get(Namespace::Flow, "s", 50).await.unwrap(), None);
    assert_eq!(tickets.get(Namespace::Session, "s", 99).await.unwrap().as_deref(), Some("one"));
    assert_eq!(tickets.get(Namespace::Session, "s", 100).await.unwrap(), None);
    assert!(tickets.put_once(Namespace::Session, "s", "two".into(), 200, 100).await.unwrap(), "the first has ended");
    assert_eq!(tickets.purge(150).await.unwrap(), 0);
    assert_eq!(tickets.take(Namespace::Session, "s", 150).await.unwrap().as_deref(), Some("two"));
    tickets.put_once(Namespace::Session, "old", "x".into(), 100, 10).await.unwrap();
    assert_eq!(tickets.take(Namespace::Session, "old", 100).await.unwrap(), None);
    tickets.put_once(Namespace::Session, "old", "x".into(), 100, 10).await.unwrap();
    assert_eq!(tickets.purge(150).await.unwrap(), 1);
}

#[tokio::test]
async fn of_a_hundred_who_keep_the_same_ticket_exactly_one_does_and_that_outlives_the_process() {
    let dir = folder();
    let store = open(&dir).await;
    let keep = |store: Store| async move {
        store.tickets().put_once(Namespace::Assertion, "jti", "{}".into(), 1000, 10).await.unwrap()
    };
    let tasks: Vec<_> = (0..100).map(|_| tokio::spawn(keep(store.clone()))).collect();
    let mut kept = 0;
    for task in tasks {
        kept += usize::from(task.await.unwrap());
    }
    assert_eq!(kept, 1);
    store.close().await;
    assert!(!keep(open(&dir).await).await);
}

#[tokio::test]
async fn a_ticket_that_was_taken_does_not_come_back() {
    let dir = folder();
    let store = open(&dir).await;
    let tickets = store.tickets();
    tickets.put_once(Namespace::Flow, "f", "one".into(), 100, 10).await.unwrap();
    assert!(tickets.replace(Namespace::Flow, "f", "two".into(), 100).await.unwrap());
    assert_eq!(tickets.take(Namespace::Flow, "f", 50).await.unwrap().as_deref(), Some("two"));
    assert!(!tickets.replace(Namespace::Flow, "f", "three".into(), 100).await.unwrap());
    assert_eq!(tickets.get(Namespace::Flow, "f", 50).await.unwrap(), None);
}

#[tokio::test]
async fn the_key_of_a_ticket_is_not_in_the_folder() {
    let dir = folder();
    let store = open(&dir).await;
    store.tickets().put_once(Namespace::Code, "a-very-secret-key", "{}".into(), 1000, 10).await.unwrap();
    store.close().await;
    let bytes = std::fs::read(dir.path().join("sluice.db")).unwrap();
    assert!(!bytes.windows(17).any(|window| window == b"a-very-secret-key"));
}
