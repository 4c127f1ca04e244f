//! No change to a token ever widens what it opens: no missing, null or mistyped claim.

use crate::Grant;
use crate::introspect::{Why, principal_of};
use crate::trial::{NOW, Trial, code, pairs, redeeming, run, world};
use privacy::{Principal, Role, Subject};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const BASE: &str = "https://localhost:8443/fhir";

fn launched() -> (Map<String, Value>, Arc<Grant>, Principal) {
    let world = world();
    let code = code(&world, "ana", &[("scope", "launch/patient fhirUser patient/Observation.rs")]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    let principal = world.principal(&tokens.access_token, NOW).unwrap();
    let [grant] = &world.grants_alive(NOW)[..] else { panic!() };
    (Trial::open(&tokens.access_token), Arc::clone(grant), principal)
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(1)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["ana"])),
        Just(json!("")),
        Just(json!("ben")),
        Just(json!("*")),
        Just(json!("TREAT")),
        Just(json!("keeper")),
        Just(json!("account-of-ben")),
        Just(json!("https://localhost:8443/fhir/Patient/ben")),
        Just(json!("patient/*.rs")),
        Just(json!("patient/Observation.cruds")),
        Just(json!("patient/Observation.rs patient/Condition.rs")),
        Just(json!("patient/Observation.r")),
        Just(json!("patient/Observation.rs  launch/patient")),
        Just(json!("patient/Observation.rs nonsense")),
        Just(json!("patient/Observation.rs\npatient/*.rs")),
        "[a-zA-Z/*. ]{0,40}".prop_map(Value::String),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_changed_claim_opens_the_same_less_or_nothing(
        name in prop_oneof![
            Just("patient"), Just("fhirUser"), Just("purpose"), Just("scope"), Just("sub"), Just("client_id"),
            Just("grant"), Just("role"), Just("patients"),
        ],
        value in proptest::option::of(values()),
    ) {
        let (mut claims, grant, whole) = launched();
        match value {
            Some(value) => claims.insert(name.to_owned(), value),
            None => claims.remove(name),
        };
        if let Ok(principal) = principal_of(&claims, &grant, BASE, NOW) {
            prop_assert!(whole.scopes.cover(&principal.scopes));
            prop_assert_eq!(Principal { scopes: whole.scopes.clone(), ..principal }, whole);
        }
    }
}

#[test]
fn a_token_of_a_service_names_no_patient_and_a_persons_none_but_their_own() {
    let (claims, grant, whole) = launched();
    let service = |change: &dyn Fn(&mut Grant)| {
        let mut own = Grant { role: Role::System, fhir_user: None, patient: None, ..(*grant).clone() };
        change(&mut own);
        own
    };
    let without = |names: &[&str]| {
        let mut claims = claims.clone();
        names.iter().for_each(|name| drop(claims.remove(*name)));
        claims
    };
    let own = without(&["patient", "fhirUser"]);
    assert_eq!(principal_of(&own, &service(&|_| {}), BASE, NOW).unwrap().subject, Subject::Everyone);
    assert_eq!(principal_of(&own, &grant, BASE, NOW), Err(Why::Contradiction));
    for named in [without(&["patient"]), without(&["fhirUser"])] {
        assert_eq!(principal_of(&named, &service(&|_| {}), BASE, NOW), Err(Why::Contradiction));
    }
    let with_patient = service(&|own| own.patient.clone_from(&grant.patient));
    let with_person = service(&|own| own.fhir_user.clone_from(&grant.fhir_user));
    for odd in [with_patient, with_person] {
        assert_eq!(principal_of(&claims, &odd, BASE, NOW), Err(Why::Contradiction));
        assert_eq!(principal_of(&own, &odd, BASE, NOW), Err(Why::Contradiction));
    }
    assert_eq!(whole.subject.patients().len(), 1);
}

#[test]
fn every_claim_that_must_be_there_is_missed() {
    for name in ["patient", "purpose", "scope", "sub", "client_id", "grant"] {
        let (mut claims, grant, _) = launched();
        claims.remove(name);
        assert_eq!(principal_of(&claims, &grant, BASE, NOW), Err(Why::Contradiction), "{name}");
    }
}

#[test]
fn a_token_of_a_grant_that_nobody_knows_opens_nothing() {
    let (mut claims, _, _) = launched();
    claims.insert("grant".to_owned(), json!("unknown"));
    let world = world();
    let token = world.ports.sign(&claims);
    assert_eq!(world.principal(&token, NOW), Err(Why::NoGrant));
    assert_eq!(world.principal("x", NOW), Err(Why::NotOurs));
    assert_eq!(world.principal(&"x".repeat(20_000), NOW), Err(Why::NotOurs));
}

#[test]
fn what_is_kept_of_a_token_holds_while_token_and_grant_do_and_no_longer() {
    let world = world();
    let code = code(&world, "ana", &[("scope", "launch/patient offline_access patient/Observation.rs")]);
    let tokens = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    let known = world.introspect(&tokens.access_token, NOW).unwrap();
    for at in [NOW, NOW + 3599] {
        assert_eq!(world.recall(&known, at).as_deref(), Some(&world.principal(&tokens.access_token, at).unwrap()));
    }
    assert_eq!(world.recall(&known, NOW - 1), None, "before it was issued");
    assert_eq!(world.recall(&known, NOW + 3600), None, "when it has run out");
    let refresh = tokens.refresh_token.unwrap();
    let form = pairs(&[("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", "reader")]);
    let renewed = run(world.token(None, &form, NOW + 1)).unwrap();
    assert_eq!(world.recall(&known, NOW + 1), None, "its grant is not the one that was looked at");
    let known = world.introspect(&renewed.access_token, NOW + 1).unwrap();
    assert!(world.recall(&known, NOW + 1).is_some());
    assert_eq!(run(world.end_grants(|grant| grant.username == "ana", NOW + 2)), Ok(1));
    assert_eq!(world.recall(&known, NOW + 2), None, "its grant was revoked");
}
