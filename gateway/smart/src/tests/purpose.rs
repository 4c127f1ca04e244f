//! The purpose of use of what a person allows.

use crate::authorize::Rejected;
use crate::consent::Word;
use crate::flow::{Step, Unfit};
use crate::trial::{BROWSER, NOW, Trial, asked, code, pairs, redeeming, run, signed_in, told, world};
use crate::{Authority, ErrorCode};
use fhir::Id;
use privacy::Purpose;

fn registered(world: &Authority<Trial>, purposes: &[Purpose]) {
    let mut client = run(world.client("reader")).unwrap().unwrap();
    client.purposes = purposes.to_vec();
    run(world.put_client(&client)).unwrap();
}

/// What a person comes to who signs in to an app that asserts a purpose.
fn step(world: &Authority<Trial>, username: &str, purpose: &str) -> (String, String, Step) {
    let flow = run(world.begin(&asked(&[("purpose_of_use", purpose)]), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(world, &flow, username);
    drop(run(world.choose(&flow, BROWSER, Some(&session), Some("ana"), NOW)));
    let step = run(world.step(&flow, BROWSER, Some(&session), NOW)).unwrap();
    (flow, session, step)
}

#[test]
fn a_purpose_that_is_unknown_or_not_registered_is_sent_back_with_those_that_are() {
    let world = world();
    for (purpose, error, said) in [
        ("BTG", "invalid_request", "unknown purpose of use"),
        ("treat", "invalid_request", "The client is registered for PATRQT, TREAT. Send one of these."),
        ("TREAT PATRQT", "invalid_request", "was 'TREAT PATRQT'"),
        ("HPAYMT", "unauthorized_client", "purpose_of_use was HPAYMT. The client is registered for PATRQT, TREAT."),
    ] {
        let begun = run(world.begin(&asked(&[("purpose_of_use", purpose)]), BROWSER, NOW, || true));
        let Err(Rejected::Redirect { location, .. }) = begun else { panic!("{purpose}") };
        assert_eq!(told(&location, "error").as_deref(), Some(error), "{purpose}");
        assert!(told(&location, "error_description").unwrap().contains(said), "{location}");
    }
}

#[test]
fn what_is_asserted_must_be_open_to_the_person_and_is_what_the_grant_is_for() {
    let world = world();
    registered(&world, &Purpose::ALL);
    for (username, purpose, granted) in [
        ("ana", "", Some(Purpose::PatientRequest)),
        ("ana", "PATRQT", Some(Purpose::PatientRequest)),
        ("ana", "TREAT", None),
        ("ana", "HPAYMT", None),
        ("cleo", "", Some(Purpose::Treatment)),
        ("cleo", "TREAT", Some(Purpose::Treatment)),
        ("cleo", "HPAYMT", Some(Purpose::Payment)),
        ("cleo", "PATRQT", None),
    ] {
        let (flow, session, step) = step(&world, username, purpose);
        let Some(granted) = granted else {
            let unfit = matches!(step, Step::Unfit(_, Unfit::NotTheirPurpose));
            assert!(unfit, "{username} {purpose}");
            continue;
        };
        let Step::Consent(_, consent) = step else { panic!("{username} {purpose}") };
        assert_eq!(consent.purpose, granted, "{username} {purpose}: what the page says");
        let word = Word { kept: &consent.items, patient: consent.patient.as_ref().map(Id::as_str) };
        let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
        let code = told(&location, "code").unwrap();
        let tokens = run(world.token(None, &redeeming(&code, &[("purpose_of_use", purpose)]), NOW)).unwrap();
        let principal = world.principal(&tokens.access_token, NOW).unwrap();
        assert_eq!(
            (principal.purpose, Trial::open(&tokens.access_token)["purpose"].as_str()),
            (granted, Some(granted.code()))
        );
    }
}

#[test]
fn what_was_allowed_for_one_purpose_is_never_used_for_another() {
    let world = world();
    registered(&world, &Purpose::ALL);
    let wrong = code(&world, "ana", &[]);
    let why = run(world.token(None, &redeeming(&wrong, &[("purpose_of_use", "TREAT")]), NOW)).err().expect("refused");
    assert_eq!(why.code, ErrorCode::InvalidGrant);
    assert!(why.description.contains("what was granted is for PATRQT"), "{}", why.description);
    let code = code(&world, "ana", &[]);
    let refresh = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap().refresh_token.unwrap();
    let renewing = |purpose: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &refresh),
            ("client_id", "reader"),
            ("purpose_of_use", purpose),
        ];
        run(world.token(None, &pairs(&form), NOW))
    };
    assert_eq!(renewing("HPAYMT").err().map(|why| why.code), Some(ErrorCode::InvalidGrant));
    assert!(renewing("PATRQT").is_ok(), "a wrong word ends nothing");
}

#[test]
fn a_registration_that_loses_the_purpose_renews_nothing_for_it() {
    let world = world();
    let code = code(&world, "ana", &[]);
    let refresh = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap().refresh_token.unwrap();
    registered(&world, &[Purpose::Treatment, Purpose::Payment]);
    assert_eq!(world.grants_alive(NOW).len(), 1);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", "reader")];
    assert_eq!(run(world.token(None, &pairs(&form), NOW)).err().map(|why| why.code), Some(ErrorCode::InvalidGrant));
    let client = run(world.client("reader")).unwrap().unwrap();
    assert_eq!(run(world.confine(&client, NOW)), Ok(1));
    assert!(world.grants_alive(NOW).is_empty());
}
