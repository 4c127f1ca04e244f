//! The peers of these tests, tried on a small world: a result that a laboratory sends is found by the patient's app, from
//! the embedded store and from a server behind the gateway.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use tests::app::{self, Browser};
use tests::gateway::{Folder, Link, Person, Plan, Program, Registered};
use tests::laboratory::{About, Laboratory, result, verdict};
use tests::upstream::Upstream;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"identifier":[{"system":"urn:mrn","value":"7"}],"name":[{"family":"Doe","given":["Ann"]}],"birthDate":"1980-02-03","gender":"female","generalPractitioner":[{"reference":"Practitioner/d1"}]}"#;
const DOCTOR: &str = r#"{"resourceType":"Practitioner","id":"d1","name":[{"family":"Roe"}]}"#;

fn plan(at: Instant) -> Plan {
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    Plan {
        people: vec![person("ann", "Patient/p1"), person("roe", "Practitioner/d1")],
        apps: vec![registered()],
        links: vec![Link {
            name: "lab".into(),
            namespace: None,
            authority: ("HOSP".into(), "urn:mrn".into()),
            on_apply: true,
        }],
        ..Plan::new(at)
    }
}

fn registered() -> Registered {
    let scopes = "openid fhirUser launch/patient offline_access patient/*.rs".into();
    Registered { client_id: "app".into(), secret: Some("a secret".into()), scopes }
}

async fn journey(folder: &Folder) {
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let app = registered();
    let scope = "launch/patient offline_access patient/*.rs";
    let ann = Browser::open(gateway.peer()).await.launch(&app, "ann", scope, None).await;
    let doctor = Browser::open(gateway.peer()).await.launch(&app, "roe", scope, Some("p1")).await;
    assert_eq!((ann.patient.as_deref(), doctor.patient.as_deref()), (Some("p1"), Some("p1")));
    assert_eq!(app::get(&mut connection, &ann, "/fhir/Practitioner/d1").await.status, 200);

    let about = About {
        number: ("7".into(), "HOSP".into()),
        name: ("Doe".into(), "Ann".into()),
        birth_date: "19800203".into(),
        sex: 'F',
    };
    let mut laboratory = Laboratory::connect(gateway.links()[0]).await.unwrap();
    let ack = laboratory.send(&result("c1", &about, "5.5")).await.unwrap();
    assert_eq!(verdict(&ack), Some("AA"), "{ack}");
    let found = app::get(&mut connection, &doctor, "/fhir/Observation?code=2345-7").await.json();
    assert_eq!(found["total"], 1, "{found}");

    let told = app::introspect(&mut connection, &app, &ann.access_token).await.json();
    assert_eq!((&told["active"], &told["patient"], &told["client_id"]), (&true.into(), &"p1".into(), &"app".into()));
    assert_eq!(app::revoke(&mut connection, &app, &ann.refresh_token.clone().unwrap()).await.status, 200);
    assert_eq!(app::get(&mut connection, &ann, "/fhir/Patient/p1").await.status, 401);
    let told = app::introspect(&mut connection, &app, &ann.access_token).await;
    assert_eq!((told.status, told.text()), (200, r#"{"active":false}"#.to_owned()));
    assert!(gateway.stop().success());
}

#[tokio::test]
async fn a_result_is_found_in_the_embedded_store() {
    let at = Instant::parse("2026-01-01T00:00:00Z").unwrap();
    let records = vec![PATIENT.to_owned(), DOCTOR.to_owned()];
    journey(&Folder::prepare(&Plan { records, ..plan(at) }).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_is_found_in_a_server_behind() {
    let at = Instant::parse("2026-01-01T00:00:00Z").unwrap();
    let upstream = Upstream::start().await;
    upstream.put(PATIENT, at);
    upstream.put(DOCTOR, at);
    journey(&Folder::prepare(&Plan { upstream: Some(upstream.base()), ..plan(at) }).await).await;
    let observations =
        upstream.all().iter().filter(|row| row.windows(13).any(|some| some == br#""Observation""#)).count();
    assert_eq!(observations, 1);
}
