//! Stands between TLS and the HTTP library: nothing reaches it that two servers could read differently, and nobody keeps a
//! connection who neither sends nor takes.
//!
//! A head of HTTP/1 goes on whole, once every byte of it was looked at; where it must not go on, one of our own goes on in
//! its place, which no client can send and which is answered with the reason, in its turn, and the connection closed. What
//! is ordinary is looked at where it lies and never copied. HTTP/2 has one framing alone; only the patience bears on it.

mod flow;
mod head;
mod patience;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use flow::{Flow, Then};
pub(crate) use head::FIELDS_MAX;
use head::Fault;
use http::Method;
use patience::{ORDINARY, Patience, Spans};
use privacy::Refusal;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The method of a head that stands for one that was not taken. Clients' methods are capitals alone.
const REFUSED: &str = "refused";
/// Bytes that are thrown away behind a refusal, so that the answer is not lost to a reset (RFC 9112 section 9.6).
const DRAIN_BYTES_MAX: usize = 1024 * 1024;

/// A connection under guard.
pub(crate) struct Guarded<S> {
    inner: S,
    /// Its messages; none for HTTP/2.
    flow: Option<Flow>,
    /// Bytes that could not go on at once, the first `clear` of them looked at and `given` of those handed on.
    held: Vec<u8>,
    clear: usize,
    given: usize,
    /// Whether a body broke what its head announced: an error, once all that stands before it was handed on.
    broken: bool,
    /// Behind a refusal: how many bytes may still be thrown away.
    draining: Option<usize>,
    /// Whether the peer's end was seen.
    ended: bool,
    patience: Patience,
}

impl<S> Guarded<S> {
    /// Guards a connection that speaks HTTP/1.
    pub(crate) fn http1(inner: S) -> Guarded<S> {
        Guarded::new(inner, Some(Flow::new()), ORDINARY)
    }

    /// Guards a connection that speaks HTTP/2.
    pub(crate) fn http2(inner: S) -> Guarded<S> {
        Guarded::new(inner, None, ORDINARY)
    }

    fn new(inner: S, flow: Option<Flow>, spans: Spans) -> Guarded<S> {
        let patience = Patience::new(spans);
        Guarded {
            inner,
            flow,
            held: Vec::new(),
            clear: 0,
            given: 0,
            broken: false,
            draining: None,
            ended: false,
            patience,
        }
    }

    /// Whether it speaks HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        self.flow.is_none()
    }

    /// Hands on what was looked at and waited.
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let waiting = self.held.get(self.given..self.clear).unwrap_or_default();
        let count = waiting.len().min(buf.remaining());
        buf.put_slice(waiting.get(..count).unwrap_or_default());
        self.given += count;
        if self.given == self.clear {
            self.held.drain(..self.clear);
            (self.clear, self.given) = (0, 0);
        }
    }

    /// Looks at the bytes that came in behind the first `before`, and leaves there what may go on.
    fn look(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Some(flow) = &mut self.flow else {
            self.patience.heard(false);
            return;
        };
        let came = buf.filled().get(before..).unwrap_or_default();
        let then = if self.held.is_empty() {
            let passed = flow.pass(came);
            self.held.extend_from_slice(came.get(passed.bytes..).unwrap_or_default());
            buf.set_filled(before + passed.bytes);
            passed.then
        } else {
            self.held.extend_from_slice(came);
            buf.set_filled(before);
            let passed = flow.pass(&self.held);
            self.clear = passed.bytes;
            passed.then
        };
        self.patience.heard(self.held.len() > self.clear);
        match then {
            Then::More => {}
            Then::Refuse(fault) => {
                self.held.truncate(self.clear);
                self.held.extend_from_slice(stand_in(fault).as_bytes());
                self.clear = self.held.len();
                self.draining = Some(DRAIN_BYTES_MAX);
            }
            Then::Broken => self.broken = true,
        }
    }
}

/// A head that says what was wrong with another.
fn stand_in(fault: Fault) -> String {
    let named = Fault::NAMED.iter().find(|(known, _)| *known == fault).map_or("/", |(_, name)| name);
    format!("{REFUSED} {named} HTTP/1.1\r\nhost: -\r\nconnection: close\r\n\r\n")
}

/// Why a request was not taken, when it stands for one that was not.
pub(crate) fn refused(method: &Method, path: &str) -> Option<Refusal> {
    if method.as_str().bytes().all(|letter| letter.is_ascii_uppercase()) {
        return None;
    }
    let named = Fault::NAMED.iter().find(|(_, name)| *name == path).map_or(Fault::Line, |(fault, _)| *fault);
    Some(named.refusal())
}

impl<S: AsyncRead + Unpin> Guarded<S> {
    /// Throws away what comes behind a refusal or a broken body; ready at the peer's end and at the bound.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0u8; 4096];
        while let Some(left) = self.draining.filter(|left| *left > 0 && !self.ended) {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => self.draining = Some(left.saturating_sub(buf.filled().len())),
                Ok(()) | Err(_) => self.ended = true,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        while buf.filled().len() == before && buf.remaining() > 0 {
            if this.clear > 0 {
                this.give(buf);
            } else if this.draining.is_some() {
                // The library has its answer to write and needs nothing more; an end would make it give up the answer.
                let _draining = this.poll_drain(cx);
                return Poll::Pending;
            } else if this.broken {
                let why = io::Error::new(io::ErrorKind::InvalidData, "a body that is not framed as announced");
                return Poll::Ready(Err(why));
            } else {
                match Pin::new(&mut this.inner).poll_read(cx, buf)? {
                    Poll::Ready(()) if buf.filled().len() == before => {
                        this.ended = true;
                        break;
                    }
                    Poll::Ready(()) => this.look(buf, before),
                    Poll::Pending => return this.patience.poll_read(cx),
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// What came of a write, within the patience.
    fn written(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(Ok(count)) => {
                self.patience.took(count);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            Poll::Pending => self.patience.poll_write(cx),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.written(cx, wrote)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.written(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                this.patience.flushed();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            Poll::Pending => this.patience.poll_write(cx),
        }
    }

    /// Closes for writing. Whoever is still sending is heard out for a moment, or the answer would be lost to a reset.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_shutdown(cx) {
            Poll::Ready(done) => done?,
            Poll::Pending => return this.patience.poll_write(cx),
        }
        if this.flow.as_ref().is_some_and(Flow::is_amid) && this.draining.is_none() {
            this.draining = Some(DRAIN_BYTES_MAX);
        }
        if this.draining.is_none() || this.patience.poll_linger(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        this.poll_drain(cx).map(Ok)
    }
}
