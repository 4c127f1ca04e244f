//! Why there is no answer, in two texts: one for the caller, one for us.
//!
//! The caller's text is a fixed sentence that may name a parameter or an element, never a value. The private text never
//! reaches a body.

use std::borrow::Cow;
use std::fmt;

/// What kind of failure it was; the HTTP status and the issue code follow from it (house rules of `server::respond`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No credentials, or ones that do not hold: 401 `login`.
    Unauthenticated,
    /// The credentials have run out: 401 `expired`.
    Expired,
    /// Scope or purpose do not reach: 403 `forbidden`.
    Forbidden,
    /// Not there, or hidden: 404 `not-found`, the same bytes for both.
    NotFound,
    /// A page link that no longer leads anywhere: 410 `expired`.
    Gone,
    /// The request cannot be read: 400 `structure`.
    Malformed,
    /// The request can be read but not meant: 400 `invalid`.
    Invalid,
    /// The method is not for this address: 405 `not-supported`.
    MethodNotAllowed,
    /// None of the formats asked for can be given: 406 `not-supported`.
    NotAcceptable,
    /// The body is of a type that is not read here: 415 `not-supported`.
    UnsupportedMedia,
    /// Too much was sent: 413 `too-long`.
    TooLarge,
    /// The address is too long: 414 `too-long`.
    AddressTooLong,
    /// The headers are too many or too long: 431 `too-long`.
    HeadTooLarge,
    /// Too much was asked for: 422 `too-costly`.
    TooCostly,
    /// Too often: 429 `throttled`, with `Retry-After`.
    Throttled,
    /// The server behind us did not answer in time: 504 `timeout`.
    UpstreamTimeout,
    /// The server behind us is down or talks nonsense: 502 `transient`.
    UpstreamDown,
    /// The ledger does not take entries: 503 `no-store`.
    LedgerDown,
    /// We are stopping or full: 503 `transient`.
    Unavailable,
    /// Our own mistake: 500 `exception`.
    Fault,
}

/// There is no answer, and this is why.
#[derive(Debug)]
pub struct Refusal {
    kind: Kind,
    public: Cow<'static, str>,
    private: Option<String>,
    expression: Option<String>,
    retry_after_s: Option<u32>,
}

impl Refusal {
    /// A refusal with its text for the caller: a fixed sentence that may name a parameter or element, never a value.
    pub fn new(kind: Kind, public: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { kind, public: public.into(), private: None, expression: None, retry_after_s: None }
    }

    /// Scope or purpose do not reach.
    pub fn forbidden(public: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(Kind::Forbidden, public)
    }

    /// Not there or hidden: always the same words.
    pub fn not_found() -> Refusal {
        Refusal::new(Kind::NotFound, "There is no such resource for this token.")
    }

    /// Our own mistake; what happened is for us alone.
    pub fn fault(private: impl fmt::Display) -> Refusal {
        Refusal::new(
            Kind::Fault,
            "The gateway could not finish this request. Try again; if it stays, tell the operator the correlation id.",
        )
        .because(private)
    }

    /// The reason for our own log; it has no path to a body.
    pub fn because(mut self, private: impl fmt::Display) -> Refusal {
        self.private = Some(private.to_string());
        self
    }

    /// The parameter or element that is at fault.
    pub fn at(mut self, expression: impl Into<String>) -> Refusal {
        self.expression = Some(expression.into());
        self
    }

    /// When to try again, in seconds.
    pub fn retry_after(mut self, seconds: u32) -> Refusal {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The caller's text.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Our text.
    pub fn private(&self) -> Option<&str> {
        self.private.as_deref()
    }

    /// The parameter or element at fault.
    pub fn expression(&self) -> Option<&str> {
        self.expression.as_deref()
    }

    /// Seconds until it may work again.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }
}

/// A refusal that has been through the gate: when the principal is known it stands on the ledger, or another of the same
/// second does where it is for asking too often.
#[derive(Debug)]
pub struct Refused(Refusal);

impl Refused {
    /// Only the gate and the steps before anyone is known make one.
    pub(crate) fn new(why: Refusal) -> Refused {
        Refused(why)
    }

    /// For refusals before anyone is known: there is no principal to record.
    pub fn of_a_stranger(why: Refusal) -> Refused {
        Refused(why)
    }

    /// For someone known who asks too often, where a refusal of the same moment stands on the ledger already: else a flood
    /// of requests would be a flood of entries.
    pub fn unrecorded(why: Refusal) -> Refused {
        Refused(why)
    }

    /// Why.
    pub fn why(&self) -> &Refusal {
        &self.0
    }
}
