//! A server behind the gateway that has lost its mind: one trick for each observation that is asked for by name.
//!
//! `Observation/TRICK` and `Observation?code=TRICK` are spoiled in that way, everything else is answered as it should be,
//! so that many tricks can be played at the same time and the next caller finds an honest server. It notes on which
//! connection each request came and which connections it spoiled.

use super::house::{BEHIND_SECRET, OTHER, OTHER_SECRET, OWN, OWN_SECRET, observation, patient};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the caller must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// 502: what came cannot be used.
    Unusable,
    /// 504, or 502 when it was given up earlier: nothing whole came in time.
    Late,
    /// What is the caller's own, and nothing else.
    Own,
    /// That, or 502: what came was right, and more came behind it.
    OwnOrUnusable,
}

use Expected::{Late, Own, OwnOrUnusable, Unusable};

/// The tricks, and what must come of a search that meets them.
pub const TRICKS: [(&str, Expected); 35] = [
    ("honest", Own),
    ("cut-short", Unusable),
    ("length-one-more", Unusable),
    ("length-one-less", Unusable),
    ("length-one-more-and-waits", Late),
    ("two-lengths", Unusable),
    ("extra-bytes", OwnOrUnusable),
    ("answers-twice", OwnOrUnusable),
    ("informs-and-informs", Late),
    ("rows-of-another", Own),
    ("wrong-subject", Own),
    ("wrong-type", Unusable),
    ("no-type", Unusable),
    ("nobodys-row", Unusable),
    ("keys-twice", Unusable),
    ("not-a-number", Unusable),
    ("half-a-letter", Unusable),
    ("html", Unusable),
    ("empty", Unusable),
    ("no-content", Unusable),
    ("outcome", Unusable),
    ("many-headers", Unusable),
    ("bomb", Unusable),
    ("encoded", Unusable),
    ("huge", Unusable),
    ("chunks-without-end", Unusable),
    ("byte-by-byte", Late),
    ("silence", Late),
    ("reset", Unusable),
    ("closes", Unusable),
    ("redirect", Unusable),
    ("next-elsewhere", Unusable),
    ("diagnostics", Unusable),
    ("not-http", Unusable),
    ("not-found", Unusable),
];

/// A running server; it stops when dropped.
pub struct Evil {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    serving: JoinHandle<()>,
}

/// What it saw.
#[derive(Default)]
pub struct Seen {
    /// The connection of each request, and its target.
    pub asked: Vec<(usize, String)>,
    /// Connections that were spoiled, and how many requests had come by then.
    pub spoiled: Vec<(usize, usize)>,
}

impl Evil {
    /// At a free port; `elsewhere` is where it tries to lead a caller.
    pub async fn start(elsewhere: SocketAddr) -> Evil {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let told = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            for number in 0.. {
                let Ok((socket, _)) = listener.accept().await else { continue };
                drop(socket.set_nodelay(true));
                let connection = Connection { number, address, elsewhere, seen: Arc::clone(&told) };
                open.spawn(connection.serve(socket));
            }
        });
        Evil { address, seen, serving }
    }

    /// Its FHIR base.
    pub fn base(&self) -> String {
        format!("http://{}/fhir", self.address)
    }

    /// The targets that were asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.seen.lock().unwrap().asked.iter().map(|(_, target)| target.clone()).collect()
    }

    /// Requests that came over a connection after it had been spoiled.
    pub fn asked_again(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let after = |number: &usize, place: usize| {
            seen.spoiled.iter().any(|(spoiled, count)| spoiled == number && place >= *count)
        };
        let asked = seen.asked.iter().enumerate().filter(|(place, (number, _))| after(number, *place));
        asked.map(|(_, (_, target))| target.clone()).collect()
    }
}

impl Drop for Evil {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Connection {
    number: usize,
    address: SocketAddr,
    elsewhere: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Connection {
    async fn serve(self, mut socket: TcpStream) {
        let mut read = Vec::new();
        while let Some(target) = next(&mut socket, &mut read).await {
            self.seen.lock().unwrap().asked.push((self.number, target.clone()));
            let trick = TRICKS.iter().map(|(name, _)| *name).chain(MORE).find(|name| *name == named(&target));
            match trick {
                Some(trick) if trick != "honest" => {
                    {
                        let mut seen = self.seen.lock().unwrap();
                        let count = seen.asked.len();
                        seen.spoiled.push((self.number, count));
                    }
                    if self.spoil(&mut socket, trick, &target).await.is_none() {
                        return;
                    }
                }
                Some(_) | None => {
                    if socket.write_all(&ok(&self.honest(&target))).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// What an honest server would say.
    fn honest(&self, target: &str) -> String {
        let row = observation(&format!("observation-{}", named(target)), OWN, named(target), OWN_SECRET);
        let own = patient(OWN, "7", OWN_SECRET);
        let path = target.split('?').next().unwrap_or("");
        match path.strip_prefix("/fhir/").unwrap_or("") {
            "Observation" => set(&[row], None),
            "Patient" if target.contains(OWN) => set(&[own], None),
            "Patient" => set(&[], None),
            path if path.starts_with("Patient/") => own,
            path if path.starts_with("Observation/") => row.replace("observation-", ""),
            _other => set(&[], None),
        }
    }

    /// Plays a trick; nothing when the connection is done with. What is spoiled without breaking the connection goes on.
    async fn spoil(&self, socket: &mut TcpStream, trick: &str, target: &str) -> Option<()> {
        let honest = self.honest(target);
        let (base, elsewhere) = (format!("http://{}/fhir", self.address), format!("http://{}/fhir", self.elsewhere));
        let own = |id: &str| observation(id, OWN, trick, OWN_SECRET);
        let other = |id: &str| observation(id, OTHER, trick, OTHER_SECRET);
        let length = honest.len();
        let head = |status: &str, fields: &str| format!("HTTP/1.1 {status}\r\n{fields}\r\n");
        let sized = |length: usize| format!("Content-Length: {length}\r\n");
        // In one write, then the end of the connection.
        let last = match trick {
            "cut-short" => head("200 OK", &sized(length)) + &honest[..length / 2],
            "length-one-more" => head("200 OK", &sized(length + 1)) + &honest,
            "closes" => String::new(),
            "not-http" => format!("{BEHIND_SECRET}\r\n\r\n"),
            "many-headers" => {
                head("200 OK", &(format!("X-{BEHIND_SECRET}: a\r\n").repeat(100_000) + &sized(length))) + &honest
            }
            "huge" => {
                let row = own("a").replace(OWN_SECRET, &OWN_SECRET.repeat(4 * 1024 * 1024));
                String::from_utf8_lossy(&ok(&set(&[row], None))).into_owned()
            }
            _other => "-".to_owned(),
        };
        if last != "-" {
            drop(socket.write_all(last.as_bytes()).await);
            return None;
        }
        // In one write, and on with the connection, if the other side dares.
        let whole = match trick {
            "length-one-less" => head("200 OK", &sized(length - 1)) + &honest,
            "length-one-more-and-waits" => head("200 OK", &sized(length + 1)) + &honest,
            "two-lengths" => head("200 OK", &(sized(length) + &sized(5))) + &honest,
            "extra-bytes" => head("200 OK", &sized(length)) + &honest + BEHIND_SECRET,
            "answers-twice" => {
                let foreign = set(&[other("observation-other")], None);
                head("200 OK", &sized(length)) + &honest + &head("200 OK", &sized(foreign.len())) + &foreign
            }
            "rows-of-another" => text(&set(&[other("a"), own("observation-rows-of-another"), other("b")], None)),
            "wrong-subject" => {
                let id = format!("observation-{trick}");
                text(&if target.contains('?') { set(&[other(&id)], None) } else { other(trick) })
            }
            "wrong-type" => text(&honest.replace("\"Observation\"", "\"Condition\"")),
            "no-type" => text(&honest.replace("\"resourceType\":\"Observation\",", "")),
            "nobodys-row" => text(&honest.replace("Patient/", "Group/")),
            "keys-twice" => text(&honest.replace("\"status\"", "\"status\":\"final\",\"st\\u0061tus\"")),
            "not-a-number" => text(&honest.replace("\"final\"", "NaN")),
            "half-a-letter" => text(&honest.replace("\"final\"", "\"\\ud800\"")),
            "html" => text(&format!("<html><body>{BEHIND_SECRET}</body></html>")),
            "empty" => text(""),
            "no-content" => head("204 No Content", ""),
            "outcome" => text(&outcome()),
            "bomb" => head("200 OK", &(sized(length) + "Content-Encoding: gzip\r\n")) + &honest,
            "encoded" => head("200 OK", &(sized(length) + "Content-Encoding: identity, br\r\n")) + &honest,
            "redirect" => head("302 Found", &format!("Location: {elsewhere}/Observation\r\n{}", sized(0))),
            "next-elsewhere" => text(&set(&[own("observation-a")], Some(&format!("{elsewhere}?_getpages=a")))),
            "next-for-ever" => text(&set(&[other("a")], Some(&format!("{base}/Observation?code=next-for-ever&x=1")))),
            "diagnostics" => head("500 Internal Server Error", &sized(outcome().len())) + &outcome(),
            "not-found" => head("404 Not Found", &sized(outcome().len())) + &outcome(),
            _other => "-".to_owned(),
        };
        if whole != "-" {
            return socket.write_all(whole.as_bytes()).await.ok();
        }
        match trick {
            "silence" => tokio::time::sleep(Duration::from_secs(600)).await,
            "slow-then-right" => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                return socket.write_all(text(&honest).as_bytes()).await.ok();
            }
            "byte-by-byte" => {
                for byte in text(&honest).into_bytes() {
                    socket.write_all(&[byte]).await.ok()?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            "informs-and-informs" => loop {
                socket
                    .write_all(head("103 Early Hints", &format!("Link: {BEHIND_SECRET}\r\n")).as_bytes())
                    .await
                    .ok()?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            },
            "chunks-without-end" => {
                socket.write_all(head("200 OK", "Transfer-Encoding: chunked\r\n").as_bytes()).await.ok()?;
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                loop {
                    socket.write_all(chunk.as_bytes()).await.ok()?;
                }
            }
            "reset" => {
                let half = &text(&honest)[..length / 2];
                socket.write_all(half.as_bytes()).await.ok()?;
                tokio::time::sleep(Duration::from_millis(50)).await;
                socket.set_zero_linger().ok()?;
            }
            other => panic!("there is no trick called {other}"),
        }
        None
    }
}

/// Tricks that need a test of their own.
const MORE: [&str; 2] = ["next-for-ever", "slow-then-right"];

/// Reads a request to its end; its target.
async fn next(socket: &mut TcpStream, read: &mut Vec<u8>) -> Option<String> {
    let end = loop {
        match read.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None if socket.read_buf(read).await.ok()? == 0 => return None,
            None => {}
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    read.drain(..end);
    assert!(!head.to_ascii_lowercase().contains("authorization"), "a credential was passed on");
    head.split(' ').nth(1).map(str::to_owned)
}

/// The name of the observation that is asked for.
fn named(target: &str) -> &str {
    let code = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
    code.or_else(|| target.split('?').next()?.strip_prefix("/fhir/Observation/")).unwrap_or("honest")
}

fn set(rows: &[String], next: Option<&str>) -> String {
    let entries: Vec<String> = rows.iter().map(|row| format!(r#"{{"resource":{row}}}"#)).collect();
    let link = next.map_or(String::new(), |next| format!(r#","link":[{{"relation":"next","url":"{next}"}}]"#));
    format!(r#"{{"resourceType":"Bundle","type":"searchset"{link},"entry":[{}]}}"#, entries.join(","))
}

fn outcome() -> String {
    format!(r#"{{"resourceType":"OperationOutcome","issue":[{{"diagnostics":"{BEHIND_SECRET} {OTHER_SECRET}"}}]}}"#)
}

fn text(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn ok(body: &str) -> Vec<u8> {
    text(body).into_bytes()
}
