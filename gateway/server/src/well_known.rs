//! Documents that anyone may read: what this server can do, and how to authorize with it.

use crate::context::Context;
use crate::interaction::read::Condition;
use crate::keys::JWKS_KEPT_S;
use crate::request::Request;
use crate::respond::{FHIR_JSON, JSON, Public, Reply};
use crate::short_digest;
use bytes::Bytes;
use conformance::brand::{Brand, Place};
use fhir::Instant;
use http::{StatusCode, header};
use privacy::{Kind, Refusal};
use smart::settings::{ACCOUNT, BRANDS};
use smart::{Settings, discovery};

/// How long others may keep the brands before they ask whether they are still so.
const BRANDS_KEPT: &str = "public, max-age=3600";

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

/// The bundle of user-access brands, ready to send.
pub(crate) struct Brands {
    body: Bytes,
    tag: String,
}

impl Brands {
    /// The bundle of one brand; its entity tag follows from its content.
    pub(crate) fn new(brand: &Brand, settings: &Settings, changed: Instant) -> Brands {
        let place = Place {
            bundle: &settings.at(BRANDS),
            fhir_base: &settings.fhir_base,
            portal: &settings.at(ACCOUNT),
            developers: &settings.at("/"),
        };
        let body = conformance::brand::bundle(brand, &place, changed);
        Brands { tag: format!("\"{}\"", short_digest(body.as_bytes())), body: body.into() }
    }
}

/// The brands (SMART App Launch 2.2.0, "User-access Brands and Endpoints"): not again for who has them already.
pub(crate) fn brands(cx: &Context, request: &Request) -> Reply {
    let Some(Brands { body, tag }) = &cx.brands else { return Reply::stranger(Refusal::not_found()) };
    let known = Condition::of(request).holds(tag);
    let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let document = Public { status, ..Public::ok(FHIR_JSON, body.clone()) };
    Reply::Public(document.with(header::ETAG, tag.as_str()).with(header::CACHE_CONTROL, BRANDS_KEPT))
}

/// The public keys. Whoever keeps them longer than this may meet a key that they do not know.
pub(crate) fn jwks(cx: &Context) -> Reply {
    let document = Public::ok(JSON, cx.authority.jwks().to_string());
    Reply::Public(document.with(header::CACHE_CONTROL, format!("public, max-age={JWKS_KEPT_S}")))
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
