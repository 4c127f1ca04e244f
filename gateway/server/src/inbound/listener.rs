//! One link's socket: bytes in, frames out, answers in the order of the messages, each in one write.
//!
//! Under TLS whoever connects has shown a certificate that the link's authority issued, before a byte of theirs is looked
//! at. Time is counted from where a message began or the last one ended, not from the last byte: whoever sends a byte now
//! and then gains nothing by it. When the gateway stops, a message that has begun is read to its end and answered; no other
//! is begun.

use super::worker::{Inbox, Outcome};
use crate::listen::stopped;
use crate::places::Places;
use bridge::{Framed, Framer};
use certs::rustls::ServerConfig;
use privacy::faults::{self, Point};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

/// Connections of one link at once.
const CONNECTIONS_MAX: usize = 256;
/// Connections of one link at once from one address.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 64;
/// What is no message, so many times on end, ends the connection.
const FAULTS_MAX: usize = 100;
/// Time between two messages of a connection.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// Time in which a message that has begun must end.
const FRAME: Duration = Duration::from_secs(60);
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for messages that have begun to end when we stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Time to hand an answer to the network.
const WRITE: Duration = Duration::from_secs(30);
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// Takes connections until `stop` says so; what is under way is answered first.
pub(crate) async fn listen(
    inbox: Arc<Inbox>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    mut stop: watch::Receiver<bool>,
) {
    let tls = tls.map(TlsAcceptor::from);
    let places = Places::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        while open.try_join_next().is_some() {}
        let Ok((socket, remote)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        faults::pass(Point::AfterAccept);
        let Some(place) = places.take(remote.ip()) else { continue };
        let (inbox, tls, stop) = (Arc::clone(&inbox), tls.clone(), stop.clone());
        open.spawn(async move {
            connection(&inbox, socket, remote, tls, stop).await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(link = inbox.link_name(), connections = open.len(), "some messages did not end in time");
    }
}

/// One connection, plain or under TLS.
async fn connection(
    inbox: &Inbox,
    mut socket: TcpStream,
    remote: SocketAddr,
    tls: Option<TlsAcceptor>,
    stop: watch::Receiver<bool>,
) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = tls else { return messages(inbox, &mut socket, remote, stop).await };
    match timeout(HANDSHAKE, tls.accept(socket)).await {
        Ok(Ok(mut socket)) => {
            messages(inbox, &mut socket, remote, stop).await;
            // Says that this was all, so that nobody takes a cut connection for an end.
            drop(timeout(WRITE, socket.shutdown()).await);
        }
        Ok(Err(why)) => {
            tracing::warn!(link = inbox.link_name(), %remote, %why, "a connection without a certificate that holds");
        }
        Err(_) => tracing::warn!(link = inbox.link_name(), %remote, "a handshake that did not end in time"),
    }
}

/// The messages of one connection, until it ends, falls silent or is to stop.
async fn messages(
    inbox: &Inbox,
    socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
    remote: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let mut framer = inbox.framer();
    let mut buffer = vec![0u8; READ_BYTES];
    let (mut deadline, mut faults) = (Instant::now() + IDLE, 0);
    loop {
        let begun = framer.held_bytes() > 0;
        let read = tokio::select! {
            biased;
            () = stopped(&mut stop), if !begun => return,
            read = timeout_at(deadline, socket.read(&mut buffer)) => read,
        };
        let Ok(Ok(count @ 1..)) = read else { return };
        let Some(bytes) = buffer.get(..count) else { return };
        let mut ended = false;
        for framed in framer.push(bytes) {
            let message = matches!(framed, Framed::Message(_));
            (ended, faults) = if message { (true, 0) } else { (ended, faults + 1) };
            if faults > FAULTS_MAX {
                return;
            }
            if !one(inbox, framer.as_mut(), socket, framed, remote).await {
                return;
            }
        }
        let amid = framer.held_bytes() > 0;
        if ended || amid != begun {
            deadline = Instant::now() + if amid { FRAME } else { IDLE };
        }
    }
}

/// Deals with one frame; whether the connection may go on.
async fn one(
    inbox: &Inbox,
    framer: &mut dyn Framer,
    socket: &mut (impl AsyncWrite + Unpin),
    framed: Framed,
    remote: SocketAddr,
) -> bool {
    let raw = match framed {
        Framed::Message(raw) => raw,
        Framed::Truncated => {
            tracing::warn!(link = inbox.link_name(), %remote, "a message began before the last one had ended");
            return true;
        }
        Framed::Noise { bytes } => {
            tracing::warn!(link = inbox.link_name(), %remote, bytes, "bytes between messages");
            return true;
        }
        Framed::TooLong => {
            tracing::warn!(link = inbox.link_name(), %remote, "a message, or what stands between two, is longer than the bound");
            return false;
        }
    };
    faults::pass(Point::AfterFrame);
    match inbox.take(raw).await {
        Outcome::Answer { sequence, answers } => {
            faults::pass(Point::AfterSettleBeforeAck);
            for answer in answers {
                let Some(frame) = framer.frame(&answer) else { return false };
                if faults::due(Point::MidAck) {
                    drop(socket.write_all(frame.get(..frame.len() / 2).unwrap_or_default()).await);
                    faults::die();
                }
                if !matches!(timeout(WRITE, socket.write_all(&frame)).await, Ok(Ok(()))) {
                    return false;
                }
            }
            faults::pass(Point::AfterAck);
            inbox.told(sequence).await;
            true
        }
        Outcome::Silence => true,
        Outcome::Close => false,
    }
}
