//! `online_access`: refresh tokens that live with the session they came from, and end with it.
#![allow(clippy::type_complexity, reason = "a table of cases says its own types")]

use crate::settings::{ONLINE_TOKEN_S, SESSION_IDLE_S, SESSION_S};
use crate::token::Tokens;
use crate::trial::{BROWSER, NOW, Trial, asked, id, pairs, redeeming, run, signed_in, told, visit, world};
use crate::{Authority, Client, ErrorCode, Item};
use fhir::Id;
use privacy::Scopes;

const SCOPE: &str = "online_access launch/patient patient/Observation.rs";

fn world_of_sessions() -> Authority<Trial> {
    let world = world();
    let reader = run(world.client("reader")).unwrap().unwrap();
    let scopes = Scopes::parse("launch/patient offline_access online_access patient/*.rs");
    run(world.put_client(&Client { scopes, ..reader })).unwrap();
    world
}

/// The session of `ana`, and a code that she allowed in it.
fn allowed(world: &Authority<Trial>, scope: &str) -> (String, String) {
    let flow = run(world.begin(&asked(&[("scope", scope)]), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(world, &flow, "ana");
    let crate::flow::Step::Consent(_, consent) = run(world.step(&flow, BROWSER, Some(&session), NOW)).unwrap() else {
        panic!("no consent page")
    };
    let word = crate::consent::Word { kept: &consent.items, patient: consent.patient.as_ref().map(Id::as_str) };
    let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
    (session, told(&location, "code").unwrap())
}

fn granted(world: &Authority<Trial>, scope: &str) -> (String, Tokens) {
    let (session, code) = allowed(world, scope);
    (session, run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap())
}

fn refreshed(world: &Authority<Trial>, tokens: &Tokens, at: i64) -> Result<Tokens, ErrorCode> {
    let refresh = tokens.refresh_token.as_deref().unwrap();
    let form = pairs(&[("grant_type", "refresh_token"), ("client_id", "reader"), ("refresh_token", refresh)]);
    run(world.token(None, &form, at)).map_err(|why| why.code)
}

#[test]
fn it_is_asked_for_and_granted_like_any_other_scope_and_can_be_taken_away() {
    let world = world_of_sessions();
    let (_, tokens) = granted(&world, SCOPE);
    assert_eq!((tokens.scope.as_str(), tokens.expires_in), (SCOPE, ONLINE_TOKEN_S));
    let items = crate::offer::items(&Scopes::parse(SCOPE), &world.settings.served, privacy::Role::Patient);
    assert!(items.contains(&Item::Online) && !items.contains(&Item::Offline));
    let kept: Vec<Item> = items.into_iter().filter(|item| *item != Item::Online).collect();
    let left = crate::offer::narrow(&Scopes::parse(SCOPE), &kept, &world.settings.served, privacy::Role::Patient);
    assert_eq!(left.to_string(), "launch/patient patient/Observation.rs");
    assert!(crate::offer::is_nothing(&Scopes::parse("online_access")));
}

#[test]
fn signing_out_ends_its_tokens_at_once_and_those_of_offline_access_stay() {
    let world = world_of_sessions();
    let (session, online) = granted(&world, SCOPE);
    let (_, offline) = granted(&world, "offline_access launch/patient patient/Observation.rs");
    assert!(refreshed(&world, &online, NOW + 5).is_ok());
    run(world.sign_out(Some(&session), NOW + 10)).unwrap();
    assert!(world.principal(&online.access_token, NOW + 10).is_err());
    assert_eq!(refreshed(&world, &online, NOW + 10).err(), Some(ErrorCode::InvalidGrant));
    assert!(world.principal(&offline.access_token, NOW + 10).is_ok());
    assert!(refreshed(&world, &offline, NOW + 10).is_ok());
}

#[test]
fn every_way_to_end_a_session_ends_what_lives_with_it() {
    let account = |world: &Authority<Trial>| run(world.account("ana")).unwrap().unwrap();
    let ways: [&dyn Fn(&Authority<Trial>, &str); 4] = [
        &|world, session| assert!(run(world.end_session(&account(world), &world.digest(session), NOW)).unwrap()),
        &|world, _| assert_eq!(run(world.end_other_sessions(&account(world), None, NOW)), Ok(1)),
        &|world, _| assert!(run(world.change_password("ana", "phc other".to_owned(), NOW)).unwrap()),
        // A new sign-in in the same browser ends the session before.
        &|world, session| {
            assert!(run(world.sign_in(None, ("ana", "ana-password"), &visit(Some(session), NOW))).is_ok());
        },
    ];
    for (nth, end) in ways.into_iter().enumerate() {
        let world = world_of_sessions();
        let (session, tokens) = granted(&world, SCOPE);
        end(&world, &session);
        assert!(world.principal(&tokens.access_token, NOW).is_err(), "{nth}");
        assert_eq!(refreshed(&world, &tokens, NOW).err(), Some(ErrorCode::InvalidGrant), "{nth}");
    }
}

#[test]
fn an_app_in_use_keeps_the_session_and_one_that_is_left_ends_with_it() {
    let world = world_of_sessions();
    let (session, mut tokens) = granted(&world, SCOPE);
    let mut at = NOW;
    for _ in 0..4 {
        at += SESSION_IDLE_S - 60;
        tokens = refreshed(&world, &tokens, at).unwrap();
    }
    assert!(run(world.session(Some(&session), at)).unwrap().is_some(), "using the app is a use of the session");
    assert_eq!(refreshed(&world, &tokens, at + SESSION_IDLE_S).err(), Some(ErrorCode::InvalidGrant));
    assert_eq!(world.grants_alive(at + SESSION_IDLE_S).len(), 0, "what was found ended stays so");
}

#[test]
fn it_ends_with_the_shift_however_much_it_is_used() {
    let world = world_of_sessions();
    let (_, mut tokens) = granted(&world, SCOPE);
    let mut at = NOW;
    while at + 1200 < NOW + SESSION_S {
        at += 1200;
        tokens = refreshed(&world, &tokens, at).unwrap();
        assert!(at + tokens.expires_in <= NOW + SESSION_S);
    }
    assert!(refreshed(&world, &tokens, NOW + SESSION_S).is_err());
}

#[test]
fn a_code_of_a_session_that_has_ended_gives_nothing_that_would_live_with_it() {
    let world = world_of_sessions();
    let (session, code) = allowed(&world, SCOPE);
    run(world.sign_out(Some(&session), NOW)).unwrap();
    let refused = run(world.token(None, &redeeming(&code, &[]), NOW)).map_err(|why| why.code);
    assert_eq!(refused.err(), Some(ErrorCode::InvalidGrant));
    assert!(world.grants_alive(NOW).is_empty());
    let (session, code) = allowed(&world, "launch/patient patient/Observation.rs");
    run(world.sign_out(Some(&session), NOW)).unwrap();
    assert!(run(world.token(None, &redeeming(&code, &[]), NOW)).is_ok(), "an hour without either stands by itself");
}

#[test]
fn with_both_asked_for_the_longer_one_counts() {
    let world = world_of_sessions();
    let (session, tokens) = granted(&world, "offline_access online_access patient/Observation.rs");
    run(world.sign_out(Some(&session), NOW)).unwrap();
    assert!(refreshed(&world, &tokens, NOW + SESSION_S).is_ok());
    assert_eq!(tokens.patient, Some(id("ana").to_string()));
}
