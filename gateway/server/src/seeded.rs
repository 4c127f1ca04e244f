//! A mistake and a death on purpose, at the end of a request's journey.

use crate::request::Request;
use crate::respond::{Body, FHIR_JSON, Public, Reply, Withdrawn};
use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Frame;
use privacy::faults::{self, Bug, Point};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

/// Answers by what was asked, whoever asked it.
fn kept() -> &'static Mutex<HashMap<String, Bytes>> {
    static KEPT: OnceLock<Mutex<HashMap<String, Bytes>>> = OnceLock::new();
    KEPT.get_or_init(Mutex::default)
}

fn address(request: &Request) -> String {
    format!("{} {}?{}", request.method, request.path, request.query.as_deref().unwrap_or_default())
}

/// What was answered to the same question.
pub(crate) fn answered_before(request: &Request) -> Option<Reply> {
    if !faults::seeded(Bug::CacheWithoutSubject) {
        return None;
    }
    let kept = kept().lock().unwrap_or_else(PoisonError::into_inner);
    kept.get(&address(request)).map(|body| Reply::Public(Public::ok(FHIR_JSON, body.clone())))
}

/// Keeps an answer for whoever asks the same.
pub(crate) fn remember(request: &Request, response: &Response<Body>) {
    if faults::seeded(Bug::CacheWithoutSubject) && response.status() == StatusCode::OK {
        let body: Vec<u8> = response.body().chunks().flat_map(|chunk| chunk.iter().copied()).collect();
        kept().lock().unwrap_or_else(PoisonError::into_inner).insert(address(request), body.into());
    }
}

/// How far a body is that dies on its way.
#[derive(Default)]
pub(crate) enum Dying {
    /// It lives.
    #[default]
    Not,
    /// Its last bytes were handed over.
    Spoken,
    /// They were given time to leave.
    Flushed,
}

type Last = Poll<Option<Result<Frame<Bytes>, Withdrawn>>>;

impl Dying {
    /// Half of a chunk, then a pause in which it reaches the wire, then the end.
    pub(crate) fn words(&mut self, next: Option<&Bytes>, cx: &Context<'_>) -> Option<Last> {
        match (&self, next) {
            (Dying::Not, Some(chunk)) if faults::due(Point::MidBody) => {
                *self = Dying::Spoken;
                Some(Poll::Ready(Some(Ok(Frame::data(chunk.slice(..chunk.len() / 2))))))
            }
            (Dying::Not, _) => None,
            (Dying::Spoken, _) => {
                *self = Dying::Flushed;
                cx.waker().wake_by_ref();
                Some(Poll::Pending)
            }
            (Dying::Flushed, _) => {
                faults::die();
                None
            }
        }
    }
}
