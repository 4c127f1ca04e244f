//! Signing keys are rotated in a running gateway: nobody who asks meanwhile notices, and what a retired key signed is over.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use serde_json::Value;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tests::app::{self, Browser, Grant};
use tests::gateway::{Folder, Gateway, Person, Plan, Program, Registered};
use tests::http::Connection;

const ANN: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"Doe"}]}"#;
const SCOPE: &str = "openid fhirUser launch/patient offline_access patient/*.rs";

fn registered() -> Registered {
    Registered { client_id: "app".into(), secret: None, scopes: SCOPE.into() }
}

async fn prepared() -> Folder {
    Folder::prepare(&Plan {
        records: vec![ANN.to_owned()],
        people: vec![Person { username: "ann".into(), fhir_user: "Patient/p1".into() }],
        apps: vec![registered()],
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    })
    .await
}

/// `sluice keys`: what it printed, or what it complained.
fn keys(folder: &Folder, command: &[&str]) -> Result<String, String> {
    let ended = Command::new(Program::Shipped.path())
        .arg("keys")
        .args(command)
        .arg("-c")
        .arg(folder.config())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if ended.status.success() { Ok(text(ended.stdout)) } else { Err(text(ended.stderr)) }
}

/// The names of the keys of one use and state.
fn kids(folder: &Folder, usage: &str, state: &str) -> Vec<String> {
    let listed = keys(folder, &["list"]).unwrap();
    let lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let named = lines.filter(|line| line["use"] == usage && line["state"] == state);
    named.map(|line| line["kid"].as_str().unwrap().to_owned()).collect()
}

/// The name of the key that signed a token.
fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn published(connection: &mut Connection) -> Vec<String> {
    let answer = connection.send("GET", "/oauth/jwks", &[], None).await.unwrap();
    assert!(answer.header("cache-control").unwrap().contains("max-age=600"));
    let set = answer.json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn renewed(connection: &mut Connection, grant: &Grant) -> Grant {
    let form = [("grant_type", "refresh_token"), ("refresh_token", grant.refresh_token.as_deref().unwrap())];
    app::token(connection, &registered(), &form).await.unwrap_or_else(|why| panic!("{}", why.text()))
}

/// Reads and renews until it is told to stop; panics at the first answer that is not what it should be.
async fn uses(
    gateway: &Gateway,
    first: Grant,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
) -> tokio::task::JoinHandle<()> {
    let mut connection = gateway.peer().connect().await.unwrap();
    tokio::spawn(async move {
        let mut newest = renewed(&mut connection, &first).await;
        while !stop.load(Ordering::Relaxed) {
            for grant in [&first, &newest] {
                let read = app::get(&mut connection, grant, "/fhir/Patient/p1").await;
                assert_eq!(read.status, 200, "signed by {}: {}", kid(&grant.access_token), read.text());
            }
            // Whoever has the token finds its key among those that are published.
            assert!(published(&mut connection).await.contains(&kid(&newest.access_token)));
            newest = renewed(&mut connection, &newest).await;
            rounds.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
}

/// Waits until everyone has gone round once more.
async fn once_more(rounds: &AtomicUsize) {
    let from = rounds.load(Ordering::Relaxed);
    while rounds.load(Ordering::Relaxed) < from + 8 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_under_requests_and_none_of_them_fails() {
    let folder = prepared().await;
    let gateway = folder.start(Program::Shipped).await;
    let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut browser = Browser::open(gateway.peer()).await;
    let mut users = Vec::new();
    for _ in 0..4 {
        let grant = browser.launch(&registered(), "ann", SCOPE, None).await;
        users.push(uses(&gateway, grant, Arc::clone(&stop), Arc::clone(&rounds)).await);
    }
    once_more(&rounds).await;
    for _ in 0..2 {
        let signing = kids(&folder, "access", "signing");
        assert!(keys(&folder, &["rotate"]).unwrap().contains("are published"));
        let next = kids(&folder, "access", "next");
        once_more(&rounds).await;
        let early = keys(&folder, &["rotate"]).unwrap_err();
        assert!(early.contains("published a moment ago") && early.contains("--force"), "{early}");
        assert_eq!(kids(&folder, "access", "signing"), signing, "nothing signs that others may not know");
        assert!(keys(&folder, &["rotate", "--force"]).unwrap().contains("new keys sign"));
        assert_eq!(kids(&folder, "access", "signing"), next);
        once_more(&rounds).await;
    }
    stop.store(true, Ordering::Relaxed);
    for user in users {
        user.await.unwrap();
    }
    assert!(gateway.says("rotates the signing keys").await);
    assert!(!String::from_utf8_lossy(&gateway.log()).contains("PRIVATE"));
}

#[tokio::test]
async fn what_a_former_key_signed_holds_until_it_is_retired_and_after_a_restart_as_well() {
    let folder = prepared().await;
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let old = Browser::open(gateway.peer()).await.launch(&registered(), "ann", SCOPE, None).await;
    let former = kid(&old.access_token);
    keys(&folder, &["rotate"]).unwrap();
    assert_eq!(published(&mut connection).await.len(), 4);
    keys(&folder, &["rotate", "--force"]).unwrap();
    let new = renewed(&mut connection, &old).await;
    assert_ne!(kid(&new.access_token), former);
    assert!(gateway.stop().success());

    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    for grant in [&old, &new] {
        assert_eq!(app::get(&mut connection, grant, "/fhir/Patient/p1").await.status, 200);
    }
    let soon = keys(&folder, &["retire", &former]).unwrap_err();
    assert!(soon.contains("hold for") && soon.contains("--force"), "{soon}");
    assert!(keys(&folder, &["retire", &kid(&new.access_token)]).unwrap_err().contains("this key signs"));
    assert!(keys(&folder, &["retire", "nobody"]).unwrap_err().contains("there is no key nobody"));
    assert_eq!(app::get(&mut connection, &old, "/fhir/Patient/p1").await.status, 200);
    keys(&folder, &["retire", "--force", &former]).unwrap();
    assert_eq!(app::get(&mut connection, &old, "/fhir/Patient/p1").await.status, 401, "looked at before or not");
    assert!(!published(&mut connection).await.contains(&former));
    assert_eq!(app::get(&mut connection, &new, "/fhir/Patient/p1").await.status, 200);
    // A grant outlives the key of its tokens.
    let next = renewed(&mut connection, &new).await;
    assert_eq!(app::get(&mut connection, &next, "/fhir/Patient/p1").await.status, 200);
    assert!(gateway.stop().success());
    // Of a stopped gateway the same can be asked.
    assert!(keys(&folder, &["rotate"]).unwrap().contains("are published"));
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    assert!(published(&mut connection).await.contains(&kids(&folder, "identity", "next")[0]));
    assert_eq!(app::get(&mut connection, &next, "/fhir/Patient/p1").await.status, 200);
}
