//! Refresh tokens: renewed, told again, and given up when something is wrong.

use crate::token::Tokens;
use crate::trial::{NOW, SECRET, Trial, code, hundred, id, pairs, redeeming, run, world};
use crate::{Authority, ErrorCode, OauthError};
use std::collections::BTreeSet;

const DAY: i64 = 24 * 3600;

fn launched(world: &Authority<Trial>) -> Tokens {
    let code = code(world, "ana", &[]);
    run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap()
}

fn refresh(world: &Authority<Trial>, token: &str, more: &[(&str, &str)], now_s: i64) -> Result<Tokens, OauthError> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let client = [("client_id", "reader")];
    let client: &[(&str, &str)] = if more.iter().any(|(name, _)| *name == "client_id") { &[] } else { &client };
    run(world.token(None, &pairs(&[&form[..], client, more].concat()), now_s))
}

fn next(tokens: &Tokens) -> String {
    tokens.refresh_token.clone().expect("a refresh token")
}

#[test]
fn every_use_renews_the_token_and_its_hundred_days() {
    let world = world();
    let mut token = next(&launched(&world));
    let mut now = NOW;
    for _ in 0..5 {
        now += 99 * DAY;
        let tokens = refresh(&world, &token, &[], now).unwrap();
        assert_eq!(tokens.expires_in, 3600);
        assert_eq!(tokens.patient.as_deref(), Some("ana"));
        assert!(world.principal(&tokens.access_token, now).is_ok());
        assert_ne!(token, next(&tokens));
        token = next(&tokens);
    }
    assert_eq!(refresh(&world, &token, &[], now + 100 * DAY).err().unwrap().code, ErrorCode::InvalidGrant);
}

#[test]
fn the_successor_is_told_again_for_a_minute() {
    let world = world();
    let first = next(&launched(&world));
    let second = next(&refresh(&world, &first, &[], NOW + 10).unwrap());
    assert_eq!(next(&refresh(&world, &first, &[], NOW + 70).unwrap()), second);
    assert!(refresh(&world, &second, &[], NOW + 71).is_ok());
}

#[test]
fn a_token_used_again_later_ends_the_grant() {
    let world = world();
    let tokens = launched(&world);
    let first = next(&tokens);
    let second = refresh(&world, &first, &[], NOW + 10).unwrap();
    assert_eq!(refresh(&world, &first, &[], NOW + 71).err().unwrap().code, ErrorCode::InvalidGrant);
    assert!(refresh(&world, &next(&second), &[], NOW + 72).is_err());
    assert!(world.principal(&second.access_token, NOW + 72).is_err());
    assert!(world.principal(&tokens.access_token, NOW + 72).is_err());
}

#[test]
fn a_token_two_generations_old_ends_the_grant_at_once() {
    let world = world();
    let first = next(&launched(&world));
    let second = next(&refresh(&world, &first, &[], NOW).unwrap());
    let third = next(&refresh(&world, &second, &[], NOW + 1).unwrap());
    assert!(refresh(&world, &first, &[], NOW + 2).is_err());
    assert!(refresh(&world, &third, &[], NOW + 3).is_err());
}

#[test]
fn of_a_hundred_refreshes_at_once_all_get_the_same_successor() {
    let world = world();
    let token = next(&launched(&world));
    let (world, answers) = hundred(world, move |world| refresh(world, &token, &[], NOW + 1));
    let successors: BTreeSet<String> = answers.into_iter().map(|answer| next(&answer.unwrap())).collect();
    assert_eq!(successors.len(), 1);
    let [grant] = &world.grants_alive(NOW)[..] else { panic!() };
    assert_eq!(grant.generation, 1);
}

#[test]
fn less_may_be_asked_for_and_more_may_not() {
    let world = world();
    let token = next(&launched(&world));
    let less = refresh(&world, &token, &[("scope", "patient/Observation.rs")], NOW).unwrap();
    assert_eq!(less.scope, "patient/Observation.rs");
    let all = refresh(&world, &next(&less), &[], NOW).unwrap();
    assert_eq!(
        all.scope, "openid fhirUser launch/patient offline_access patient/*.rs",
        "the grant itself is as it was"
    );
    for wider in
        ["patient/*.cruds", "user/*.rs", "profile", "openid nonsense", "patient/Observation.rs system/*.rs", " "]
    {
        let answer = refresh(&world, &next(&all), &[("scope", wider)], NOW);
        assert_eq!(answer.err().unwrap().code, ErrorCode::InvalidScope, "{wider}");
    }
    assert!(refresh(&world, &next(&all), &[], NOW).is_ok(), "a refused wish uses nothing up");
}

#[test]
fn a_changed_token_or_another_client_learns_nothing_and_ends_nothing() {
    let world = world();
    let token = next(&launched(&world));
    let answer = refresh(&world, &token, &[("client_id", "keeper"), ("client_secret", SECRET)], NOW);
    let stranger = answer.err().unwrap();
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let answer = refresh(&world, &String::from_utf8(changed).unwrap(), &[], NOW);
        assert_eq!(answer.err().unwrap(), stranger, "{place}");
    }
    for other in [token.split_at(1).1, &format!("{token}A"), "", "x"] {
        assert!(refresh(&world, other, &[], NOW).is_err());
    }
    assert!(refresh(&world, &token, &[], NOW).is_ok());
}

#[test]
fn a_registration_that_became_narrower_narrows_the_grant() {
    let world = world();
    let token = next(&launched(&world));
    let mut client = run(world.client("reader")).unwrap().unwrap();
    client.scopes = privacy::Scopes::parse("launch/patient offline_access patient/Condition.r");
    run(world.put_client(&client)).unwrap();
    let tokens = refresh(&world, &token, &[], NOW).unwrap();
    assert_eq!(tokens.scope, "launch/patient offline_access patient/Condition.r");
}

#[test]
fn an_account_switched_off_or_a_relationship_that_ended_refreshes_nothing() {
    let world = world();
    let token = next(&launched(&world));
    let mut ana = run(world.account("ana")).unwrap().unwrap();
    ana.enabled = false;
    run(world.put_account(&ana)).unwrap();
    assert_eq!(refresh(&world, &token, &[], NOW).err().unwrap().code, ErrorCode::InvalidGrant);
    world.ports.care.lock().unwrap().insert("cleo".to_owned(), vec![id("ben")]);
    let code = code(&world, "cleo", &[]);
    let token = next(&run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap());
    world.ports.care.lock().unwrap().clear();
    assert_eq!(refresh(&world, &token, &[], NOW).err().unwrap().code, ErrorCode::InvalidGrant);
}

#[test]
fn grants_outlive_a_restart() {
    let world = world();
    let tokens = launched(&world);
    let again = run(Authority::open(world.settings.clone(), world.ports)).unwrap();
    assert!(again.principal(&tokens.access_token, NOW).is_ok());
    assert!(refresh(&again, &next(&tokens), &[], NOW).is_ok());
}
