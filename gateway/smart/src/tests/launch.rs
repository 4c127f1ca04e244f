//! The EHR launch: who can make one, who can take it up, and that its context stays with its grant.

use crate::authorize::Rejected;
use crate::consent::Word;
use crate::context::{ContextItem, Unsound};
use crate::flow::{Step, Unfit};
use crate::launch::{NewLaunch, NoLaunch};
use crate::settings::LAUNCH_S;
use crate::token::Tokens;
use crate::trial::{
    BROWSER, LAUNCH, NOW, SECRET, Trial, asked, hundred, id, pairs, redeeming, run, session, signed_in, told, visit,
    world,
};
use crate::{Authority, Client, Item};
use fhir::{Id, ResourceType};
use privacy::{Purpose, Scopes};
use serde_json::{Value, json};

const SCOPE: &str = "launch openid fhirUser offline_access patient/Observation.rs";

/// The usual world, in which `cleo` treats `ana`, whose encounter `e1` and observation `o1` are; those of `ben` are 2.
fn world_of_records() -> Authority<Trial> {
    let world = world();
    for (name, whose) in
        [("Encounter/e1", "ana"), ("Encounter/e2", "ben"), ("Observation/o1", "ana"), ("Observation/o2", "ben")]
    {
        world.ports.records.lock().unwrap().insert(name.to_owned(), id(whose));
    }
    world
}

fn for_cleo(change: impl Fn(&mut NewLaunch)) -> NewLaunch {
    let mut new = NewLaunch {
        client_id: "reader".to_owned(),
        username: Some("cleo".to_owned()),
        patient: Some("ana".to_owned()),
        encounter: Some("e1".to_owned()),
        ..NewLaunch::default()
    };
    change(&mut new);
    new
}

fn made(world: &Authority<Trial>, new: &NewLaunch) -> String {
    told(&run(world.new_launch(new, NOW)).unwrap(), "launch").unwrap()
}

/// A flow that takes the launch up, or the error that the app is sent.
fn taken_up(world: &Authority<Trial>, launch: &str, at: i64) -> Result<String, String> {
    let parameters = asked(&[("launch", launch), ("scope", SCOPE)]);
    run(world.begin(&parameters, BROWSER, at, || true)).map_err(|why| match why {
        Rejected::Redirect { why, .. } => format!("{}: {}", why.code.as_str(), why.description),
        Rejected::Page(_) | Rejected::NotNow => panic!("the app was told nothing"),
    })
}

fn step(world: &Authority<Trial>, flow: &str, session: &str) -> Step {
    run(world.step(flow, BROWSER, Some(session), NOW)).unwrap()
}

fn tokens(world: &Authority<Trial>, flow: &str, session: &str, kept: Option<&[Item]>) -> Tokens {
    let Step::Consent(_, consent) = step(world, flow, session) else { panic!("no consent page") };
    let word = Word { kept: kept.unwrap_or(&consent.items), patient: consent.patient.as_ref().map(Id::as_str) };
    let location = run(world.allow(flow, BROWSER, Some(session), word, NOW)).unwrap();
    run(world.token(None, &redeeming(&told(&location, "code").unwrap(), &[]), NOW)).unwrap()
}

#[test]
fn the_app_is_opened_at_its_registered_address_with_the_issuer_and_a_ticket_that_says_nothing() {
    let world = world_of_records();
    let address = run(world.new_launch(&for_cleo(|_| {}), NOW)).unwrap();
    assert!(address.starts_with(&format!("{LAUNCH}&iss=")), "{address}");
    assert_eq!(told(&address, "iss").as_deref(), Some("https://localhost:8443/fhir"));
    let ticket = told(&address, "launch").unwrap();
    assert!(ticket.len() == 43 && !world.ports.everything().contains(&ticket), "only its digest is kept");
}

#[test]
fn what_the_ehr_said_comes_with_the_token_with_every_refresh_and_with_introspection() {
    let world = world_of_records();
    let context = r#"[{"reference":"Observation/o1","role":"https://example.org/open"},{"canonical":"http://example.org/Questionnaire/1"}]"#;
    let ticket = made(
        &world,
        &for_cleo(|new| {
            new.fhir_context = serde_json::from_str(context).unwrap();
            new.intent = Some("reconcile-medications".to_owned());
            new.need_patient_banner = Some(false);
        }),
    );
    let flow = taken_up(&world, &ticket, NOW).unwrap();
    let session = signed_in(&world, &flow, "cleo");
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!("no choice is left to make") };
    assert_eq!((consent.patient, consent.can_choose_again, consent.tells_context), (Some(id("ana")), false, true));
    let first = tokens(&world, &flow, &session, None);
    let refresh = first.refresh_token.clone().unwrap();
    let form = pairs(&[("grant_type", "refresh_token"), ("client_id", "reader"), ("refresh_token", &refresh)]);
    let next = run(world.token(None, &form, NOW + 10)).unwrap();
    let bearer = format!("Bearer {}", next.access_token);
    let introspected =
        run(world.introspection(Some(&bearer), &pairs(&[("token", &next.access_token)]), NOW + 10)).unwrap();
    for answer in [first.body().unwrap(), next.body().unwrap(), introspected.body().unwrap()] {
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&answer["patient"], &answer["encounter"]), (&json!("ana"), &json!("e1")));
        assert_eq!(answer["fhirContext"], serde_json::from_str::<Value>(context).unwrap());
        assert_eq!(answer["intent"], "reconcile-medications");
        assert_eq!(answer["need_patient_banner"], false);
        assert_eq!(answer["smart_style_url"], "https://localhost:8443/static/style.json");
        assert_eq!(answer["scope"], SCOPE);
    }
}

#[test]
fn an_app_that_opened_by_itself_is_told_of_no_launch() {
    let world = world();
    let code = crate::trial::code(&world, "ana", &[("scope", "launch/patient patient/Observation.rs")]);
    let answer: Value =
        serde_json::from_str(&run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap().body().unwrap()).unwrap();
    for name in ["encounter", "fhirContext", "intent", "need_patient_banner", "smart_style_url"] {
        assert!(answer.get(name).is_none(), "{name}");
    }
}

#[test]
fn a_ticket_counts_once_for_its_app_and_for_five_minutes_and_one_thing_is_said_of_all_others() {
    let world = world_of_records();
    let used = made(&world, &for_cleo(|_| {}));
    assert!(taken_up(&world, &used, NOW).is_ok());
    let others = made(&world, &for_cleo(|new| new.client_id = "keeper".to_owned()));
    let late = made(&world, &for_cleo(|_| {}));
    let long = "x".repeat(10_000);
    let answers: Vec<_> =
        [(&used, NOW), (&others, NOW), (&late, NOW + LAUNCH_S), (&"forged".to_owned(), NOW), (&long, NOW)]
            .into_iter()
            .map(|(launch, at)| taken_up(&world, launch, at).unwrap_err())
            .collect();
    assert!(answers[0].starts_with("invalid_request: The value of launch does not hold"), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // Whoever tried it with the wrong app has used it up.
    let changes = [("launch", others.as_str()), ("scope", SCOPE), ("client_id", "keeper")];
    assert!(run(world.begin(&asked(&changes), BROWSER, NOW, || true)).is_err());
}

#[test]
fn a_request_that_fails_otherwise_leaves_its_launch() {
    let world = world_of_records();
    let ticket = made(&world, &for_cleo(|_| {}));
    let wrong = asked(&[("launch", &ticket), ("scope", SCOPE), ("code_challenge_method", "plain")]);
    assert!(run(world.begin(&wrong, BROWSER, NOW, || true)).is_err());
    assert!(taken_up(&world, &ticket, NOW).is_ok());
}

#[test]
fn launch_and_its_scope_go_together() {
    let world = world_of_records();
    let ticket = made(&world, &for_cleo(|_| {}));
    let error = |changes: &[(&str, &str)]| match run(world.begin(&asked(changes), BROWSER, NOW, || true)).unwrap_err() {
        Rejected::Redirect { why, .. } => why.code.as_str(),
        Rejected::Page(_) | Rejected::NotNow => panic!("the app was told nothing"),
    };
    assert_eq!(error(&[("scope", SCOPE)]), "invalid_request");
    assert_eq!(error(&[("scope", SCOPE), ("launch", "")]), "invalid_request");
    assert_eq!(error(&[("scope", "patient/Observation.rs"), ("launch", &ticket)]), "invalid_scope");
    let mut twice = asked(&[("scope", SCOPE), ("launch", &ticket)]);
    twice.push(("launch".to_owned(), ticket.clone()));
    assert!(run(world.begin(&twice, BROWSER, NOW, || true)).is_err());
    assert!(taken_up(&world, &ticket, NOW).is_ok(), "none of these used it up");
}

#[test]
fn of_a_hundred_who_take_a_launch_up_at_once_exactly_one_does() {
    let world = world_of_records();
    let ticket = made(&world, &for_cleo(|_| {}));
    let (_, done) = hundred(world, move |world| taken_up(world, &ticket, NOW).is_ok());
    assert_eq!(done.iter().filter(|won| **won).count(), 1);
}

#[test]
fn a_launch_is_for_the_person_whom_the_ehr_named() {
    let world = world_of_records();
    let flow = taken_up(&world, &made(&world, &for_cleo(|_| {})), NOW).unwrap();
    for other in ["ana", "ben"] {
        let session = signed_in(&world, &flow, other);
        assert!(matches!(step(&world, &flow, &session), Step::Unfit(_, Unfit::OtherPerson)), "{other}");
        let word = Word { kept: &[Item::Records(ResourceType::Observation)], patient: Some("ana") };
        assert!(run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).is_err());
    }
    // Who signs in as that person goes on.
    let session = signed_in(&world, &flow, "cleo");
    assert!(matches!(step(&world, &flow, &session), Step::Consent(_, _)));
    assert_eq!(tokens(&world, &flow, &session, None).patient.as_deref(), Some("ana"));
}

#[test]
fn a_launch_for_whoever_signs_in_is_for_who_may_ask_about_the_patient() {
    let world = world_of_records();
    let anyone = for_cleo(|new| new.username = None);
    for (who, fits) in [("cleo", true), ("ana", true), ("ben", false)] {
        let flow = taken_up(&world, &made(&world, &anyone), NOW).unwrap();
        let session = signed_in(&world, &flow, who);
        let step = step(&world, &flow, &session);
        assert_eq!(matches!(step, Step::Consent(_, _)), fits, "{who}");
        assert_eq!(matches!(step, Step::Unfit(_, Unfit::LaunchOver)), !fits, "{who}");
    }
}

#[test]
fn the_patient_must_be_in_care_and_the_encounter_theirs_at_every_step() {
    let world = world_of_records();
    let begun = || {
        let flow = taken_up(&world, &made(&world, &for_cleo(|_| {})), NOW).unwrap();
        let session = signed_in(&world, &flow, "cleo");
        (flow, session)
    };
    let is_over = |(flow, session): &(String, String)| {
        let word = Word { kept: &[Item::Records(ResourceType::Observation)], patient: Some("ana") };
        let over = matches!(step(&world, flow, session), Step::Unfit(_, Unfit::LaunchOver));
        let refused = run(world.allow(flow, BROWSER, Some(session), word, NOW)).is_err();
        assert_eq!(over, refused);
        over
    };
    let (left, moved) = (begun(), begun());
    let care = |patients: &[&str]| {
        let patients = patients.iter().map(|patient| id(patient)).collect();
        world.ports.care.lock().unwrap().insert("cleo".to_owned(), patients);
    };
    care(&["ben"]);
    assert!(is_over(&left));
    care(&["ana", "ben"]);
    world.ports.records.lock().unwrap().insert("Encounter/e1".to_owned(), id("ben"));
    assert!(is_over(&moved));
    world.ports.records.lock().unwrap().insert("Encounter/e1".to_owned(), id("ana"));
    // And once the app has its grant, with every refresh.
    let (flow, session) = begun();
    let refresh = tokens(&world, &flow, &session, None).refresh_token.unwrap();
    care(&["ben"]);
    let form = pairs(&[("grant_type", "refresh_token"), ("client_id", "reader"), ("refresh_token", &refresh)]);
    assert!(run(world.token(None, &form, NOW)).is_err());
}

#[test]
fn without_a_patient_a_clinician_chooses_as_without_an_ehr() {
    let world = world_of_records();
    let new = for_cleo(|new| (new.patient, new.encounter) = (None, None));
    let flow = taken_up(&world, &made(&world, &new), NOW).unwrap();
    let session = signed_in(&world, &flow, "cleo");
    assert!(matches!(step(&world, &flow, &session), Step::Choose(_, _)));
    run(world.choose(&flow, BROWSER, Some(&session), Some("ben"), NOW)).unwrap();
    let tokens = tokens(&world, &flow, &session, None);
    assert_eq!((tokens.patient.as_deref(), tokens.launch.need_patient_banner), (Some("ben"), Some(true)));
}

#[test]
fn a_person_who_unticks_the_records_tells_neither_patient_nor_visit() {
    let world = world_of_records();
    let flow = taken_up(&world, &made(&world, &for_cleo(|_| {})), NOW).unwrap();
    let session = signed_in(&world, &flow, "cleo");
    let tokens = tokens(&world, &flow, &session, Some(&[Item::Identity]));
    assert_eq!((tokens.scope.as_str(), tokens.patient, tokens.launch.encounter), ("openid fhirUser", None, None));
}

#[test]
fn no_launch_is_made_of_what_does_not_go_together() {
    let world = world_of_records();
    let refused = |change: &dyn Fn(&mut NewLaunch)| run(world.new_launch(&for_cleo(change), NOW)).unwrap_err();
    assert_eq!(refused(&|new| new.client_id = "nobody".to_owned()), NoLaunch::UnknownClient);
    assert_eq!(refused(&|new| new.client_id = "service".to_owned()), NoLaunch::NotForLaunches);
    assert_eq!(refused(&|new| new.username = Some("nobody".to_owned())), NoLaunch::UnknownAccount);
    assert_eq!(refused(&|new| new.patient = Some("zoe".to_owned())), NoLaunch::NotInCare);
    assert_eq!(refused(&|new| new.username = Some("ben".to_owned())), NoLaunch::NotInCare);
    assert_eq!(refused(&|new| new.encounter = Some("e2".to_owned())), NoLaunch::NotOfPatient);
    assert_eq!(refused(&|new| new.encounter = Some("none".to_owned())), NoLaunch::NotOfPatient);
    let item = |reference: &str| vec![ContextItem { reference: Some(reference.to_owned()), ..ContextItem::default() }];
    assert_eq!(refused(&|new| new.fhir_context = item("Observation/o2")), NoLaunch::NotOfPatient);
    assert_eq!(refused(&|new| new.fhir_context = item("Patient/ana")), NoLaunch::Unsound(Unsound::Context));
    assert_eq!(refused(&|new| new.patient = None), NoLaunch::Unsound(Unsound::WithoutPatient));
    assert_eq!(refused(&|new| new.patient = Some("a/b".to_owned())), NoLaunch::Unsound(Unsound::Patient));
    assert_eq!(refused(&|new| new.intent = Some("<b>".to_owned())), NoLaunch::Unsound(Unsound::Intent));
    let client = run(world.client("reader")).unwrap().unwrap();
    for (changed, why) in [
        (Client { launch_uri: None, ..client.clone() }, NoLaunch::NotForLaunches),
        (Client { scopes: Scopes::parse("patient/*.rs"), ..client.clone() }, NoLaunch::NotForLaunches),
        (Client { purposes: vec![Purpose::PatientRequest], ..client.clone() }, NoLaunch::NotForThem),
        (Client { enabled: false, ..client.clone() }, NoLaunch::UnknownClient),
    ] {
        run(world.put_client(&changed)).unwrap();
        assert_eq!(refused(&|_| {}), why);
    }
}

#[test]
fn a_patient_is_opened_for_with_their_own_record_and_no_other() {
    let world = world_of_records();
    let own = |patient: Option<&str>| NewLaunch {
        client_id: "keeper".to_owned(),
        username: Some("ana".to_owned()),
        patient: patient.map(str::to_owned),
        ..NewLaunch::default()
    };
    let ticket = made(&world, &own(None));
    let changes = [("launch", ticket.as_str()), ("scope", SCOPE), ("client_id", "keeper")];
    let flow = run(world.begin(&asked(&changes), BROWSER, NOW, || true)).unwrap();
    let session = session(run(world.sign_in(Some(&flow), ("ana", "ana-password"), &visit(None, NOW))).unwrap());
    let Step::Consent(_, consent) = step(&world, &flow, &session) else { panic!() };
    assert_eq!(consent.patient, Some(id("ana")));
    let word = Word { kept: &consent.items, patient: Some("ana") };
    let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
    let code = told(&location, "code").unwrap();
    let form = redeeming(&code, &[("client_id", "keeper"), ("client_secret", SECRET)]);
    assert_eq!(run(world.token(None, &form, NOW)).unwrap().patient.as_deref(), Some("ana"));
    assert_eq!(run(world.new_launch(&own(Some("ben")), NOW)), Err(NoLaunch::NotInCare));
}
