//! One link's socket: bytes in, frames out, answers in the order of the messages, each in one write.
//!
//! Time is counted from where a message began or the last one ended, not from the last byte: whoever sends a byte now and
//! then gains nothing by it.

use super::worker::{Inbox, Outcome};
use crate::listen::stopped;
use crate::places::Places;
use bridge::{Framed, Framer};
use privacy::faults::{self, Point};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

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
/// Time to hand an answer to the network.
const WRITE: Duration = Duration::from_secs(30);
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// Takes connections until `stop` says so; what is under way is answered first.
pub async fn listen(inbox: Arc<Inbox>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let places = Places::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        while open.try_join_next().is_some() {}
        let Ok((socket, remote)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        faults::pass(Point::AfterAccept);
        let Some(place) = places.take(remote.ip()) else { continue };
        let (inbox, stop) = (Arc::clone(&inbox), stop.clone());
        open.spawn(async move {
            connection(&inbox, socket, remote, stop).await;
            drop(place);
        });
    }
    while open.join_next().await.is_some() {}
}

async fn connection(inbox: &Inbox, mut socket: TcpStream, remote: SocketAddr, mut stop: watch::Receiver<bool>) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let mut framer = inbox.framer();
    let mut buffer = vec![0u8; READ_BYTES];
    let (mut deadline, mut faults) = (Instant::now() + IDLE, 0);
    loop {
        let read = tokio::select! {
            read = timeout_at(deadline, socket.read(&mut buffer)) => read,
            () = stopped(&mut stop), if framer.held_bytes() == 0 => return,
        };
        let Ok(Ok(count @ 1..)) = read else { return };
        let Some(bytes) = buffer.get(..count) else { return };
        let begun = framer.held_bytes() > 0;
        let mut ended = false;
        for framed in framer.push(bytes) {
            let message = matches!(framed, Framed::Message(_));
            (ended, faults) = if message { (true, 0) } else { (ended, faults + 1) };
            if faults > FAULTS_MAX {
                return;
            }
            if !one(inbox, framer.as_mut(), &mut socket, framed, remote).await {
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
    socket: &mut TcpStream,
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
