//! What developers rely on, on the built program: a purpose of use for each token, a page for each error, the recent calls of
//! their own app, and a sandbox where things go wrong as they would in earnest, and only there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use fhir::outcome::IssueCode;
use serde_json::{Value, json};
use smart::{ErrorCode, Mishap};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::app::{self, Browser, Grant, field, pairs, value_of};
use tests::gateway::{Folder, Gateway, PASSWORD, Person, Plan, Program, REDIRECT, Registered};
use tests::http::{Answer, Connection};
use tests::service::{Service, ask, asking};

const RECORDS: [&str; 4] = [
    r#"{"resourceType":"Patient","id":"p1","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ann</div>"},"name":[{"family":"Doe"}],"birthDate":"1980-02-03","photo":[{"url":"https://x"}]}"#,
    r#"{"resourceType":"Patient","id":"p2","name":[{"family":"Foe"}]}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p1"}}"#,
    r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p1"},"reasonCode":[{"text":"cough"}],"participant":[{"individual":{"reference":"Practitioner/d1"}}]}"#,
];
const SCOPE: &str = "launch/patient openid fhirUser offline_access patient/*.rs";
const OPEN: &str = "[registration]\nopen = true\n";

fn reader() -> Registered {
    Registered { client_id: "reader".into(), secret: None, scopes: SCOPE.into() }
}

async fn started(people: Vec<Person>, more: String) -> (Folder, Gateway) {
    let plan = Plan {
        records: RECORDS.map(str::to_owned).to_vec(),
        people,
        apps: vec![reader()],
        more,
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    };
    let folder = Folder::prepare(&plan).await;
    let gateway = folder.start(Program::Shipped).await;
    (folder, gateway)
}

fn ann() -> Vec<Person> {
    vec![Person { username: "ann".into(), fhir_user: "Patient/p1".into() }]
}

/// An app that registers itself: it, and the token of its registration.
async fn registered(connection: &mut Connection, name: &str) -> (Registered, String) {
    let body = json!({ "client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "scope": SCOPE });
    let headers = [("content-type", "application/json")];
    let answer = connection.send("POST", "/oauth/register", &headers, Some(body.to_string().as_bytes())).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let told = answer.json();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    (Registered { client_id: text("client_id"), secret: None, scopes: SCOPE.into() }, text("registration_access_token"))
}

async fn get(connection: &mut Connection, target: &str) -> Answer {
    connection.send("GET", target, &[], None).await.unwrap()
}

async fn calls(connection: &mut Connection, app: &Registered, token: &str) -> Answer {
    let target = format!("/oauth/register/{}/calls", app.client_id);
    connection.send("GET", &target, &[("authorization", &format!("Bearer {token}"))], None).await.unwrap()
}

#[tokio::test]
async fn a_purpose_is_asserted_for_a_token_and_bears_on_what_leaves_for_it() {
    let service = Service::new("payer");
    let (folder, gateway) = started(ann(), service.section("system/*.rs", "TREAT\", \"HPAYMT")).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let mut granted = Vec::new();
    for (purpose, due) in [("TREAT", 200), ("HPAYMT", 200), ("", 400), ("PATRQT", 400), ("treat", 400)] {
        let assertion = service.key.state(&service.claims(&origin)).unwrap();
        let form = [&asking("system/*.rs", &assertion)[..], &[("purpose_of_use", purpose)]].concat();
        let answer = ask(&mut connection, "/oauth/token", &form).await;
        assert_eq!(answer.status, due, "{purpose}: {}", answer.text());
        let told = answer.json();
        if due == 200 {
            granted.push(format!("Bearer {}", told["access_token"].as_str().unwrap()));
        } else {
            let said = told["error_description"].as_str().unwrap();
            assert!(said.contains("TREAT, HPAYMT"), "{purpose}: {said}");
        }
    }
    let mut read = async |bearer: &str, target: &str| {
        connection.send("GET", target, &[("authorization", bearer)], None).await.unwrap()
    };
    let (treats, pays) = (&granted[0], &granted[1]);
    assert_eq!(read(treats, "/fhir/Observation/o1").await.status, 200);
    let refused = read(pays, "/fhir/Observation/o1").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("The purpose of use HPAYMT does not include Observation."), "{}", refused.text());
    let (whole, cut) = (read(treats, "/fhir/Encounter/e1").await.json(), read(pays, "/fhir/Encounter/e1").await.json());
    assert!(whole["reasonCode"].is_array() && cut["reasonCode"].is_null() && cut["class"]["code"] == "AMB", "{cut}");
    let whole = read(treats, "/fhir/Patient/p1").await.json();
    let cut = read(pays, "/fhir/Patient/p1").await.json();
    assert!(whole["photo"].is_array() && cut["photo"].is_null() && cut["text"].is_null(), "{cut}");
    assert_eq!(cut["meta"]["tag"][0]["code"], "SUBSETTED");
    for (bearer, purpose) in [(treats, "TREAT"), (pays, "HPAYMT")] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let form = format!("token={}", bearer.strip_prefix("Bearer ").unwrap());
        let told = connection.send("POST", "/oauth/introspect", &headers, Some(form.as_bytes())).await.unwrap().json();
        assert_eq!((&told["active"], &told["purpose_of_use"]), (&json!(true), &json!(purpose)));
    }
    let exported = folder.command(Program::Shipped, &["ledger", "export"], &[]).await.unwrap();
    let of = |purpose: &str| exported.lines().filter(|line| line.contains(&format!("\"code\":\"{purpose}\""))).count();
    assert!(of("TREAT") >= 3 && of("HPAYMT") >= 3, "{exported}");

    // An app that people use: what it is not registered for is said to it, what is not open to the person to the person.
    let (request, _) = app::asking(&origin, &reader(), SCOPE);
    for (purpose, error) in [("HPAYMT", "unauthorized_client"), ("BTG", "invalid_request")] {
        let request = [&request[..], &pairs(&[("purpose_of_use", purpose)])].concat();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
        let answer = get(&mut connection, &format!("/oauth/authorize?{query}")).await;
        let back =
            answer.header("location").unwrap().strip_prefix(REDIRECT).unwrap().trim_start_matches('?').to_owned();
        assert_eq!(value_of(&back, "error").as_deref(), Some(error));
        assert!(value_of(&back, "error_description").unwrap().contains("registered for PATRQT, TREAT"), "{back}");
    }
    let mut browser = Browser::open(gateway.peer()).await;
    let request = [&request[..], &pairs(&[("purpose_of_use", "TREAT")])].concat();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    let page = browser.open_page(&format!("/oauth/authorize?{query}")).await.text();
    let (action, fields) = app::fill(&page, "ann", None);
    let page = browser.post(&action, &fields).await.text();
    assert!(!page.contains("name=\"item\""), "a patient treats nobody: {page}");
}

#[tokio::test]
async fn every_error_leads_to_a_page_and_a_developer_sees_the_calls_of_their_own_app_alone() {
    let (folder, gateway) = started(ann(), OPEN.to_owned()).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let (own, token) = registered(&mut connection, "Heart Buddy").await;
    let (other, others) = registered(&mut connection, "Other").await;
    assert_eq!(calls(&mut connection, &own, &token).await.json()["calls"], json!([]));

    let mut browser = Browser::open(gateway.peer()).await;
    let grant = browser.launch(&own, "ann", SCOPE, None).await;
    let mut led_to = BTreeSet::new();
    let mut answers = Vec::new();
    for target in
        ["/fhir/Patient/p1", "/fhir/Patient/p2", "/fhir/Observation?patient=p1&code=secret", "/fhir/Patient?nonsense=x"]
    {
        answers.push(app::get(&mut connection, &grant, target).await);
    }
    let wrong = [("grant_type", "authorization_code"), ("code", "nonsense"), ("redirect_uri", REDIRECT)];
    let wrong = app::token(&mut connection, &own, &wrong).await.unwrap_err();
    let nobody = Registered { client_id: "nobody".into(), ..own.clone() };
    let unknown = app::token(&mut connection, &nobody, &[("grant_type", "refresh_token")]).await.unwrap_err();
    answers.extend([wrong.clone(), unknown]);
    answers.push(app::revoke(&mut connection, &own, &grant.access_token).await);
    answers.push(app::get(&mut connection, &grant, "/fhir/Patient/p1").await);
    let query = format!("client_id={}&redirect_uri=https%3A%2F%2Fevil.example", own.client_id);
    answers.push(get(&mut connection, &format!("/oauth/authorize?{query}")).await);
    answers.push(get(&mut connection, "/fhir/Patient/p1").await);
    answers.push(get(&mut connection, "/nowhere").await);
    answers.push(connection.send("POST", "/fhir/metadata", &[], Some(b"")).await.unwrap());

    // Wherever an answer says that its error is explained, it is, in both languages.
    for answer in answers.iter().filter(|answer| answer.status >= 400) {
        let link = answer.header("link").and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"help\""));
        let uri = answer.json()["error_uri"].as_str().map(|uri| uri.replace(&gateway.peer().origin, ""));
        let page = answer.text().contains("href=\"/docs/errors/invalid_redirect_uri\"");
        let page = page.then(|| "/docs/errors/invalid_redirect_uri".to_owned());
        led_to
            .insert(link.map(str::to_owned).or(uri).or(page).unwrap_or_else(|| panic!("no way on: {}", answer.text())));
    }
    for due in
        ["not-found", "invalid", "login", "not-supported", "invalid_grant", "invalid_client", "invalid_redirect_uri"]
    {
        assert!(led_to.contains(&format!("/docs/errors/{due}")), "{due}: {led_to:?}");
    }
    let all = ErrorCode::ALL.iter().map(|code| format!("/docs/errors/{}", code.as_str()));
    led_to.extend(all);
    for target in &led_to {
        for language in ["en", "es"] {
            let page = get(&mut connection, &format!("{target}?lang={language}")).await;
            assert_eq!((page.status, page.header("content-language")), (200, Some(language)), "{target}");
        }
    }
    let explained = IssueCode::ALL.iter().map(|code| code.as_str());
    let mut explained: Vec<&str> = explained.collect();
    explained.retain(|code| led_to.contains(&format!("/docs/errors/{code}")));
    assert!(explained.len() >= 4);
    assert_eq!(get(&mut connection, "/docs/errors/nonsense").await.status, 404);

    // The developer sees each call, the newest first, by the id that its answer carried.
    let told = calls(&mut connection, &own, &token).await;
    assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")));
    let told = told.json();
    let list = told["calls"].as_array().unwrap();
    let seen = |answer: &Answer| {
        let id = answer.header("x-correlation-id").unwrap();
        list.iter().find(|call| call["correlation_id"] == id).cloned().unwrap_or_default()
    };
    for (answer, route, error) in [
        (&answers[0], "/fhir/{type}/{id}", Value::Null),
        (&answers[1], "/fhir/{type}/{id}", json!("not-found")),
        (&answers[2], "/fhir/{type}", Value::Null),
        (&answers[3], "/fhir/{type}", json!("invalid")),
        (&answers[4], "/oauth/token", json!("invalid_grant")),
        (&answers[6], "/oauth/revoke", Value::Null),
        (&answers[7], "/fhir/{type}/{id}", json!("login")),
        (&answers[8], "/oauth/authorize", json!("invalid_redirect_uri")),
    ] {
        let call = seen(answer);
        assert_eq!(
            (&call["route"], &call["error"], &call["status"]),
            (&json!(route), &error, &json!(answer.status)),
            "{call}"
        );
    }
    for answer in [&answers[5], &answers[9], &answers[10]] {
        assert!(seen(answer).is_null(), "of nobody, or of another");
    }
    let text = told["calls"].to_string();
    for never in ["p1", "p2", "secret", "nonsense", "ann", "evil", &grant.access_token, &token] {
        assert!(!text.contains(never), "{never}: {text}");
    }
    // Only with its own token, and never by an address.
    for (app, wrong) in [(&own, &others), (&other, &token), (&own, &grant.access_token), (&own, &String::new())] {
        assert_eq!(calls(&mut connection, app, wrong).await.status, 401);
    }
    let target =
        format!("/oauth/register/{}/calls?registration_access_token={token}&access_token={token}", own.client_id);
    assert_eq!(get(&mut connection, &target).await.status, 401);
    let page = browser.open_page("/register/calls").await.text();
    let form = field(&page, "form").unwrap();
    let typed = |form: &str, token: &str| {
        pairs(&[("form", form), ("client_id", &own.client_id), ("registration_access_token", token), ("lang", "en")])
    };
    let shown = browser.post("/register/calls", &typed(&form, &token)).await;
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert!(
        shown.text().contains("<code>invalid_grant</code>") && shown.text().contains("/oauth/token"),
        "{}",
        shown.text()
    );
    let refused = browser.post("/register/calls", &typed(&form, &others)).await.text();
    assert!(refused.contains("this is not the token of its registration") && !refused.contains("invalid_grant"));
    assert_eq!(browser.go("/register/calls", Some(&typed("x", &token))).await.status, 403);
    let target = format!("/register/calls?client_id={}&registration_access_token={token}", own.client_id);
    assert!(!browser.open_page(&target).await.text().contains("invalid_grant"));
    let listed = folder.command(Program::Shipped, &["client", "calls"], &[&own.client_id]).await.unwrap();
    assert_eq!(listed.lines().count(), list.len());
    assert!(
        folder
            .command(Program::Shipped, &["client", "calls"], &["nobody"])
            .await
            .unwrap_err()
            .contains("there is no app")
    );
    let log = String::from_utf8_lossy(&gateway.log()).into_owned();
    assert!(!log.contains(&token));

    // This is no sandbox: nothing of one is here.
    for target in ["/sandbox", "/try", "/try/callback?code=x&state=y"] {
        assert_eq!(get(&mut connection, target).await.status, 404, "{target}");
    }
    for target in ["/sandbox", "/try"] {
        let fields =
            pairs(&[("form", &form), ("step", "begin"), ("client_id", &own.client_id), ("mishap", "request_revoked")]);
        assert_eq!(browser.go(target, Some(&fields)).await.status, 404, "{target}");
    }
    let first = browser.open_page("/").await.text();
    assert!(!first.contains("href=\"/try\"") && !first.contains("href=\"/sandbox\""));
    let (request, _) = app::asking(&gateway.peer().origin, &own, SCOPE);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    let login = Browser::open(gateway.peer()).await.open_page(&format!("/oauth/authorize?{query}")).await.text();
    assert!(login.contains("name=\"password\"") && !login.contains(PASSWORD));
    assert_eq!(get(&mut connection, "/oauth/authorize?client_id=sluice-try").await.status, 400);
}

/// Chooses what goes wrong for an app, on the page.
async fn choose(browser: &mut Browser, app: &Registered, token: &str, mishap: &str) -> String {
    let page = browser.open_page("/sandbox").await.text();
    let form = field(&page, "form").unwrap();
    let fields = pairs(&[
        ("form", &form),
        ("client_id", &app.client_id),
        ("registration_access_token", token),
        ("mishap", mishap),
    ]);
    browser.post("/sandbox", &fields).await.text()
}

/// What two answers to the same thing have in common: all but the time and the correlation id.
fn essence(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "x-correlation-id", "retry-after"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
    (answer.status, headers, answer.text())
}

#[tokio::test]
async fn in_a_sandbox_what_a_developer_chose_goes_wrong_for_their_app_and_for_no_other() {
    let sandbox = format!(
        "[sandbox]\nenabled = true\nusers = [{{ username = \"ann\", password = \"{PASSWORD}\", fhir_user = \"Patient/p1\" }}]\n"
    );
    let (_folder, gateway) = started(Vec::new(), sandbox).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let (own, token) = registered(&mut connection, "Heart Buddy").await;
    let (other, others) = registered(&mut connection, "Other").await;
    let mut developer = Browser::open(gateway.peer()).await;

    // Test users stand on the sign-in page.
    let (request, _) = app::asking(&origin, &own, SCOPE);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    let page = developer.open_page(&format!("/oauth/authorize?{query}")).await.text();
    assert!(page.contains(&format!("<code>{PASSWORD}</code>")) && page.contains("<code>Patient/p1</code>"), "{page}");

    let mut ann = Browser::open(gateway.peer()).await;
    let grant = ann.launch(&own, "ann", SCOPE, None).await;
    let over = ann.launch(&own, "ann", SCOPE, None).await;
    assert_eq!(app::revoke(&mut connection, &own, &over.access_token).await.status, 200);
    let untouched = ann.launch(&other, "ann", SCOPE, None).await;
    let target = "/fhir/Patient/p1";
    let broken = Grant { access_token: grant.access_token.replace('.', ".A"), ..grant.clone() };
    let not_ours = app::get(&mut connection, &broken, target).await;
    let revoked = app::get(&mut connection, &over, target).await;
    assert_eq!((not_ours.status, revoked.status), (401, 401));
    assert!(
        choose(&mut developer, &own, &others, "request_revoked").await.contains("not the token of its registration")
    );
    assert_eq!(app::get(&mut connection, &grant, target).await.status, 200, "with another's token nothing is chosen");
    for (mishap, status, code, in_earnest) in [
        ("request_invalid_token", 401, "login", Some(&not_ours)),
        ("request_revoked", 401, "login", Some(&revoked)),
        ("request_expired_token", 401, "expired", None),
        ("request_throttled", 429, "throttled", None),
        ("request_purpose_denied", 403, "forbidden", None),
        ("request_upstream_down", 502, "transient", None),
    ] {
        let page = choose(&mut developer, &own, &token, mishap).await;
        assert!(page.contains("The next calls of your app meet it."), "{page}");
        let answer = app::get(&mut connection, &grant, target).await;
        assert_eq!(answer.status, status, "{mishap}: {}", answer.text());
        assert_eq!(answer.json()["issue"][0]["code"], code, "{mishap}");
        assert!(!answer.text().contains("Doe"), "{mishap}");
        assert_eq!(answer.header("retry-after").is_some(), status == 429, "{mishap}");
        if let Some(in_earnest) = in_earnest {
            assert_eq!(essence(&answer), essence(in_earnest), "{mishap}");
        }
        assert_eq!(app::get(&mut connection, &untouched, target).await.status, 200, "{mishap} is of one app alone");
        let log = calls(&mut connection, &own, &token).await.json();
        let known = log["calls"][0]["correlation_id"].as_str() == answer.header("x-correlation-id");
        // Of a token that is none of ours nobody can say whose it is.
        assert_eq!(known, mishap != "request_invalid_token", "{mishap}: {log}");
    }
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", grant.refresh_token.as_deref().unwrap())];
    let used = [("grant_type", "refresh_token"), ("refresh_token", over.refresh_token.as_deref().unwrap())];
    let in_earnest = app::token(&mut connection, &own, &used).await.unwrap_err();
    choose(&mut developer, &own, &token, "token_expired_refresh_token").await;
    let met = app::token(&mut connection, &own, &refresh).await.unwrap_err();
    assert_eq!(essence(&met), essence(&in_earnest));
    let page = choose(&mut developer, &own, &token, "auth_invalid_client_id").await;
    assert!(page.contains("value=\"auth_invalid_client_id\" checked"), "{page}");
    assert_eq!(get(&mut connection, &format!("/oauth/authorize?{query}")).await.status, 400);
    assert!(choose(&mut developer, &own, &token, "none").await.contains("Nothing goes wrong for your app."));
    assert!(app::token(&mut connection, &own, &refresh).await.is_ok(), "nothing of it was in earnest");
    assert_eq!(app::get(&mut connection, &grant, target).await.status, 200);
    for mishap in Mishap::ALL {
        assert!(page.contains(&format!("value=\"{}\"", mishap.word())), "{page}");
    }

    // The page that plays the app walks the whole launch, in one browser.
    let mut browser = Browser::open(gateway.peer()).await;
    let page = browser.open_page("/try").await.text();
    let form = field(&page, "form").unwrap();
    let step = |step: &str| pairs(&[("form", &form), ("lang", "en"), ("step", step), ("scope", SCOPE)]);
    let page = browser.post("/try", &step("begin")).await.text();
    assert!(page.contains("code_verifier") && page.contains("code_challenge_method=S256"), "{page}");
    let go =
        page.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|href| href.contains("/oauth/authorize?"));
    let page = browser.open_page(&go.unwrap().replace("&#38;", "&").replace("&amp;", "&")).await.text();
    let (action, fields) = app::fill(&page, "ann", None);
    let page = browser.post(&action, &fields).await.text();
    let (action, fields) = app::fill(&page, "ann", None);
    let page = browser.post(&action, &fields).await.text();
    assert!(page.contains("value=\"redeem\"") && page.contains("/try/callback?\n"), "{page}");
    let page = browser.post("/try", &step("redeem")).await.text();
    assert!(page.contains("HTTP 200") && page.contains("access_token") && page.contains("value=\"read\""), "{page}");
    let shortened = |rest: &str| rest.chars().nth(5) == Some('…');
    assert!(!page.contains("value=\"redeem\"") && page.split("eyJ").skip(1).all(shortened), "{page}");
    let read = browser.go("/try", Some(&step("read"))).await;
    assert!(read.text().contains("/fhir/Patient/p1") && read.text().contains("Doe"), "{}", read.text());
    assert_eq!(read.header("cache-control"), Some("no-store"));
    // It is a disclosure like any: on the ledger, told to the patient, and over when the patient stops the app.
    let page = browser.open_page("/account/apps").await.text();
    let own_form = field(&page, "form").unwrap();
    assert!(page.contains("Sluice trial app"), "{page}");
    assert!(browser.open_page("/account/disclosures").await.text().contains("By the app Sluice trial app"));
    browser.post("/account/apps", &pairs(&[("form", &own_form), ("app", "sluice-try")])).await;
    let read = browser.go("/try", Some(&step("read"))).await;
    assert!(!read.text().contains("Doe"), "{}", read.text());
    // Another browser has nothing of it, and a code that was not asked for is not taken.
    let mut stranger = Browser::open(gateway.peer()).await;
    assert!(!stranger.open_page("/try").await.text().contains("code_verifier"));
    let planted = stranger.go("/try/callback?code=x&state=y&iss=z", None).await;
    assert!(planted.status == 400 && !planted.text().contains("value=\"redeem\""));
    assert_eq!(stranger.go("/try", Some(&step("read"))).await.status, 403);
}

#[tokio::test]
async fn what_was_a_sandbox_does_not_become_a_real_gateway_nor_the_other_way_round() {
    let serve = async |folder: &Folder| {
        let started = folder.command(Program::Shipped, &["serve"], &[]);
        tokio::time::timeout(Duration::from_secs(60), started).await.unwrap().unwrap_err()
    };
    let sandbox = "[sandbox]\nenabled = true\n";
    let (folder, gateway) = started(Vec::new(), sandbox.to_owned()).await;
    drop(gateway);
    let text = std::fs::read_to_string(folder.config()).unwrap();
    std::fs::write(folder.config(), text.replace(sandbox, "")).unwrap();
    let refused = serve(&folder).await;
    assert!(refused.contains("was a sandbox's") && refused.contains("[store]"), "{refused}");

    let (folder, gateway) = started(ann(), String::new()).await;
    drop(gateway);
    let text = std::fs::read_to_string(folder.config()).unwrap();
    std::fs::write(folder.config(), format!("{text}\n{sandbox}")).unwrap();
    let refused = serve(&folder).await;
    assert!(refused.contains("holds people"), "{refused}");
}
