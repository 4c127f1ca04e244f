//! A person's own pages, on the built program: signing in without an app, seeing where else one is signed in, ending that.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use tests::app::{self, Browser, buttons, field, pairs};
use tests::gateway::{Folder, PASSWORD, Person, Plan, Program, Registered};

const ANN: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"Doe","given":["Ann"]}],"birthDate":"1980-02-03","gender":"female","generalPractitioner":[{"reference":"Practitioner/d1"}]}"#;
const BOB: &str = r#"{"resourceType":"Patient","id":"p2","active":true,"name":[{"family":"Foe","given":["Bob"]}],"birthDate":"1970-02-03","gender":"male","generalPractitioner":[{"reference":"Practitioner/d1"}]}"#;
const DOCTOR: &str = r#"{"resourceType":"Practitioner","id":"d1","name":[{"family":"Roe","given":["Dora"]}]}"#;
const SCOPE: &str = "launch/patient patient/*.rs";

fn plan() -> Plan {
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    let app = |client_id: &str| Registered {
        client_id: client_id.into(),
        secret: None,
        scopes: "openid fhirUser launch/patient offline_access patient/*.rs".into(),
    };
    Plan {
        records: [ANN, BOB, DOCTOR].map(str::to_owned).to_vec(),
        people: vec![person("ann", "Patient/p1"), person("bob", "Patient/p2"), person("roe", "Practitioner/d1")],
        apps: vec![app("reader"), app("other")],
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    }
}

/// What a page says, without its tags.
fn said(page: &str) -> String {
    page.split('<').filter_map(|part| part.split_once('>').map(|(_, said)| said)).collect::<Vec<_>>().join(" ")
}

/// The token of a page's forms.
fn form(page: &str) -> String {
    field(page, "form").unwrap_or_else(|| panic!("no form: {page}"))
}

#[tokio::test]
async fn a_person_signs_in_without_an_app_sees_it_on_every_page_and_signs_out() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut ann = Browser::open(gateway.peer()).await;
    let asked = ann.go("/account/sessions", None).await;
    assert_eq!((asked.status, asked.header("location")), (303, Some("/account/login?to=sessions&lang=en")));
    let page = ann.sign_in("ann").await.text();
    assert!(page.contains("Signed in as ann") && page.contains("/account/apps"), "{page}");
    for target in ["/", "/account", "/account/sessions", "/docs/errors/invalid_grant", "/account/login"] {
        assert!(ann.open_page(target).await.text().contains("Signed in as ann"), "{target}");
    }
    assert!(ann.open_page("/account?lang=es").await.text().contains("Sesión iniciada como ann"));
    let (token, session) = (form(&page), ann.session());
    let out = ann.go("/account/logout", Some(&pairs(&[("form", &token), ("lang", "en")]))).await;
    let cookie = out.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-sluice-session=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert!(ann.open_page("/account/logout").await.text().contains("You are signed out"));
    // The token is worth nothing any more, even to who kept it.
    ann.plant_session(&session);
    assert_eq!(ann.go("/account", None).await.header("location"), Some("/account/login?to=account&lang=en"));
    assert!(!ann.open_page("/").await.text().contains("Signed in as"));
}

#[tokio::test]
async fn a_person_ends_a_session_elsewhere_and_all_others_at_once() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut browsers = Vec::new();
    for _ in 0..4 {
        let mut browser = Browser::open(gateway.peer()).await;
        browser.sign_in("ann").await;
        browsers.push(browser);
    }
    let mut bob = Browser::open(gateway.peer()).await;
    bob.sign_in("bob").await;
    let of_bob = bob.open_page("/account/sessions").await.text();
    assert!(of_bob.contains("You are signed in nowhere else.") && of_bob.contains("127.0.0.0/24"));
    let page = browsers[3].open_page("/account/sessions").await.text();
    let others = buttons(&page, "session");
    assert_eq!(others.len(), 3, "{page}");
    // What another person names is not theirs, and nothing happens to it.
    let answer = bob.post("/account/sessions", &pairs(&[("form", &form(&of_bob)), ("session", &others[0])])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(buttons(&browsers[3].open_page("/account/sessions").await.text(), "session").len(), 3);
    let page =
        browsers[3].post("/account/sessions", &pairs(&[("form", &form(&page)), ("session", &others[0])])).await.text();
    assert!(page.contains("Done. That sign-in is over.") && buttons(&page, "session").len() == 2, "{page}");
    assert!(browsers[2].open_page("/account").await.text().contains("Password"), "the newest of the others was ended");
    assert!(browsers[1].open_page("/account").await.text().contains("Signed in as ann"));
    let page = browsers[3].post("/account/sessions", &pairs(&[("form", &form(&page)), ("others", "end")])).await.text();
    assert!(page.contains("here and nowhere else") && page.contains("nowhere else."), "{page}");
    for (nth, living) in [false, false, false, true].into_iter().enumerate() {
        assert_eq!(browsers[nth].open_page("/account").await.text().contains("Signed in as ann"), living, "{nth}");
    }
    assert!(bob.open_page("/account").await.text().contains("Signed in as bob"));
}

#[tokio::test]
async fn a_form_of_another_site_or_another_person_does_nothing() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut ann = Browser::open(gateway.peer()).await;
    let page = ann.sign_in("ann").await.text();
    let own = form(&page);
    let mut bob = Browser::open(gateway.peer()).await;
    let of_bob = form(&bob.sign_in("bob").await.text());
    assert_ne!(own, of_bob);
    for target in ["/account/logout", "/account/sessions"] {
        for stolen in [&of_bob, "", "x"] {
            let answer = ann.go(target, Some(&pairs(&[("form", stolen), ("others", "end")]))).await;
            assert_eq!(answer.status, 403, "{target} {stolen}");
        }
        let mut connection = gateway.peer().connect().await.unwrap();
        let cookies = ann.cookies();
        let body = format!("form={own}&others=end");
        let foreign = [
            ("cookie", cookies.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "cross-site"),
        ];
        let answer = connection.send("POST", target, &foreign, Some(body.as_bytes())).await.unwrap();
        assert_eq!(answer.status, 403, "{target}");
    }
    assert!(ann.open_page("/account").await.text().contains("Signed in as ann"));
    // Nobody is signed in by a form that was given to another browser.
    let mut victim = Browser::open(gateway.peer()).await;
    victim.open_page("/account/login").await;
    let mut attacker = Browser::open(gateway.peer()).await;
    let given = form(&attacker.open_page("/account/login").await.text());
    let planted = pairs(&[("form", &given), ("username", "bob"), ("password", PASSWORD), ("to", "")]);
    let answer = victim.go("/account/login", Some(&planted)).await;
    assert_eq!(answer.status, 403);
    assert_eq!(victim.session(), "");
}

#[tokio::test]
async fn a_session_that_was_planted_is_not_the_one_that_a_sign_in_gives() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut attacker = Browser::open(gateway.peer()).await;
    attacker.sign_in("bob").await;
    let planted = attacker.session();
    let mut ann = Browser::open(gateway.peer()).await;
    ann.plant_session(&planted);
    let page = ann.sign_in("ann").await.text();
    assert!(page.contains("Signed in as ann"));
    assert_ne!(ann.session(), planted);
    assert!(attacker.open_page("/account").await.text().contains("Password"), "the session before is over");
    // An app's launch goes on with the session, and signing in there again makes a new one.
    let before = ann.session();
    let apps = plan().apps;
    let grant = ann.launch(&apps[0], "ann", SCOPE, None).await;
    assert_eq!((grant.patient.as_deref(), ann.session()), (Some("p1"), before));
    let mut connection = gateway.peer().connect().await.unwrap();
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_sees_their_apps_and_stops_one_and_from_then_on_nothing_leaves_for_it() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let [reader, other] = &plan().apps[..] else { panic!() };
    let mut ann = Browser::open(gateway.peer()).await;
    let grant = ann
        .launch(reader, "ann", "launch/patient offline_access patient/Patient.rs patient/Observation.rs", None)
        .await;
    let again = ann.launch(reader, "ann", SCOPE, None).await;
    let kept = ann.launch(other, "ann", SCOPE, None).await;
    let mut bob = Browser::open(gateway.peer()).await;
    let of_bob = bob.launch(reader, "bob", SCOPE, None).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
    let page = ann.open_page("/account/apps").await.text();
    // The newest first; two of one second by their names.
    assert_eq!(buttons(&page, "app"), ["other", "reader"].map(str::to_owned), "{page}");
    assert!(page.contains("Results and measurements") && page.contains("Personal details</dd>"), "{page}");

    // While the app asks without a pause, the patient stops it.
    let mut asking = Vec::new();
    let stopped = std::sync::Arc::new(std::sync::OnceLock::<std::time::Instant>::new());
    for _ in 0..4 {
        let (mut connection, grant, stopped) =
            (gateway.peer().connect().await.unwrap(), grant.clone(), std::sync::Arc::clone(&stopped));
        asking.push(tokio::spawn(async move {
            let mut answers = 0;
            loop {
                let begun = std::time::Instant::now();
                let answer = app::get(&mut connection, &grant, "/fhir/Patient/p1").await;
                if answer.status == 401 {
                    return answers;
                }
                assert_eq!(answer.status, 200);
                assert!(stopped.get().is_none_or(|stopped| begun < *stopped), "an answer after the app was stopped");
                answers += 1;
            }
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let page = ann.post("/account/apps", &pairs(&[("form", &form(&page)), ("app", "reader")])).await.text();
    stopped.set(std::time::Instant::now()).unwrap();
    assert!(page.contains("The app gets nothing more from your record. What it already has stays with it."), "{page}");
    assert_eq!(buttons(&page, "app"), ["other"].map(str::to_owned));
    for asking in asking {
        assert!(asking.await.unwrap() > 0);
    }
    for ended in [&grant, &again] {
        assert_eq!(app::get(&mut connection, ended, "/fhir/Patient/p1").await.status, 401);
    }
    let form_of_token = [("grant_type", "refresh_token"), ("refresh_token", grant.refresh_token.as_deref().unwrap())];
    assert!(app::token(&mut connection, reader, &form_of_token).await.is_err());
    assert_eq!(app::get(&mut connection, &kept, "/fhir/Patient/p1").await.status, 200);
    assert_eq!(app::get(&mut connection, &of_bob, "/fhir/Patient/p2").await.status, 200, "bob's own word stays");
}

#[tokio::test]
async fn an_answer_that_is_under_way_breaks_off_when_the_app_is_stopped() {
    let document = |nth: usize| {
        let data = "QUJD".repeat(256 * 1024);
        format!(
            r#"{{"resourceType":"DocumentReference","id":"d{nth}","status":"current","subject":{{"reference":"Patient/p1"}},"content":[{{"attachment":{{"data":"{data}"}}}}]}}"#
        )
    };
    let records = plan().records.into_iter().chain((0..24).map(document)).collect();
    let folder = Folder::prepare(&Plan { records, ..plan() }).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut ann = Browser::open(gateway.peer()).await;
    let grant = ann.launch(&plan().apps[0], "ann", SCOPE, None).await;
    let page = ann.open_page("/account/apps").await.text();
    let mut connection = gateway.peer().connect().await.unwrap();
    let (host, bearer) = (gateway.peer().host(), grant.bearer());
    let asked =
        format!("GET /fhir/DocumentReference?_count=50 HTTP/1.1\r\nhost: {host}\r\nauthorization: {bearer}\r\n\r\n");
    connection.write(asked.as_bytes()).await.unwrap();
    // Its head is read, and then nothing, so that most of it waits on the other side.
    let mut answer = connection.head().await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-length").unwrap().parse::<usize>().unwrap() > 24 * 1024 * 1024);
    ann.post("/account/apps", &pairs(&[("form", &form(&page)), ("app", "reader")])).await;
    assert!(connection.body(&mut answer).await.is_err(), "all of it came, though the app was stopped");
}

#[tokio::test]
async fn an_app_of_another_person_is_as_one_that_does_not_exist() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut bob = Browser::open(gateway.peer()).await;
    let of_bob = bob.launch(&plan().apps[0], "bob", SCOPE, None).await;
    let mut ann = Browser::open(gateway.peer()).await;
    let own = form(&ann.sign_in("ann").await.text());
    let mut answers = Vec::new();
    for app in ["reader", "nothing", ""] {
        let done = ann.go("/account/apps", Some(&pairs(&[("form", &own), ("app", app)]))).await;
        let shown = ann.open_page(done.header("location").unwrap()).await;
        answers.push((done.status, done.header("location").unwrap().to_owned(), shown.status, shown.text()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let mut connection = gateway.peer().connect().await.unwrap();
    assert_eq!(app::get(&mut connection, &of_bob, "/fhir/Patient/p2").await.status, 200);
    // Nor is it stopped by a form that carries another's token.
    let foreign = pairs(&[("form", &form(&bob.open_page("/account").await.text())), ("app", "reader")]);
    let answer = ann.go("/account/apps", Some(&foreign));
    assert_eq!(answer.await.status, 403);
    // A clinician has no such pages.
    let mut doctor = Browser::open(gateway.peer()).await;
    let page = doctor.sign_in("roe").await.text();
    assert!(!page.contains("/account/apps") && !page.contains("/account/disclosures"), "{page}");
    for target in ["/account/apps", "/account/disclosures", "/account/disclosures/file"] {
        let answer = doctor.go(target, None).await;
        assert_eq!(answer.status, 403, "{target}");
        assert!(answer.text().contains("This page is for patients"));
    }
    let answer = doctor.go("/account/apps", Some(&pairs(&[("form", &form(&page)), ("app", "reader")]))).await;
    assert_eq!(answer.status, 403);
    assert_eq!(app::get(&mut connection, &of_bob, "/fhir/Patient/p2").await.status, 200);
}

#[tokio::test]
async fn a_patient_sees_who_saw_their_record_and_nobody_else_in_it() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut doctor = Browser::open(gateway.peer()).await;
    // The page on which she chooses shows both, in one disclosure.
    let chart = doctor.launch(&plan().apps[1], "roe", SCOPE, Some("p2")).await;
    assert_eq!(app::get(&mut connection, &chart, "/fhir/Patient/p2").await.status, 200);
    assert_eq!(app::get(&mut connection, &chart, "/fhir/Patient/p1").await.status, 404);
    let mut ann = Browser::open(gateway.peer()).await;
    let own = ann.launch(&plan().apps[0], "ann", SCOPE, None).await;
    for _ in 0..60 {
        assert_eq!(app::get(&mut connection, &own, "/fhir/Patient/p1").await.status, 200);
    }
    let first = ann.open_page("/account/disclosures").await.text();
    assert_eq!(first.matches("By the app reader").count(), 50, "{first}");
    assert!(first.contains("<b>You</b>") && first.contains("At the patient’s request"));
    let older = first.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|href| href.contains("page="));
    let older = older.unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let older = older.replace("/file", "");
    let second = ann.open_page(&older).await.text();
    assert_eq!(second.matches("By the app reader").count(), 10, "{second}");
    assert!(second.contains("<b>Dora Roe</b> · On the pages of this server"), "{second}");
    assert!(second.contains("To treat you") && !second.contains(">Older<"), "{second}");
    let file = ann.open_page("/account/disclosures/file").await;
    assert_eq!(file.header("content-type"), Some("application/fhir+ndjson"));
    assert!(file.header("content-disposition").unwrap().starts_with("attachment"));
    let events: Vec<serde_json::Value> = file.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.len() >= 62 && events.iter().all(|event| event["resourceType"] == "AuditEvent"), "{}", events.len());
    for text in [said(&first), said(&second), file.text()] {
        for other in ["Patient/p2", "Bob", "Foe", "127.0.0.1"] {
            assert!(!text.contains(other), "{other}: {text}");
        }
    }
    // Bob's page is his own, whatever ann's link says.
    let mut bob = Browser::open(gateway.peer()).await;
    bob.sign_in("bob").await;
    let answer = bob.go(&older, None).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account/disclosures?lang=en")));
    let page = bob.open_page("/account/disclosures?patient=p1&subject=Patient/p1").await.text();
    assert!(page.contains("<b>Dora Roe</b> · By the app other") && !page.contains("By the app reader"), "{page}");
    for changed in ["/account/disclosures?page=x", "/account/disclosures/file?page=AAAA"] {
        assert_eq!(bob.go(changed, None).await.status, 303, "{changed}");
    }
    assert_eq!(Browser::open(gateway.peer()).await.go("/account/disclosures/file", None).await.status, 303);
}
