//! The page where a developer registers an app, which is live at once. The form belongs to this browser.

use super::browser::{Browser, keep_browser};
use super::{document, page as shown, page_later};
use crate::clock;
use crate::context::Context;
use crate::request::Request;
use crate::respond::{Credential, HTML, Reply};
use http::{Method, StatusCode, header};
use portal::{Message, Proof, RegisterFault, RegisterForm, message};
use privacy::Refusal;
use smart::ErrorCode;
use smart::metadata::Metadata;
use smart::settings::REGISTER_PAGE;

/// The page, and registering.
pub(super) async fn page(cx: &Context, request: &Request, browser: &Browser) -> Reply {
    if !cx.authority.settings.registration_open {
        return shown(message(&browser.frame(None), &Message::NoPage), StatusCode::NOT_FOUND);
    }
    let fields = match (&request.method, request.form_pairs()) {
        (&Method::POST, Ok(fields)) => fields,
        (&Method::POST, Err(why)) => return Reply::stranger(why),
        (_, _) => Vec::new(),
    };
    let (own, fresh) = match &browser.token {
        Some(token) => (token.clone(), false),
        None => (certs::random::token(), true),
    };
    let of = |name: &str| fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str().trim());
    let form = |fault: Option<RegisterFault>| RegisterForm {
        frame: browser.frame(Some(REGISTER_PAGE.to_owned())),
        token: cx.authority.form_token(&own),
        name: of("name").to_owned(),
        addresses: of("addresses").to_owned(),
        proof: Proof::of(of("proof")),
        keys: of("keys").to_owned(),
        fault,
    };
    let again = |fault, status| {
        let document = document(portal::register(&form(fault)), status);
        Reply::Public(if fresh { document.with(header::SET_COOKIE, keep_browser(&own)) } else { document })
    };
    if request.method != Method::POST {
        return again(None, StatusCode::OK);
    }
    if !cx.authority.is_form_of(browser.token.as_deref(), of("form")) {
        return again(Some(RegisterFault::Stale), StatusCode::FORBIDDEN);
    }
    let metadata = match described(&form(None)) {
        Ok(metadata) => metadata,
        Err(fault) => return again(Some(fault), StatusCode::OK),
    };
    if let Some(fault) = cx.authority.registration_fault(&metadata) {
        return again(Some(RegisterFault::Unfit(fault)), StatusCode::OK);
    }
    if let Err(why) = cx.limits.registration(request.remote) {
        return page_later(portal::register(&form(Some(RegisterFault::TooMany))), wait(&why));
    }
    match cx.authority.register(&metadata, clock::now().seconds()).await {
        Ok(registration) => {
            tracing::info!("an app registered itself");
            // It tells a secret, this once.
            let html = portal::registered(&browser.frame(None), &registration);
            let headers = vec![
                (header::CONTENT_SECURITY_POLICY, html.content_security_policy()),
                (header::CONTENT_LANGUAGE, html.locale.tag().to_owned()),
            ];
            Reply::Credential(Credential { status: StatusCode::OK, media: HTML, headers, body: html.body.into() })
        }
        Err(why) if why.code == ErrorCode::TemporarilyUnavailable && why.private.is_none() => {
            again(Some(RegisterFault::Full), StatusCode::SERVICE_UNAVAILABLE)
        }
        Err(why) => {
            tracing::error!(why = why.private.as_deref().unwrap_or(&why.description), "no app can be registered");
            shown(message(&browser.frame(None), &Message::Unavailable), StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

fn wait(why: &Refusal) -> u32 {
    why.retry_after_s().unwrap_or(60)
}

/// What the form says of the app.
fn described(form: &RegisterForm) -> Result<Metadata, RegisterFault> {
    let addresses = form.addresses.lines().map(str::trim).filter(|line| !line.is_empty());
    let metadata = Metadata {
        client_name: Some(form.name.clone()),
        redirect_uris: addresses.map(str::to_owned).collect(),
        ..Metadata::default()
    };
    let method = |method: &str| Some(method.to_owned());
    Ok(match form.proof {
        Proof::Nothing => Metadata { token_endpoint_auth_method: method("none"), ..metadata },
        Proof::Secret => Metadata { token_endpoint_auth_method: method("client_secret_basic"), ..metadata },
        Proof::Keys if form.keys.starts_with("https://") => Metadata {
            token_endpoint_auth_method: method("private_key_jwt"),
            jwks_uri: Some(form.keys.clone()),
            ..metadata
        },
        Proof::Keys => Metadata {
            token_endpoint_auth_method: method("private_key_jwt"),
            jwks: serde_json::from_str(&form.keys).map_err(|_| RegisterFault::Unfit(smart::metadata::Fault::Keys))?,
            ..metadata
        },
    })
}
