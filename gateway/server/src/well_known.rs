//! Documents that anyone may read: what this server can do, and how to authorize with it.

use crate::context::Context;
use crate::interaction::read::Condition;
use crate::keys::JWKS_KEPT_S;
use crate::request::Request;
use crate::respond::{FHIR_JSON, JSON, Public, Reply};
use crate::short_digest;
use bytes::Bytes;
use conformance::brand::{Brand, Place};
use conformance::capability;
use fhir::Instant;
use http::{StatusCode, header};
use privacy::{Kind, Refusal};
use serde_json::Value;
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

/// What `/metadata` says of authorization in another way than the well-known documents, as a sentence. All of them are made
/// from one set of settings; this looks at what will be sent.
pub(crate) fn disagreement(statement: &[u8], settings: &Settings) -> Option<String> {
    let Ok(statement) = serde_json::from_slice::<Value>(statement) else {
        return Some("/metadata cannot be read".to_owned());
    };
    let (smart, openid) = (discovery::smart_configuration(settings), discovery::openid_configuration(settings));
    let security = &statement["rest"][0]["security"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let uris = list(&security["extension"]).into_iter().find(|own| own["url"] == capability::OAUTH_URIS);
    let uris = list(&uris.unwrap_or_default()["extension"]);
    let told = |name: &str| uris.iter().find(|own| own["url"] == name).map(|own| own["valueUri"].clone());
    let coded = list(&security["service"]).iter().any(|service| service["coding"][0]["code"] == "SMART-on-FHIR");
    if !coded {
        return Some(
            "/metadata does not say that authorization is SMART-on-FHIR, as smart-configuration does".to_owned(),
        );
    }
    for (name, member) in [("authorize", "authorization_endpoint"), ("token", "token_endpoint")] {
        let said = told(name).unwrap_or_default();
        if said != smart[member] {
            let other = &smart[member];
            return Some(format!("/metadata says {said} for {name}, and smart-configuration {other} for {member}"));
        }
    }
    let base = &statement["implementation"]["url"];
    if *base != smart["issuer"] {
        return Some(format!("/metadata says that the base is {base}, and smart-configuration {}", smart["issuer"]));
    }
    let shared = smart.as_object().into_iter().flatten().filter(|(name, _)| openid.get(name.as_str()).is_some());
    let odd = shared.into_iter().find(|(name, value)| openid[name.as_str()] != **value);
    odd.map(|(name, value)| {
        format!("smart-configuration says {value} for {name}, and openid-configuration {}", openid[name.as_str()])
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use conformance::capability::{Claims, Oauth, statement};
    use fhir::ResourceType;
    use smart::settings::{AUTHORIZE, TOKEN};

    fn said(settings: &Settings, oauth: Option<Oauth>) -> Vec<u8> {
        let (software_version, date) = ("0".to_owned(), "2026".to_owned());
        statement(&Claims { software_version, fhir_base: settings.fhir_base.clone(), date, kinds: Vec::new(), oauth })
    }

    #[test]
    fn what_is_sent_is_held_together_and_a_difference_is_named() {
        let settings = Settings::new("https://here", &[ResourceType::Patient]);
        let oauth = Oauth { authorize: settings.at(AUTHORIZE), token: settings.at(TOKEN) };
        assert_eq!(disagreement(&said(&settings, Some(oauth.clone())), &settings), None);
        let elsewhere = Oauth { token: "https://elsewhere/token".to_owned(), ..oauth.clone() };
        let why = disagreement(&said(&settings, Some(elsewhere)), &settings).unwrap();
        assert!(why.contains("https://elsewhere/token") && why.contains("https://here/oauth/token"), "{why}");
        assert!(disagreement(&said(&settings, None), &settings).unwrap().contains("SMART-on-FHIR"));
        let other = Settings::new("https://other", &[ResourceType::Patient]);
        assert!(disagreement(&said(&settings, Some(oauth)), &other).is_some());
        assert!(disagreement(b"{", &settings).is_some());
    }
}
