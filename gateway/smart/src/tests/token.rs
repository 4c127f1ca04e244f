//! Codes and what they are worth.

use crate::trial::{NOW, REDIRECT, SECRET, Trial, VERIFIER, code, hundred, id, pairs, redeeming, run, world};
use crate::{Authority, ErrorCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn error(world: &Authority<Trial>, code: &str, changes: &[(&str, &str)], now_s: i64) -> ErrorCode {
    run(world.token(None, &redeeming(code, changes), now_s)).err().expect("refused").code
}

#[test]
fn a_code_gives_what_was_allowed() {
    let world = world();
    let code = code(&world, "ana", &[]);
    let tokens = run(world.token(None, &redeeming(&code, &[("state", "x")]), NOW + 5)).unwrap();
    assert_eq!(tokens.token_type, "Bearer");
    assert_eq!(tokens.expires_in, 3600);
    assert_eq!(tokens.scope, "openid fhirUser launch/patient offline_access patient/*.rs");
    assert_eq!(tokens.patient.as_deref(), Some("ana"));
    assert!(tokens.refresh_token.is_some());
    let claims = Trial::open(&tokens.access_token);
    assert_eq!(claims["sub"], "account-of-ana");
    assert_eq!(claims["patient"], "ana");
    assert_eq!(claims["fhirUser"], "https://localhost:8443/fhir/Patient/ana");
    assert_eq!(claims["purpose"], "PATRQT");
    assert_eq!(claims["exp"], NOW + 3605);
    let about = Trial::open(&tokens.id_token.unwrap());
    assert_eq!(about["aud"], "reader");
    assert_eq!(about["nonce"], "the nonce");
    assert_eq!(about["auth_time"], NOW);
    assert_eq!(about["fhirUser"], "https://localhost:8443/fhir/Patient/ana");
}

#[test]
fn without_offline_access_and_openid_there_is_one_token_and_it_ends_with_the_hour() {
    let world = world();
    let code = code(&world, "ana", &[("scope", "patient/Observation.read")]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    assert_eq!(tokens.scope, "patient/Observation.read");
    assert_eq!(tokens.patient.as_deref(), Some("ana"), "a patient scope sets a patient");
    assert_eq!((tokens.refresh_token, tokens.id_token), (None, None));
    assert!(Trial::open(&tokens.access_token).get("fhirUser").is_none());
    assert!(world.principal(&tokens.access_token, NOW + 3599).is_ok());
    assert!(world.principal(&tokens.access_token, NOW + 3600).is_err());
}

#[test]
fn identity_alone_has_no_patient() {
    let world = world();
    let code = code(&world, "ana", &[("scope", "openid fhirUser")]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    assert_eq!(tokens.patient, None);
    assert!(world.principal(&tokens.access_token, NOW).unwrap().subject.patients().is_empty());
}

#[test]
fn a_code_needs_everything_that_belongs_to_it_and_is_worth_nothing_after_a_wrong_try() {
    for (changes, expected) in [
        (&[("code_verifier", "")][..], ErrorCode::InvalidRequest),
        (&[("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")], ErrorCode::InvalidGrant),
        (&[("redirect_uri", "")], ErrorCode::InvalidRequest),
        (&[("redirect_uri", "http://127.0.0.1:8001/cb")], ErrorCode::InvalidGrant),
        (&[("client_id", "keeper"), ("client_secret", SECRET)], ErrorCode::InvalidGrant),
    ] {
        let world = world();
        let code = code(&world, "ana", &[]);
        assert_eq!(error(&world, &code, changes, NOW), expected, "{changes:?}");
        assert_eq!(error(&world, &code, &[], NOW), ErrorCode::InvalidGrant);
        assert!(world.grants_alive(NOW).is_empty());
    }
}

#[test]
fn a_code_runs_out_after_a_minute() {
    let world = world();
    let late = code(&world, "ana", &[]);
    assert_eq!(error(&world, &late, &[], NOW + 60), ErrorCode::InvalidGrant);
    let just = code(&world, "ana", &[]);
    assert!(run(world.token(None, &redeeming(&just, &[]), NOW + 59)).is_ok());
}

#[test]
fn a_code_used_twice_ends_what_it_gave() {
    let world = world();
    let code = code(&world, "ana", &[]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    assert!(world.principal(&tokens.access_token, NOW).is_ok());
    assert_eq!(
        error(&world, &code, &[("client_id", "keeper"), ("client_secret", SECRET)], NOW),
        ErrorCode::InvalidGrant
    );
    assert!(world.principal(&tokens.access_token, NOW).is_ok(), "another client cannot end it");
    assert_eq!(error(&world, &code, &[], NOW + 30), ErrorCode::InvalidGrant);
    assert!(world.principal(&tokens.access_token, NOW).is_err());
    let refresh = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh_token.unwrap()),
        ("client_id", "reader"),
    ]);
    assert!(run(world.token(None, &refresh, NOW)).is_err());
}

#[test]
fn of_a_hundred_who_redeem_a_code_at_once_one_succeeds() {
    let world = world();
    let code = code(&world, "ana", &[]);
    let (world, answers) = hundred(world, move |world| run(world.token(None, &redeeming(&code, &[]), NOW)));
    let tokens: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert_eq!(tokens.len(), 1);
    assert!(world.principal(&tokens[0].access_token, NOW).is_err(), "the others showed that the code was stolen");
}

#[test]
fn what_changed_between_consent_and_redemption_counts() {
    let off = |world: &Authority<Trial>| {
        let mut ana = run(world.account("ana")).unwrap().unwrap();
        ana.enabled = false;
        run(world.put_account(&ana)).unwrap();
    };
    let replaced = |world: &Authority<Trial>| {
        let mut ana = run(world.account("ana")).unwrap().unwrap();
        ana.id = "another person of the same name".to_owned();
        run(world.put_account(&ana)).unwrap();
    };
    let purpose = |world: &Authority<Trial>| {
        let mut client = run(world.client("reader")).unwrap().unwrap();
        client.purposes.clear();
        run(world.put_client(&client)).unwrap();
    };
    for change in [&off as &dyn Fn(&Authority<Trial>), &replaced, &purpose] {
        let world = world();
        let code = code(&world, "ana", &[]);
        change(&world);
        assert_eq!(error(&world, &code, &[], NOW), ErrorCode::InvalidGrant);
        assert!(world.grants_alive(NOW).is_empty());
    }
}

#[test]
fn a_care_relationship_that_ended_gives_no_token() {
    let world = world();
    world.ports.care.lock().unwrap().insert("cleo".to_owned(), vec![id("ben")]);
    let code = code(&world, "cleo", &[]);
    world.ports.care.lock().unwrap().clear();
    assert_eq!(error(&world, &code, &[], NOW), ErrorCode::InvalidGrant);
}

#[test]
fn a_confidential_client_proves_itself_in_any_usual_way() {
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    let raw = basic(format!("keeper:{SECRET}"));
    let encoded = basic("keeper:a+secret%2Fwith%2Bsigns".to_owned());
    for (header, client_id, secret) in [
        (Some(raw.as_str()), "", ""),
        (Some(&raw), "keeper", ""),
        (Some(&encoded), "keeper", ""),
        (None, "keeper", SECRET),
    ] {
        let world = world();
        let code = code(&world, "ana", &[("client_id", "keeper")]);
        let form = redeeming(&code, &[("client_id", client_id), ("client_secret", secret)]);
        assert!(run(world.token(header, &form, NOW)).is_ok(), "{header:?} {client_id} {secret}");
    }
}

#[test]
fn a_client_that_does_not_prove_itself_is_refused_before_the_code_is_touched() {
    let world = world();
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let code = code(&world, "ana", &[("client_id", "keeper")]);
    for (header, client_id, secret, expected) in [
        (None, "keeper", "", ErrorCode::InvalidClient),
        (None, "keeper", "wrong", ErrorCode::InvalidClient),
        (None, "", "", ErrorCode::InvalidClient),
        (None, "stranger", "", ErrorCode::InvalidClient),
        (None, "reader", "public clients have none", ErrorCode::InvalidClient),
        (Some(basic("keeper:wrong")), "", "", ErrorCode::InvalidClient),
        (Some("Bearer x".to_owned()), "", "", ErrorCode::InvalidClient),
        (Some(basic(&format!("keeper:{SECRET}"))), "", SECRET, ErrorCode::InvalidRequest),
        (Some(basic(&format!("keeper:{SECRET}"))), "reader", "", ErrorCode::InvalidRequest),
    ] {
        let form = redeeming(&code, &[("client_id", client_id), ("client_secret", secret)]);
        let why = run(world.token(header.as_deref(), &form, NOW)).err().expect("refused");
        assert_eq!(why.code, expected, "{header:?} {client_id} {secret}");
        assert_eq!(why.challenge_basic, header.is_some() && expected == ErrorCode::InvalidClient);
    }
    let form = redeeming(&code, &[("client_id", "keeper"), ("client_secret", SECRET)]);
    assert!(run(world.token(None, &form, NOW)).is_ok());
}

#[test]
fn a_bad_form_is_named() {
    let world = world();
    for (form, expected) in [
        (pairs(&[]), ErrorCode::InvalidRequest),
        (pairs(&[("grant_type", "password")]), ErrorCode::UnsupportedGrantType),
        (pairs(&[("grant_type", "client_credentials")]), ErrorCode::InvalidClient),
        (pairs(&[("grant_type", "authorization_code"), ("client_id", "reader")]), ErrorCode::InvalidRequest),
        (redeeming("no such code", &[]), ErrorCode::InvalidGrant),
        ([redeeming("x", &[]), pairs(&[("code", "y")])].concat(), ErrorCode::InvalidRequest),
    ] {
        let why = run(world.token(None, &form, NOW)).err().expect("refused");
        assert_eq!(why.code, expected, "{form:?}");
        let body: serde_json::Value = serde_json::from_str(&why.body(&world.settings)).unwrap();
        assert_eq!(body["error"], expected.as_str());
        assert!(body["error_uri"].as_str().unwrap().ends_with(expected.as_str()));
    }
}

#[test]
fn a_clinician_acts_for_treatment_on_the_one_patient() {
    let world = world();
    world.ports.care.lock().unwrap().insert("cleo".to_owned(), vec![id("ben")]);
    let code = code(&world, "cleo", &[]);
    let tokens =
        run(world.token(None, &redeeming(&code, &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]), NOW));
    let principal = world.principal(&tokens.unwrap().access_token, NOW).unwrap();
    assert_eq!(principal.purpose, privacy::Purpose::Treatment);
    assert_eq!(principal.subject.patients(), [id("ben")]);
}
