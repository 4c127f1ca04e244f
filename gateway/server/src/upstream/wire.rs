//! One exchange with the server behind us: bounded in time and size, with none of the client's headers.
//!
//! A body is read to its end or dropped, and a dropped body closes its connection, so that nobody's next answer begins
//! with the rest of another's.

use super::address::Base;
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use json::{Document, Limits};
use privacy::{Kind, Refusal};
use std::time::Duration;

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
const IDLE_CONNECTIONS_MAX: usize = 64;
/// Header lines of one answer.
const HEADERS_MAX: usize = 100;
/// The head of one answer, in bytes; also the read buffer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
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

type Outgoing = Full<Bytes>;

/// The client, plain or over TLS.
pub(super) enum Wire {
    Plain(Client<HttpConnector, Outgoing>),
    Tls(Client<HttpsConnector<HttpConnector>, Outgoing>),
}

impl Wire {
    /// A client for the base; over TLS it trusts the system's roots and those in `extra_roots_pem`.
    pub(super) fn new(base: &Base, extra_roots_pem: Option<&str>) -> Result<Wire, String> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_MAX));
        connector.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .http1_max_headers(HEADERS_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX);
        if !base.is_https() {
            return Ok(Wire::Plain(builder.build(connector)));
        }
        connector.enforce_http(false);
        let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let config = certs::client_tls::config(extra_roots_pem, system.as_deref())
            .map_err(|why| format!("the upstream's certificate cannot be checked: {why}"))?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config((*config).clone())
            .https_only()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Wire::Tls(builder.build(connector)))
    }

    /// What stands at an address: nothing at 404 or 410.
    pub(super) async fn read(&self, url: &str, bytes_max: usize) -> Result<Option<Document>, Refusal> {
        let exchange = async {
            let response = self.get(url).await?;
            match response.status() {
                StatusCode::OK => Ok(Some(body(response, bytes_max).await?)),
                StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
                other => Err(refused(other)),
            }
        };
        in_time(ANSWER_MAX, exchange).await
    }

    /// A page of a search; a search too long for an address is sent as a form. Nothing at 404 or 410.
    pub(super) async fn page(&self, url: &str) -> Result<Option<Document>, Refusal> {
        if url.len() <= GET_BYTES_MAX {
            return self.read(url, PAGE_BYTES_MAX).await;
        }
        let (path, query) = url.split_once('?').ok_or_else(|| down("an address of great length without a query"))?;
        let exchange = async {
            let form = "application/x-www-form-urlencoded";
            let request =
                request(Method::POST, &format!("{path}/_search"), Some((form, Bytes::from(query.to_owned()))))?;
            let response = self.send(request).await.map_err(broken)?;
            match response.status() {
                StatusCode::OK => Ok(Some(body(response, PAGE_BYTES_MAX).await?)),
                StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
                other => Err(refused(other)),
            }
        };
        in_time(ANSWER_MAX, exchange).await
    }

    /// The answer to a transaction.
    pub(super) async fn transact(&self, url: &str, bundle: Vec<u8>) -> Result<Document, Refusal> {
        let exchange = async {
            let request = request(Method::POST, url, Some(("application/fhir+json", bundle.into())))?;
            let response = self.send(request).await.map_err(broken)?;
            match response.status() {
                StatusCode::OK => body(response, PAGE_BYTES_MAX).await,
                other => Err(refused(other)),
            }
        };
        in_time(WRITE_MAX, exchange).await
    }

    /// Whether a GET is answered with 200 soon.
    pub(super) async fn answers(&self, url: &str) -> bool {
        let exchange = async { Ok(self.get(url).await?.status() == StatusCode::OK) };
        in_time(READY_MAX, exchange).await.unwrap_or(false)
    }

    /// A GET; once more when a connection that had waited turns out to be closed.
    async fn get(&self, url: &str) -> Result<Response<Incoming>, Refusal> {
        match self.send(request(Method::GET, url, None)?).await {
            Err(why) if closed_early(&why) => self.send(request(Method::GET, url, None)?).await.map_err(broken),
            other => other.map_err(broken),
        }
    }

    async fn send(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, Error> {
        match self {
            Wire::Plain(client) => client.request(request).await,
            Wire::Tls(client) => client.request(request).await,
        }
    }
}

/// The server behind us gave no answer that we use; what it said is not repeated.
pub(super) fn down(private: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::UpstreamDown, "The record server gave no usable answer. Try again later.").because(private)
}

async fn in_time<T>(most: Duration, exchange: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    match tokio::time::timeout(most, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(late()),
    }
}

fn late() -> Refusal {
    Refusal::new(Kind::UpstreamTimeout, "The record server did not answer in time. Try again later.")
}

fn refused(status: StatusCode) -> Refusal {
    down(format_args!("it answered with status {}", status.as_u16()))
}

/// Errors of a client name addresses at most as far as the host; only their kind is kept all the same.
fn broken(why: Error) -> Refusal {
    if why.is_connect() {
        let late_connect = sources(&why).any(|why| {
            why.downcast_ref::<std::io::Error>().is_some_and(|why| why.kind() == std::io::ErrorKind::TimedOut)
        });
        return if late_connect { late() } else { down("no connection came about") };
    }
    down("the exchange broke off")
}

/// Whether the connection was closed before a byte of the answer came.
fn closed_early(why: &Error) -> bool {
    !why.is_connect()
        && sources(why).any(|why| {
            let closed = why.downcast_ref::<hyper::Error>();
            let reset = why.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            closed.is_some_and(|why| why.is_incomplete_message() || why.is_canceled() || why.is_closed())
                || matches!(reset, Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe))
        })
}

fn sources(why: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(why), |why| why.source())
}

fn request(method: Method, url: &str, body: Option<(&'static str, Bytes)>) -> Result<Request<Outgoing>, Refusal> {
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header(ACCEPT, HeaderValue::from_static("application/fhir+json"))
        // Servers keep results of searches; ours must not be older than what was just written.
        .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
        // A parameter that is not understood must not be passed over: it may be the one that narrows.
        .header("prefer", HeaderValue::from_static("handling=strict"));
    let mut bytes = Bytes::new();
    if let Some((media, body)) = body {
        request = request.header(CONTENT_TYPE, HeaderValue::from_static(media));
        bytes = body;
    }
    request.body(Full::new(bytes)).map_err(|_| down("an address that cannot be asked"))
}

/// The whole body as strictly checked JSON.
async fn body(response: Response<Incoming>, bytes_max: usize) -> Result<Document, Refusal> {
    // We ask for none, and what is small on the wire may be any size behind it.
    if response.headers().contains_key(CONTENT_ENCODING) {
        return Err(down("its answer is encoded"));
    }
    let body = response.into_body();
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(down("its answer is too large"));
    }
    let bytes = Limited::new(body, bytes_max).collect().await;
    let bytes = bytes.map_err(|_| down("its answer broke off or is too large"))?.to_bytes();
    let limits = Limits { bytes_max, ..Limits::DEFAULT };
    let long = bytes.len() > LONG_BYTES;
    let read = move || Document::parse(bytes, &limits).map_err(|_| down("its answer is not strict JSON"));
    if long { tokio::task::spawn_blocking(read).await.map_err(down)? } else { read() }
}
