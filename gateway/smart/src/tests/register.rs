//! Apps that register themselves: what they get, what they cannot get, and that each looks after itself alone.

use crate::metadata::Metadata;
use crate::oauth_error::ErrorCode;
use crate::register::Registration;
use crate::trial::{BROWSER, CHALLENGE, NOW, Trial, VERIFIER, key_set, pairs, run, signed_in, told, world};
use crate::{Authority, OauthError};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/cb";

/// What the usual app says, with these members changed; null takes one away.
fn metadata(changes: &Value) -> Result<Metadata, OauthError> {
    let mut all =
        json!({ "client_name": "Heart Buddy", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    Metadata::read(all.to_string().as_bytes())
}

fn register(world: &Authority<Trial>, changes: &Value) -> Result<Registration, OauthError> {
    run(world.register(&metadata(changes)?, NOW))
}

/// A launch of a registered app, to the form that redeems its code.
fn agreed(world: &Authority<Trial>, app: &Registration, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let asked = pairs(&[
        ("client_id", &app.client_id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "launch/patient offline_access patient/*.rs user/*.rs system/*.rs"),
        ("aud", "https://localhost:8443/fhir"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let flow = run(world.begin(&asked, BROWSER, NOW, || true)).unwrap();
    let session = signed_in(world, &flow, "ana");
    let step = run(world.step(&flow, BROWSER, Some(&session), NOW)).unwrap();
    let crate::flow::Step::Consent(_, consent) = step else { panic!("no consent page") };
    let patient = consent.patient.as_ref().map(fhir::Id::as_str);
    let word = crate::consent::Word { kept: &consent.items, patient };
    let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
    let mut form = pairs(&[
        ("grant_type", "authorization_code"),
        ("client_id", &app.client_id),
        ("code", &told(&location, "code").unwrap()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    form.extend(pairs(more));
    form
}

/// The same, to its tokens.
fn launched(world: &Authority<Trial>, app: &Registration, more: &[(&str, &str)]) -> Value {
    let form = agreed(world, app, more);
    let tokens = run(world.token(None, &form, NOW)).unwrap_or_else(|why| panic!("{}", why.description));
    serde_json::from_str(&tokens.body().unwrap()).unwrap()
}

#[test]
fn an_app_is_live_at_once_and_gets_a_patients_scopes_and_purpose_alone() {
    let world = world();
    let asked = json!({ "scope": "launch/patient offline_access patient/*.rs user/*.rs system/*.rs nonsense" });
    let app = register(&world, &asked).unwrap();
    assert_eq!(app.scope, "launch/patient offline_access patient/*.rs");
    let kept = run(world.client(&app.client_id)).unwrap().unwrap();
    assert_eq!(kept.purposes, [privacy::Purpose::PatientRequest]);
    assert!(kept.by_itself.is_some() && !kept.resource_server);
    let tokens = launched(&world, &app, &[]);
    assert_eq!(
        (&tokens["scope"], &tokens["patient"]),
        (&json!("launch/patient offline_access patient/*.rs"), &json!("ana"))
    );
    let flow = run(world.begin(
        &pairs(&[
            ("client_id", &app.client_id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "patient/*.rs"),
            ("aud", "https://localhost:8443/fhir"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]),
        BROWSER,
        NOW,
        || true,
    ))
    .unwrap();
    let doctor = signed_in(&world, &flow, "cleo");
    let step = run(world.step(&flow, BROWSER, Some(&doctor), NOW)).unwrap();
    assert!(matches!(step, crate::flow::Step::Unfit(_, crate::flow::Unfit::NotForClinicians)));
}

#[test]
fn each_way_of_proof_is_registered_and_secrets_are_told_once_and_kept_as_digests() {
    let world = world();
    for method in ["client_secret_basic", "client_secret_post"] {
        let app = register(&world, &json!({ "token_endpoint_auth_method": method })).unwrap();
        assert_eq!((app.token_endpoint_auth_method, app.client_secret_expires_at), (method, Some(0)));
        let secret = app.client_secret.clone().unwrap();
        assert_eq!(launched(&world, &app, &[("client_secret", &secret)])["patient"], "ana");
        let read = run(world.registration(&app.client_id, &app.registration_access_token)).unwrap();
        assert_eq!((&read.client_secret, read.token_endpoint_auth_method), (&None, method));
        assert_eq!(read.registration_access_token, app.registration_access_token);
        let kept = world.ports.everything();
        assert!(!kept.contains(&secret) && !kept.contains(&app.registration_access_token));
    }
    let usual = register(&world, &json!({ "token_endpoint_auth_method": null })).unwrap();
    assert_eq!(usual.token_endpoint_auth_method, "client_secret_basic", "RFC 7591 section 2");
    let set: Value = serde_json::from_str(&key_set("one", "the key")).unwrap();
    let keys = register(&world, &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": set })).unwrap();
    assert_eq!((keys.jwks, keys.client_secret), (Some(set), None));
    let at = "https://app.example/jwks";
    let at = register(&world, &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": at })).unwrap();
    assert_eq!((at.jwks_uri.as_deref(), at.jwks), (Some("https://app.example/jwks"), None));
    let public = register(&world, &json!({})).unwrap();
    assert!(public.client_secret.is_none() && public.client_secret_expires_at.is_none());
}

#[test]
fn what_cannot_be_registered_is_named() {
    let world = world();
    let set = json!({ "keys": [] });
    let many: Vec<String> = (0..11).map(|nth| format!("https://app.example/{nth}")).collect();
    let name = ErrorCode::InvalidClientMetadata;
    let address = ErrorCode::InvalidRedirectUri;
    for (changes, code, named) in [
        (json!({ "client_name": null }), name, "client_name"),
        (json!({ "client_name": " " }), name, "client_name"),
        (json!({ "client_name": "x".repeat(61) }), name, "client_name"),
        (json!({ "client_name": "Hospital\u{202e}" }), name, "client_name"),
        (json!({ "client_name": "<b>Hospital</b>" }), name, "client_name"),
        (json!({ "client_name": 7 }), name, "column"),
        (json!({ "redirect_uris": null }), address, "redirect_uris"),
        (json!({ "redirect_uris": many }), address, "redirect_uris"),
        (json!({ "redirect_uris": [CALLBACK, "https://app.example/cb#x"] }), address, "redirect_uris"),
        (json!({ "redirect_uris": ["http://app.example/cb"] }), address, "redirect_uris"),
        (json!({ "redirect_uris": ["com.example.app:/cb"] }), address, "redirect_uris"),
        (json!({ "redirect_uris": ["https://*.example/cb"] }), address, "redirect_uris"),
        (json!({ "token_endpoint_auth_method": "tls_client_auth" }), name, "token_endpoint_auth_method"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), name, "jwks"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": set }), name, "jwks"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://x/jwks" }), name, "jwks"),
        (json!({ "jwks_uri": "https://app.example/jwks" }), name, "jwks"),
        (json!({ "grant_types": ["authorization_code", "client_credentials"] }), name, "grant_types"),
        (json!({ "grant_types": ["password"] }), name, "grant_types"),
        (json!({ "response_types": ["token"] }), name, "grant_types"),
        (json!({ "scope": "system/*.rs user/*.rs" }), name, "scope"),
        (json!({ "scope": "offline_access" }), name, "scope"),
        (json!({ "tos_uri": "javascript:alert(1)" }), name, "tos_uri"),
    ] {
        let why = register(&world, &changes).err().unwrap_or_else(|| panic!("{changes} was registered"));
        assert_eq!(why.code, code, "{changes}: {}", why.description);
        assert!(why.description.contains(named), "{changes}: {}", why.description);
        let fit = |letter: char| matches!(letter, ' '..='~') && !"\"\\".contains(letter);
        assert!(why.description.chars().all(fit), "{changes}: {}", why.description);
    }
    for body in ["", "[]", "null", "{", r#"{"client_name":"a","client_name":"b"}"#] {
        assert_eq!(Metadata::read(body.as_bytes()).unwrap_err().code, ErrorCode::InvalidClientMetadata, "{body}");
    }
}

#[test]
fn an_app_looks_after_itself_alone() {
    let world = world();
    let (one, other) = (register(&world, &json!({})).unwrap(), register(&world, &json!({})).unwrap());
    let changed = metadata(&json!({ "client_name": "Other", "client_id": one.client_id })).unwrap();
    for (id, token) in [
        (one.client_id.as_str(), other.registration_access_token.as_str()),
        (&one.client_id, ""),
        (&one.client_id, &one.client_id),
        ("nobody", &one.registration_access_token),
        ("reader", &one.registration_access_token),
    ] {
        let refused = |why: Option<OauthError>| {
            let why = why.unwrap();
            (why.code, why.description.into_owned())
        };
        let read = refused(run(world.registration(id, token)).err());
        assert_eq!(read.0, ErrorCode::InvalidToken);
        if id == one.client_id {
            assert_eq!(refused(run(world.change_registration(id, token, &changed, NOW)).err()), read);
        }
        assert_eq!(refused(run(world.end_registration(id, token, NOW)).err()), read, "one answer for all");
    }
    assert!(run(world.registration(&one.client_id, &one.registration_access_token)).is_ok());
}

#[test]
fn a_change_goes_through_every_rule_and_ends_what_was_allowed_to_another_app_than_it_is_now() {
    let world = world();
    let app = register(&world, &json!({ "token_endpoint_auth_method": "client_secret_basic" })).unwrap();
    let (id, token) = (app.client_id.as_str(), app.registration_access_token.as_str());
    let secret = app.client_secret.clone().unwrap();
    let usual = json!({ "client_id": id, "token_endpoint_auth_method": "client_secret_basic" });
    let change = |more: &Value| {
        let mut all = usual.clone();
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        run(world.change_registration(id, token, &metadata(&all)?, NOW))
    };
    for (more, code) in [
        (json!({ "redirect_uris": ["https://evil.example/#"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "scope": "system/*.rs" }), ErrorCode::InvalidClientMetadata),
        (json!({ "client_name": "\u{202e}" }), ErrorCode::InvalidClientMetadata),
        (json!({ "client_id": "reader" }), ErrorCode::InvalidClientMetadata),
        (json!({ "client_id": null }), ErrorCode::InvalidClientMetadata),
    ] {
        assert_eq!(change(&more).err().unwrap().code, code, "{more}");
    }
    let grants = |world: &Authority<Trial>| world.grants_alive(NOW).iter().filter(|grant| grant.client == id).count();
    launched(&world, &app, &[("client_secret", &secret)]);
    let same = change(&json!({ "redirect_uris": [CALLBACK, "https://app.example/two"] })).unwrap();
    assert_eq!((same.redirect_uris.len(), same.client_secret), (2, None), "its secret goes on");
    assert_eq!(grants(&world), 1);
    launched(&world, &app, &[("client_secret", &secret)]);
    assert_eq!(change(&json!({ "client_name": "Your Hospital" })).unwrap().client_name, "Your Hospital");
    assert_eq!(grants(&world), 0, "people allowed an app of another name");
    launched(&world, &app, &[("client_secret", &secret)]);
    let public = change(&json!({ "client_name": "Your Hospital", "token_endpoint_auth_method": "none" })).unwrap();
    assert_eq!((public.token_endpoint_auth_method, grants(&world)), ("none", 0));
    let again = change(&json!({ "client_name": "Your Hospital" })).unwrap();
    assert!(again.client_secret.is_some_and(|again| again != secret), "another one, told this once");
}

#[test]
fn an_app_that_is_taken_back_or_switched_off_opens_nothing_any_more() {
    let world = world();
    let (gone, off) = (register(&world, &json!({})).unwrap(), register(&world, &json!({})).unwrap());
    let tokens = [&gone, &off].map(|app| launched(&world, app, &[])["access_token"].as_str().unwrap().to_owned());
    run(world.end_registration(&gone.client_id, &gone.registration_access_token, NOW)).unwrap();
    assert_eq!(run(world.switch_registration(&off.client_id, false, NOW)), Ok(Some(1)));
    for (app, token) in [&gone, &off].into_iter().zip(&tokens) {
        assert!(world.principal(token, NOW).is_err());
        assert!(run(world.registration(&app.client_id, &app.registration_access_token)).is_err());
    }
    assert!(run(world.client(&gone.client_id)).unwrap().is_none());
    assert_eq!(run(world.switch_registration(&off.client_id, true, NOW)), Ok(Some(0)));
    assert!(run(world.registration(&off.client_id, &off.registration_access_token)).is_ok());
    for configured in ["reader", "nobody"] {
        assert_eq!(run(world.switch_registration(configured, false, NOW)), Ok(None), "{configured}");
    }
    let reader = run(world.client("reader")).unwrap().unwrap();
    assert_eq!(run(world.remove_registration(&reader, NOW)), Ok(None));
    assert!(run(world.client("reader")).unwrap().is_some_and(|client| client.enabled));
}

#[test]
fn discovery_names_the_endpoint_only_where_it_is_open() {
    let mut world = world();
    assert!(crate::discovery::smart_configuration(&world.settings).get("registration_endpoint").is_none());
    world.settings.registration_open = true;
    for told in [crate::discovery::smart_configuration, crate::discovery::openid_configuration] {
        assert_eq!(told(&world.settings)["registration_endpoint"], "https://localhost:8443/oauth/register");
    }
}

#[test]
fn what_a_person_agreed_to_is_not_redeemed_by_an_app_that_has_become_another_nor_is_another_called_like_one_of_the_house()
 {
    let world = world();
    let app = register(&world, &json!({})).unwrap();
    let (id, token) = (app.client_id.as_str(), app.registration_access_token.as_str());
    let change = |name: &str| {
        let all = json!({ "client_id": id, "client_name": name });
        run(world.change_registration(id, token, &metadata(&all)?, NOW)).map(|_| ())
    };
    let form = agreed(&world, &app, &[]);
    change("Ad Broker").unwrap();
    let why = run(world.token(None, &form, NOW)).err().unwrap();
    assert_eq!(why.code, ErrorCode::InvalidGrant);
    assert!(why.description.contains("registration was changed") && world.grants_alive(NOW).is_empty());
    let of_the_house =
        run(world.clients()).unwrap().into_iter().find(|client| client.by_itself.is_none()).unwrap().name;
    for name in [of_the_house.clone(), format!("  {}", of_the_house.to_uppercase())] {
        assert_eq!(change(&name).err().unwrap().code, ErrorCode::InvalidClientMetadata, "{name}");
        assert!(register(&world, &json!({ "client_name": name })).is_err(), "{name}");
    }
}
