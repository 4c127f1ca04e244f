//! `user/` scopes: a grant without a patient in context, for whom the person may see.

use crate::flow::Step;
use crate::trial::{BROWSER, NOW, Trial, asked, code, id, pairs, redeeming, run, signed_in, world};
use crate::{Authority, Client, ErrorCode, Item};
use fhir::ResourceType;
use privacy::{Role, Scopes, Subject};

/// The usual world, in which the public app may ask for `user/` scopes as well.
fn world_of_users() -> Authority<Trial> {
    let world = world();
    let reader = run(world.client("reader")).unwrap().unwrap();
    let scopes = Scopes::parse("openid fhirUser launch/patient offline_access patient/*.rs user/*.rs");
    run(world.put_client(&Client { scopes, ..reader })).unwrap();
    world
}

#[test]
fn a_clinician_who_is_asked_for_user_scopes_alone_chooses_nobody() {
    let world = world_of_users();
    let asking = |scope: &str| {
        let flow = run(world.begin(&asked(&[("scope", scope)]), BROWSER, NOW, || true)).unwrap();
        let session = signed_in(&world, &flow, "cleo");
        run(world.step(&flow, BROWSER, Some(&session), NOW)).unwrap()
    };
    let Step::Consent(_, consent) = asking("openid user/Observation.read") else { panic!() };
    let observations = Item::Records(ResourceType::Observation);
    assert_eq!((consent.patient, consent.in_care), (None, vec![observations.clone()]));
    assert_eq!(consent.items, [observations, Item::InCare, Item::Identity]);
    for scope in ["launch/patient user/*.rs", "patient/Patient.r user/*.rs"] {
        assert!(matches!(asking(scope), Step::Choose(_, _)), "{scope}");
    }
}

#[test]
fn its_token_names_no_patient_and_a_refresh_keeps_it_so() {
    let world = world_of_users();
    let scope = "fhirUser offline_access user/Observation.read user/Patient.rs";
    let code = code(&world, "cleo", &[("scope", scope)]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    assert_eq!((tokens.scope.as_str(), &tokens.patient), (scope, &None));
    let principal = world.principal(&tokens.access_token, NOW).unwrap();
    assert_eq!((principal.role, &principal.subject), (Role::Clinician, &Subject::Nobody));
    assert_eq!(principal.fhir_user, Some((ResourceType::Practitioner, id("cleo"))));
    let refresh = tokens.refresh_token.unwrap();
    let form = |scope: &str| {
        let own = [("grant_type", "refresh_token"), ("client_id", "reader"), ("refresh_token", &refresh)];
        let narrower: Vec<(&str, &str)> = own.into_iter().chain([("scope", scope)]).collect();
        run(world.token(None, &pairs(&narrower), NOW))
    };
    let narrowed = form("user/Patient.r").unwrap();
    assert_eq!((narrowed.scope.as_str(), narrowed.patient), ("user/Patient.r", None));
    // What was granted for all whom the person may see is not what was granted for one in context.
    for wider in ["patient/Patient.r", "user/Condition.r", "system/Patient.r"] {
        assert_eq!(form(wider).err().map(|why| why.code), Some(ErrorCode::InvalidScope), "{wider}");
    }
}

#[test]
fn a_clinician_who_unticks_those_in_care_grants_nothing_about_them() {
    let world = world_of_users();
    let scope = "launch/patient patient/Observation.rs user/Observation.rs";
    let flow = run(world.begin(&asked(&[("scope", scope)]), BROWSER, NOW, || true)).unwrap();
    let session = signed_in(&world, &flow, "cleo");
    run(world.choose(&flow, BROWSER, Some(&session), Some("ben"), NOW)).unwrap();
    let kept = [Item::Records(ResourceType::Observation)];
    let word = crate::consent::Word { kept: &kept, patient: Some("ben") };
    let location = run(world.allow(&flow, BROWSER, Some(&session), word, NOW)).unwrap();
    let code = crate::trial::told(&location, "code").unwrap();
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    assert_eq!(tokens.scope, "launch/patient patient/Observation.rs");
}

#[test]
fn a_patient_grants_them_for_their_own_record_without_being_asked_about_others() {
    let world = world_of_users();
    let code = code(&world, "ana", &[("scope", "user/*.rs")]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    assert_eq!((tokens.scope.as_str(), tokens.patient), ("user/*.rs", None));
    let apps = run(world.allowed_apps(&run(world.account("ana")).unwrap().unwrap(), None, NOW)).unwrap();
    assert!(!apps[0].items.contains(&Item::InCare));
    assert!(apps[0].items.contains(&Item::Records(ResourceType::Observation)));
}
