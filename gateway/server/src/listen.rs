//! Sockets: accept, handshake, read requests within bounds and deadlines, and drain when asked to stop.

use crate::context::Context;
use crate::pipeline;
use crate::request::{Request, checked_path};
use crate::respond::{Asker, Body, Reply, respond};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, header};
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
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Connections at once.
const CONNECTIONS_MAX: usize = 10_000;
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for a request's headers, and how long an idle connection is kept.
const HEADERS: Duration = Duration::from_secs(30);
/// Time for a request's body.
const BODY: Duration = Duration::from_secs(30);
/// Time for an answer to be found and recorded.
const ANSWER: Duration = Duration::from_secs(60);
/// Time for open requests to end when we stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Header lines of a request.
const HEADERS_MAX: usize = 64;

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
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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
        let Ok(place) = Arc::clone(&connections).try_acquire_owned() else { continue };
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
            requests(cx, stream, remote, stop).await;
        }
        Opening::PlainFromLoopback if remote.ip().is_loopback() => requests(cx, socket, remote, stop).await,
        Opening::PlainFromLoopback => {}
    }
}

async fn requests<S>(cx: Arc<Context>, stream: S, remote: SocketAddr, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let cx = Arc::clone(&cx);
        async move { Ok::<_, Infallible>(one(&cx, request, remote.ip()).await) }
    });
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_headers(HEADERS_MAX).half_close(false);
    http.http2().timer(TokioTimer::new()).max_concurrent_streams(64).max_header_list_size(32 * 1024);
    let served = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!(%why, "a connection ended early");
    }
}

/// One request: read it whole, then let the pipeline answer.
async fn one(cx: &Context, request: hyper::Request<Incoming>, remote: IpAddr) -> Response<Body> {
    let correlation = certs::random::uuid_v4();
    let refuse = |why: Refusal| {
        let asker = Asker { route: None, principal: None, correlation: &correlation, head: false, challenge: "Bearer" };
        respond(Reply::stranger(why), &asker)
    };
    let (parts, body) = request.into_parts();
    if let Err(why) = one_meaning(&parts.headers, &parts.uri, parts.version) {
        return refuse(why);
    }
    let path = parts.uri.path().to_owned();
    if let Err(why) = checked_path(&path) {
        return refuse(why);
    }
    let bytes_max = cx.routes.find(&parts.method, &path).map_or(0, |matched| matched.route.body_bytes_max);
    let body = match timeout(BODY, read_body(body, bytes_max)).await {
        Ok(Ok(body)) => body,
        Ok(Err(why)) => return refuse(why),
        Err(_) => return refuse(Refusal::new(Kind::Malformed, "The body did not arrive in time.")),
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

/// A request that every server would read alike: one host, and no address of another.
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
