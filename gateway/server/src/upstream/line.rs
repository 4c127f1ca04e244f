//! One connection to the server behind us: a question goes out, its answer comes in whole, and only then is there another.
//!
//! An exchange owns its connection. Whoever drops it half way, for whatever reason, drops the connection with it, so that
//! nobody's next answer begins with the rest of another's. What comes back for another question has been read to its very
//! end, with not a byte behind it.

use super::chunks::Chunks;
use super::head::{self, Framing, HEAD_BYTES_MAX, Head};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Bytes read at once: the head of an answer and most resources with it.
const READ_BYTES: usize = 8 * 1024;
/// Answers that only announce another (1xx), before the one that counts.
const INTERIM_MAX: usize = 4;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broke {
    /// The connection was closed before a byte of it came.
    Unanswered,
    /// It broke off, or is none that we read; in words of ours.
    Off(&'static str),
}

/// An answer, whole.
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The body: of any status but 200 it is not kept.
    pub(super) body: Bytes,
}

/// A connection.
pub(super) enum Line {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Line {
    /// Asks, and gives the answer, and the connection if it may be asked again.
    #[cfg(not(feature = "faults"))]
    pub(super) async fn exchange(mut self, question: &[u8], bytes_max: usize) -> Result<(Answer, Option<Line>), Broke> {
        let (answer, again) = self.ask(question, bytes_max).await?;
        Ok((answer, again.then_some(self)))
    }

    /// The answer, and whether the connection may be asked again. Half done, it leaves a connection that may not.
    pub(super) async fn ask(&mut self, question: &[u8], bytes_max: usize) -> Result<(Answer, bool), Broke> {
        self.write_all(question).await.map_err(|_| Broke::Unanswered)?;
        self.flush().await.map_err(|_| Broke::Unanswered)?;
        let mut read = BytesMut::with_capacity(READ_BYTES);
        let head = self.head(&mut read).await?;
        // What else than 200 says is not repeated, and so not read: such a connection is given up where it has a body.
        let body = match (head.status, head.framing) {
            (StatusCode::OK, _) => self.body(head.framing, &mut read, bytes_max).await?,
            (_, Framing::Length(length)) if length <= READ_BYTES => {
                self.body(head.framing, &mut read, READ_BYTES).await?
            }
            (_, _) => return Ok((Answer { status: head.status, body: Bytes::new() }, false)),
        };
        Ok((Answer { status: head.status, body }, head.keeps && read.is_empty()))
    }

    /// The head of the answer that counts; what came behind it stays in `read`.
    async fn head(&mut self, read: &mut BytesMut) -> Result<Head, Broke> {
        let mut interim = 0;
        loop {
            let found = if read.is_empty() { None } else { head::read(read).map_err(Broke::Off)? };
            match found {
                Some(head) if head.status.is_informational() => {
                    interim += 1;
                    if interim > INTERIM_MAX || head.status == StatusCode::SWITCHING_PROTOCOLS {
                        return Err(Broke::Off("it announces an answer again and again"));
                    }
                    drop(read.split_to(head.bytes));
                }
                Some(head) => {
                    drop(read.split_to(head.bytes));
                    return Ok(head);
                }
                None => {
                    let begun = interim > 0 || !read.is_empty();
                    read.reserve(READ_BYTES.min(HEAD_BYTES_MAX));
                    match self.read_buf(read).await {
                        Ok(1..) => {}
                        Ok(0) | Err(_) if begun => return Err(Broke::Off("its answer broke off")),
                        Ok(0) | Err(_) => return Err(Broke::Unanswered),
                    }
                }
            }
        }
    }

    /// The body; what came behind it stays in `read`.
    async fn body(&mut self, framing: Framing, read: &mut BytesMut, bytes_max: usize) -> Result<Bytes, Broke> {
        match framing {
            Framing::Length(length) if length > bytes_max => Err(Broke::Off("its answer is too large")),
            // What has come already is the body's own buffer.
            Framing::Length(length) if length <= read.len() => Ok(read.split_to(length).freeze()),
            Framing::Length(length) => {
                let mut body = BytesMut::with_capacity(length);
                body.extend_from_slice(&read.split());
                while body.len() < length {
                    let left = (length - body.len()) as u64;
                    self.more(left, &mut body).await?;
                }
                Ok(body.freeze())
            }
            Framing::Chunked => {
                let mut chunks = Chunks::new(bytes_max);
                while !chunks.take(read).map_err(Broke::Off)? {
                    read.reserve(READ_BYTES);
                    self.more(u64::MAX, read).await?;
                }
                Ok(chunks.into_body().freeze())
            }
            Framing::UntilClosed => {
                let mut body = read.split();
                loop {
                    if body.len() > bytes_max {
                        return Err(Broke::Off("its answer is too large"));
                    }
                    body.reserve(READ_BYTES);
                    match self.read_buf(&mut body).await {
                        Ok(0) => return Ok(body.freeze()),
                        Ok(_) => {}
                        Err(_) => return Err(Broke::Off("its answer broke off")),
                    }
                }
            }
        }
    }

    async fn more(&mut self, at_most: u64, to: &mut BytesMut) -> Result<(), Broke> {
        match self.take(at_most).read_buf(to).await {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(Broke::Off("its answer broke off")),
        }
    }

    /// Whether nothing has come since the last answer, not even an end. Asks the system itself, because the runtime may not
    /// have noticed yet.
    pub(super) fn is_quiet(&self) -> bool {
        let socket = match self {
            Line::Plain(socket) => socket,
            Line::Tls(stream) => stream.get_ref().0,
        };
        let mut byte = [MaybeUninit::uninit()];
        let peeked = SockRef::from(socket).peek(&mut byte);
        peeked.is_err_and(|why| why.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Line::Plain(socket) => Pin::new(socket).poll_read(cx, to),
            Line::Tls(stream) => Pin::new(stream).poll_read(cx, to),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Line::Plain(socket) => Pin::new(socket).poll_write(cx, from),
            Line::Tls(stream) => Pin::new(stream).poll_write(cx, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Line::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Line::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Line::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Line::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
