//! What each peer answers, before it is timed: a peer that answers wrongly is quick and worth nothing.

use crate::chunks;
use crate::origin;
use bytes::Bytes;
use fhir::Resource;
use json::{Document, Limits};
use privacy::{Left, Policies, Policy, Purpose, redact};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a peer is asked.
#[derive(Clone)]
pub(crate) struct Address {
    /// Its port on loopback.
    pub(crate) port: u16,
    /// The authority to trust, where it speaks TLS.
    pub(crate) trusts: Option<String>,
}

impl Address {
    /// What stands before a path.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.trusts.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// One answer: its status and its body, as long as was announced, or in chunks up to the last.
    pub(crate) fn get(&self, path: &str, token: &str) -> Result<(u16, Bytes), String> {
        let head = format!("Authorization: Bearer {token}\r\nAccept: application/fhir+json\r\n");
        self.told(&format!("GET {path}"), &head, "")
    }

    /// The answer to a form.
    pub(crate) fn post(&self, path: &str, form: &str) -> Result<(u16, Bytes), String> {
        let length = form.len();
        let head = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n");
        self.told(&format!("POST {path}"), &head, form)
    }

    fn told(&self, line: &str, head: &str, body: &str) -> Result<(u16, Bytes), String> {
        let request =
            format!("{line} HTTP/1.1\r\nHost: localhost:{}\r\n{head}Connection: close\r\n\r\n{body}", self.port);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|why| why.to_string())?.block_on(self.asked(&request))
    }

    async fn asked(&self, request: &str) -> Result<(u16, Bytes), String> {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).await.map_err(|why| why.to_string())?;
        let Some(trusts) = &self.trusts else { return exchange(socket, request).await };
        let config = certs::client_tls::config(Some(trusts), None).map_err(|why| why.to_string())?;
        let name = "localhost".try_into().map_err(|_| "no name".to_owned())?;
        let stream = TlsConnector::from(config).connect(name, socket).await.map_err(|why| why.to_string())?;
        exchange(stream, request).await
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Result<(u16, Bytes), String> {
    stream.write_all(request.as_bytes()).await.map_err(|why| why.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(|why| why.to_string())?;
    let answer = Bytes::from(answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("an answer without a head")?;
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or("an answer without a status")?;
    let body = answer.slice(end + 4..);
    if head.lines().any(|line| line == "transfer-encoding: chunked") {
        return Ok((status, chunks::joined(&body)?));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|word| word.parse().ok());
    if length != Some(body.len()) {
        return Err(format!("{:?} bytes were announced and {} came", length, body.len()));
    }
    Ok((status, body))
}

/// What a peer must answer.
#[derive(Clone)]
pub(crate) enum Expected {
    /// The very bytes of the server behind.
    Same,
    /// Its rows, each as this policy lets it be seen.
    Seen(Arc<Policy>),
}

impl Expected {
    /// The rows as a purpose lets them be seen.
    pub(crate) fn seen(purpose: Purpose) -> Result<Expected, String> {
        let policies = Policies::shipped(server::short_digest).map_err(|why| why.to_string())?;
        policies.of(purpose).map(|policy| Expected::Seen(Arc::clone(policy))).ok_or_else(|| "no policy".to_owned())
    }

    /// Whether this is the answer to that question.
    ///
    /// # Errors
    /// How it is not.
    pub(crate) fn check(&self, path: &str, (status, body): (u16, Bytes)) -> Result<(), String> {
        let behind = origin::body(path).ok_or("a path that the server behind does not know")?;
        if status != 200 {
            return Err(format!("{path}: status {status}: {}", String::from_utf8_lossy(&body)));
        }
        let holds = match self {
            Expected::Same => body == behind,
            Expected::Seen(policy) => {
                let due = rows(&parse(Bytes::from(behind))?).map(|row| seen(&row, policy));
                rows(&parse(body)?).map(|row| row.to_vec()).eq(due)
            }
        };
        if holds { Ok(()) } else { Err(format!("{path}: the answer is not the one that is due")) }
    }
}

fn parse(bytes: Bytes) -> Result<Document, String> {
    let limits = Limits { bytes_max: bytes.len(), ..Limits::DEFAULT };
    Document::parse(bytes, &limits).map_err(|why| why.to_string())
}

/// The resources of a searchset, or the one resource that it is.
fn rows(page: &Document) -> std::vec::IntoIter<Bytes> {
    let root = page.root();
    let rows: Vec<Bytes> = match root.get("entry") {
        Some(entries) => entries.items().filter_map(|entry| entry.get("resource")).map(json::Value::slice).collect(),
        None => vec![root.slice()],
    };
    rows.into_iter()
}

/// A row as a policy lets it be seen; nothing when it does not.
fn seen(row: &Bytes, policy: &Policy) -> Vec<u8> {
    let Ok(document) = Document::parse(row.clone(), &Limits::DEFAULT) else { return Vec::new() };
    let Ok(resource) = Resource::of(document.root()) else { return Vec::new() };
    match redact(&resource, policy) {
        Left::Whole => row.to_vec(),
        Left::Cut(bytes) => bytes,
        Left::Nothing => Vec::new(),
    }
}
