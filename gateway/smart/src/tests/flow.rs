//! Signing in, choosing, consenting: who may go on, and what nobody may slip in between.

use crate::consent::Word;
use crate::flow::{Step, Stopped, Unfit};
use crate::login::{NotSignedIn, Visit};
use crate::ports::Space;
use crate::trial::{BROWSER, NOW, Trial, account, asked, id, run, session, signed_in, told, visit, world};
use crate::{Authority, Item};
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role};

fn begun(world: &Authority<Trial>) -> String {
    run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap()
}

fn step(world: &Authority<Trial>, flow: &str, session: &str) -> Step {
    run(world.step(flow, BROWSER, Some(session), NOW)).unwrap()
}

fn allow(world: &Authority<Trial>, flow: &str, session: &str, patient: &str) -> Result<String, Stopped> {
    let kept = [Item::Records(ResourceType::Patient), Item::Offline];
    run(world.allow(flow, BROWSER, Some(session), Word { kept: &kept, patient: Some(patient) }, NOW))
}

#[test]
fn a_patient_is_asked_about_their_own_record_and_nothing_else() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "ana");
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!() };
    assert_eq!(consent.patient, Some(id("ana")));
    assert!(!consent.can_choose_again);
    assert!(matches!(run(world.choose(&flow, BROWSER, Some(&session), Some("ben"), NOW)), Err(Stopped::Changed)));
    assert_eq!(allow(&world, &flow, &session, "ben"), Err(Stopped::Changed));
    assert!(told(&allow(&world, &flow, &session, "ana").unwrap(), "code").is_some());
}

#[test]
fn a_wrong_password_an_unknown_user_and_a_closed_account_are_one_answer() {
    let world = world();
    let flow = begun(&world);
    let mut ben = run(world.account("ben")).unwrap().unwrap();
    ben.enabled = false;
    run(world.put_account(&ben)).unwrap();
    for (username, password) in
        [("ana", "wrong"), ("nobody", "ana-password"), ("ben", "ben-password"), ("", ""), ("ana", &"x".repeat(2000))]
    {
        let answer = run(world.sign_in(Some(&flow), (username, password), &visit(None, NOW)));
        assert_eq!(answer, Err(NotSignedIn::Wrong), "{username}");
    }
    assert!(run(world.sign_in(Some(&flow), (" Ana ", "ana-password"), &visit(None, NOW))).is_ok());
}

#[test]
fn signing_in_belongs_to_a_flow_of_this_browser() {
    let world = world();
    let flow = begun(&world);
    let answer = run(world.sign_in(
        Some(&flow),
        ("ana", "ana-password"),
        &Visit { browser: "other browser", ..visit(None, NOW) },
    ));
    assert_eq!(answer, Err(NotSignedIn::Stopped(Stopped::Lost)));
}

#[test]
fn a_new_sign_in_ends_the_session_before() {
    let world = world();
    let flow = begun(&world);
    let first = signed_in(&world, &flow, "ana");
    let second = session(run(world.sign_in(Some(&flow), ("ana", "ana-password"), &visit(Some(&first), NOW))).unwrap());
    assert_ne!(first, second);
    assert!(run(world.session(Some(&first), NOW)).unwrap().is_none());
    assert!(run(world.session(Some(&second), NOW)).unwrap().is_some());
}

#[test]
fn a_session_ends_when_idle_and_after_a_shift() {
    let world = world();
    let session = signed_in(&world, &begun(&world), "ana");
    let mut now = NOW;
    while now < NOW + 12 * 3600 - 1200 {
        now += 1200;
        assert!(run(world.session(Some(&session), now)).unwrap().is_some(), "{}", now - NOW);
    }
    assert!(run(world.session(Some(&session), NOW + 12 * 3600)).unwrap().is_none());
    let idle = signed_in(&world, &begun(&world), "ana");
    assert!(run(world.session(Some(&idle), NOW + 1799)).unwrap().is_some());
    assert!(run(world.session(Some(&idle), NOW + 1799 + 1800)).unwrap().is_none());
}

#[test]
fn a_clinician_chooses_among_those_in_their_care_and_consents_for_the_one_that_was_shown() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "cleo");
    let Step::Choose(_, choice) = step(&world, &flow, &session) else { panic!() };
    assert_eq!(choice.patients, [id("ana"), id("ben")]);
    for stranger in ["zoe", "../ana", ""] {
        let answer = run(world.choose(&flow, BROWSER, Some(&session), Some(stranger), NOW));
        assert!(matches!(answer, Err(Stopped::Changed)), "{stranger}");
    }
    run(world.choose(&flow, BROWSER, Some(&session), Some("ana"), NOW)).unwrap();
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!() };
    assert_eq!(consent.patient, Some(id("ana")));
    // Another tab chooses ben; the page about ana must not grant him.
    run(world.choose(&flow, BROWSER, Some(&session), Some("ben"), NOW)).unwrap();
    assert_eq!(allow(&world, &flow, &session, "ana"), Err(Stopped::Changed));
    assert!(allow(&world, &flow, &session, "ben").is_ok());
}

#[test]
fn a_clinician_with_one_patient_is_not_asked_and_one_with_none_cannot_go_on() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "cleo");
    world.ports.care.lock().unwrap().insert("cleo".to_owned(), vec![id("ben")]);
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!() };
    assert_eq!(consent.patient, Some(id("ben")));
    world.ports.care.lock().unwrap().clear();
    assert!(matches!(step(&world, &flow, &session), Step::Unfit(_, Unfit::NobodyInCare)));
    assert_eq!(allow(&world, &flow, &session, "ben"), Err(Stopped::Changed));
}

#[test]
fn an_app_that_is_not_registered_for_a_purpose_gets_nobody_who_has_it() {
    let world = world();
    let mut client = run(world.client("reader")).unwrap().unwrap();
    client.purposes = vec![Purpose::PatientRequest];
    run(world.put_client(&client)).unwrap();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "cleo");
    assert!(matches!(step(&world, &flow, &session), Step::Unfit(_, Unfit::NotForClinicians)));
}

#[test]
fn who_signs_in_meanwhile_takes_over_nothing() {
    let world = world();
    let flow = begun(&world);
    let cleo = signed_in(&world, &flow, "cleo");
    run(world.choose(&flow, BROWSER, Some(&cleo), Some("ben"), NOW)).unwrap();
    let other = begun(&world);
    let ana = signed_in(&world, &other, "ana");
    // The browser now carries ana's session; cleo's page comes back.
    assert_eq!(allow(&world, &flow, &ana, "ben"), Err(Stopped::Changed));
    let Step::Consent(_, consent) = step(&world, &flow, &ana) else { panic!() };
    assert_eq!(consent.patient, Some(id("ana")));
    assert_eq!(consent.account.username, "ana");
}

#[test]
fn a_choice_belongs_to_the_clinician_who_made_it() {
    let world = world();
    run(world.put_account(&account("dora", Role::Clinician, (ResourceType::Practitioner, id("dora"))))).unwrap();
    world.ports.care.lock().unwrap().insert("dora".to_owned(), vec![id("ana"), id("ben")]);
    let flow = begun(&world);
    let cleo = signed_in(&world, &flow, "cleo");
    run(world.choose(&flow, BROWSER, Some(&cleo), Some("ben"), NOW)).unwrap();
    let dora = signed_in(&world, &begun(&world), "dora");
    assert!(matches!(step(&world, &flow, &dora), Step::Choose(..)));
}

#[test]
fn two_tabs_are_two_flows() {
    let world = world();
    let one = begun(&world);
    let session = signed_in(&world, &one, "ana");
    let other =
        run(world.begin(&asked(&[("client_id", "keeper"), ("state", "other")]), BROWSER, NOW, || true)).unwrap();
    let Step::Consent(asking, _) = step(&world, &other, &session) else { panic!() };
    assert_eq!(asking.client.client_id, "keeper");
    let location = allow_after_step(&world, &one, &session);
    assert_eq!(told(&location, "state").as_deref(), Some("the state"));
}

fn allow_after_step(world: &Authority<Trial>, flow: &str, session: &str) -> String {
    step(world, flow, session);
    allow(world, flow, session, "ana").unwrap()
}

#[test]
fn one_consent_makes_one_code() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "ana");
    assert!(allow(&world, &flow, &session, "ana").is_ok());
    assert_eq!(allow(&world, &flow, &session, "ana"), Err(Stopped::Lost));
    assert_eq!(run(world.deny(&flow, BROWSER, NOW)), Err(Stopped::Lost));
}

#[test]
fn a_client_or_account_switched_off_stops_the_flow_where_it_stands() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "ana");
    let mut ana = run(world.account("ana")).unwrap().unwrap();
    ana.enabled = false;
    run(world.put_account(&ana)).unwrap();
    assert!(matches!(step(&world, &flow, &session), Step::Login(_)));
    assert_eq!(allow(&world, &flow, &session, "ana"), Err(Stopped::Changed));
    ana.enabled = true;
    run(world.put_account(&ana)).unwrap();
    let mut client = run(world.client("reader")).unwrap().unwrap();
    client.enabled = false;
    run(world.put_client(&client)).unwrap();
    assert!(matches!(run(world.step(&flow, BROWSER, Some(&session), NOW)), Err(Stopped::ClientOff)));
    assert_eq!(allow(&world, &flow, &session, "ana"), Err(Stopped::ClientOff));
    assert_eq!(run(world.deny(&flow, BROWSER, NOW)), Err(Stopped::ClientOff));
}

#[test]
fn taking_everything_away_and_saying_no_are_the_same() {
    let world = world();
    for offered in [&[Item::Offline][..], &[]] {
        let flow = begun(&world);
        let session = signed_in(&world, &flow, "ana");
        let word = Word { kept: offered, patient: Some("ana") };
        let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
        assert_eq!(told(&location, "error").as_deref(), Some("access_denied"));
        assert_eq!(told(&location, "code"), None);
    }
    let location = run(world.deny(&begun(&world), BROWSER, NOW)).unwrap();
    assert_eq!(told(&location, "error").as_deref(), Some("access_denied"));
    assert_eq!(told(&location, "state").as_deref(), Some("the state"));
}

#[test]
fn an_app_may_ask_for_a_fresh_sign_in() {
    let world = world();
    let session = signed_in(&world, &begun(&world), "ana");
    let flow = run(world.begin(&asked(&[("prompt", "login")]), BROWSER, NOW, || true)).unwrap();
    assert!(matches!(step(&world, &flow, &session), Step::Login(_)));
    let fresh = signed_in(&world, &flow, "ana");
    assert!(matches!(step(&world, &flow, &fresh), Step::Consent(..)));
}

#[test]
fn no_secret_is_kept_as_it_is() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "ana");
    let code = told(&allow(&world, &flow, &session, "ana").unwrap(), "code").unwrap();
    let kept = world.ports.everything();
    for secret in [flow.as_str(), &session, &code, BROWSER, crate::trial::SECRET] {
        assert!(!kept.contains(secret));
    }
    assert!(kept.contains(&format!("{:?}", Space::Code)));
    assert!(run(world.session(Some(&session), NOW)).unwrap().is_some_and(|(session, _)| session.digest.len() == 43));
    assert_eq!(Id::parse("ana").ok(), Some(id("ana")));
}

#[test]
fn a_step_that_began_before_a_consent_does_not_bring_the_flow_back() {
    let world = world();
    let flow = begun(&world);
    let session = signed_in(&world, &flow, "ana");
    let seen = run(world.flow(&flow, BROWSER, NOW)).unwrap();
    assert!(allow(&world, &flow, &session, "ana").is_ok());
    assert_eq!(run(world.keep_again(&flow, &seen)), Err(Stopped::Lost));
    assert_eq!(allow(&world, &flow, &session, "ana"), Err(Stopped::Lost), "one consent makes one code");
}
