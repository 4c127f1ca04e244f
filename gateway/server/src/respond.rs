//! The only maker of HTTP responses. What reaches a client is one of four kinds of reply, and nothing else can be sent.

use crate::clock;
use crate::route::{Cors, Route};
use crate::telemetry::Alarm;
use bytes::Bytes;
use fhir::outcome::{Issue, IssueCode, outcome};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::{Frame, SizeHint};
use privacy::{Disclosure, Kind, Principal, Refusal, Refused};
use smart::apps::Lease;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// The media type of FHIR's JSON.
pub(crate) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";
/// The media type of other JSON.
pub(crate) const JSON: &str = "application/json";
/// The media type of pages.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// Room for the headers of an answer, so that they are written without being moved.
const HEADERS: usize = 20;

/// Pieces of a body up to this size are sent together: a page is some hundred rows and the bytes between them, and each
/// piece that is written by itself costs the system more than copying it.
const SMALL_BYTES: usize = 16 * 1024;
/// Bytes that are put together at once.
const TOGETHER_BYTES: usize = 64 * 1024;

/// The one body type; only this file can make one.
pub(crate) struct Body {
    chunks: VecDeque<Bytes>,
    left: u64,
    /// What it leaves by, where it is long enough to be stopped under way.
    lease: Option<Lease>,
    /// Whoever waits for the other half learns when the body was taken whole or given up.
    _kept: Option<oneshot::Sender<()>>,
    #[cfg(feature = "faults")]
    dying: crate::seeded::Dying,
}

impl Body {
    fn new(chunks: Vec<Bytes>) -> Body {
        let left = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Body {
            chunks: chunks.into(),
            left,
            lease: None,
            _kept: None,
            #[cfg(feature = "faults")]
            dying: crate::seeded::Dying::default(),
        }
    }

    /// Bytes that have not been taken yet.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The same body, which breaks off when what it leaves by is withdrawn. One that is given to the connection as a whole
    /// cannot.
    pub(crate) fn leaving_by(mut self, lease: impl FnOnce() -> Lease) -> Body {
        self.lease = (self.left > TOGETHER_BYTES as u64).then(lease);
        self
    }

    /// The same body, and what ends when it does.
    pub(crate) fn watched(mut self) -> (Body, oneshot::Receiver<()>) {
        let (kept, ended) = oneshot::channel();
        self._kept = Some(kept);
        (self, ended)
    }

    /// The next piece: one as it is, or small ones put together.
    fn next(&mut self) -> Option<Bytes> {
        let mut bytes = 0;
        let fits = |chunk: &&Bytes| {
            bytes += chunk.len();
            chunk.len() <= SMALL_BYTES && bytes <= TOGETHER_BYTES
        };
        let count = self.chunks.iter().take_while(fits).count();
        if count < 2 {
            return self.chunks.pop_front();
        }
        let some: Vec<Bytes> = self.chunks.drain(..count).collect();
        Some(some.concat().into())
    }

    /// What is still to be sent.
    #[cfg(feature = "faults")]
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        self.chunks.iter()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Withdrawn;

    #[cfg_attr(not(feature = "faults"), expect(unused_variables, reason = "nothing here waits, but on its death"))]
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        #[cfg(feature = "faults")]
        {
            let Body { chunks, dying, .. } = &mut *self;
            if let Some(last) = dying.words(chunks.front(), cx) {
                return last;
            }
        }
        if self.lease.as_ref().is_some_and(|lease| !lease.holds(clock::now().seconds())) {
            return Poll::Ready(Some(Err(Withdrawn)));
        }
        let next = self.next();
        if let Some(chunk) = &next {
            self.left -= chunk.len() as u64;
        }
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The grant was ended while its answer was under way: what is left of it stays here, and the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the authorization was withdrawn while the answer was under way")]
pub(crate) struct Withdrawn;

/// The shape of an answer that holds health data.
pub(crate) struct Shape {
    /// 200, or 304 when the caller has it already.
    pub status: StatusCode,
    /// Its media type.
    pub media: &'static str,
    /// Headers that follow from its content: `ETag`, `Last-Modified`.
    pub headers: Vec<(HeaderName, String)>,
    /// Its bytes.
    pub chunks: Vec<Bytes>,
}

/// A document that is the same for everyone, or says nothing of anyone.
pub(crate) struct Public {
    /// The status.
    pub status: StatusCode,
    /// Its media type.
    pub media: &'static str,
    /// Further headers.
    pub headers: Vec<(HeaderName, String)>,
    /// Its bytes.
    pub body: Bytes,
}

impl Public {
    /// A document with status 200.
    pub(crate) fn ok(media: &'static str, body: impl Into<Bytes>) -> Public {
        Public { status: StatusCode::OK, media, headers: Vec::new(), body: body.into() }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Public {
        self.headers.push((name, value.into()));
        self
    }
}

/// Tokens, codes and sessions: never cached, never logged.
pub(crate) struct Credential {
    /// 200, 303 or an OAuth error's status.
    pub status: StatusCode,
    /// Its media type; empty for a redirect.
    pub media: &'static str,
    /// `Location`, `Set-Cookie`, `WWW-Authenticate` and the like.
    pub headers: Vec<(HeaderName, String)>,
    /// Its bytes.
    pub body: Bytes,
}

impl Credential {
    /// On to another address, with GET (RFC 9110, 303).
    pub(crate) fn see_other(location: impl Into<String>) -> Credential {
        let headers = vec![(header::LOCATION, location.into())];
        Credential { status: StatusCode::SEE_OTHER, media: "", headers, body: Bytes::new() }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Credential {
        self.headers.push((name, value.into()));
        self
    }
}

/// All that the pipeline can answer.
pub(crate) enum Reply {
    /// Health data that passed the gate.
    Disclosure(Box<Disclosure<Shape>>),
    /// No answer, and why.
    Refused(Refused),
    /// A document for everyone.
    Public(Public),
    /// Something only its bearer may hold.
    Credential(Credential),
}

impl Reply {
    /// The code of an OperationOutcome that it will be.
    pub(crate) fn issue_code(&self) -> Option<&'static str> {
        match self {
            Reply::Refused(refused) => Some(status_of(refused.why().kind()).1.as_str()),
            Reply::Disclosure(_) | Reply::Public(_) | Reply::Credential(_) => None,
        }
    }

    /// A refusal of someone who is not known.
    pub(crate) fn stranger(why: Refusal) -> Reply {
        Reply::Refused(Refused::of_a_stranger(why))
    }
}

/// What a response says besides its reply.
pub(crate) struct Asker<'a> {
    /// The route that was asked, when there is one.
    pub route: Option<&'a Route>,
    /// Who asked, when known.
    pub principal: Option<&'a Principal>,
    /// The request's correlation id.
    pub correlation: &'a str,
    /// Whether only the headers are wanted.
    pub head: bool,
    /// `WWW-Authenticate` for a 401.
    pub challenge: &'a str,
}

/// Makes the response.
pub(crate) fn respond(reply: Reply, asker: &Asker<'_>) -> Response<Body> {
    let (status, media, headers, chunks) = match reply {
        Reply::Disclosure(disclosure) => {
            let (to, shape) = disclosure.deliver();
            if asker.principal.is_none_or(|principal| !to.is(principal)) {
                tracing::error!(
                    alarm = "wrong-recipient",
                    total = Alarm::WrongRecipient.count(1),
                    correlation = asker.correlation,
                    "an answer was for someone else"
                );
                return respond(Reply::stranger(Refusal::fault("an answer was for someone else")), asker);
            }
            (shape.status, shape.media, shape.headers, shape.chunks)
        }
        Reply::Refused(refused) => refusal(refused.why(), asker),
        Reply::Public(public) => (public.status, public.media, public.headers, vec![public.body]),
        Reply::Credential(credential) => {
            let mut headers = credential.headers;
            headers.push((header::PRAGMA, "no-cache".to_owned()));
            (credential.status, credential.media, headers, vec![credential.body])
        }
    };
    let length: usize = chunks.iter().map(Bytes::len).sum();
    let body = Body::new(if asker.head || status == StatusCode::NOT_MODIFIED { Vec::new() } else { chunks });
    #[allow(clippy::disallowed_methods, reason = "this is the one place that answers")]
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.reserve(HEADERS);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            out.append(name, value);
        }
    }
    if !media.is_empty() {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    if asker.head {
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    common(out, asker);
    response
}

fn common(out: &mut HeaderMap, asker: &Asker<'_>) {
    let fixed = |value| HeaderValue::from_static(value);
    out.entry(header::CACHE_CONTROL).or_insert(fixed("no-store"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    out.insert(header::STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000"));
    out.insert(header::REFERRER_POLICY, fixed("no-referrer"));
    out.entry(header::CONTENT_SECURITY_POLICY).or_insert(fixed("default-src 'none'; frame-ancestors 'none'"));
    if let Ok(value) = HeaderValue::from_str(asker.correlation) {
        out.insert(HeaderName::from_static("x-correlation-id"), value);
    }
    // Without a route no address is known to be a page, so a browser app is told why it failed.
    if asker.route.is_none_or(|route| route.cors == Cors::Anyone) {
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, fixed("*"));
        out.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            fixed("ETag, Last-Modified, Link, Location, Retry-After, WWW-Authenticate, X-Correlation-Id"),
        );
    }
}

type Parts = (StatusCode, &'static str, Vec<(HeaderName, String)>, Vec<Bytes>);

/// An OperationOutcome: the caller's text, never ours.
fn refusal(why: &Refusal, asker: &Asker<'_>) -> Parts {
    if matches!(why.kind(), Kind::UpstreamDown | Kind::UpstreamTimeout) {
        let total = Alarm::Upstream.count(1);
        tracing::warn!(alarm = "upstream", total, correlation = asker.correlation, "no usable answer from behind");
    }
    if let Some(private) = why.private() {
        tracing::warn!(kind = ?why.kind(), correlation = asker.correlation, why = private, "refused");
    }
    let (status, code) = status_of(why.kind());
    // RFC 8288: where the code is explained; the page of every code that is sent exists.
    let help = format!("<{}{}>; rel=\"help\"", smart::settings::ERRORS, code.as_str());
    let mut headers = vec![(header::LINK, help)];
    if let Some(seconds) = why.retry_after_s() {
        headers.push((header::RETRY_AFTER, seconds.to_string()));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.push((header::WWW_AUTHENTICATE, asker.challenge.to_owned()));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.push((header::ALLOW, why.expression().unwrap_or("GET").to_owned()));
    }
    let (status, outcome) = told(why);
    (status, FHIR_JSON, headers, vec![outcome.into()])
}

/// The status of a refusal and its OperationOutcome.
pub(crate) fn told(why: &Refusal) -> (StatusCode, Vec<u8>) {
    let (status, code) = status_of(why.kind());
    // What a wrong method is told stands in Allow: it is no element.
    let expression: Vec<&str> =
        why.expression().filter(|_| status != StatusCode::METHOD_NOT_ALLOWED).into_iter().collect();
    let issue = Issue { expression: &expression, ..Issue::error(code, why.public()) };
    (status, outcome(&[issue]))
}

fn status_of(kind: Kind) -> (StatusCode, IssueCode) {
    match kind {
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, IssueCode::Login),
        Kind::Expired => (StatusCode::UNAUTHORIZED, IssueCode::Expired),
        Kind::Forbidden => (StatusCode::FORBIDDEN, IssueCode::Forbidden),
        Kind::NotFound => (StatusCode::NOT_FOUND, IssueCode::NotFound),
        Kind::Gone => (StatusCode::GONE, IssueCode::Expired),
        Kind::Malformed => (StatusCode::BAD_REQUEST, IssueCode::Structure),
        Kind::Invalid => (StatusCode::BAD_REQUEST, IssueCode::Invalid),
        Kind::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, IssueCode::NotSupported),
        Kind::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, IssueCode::NotSupported),
        Kind::UnsupportedMedia => (StatusCode::UNSUPPORTED_MEDIA_TYPE, IssueCode::NotSupported),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, IssueCode::TooLong),
        Kind::AddressTooLong => (StatusCode::URI_TOO_LONG, IssueCode::TooLong),
        Kind::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, IssueCode::TooLong),
        Kind::TooCostly => (StatusCode::UNPROCESSABLE_ENTITY, IssueCode::TooCostly),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, IssueCode::Throttled),
        Kind::UpstreamTimeout => (StatusCode::GATEWAY_TIMEOUT, IssueCode::Timeout),
        Kind::UpstreamDown => (StatusCode::BAD_GATEWAY, IssueCode::Transient),
        Kind::LedgerDown => (StatusCode::SERVICE_UNAVAILABLE, IssueCode::NoStore),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, IssueCode::Transient),
        Kind::Fault => (StatusCode::INTERNAL_SERVER_ERROR, IssueCode::Exception),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portal::ErrorDoc;

    #[test]
    fn every_code_of_an_outcome_has_a_page_that_explains_it() {
        for kind in [
            Kind::Unauthenticated,
            Kind::Expired,
            Kind::Forbidden,
            Kind::NotFound,
            Kind::Gone,
            Kind::Malformed,
            Kind::Invalid,
            Kind::MethodNotAllowed,
            Kind::NotAcceptable,
            Kind::UnsupportedMedia,
            Kind::TooLarge,
            Kind::AddressTooLong,
            Kind::HeadTooLarge,
            Kind::TooCostly,
            Kind::Throttled,
            Kind::UpstreamTimeout,
            Kind::UpstreamDown,
            Kind::LedgerDown,
            Kind::Unavailable,
            Kind::Fault,
        ] {
            let (_, code) = status_of(kind);
            assert_eq!(ErrorDoc::of(code.as_str()), Some(ErrorDoc::Issue(code)), "{kind:?}");
        }
    }
}
