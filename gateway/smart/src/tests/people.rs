//! A person's own pages: their sessions, and the apps that they allowed.

use crate::login::NotSignedIn;
use crate::sessions::Living;
use crate::settings::SESSIONS_MAX;
use crate::trial::{BROWSER, NOW, Trial, asked, code, hundred, id, redeeming, run, session, signed_in, visit, world};
use crate::{Account, Authority, Item};
use fhir::ResourceType;

fn sign_in(world: &Authority<Trial>, username: &str, before: Option<&str>, now_s: i64) -> String {
    session(run(world.sign_in(None, (username, &format!("{username}-password")), &visit(before, now_s))).unwrap())
}

fn person(world: &Authority<Trial>, username: &str) -> Account {
    run(world.account(username)).unwrap().unwrap()
}

fn sessions(world: &Authority<Trial>, username: &str, now_s: i64) -> Vec<Living> {
    run(world.sessions(&person(world, username), now_s)).unwrap()
}

fn lives(world: &Authority<Trial>, token: &str, now_s: i64) -> bool {
    run(world.session(Some(token), now_s)).unwrap().is_some()
}

#[test]
fn a_person_signs_in_without_an_app_and_gets_a_new_session_each_time() {
    let world = world();
    let wrong = run(world.sign_in(None, ("ana", "ben-password"), &visit(None, NOW)));
    assert_eq!(wrong, Err(NotSignedIn::Wrong));
    let first = sign_in(&world, "ana", None, NOW);
    // Whatever session the browser was made to carry along, the one that comes is another, and that one is over.
    let second = sign_in(&world, "ana", Some(&first), NOW + 1);
    assert_ne!(first, second);
    assert!(!lives(&world, &first, NOW + 1) && lives(&world, &second, NOW + 1));
    let planted = sign_in(&world, "ben", Some("planted"), NOW);
    assert_ne!(planted, "planted");
    assert!(!lives(&world, "planted", NOW));
}

#[test]
fn sessions_are_listed_newest_first_and_end_one_by_one() {
    let world = world();
    let [first, second] = [NOW, NOW + 100].map(|now| sign_in(&world, "ana", None, now));
    let stranger = sign_in(&world, "ben", None, NOW);
    let list = sessions(&world, "ana", NOW + 200);
    assert_eq!(
        list.iter().map(|one| (one.created_s, one.used_s)).collect::<Vec<_>>(),
        [(NOW + 100, NOW + 100), (NOW, NOW)]
    );
    let of_ben = sessions(&world, "ben", NOW + 200).remove(0).digest;
    assert_eq!(
        run(world.end_session(&person(&world, "ana"), &of_ben, NOW)),
        Ok(false),
        "another's is as one that never was"
    );
    assert_eq!(run(world.end_session(&person(&world, "ana"), "none", NOW)), Ok(false));
    assert_eq!(run(world.end_session(&person(&world, "ana"), &list[1].digest, NOW)), Ok(true));
    assert_eq!(run(world.end_session(&person(&world, "ana"), &list[1].digest, NOW)), Ok(false));
    assert!(
        !lives(&world, &first, NOW + 200) && lives(&world, &second, NOW + 200) && lives(&world, &stranger, NOW + 200)
    );
}

#[test]
fn all_others_end_and_ones_own_stays() {
    let world = world();
    let tokens: Vec<String> = (0..3).map(|nth| sign_in(&world, "ana", None, NOW + nth)).collect();
    let own = sessions(&world, "ana", NOW + 9).remove(0).digest;
    assert_eq!(run(world.end_other_sessions(&person(&world, "ana"), Some(&own), NOW + 9)), Ok(2));
    let living: Vec<bool> = tokens.iter().map(|token| lives(&world, token, NOW + 9)).collect();
    assert_eq!(living, [false, false, true]);
}

#[test]
fn a_session_that_was_ended_does_not_come_back_by_what_is_written_at_the_same_time() {
    let world = world();
    let token = sign_in(&world, "ana", None, NOW);
    let (world, _) = hundred(world, move |world| {
        // Half of them use it, which notes its use; some sign in, which changes the list; one ends it.
        let ended = run(world.end_session(&person(world, "ana"), &world.digest(&token), NOW));
        drop(run(world.session(Some(&token), NOW + 120)));
        sign_in(world, "ana", None, NOW);
        assert!(!lives(world, &token, NOW + 120), "{ended:?}");
    });
    assert_eq!(sessions(&world, "ana", NOW + 120).len(), SESSIONS_MAX);
}

#[test]
fn a_sign_in_that_was_under_way_when_all_others_were_ended_is_ended_too() {
    let world = world();
    let token = sign_in(&world, "ana", None, NOW);
    let digest = world.digest(&token);
    let ticket =
        run(crate::ports::Shelf::ticket(&world.ports, crate::ports::Space::Session, &digest)).unwrap().unwrap();
    assert_eq!(run(world.end_other_sessions(&person(&world, "ana"), None, NOW)), Ok(1));
    // Its ticket is written late.
    run(crate::ports::Shelf::put_ticket_once(&world.ports, crate::ports::Space::Session, &digest, ticket, NOW + 900))
        .unwrap();
    let used = crate::login::last_use(&digest);
    let note = format!("{{\"used_s\":{NOW}}}");
    run(crate::ports::Shelf::put_ticket_once(&world.ports, crate::ports::Space::Session, &used, note, NOW + 900))
        .unwrap();
    assert!(!lives(&world, &token, NOW));
    assert!(sessions(&world, "ana", NOW).is_empty());
}

#[test]
fn with_more_browsers_than_a_person_may_have_the_oldest_ends() {
    let world = world();
    let tokens: Vec<String> = (0..=SESSIONS_MAX).map(|_| sign_in(&world, "ana", None, NOW)).collect();
    assert!(!lives(&world, &tokens[0], NOW) && lives(&world, &tokens[1], NOW));
    assert_eq!(sessions(&world, "ana", NOW).len(), SESSIONS_MAX);
}

#[test]
fn a_forms_token_is_of_one_browser_and_says_nothing_of_it() {
    let world = world();
    let token = world.form_token("a cookie");
    assert!(!token.contains("cookie"));
    assert!(world.is_form_of(Some("a cookie"), &token));
    for (cookie, token) in [(Some("another"), token.as_str()), (None, &token), (Some("a cookie"), ""), (None, "")] {
        assert!(!world.is_form_of(cookie, token), "{cookie:?}");
    }
}

fn token(world: &Authority<Trial>, username: &str, client: &str, scope: &str) -> String {
    let code = code(world, username, &[("client_id", client), ("scope", scope)]);
    let header = (client == "keeper").then(|| {
        use base64::Engine;
        let pair = format!("keeper:{}", crate::trial::SECRET);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    });
    let form = redeeming(&code, &[("client_id", client)]);
    run(world.token(header.as_deref(), &form, NOW)).unwrap().access_token
}

#[test]
fn a_patient_sees_each_app_once_with_all_that_it_may_see() {
    let world = world();
    token(&world, "ana", "reader", "launch/patient patient/Observation.rs");
    token(&world, "ana", "reader", "launch/patient offline_access patient/Patient.rs");
    token(&world, "ben", "keeper", "launch/patient patient/Condition.rs");
    let apps = run(world.allowed_apps(&person(&world, "ana"), None, NOW)).unwrap();
    assert_eq!(apps.len(), 1);
    assert_eq!((apps[0].client_id.as_str(), apps[0].since_s), ("reader", NOW));
    let records = [ResourceType::Observation, ResourceType::Patient].map(Item::Records);
    assert_eq!(apps[0].items, [&records[..], &[Item::Offline]].concat());
    assert!(apps[0].until_s > NOW + 90 * 24 * 3600);
    assert!(run(world.allowed_apps(&person(&world, "ana"), None, NOW + 101 * 24 * 3600)).unwrap().is_empty());
}

#[test]
fn stopping_an_app_ends_all_its_grants_of_this_person_at_once_and_nobody_elses() {
    let world = world();
    let of_ana = ["reader", "reader"].map(|app| token(&world, "ana", app, "launch/patient patient/*.rs"));
    let kept = token(&world, "ana", "keeper", "launch/patient patient/*.rs");
    let of_ben = token(&world, "ben", "reader", "launch/patient patient/*.rs");
    let grant = world.principal(&of_ana[0], NOW).unwrap().grant;
    assert!(world.grant_holds(&grant, NOW) && !world.grant_holds("none", NOW));
    assert_eq!(
        run(world.stop_app(&person(&world, "ben"), "keeper", None, NOW)),
        Ok(0),
        "what he did not allow is not there"
    );
    assert_eq!(run(world.stop_app(&person(&world, "ana"), "nothing", None, NOW)), Ok(0));
    assert_eq!(run(world.stop_app(&person(&world, "ana"), "reader", None, NOW)), Ok(2));
    assert!(!world.grant_holds(&grant, NOW));
    assert!(of_ana.iter().all(|token| world.principal(token, NOW).is_err()));
    assert!(world.principal(&kept, NOW).is_ok() && world.principal(&of_ben, NOW).is_ok());
}

#[test]
fn a_code_that_was_on_its_way_when_the_app_was_stopped_is_worth_nothing() {
    let world = world();
    let asked = [("scope", "launch/patient patient/*.rs")];
    let redeem = |code: &str, now_s| run(world.token(None, &redeeming(code, &[("client_id", "reader")]), now_s));
    let before = code(&world, "ana", &asked);
    let of_ben = code(&world, "ben", &asked);
    assert_eq!(run(world.stop_app(&person(&world, "ana"), "reader", None, NOW + 5)), Ok(0));
    let refused = redeem(&before, NOW + 10).map(|_| ()).unwrap_err();
    assert_eq!(refused.code, crate::ErrorCode::InvalidGrant);
    assert!(run(world.allowed_apps(&person(&world, "ana"), None, NOW + 10)).unwrap().is_empty());
    assert!(redeem(&of_ben, NOW + 10).is_ok(), "another person's word stands");
    // Whoever allows the app again after that means it.
    let session = sign_in(&world, "ana", None, NOW + 20);
    let flow = run(world.begin(&crate::trial::asked(&asked), BROWSER, NOW + 20, || true)).unwrap();
    drop(run(world.step(&flow, BROWSER, Some(&session), NOW + 20)));
    let word = crate::consent::Word { kept: &[Item::Records(ResourceType::Patient)], patient: Some("ana") };
    let answer = run(world.allow(&flow, BROWSER, Some(&session), word, NOW + 20)).unwrap();
    assert!(redeem(&crate::trial::told(&answer, "code").unwrap(), NOW + 25).is_ok());
}

#[test]
fn a_clinician_has_no_apps_here_and_stops_none() {
    let world = world();
    let flow = run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(&world, &flow, "cleo");
    run(world.choose(&flow, BROWSER, Some(&session), Some("ben"), NOW)).unwrap();
    assert!(run(world.allowed_apps(&person(&world, "cleo"), None, NOW)).unwrap().is_empty());
    let of_ben = token(&world, "ben", "reader", "launch/patient patient/*.rs");
    assert_eq!(run(world.stop_app(&person(&world, "cleo"), "reader", None, NOW)), Ok(0));
    assert!(world.principal(&of_ben, NOW).is_ok());
    assert_eq!(person(&world, "ben").own_record(), Some(&id("ben")));
}
