//! Memory: eight answers of 10 MB at once, and a frame that never ends.

use crate::check::{Address, Expected};
use crate::gateway::{self, Speaks};
use crate::http::started;
use crate::links;
use crate::people;
use crate::process::{LOAD, Part, free_port};
use crate::report::Report;
use bridge::AckWhen;
use privacy::Purpose;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::{self, sleep};
use std::time::Duration;

/// Answers at once.
const AT_ONCE: usize = 8;
/// How long nobody reads, so that all of them are held at the same time.
const HELD: Duration = Duration::from_secs(4);
/// Bytes of the frame that is offered.
const FRAME_BYTES: u64 = 1024 * 1024 * 1024;
const MB: f64 = 1024.0 * 1024.0;

/// Measures.
pub(crate) fn run(report: &Report) -> Result<(), String> {
    pages(report)?;
    frame(report)
}

fn pages(report: &Report) -> Result<(), String> {
    let folder = report.folder();
    let behind = free_port()?;
    let _origin = Part::own(LOAD, &["origin", &behind.to_string()], &folder.join("origin.log"))?.listening(behind)?;
    let (gateway, address) = started(Speaks::Plain, behind, AT_ONCE, &folder.join("memory"), "")?;
    let tokens = gateway::tokens(&folder.join("memory/gateway-plain"))?;
    let tokens = tokens.get(Purpose::PatientRequest.code()).ok_or("a gateway that wrote no tokens")?.clone();
    let asked: Vec<(String, String)> = tokens
        .into_iter()
        .take(AT_ONCE)
        .enumerate()
        .map(|(nth, token)| (format!("/fhir/Observation?patient={}", people::id(nth)), token))
        .collect();
    let (before, _) = gateway.memory();
    let (path, token) = asked.first().ok_or("nobody")?;
    Expected::seen(Purpose::PatientRequest)?.check(path, address.get(path, token)?)?;
    let (one_now, one_most) = gateway.memory();
    let mut rows = vec![
        vec!["started".to_owned(), mb(before), String::new()],
        vec!["after one answer of 10 MB".to_owned(), mb(one_now), mb(one_most)],
    ];
    for time in 1..=3 {
        let all: Vec<_> = asked
            .iter()
            .cloned()
            .map(|(path, token)| {
                let address = address.clone();
                thread::spawn(move || slowly(&address, &path, &token))
            })
            .collect();
        for one in all {
            let bytes = one.join().map_err(|_| "a reader broke off".to_owned())??;
            if bytes < 10_000_000 {
                return Err(format!("an answer of {bytes} bytes came instead of 10 MB"));
            }
        }
        let (now, most) = gateway.memory();
        rows.push(vec![format!("{AT_ONCE} answers of 10 MB, all held at once, time {time}"), mb(now), mb(most)]);
    }
    report.table("Memory of the gateway, answers of 10 MB", &["when", "resident MB", "at most MB"], &rows);
    Ok(())
}

/// Asks, waits while the answer is made and held, and then reads it.
fn slowly(address: &Address, path: &str, token: &str) -> Result<usize, String> {
    let mut socket = TcpStream::connect(("127.0.0.1", address.port)).map_err(|why| why.to_string())?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).map_err(|why| why.to_string())?;
    sleep(HELD);
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).map_err(|why| why.to_string())?;
    Ok(answer.len())
}

fn frame(report: &Report) -> Result<(), String> {
    let folder = report.folder().join("frame");
    let gateway = links::laboratory(AckWhen::Journalled, 1, &folder)?;
    let port = links::ports(&folder)?.first().copied().ok_or("no link")?;
    let (before, _) = gateway.memory();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).map_err(|why| why.to_string())?;
    let mut taken = 0u64;
    let mut next = b"\x0bMSH|^~\\&|".to_vec();
    next.resize(1024 * 1024, b'A');
    while taken < FRAME_BYTES && socket.write_all(&next).is_ok() {
        taken += next.len() as u64;
        next.fill(b'A');
    }
    sleep(Duration::from_millis(200));
    let (now, most) = gateway.memory();
    let refused = if taken < FRAME_BYTES { "refused" } else { "taken whole" };
    let rows = vec![
        vec!["started".to_owned(), mb(before), String::new()],
        vec![format!("a frame of 1 GB: {refused} after {:.0} MB", taken as f64 / MB), mb(now), mb(most)],
    ];
    report.table("Memory of the gateway, a frame without an end", &["when", "resident MB", "at most MB"], &rows);
    Ok(())
}

fn mb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / MB)
}
