//! What a token stands for, told to those who may know.

use crate::introspection::Introspection;
use crate::token::Tokens;
use crate::trial::{NOW, SECRET, Trial, code, pairs, redeeming, run, world};
use crate::{Authority, ErrorCode};
use serde_json::{Value, json};

fn launched(world: &Authority<Trial>, scope: &str) -> Tokens {
    let code = code(world, "ana", &[("scope", scope)]);
    run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap()
}

/// By the confidential app, or with a token of the public one.
fn asked(world: &Authority<Trial>, by: Option<&str>, token: &str, at: i64) -> Result<Value, ErrorCode> {
    let told = |answer: Result<Introspection, crate::OauthError>| {
        answer.map(|told| serde_json::to_value(told).unwrap()).map_err(|why| why.code)
    };
    match by {
        Some(own) => told(run(world.introspection(Some(&format!("Bearer {own}")), &pairs(&[("token", token)]), at))),
        None => {
            let form = pairs(&[("client_id", "keeper"), ("client_secret", SECRET), ("token", token)]);
            told(run(world.introspection(None, &form, at)))
        }
    }
}

#[test]
fn a_living_token_is_told_with_its_context_and_a_dead_one_with_nothing() {
    let world = world();
    let tokens = launched(&world, "launch/patient openid fhirUser patient/Observation.rs");
    let token = tokens.access_token;
    let told = asked(&world, Some(&token), &token, NOW).unwrap();
    let base = "https://localhost:8443/fhir";
    assert_eq!(
        told,
        json!({
            "active": true, "scope": tokens.scope, "client_id": "reader", "token_type": "Bearer", "purpose_of_use": "PATRQT", "exp": NOW + 3600,
            "iat": NOW, "iss": base, "aud": base, "patient": "ana", "sub": "account-of-ana",
            "fhirUser": format!("{base}/Patient/ana"),
        })
    );
    let inactive = json!({ "active": false });
    assert_eq!(asked(&world, Some(&token), "nonsense", NOW), Ok(inactive.clone()));
    let other = launched(&world, "launch/patient patient/*.rs").access_token;
    assert_eq!(run(world.end_grants(|grant| grant.scopes.to_string() == tokens.scope, NOW)), Ok(1));
    assert_eq!(asked(&world, Some(&other), &token, NOW), Ok(inactive), "its grant has ended");
    assert_eq!(
        asked(&world, Some(&token), &other, NOW),
        Err(ErrorCode::InvalidClient),
        "who asks with it proves nothing"
    );
}

#[test]
fn who_signed_in_is_told_only_where_the_app_was_told() {
    let world = world();
    let token = launched(&world, "launch/patient patient/*.rs").access_token;
    let told = asked(&world, Some(&token), &token, NOW).unwrap();
    assert_eq!((&told["sub"], &told["fhirUser"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_app_learns_nothing_of_anothers_token_and_a_resource_server_all() {
    let world = world();
    let token = launched(&world, "launch/patient patient/*.rs").access_token;
    assert_eq!(asked(&world, None, &token, NOW), Ok(json!({ "active": false })));
    let mut keeper = run(world.client("keeper")).unwrap().unwrap();
    keeper.resource_server = true;
    run(world.put_client(&keeper)).unwrap();
    assert_eq!(asked(&world, None, &token, NOW).unwrap()["active"], true);
    assert_eq!(asked(&world, None, &token, NOW + 3600), Ok(json!({ "active": false })), "it has run out");
}

#[test]
fn nobody_is_told_anything_without_proof() {
    let world = world();
    let token = launched(&world, "launch/patient patient/*.rs").access_token;
    let ask = |form: &[(&str, &str)]| run(world.introspection(None, &pairs(form), NOW)).map_err(|why| why.code);
    assert_eq!(ask(&[("client_id", "reader"), ("token", &token)]), Err(ErrorCode::InvalidClient));
    assert_eq!(ask(&[("token", &token)]), Err(ErrorCode::InvalidClient));
    // Its id in a header is no more proof than in a form: "reader:", in base64.
    let header = Some("Basic cmVhZGVyOg==");
    let told = run(world.introspection(header, &pairs(&[("token", &token)]), NOW)).map_err(|why| why.code);
    assert_eq!(told, Err(ErrorCode::InvalidClient));
    let wrong = [("client_id", "keeper"), ("client_secret", "wrong"), ("token", token.as_str())];
    assert_eq!(ask(&wrong), Err(ErrorCode::InvalidClient));
    let none = [("client_id", "keeper"), ("client_secret", SECRET)];
    assert_eq!(ask(&none), Err(ErrorCode::InvalidRequest));
}
