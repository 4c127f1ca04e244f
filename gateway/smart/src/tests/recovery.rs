//! Another password by an operator's code: once, in time, with the second factor, and one answer for all that is wrong.

use crate::base32;
use crate::login::{NotSignedIn, SignedIn};
use crate::recovery::{NoCode, Recovered, Typed};
use crate::second::Standing;
use crate::settings::RECOVERY_S;
use crate::trial::{NOW, Trial, hundred, run, session, visit, world};
use crate::{Account, Authority};

const NEW: &str = "a new and longer password";

fn typed(code: &str) -> Typed<'_> {
    Typed { username: "ana", code, password: NEW, second: "" }
}

fn signs_in(world: &Authority<Trial>, password: &str, now_s: i64) -> Result<SignedIn, NotSignedIn> {
    run(world.sign_in(None, ("ana", password), &visit(None, now_s)))
}

#[test]
fn a_code_sets_a_password_once_and_ends_every_session() {
    let world = world();
    let before = session(signs_in(&world, "ana-password", NOW).unwrap());
    let code = run(world.begin_recovery("Ana", NOW)).unwrap();
    assert!(!world.ports.everything().contains(&code) && code.len() == 19, "{code}");
    assert!(!world.ports.everything().contains(&code.replace('-', "")));
    assert!(run(world.session(Some(&before), NOW)).unwrap().is_some(), "making a code ends nothing");
    let spelt = code.replace('-', " ").to_uppercase();
    assert_eq!(run(world.recover(&typed(&spelt), NOW + 1)), Ok(Recovered::Done));
    assert!(run(world.session(Some(&before), NOW + 1)).unwrap().is_none());
    assert_eq!(signs_in(&world, "ana-password", NOW + 1), Err(NotSignedIn::Wrong));
    assert!(signs_in(&world, NEW, NOW + 1).is_ok());
    assert_eq!(run(world.recover(&typed(&code), NOW + 1)), Ok(Recovered::Wrong), "a second time");
}

#[test]
fn t62_a_code_that_is_wrong_late_replaced_or_anothers_is_one_answer() {
    let world = world();
    let first = run(world.begin_recovery("ana", NOW)).unwrap();
    let second = run(world.begin_recovery("ana", NOW)).unwrap();
    let of_ben = run(world.begin_recovery("ben", NOW)).unwrap();
    for (typed, at) in [
        (typed(&first), NOW),
        (typed(&of_ben), NOW),
        (typed(""), NOW),
        (Typed { username: "ben", ..typed(&second) }, NOW),
        (Typed { username: "nobody", ..typed(&second) }, NOW),
        (Typed { username: "cleo", ..typed(&second) }, NOW),
        (typed(&second), NOW + RECOVERY_S),
    ] {
        assert_eq!(run(world.recover(&typed, at)), Ok(Recovered::Wrong), "{} {}", typed.username, typed.code);
    }
    assert_eq!(run(world.recover(&Typed { password: "too short", ..typed(&second) }, NOW)), Ok(Recovered::Unsuitable));
    assert_eq!(run(world.recover(&typed(&second), NOW + RECOVERY_S - 1)), Ok(Recovered::Done));
}

#[test]
fn t62_a_second_factor_is_asked_for_as_well_and_its_code_counts_once() {
    let world = world();
    let ana: Account = run(world.account("ana")).unwrap().unwrap();
    let own = world.digest("her own session");
    run(world.begin_second_factor(&ana, &own, NOW)).unwrap();
    let Ok(Standing::Begun { secret, .. }) = run(world.second_factor(&ana, &own, NOW)) else { panic!() };
    let code_at = |now_s: i64| world.code(&base32::decode(&secret).unwrap(), now_s / 30);
    let visit = visit(Some("her own session"), NOW);
    run(world.confirm_second_factor(&ana, ("ana-password", &code_at(NOW)), &visit)).unwrap();
    let code = run(world.begin_recovery("ana", NOW)).unwrap();
    let later = NOW + 60;
    for second in ["", "000000", &code_at(NOW)] {
        let tried = run(world.recover(&Typed { second, ..typed(&code) }, later));
        assert_eq!(tried, Ok(Recovered::Wrong), "{second}");
    }
    let good = code_at(later);
    assert_eq!(run(world.recover(&Typed { second: &good, ..typed(&code) }, later)), Ok(Recovered::Done));
    // What was used there is used up for the sign-in too, which asks for a code as before.
    let Ok(SignedIn::Code(half)) = signs_in(&world, NEW, later + 1) else { panic!("no code is asked for") };
    let tried = run(world.sign_in_with_code(None, (&half, &good), &crate::trial::visit(None, later + 1)));
    assert_eq!(tried, Err(NotSignedIn::Wrong));
}

#[test]
fn t60_an_account_that_is_switched_off_or_has_no_password_recovers_none() {
    let world = world();
    let code = run(world.begin_recovery("ana", NOW)).unwrap();
    run(world.switch_account("ana", false, NOW)).unwrap();
    assert_eq!(run(world.recover(&typed(&code), NOW)), Ok(Recovered::Wrong));
    assert_eq!(run(world.begin_recovery("ana", NOW)), Err(NoCode::UnknownAccount));
    assert_eq!(run(world.begin_recovery("nobody", NOW)), Err(NoCode::UnknownAccount));
    let ben = run(world.account("ben")).unwrap().unwrap();
    run(world.put_account(&Account { password: String::new(), ..ben })).unwrap();
    assert_eq!(run(world.begin_recovery("ben", NOW)), Err(NoCode::NoPassword));
}

#[test]
fn t54_of_a_hundred_who_use_one_code_at_once_one_sets_a_password() {
    let world = world();
    let code = run(world.begin_recovery("ana", NOW)).unwrap();
    let (world, done) = hundred(world, move |world| run(world.recover(&typed(&code), NOW + 1)).unwrap());
    assert_eq!(done.iter().filter(|done| **done == Recovered::Done).count(), 1);
    assert!(signs_in(&world, NEW, NOW + 1).is_ok());
}
