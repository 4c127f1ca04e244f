//! What may come through the door, and where the others are sent.

use crate::authorize::Rejected;
use crate::flow::{Step, Stopped};
use crate::trial::{BROWSER, NOW, REDIRECT, asked, run, told, world};
use crate::{ErrorCode, discovery};

fn rejected(changes: &[(&str, &str)]) -> Rejected {
    run(world().begin(&asked(changes), BROWSER, NOW, || true)).unwrap_err()
}

fn page(changes: &[(&str, &str)]) -> ErrorCode {
    match rejected(changes) {
        Rejected::Page(why) => why.code,
        other @ (Rejected::Redirect { .. } | Rejected::NotNow) => panic!("{other:?}"),
    }
}

fn sent_back(changes: &[(&str, &str)]) -> String {
    match rejected(changes) {
        Rejected::Redirect { location, .. } => location,
        other @ (Rejected::Page(_) | Rejected::NotNow) => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_request_opens_a_flow_that_asks_for_a_sign_in() {
    let world = world();
    let flow = run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap();
    let step = run(world.step(&flow, BROWSER, None, NOW)).unwrap();
    let Step::Login(asking) = step else { panic!() };
    assert_eq!(asking.client.client_id, "reader");
    assert_eq!(asking.answers_to.as_deref(), Some("http://127.0.0.1:8000"));
}

#[test]
fn a_request_that_holds_is_kept_only_when_one_more_may_be_and_others_are_not_counted() {
    assert_eq!(run(world().begin(&asked(&[]), BROWSER, NOW, || false)), Err(Rejected::NotNow));
    let wrong = asked(&[("response_type", "token")]);
    assert!(run(world().begin(&wrong, BROWSER, NOW, || panic!("it is refused before that"))).is_err());
}

#[test]
fn while_client_or_address_are_in_doubt_nobody_is_sent_anywhere() {
    assert_eq!(page(&[("client_id", "")]), ErrorCode::InvalidRequest);
    assert_eq!(page(&[("client_id", "stranger")]), ErrorCode::UnknownClient);
    assert_eq!(page(&[("redirect_uri", "")]), ErrorCode::InvalidRedirectUri);
    assert_eq!(page(&[("redirect_uri", "https://evil.example/cb")]), ErrorCode::InvalidRedirectUri);
    for repeated in ["client_id", "redirect_uri"] {
        let mut twice = asked(&[]);
        twice.push((repeated.to_owned(), "again".to_owned()));
        let why = run(world().begin(&twice, BROWSER, NOW, || true)).unwrap_err();
        assert!(matches!(why, Rejected::Page(_)), "{repeated}");
    }
}

#[test]
fn every_other_error_goes_back_with_state_and_issuer() {
    for (changes, error) in [
        (&[("response_type", "")][..], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("aud", "")], "invalid_request"),
        (&[("aud", "https://other.example/fhir")], "invalid_request"),
        (&[("aud", "https://localhost:8443/fhirx")], "invalid_request"),
        (&[("aud", "https://localhost:8443/fhir//")], "invalid_request"),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", "patient/Observation.c user/*.rs nonsense")], "invalid_scope"),
        (&[("scope", "offline_access")], "invalid_scope"),
        (&[("prompt", "none")], "interaction_required"),
        (&[("request", "eyJ")], "request_not_supported"),
        (&[("request_uri", "https://evil.example")], "request_uri_not_supported"),
    ] {
        let location = sent_back(changes);
        assert!(location.starts_with(&format!("{REDIRECT}?")), "{location}");
        assert_eq!(told(&location, "error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(told(&location, "state").as_deref(), Some("the state"));
        assert_eq!(told(&location, "iss").as_deref(), Some("https://localhost:8443/fhir"));
        let uri = format!("https://localhost:8443/docs/errors/{error}");
        assert_eq!(told(&location, "error_uri"), Some(uri));
        let description = told(&location, "error_description").unwrap();
        assert!(
            description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{description}"
        );
    }
}

#[test]
fn a_repeated_parameter_is_refused() {
    for name in ["scope", "state", "aud", "code_challenge", "anything"] {
        let mut twice = asked(&[("anything", "once")]);
        twice.push((name.to_owned(), "again".to_owned()));
        let Rejected::Redirect { location, .. } = run(world().begin(&twice, BROWSER, NOW, || true)).unwrap_err() else {
            panic!()
        };
        assert_eq!(told(&location, "error").as_deref(), Some("invalid_request"), "{name}");
    }
}

#[test]
fn a_slash_behind_aud_and_an_unknown_parameter_are_forgiven() {
    for changes in [[("aud", "https://localhost:8443/fhir/")], [("state", "")], [("foo", "bar")]] {
        assert!(run(world().begin(&asked(&changes), BROWSER, NOW, || true)).is_ok(), "{changes:?}");
    }
}

#[test]
fn another_browser_and_a_late_one_find_no_flow() {
    let world = world();
    let flow = run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap();
    assert!(matches!(run(world.step(&flow, "other", None, NOW)), Err(Stopped::Lost)));
    assert!(matches!(run(world.step("other", BROWSER, None, NOW)), Err(Stopped::Lost)));
    assert!(matches!(run(world.step(&flow, BROWSER, None, NOW + 600)), Err(Stopped::Lost)));
    assert!(run(world.step(&flow, BROWSER, None, NOW + 599)).is_ok());
}

#[test]
fn discovery_says_only_what_is_done() {
    let settings = world().settings;
    let smart = discovery::smart_configuration(&settings);
    assert_eq!(smart["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(smart["authorization_endpoint"], "https://localhost:8443/oauth/authorize");
    assert_eq!(smart["issuer"], "https://localhost:8443/fhir");
    let openid = discovery::openid_configuration(&settings);
    for shared in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint"] {
        assert_eq!(openid[shared], smart[shared]);
    }
    assert_eq!(openid["id_token_signing_alg_values_supported"], serde_json::json!(["RS256"]));
    let ways = |endpoint: &str| smart[format!("{endpoint}_endpoint_auth_methods_supported")].clone();
    for (endpoint, more) in [("token", "none"), ("revocation", "none"), ("introspection", "Bearer")] {
        let expected = ["client_secret_basic", "client_secret_post", "private_key_jwt", more];
        assert_eq!(ways(endpoint), serde_json::json!(expected), "{endpoint}");
    }
    let every = privacy::Scopes::parse(
        "openid fhirUser profile offline_access online_access launch launch/patient patient/*.rs user/*.rs",
    );
    for scope in smart["scopes_supported"].as_array().unwrap() {
        let scope = scope.as_str().unwrap();
        let allowed = world();
        let may = |id: &str| run(allowed.client(id)).unwrap().unwrap().scopes;
        let asked = privacy::Scopes::parse(scope);
        let offered = if scope.starts_with("system/") {
            crate::offer::offer_to_service(&asked, &may("service"), &settings.served)
        } else {
            crate::offer::offer(&asked, &every, &settings.served)
        };
        assert_eq!(offered.to_string(), scope, "advertised, but not granted");
    }
}
