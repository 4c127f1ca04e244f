//! How long a peer may take: to begin, to end a line it began, to take what it asked for.
//!
//! One timer a connection. It is never moved later in passing; when it fires too early it looks at the real deadline and
//! goes on, so that an ordinary request sets no timer at all.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long each thing may take.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    /// Silence in both directions: longer than an answer may take to be found.
    pub(super) idle: Duration,
    /// A head, or a line within a body, from its first byte; for the first head, from the connection's beginning.
    pub(super) head: Duration,
    /// In each such span a peer takes at least [`TAKEN_BYTES_MIN`] of its answer, or all of it.
    pub(super) taking: Duration,
    /// A peer that is still sending is heard out behind our end.
    pub(super) linger: Duration,
}

/// What everyone is granted.
pub(super) const ORDINARY: Spans = Spans {
    idle: Duration::from_secs(75),
    head: Duration::from_secs(15),
    taking: Duration::from_secs(30),
    linger: Duration::from_secs(2),
};

/// What a peer takes in such a span: with thirty seconds, 1 KiB a second, less than the slowest network that people use.
pub(super) const TAKEN_BYTES_MIN: usize = 30 * 1024;

/// One connection's deadlines.
pub(super) struct Patience {
    spans: Spans,
    timer: Pin<Box<Sleep>>,
    /// When a byte last went either way.
    touched: Instant,
    /// Since when a head or a line has begun and not ended.
    begun: Option<Instant>,
    /// Since when the peer does not take what we write, and what it took since.
    stalled: Option<(Instant, usize)>,
    /// Since when we have closed.
    closed: Option<Instant>,
}

impl Patience {
    pub(super) fn new(spans: Spans) -> Patience {
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now + spans.head));
        Patience { spans, timer, touched: now, begun: Some(now), stalled: None, closed: None }
    }

    /// Bytes came; whether some of them are a beginning without an end.
    pub(super) fn heard(&mut self, begun: bool) {
        self.touched = Instant::now();
        self.begun = if begun { self.begun.or(Some(self.touched)) } else { None };
    }

    /// The peer took bytes.
    pub(super) fn took(&mut self, count: usize) {
        self.touched = Instant::now();
        if let Some((since, taken)) = &mut self.stalled {
            *taken += count;
            if *taken >= TAKEN_BYTES_MIN {
                (*since, *taken) = (self.touched, 0);
            }
        }
    }

    /// The peer took everything.
    pub(super) fn flushed(&mut self) {
        self.stalled = None;
    }

    /// Nothing to read: an error once patience is at its end.
    pub(super) fn poll_read<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.poll(cx)
    }

    /// Nothing can be written: an error once patience is at its end.
    pub(super) fn poll_write<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.stalled.is_none() {
            self.stalled = Some((Instant::now(), 0));
        }
        self.poll(cx)
    }

    /// Ready when a peer was heard out long enough.
    pub(super) fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.closed.is_none() {
            self.closed = Some(Instant::now());
        }
        self.poll::<()>(cx).map(drop)
    }

    fn deadline(&self) -> Instant {
        let ends = [
            Some(self.touched + self.spans.idle),
            self.begun.map(|since| since + self.spans.head),
            self.stalled.map(|(since, _)| since + self.spans.taking),
            self.closed.map(|since| since + self.spans.linger),
        ];
        ends.into_iter().flatten().min().unwrap_or(self.touched)
    }

    fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let deadline = self.deadline();
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
