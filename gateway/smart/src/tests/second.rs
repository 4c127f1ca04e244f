//! The second factor: switched on, asked for, used once, lost, taken off.

use crate::base32;
use crate::flow::Stopped;
use crate::login::{NotSignedIn, SignedIn, Visit};
use crate::second::{Standing, TakenOff, Tried};
use crate::trial::{BROWSER, NOW, Trial, asked, hundred, run, session, visit, world};
use crate::{Account, Authority};

fn ana(world: &Authority<Trial>) -> Account {
    run(world.account("ana")).unwrap().unwrap()
}

fn code_at(world: &Authority<Trial>, secret: &str, now_s: i64) -> String {
    world.code(&base32::decode(secret).unwrap(), now_s / 30)
}

/// The token of the session in which she looks after her factor.
const OWN: &str = "her own session";

fn own(world: &Authority<Trial>) -> String {
    world.digest(OWN)
}

/// A world in which `ana` has a second factor since `NOW`, its secret, and her recovery codes.
fn with_factor() -> (Authority<Trial>, String, Vec<String>) {
    let world = world();
    run(world.begin_second_factor(&ana(&world), &own(&world), NOW)).unwrap();
    let Standing::Begun { secret, link, has_password: true } =
        run(world.second_factor(&ana(&world), &own(&world), NOW)).unwrap()
    else {
        panic!()
    };
    assert!(link.starts_with("otpauth://totp/Sluice:ana?secret=") && link.contains(&secret));
    let typed = code_at(&world, &secret, NOW);
    let (_, codes) =
        run(world.confirm_second_factor(&ana(&world), ("ana-password", &typed), &visit(Some(OWN), NOW))).unwrap();
    (world, secret, codes)
}

fn password(world: &Authority<Trial>, now_s: i64) -> SignedIn {
    run(world.sign_in(None, ("ana", "ana-password"), &visit(None, now_s))).unwrap()
}

fn half(world: &Authority<Trial>, now_s: i64) -> String {
    let SignedIn::Code(half) = password(world, now_s) else { panic!("no code is asked for") };
    half
}

fn with_code(world: &Authority<Trial>, half: &str, code: &str, now_s: i64) -> Result<String, NotSignedIn> {
    run(world.sign_in_with_code(None, (half, code), &visit(None, now_s)))
}

#[test]
fn codes_are_those_of_the_rfc() {
    // RFC 6238 appendix B, SHA-1, the last six digits.
    let world = world();
    for (at_s, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(world.code(b"12345678901234567890", at_s / 30), code, "{at_s}");
    }
}

#[test]
fn a_secret_is_shown_to_the_session_that_asked_for_it_for_ten_minutes_and_confirmed_there_alone() {
    let (world, account) = (world(), "ana");
    let ana = run(world.account(account)).unwrap().unwrap();
    run(world.begin_second_factor(&ana, &world.digest("a stolen session"), NOW)).unwrap();
    assert_eq!(run(world.second_factor(&ana, &own(&world), NOW)), Ok(Standing::Off(None)));
    let Ok(Standing::Begun { secret, .. }) = run(world.second_factor(&ana, &world.digest("a stolen session"), NOW))
    else {
        panic!()
    };
    let good = code_at(&world, &secret, NOW);
    let confirmed = run(world.confirm_second_factor(&ana, ("ana-password", &good), &visit(Some(OWN), NOW)));
    assert_eq!(confirmed.map(|_| ()), Err(NotSignedIn::Wrong));
    run(world.begin_second_factor(&ana, &own(&world), NOW)).unwrap();
    assert!(matches!(run(world.second_factor(&ana, &own(&world), NOW + 599)), Ok(Standing::Begun { .. })));
    assert_eq!(run(world.second_factor(&ana, &own(&world), NOW + 600)), Ok(Standing::Off(None)));
}

#[test]
fn it_is_on_only_after_password_and_code_and_then_every_session_is_another() {
    let world = world();
    let before = session(password(&world, NOW));
    let account = ana(&world);
    assert_eq!(run(world.second_factor(&account, &world.digest(&before), NOW)), Ok(Standing::Off(None)));
    run(world.begin_second_factor(&account, &world.digest(&before), NOW)).unwrap();
    let Standing::Begun { secret, .. } = run(world.second_factor(&account, &world.digest(&before), NOW)).unwrap()
    else {
        panic!()
    };
    assert!(matches!(password(&world, NOW), SignedIn::Session(_)), "what is only shown is not asked for");
    let good = code_at(&world, &secret, NOW);
    let wrong = if good == "000000" { "000001" } else { "000000" };
    for (password, code) in [("wrong", good.as_str()), ("ana-password", wrong), ("ana-password", "")] {
        let answer = run(world.confirm_second_factor(&account, (password, code), &visit(Some(&before), NOW)));
        assert_eq!(answer, Err(NotSignedIn::Wrong));
    }
    let confirmed = run(world.confirm_second_factor(&account, ("ana-password", &good), &visit(Some(&before), NOW)));
    let (after, codes) = confirmed.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(run(world.session(Some(&before), NOW)).unwrap().is_none());
    assert!(run(world.session(Some(&after), NOW)).unwrap().is_some());
    assert_eq!(
        run(world.second_factor(&account, &world.digest(&before), NOW)),
        Ok(Standing::On { since_s: NOW, recovery: 10 })
    );
    run(world.begin_second_factor(&account, &world.digest(&before), NOW)).unwrap();
    assert!(
        matches!(run(world.second_factor(&account, &world.digest(&before), NOW)), Ok(Standing::On { .. })),
        "one that is on stays as it is"
    );
    let kept = world.ports.everything();
    assert!(codes.iter().all(|code| !kept.contains(code.as_str()) && !kept.contains(&code.replace('-', ""))));
}

#[test]
fn a_password_alone_opens_nothing_and_a_code_opens_it_once() {
    let (world, secret, _) = with_factor();
    let later = NOW + 60;
    let half = half(&world, later);
    assert!(run(world.session(Some(&half), later)).unwrap().is_none());
    let code = code_at(&world, &secret, later);
    assert_eq!(with_code(&world, &half, "12 34", later), Err(NotSignedIn::Wrong));
    let (one, two) = code.split_at(3);
    let token = with_code(&world, &half, &format!("{one} {two}"), later).unwrap();
    assert!(run(world.session(Some(&token), later)).unwrap().is_some());
    assert_eq!(with_code(&world, &half, &code, later), Err(NotSignedIn::Stopped(Stopped::Lost)));
    let again = self::half(&world, later);
    assert_eq!(with_code(&world, &again, &code, later), Err(NotSignedIn::Wrong), "a code is used once");
    let old = code_at(&world, &secret, NOW);
    assert_eq!(with_code(&world, &again, &old, later), Err(NotSignedIn::Wrong), "nor is one from before it");
    assert!(
        with_code(&world, &again, &code_at(&world, &secret, later + 30), later).is_ok(),
        "a clock may be half a minute fast"
    );
}

#[test]
fn a_sign_in_that_waits_for_its_code_ends_with_the_account_and_with_its_way_in() {
    let (world, secret, _) = with_factor();
    let (waiting, later) = (half(&world, NOW + 60), NOW + 61);
    run(world.switch_account("ana", false, later)).unwrap();
    run(world.switch_account("ana", true, later)).unwrap();
    let code = code_at(&world, &secret, later + 30);
    assert_eq!(with_code(&world, &waiting, &code, later + 30), Err(NotSignedIn::Stopped(Stopped::Lost)));
    let waiting = half(&world, later + 30);
    run(world.relink("ana", None, later + 31)).unwrap();
    assert_eq!(with_code(&world, &waiting, &code, later + 32), Err(NotSignedIn::Stopped(Stopped::Lost)));
    assert!(with_code(&world, &half(&world, later + 33), &code, later + 33).is_ok());
}

#[test]
fn of_a_hundred_who_try_one_code_at_once_one_gets_in() {
    let (world, secret, codes) = with_factor();
    for code in [code_at(&world, &secret, NOW + 60), codes[0].clone()] {
        let world = self::with_factor_again(&secret, &codes);
        let halves: Vec<String> = (0..100).map(|_| half(&world, NOW + 60)).collect();
        let halves = std::sync::Arc::new(std::sync::Mutex::new(halves));
        let (_, done) = hundred(world, move |world| {
            let half = halves.lock().unwrap().pop().unwrap();
            with_code(world, &half, &code, NOW + 60).is_ok()
        });
        assert_eq!(done.into_iter().filter(|done| *done).count(), 1);
    }
}

/// The same world once more: chance is the same in each.
fn with_factor_again(secret: &str, codes: &[String]) -> Authority<Trial> {
    let (world, same, again) = with_factor();
    assert_eq!((same.as_str(), again.as_slice()), (secret, codes));
    world
}

#[test]
fn a_recovery_code_is_used_once_in_any_spelling() {
    let (world, _, codes) = with_factor();
    let later = NOW + 60;
    assert!(with_code(&world, &half(&world, later), &codes[3].to_uppercase().replace('-', " "), later).is_ok());
    assert_eq!(with_code(&world, &half(&world, later), &codes[3], later), Err(NotSignedIn::Wrong));
    assert_eq!(
        run(world.second_factor(&ana(&world), &own(&world), NOW)),
        Ok(Standing::On { since_s: NOW, recovery: 9 })
    );
}

#[test]
fn guessing_is_stopped_for_an_hour_even_for_the_right_code() {
    let (world, secret, _) = with_factor();
    let later = NOW + 60;
    let half = half(&world, later);
    for guess in 0..10 {
        assert_eq!(with_code(&world, &half, &format!("x{guess}"), later), Err(NotSignedIn::Wrong));
    }
    assert_eq!(with_code(&world, &half, &code_at(&world, &secret, later), later), Err(NotSignedIn::TooMany));
    let account = ana(&world);
    assert_eq!(run(world.end_second_factor(&account, &code_at(&world, &secret, later), later)), Ok(Tried::TooMany));
    let after = later + 3600;
    assert!(with_code(&world, &self::half(&world, after), &code_at(&world, &secret, after), after).is_ok());
}

#[test]
fn a_sign_in_that_waits_is_of_one_browser_one_flow_and_five_minutes() {
    let (world, secret, _) = with_factor();
    let later = NOW + 60;
    let half = half(&world, later);
    let code = code_at(&world, &secret, later);
    let other = Visit { browser: "another", ..visit(None, later) };
    let lost = Err(NotSignedIn::Stopped(Stopped::Lost));
    assert_eq!(run(world.sign_in_with_code(None, (&half, &code), &other)), lost);
    let flow = run(world.begin(&asked(&[]), BROWSER, later, || true)).unwrap();
    assert_eq!(run(world.sign_in_with_code(Some(&flow), (&half, &code), &visit(None, later))), lost);
    assert_eq!(with_code(&world, &half, &code_at(&world, &secret, later + 300), later + 300), lost);
    assert_eq!(with_code(&world, "none", &code, later), lost);
    run(world.change_password("ana", "phc new".to_owned(), later + 1)).unwrap();
    assert_eq!(
        with_code(&world, &half, &code_at(&world, &secret, later + 1), later + 1),
        lost,
        "the password is another"
    );
}

#[test]
fn a_launch_of_an_app_asks_for_the_code_as_well() {
    let (world, secret, _) = with_factor();
    let later = NOW + 60;
    let flow = run(world.begin(&asked(&[]), BROWSER, later, || true)).unwrap();
    let signed = run(world.sign_in(Some(&flow), ("ana", "ana-password"), &visit(None, later))).unwrap();
    let SignedIn::Code(half) = signed else { panic!() };
    assert!(matches!(run(world.step(&flow, BROWSER, None, later)), Ok(crate::flow::Step::Login(_))));
    let code = code_at(&world, &secret, later);
    let token = run(world.sign_in_with_code(Some(&flow), (&half, &code), &visit(None, later))).unwrap();
    assert!(matches!(run(world.step(&flow, BROWSER, Some(&token), later)), Ok(crate::flow::Step::Consent(..))));
}

#[test]
fn it_is_switched_off_by_a_code_and_taken_off_by_an_administrator_who_says_why() {
    let (world, secret, codes) = with_factor();
    let account = ana(&world);
    assert_eq!(run(world.end_second_factor(&account, "000", NOW)), Ok(Tried::Wrong));
    assert_eq!(run(world.end_second_factor(&account, &codes[0], NOW)), Ok(Tried::Holds));
    assert!(matches!(password(&world, NOW + 60), SignedIn::Session(_)));
    assert_eq!(run(world.second_factor(&account, &own(&world), NOW)), Ok(Standing::Off(None)));

    let (world, _, _) = with_factor();
    let half = half(&world, NOW + 60);
    let token = with_code(&world, &half, &code_at(&world, &secret, NOW + 60), NOW + 60).unwrap();
    let taken = TakenOff { at_s: NOW + 90, by: "root".to_owned(), reason: "lost telephone".to_owned() };
    assert_eq!(run(world.take_off_second_factor(&ana(&world), taken.clone())), Ok(true));
    assert!(run(world.session(Some(&token), NOW + 90)).unwrap().is_none(), "and every session ends");
    assert_eq!(run(world.second_factor(&ana(&world), &own(&world), NOW)), Ok(Standing::Off(Some(taken.clone()))));
    assert_eq!(run(world.take_off_second_factor(&ana(&world), taken)), Ok(false));
    assert!(matches!(password(&world, NOW + 91), SignedIn::Session(_)));
}
