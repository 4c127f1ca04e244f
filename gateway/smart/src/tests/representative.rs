//! Representatives: whom they may choose, what becomes of that when it changes, and that nobody else gains by them.

use crate::consent::Word;
use crate::flow::{Step, Unfit};
use crate::introspect::Why;
use crate::token::Tokens;
use crate::trial::{
    BROWSER, NOW, Trial, account, asked, code, id, redeeming, representative, run, signed_in, told, world,
};
use crate::{Account, Authority};
use fhir::{Id, ResourceType};
use privacy::{Role, Subject};

/// The usual world, in which `mia` acts for `ana` and `ben`, `leo` for `ben`, and `otto` looks after the server.
fn world_of_representatives() -> Authority<Trial> {
    let world = world();
    let otto =
        Account { fhir_user: None, ..account("otto", Role::Administrator, (ResourceType::Practitioner, id("o"))) };
    for account in [representative("mia", &["ana", "ben"]), representative("leo", &["ben"]), otto] {
        run(world.put_account(&account)).unwrap();
    }
    world
}

fn step(world: &Authority<Trial>, flow: &str, session: &str) -> Step {
    run(world.step(flow, BROWSER, Some(session), NOW)).unwrap()
}

/// A whole launch by `mia` for this patient, with all that is asked for.
fn granted(world: &Authority<Trial>, patient: &str, changes: &[(&str, &str)]) -> Tokens {
    let flow = run(world.begin(&asked(changes), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(world, &flow, "mia");
    let Step::Choose(_, choice) = step(world, &flow, &session) else { panic!("nothing to choose") };
    assert_eq!(choice.patients, [id("ana"), id("ben")]);
    run(world.choose(&flow, BROWSER, Some(&session), Some(patient), NOW)).unwrap();
    let Step::Consent(_, consent) = step(world, &flow, &session) else { panic!("no consent page") };
    assert!(consent.can_choose_again && consent.in_care.is_empty());
    let word = Word { kept: &consent.items, patient: consent.patient.as_ref().map(Id::as_str) };
    let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
    run(world.token(None, &redeeming(&told(&location, "code").unwrap(), &[]), NOW)).unwrap()
}

#[test]
fn a_representative_chooses_among_those_whom_they_act_for_and_acts_with_that_patients_rights() {
    let world = world_of_representatives();
    let tokens = granted(&world, "ben", &[]);
    let principal = world.principal(&tokens.access_token, NOW).unwrap();
    assert_eq!((principal.role, principal.purpose.code()), (Role::Representative, "PATRQT"));
    assert_eq!((&principal.subject, principal.account.as_str()), (&Subject::Patient(id("ben")), "account-of-mia"));
    assert_eq!(tokens.patient.as_deref(), Some("ben"));
    // Whoever acts for one has no choice, and is asked about that one.
    let flow = run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(&world, &flow, "leo");
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!("no consent page") };
    assert_eq!((consent.patient, consent.can_choose_again), (Some(id("ben")), false));
}

#[test]
fn a_representative_chooses_nobody_else() {
    let world = world_of_representatives();
    let flow = run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(&world, &flow, "mia");
    for other in ["cleo", "dora", "mia", "", "Patient/ben"] {
        assert!(run(world.choose(&flow, BROWSER, Some(&session), Some(other), NOW)).is_err(), "{other}");
    }
    run(world.choose(&flow, BROWSER, Some(&session), Some("ana"), NOW)).unwrap();
    assert_eq!(run(world.act_for("mia", &[id("ben")], NOW)), Ok(Some(0)));
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!("no consent page") };
    assert_eq!(consent.patient, Some(id("ben")), "the choice is held against the account at every step");
}

#[test]
fn t42_what_a_representative_granted_ends_when_they_act_for_that_patient_no_longer() {
    let world = world_of_representatives();
    let (ana, ben) = (granted(&world, "ana", &[]), granted(&world, "ben", &[]));
    let own = run(world.token(None, &redeeming(&code(&world, "ana", &[]), &[]), NOW)).unwrap();
    assert_eq!(run(world.act_for("MIA", &[id("ben")], NOW)), Ok(Some(1)));
    assert_eq!(world.principal(&ana.access_token, NOW), Err(Why::NoGrant));
    assert!(world.principal(&ben.access_token, NOW).is_ok() && world.principal(&own.access_token, NOW).is_ok());
    let refresh = [("refresh_token", ana.refresh_token.as_deref().unwrap()), ("client_id", "reader")];
    let refresh = [&[("grant_type", "refresh_token")][..], &refresh].concat();
    assert!(run(world.token(None, &crate::trial::pairs(&refresh), NOW)).is_err());
    assert_eq!(run(world.act_for("ana", &[id("ben")], NOW)), Ok(None), "a patient acts for nobody");
    assert_eq!(run(world.act_for("nobody", &[id("ben")], NOW)), Ok(None));
    assert!(run(world.account("ana")).unwrap().unwrap().patients.is_empty());
}

#[test]
fn t60_a_code_from_before_the_change_gives_nothing_after_it() {
    let world = world_of_representatives();
    let begun = code(&world, "leo", &[]);
    assert_eq!(run(world.act_for("leo", &[id("ana")], NOW)), Ok(Some(0)));
    assert!(run(world.token(None, &redeeming(&begun, &[]), NOW)).is_err());
}

#[test]
fn under_user_scopes_too_it_is_one_patient_at_a_time() {
    let world = world_of_representatives();
    let reader = run(world.client("reader")).unwrap().unwrap();
    let scopes = privacy::Scopes::parse("openid fhirUser user/*.rs");
    run(world.put_client(&crate::Client { scopes, ..reader })).unwrap();
    let tokens = granted(&world, "ana", &[("scope", "openid fhirUser user/*.rs")]);
    assert_eq!(tokens.scope, "openid fhirUser user/*.rs");
    let principal = world.principal(&tokens.access_token, NOW).unwrap();
    assert_eq!(principal.subject, Subject::Patient(id("ana")));
}

#[test]
fn who_looks_after_the_server_opens_no_record_by_any_launch() {
    let world = world_of_representatives();
    for scope in ["patient/*.rs launch/patient", "openid fhirUser", "launch/patient"] {
        let flow = run(world.begin(&asked(&[("scope", scope)]), BROWSER, NOW, || true)).unwrap();
        let session = signed_in(&world, &flow, "otto");
        assert!(matches!(step(&world, &flow, &session), Step::Unfit(_, Unfit::SeesNoRecords)), "{scope}");
        let word = Word { kept: &[crate::Item::Records(ResourceType::Patient)], patient: Some("ana") };
        assert!(run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).is_err());
        assert!(run(world.choose(&flow, BROWSER, Some(&session), Some("ana"), NOW)).is_err());
    }
    let new = crate::launch::NewLaunch {
        client_id: "reader".to_owned(),
        username: Some("otto".to_owned()),
        patient: Some("ana".to_owned()),
        ..crate::launch::NewLaunch::default()
    };
    assert!(run(world.new_launch(&new, NOW)).is_err());
    assert!(run(world.launchable(&run(world.account("otto")).unwrap().unwrap())).unwrap().is_empty());
}

#[test]
fn an_account_whose_role_was_changed_keeps_no_grant_alive() {
    let world = world_of_representatives();
    let begun = code(&world, "ana", &[]);
    let tokens = run(world.token(None, &redeeming(&code(&world, "ana", &[]), &[]), NOW)).unwrap();
    let ana = run(world.account("ana")).unwrap().unwrap();
    run(world.put_account(&Account { role: Role::Integrator, ..ana })).unwrap();
    assert!(run(world.token(None, &redeeming(&begun, &[]), NOW)).is_err());
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh_token.as_deref().unwrap()),
        ("client_id", "reader"),
    ];
    assert!(run(world.token(None, &crate::trial::pairs(&refresh), NOW)).is_err());
}

#[test]
fn a_patient_stops_what_a_representative_allowed_and_not_the_other_way_round() {
    let world = world_of_representatives();
    let of = |name: &str| run(world.account(name)).unwrap().unwrap();
    let (by_mia, about_ben) = (granted(&world, "ana", &[]), granted(&world, "ben", &[]));
    let own = run(world.token(None, &redeeming(&code(&world, "ana", &[]), &[]), NOW)).unwrap();
    assert_eq!(run(world.allowed_apps(&of("ana"), None, NOW)).unwrap().len(), 1, "both are of one app");
    assert_eq!(run(world.allowed_apps(&of("leo"), None, NOW)).unwrap().len(), 0, "what another allowed is not theirs");
    let waiting = code(&world, "leo", &[]);
    assert_eq!(run(world.stop_app(&of("mia"), "reader", None, NOW)), Ok(2));
    assert!(world.principal(&own.access_token, NOW).is_ok(), "the patient's own word stays");
    assert!(
        world.principal(&by_mia.access_token, NOW).is_err() && world.principal(&about_ben.access_token, NOW).is_err()
    );
    let (again, other) = (granted(&world, "ana", &[]), granted(&world, "ben", &[]));
    let about = |patient: &str| Some(Id::parse(patient).unwrap());
    assert_eq!(run(world.allowed_apps(&of("mia"), about("ben").as_ref(), NOW)).unwrap().len(), 1);
    assert_eq!(
        run(world.stop_app(&of("mia"), "reader", about("ben").as_ref(), NOW)),
        Ok(1),
        "of one whom she acts for"
    );
    assert!(world.principal(&again.access_token, NOW).is_ok() && world.principal(&other.access_token, NOW).is_err());
    assert_eq!(run(world.stop_app(&of("ana"), "reader", None, NOW)), Ok(2));
    assert!(world.principal(&again.access_token, NOW).is_err() && world.principal(&own.access_token, NOW).is_err());
    // A code that is on its way to the app for a representative is worth nothing after the patient's stop.
    assert_eq!(run(world.stop_app(&of("ben"), "reader", None, NOW)), Ok(0));
    assert!(run(world.token(None, &redeeming(&waiting, &[]), NOW)).is_err());
}

#[test]
fn an_account_of_before_is_read_as_it_was() {
    let world = world();
    let before = r#"{"id":"a","username":"old","password":"phc old-password","role":"patient","fhir_user":"Patient/ana","enabled":true}"#;
    let read: Account = serde_json::from_str(before).unwrap();
    assert_eq!((read.role, read.own_record(), read.password_set_s), (Role::Patient, Some(&id("ana")), 0));
    run(world.put_account(&read)).unwrap();
    assert!(run(world.token(None, &redeeming(&code(&world, "old", &[]), &[]), NOW)).is_ok());
    for wrong in [before.replace("patient", "system"), before.replace("\"patient\"", "\"owner\"")] {
        assert!(serde_json::from_str::<Account>(&wrong).is_err());
    }
}
