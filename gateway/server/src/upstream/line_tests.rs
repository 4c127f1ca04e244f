//! A server that answers byte for byte what it is told: which connections are asked again, and which never are.

use super::wire::{PAGE_BYTES_MAX, Wire};
use super::{Base, Url};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An answer: its bytes, and bytes that follow a moment later.
type Answer = (&'static str, &'static str);

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// Serves the answers in turn, the last again and again; the number of connections it took.
async fn server(answers: &'static [Answer]) -> (Wire, String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/fhir", listener.local_addr().unwrap());
    let (connections, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let taken = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            taken.fetch_add(1, Ordering::SeqCst);
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let mut question = [0; 4096];
                while let Ok(1..) = socket.read(&mut question).await {
                    let nth = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                    let (now, later) = answers[nth];
                    socket.write_all(now.as_bytes()).await.unwrap();
                    if later == "close" {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    drop(socket.write_all(later.as_bytes()).await);
                }
            });
        }
    });
    let wire = Wire::new(&Base::read(&Url::parse(&url).unwrap()).unwrap(), None).unwrap();
    (wire, format!("{url}/Patient/p1"), connections)
}

/// Whether each of some questions was answered, asked one after the other, and over how many connections.
async fn asked(answers: &'static [Answer], questions: usize) -> (Vec<bool>, usize) {
    let (wire, url, connections) = server(answers).await;
    let mut answered = Vec::new();
    for _ in 0..questions {
        answered.push(wire.read(&url, PAGE_BYTES_MAX).await.is_ok());
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    (answered, connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_connection_is_asked_again_when_its_answer_was_read_to_the_end() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
    const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(asked(&[(GOOD, ""), (CHUNKED, ""), (INTERIM, ""), (GOOD, "")], 4).await, (vec![true; 4], 1));
}

#[tokio::test]
async fn a_connection_with_a_byte_behind_its_answer_is_never_asked_again() {
    const TWICE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n";
    assert_eq!(asked(&[(TWICE, "")], 2).await, (vec![true; 2], 2));
    assert_eq!(asked(&[(GOOD, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")], 2).await, (vec![true; 2], 2));
    assert_eq!(asked(&[(GOOD, "x")], 3).await, (vec![true; 3], 3));
}

#[tokio::test]
async fn a_connection_that_says_it_ends_or_does_is_not_asked_again() {
    const LAST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    const OPEN: &str = "HTTP/1.1 200 OK\r\n\r\n{}";
    assert_eq!(asked(&[(LAST, "")], 2).await, (vec![true; 2], 2));
    assert_eq!(asked(&[(OPEN, "close")], 2).await, (vec![true; 2], 2));
    assert_eq!(asked(&[(GOOD, "close")], 2).await, (vec![true; 2], 2));
    assert_eq!(asked(&[(GOOD, ""), ("", "close"), (GOOD, "")], 2).await, (vec![true; 2], 2), "asked once more");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_ends_its_connection() {
    for bad in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}x\r\nzz\r\n",
        "<html>no</html>\r\n\r\n",
    ] {
        let answers: &'static [Answer] = Box::leak(Box::new([(bad, ""), (GOOD, "")]));
        assert_eq!(asked(answers, 2).await, (vec![false, true], 2), "{bad}");
    }
}

#[tokio::test]
async fn whoever_goes_away_half_way_takes_the_connection_along() {
    let (wire, url, connections) = server(&[("HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n\r\n[]"), (GOOD, "")]).await;
    let given_up = tokio::time::timeout(Duration::from_millis(5), wire.read(&url, PAGE_BYTES_MAX)).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_millis(60)).await;
    let next = wire.read(&url, PAGE_BYTES_MAX).await.unwrap().unwrap();
    assert_eq!((next.bytes().as_ref(), connections.load(Ordering::SeqCst)), (b"{}".as_slice(), 2));
}
