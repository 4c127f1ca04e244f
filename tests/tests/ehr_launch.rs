//! The EHR launch on the built program over TLS: made by `sluice launch` or on a clinician's own page, taken up once by the app
//! and the person it was made for, and refused in every other case; its context stays with the grant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certs::digest::{base64url, sha256};
use fhir::Instant;
use serde_json::{Value, json};
use tests::app::{self, Browser, Grant, buttons, field, fill, launch_of, pairs, value_of};
use tests::gateway::{Folder, Gateway, LAUNCH, Person, Plan, Program, REDIRECT, Registered};
use tests::http::{Answer, Connection};
use tests::upstream::Upstream;

const SCOPE: &str = "launch openid fhirUser offline_access patient/Observation.rs patient/Patient.rs";
const CONTEXT: &str =
    r#"[{"reference":"Observation/o1","role":"https://example.org/open"},{"reference":"ImagingStudy/7"}]"#;

fn records() -> Vec<Value> {
    let patient = |id: &str, doctor: &str| {
        json!({"resourceType": "Patient", "id": id, "name": [{"family": id, "given": ["Given"]}], "birthDate": "1980-01-01",
            "generalPractitioner": [{"reference": format!("Practitioner/{doctor}")}]})
    };
    let encounter = |id: &str, of: &str| {
        json!({"resourceType": "Encounter", "id": id, "status": "in-progress", "class": {"code": "AMB"},
            "subject": {"reference": format!("Patient/{of}")}})
    };
    let observation = |id: &str, of: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": id},
            "subject": {"reference": format!("Patient/{of}")}})
    };
    vec![
        patient("p1", "d1"),
        patient("p2", "d1"),
        patient("p3", "d2"),
        encounter("e1", "p1"),
        encounter("e2", "p2"),
        observation("o1", "p1"),
        observation("o2", "p2"),
        json!({"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Roe"}]}),
        json!({"resourceType": "Practitioner", "id": "d2", "name": [{"family": "Poe"}]}),
    ]
}

fn app(client_id: &str) -> Registered {
    let scopes = "openid fhirUser launch launch/patient offline_access online_access patient/*.rs user/*.rs";
    Registered { client_id: client_id.into(), secret: None, scopes: scopes.into() }
}

fn plan(upstream: Option<&Upstream>) -> Plan {
    let at = Instant::parse("2026-01-01T00:00:00Z").unwrap();
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    if let Some(upstream) = upstream {
        records().iter().for_each(|row| upstream.put(&row.to_string(), at));
    }
    Plan {
        records: if upstream.is_some() { Vec::new() } else { records().iter().map(Value::to_string).collect() },
        upstream: upstream.map(Upstream::base),
        people: vec![person("ann", "Patient/p1"), person("roe", "Practitioner/d1"), person("poe", "Practitioner/d2")],
        apps: vec![
            app("chart"),
            app("other"),
            Registered { client_id: "alone".into(), secret: None, scopes: "launch/patient patient/*.rs".into() },
        ],
        ..Plan::new(at)
    }
}

async fn world() -> (Folder, Gateway) {
    let folder = Folder::prepare(&plan(None)).await;
    let gateway = folder.start(Program::Shipped).await;
    (folder, gateway)
}

const FOR_ROE: [&str; 6] = ["--user", "roe", "--patient", "p1", "--encounter", "e1"];

/// What the app is told when it asks with this launch: nothing while the pages go on, or error and description.
async fn refused(
    browser: &mut Browser,
    app: &Registered,
    scope: &str,
    launch: Option<&str>,
) -> Option<(String, String)> {
    let asking = browser.asking(app, scope, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", launch);
    let answer = browser.go(&asking, None).await;
    let location = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    let query = location.strip_prefix(REDIRECT)?.trim_start_matches('?').to_owned();
    Some((value_of(&query, "error").unwrap(), value_of(&query, "error_description").unwrap()))
}

async fn refreshed(connection: &mut Connection, grant: &Grant) -> Result<Grant, Answer> {
    let token = grant.refresh_token.as_deref().unwrap();
    app::token(connection, &app("chart"), &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

fn is_told(answer: &Value, origin: &str) {
    assert_eq!((&answer["patient"], &answer["encounter"]), (&json!("p1"), &json!("e1")), "{answer}");
    assert_eq!(answer["fhirContext"], serde_json::from_str::<Value>(CONTEXT).unwrap());
    assert_eq!((&answer["intent"], &answer["need_patient_banner"]), (&json!("summary-view"), &json!(false)));
    let style = answer["smart_style_url"].as_str().unwrap();
    assert!(style.starts_with(&format!("{origin}/static/smart-style-")) && style.ends_with(".json"), "{style}");
}

async fn whole_launch(upstream: Option<Upstream>) {
    let folder = Folder::prepare(&plan(upstream.as_ref())).await;
    let gateway = folder.start(Program::Shipped).await;
    let origin = gateway.peer().origin.clone();
    let mut connection = gateway.peer().connect().await.unwrap();
    let more = ["--fhir-context", CONTEXT, "--intent", "summary-view", "--no-patient-banner"];
    let opened = folder.launch("chart", &[&FOR_ROE[..], &more].concat()).await.unwrap();
    let query = opened.strip_prefix(&format!("{LAUNCH}?")).unwrap();
    assert_eq!(value_of(query, "iss"), Some(format!("{origin}/fhir")));
    let mut doctor = Browser::open(gateway.peer()).await;
    let grant = doctor.launch_from_ehr(&app("chart"), "roe", SCOPE, &opened).await;
    assert_eq!(grant.scope, SCOPE);
    is_told(&grant.answer, &origin);
    // Who signed in stands in the id_token, and can be read.
    let set = connection.send("GET", "/oauth/jwks", &[], None).await.unwrap().json();
    let id_token = grant.answer["id_token"].as_str().unwrap();
    let claims = app::id_token(id_token, &set, &format!("{origin}/fhir"), "chart");
    assert_eq!(claims["fhirUser"], format!("{origin}/fhir/Practitioner/d1"));
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Practitioner/d1").await.json()["name"][0]["family"], "Roe");
    for (target, due) in [("Patient/p1", 200), ("Observation/o1", 200), ("Patient/p2", 404), ("Observation/o2", 404)] {
        assert_eq!(app::get(&mut connection, &grant, &format!("/fhir/{target}")).await.status, due, "{target}");
    }
    // The style is there for apps of any origin, and may be kept for good.
    let style = grant.answer["smart_style_url"].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();
    let style = connection.send("GET", &style, &[("origin", "https://app.example")], None).await.unwrap();
    assert_eq!((style.status, style.header("access-control-allow-origin")), (200, Some("*")));
    assert!(style.header("cache-control").unwrap().contains("immutable") && style.json()["color_text"].is_string());
    // Every refresh and introspection says the same, before and after the process has died.
    let next = refreshed(&mut connection, &grant).await.unwrap();
    is_told(&next.answer, &origin);
    gateway.kill();
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let bearer = next.bearer();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let body = format!("token={}", next.access_token);
    let told = connection.send("POST", "/oauth/introspect", &headers, Some(body.as_bytes())).await.unwrap().json();
    assert_eq!(told["active"], true);
    is_told(&told, &origin);
    let again = refreshed(&mut connection, &next).await.unwrap();
    is_told(&again.answer, &origin);
    assert!(gateway.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ehr_opens_an_app_and_what_it_said_comes_with_every_token() {
    whole_launch(None).await;
    whole_launch(Some(Upstream::start().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_that_was_used_is_anothers_or_forged_is_refused_in_the_same_words() {
    let (folder, gateway) = world().await;
    let mut doctor = Browser::open(gateway.peer()).await;
    doctor.sign_in("roe").await;
    let used = launch_of(&folder.launch("chart", &FOR_ROE).await.unwrap());
    assert_eq!(refused(&mut doctor, &app("chart"), SCOPE, Some(&used)).await, None);
    let others = launch_of(&folder.launch("other", &FOR_ROE).await.unwrap());
    let mut forged = launch_of(&folder.launch("chart", &FOR_ROE).await.unwrap());
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'E' } else { 'A' });
    let mut answers = Vec::new();
    for launch in [used.as_str(), others.as_str(), forged.as_str(), "x", &"y".repeat(5_000)] {
        answers.push(refused(&mut doctor, &app("chart"), SCOPE, Some(launch)).await.unwrap());
    }
    assert_eq!(answers[0].0, "invalid_request");
    assert!(answers[0].1.contains("Open the app from the EHR again"), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // The wrong app has used it up for the right one.
    assert_eq!(refused(&mut doctor, &app("other"), SCOPE, Some(&others)).await.unwrap(), answers[0]);
    // A missing launch, and a launch without its scope.
    assert_eq!(refused(&mut doctor, &app("chart"), SCOPE, None).await.unwrap().0, "invalid_request");
    let fresh = launch_of(&folder.launch("chart", &FOR_ROE).await.unwrap());
    let without = refused(&mut doctor, &app("chart"), "patient/Patient.rs", Some(&fresh)).await.unwrap();
    assert_eq!(without.0, "invalid_scope");
    assert_eq!(refused(&mut doctor, &app("chart"), SCOPE, Some(&fresh)).await, None, "that had not used it up");
    let log = String::from_utf8(gateway.log()).unwrap();
    assert!(!log.contains(&used) && !log.contains(&fresh), "no launch stands in the log");
    assert!(gateway.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_is_for_the_person_it_was_made_for_and_who_signs_in_as_them_goes_on() {
    let (folder, gateway) = world().await;
    let mut browser = Browser::open(gateway.peer()).await;
    browser.sign_in("poe").await;
    let opened = folder.launch("chart", &FOR_ROE).await.unwrap();
    let asking = browser.asking(&app("chart"), SCOPE, "v".repeat(43).as_str(), Some(&launch_of(&opened)));
    let page = browser.open_page(&asking).await.text();
    assert!(page.contains("chart was opened for somebody else."), "{page}");
    assert!(!page.contains("p1") && !page.contains("Given"), "{page}");
    // She is led to sign in as the other, in the same launch, and nothing was granted meanwhile.
    let login =
        page.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|href| href.contains("/oauth/login"));
    let login = browser.open_page(&login.unwrap().replace("&amp;", "&").replace("&#38;", "&")).await.text();
    let (action, fields) = fill(&login, "roe", None);
    let page = browser.post(&action, &fields).await.text();
    assert!(page.contains("chart asks to see a patient’s record") && page.contains("Given p1"), "{page}");
    assert!(page.contains("It is also told which visit"), "{page}");
    assert_eq!(buttons(&page, "answer"), ["allow", "deny"], "there is no other patient to choose");
    // In a browser where nobody is signed in the person signs in, and as someone else comes no further.
    let opened = folder.launch("chart", &FOR_ROE).await.unwrap();
    let mut fresh = Browser::open(gateway.peer()).await;
    let grant = fresh.launch_from_ehr(&app("chart"), "roe", SCOPE, &opened).await;
    assert_eq!(grant.patient.as_deref(), Some("p1"));
    assert!(gateway.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_patient_must_still_be_in_care_and_the_encounter_theirs() {
    let upstream = Upstream::start().await;
    let folder = Folder::prepare(&plan(Some(&upstream))).await;
    let gateway = folder.start(Program::Shipped).await;
    let now = Instant::parse("2026-01-02T00:00:00Z").unwrap();
    let put = |row: Value| upstream.put(&row.to_string(), now);
    let patient = |doctor: &str| {
        json!({"resourceType": "Patient", "id": "p1", "name": [{"family": "p1"}],
            "generalPractitioner": [{"reference": format!("Practitioner/{doctor}")}]})
    };
    let encounter = |of: &str| {
        json!({"resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "AMB"},
            "subject": {"reference": format!("Patient/{of}")}})
    };
    let mut doctor = Browser::open(gateway.peer()).await;
    doctor.sign_in("roe").await;
    let over = "What chart was opened with no longer holds";
    for (changed, back) in [(patient("d2"), patient("d1")), (encounter("p2"), encounter("p1"))] {
        let opened = folder.launch("chart", &FOR_ROE).await.unwrap();
        put(changed);
        let asking = doctor.asking(&app("chart"), SCOPE, &"v".repeat(43), Some(&launch_of(&opened)));
        let page = doctor.open_page(&asking).await.text();
        assert!(page.contains(over), "{page}");
        put(back);
    }
    // What changes while the consent page is open stops the consent.
    let opened = folder.launch("chart", &FOR_ROE).await.unwrap();
    let asking = doctor.asking(&app("chart"), SCOPE, &"v".repeat(43), Some(&launch_of(&opened)));
    let page = doctor.open_page(&asking).await.text();
    put(patient("d2"));
    let (action, fields) = fill(&page, "roe", None);
    let page = doctor.post(&action, &fields).await.text();
    assert!(page.contains(over), "{page}");
    put(patient("d1"));
    // And none is made of what does not go together.
    for (more, why) in [
        (&["--user", "roe", "--patient", "p3"][..], "not in this person's care"),
        (&["--user", "ann", "--patient", "p2"], "not in this person's care"),
        (&["--user", "roe", "--patient", "p1", "--encounter", "e2"], "not one of this patient's"),
        (&["--user", "nobody", "--patient", "p1"], "no account of this name"),
        (&["--patient", "p1", "--fhir-context", r#"[{"reference":"Observation/o2"}]"#], "not one of this patient's"),
        (&["--patient", "p1", "--fhir-context", r#"["Observation/o1"]"#], "array of objects"),
        (&["--patient", "p1", "--fhir-context", r#"[{"reference":"Patient/p2"}]"#], "are not named in it"),
        (&["--patient", "p1", "--smart-style-url", "http://x.example/s"], "an https address"),
    ] {
        let said = folder.launch("chart", more).await.unwrap_err();
        assert!(said.contains(why), "{more:?}: {said}");
    }
    assert!(folder.launch("alone", &FOR_ROE).await.unwrap_err().contains("launch_uri"));
    assert!(folder.launch("nobody", &FOR_ROE).await.unwrap_err().contains("no app is registered"));
    assert!(gateway.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_take_a_launch_up_at_once_exactly_one_does_also_after_a_sudden_death() {
    let (folder, gateway) = world().await;
    let launch = launch_of(&folder.launch("chart", &FOR_ROE).await.unwrap());
    // Made before the process died, it is there when it has come again.
    gateway.kill();
    let gateway = folder.start(Program::Shipped).await;
    let mut trying = Vec::new();
    for _ in 0..100 {
        let (peer, launch) = (gateway.peer().clone(), launch.clone());
        trying.push(tokio::spawn(async move {
            let mut browser = Browser::open(&peer).await;
            refused(&mut browser, &app("chart"), SCOPE, Some(&launch)).await.is_none()
        }));
    }
    let mut won = 0;
    for one in trying {
        won += usize::from(one.await.unwrap());
    }
    assert_eq!(won, 1);
    // What was taken up does not come back with the next death.
    gateway.kill();
    let gateway = folder.start(Program::Shipped).await;
    let mut browser = Browser::open(gateway.peer()).await;
    assert!(refused(&mut browser, &app("chart"), SCOPE, Some(&launch)).await.is_some());
    assert!(gateway.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_a_launch_is_taken_up_once_or_not_at_all() {
    let folder = Folder::prepare(&plan(None)).await;
    for round in 0..6_u64 {
        let gateway = folder.start(Program::Shipped).await;
        let launch = launch_of(&folder.launch("chart", &FOR_ROE).await.unwrap());
        let mut trying = Vec::new();
        for _ in 0..8 {
            let (peer, launch) = (gateway.peer().clone(), launch.clone());
            trying.push(tokio::spawn(async move {
                let mut connection = peer.connect().await.ok()?;
                let challenge = base64url(&sha256(&[b'v'; 43]));
                let query = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([
                        ("response_type", "code"),
                        ("client_id", "chart"),
                        ("redirect_uri", REDIRECT),
                        ("scope", SCOPE),
                        ("aud", format!("{}/fhir", peer.origin).as_str()),
                        ("code_challenge", &challenge),
                        ("code_challenge_method", "S256"),
                        ("launch", &launch),
                    ])
                    .finish();
                let answer = connection.send("GET", &format!("/oauth/authorize?{query}"), &[], None).await.ok()?;
                Some(answer.header("location").is_some_and(|location| !location.starts_with(REDIRECT)))
            }));
        }
        tokio::time::sleep(std::time::Duration::from_millis(2 * round)).await;
        gateway.kill();
        let mut won = 0;
        for one in trying {
            won += usize::from(one.await.unwrap() == Some(true));
        }
        let gateway = folder.start(Program::Shipped).await;
        let mut browser = Browser::open(gateway.peer()).await;
        won += usize::from(refused(&mut browser, &app("chart"), SCOPE, Some(&launch)).await.is_none());
        assert!(won <= 1, "round {round}: taken up {won} times");
        assert!(gateway.stop().success());
    }
}

/// Opens `app` for a patient on the clinician's own page; where the browser is sent.
async fn opened_by(browser: &mut Browser, app: &str, patient: &str) -> String {
    let page = browser.open_page("/account/launch").await.text();
    let form = field(&page, "form").unwrap();
    let sent = pairs(&[("form", &form), ("lang", "en"), ("app", app), ("patient", patient)]);
    browser.go("/account/launch", Some(&sent)).await.header("location").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinician_opens_an_app_for_a_patient_in_their_care_and_that_goes_through_the_gate() {
    let (folder, gateway) = world().await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut doctor = Browser::open(gateway.peer()).await;
    let page = doctor.sign_in("roe").await.text();
    assert!(page.contains("/account/launch"), "{page}");
    let answer = doctor.open_page("/account/launch").await;
    let page = answer.text();
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:5555;"), "{policy}");
    assert!(page.contains("value=\"chart\"") && !page.contains("value=\"alone\""), "{page}");
    assert!(page.contains("Given p1") && page.contains("Given p2") && !page.contains("Given p3"), "{page}");
    let opened = opened_by(&mut doctor, "chart", "p2").await;
    assert!(opened.starts_with(&format!("{LAUNCH}?iss=")), "{opened}");
    let grant = doctor.launch_from_ehr(&app("chart"), "roe", "launch patient/Patient.rs", &opened).await;
    assert_eq!((grant.patient.as_deref(), &grant.answer["need_patient_banner"]), (Some("p2"), &json!(true)));
    assert!(grant.answer.get("encounter").is_none());
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p2").await.status, 200);
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 404);
    // Nobody else can be opened for, and no app that is not opened.
    for (app, patient) in [("chart", "p3"), ("chart", "none"), ("chart", ""), ("alone", "p1"), ("", "p1")] {
        assert_eq!(
            opened_by(&mut doctor, app, patient).await,
            "/account/launch?said=failed&lang=en",
            "{app} {patient}"
        );
    }
    assert!(doctor.open_page("/account/launch?said=failed").await.text().contains("The app could not be opened."));
    // A form of another site, or another person, opens nothing.
    let stolen = pairs(&[("form", "x"), ("app", "chart"), ("patient", "p1")]);
    assert_eq!(doctor.go("/account/launch", Some(&stolen)).await.status, 403);
    let mut ann = Browser::open(gateway.peer()).await;
    ann.sign_in("ann").await;
    let page = ann.open_page("/account/launch").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("This page is for clinicians"));
    // Whose names were shown stands on the ledger.
    let told = folder.command(Program::Shipped, &["ledger", "export"], &[]).await.unwrap();
    let of_page: Vec<&str> = told.lines().filter(|line| line.contains("\"portal\"")).collect();
    assert!(
        of_page.iter().any(|line| line.contains("Patient/p1"))
            && !of_page.iter().any(|line| line.contains("Patient/p3"))
    );
    assert!(gateway.stop().success());
}

#[tokio::test]
async fn discovery_says_what_can_be_done() {
    let (_folder, gateway) = world().await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let told = connection.send("GET", "/fhir/.well-known/smart-configuration", &[], None).await.unwrap().json();
    let capabilities = told["capabilities"].as_array().unwrap();
    for capability in [
        "launch-ehr",
        "context-ehr-patient",
        "context-ehr-encounter",
        "context-banner",
        "context-style",
        "permission-online",
        "permission-user",
    ] {
        assert!(capabilities.contains(&json!(capability)), "{capability}");
    }
    for scope in ["launch", "online_access"] {
        assert!(told["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    assert!(gateway.stop().success());
}

#[tokio::test]
async fn online_access_ends_with_the_session_it_came_from() {
    let (_folder, gateway) = world().await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut ann = Browser::open(gateway.peer()).await;
    let scope = "online_access launch/patient patient/Patient.rs";
    let grant = ann.launch(&app("chart"), "ann", scope, None).await;
    assert_eq!((grant.scope.as_str(), &grant.answer["expires_in"]), (scope, &json!(900)));
    let lasting = ann.launch(&app("other"), "ann", "offline_access launch/patient patient/Patient.rs", None).await;
    let next = refreshed(&mut connection, &grant).await.unwrap();
    assert_eq!(app::get(&mut connection, &next, "/fhir/Patient/p1").await.status, 200);
    let page = ann.open_page("/account").await.text();
    let out = pairs(&[("form", &field(&page, "form").unwrap()), ("lang", "en")]);
    assert_eq!(ann.go("/account/logout", Some(&out)).await.status, 303);
    for ended in [&grant, &next] {
        assert_eq!(app::get(&mut connection, ended, "/fhir/Patient/p1").await.status, 401);
    }
    let refused = refreshed(&mut connection, &next).await.unwrap_err();
    assert_eq!(refused.json()["error"], "invalid_grant");
    assert_eq!(app::get(&mut connection, &lasting, "/fhir/Patient/p1").await.status, 200, "offline access stays");
    assert!(gateway.stop().success());
}
