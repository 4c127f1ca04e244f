//! Documents that anyone may read: what this server can do, and how to authorize with it.

use crate::context::Context;
use crate::respond::{FHIR_JSON, JSON, Public, Reply};
use http::{StatusCode, header};
use privacy::{Kind, Refusal};
use smart::discovery;

/// `/metadata`.
pub(crate) fn capabilities(cx: &Context) -> Reply {
    Reply::Public(Public::ok(FHIR_JSON, cx.capabilities.clone()))
}

/// `/.well-known/smart-configuration`.
pub(crate) fn smart_configuration(cx: &Context) -> Reply {
    Reply::Public(Public::ok(JSON, discovery::smart_configuration(&cx.authority.settings).to_string()))
}

/// `/.well-known/openid-configuration`.
pub(crate) fn openid_configuration(cx: &Context) -> Reply {
    Reply::Public(Public::ok(JSON, discovery::openid_configuration(&cx.authority.settings).to_string()))
}

/// The public keys.
pub(crate) fn jwks(cx: &Context) -> Reply {
    Reply::Public(Public::ok(JSON, cx.authority.jwks().to_string()))
}

/// How our pages look, in SMART's words. Its name holds its digest, so it may be kept for good.
pub(crate) fn smart_style() -> Reply {
    let document = Public::ok(JSON, portal::SMART_STYLE);
    Reply::Public(document.with(header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
}

/// Whether records can be had, and that recorded.
pub(crate) async fn ready(cx: &Context) -> Reply {
    if cx.gate.ledger().is_up() && cx.records.ready().await {
        let document = Public { status: StatusCode::OK, ..Public::ok("text/plain", "ready\n") };
        return Reply::Public(document);
    }
    Reply::stranger(
        Refusal::new(Kind::Unavailable, "Records cannot be had, or that cannot be recorded.").retry_after(5),
    )
}
