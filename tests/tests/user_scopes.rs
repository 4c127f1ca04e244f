//! `user/` scopes on the built program, on both sources: exactly those in a clinician's care and a patient's own record,
//! asked for anew with every request, and never mixed with what the patient in context allows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::app::{self, Browser, Grant, boxes};
use tests::gateway::{Folder, Gateway, Person, Plan, Program, Registered};
use tests::http::Connection;
use tests::upstream::Upstream;

/// Three patients: p1 by general practitioner, p2 by an encounter through a role, p3 in nobody's care that matters.
fn records() -> Vec<Value> {
    let patient = |id: &str, more: Value| {
        let mut patient =
            json!({"resourceType": "Patient", "id": id, "name": [{"family": id}], "birthDate": "1980-01-01"});
        patient.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        patient
    };
    let observation = |id: &str, of: &str, category: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": id},
            "category": [{"coding": [{"system": "urn:c", "code": category}]}],
            "subject": {"reference": format!("Patient/{of}")}, "performer": [{"reference": format!("Practitioner/of-{of}")}]})
    };
    let practitioner = |id: &str| json!({"resourceType": "Practitioner", "id": id, "name": [{"family": id}]});
    let mut all = vec![
        patient("p1", json!({"generalPractitioner": [{"reference": "Practitioner/d1"}]})),
        patient("p2", json!({})),
        patient("p3", json!({"generalPractitioner": [{"reference": "Practitioner/d2"}]})),
        json!({"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/d1"}}),
        json!({"resourceType": "Encounter", "id": "e2", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p2"}, "participant": [{"individual": {"reference": "PractitionerRole/r1"}}]}),
        json!({"resourceType": "Encounter", "id": "e3", "status": "entered-in-error", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p3"}, "participant": [{"individual": {"reference": "Practitioner/d1"}}]}),
        json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"}, "code": {"text": "c1"}}),
        json!({"resourceType": "Condition", "id": "c2", "subject": {"reference": "Patient/p2"}, "code": {"text": "c2"}}),
    ];
    all.extend(["d1", "d2", "of-p1", "of-p2", "of-p3"].map(practitioner));
    for of in ["p1", "p2", "p3"] {
        all.extend(["a", "b"].map(|category| observation(&format!("{of}-{category}"), of, category)));
    }
    all
}

fn app() -> Registered {
    Registered {
        client_id: "chart".into(),
        secret: None,
        scopes: "openid fhirUser launch/patient offline_access patient/*.rs user/*.rs user/*.read".into(),
    }
}

/// A gateway on one of the sources, and the server behind it where there is one.
async fn world(behind: bool) -> (Folder, Gateway, Option<Upstream>) {
    let at = Instant::parse("2026-01-01T00:00:00Z").unwrap();
    let upstream = if behind { Some(Upstream::start().await) } else { None };
    if let Some(upstream) = &upstream {
        records().iter().for_each(|row| upstream.put(&row.to_string(), at));
    }
    let records = if behind { Vec::new() } else { records().iter().map(Value::to_string).collect() };
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    let plan = Plan {
        records,
        upstream: upstream.as_ref().map(Upstream::base),
        people: vec![
            person("ann", "Patient/p1"),
            person("roe", "Practitioner/d1"),
            person("idle", "Practitioner/of-p3"),
        ],
        apps: vec![app()],
        ..Plan::new(at)
    };
    let folder = Folder::prepare(&plan).await;
    let gateway = folder.start(Program::Shipped).await;
    (folder, gateway, upstream)
}

/// The ids of all matches of a search, page after page.
async fn found(connection: &mut Connection, grant: &Grant, target: &str) -> BTreeSet<String> {
    let (mut ids, mut next) = (BTreeSet::new(), Some(target.to_owned()));
    while let Some(target) = next {
        let answer = app::get(connection, grant, &target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let bundle = answer.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        ids.extend(entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()));
        let links = bundle["link"].as_array().unwrap().clone();
        let link = links.into_iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().replacen("https://", "", 1));
        next = next.map(|link| format!("/{}", link.split_once('/').unwrap().1));
    }
    ids
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

async fn status(connection: &mut Connection, grant: &Grant, target: &str) -> u16 {
    app::get(connection, grant, target).await.status
}

async fn exactly_those_in_care(behind: bool) {
    let (_folder, gateway, _upstream) = world(behind).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut doctor = Browser::open(gateway.peer()).await;
    for spelling in ["rs", "read"] {
        let scope = format!("openid fhirUser user/*.{spelling}");
        let grant = doctor.launch(&app(), "roe", &scope, None).await;
        assert_eq!((grant.scope.as_str(), &grant.patient), (scope.as_str(), &None));
        assert_eq!(found(&mut connection, &grant, "/fhir/Patient").await, set(&["p1", "p2"]));
        for paged in ["", "?_count=1", "?_count=1&_sort=-_id"] {
            let all = found(&mut connection, &grant, &format!("/fhir/Observation{paged}")).await;
            assert_eq!(all, set(&["p1-a", "p1-b", "p2-a", "p2-b"]), "{paged}");
        }
        let one = found(&mut connection, &grant, "/fhir/Observation?patient=p2").await;
        assert_eq!(one, set(&["p2-a", "p2-b"]));
        assert_eq!(found(&mut connection, &grant, "/fhir/Observation?patient=p3").await, set(&[]));
        assert_eq!(found(&mut connection, &grant, "/fhir/Encounter").await, set(&["e2"]));
        for (target, due) in [
            ("Patient/p1", 200),
            ("Patient/p2", 200),
            ("Patient/p3", 404),
            ("Observation/p2-a", 200),
            ("Observation/p3-a", 404),
            ("Encounter/e3", 404),
            ("Practitioner/of-p2", 200),
            ("Practitioner/of-p3", 404),
            ("Practitioner/d1", 200),
            ("Practitioner/d2", 404),
        ] {
            assert_eq!(status(&mut connection, &grant, &format!("/fhir/{target}")).await, due, "{target}");
        }
    }
    // Whoever has nobody in their care sees nobody, and their own entry.
    let mut idle = Browser::open(gateway.peer()).await;
    let grant = idle.launch(&app(), "idle", "openid fhirUser user/*.rs", None).await;
    assert_eq!(status(&mut connection, &grant, "/fhir/Patient").await, 403);
    assert_eq!(status(&mut connection, &grant, "/fhir/Patient/p3").await, 403);
    assert_eq!(status(&mut connection, &grant, "/fhir/Practitioner/of-p3").await, 200);
    // A patient sees themselves.
    let mut ann = Browser::open(gateway.peer()).await;
    let grant = ann.launch(&app(), "ann", "user/*.rs", None).await;
    assert_eq!(found(&mut connection, &grant, "/fhir/Patient").await, set(&["p1"]));
    assert_eq!(found(&mut connection, &grant, "/fhir/Observation").await, set(&["p1-a", "p1-b"]));
    assert_eq!(status(&mut connection, &grant, "/fhir/Patient/p2").await, 404);
    assert!(gateway.stop().success());
}

async fn every_answer_is_at_one_level(behind: bool) {
    let (_folder, gateway, _upstream) = world(behind).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut doctor = Browser::open(gateway.peer()).await;
    let scope = "launch/patient patient/Observation.rs patient/Condition.rs patient/Practitioner.rs \
                 user/Observation.rs?category=urn:c|a user/Patient.s";
    let grant = doctor.launch(&app(), "roe", scope, Some("p1")).await;
    assert_eq!((grant.scope.as_str(), grant.patient.as_deref()), (scope, Some("p1")));
    // user/ allows it, so it is answered by user/ alone: of everyone in care, and only the part.
    assert_eq!(found(&mut connection, &grant, "/fhir/Observation").await, set(&["p1-a", "p2-a"]));
    assert_eq!(status(&mut connection, &grant, "/fhir/Observation/p1-b").await, 404);
    assert_eq!(status(&mut connection, &grant, "/fhir/Observation/p2-a").await, 200);
    // patient/ alone allows these: of the one in context, and vouched for by patient/ scopes alone.
    assert_eq!(found(&mut connection, &grant, "/fhir/Condition").await, set(&["c1"]));
    assert_eq!(status(&mut connection, &grant, "/fhir/Condition/c2").await, 404);
    assert_eq!(found(&mut connection, &grant, "/fhir/Practitioner").await, set(&["of-p1"]));
    assert_eq!(status(&mut connection, &grant, "/fhir/Practitioner/of-p2").await, 404);
    assert_eq!(found(&mut connection, &grant, "/fhir/Patient").await, set(&["p1", "p2"]));
    assert_eq!(status(&mut connection, &grant, "/fhir/Patient/p1").await, 403, "user/Patient.s searches");
    assert_eq!(status(&mut connection, &grant, "/fhir/Encounter").await, 403);
    assert!(gateway.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_scopes_reach_exactly_those_in_care_and_a_patients_own_record() {
    exactly_those_in_care(false).await;
    exactly_those_in_care(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_given_at_one_level_of_scopes() {
    every_answer_is_at_one_level(false).await;
    every_answer_is_at_one_level(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_into_care_is_seen_and_who_leaves_it_is_not_and_a_page_link_ends_with_that() {
    let (_folder, gateway, upstream) = world(true).await;
    let upstream = upstream.unwrap();
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut doctor = Browser::open(gateway.peer()).await;
    let grant = doctor.launch(&app(), "roe", "user/*.rs", None).await;
    let first = app::get(&mut connection, &grant, "/fhir/Observation?_count=1").await.json();
    let next = first["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap()["url"].clone();
    let next = next.as_str().unwrap().split_once("/fhir").map(|(_, rest)| format!("/fhir{rest}")).unwrap();
    assert_eq!(status(&mut connection, &grant, &next).await, 200);
    let moved = |id: &str, to: &str| {
        let row = json!({"resourceType": "Patient", "id": id, "name": [{"family": id}],
            "generalPractitioner": [{"reference": format!("Practitioner/{to}")}]});
        upstream.put(&row.to_string(), Instant::parse("2026-01-02T00:00:00Z").unwrap());
    };
    moved("p1", "d2");
    moved("p3", "d1");
    // The word of a server behind is kept for five seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(found(&mut connection, &grant, "/fhir/Patient").await, set(&["p2", "p3"]));
    assert_eq!(status(&mut connection, &grant, "/fhir/Observation/p1-a").await, 404);
    assert_eq!(status(&mut connection, &grant, "/fhir/Observation/p3-a").await, 200);
    assert_eq!(status(&mut connection, &grant, &next).await, 410);
    assert!(gateway.stop().success());
}

#[tokio::test]
async fn the_consent_page_says_in_plain_words_whose_records_these_are_and_unticked_they_are_not_granted() {
    let (_folder, gateway, _) = world(false).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let told = connection.send("GET", "/fhir/.well-known/smart-configuration", &[], None).await.unwrap().json();
    assert!(told["capabilities"].as_array().unwrap().contains(&json!("permission-user")));
    for scope in ["user/*.rs", "user/*.read", "user/Observation.rs"] {
        assert!(told["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    let mut doctor = Browser::open(gateway.peer()).await;
    doctor.sign_in("roe").await;
    let begin = doctor.asking(&app(), "user/Observation.rs", &"v".repeat(43), None);
    let page = doctor.open_page(&begin).await.text();
    assert!(page.contains("chart asks to see the records of your patients"), "{page}");
    assert!(page.contains("The app would see all of the above of every patient in your care."), "{page}");
    let whole: Vec<String> = boxes(&page).into_iter().filter(|value| !value.contains('?')).collect();
    assert_eq!(whole, ["Observation", "in-care"]);
    let spanish = doctor.open_page(&format!("{begin}&lang=es")).await.text();
    assert!(spanish.contains("La aplicación vería todo lo anterior de cada paciente a su cargo."), "{spanish}");
    let scope = "launch/patient patient/Observation.rs user/Observation.rs";
    let grant = doctor.launch_ticking(&app(), "roe", scope, Some("p2"), Some(&["Observation"])).await;
    assert_eq!(grant.scope, "launch/patient patient/Observation.rs");
    assert_eq!(found(&mut connection, &grant, "/fhir/Observation").await, set(&["p2-a", "p2-b"]));
    assert!(gateway.stop().success());
}
