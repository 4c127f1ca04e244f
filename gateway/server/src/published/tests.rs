//! Publishers of key sets, good and bad, on this machine. What a real configuration would have to name is named here.

use super::*;
use certs::client_key::ClientKey;
use certs::dev_ca::{Ca, Leaf};
use certs::server_tls;
use serde_json::json;
use smart::ports::NamedBy;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A publisher, and how many connections came to it.
struct Publisher {
    port: u16,
    ca_pem: String,
    came: Arc<AtomicUsize>,
}

impl Publisher {
    /// One that gives everyone this answer; an empty one is never given.
    async fn of(answer: String) -> Publisher {
        let now_s = crate::clock::now().seconds();
        let ca = Ca::new(now_s).unwrap();
        let issued = ca.issue(&Leaf::LOCALHOST, now_s).unwrap();
        let tls = TlsAcceptor::from(server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&came);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (tls, answer) = (tls.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = tls.accept(socket).await else { return };
                    let mut asked = [0; 4096];
                    if answer.is_empty() || stream.read(&mut asked).await.is_err() {
                        return std::future::pending().await;
                    }
                    // Who was told enough may go away meanwhile.
                    drop(stream.write_all(answer.as_bytes()).await);
                    drop(stream.shutdown().await);
                });
            }
        });
        Publisher { port, ca_pem: ca.cert_pem, came }
    }

    /// One that publishes a key.
    async fn of_a_key(headers: &str) -> (Publisher, String) {
        let set = json!({ "keys": [ClientKey::generate().unwrap().public_jwk()] }).to_string();
        (Publisher::of(ok(headers, &set)).await, set)
    }

    /// Who may call it.
    fn fetcher(&self) -> KeyFetcher {
        let allow = vec!["127.0.0.1".parse().unwrap()];
        KeyFetcher::new(Network { allow, extra_roots_pem: Some(self.ca_pem.clone()) })
    }

    fn uri(&self) -> String {
        format!("https://localhost:{}/jwks", self.port)
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }
}

fn ok(headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn refused(fetcher: &KeyFetcher, uri: &str) -> String {
    fetcher.key_set("c", (uri, NamedBy::Operator), Freshness::Kept).await.unwrap_err()
}

#[tokio::test]
async fn a_published_set_is_fetched_once_for_many_and_kept() {
    let (publisher, set) = Publisher::of_a_key("Cache-Control: max-age=60\r\n").await;
    let fetcher = Arc::new(publisher.fetcher());
    let uri = publisher.uri();
    let asking = (0..20).map(|_| {
        let (fetcher, uri) = (Arc::clone(&fetcher), uri.clone());
        tokio::spawn(async move { fetcher.key_set("c", (&uri, NamedBy::Operator), Freshness::Kept).await })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap().as_deref(), Ok(set.as_str()));
    }
    assert_eq!(publisher.came(), 1);
    assert!(fetcher.key_set("c", (&uri, NamedBy::Operator), Freshness::Anew).await.is_ok());
    assert_eq!(publisher.came(), 1, "it was fetched a moment ago");
    assert!(fetcher.key_set("another", (&uri, NamedBy::Operator), Freshness::Kept).await.is_ok());
    assert_eq!(publisher.came(), 2);
}

#[tokio::test]
async fn what_a_stranger_names_inside_is_not_called_though_the_operator_allows_it() {
    let (publisher, _) = Publisher::of_a_key("").await;
    let fetcher = publisher.fetcher();
    let refused = fetcher.key_set("c", (&publisher.uri(), NamedBy::Stranger), Freshness::Kept).await.unwrap_err();
    assert!(refused.contains("none of its addresses is public"), "{refused}");
    assert_eq!(publisher.came(), 0);
    assert!(fetcher.key_set("d", (&publisher.uri(), NamedBy::Operator), Freshness::Kept).await.is_ok());
}

#[tokio::test]
async fn a_set_that_must_not_be_kept_is_fetched_for_all_who_wait_together() {
    let (publisher, _) = Publisher::of_a_key("Cache-Control: no-store\r\n").await;
    let fetcher = publisher.fetcher();
    for _ in 0..3 {
        assert!(fetcher.key_set("c", (&publisher.uri(), NamedBy::Operator), Freshness::Kept).await.is_ok());
    }
    assert_eq!(publisher.came(), 3);
}

#[tokio::test]
async fn nothing_inside_is_called_whatever_its_name() {
    let (publisher, _) = Publisher::of_a_key("").await;
    let port = publisher.port;
    let within = Network { allow: Vec::new(), extra_roots_pem: Some(publisher.ca_pem.clone()) };
    for host in
        ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"]
    {
        let why = refused(&KeyFetcher::new(within.clone()), &format!("https://{host}:{port}/jwks")).await;
        assert!(why.contains("none of its addresses"), "{host}: {why}");
    }
    let why = refused(&KeyFetcher::new(within.clone()), "https://169.254.169.254/latest/meta-data/").await;
    assert!(why.contains("none of its addresses"), "{why}");
    let why = refused(&publisher.fetcher(), &format!("http://127.0.0.1:{port}/jwks")).await;
    assert!(why.contains("https"), "{why}");
    assert_eq!(publisher.came(), 0);
}

#[tokio::test]
async fn what_is_no_key_set_of_a_trusted_publisher_is_not_taken() {
    let long = " ".repeat(64 * 1024);
    let private = json!({ "keys": [{ "kty": "EC", "d": "AA" }] }).to_string();
    for (answer, said) in [
        (
            "HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "status 302",
        ),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "status 404"),
        (ok("", &format!("{{\"keys\":[]}}{long}")), "larger than"),
        (format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{\"keys\":[]}}{long}"), "larger than"),
        (ok("Content-Encoding: gzip\r\n", "{}"), "encoded"),
        (ok("", "{}"), "set"),
        (ok("", "<html>"), "set"),
        (ok("", &private), "private"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned(), "cannot be had"),
        (format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(64 * 1024)), "cannot be had"),
    ] {
        let publisher = Publisher::of(answer).await;
        let fetcher = publisher.fetcher();
        let why = refused(&fetcher, &publisher.uri()).await;
        assert!(why.contains(said), "{said}: {why}");
        assert_eq!(refused(&fetcher, &publisher.uri()).await, why);
        assert_eq!(publisher.came(), 1, "what failed is not tried again at once");
    }
    let (publisher, _) = Publisher::of_a_key("").await;
    let stranger = Publisher::of(String::new()).await;
    let why = refused(&stranger.fetcher(), &publisher.uri()).await;
    assert!(why.contains("no TLS"), "{why}");
}

#[tokio::test]
async fn a_publisher_that_says_nothing_is_given_up() {
    let publisher = Publisher::of(String::new()).await;
    let begun = Instant::now();
    let why = refused(&publisher.fetcher(), &publisher.uri()).await;
    assert!(why.contains("in time"), "{why}");
    assert!((4..8).contains(&begun.elapsed().as_secs()));
}

#[test]
fn what_is_known_serves_as_long_as_it_may() {
    let begun = Instant::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let known = |brought| Known { uri: "u".to_owned(), begun, brought };
    let good = known(Ok(("set".into(), Duration::from_secs(100))));
    let serves = |known: &Known, fresh, seconds| known.serves("u", fresh, at(seconds), at(seconds)).is_some();
    assert!(serves(&good, Freshness::Kept, 99) && !serves(&good, Freshness::Kept, 100));
    assert!(serves(&good, Freshness::Anew, 59) && !serves(&good, Freshness::Anew, 60));
    assert!(good.serves("another", Freshness::Kept, at(1), at(1)).is_none());
    let bad = known(Err("why".to_owned()));
    assert!(serves(&bad, Freshness::Kept, 9) && !serves(&bad, Freshness::Kept, 10));
    let unkept = known(Ok(("set".into(), Duration::ZERO)));
    assert!(!serves(&unkept, Freshness::Kept, 1));
    assert!(unkept.serves("u", Freshness::Kept, begun, at(3)).is_some(), "who came before it began takes it");
}
