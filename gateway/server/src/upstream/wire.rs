//! Exchanges with the server behind us: bounded in time and size, with none of the client's headers, on connections that
//! are kept for the next question only where nothing at all was odd about the last one.

use super::address::Base;
use super::line::{Answer, Broke, Line};
#[cfg(feature = "faults")]
use super::seeded::exchange;
use bytes::Bytes;
use certs::rustls::pki_types::ServerName;
use http::StatusCode;
use json::{Document, Limits};
use privacy::{Kind, Refusal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a whole answer may take, connection included.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a transaction may take: a hundred writes are more than one page.
const WRITE_MAX: Duration = Duration::from_secs(120);
/// How long the server may take to say that it is there.
const READY_MAX: Duration = Duration::from_secs(5);
/// How long a connection waits for its next request; less than the 30 s after which servers commonly close.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// Connections that wait.
const IDLE_CONNECTIONS_MAX: usize = 256;
/// The longest address that is asked by GET, in bytes; a longer search is sent as a form.
const GET_BYTES_MAX: usize = 4096;
/// A body of more bytes is read on a thread that may take its time.
const LONG_BYTES: usize = 1024 * 1024;

/// Where the roots of public certificate authorities commonly lie.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The largest page, in bytes.
pub(super) const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest Binary, in bytes.
pub(super) const BINARY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What every question says of itself. Servers keep results of searches; ours must not be older than what was just written.
/// A parameter that is not understood must not be passed over: it may be the one that narrows.
const HEADERS: &str = "Accept: application/fhir+json\r\nCache-Control: no-cache\r\nPrefer: handling=strict\r\n";

/// The roots that the system trusts, PEM.
pub(crate) fn system_roots() -> Option<String> {
    SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok())
}

/// The client, plain or over TLS, and the connections that wait.
pub(super) struct Wire {
    /// Host and port, as they are connected to.
    place: (String, u16),
    /// How long the base's scheme, host and port are, which no request line repeats.
    origin_bytes: usize,
    /// What every question says after its target.
    headers: String,
    /// With the name that its certificate must bear.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    waiting: Mutex<Vec<(Line, Instant)>>,
}

impl Wire {
    /// A client for the base; over TLS it trusts the system's roots and those in `extra_roots_pem`.
    pub(super) fn new(base: &Base, extra_roots_pem: Option<&str>) -> Result<Wire, String> {
        let (host, port, authority) = base.place();
        let mut wire = Wire {
            place: (host.clone(), port),
            origin_bytes: base.origin_bytes(),
            headers: format!(" HTTP/1.1\r\nHost: {authority}\r\n{HEADERS}"),
            tls: None,
            waiting: Mutex::default(),
        };
        if base.is_https() {
            let config = certs::client_tls::config(extra_roots_pem, system_roots().as_deref())
                .map_err(|why| format!("the upstream's certificate cannot be checked: {why}"))?;
            let name = host.try_into().map_err(|_| "the upstream's host is no name that a certificate has")?;
            wire.tls = Some((config.into(), name));
        }
        Ok(wire)
    }

    /// What stands at an address: nothing at 404 or 410.
    pub(super) async fn read(&self, url: &str, bytes_max: usize) -> Result<Option<Document>, Refusal> {
        let question = self.get(url)?;
        let answer = timely(timeout(ANSWER_MAX, Box::pin(self.ask(question, bytes_max))).await)?;
        self.found(answer, bytes_max).await
    }

    /// A page of a search; a search too long for an address is sent as a form. Nothing at 404 or 410.
    pub(super) async fn page(&self, url: &str) -> Result<Option<Document>, Refusal> {
        if url.len() <= GET_BYTES_MAX {
            return self.read(url, PAGE_BYTES_MAX).await;
        }
        let (path, query) = url.split_once('?').ok_or_else(|| down("an address of great length without a query"))?;
        let form = "application/x-www-form-urlencoded";
        let question = self.post(&format!("{path}/_search"), form, query.as_bytes())?;
        let answer = timely(timeout(ANSWER_MAX, Box::pin(self.ask(question, PAGE_BYTES_MAX))).await)?;
        self.found(answer, PAGE_BYTES_MAX).await
    }

    /// The answer to a transaction. It goes out once, on a connection of its own: on one that had waited nobody could tell
    /// whether it was taken before that was closed.
    pub(super) async fn transact(&self, url: &str, bundle: Vec<u8>) -> Result<Document, Refusal> {
        let question = self.post(url, "application/fhir+json", &bundle)?;
        let exchange = async {
            let line = self.connect().await?;
            exchange(line, &question, PAGE_BYTES_MAX).await.map_err(broken)
        };
        let (answer, line) = timely(timeout(WRITE_MAX, exchange).await)?;
        match answer.status {
            StatusCode::OK => self.document(answer.body, line, PAGE_BYTES_MAX).await,
            other => Err(refused(other)),
        }
    }

    /// Whether a GET is answered with 200 soon.
    pub(super) async fn answers(&self, url: &str) -> bool {
        let Ok(question) = self.get(url) else { return false };
        let answer = timely(timeout(READY_MAX, Box::pin(self.ask(question, PAGE_BYTES_MAX))).await);
        answer.is_ok_and(|(answer, _)| answer.status == StatusCode::OK)
    }

    /// Asks what changes nothing; once more when a connection that had waited turns out to be closed. Its callers box it:
    /// what an exchange needs would otherwise be moved along with every step of a request.
    async fn ask(&self, question: Vec<u8>, bytes_max: usize) -> Result<(Answer, Option<Line>), Refusal> {
        if let Some(line) = self.waiting() {
            match exchange(line, &question, bytes_max).await {
                Err(Broke::Unanswered) => {}
                other => return other.map_err(broken),
            }
        }
        let line = self.connect().await?;
        exchange(line, &question, bytes_max).await.map_err(broken)
    }

    /// What an answer says. Only one that could be read leaves its connection for the next question.
    async fn found(
        &self,
        (answer, line): (Answer, Option<Line>),
        bytes_max: usize,
    ) -> Result<Option<Document>, Refusal> {
        match answer.status {
            StatusCode::OK => self.document(answer.body, line, bytes_max).await.map(Some),
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                self.keep(line);
                Ok(None)
            }
            other => Err(refused(other)),
        }
    }

    /// The whole body as strictly checked JSON.
    async fn document(&self, body: Bytes, line: Option<Line>, bytes_max: usize) -> Result<Document, Refusal> {
        let limits = Limits { bytes_max, ..Limits::DEFAULT };
        let long = body.len() > LONG_BYTES;
        let read = move || Document::parse(body, &limits).map_err(|_| down("its answer is not strict JSON"));
        let document = if long { tokio::task::spawn_blocking(read).await.map_err(down)? } else { read() }?;
        self.keep(line);
        Ok(document)
    }

    fn keep(&self, line: Option<Line>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < IDLE_CONNECTIONS_MAX {
            waiting.extend(line.map(|line| (line, Instant::now())));
        }
    }

    /// Gives up every connection that waits: an answer could be read, and was not one to the question.
    pub(super) fn distrust(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A connection that waited and on which nothing has come meanwhile. The last one used is taken first; those that have
    /// waited too long go.
    fn waiting(&self) -> Option<Line> {
        #[cfg(feature = "faults")]
        if let Some(line) = super::seeded::given_up() {
            return Some(line);
        }
        loop {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let (line, since) = waiting.pop()?;
            if since.elapsed() > IDLE_MAX {
                // Whatever lies below it has waited longer still.
                waiting.clear();
                return None;
            }
            drop(waiting);
            if line.is_quiet() {
                return Some(line);
            }
        }
    }

    async fn connect(&self) -> Result<Line, Refusal> {
        let (host, port) = &self.place;
        let none = || down("no connection came about");
        let connected = async {
            let socket = TcpStream::connect((host.as_str(), *port)).await.map_err(|_| none())?;
            socket.set_nodelay(true).map_err(|_| none())?;
            match &self.tls {
                None => Ok(Line::Plain(socket)),
                Some((tls, name)) => {
                    let stream = tls.connect(name.clone(), socket).await;
                    stream.map(|stream| Line::Tls(Box::new(stream))).map_err(|_| none())
                }
            }
        };
        timely(timeout(CONNECT_MAX, connected).await)
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, Refusal> {
        let mut question = self.begin("GET ", url)?;
        question.extend_from_slice(b"\r\n");
        Ok(question)
    }

    fn post(&self, url: &str, media: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut question = self.begin("POST ", url)?;
        let about = format!("Content-Type: {media}\r\nContent-Length: {}\r\n\r\n", body.len());
        question.extend_from_slice(about.as_bytes());
        question.extend_from_slice(body);
        Ok(question)
    }

    /// The request line and the headers that every question has.
    fn begin(&self, method: &str, url: &str) -> Result<Vec<u8>, Refusal> {
        let target = url.get(self.origin_bytes..).unwrap_or_default();
        // Addresses are built from typed parts or parsed; nothing else may come between the words of a request line.
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(down("an address that cannot be asked"));
        }
        let root = if target.starts_with('/') { "" } else { "/" };
        Ok([method, root, target, self.headers.as_str()].concat().into_bytes())
    }
}

#[cfg(not(feature = "faults"))]
async fn exchange(line: Line, question: &[u8], bytes_max: usize) -> Result<(Answer, Option<Line>), Broke> {
    line.exchange(question, bytes_max).await
}

/// The server behind us gave no answer that we use; what it said is not repeated.
pub(crate) fn down(private: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::UpstreamDown, "The record server gave no usable answer. Try again later.").because(private)
}

/// What came in time, or that nothing did.
fn timely<T>(exchange: Result<Result<T, Refusal>, Elapsed>) -> Result<T, Refusal> {
    exchange.unwrap_or_else(|_| {
        Err(Refusal::new(Kind::UpstreamTimeout, "The record server did not answer in time. Try again later."))
    })
}

fn refused(status: StatusCode) -> Refusal {
    down(format_args!("it answered with status {}", status.as_u16()))
}

fn broken(why: Broke) -> Refusal {
    match why {
        Broke::Unanswered => down("the exchange broke off"),
        Broke::Off(how) => down(how),
    }
}
