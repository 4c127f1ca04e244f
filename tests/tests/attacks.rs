//! Attacks on the authorization server that are tried nowhere else, on the built program. `conformance/claims/attacks.toml` says
//! which test tries which.
#![allow(clippy::string_slice, clippy::print_stdout, reason = "a test fails by panicking, and says what it counted")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use std::sync::{Arc, Mutex};
use tests::app::{self, Browser, asking, value_of};
use tests::gateway::{REDIRECT, Registered};
use tests::hostile::house::{House, OWN, OWN_SECRET, patient};
use tests::upstream::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn app() -> Registered {
    Registered { client_id: "app".into(), secret: None, scopes: String::new() }
}

#[tokio::test]
async fn t32_a_scope_that_is_almost_one_widens_nothing() {
    let house = House::open().await;
    let mut browser = Browser::open(house.gateway().peer()).await;
    for trick in [
        "patient/*.sr",
        "patient/*.dus",
        "patient/Observation.rsx",
        "patient/Observation.READ",
        "Patient/Observation.rs",
        "patient%2fObservation.rs",
        "patient/Observation.rs%20",
        "patient\u{2f}\u{2f}Observation.rs",
        "patient\u{2215}Observation.rs",
        "patient/Observation.rs\u{a0}patient/Condition.rs",
        "patient/*.*.*",
        "patient/Observatio*.rs",
        "patient/Observation.rs?category:not=laboratory",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?subject=Patient/2",
        "patient/Observation.rs?category=a&_has=b",
        "user/*.rs",
        "system/*.rs",
        "launch",
        "fhiruser",
    ] {
        let scope = format!("launch/patient patient/Patient.rs {trick}");
        let grant = browser.launch(&app(), "ann", &scope, None).await;
        assert_eq!(grant.scope, "launch/patient patient/Patient.rs", "{trick}");
    }
    let many = format!("launch/patient patient/Patient.rs {}", "patient/Observation.rs ".repeat(2_000));
    let (request, _) = asking(&house.gateway().peer().origin, &app(), &many);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    let mut connection = house.gateway().peer().connect().await.unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = connection.send("POST", "/oauth/authorize", &headers, Some(query.as_bytes())).await.unwrap();
    let location = answer.header("location").unwrap_or_default();
    let told = location.strip_prefix(REDIRECT).and_then(|query| value_of(&query[1..], "error"));
    assert_eq!(told.as_deref(), Some("invalid_request"), "{} {location}", answer.status);
    house.close().await;
}

/// Stands between the gateway and a server, and keeps what goes there.
async fn overheard(base: &str) -> (String, Arc<Mutex<Vec<u8>>>) {
    let address = base.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = base.replace(&address, &listener.local_addr().unwrap().to_string());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (server, kept) = (TcpStream::connect(&address).await.unwrap(), Arc::clone(&kept));
            let (mut from, mut back) = socket.into_split();
            let (mut answers, mut to) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            tokio::spawn(async move {
                let mut some = [0; 8192];
                while let Ok(count @ 1..) = from.read(&mut some).await {
                    kept.lock().unwrap().extend_from_slice(&some[..count]);
                    to.write_all(&some[..count]).await.unwrap();
                }
            });
        }
    });
    (own, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t48_nothing_that_a_client_says_in_its_headers_reaches_the_server_behind_or_speaks_for_another() {
    let upstream = Upstream::start().await;
    upstream.put(&patient(OWN, "7", OWN_SECRET), Instant::parse("2026-01-01T00:00:00Z").unwrap());
    let (base, heard) = overheard(&upstream.base()).await;
    let house = House::before(base).await;
    let mut connection = house.gateway().peer().connect().await.unwrap();
    let bearer = house.grant().bearer();
    let headers = [
        ("authorization", bearer.as_str()),
        ("cookie", "session=canary-a"),
        ("x-forwarded-for", "203.0.113.66"),
        ("x-forwarded-host", "canary-b.example"),
        ("x-original-url", "/fhir/Patient/canary-c"),
        ("x-http-method-override", "DELETE"),
        ("x-consent-all", "canary-d"),
        ("x-remote-user", "canary-e"),
        ("forwarded", "for=203.0.113.66;host=canary-f"),
        ("via", "1.1 canary-g"),
        ("prefer", "return=canary-h"),
        ("x-correlation-id", "canary-i"),
    ];
    let target = format!("/fhir/Patient/{OWN}");
    let answer = connection.send("GET", &target, &headers, None).await.unwrap();
    assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some(OWN)), "{}", answer.text());
    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).to_ascii_lowercase();
    assert!(heard.contains(&format!("/patient/{OWN}")) || heard.contains("patient"), "nothing was heard: {heard}");
    for word in ["canary", "203.0.113.66", "bearer", "cookie", "x-", "forwarded", "via:", "delete "] {
        assert!(!heard.contains(word), "{word} reached the server behind: {heard}");
    }
    house.serves("those headers").await;
    house.close().await;
}

#[tokio::test]
async fn t61_a_token_in_an_address_opens_nothing_and_stands_in_no_log() {
    let house = House::open().await;
    let token = house.grant().access_token.clone();
    let mut connection = house.gateway().peer().connect().await.unwrap();
    for name in ["access_token", "token", "authorization", "bearer"] {
        let answer = connection.send("GET", &format!("/fhir/Patient/{OWN}?{name}={token}"), &[], None).await.unwrap();
        assert_eq!(answer.status, 401, "{name}");
        assert!(!answer.text().contains(OWN_SECRET) && !answer.text().contains(&token));
        let answer = house.get(&format!("/fhir/Patient?{name}={token}")).await;
        assert!(answer.status == 400 && !answer.text().contains(&token), "{name}: {}", answer.text());
    }
    for endpoint in ["token", "revoke", "introspect"] {
        let target = format!("/oauth/{endpoint}?token={token}&client_id=app");
        let answer = connection.send("POST", &target, &[], None).await.unwrap();
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")), "{endpoint}");
        assert!(!answer.text().contains(&token));
    }
    let told = app::get(&mut connection, house.grant(), &format!("/fhir/Patient/{OWN}")).await;
    assert_eq!(told.status, 200, "nothing of that ended it");
    house.close().await;
}
