//! The server behind everyone: ready-made answers by what is asked, and nothing else, as cheaply as can be.

use crate::people;
use bytes::{Bytes, BytesMut};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// Bytes of a request's head; ours are a few hundred.
const HEAD_BYTES_MAX: usize = 16 * 1024;

type Known = Rc<RefCell<HashMap<String, Bytes>>>;

/// Serves until it is ended.
pub(crate) async fn run(port: u16) -> Result<(), String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|why| why.to_string())?;
    let known = Known::default();
    let all = LocalSet::new();
    all.run_until(async {
        loop {
            let (socket, _) = listener.accept().await.map_err(|why| why.to_string())?;
            let known = Rc::clone(&known);
            tokio::task::spawn_local(async move { connection(socket, known).await });
        }
    })
    .await
}

/// The body for a target, `/fhir/Patient/p1` or `/fhir/Encounter?patient=p1`, the same however it is spelled.
pub(crate) fn body(target: &str) -> Option<String> {
    let asked = target.strip_prefix("/fhir/")?;
    if let Some(id) = asked.strip_prefix("Patient/") {
        return Some(people::patient(id));
    }
    let (kind, query) = asked.split_once('?')?;
    let patient = query.split('&').find_map(|pair| pair.strip_prefix("patient="))?;
    let patient = patient.strip_prefix("Patient%2F").unwrap_or(patient);
    match kind {
        "Encounter" => Some(people::encounters(patient)),
        "Observation" => Some(people::observations(patient)),
        _ => None,
    }
}

async fn connection(mut socket: TcpStream, known: Known) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let mut read = BytesMut::with_capacity(HEAD_BYTES_MAX);
    loop {
        let head = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break read.split_to(end + 4);
            }
            if read.len() > HEAD_BYTES_MAX || !matches!(socket.read_buf(&mut read).await, Ok(1..)) {
                return;
            }
        };
        let target = std::str::from_utf8(&head).ok().and_then(|head| head.split(' ').nth(1)).unwrap_or("");
        let answer = answer(target, &known);
        if socket.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn answer(target: &str, known: &Known) -> Bytes {
    if let Some(answer) = known.borrow().get(target) {
        return answer.clone();
    }
    let answer: Bytes = match body(target) {
        Some(body) => {
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n{body}")
                .into()
        }
        None => Bytes::from_static(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    };
    known.borrow_mut().insert(target.to_owned(), answer.clone());
    answer
}
