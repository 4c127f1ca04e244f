//! Sockets: accept, handshake, read requests within bounds and deadlines, and drain when asked to stop.
//!
//! What comes over HTTP/1 passes the guard before the library sees it. Every deadline is ours.

use crate::context::Context;
use crate::guard::{self, Guarded};
use crate::pipeline;
use crate::places::Places;
use crate::request::{QUERY_BYTES_MAX, Request, checked_path};
use crate::respond::{Asker, Body, Reply, respond};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use privacy::{Kind, Refusal};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for a request's body.
const BODY: Duration = Duration::from_secs(30);
/// Bytes of a body that no route takes: read this far, so that the answer is about the address and not about the body.
const UNROUTED_BODY_BYTES_MAX: usize = 64 * 1024;
/// Time for an answer to be found and recorded.
const ANSWER: Duration = Duration::from_secs(60);
/// Time for open requests to end when we stop.
const DRAIN: Duration = Duration::from_secs(20);
/// How long one connection is served before its peer is asked to make a new one.
const AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// Requests at once over one connection of HTTP/2.
const STREAMS_MAX: u32 = 64;
/// Bytes of a request's headers over HTTP/2, where each counts 32 more (RFC 9113 section 6.5.2).
const HEADERS_BYTES_MAX: u32 = 40 * 1024;
/// Time for one long answer to be taken over HTTP/2, where a peer may hold up one answer and take others.
const TAKING: Duration = Duration::from_secs(120);
/// Bytes of one answer over HTTP/2 that wait for a peer who does not take them.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// What a listener's connections begin with.
#[derive(Clone)]
pub enum Opening {
    /// A TLS handshake.
    Tls(TlsAcceptor),
    /// Nothing, and from this machine alone: so a bench can tell the cost of the way from the cost of TLS.
    PlainFromLoopback,
}

/// Serves until `stop` says so, then lets open requests end.
pub async fn serve(cx: Arc<Context>, listener: TcpListener, opening: Opening, mut stop: watch::Receiver<bool>) {
    let places = Places::of_this_process();
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        while open.try_join_next().is_some() {}
        let Ok((socket, remote)) = accepted else {
            // Out of file descriptors, most likely: give connections time to close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(place) = places.take(remote.ip()) else { continue };
        let (cx, opening, stop) = (Arc::clone(&cx), opening.clone(), stop.clone());
        open.spawn(async move {
            connection(cx, socket, remote, opening, stop).await;
            drop(place);
        });
    }
    drop(listener);
    let drained = timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(connections = open.len(), "some requests did not end in time");
    }
}

/// Returns when the process is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever said so being gone means the same.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn connection(
    cx: Arc<Context>,
    socket: TcpStream,
    remote: SocketAddr,
    opening: Opening,
    stop: watch::Receiver<bool>,
) {
    // Without it small answers wait for the peer's delayed acknowledgement.
    if socket.set_nodelay(true).is_err() {
        return;
    }
    match opening {
        Opening::Tls(tls) => {
            let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(socket)).await else { return };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            requests(cx, if http2 { Guarded::http2(stream) } else { Guarded::http1(stream) }, remote, stop).await;
        }
        Opening::PlainFromLoopback if remote.ip().is_loopback() => {
            requests(cx, Guarded::http1(socket), remote, stop).await;
        }
        Opening::PlainFromLoopback => {}
    }
}

async fn requests<S>(cx: Arc<Context>, stream: Guarded<S>, remote: SocketAddr, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let http2 = stream.is_http2();
    let held_up = Arc::new(Notify::new());
    let told = Arc::clone(&held_up);
    let service = service_fn(move |request| {
        let (cx, told) = (Arc::clone(&cx), Arc::clone(&told));
        async move {
            let response = one(&cx, request, remote.ip()).await;
            Ok::<_, Infallible>(if http2 { watched(response, told) } else { response })
        }
    });
    let mut http = auto::Builder::new(TokioExecutor::new());
    // The guard keeps the time; the library's own timer would only be set and unset for nothing.
    http.http1().header_read_timeout(None).max_headers(guard::FIELDS_MAX).half_close(false);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .max_send_buf_size(WAITING_BYTES_MAX);
    let http = if http2 { http.http2_only() } else { http.http1_only() };
    let served = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = held_up.notified() => return,
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
        () = sleep(AGE_MAX) => {
            served.as_mut().graceful_shutdown();
            timeout(ANSWER + DRAIN, served).await.unwrap_or(Ok(()))
        }
    };
    if let Err(why) = ended {
        tracing::debug!(%why, "a connection ended early");
    }
}

/// An answer over HTTP/2 that is long enough to be held up; then the connection is given up. Over HTTP/1 the guard sees it.
fn watched(response: Response<Body>, held_up: Arc<Notify>) -> Response<Body> {
    if response.body().left() <= WAITING_BYTES_MAX as u64 {
        return response;
    }
    let (parts, body) = response.into_parts();
    let (body, ended) = body.watched();
    tokio::spawn(async move {
        if timeout(TAKING, ended).await.is_err() {
            held_up.notify_one();
        }
    });
    Response::from_parts(parts, body)
}

/// One request: read it whole, then let the pipeline answer.
async fn one(cx: &Context, request: hyper::Request<Incoming>, remote: IpAddr) -> Response<Body> {
    let correlation = certs::random::uuid_v4();
    let refuse = |why: Refusal| {
        let asker = Asker { route: None, principal: None, correlation: &correlation, head: false, challenge: "Bearer" };
        respond(Reply::stranger(why), &asker)
    };
    // Behind a request that was not read whole nothing more is read.
    let close = |why: Refusal| {
        let mut response = refuse(why);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    };
    let (parts, body) = request.into_parts();
    if let Some(why) = guard::refused(&parts.method, parts.uri.path()) {
        return close(why);
    }
    if let Err(why) = one_meaning(&parts.headers, &parts.uri, parts.version) {
        return close(why);
    }
    let path = parts.uri.path().to_owned();
    if let Err(why) = checked_path(&path) {
        return close(why);
    }
    let found = cx.routes.find(&parts.method, &path);
    let bytes_max = found.map_or(UNROUTED_BODY_BYTES_MAX, |matched| matched.route.body_bytes_max);
    let body = match timeout(BODY, read_body(body, bytes_max)).await {
        Ok(Ok(body)) => body,
        Ok(Err(why)) => return close(why),
        Err(_) => return close(Refusal::new(Kind::Malformed, "The body did not arrive in time.")),
    };
    let query = parts.uri.query().map(str::to_owned);
    let request = Request {
        method: parts.method,
        path,
        query,
        headers: parts.headers,
        body,
        remote,
        correlation: correlation.clone(),
    };
    match timeout(ANSWER, pipeline::serve(cx, &request)).await {
        Ok(response) => response,
        Err(_) => refuse(Refusal::new(Kind::Unavailable, "No answer could be given in time.").retry_after(10)),
    }
}

/// A request that every server would read alike. Over HTTP/1 the guard has looked already, byte by byte; this holds for both.
fn one_meaning(headers: &HeaderMap, uri: &http::Uri, version: http::Version) -> Result<(), Refusal> {
    let hosts = headers.get_all(header::HOST).iter().count();
    let absolute = uri.authority().is_some();
    let host_differs = match (uri.authority(), headers.get(header::HOST)) {
        (Some(authority), Some(host)) => host.as_bytes() != authority.as_str().as_bytes(),
        (Some(_), None) | (None, Some(_)) | (None, None) => false,
    };
    let http2 = version == http::Version::HTTP_2;
    if hosts > 1 || (hosts == 0 && !absolute && !http2) || host_differs {
        return Err(Refusal::new(Kind::Malformed, "Send exactly one Host, the one the request is for."));
    }
    let plain = headers.values().all(|value| value.to_str().is_ok());
    if !plain || headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(Refusal::new(Kind::Malformed, "Each header is plain text, and the length is said at most once."));
    }
    if headers.len() > guard::FIELDS_MAX {
        return Err(Refusal::new(Kind::HeadTooLarge, "The headers are too many."));
    }
    if uri.query().is_some_and(|query| query.len() > QUERY_BYTES_MAX) {
        return Err(Refusal::new(Kind::AddressTooLong, "The query is too long; send a search as POST to _search."));
    }
    if headers.contains_key(header::UPGRADE) || headers.get_all(header::TRANSFER_ENCODING).iter().count() > 1 {
        return Err(Refusal::new(Kind::Malformed, "Upgrades and repeated transfer codings are not taken."));
    }
    Ok(())
}

async fn read_body(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Refusal> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| Refusal::new(Kind::Malformed, "The body could not be read.").because(why))?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > bytes_max {
                return Err(Refusal::new(Kind::TooLarge, format!("The body may have at most {bytes_max} bytes here.")));
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}
