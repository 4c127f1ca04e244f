//! What a developer chooses to go wrong: each answer is held against the one that the same thing gives in earnest.

use crate::assertion::JWT_BEARER;
use crate::authorize::Rejected;
use crate::introspect::Why;
use crate::metadata::Metadata;
use crate::mishap::{Mishap, Mishaps};
use crate::register::Registration;
use crate::token::Tokens;
use crate::trial::{BROWSER, NOW, REDIRECT, Trial, asked, code, key_set, pairs, redeeming, run, world};
use crate::{Authority, OauthError};
use serde_json::json;

fn sandbox() -> Authority<Trial> {
    let mut world = world();
    world.settings.sandbox = true;
    world.mishaps = Some(Mishaps::default());
    world
}

fn registered(world: &Authority<Trial>, method: &str) -> Registration {
    let keys = (method == "private_key_jwt").then(|| serde_json::from_str(&key_set("one", "own key")).unwrap());
    let metadata = Metadata {
        client_name: Some("Heart Buddy".to_owned()),
        redirect_uris: vec![REDIRECT.to_owned()],
        token_endpoint_auth_method: Some(method.to_owned()),
        jwks: keys,
        ..Metadata::default()
    };
    run(world.register(&metadata, NOW)).unwrap()
}

fn choose(world: &Authority<Trial>, app: &Registration, mishap: Option<Mishap>) {
    run(world.choose_mishap(&app.client_id, &app.registration_access_token, mishap)).unwrap();
    assert_eq!(world.mishap(&app.client_id), mishap);
}

fn page(world: &Authority<Trial>, changes: &[(&str, &str)]) -> OauthError {
    match run(world.begin(&asked(changes), BROWSER, NOW, || true)) {
        Err(Rejected::Page(why) | Rejected::Redirect { why, .. }) => why,
        Err(Rejected::NotNow) | Ok(_) => panic!("{changes:?}"),
    }
}

fn redeemed(world: &Authority<Trial>, code: &str, changes: &[(&str, &str)]) -> Result<Tokens, OauthError> {
    run(world.token(None, &redeeming(code, changes), NOW))
}

#[test]
fn every_mishap_is_found_by_its_word_and_none_is_chosen_outside_of_a_sandbox() {
    for mishap in Mishap::ALL {
        assert_eq!(Mishap::of(mishap.word()), Some(mishap));
        let world = world();
        let app = registered(&world, "none");
        run(world.choose_mishap(&app.client_id, &app.registration_access_token, Some(mishap))).unwrap();
        assert_eq!((world.mishap(&app.client_id), world.refused_on_purpose(&app.client_id)), (None, None));
    }
    assert_eq!(Mishap::of("none"), None);
}

#[test]
fn a_mishap_is_chosen_by_who_looks_after_the_app_and_goes_with_it() {
    let world = sandbox();
    let (one, other) = (registered(&world, "none"), registered(&world, "none"));
    for (client_id, token) in [
        (&one.client_id, &other.registration_access_token),
        (&"reader".to_owned(), &one.registration_access_token),
        (&one.client_id, &String::new()),
    ] {
        assert!(run(world.choose_mishap(client_id, token, Some(Mishap::Revoked))).is_err());
        assert_eq!(world.mishap(client_id), None);
    }
    choose(&world, &one, Some(Mishap::Revoked));
    assert_eq!(world.mishap(&other.client_id), None);
    choose(&world, &one, Some(Mishap::Registration));
    let read = run(world.registration(&one.client_id, &one.registration_access_token)).err();
    assert_eq!(read, run(world.registration(&one.client_id, "another's")).err());
    choose(&world, &one, None);
    choose(&world, &one, Some(Mishap::Revoked));
    run(world.end_registration(&one.client_id, &one.registration_access_token, NOW)).unwrap();
    assert_eq!(world.mishap(&one.client_id), None);
}

#[test]
fn at_the_authorization_endpoint_it_is_as_in_earnest() {
    let world = sandbox();
    let app = registered(&world, "none");
    let own = ("client_id", app.client_id.as_str());
    for (mishap, in_earnest) in [
        (Mishap::ClientId, page(&world, &[("client_id", "nobody")])),
        (Mishap::RedirectUri, page(&world, &[own, ("redirect_uri", "https://elsewhere.example/cb")])),
    ] {
        choose(&world, &app, Some(mishap));
        assert_eq!(page(&world, &[own]), in_earnest, "{mishap:?}");
    }
    choose(&world, &app, Some(Mishap::Scope));
    let why = page(&world, &[own, ("scope", "patient/*.rs")]);
    choose(&world, &app, None);
    let in_earnest = page(&world, &[own, ("scope", "system/*.rs")]);
    assert_eq!(why.description, in_earnest.description.replace("system/*.rs", "patient/*.rs"));
    assert!(run(world.begin(&asked(&[own]), BROWSER, NOW, || true)).is_ok());
}

#[test]
fn at_the_token_endpoint_it_is_as_in_earnest_and_ends_nothing() {
    let world = sandbox();
    let app = registered(&world, "client_secret_post");
    let (id, secret) = (app.client_id.as_str(), app.client_secret.as_deref().unwrap());
    let own = [("client_id", id), ("client_secret", secret)];
    let given = code(&world, "ana", &[("client_id", id)]);
    let wrong = redeemed(&world, "unknown", &[("client_id", id), ("client_secret", "wrong")]).err();
    choose(&world, &app, Some(Mishap::Secret));
    assert_eq!(redeemed(&world, &given, &own).err(), wrong);
    choose(&world, &app, None);
    let unknown = redeemed(&world, "unknown", &own).err();
    choose(&world, &app, Some(Mishap::Code));
    assert_eq!(redeemed(&world, &given, &own).err(), unknown);
    choose(&world, &app, None);
    let tokens = redeemed(&world, &given, &own).ok().unwrap();

    let refresh = tokens.refresh_token.unwrap();
    let renewing = |token: &str, scope: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        run(world.token(None, &pairs(&[&form[..], &own[..]].concat()), NOW))
    };
    let unknown = renewing("AAAA", "").err();
    choose(&world, &app, Some(Mishap::Code));
    assert_eq!(renewing(&refresh, "").err(), unknown);
    choose(&world, &app, None);
    let more = renewing(&refresh, "user/*.rs").err();
    choose(&world, &app, Some(Mishap::TokenScope));
    let less = renewing(&refresh, "launch/patient").err().unwrap();
    assert_eq!(less.description.replace("launch/patient", "user/*.rs"), more.unwrap().description);
    assert!(renewing(&refresh, "").is_err());
    choose(&world, &app, None);

    let other = code(&world, "ana", &[("client_id", id)]);
    let ended = redeemed(&world, &other, &own).ok().unwrap().refresh_token.unwrap();
    let newest = world.grants_alive(NOW).into_iter().map(|grant| grant.id.clone()).find(|grant| {
        let own = crate::refresh::Refresh::read(&ended).unwrap();
        own.grant == *grant
    });
    run(world.end_grants(|grant| Some(&grant.id) == newest.as_ref(), NOW)).unwrap();
    let revoked = renewing(&ended, "").err();
    assert!(revoked.is_some());
    for mishap in [Mishap::RefreshExpired, Mishap::Revoked] {
        choose(&world, &app, Some(mishap));
        assert_eq!(renewing(&refresh, "").err(), revoked, "{mishap:?}");
    }
    choose(&world, &app, None);
    assert!(renewing(&refresh, "").is_ok(), "nothing of it was in earnest");
}

#[test]
fn an_assertion_can_be_as_if_it_was_used_before_or_not_signed() {
    let world = sandbox();
    let app = registered(&world, "private_key_jwt");
    let stated = |key: &str, jti: &str| {
        let claims = json!({
            "iss": app.client_id, "sub": app.client_id, "aud": "https://localhost:8443/oauth/token", "jti": jti, "iat": NOW,
            "exp": NOW + 300,
        });
        Trial::assertion(key, &json!({ "alg": "ES384", "typ": "JWT", "kid": "one" }), &claims)
    };
    let refused = |assertion: &str| {
        let form = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion), ("client_id", "")];
        redeemed(&world, "unknown", &form).err().unwrap()
    };
    let first = stated("own key", "1");
    refused(&first);
    let used = refused(&first);
    let unsigned = refused(&stated("another key", "2"));
    choose(&world, &app, Some(Mishap::Jti));
    assert_eq!(refused(&stated("own key", "3")), used);
    choose(&world, &app, Some(Mishap::Secret));
    assert_eq!(refused(&stated("own key", "4")), unsigned);
}

#[test]
fn an_access_token_can_be_as_if_it_were_over_and_is_told_so() {
    let world = sandbox();
    let app = registered(&world, "client_secret_post");
    let (id, secret) = (app.client_id.as_str(), app.client_secret.as_deref().unwrap());
    let given = code(&world, "ana", &[("client_id", id)]);
    let tokens = redeemed(&world, &given, &[("client_id", id), ("client_secret", secret)]).ok().unwrap();
    let told = || {
        let form = pairs(&[("client_id", id), ("client_secret", secret), ("token", &tokens.access_token)]);
        run(world.introspection(None, &form, NOW)).unwrap().body().unwrap()
    };
    assert!(told().contains("\"active\":true"));
    for (mishap, why) in
        [(Mishap::TokenInvalid, Why::NotOurs), (Mishap::TokenExpired, Why::Expired), (Mishap::Revoked, Why::NoGrant)]
    {
        choose(&world, &app, Some(mishap));
        assert_eq!(world.refused_on_purpose(id), Some(why));
    }
    assert_eq!(told(), "{\"active\":false}");
    choose(&world, &app, Some(Mishap::Throttled));
    assert_eq!(world.refused_on_purpose(id), None);
}
