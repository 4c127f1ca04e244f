//! Adding people who can sign in, switching them off, and giving them another password.

use crate::account::Added;
use crate::introspect::Why;
use crate::login::NotSignedIn;
use crate::trial::{
    BROWSER, NOW, Trial, account, asked, code, id, pairs, redeeming, run, session, signed_in, visit, world,
};
use crate::{Account, Authority};
use fhir::ResourceType;
use privacy::Role;

fn sign_in(world: &Authority<Trial>, password: &str, now_s: i64) -> Result<String, NotSignedIn> {
    let flow = run(world.begin(&asked(&[]), BROWSER, now_s, || true)).unwrap();
    run(world.sign_in(Some(&flow), ("ana", password), &visit(None, now_s))).map(session)
}

#[test]
fn a_name_that_is_taken_is_not_given_twice() {
    let world = world();
    let dora = account("Dora", Role::Patient, (ResourceType::Patient, id("dora")));
    assert_eq!(run(world.add_account(&dora)), Ok(Added::Done));
    let other = Account { id: "another".to_owned(), username: "dORA".to_owned(), ..dora.clone() };
    assert_eq!(run(world.add_account(&other)), Ok(Added::NameTaken));
    assert_eq!(run(world.account("dora")).unwrap().unwrap().id, dora.id);
    let names: Vec<String> = run(world.accounts()).unwrap().into_iter().map(|account| account.username).collect();
    assert_eq!(names, ["ana", "ben", "cleo", "Dora"]);
}

#[test]
fn switching_an_account_off_ends_its_tokens_its_sessions_and_its_sign_in_at_once() {
    let world = world();
    let session = signed_in(&world, &run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap(), "ana");
    let begun = code(&world, "ana", &[]);
    let ana = run(world.token(None, &redeeming(&code(&world, "ana", &[]), &[]), NOW)).unwrap();
    let ben = run(world.token(None, &redeeming(&code(&world, "ben", &[]), &[]), NOW)).unwrap();
    assert_eq!(run(world.switch_account("ANA", false, NOW)), Ok(Some(1)));
    assert_eq!(world.principal(&ana.access_token, NOW), Err(Why::NoGrant));
    assert!(world.principal(&ben.access_token, NOW).is_ok());
    assert!(run(world.session(Some(&session), NOW)).unwrap().is_none());
    assert_eq!(sign_in(&world, "ana-password", NOW), Err(NotSignedIn::Wrong));
    assert!(run(world.token(None, &redeeming(&begun, &[]), NOW)).is_err(), "a code from before gives nothing");
    assert_eq!(run(world.switch_account("ana", true, NOW)), Ok(Some(0)));
    assert!(run(world.session(Some(&session), NOW)).unwrap().is_none(), "what was ended stays so");
    assert!(sign_in(&world, "ana-password", NOW).is_ok());
    assert!(world.principal(&ana.access_token, NOW).is_err(), "what was ended stays so");
    assert_eq!(run(world.switch_account("nobody", false, NOW)), Ok(None));
}

#[test]
fn another_password_ends_the_sessions_of_the_one_before_and_leaves_what_was_granted() {
    let world = world();
    let before = sign_in(&world, "ana-password", NOW).unwrap();
    let tokens = run(world.token(None, &redeeming(&code(&world, "ana", &[]), &[]), NOW)).unwrap();
    assert_eq!(run(world.change_password("ana", "phc another-password".to_owned(), NOW + 1)), Ok(true));
    assert!(run(world.session(Some(&before), NOW + 1)).unwrap().is_none());
    assert_eq!(sign_in(&world, "ana-password", NOW + 1), Err(NotSignedIn::Wrong));
    let after = sign_in(&world, "another-password", NOW + 1).unwrap();
    assert!(run(world.session(Some(&after), NOW + 1)).unwrap().is_some());
    let refresh = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh_token.as_deref().unwrap()),
        ("client_id", "reader"),
    ]);
    assert!(run(world.token(None, &refresh, NOW + 1)).is_ok());
    assert_eq!(run(world.change_password("nobody", String::new(), NOW)), Ok(false));
}

#[test]
fn a_user_name_can_be_typed_and_listed() {
    for good in ["ana", "Ana.López", "ana@example.org"] {
        assert!(Account::is_username(good), "{good}");
    }
    for bad in ["", "ana lópez", "ana\u{7}", &"x".repeat(255)] {
        assert!(!Account::is_username(bad), "{bad}");
    }
}
