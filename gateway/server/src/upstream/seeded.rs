//! A mistake on purpose: a connection on which an answer is still to come goes back to the pool, and whoever is next reads
//! it as their own.

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use privacy::faults::{Bug, seeded};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;
use tower_service::Service;

type Stream = TokioIo<TcpStream>;

/// Connections that were given up with an answer unread.
static UNREAD: Mutex<Vec<Stream>> = Mutex::new(Vec::new());

/// Connects, or hands out a connection that somebody gave up.
#[derive(Clone)]
pub(super) struct Leaky(HttpConnector);

impl Leaky {
    pub(super) fn around(connector: HttpConnector) -> Leaky {
        Leaky(connector)
    }
}

impl Service<Uri> for Leaky {
    type Response = Lent;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Lent, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        if let Some(stream) = UNREAD.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Box::pin(std::future::ready(Ok(Lent::new(stream))));
        }
        let connecting = self.0.call(to);
        Box::pin(async move { Ok(Lent::new(connecting.await?)) })
    }
}

/// A connection that remembers whether it was asked something and has not answered.
pub(super) struct Lent {
    stream: Option<Stream>,
    /// Nothing is read before something was asked: what is there already belongs to somebody else.
    asked: bool,
    unread: bool,
    reader: Option<Waker>,
}

impl Lent {
    fn new(stream: Stream) -> Lent {
        Lent { stream: Some(stream), asked: false, unread: false, reader: None }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Stream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn is_given_up(&self) -> bool {
        self.unread && seeded(Bug::ConnectionReused)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.is_given_up()
            && let Some(stream) = self.stream.take()
        {
            UNREAD.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
    }
}

impl Read for Lent {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if !self.asked {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let read = self.stream()?.poll_read(cx, buffer);
        if read.is_ready() {
            self.unread = false;
        }
        read
    }
}

impl Write for Lent {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write(cx, bytes);
        if written.is_ready() {
            (self.asked, self.unread) = (true, true);
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_given_up() { Poll::Ready(Ok(())) } else { self.stream()?.poll_shutdown(cx) }
    }
}

impl Connection for Lent {
    fn connected(&self) -> Connected {
        self.stream.as_ref().map_or_else(Connected::new, |stream| stream.connected())
    }
}
