//! Ending what was granted.

use crate::introspect::Why;
use crate::token::Tokens;
use crate::trial::{NOW, SECRET, Trial, code, hundred, pairs, redeeming, run, world};
use crate::{Authority, ErrorCode};

fn launched(world: &Authority<Trial>, username: &str) -> Tokens {
    let code = code(world, username, &[]);
    run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap()
}

fn revoked(world: &Authority<Trial>, token: &str) -> Result<(), ErrorCode> {
    run(world.revoke(None, &pairs(&[("client_id", "reader"), ("token", token)]), NOW)).map_err(|why| why.code)
}

#[test]
fn either_token_ends_both_and_leaves_others_alone() {
    for which in [0, 1] {
        let world = world();
        let (ana, ben) = (launched(&world, "ana"), launched(&world, "ben"));
        let refresh = ana.refresh_token.clone().unwrap();
        assert_eq!(revoked(&world, [&ana.access_token, &refresh][which]), Ok(()));
        assert_eq!(world.principal(&ana.access_token, NOW), Err(Why::NoGrant));
        let form = pairs(&[("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", "reader")]);
        assert_eq!(run(world.token(None, &form, NOW)).err().unwrap().code, ErrorCode::InvalidGrant);
        assert!(world.principal(&ben.access_token, NOW).is_ok());
        let again = run(Authority::open(world.settings.clone(), world.ports)).unwrap();
        assert_eq!(again.principal(&ana.access_token, NOW), Err(Why::NoGrant), "a restart brings nothing back");
    }
}

#[test]
fn the_answer_does_not_tell_what_is_known() {
    let world = world();
    let tokens = launched(&world, "ana");
    assert_eq!(revoked(&world, "nonsense"), Ok(()));
    assert_eq!(revoked(&world, ""), Err(ErrorCode::InvalidRequest));
    let other = pairs(&[("client_id", "keeper"), ("client_secret", SECRET), ("token", &tokens.access_token)]);
    assert!(run(world.revoke(None, &other, NOW)).is_ok());
    assert!(world.principal(&tokens.access_token, NOW).is_ok(), "another client ends nothing");
    let unproven = pairs(&[("client_id", "keeper"), ("token", &tokens.access_token)]);
    assert_eq!(run(world.revoke(None, &unproven, NOW)).err().unwrap().code, ErrorCode::InvalidClient);
}

#[test]
fn a_revocation_in_the_midst_of_refreshes_stays() {
    let world = world();
    let tokens = launched(&world, "ana");
    let refresh = tokens.refresh_token.clone().unwrap();
    let form = pairs(&[("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", "reader")]);
    let turn = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (world, _) = hundred(world, move |world| {
        if turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 50 {
            revoked(world, &refresh).unwrap();
        } else {
            drop(run(world.token(None, &form, NOW + 1)));
        }
    });
    assert_eq!(world.principal(&tokens.access_token, NOW + 1), Err(Why::NoGrant));
    assert!(world.grants_alive(NOW + 1).is_empty());
}

#[test]
fn all_of_an_account_can_be_ended_at_once() {
    let world = world();
    let (ana, ben) = (launched(&world, "ana"), launched(&world, "ben"));
    assert_eq!(run(world.end_grants(|grant| grant.username == "ana", NOW)), Ok(1));
    assert!(world.principal(&ana.access_token, NOW).is_err());
    assert!(world.principal(&ben.access_token, NOW).is_ok());
    assert_eq!(run(world.end_grants(|_| true, NOW)), Ok(1));
}
