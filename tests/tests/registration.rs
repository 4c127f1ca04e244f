//! Apps register themselves on the built program: by the protocol (RFC 7591, 7592) and by the page; what they get is live at
//! once, and little; people are told what they are; an operator can end it.
#![allow(clippy::string_slice, clippy::print_stdout, reason = "a test fails by panicking, and says what it counted")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;
use tests::app::{self, Browser, field, pairs};
use tests::gateway::{Folder, Gateway, Person, Plan, Program, REDIRECT, Registered};
use tests::http::{Answer, Connection};
use tests::service::{JWT_BEARER, Service, ask};

const ANN: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"Doe"}],"generalPractitioner":[{"reference":"Practitioner/d1"}]}"#;
const DOCTOR: &str = r#"{"resourceType":"Practitioner","id":"d1","name":[{"family":"Roe"}]}"#;
const OPEN: &str = "[registration]\nopen = true\n";
const SCOPE: &str = "launch/patient openid fhirUser offline_access patient/*.rs";

async fn started(more: &str) -> (Folder, Gateway) {
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    let app = Registered { client_id: "reader".into(), secret: None, scopes: SCOPE.into() };
    let folder = Folder::prepare(&Plan {
        records: [ANN, DOCTOR].map(str::to_owned).to_vec(),
        people: vec![person("ann", "Patient/p1"), person("roe", "Practitioner/d1")],
        apps: vec![app],
        more: more.to_owned(),
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    })
    .await;
    let gateway = folder.start(Program::Shipped).await;
    (folder, gateway)
}

/// A request with a JSON body, where there is one, and a registration access token, where there is one.
async fn send(connection: &mut Connection, method: &str, target: &str, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("content-type", "application/json"), ("origin", "https://app.example")];
    if !token.is_empty() {
        headers.push(("authorization", &bearer));
    }
    let body = (!body.is_null()).then(|| body.to_string());
    connection.send(method, target, &headers, body.as_deref().map(str::as_bytes)).await.unwrap()
}

fn metadata() -> Value {
    json!({ "client_name": "Heart Buddy", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "scope": SCOPE })
}

async fn register(connection: &mut Connection, changes: Value) -> Value {
    let mut all = metadata();
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let answer = send(connection, "POST", "/oauth/register", "", &all).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    answer.json()
}

fn registered(told: &Value) -> Registered {
    let text = |name: &str| told[name].as_str().map(str::to_owned);
    Registered { client_id: text("client_id").unwrap(), secret: text("client_secret"), scopes: String::new() }
}

fn path(told: &Value, gateway: &Gateway) -> String {
    told["registration_client_uri"].as_str().unwrap().strip_prefix(&gateway.peer().origin).unwrap().to_owned()
}

fn sluice(folder: &Folder, command: &[&str]) -> Result<String, String> {
    let ended = Command::new(Program::Shipped.path()).args(command).arg("-c").arg(folder.config()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if ended.status.success() { Ok(text(ended.stdout)) } else { Err(text(ended.stderr)) }
}

#[tokio::test]
async fn where_registration_is_not_open_there_is_nothing() {
    for more in ["", "[registration]\nopen = false\n"] {
        let (_folder, gateway) = started(more).await;
        let mut connection = gateway.peer().connect().await.unwrap();
        for document in ["smart-configuration", "openid-configuration"] {
            let target = format!("/fhir/.well-known/{document}");
            let told = connection.send("GET", &target, &[], None).await.unwrap().json();
            assert!(told.get("registration_endpoint").is_none() && told.get("issuer").is_some());
        }
        assert_eq!(send(&mut connection, "POST", "/oauth/register", "", &metadata()).await.status, 404);
        assert_eq!(connection.send("GET", "/register", &[], None).await.unwrap().status, 404);
        let first = connection.send("GET", "/", &[], None).await.unwrap().text();
        assert!(!first.contains("href=\"/register"), "{first}");
    }
}

#[tokio::test]
async fn an_app_registers_itself_launches_at_once_and_sees_its_patient_alone() {
    let (_folder, gateway) = started(OPEN).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let told = connection.send("GET", "/fhir/.well-known/smart-configuration", &[], None).await.unwrap().json();
    assert_eq!(told["registration_endpoint"], format!("{origin}/oauth/register"));
    let asked = format!("{SCOPE} user/*.rs system/*.rs");
    let public = register(&mut connection, json!({ "scope": asked })).await;
    assert_eq!(public["scope"], SCOPE, "what nobody could allow is left out");
    let secret = register(&mut connection, json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    assert_eq!(secret["client_secret_expires_at"], 0);
    let mut browser = Browser::open(gateway.peer()).await;
    for told in [&public, &secret] {
        let app = registered(told);
        assert_eq!(app.secret.is_some(), told == &secret);
        let grant = browser.launch(&app, "ann", SCOPE, None).await;
        assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
        // It acts for nobody but the person, and for nothing but their own request.
        let form = [("grant_type", "client_credentials"), ("scope", "system/*.rs"), ("client_id", &app.client_id)];
        let refused = ask(&mut connection, "/oauth/token", &form).await;
        assert!(refused.status == 400 || refused.status == 401, "{}", refused.text());
    }
    let service = Service::new("");
    let keys = json!({ "keys": [service.key.public_jwk()] });
    let told =
        register(&mut connection, json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys })).await;
    let service = Service { client_id: told["client_id"].as_str().unwrap().to_owned(), ..service };
    let refused = service.token(&mut connection, &origin, "system/*.rs").await.unwrap_err();
    assert_eq!((refused.status, refused.json()["error"].clone()), (400, json!("unauthorized_client")));
    let (request, verifier) = app::asking(&origin, &registered(&told), SCOPE);
    let location = browser.answered(&request, "ann", None, None).await;
    let code = app::value_of(&location[REDIRECT.len() + 1..], "code").unwrap();
    let assertion = service.key.state(&service.claims(&origin)).unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", &verifier),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    assert_eq!(ask(&mut connection, "/oauth/token", &form).await.json()["patient"], "p1");
}

#[tokio::test]
async fn people_are_told_that_nobody_checked_the_app_and_clinicians_cannot_use_it() {
    let (_folder, gateway) = started(OPEN).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let app = registered(&register(&mut connection, json!({})).await);
    let checked = Registered { client_id: "reader".into(), ..app.clone() };
    for (who, app, told) in [("ann", &app, true), ("ann", &checked, false), ("roe", &app, true)] {
        let mut browser = Browser::open(gateway.peer()).await;
        let (request, _) = app::asking(&origin, app, SCOPE);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
        let page = browser.open_page(&format!("/oauth/authorize?{query}")).await.text();
        assert_eq!(page.contains("not checked by us"), told, "signing in: {page}");
        let fields = [
            ("flow", field(&page, "flow").unwrap()),
            ("username", who.to_owned()),
            ("password", tests::gateway::PASSWORD.to_owned()),
        ];
        let fields: Vec<(String, String)> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let page = browser.post("/oauth/login", &fields).await.text();
        if who == "roe" {
            assert!(!page.contains("name=\"item\""), "a clinician is asked for nothing: {page}");
        } else {
            assert!(page.contains("name=\"item\""), "{page}");
            assert_eq!(page.contains("not checked by us"), told, "allowing: {page}");
        }
    }
}

#[tokio::test]
async fn an_app_reads_changes_and_takes_back_its_own_registration_and_no_others() {
    let (_folder, gateway) = started(OPEN).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let (one, other) = (register(&mut connection, json!({})).await, register(&mut connection, json!({})).await);
    let (target, token) = (path(&one, &gateway), one["registration_access_token"].as_str().unwrap().to_owned());
    let foreign = other["registration_access_token"].as_str().unwrap();
    for (method, target, token) in [
        ("GET", target.as_str(), ""),
        ("GET", &target, foreign),
        ("DELETE", &target, foreign),
        ("PUT", &target, foreign),
        ("GET", "/oauth/register/reader", &token),
        ("DELETE", "/oauth/register/nobody", &token),
    ] {
        let mut body = if method == "PUT" { metadata() } else { Value::Null };
        if method == "PUT" {
            body["client_id"] = one["client_id"].clone();
        }
        let answer = send(&mut connection, method, target, token, &body).await;
        assert_eq!((answer.status, answer.json()["error"].clone()), (401, json!("invalid_token")), "{method} {target}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    let read = send(&mut connection, "GET", &target, &token, &Value::Null).await;
    assert_eq!((read.status, read.json()), (200, one.clone()));
    let grant = Browser::open(gateway.peer()).await.launch(&registered(&one), "ann", SCOPE, None).await;
    let mut changed = metadata();
    changed["client_id"] = one["client_id"].clone();
    changed["redirect_uris"] = json!(["https://evil.example/cb#"]);
    let refused = send(&mut connection, "PUT", &target, &token, &changed).await;
    assert_eq!((refused.status, refused.json()["error"].clone()), (400, json!("invalid_redirect_uri")));
    changed["redirect_uris"] = json!([REDIRECT, "https://app.example/cb"]);
    let answer = send(&mut connection, "PUT", &target, &token, &changed).await;
    assert_eq!((answer.status, answer.json()["redirect_uris"].clone()), (200, changed["redirect_uris"].clone()));
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
    changed["client_name"] = json!("Your Hospital");
    assert_eq!(send(&mut connection, "PUT", &target, &token, &changed).await.status, 200);
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 401, "it is another app now");
    let grant = Browser::open(gateway.peer()).await.launch(&registered(&one), "ann", SCOPE, None).await;
    let gone = send(&mut connection, "DELETE", &target, &token, &Value::Null).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 401);
    assert_eq!(send(&mut connection, "GET", &target, &token, &Value::Null).await.status, 401);
    assert_eq!(send(&mut connection, "GET", &path(&other, &gateway), foreign, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn what_is_no_registration_is_named_and_one_network_cannot_fill_the_house() {
    let (_folder, gateway) = started(OPEN).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    for (name, value, error) in [
        ("redirect_uris", json!(["http://app.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("client_name", json!("x\u{202e}y"), "invalid_client_metadata"),
        ("scope", json!("system/*.rs"), "invalid_client_metadata"),
        ("grant_types", json!(["implicit"]), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
    ] {
        let mut all = metadata();
        all[name] = value;
        let answer = send(&mut connection, "POST", "/oauth/register", "", &all).await;
        let told = answer.json();
        assert_eq!((answer.status, told["error"].as_str()), (400, Some(error)), "{name}");
        assert!(told["error_description"].is_string() && told["error_uri"].as_str().unwrap().ends_with(error));
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = connection.send("POST", "/oauth/register", &form, Some(b"client_name=x")).await.unwrap();
    assert_eq!((answer.status, answer.json()["error"].clone()), (400, json!("invalid_client_metadata")));
    let mut all = 0;
    let refused = loop {
        let answer = send(&mut connection, "POST", "/oauth/register", "", &metadata()).await;
        if answer.status != 201 {
            break answer;
        }
        all += 1;
        assert!(all < 200, "nobody counts");
    };
    assert_eq!((refused.status, refused.json()["error"].clone()), (429, json!("temporarily_unavailable")));
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    let elsewhere = SocketAddr::from(([127, 0, 7, 7], 0));
    let mut elsewhere = gateway.peer().connect_from(elsewhere).await.unwrap();
    register(&mut elsewhere, json!({})).await;
}

#[tokio::test]
async fn a_developer_registers_an_app_on_the_page_and_it_is_live_at_once() {
    let (_folder, gateway) = started(OPEN).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut developer = Browser::open(gateway.peer()).await;
    assert!(developer.open_page("/").await.text().contains("href=\"/register"));
    let page = developer.open_page("/register").await.text();
    let typed = |token: &str, name: &str, addresses: &str, proof: &str, keys: &str| {
        pairs(&[
            ("form", token),
            ("lang", "en"),
            ("name", name),
            ("addresses", addresses),
            ("proof", proof),
            ("keys", keys),
        ])
    };
    let token = field(&page, "form").unwrap();
    for (name, addresses, proof, keys, told) in [
        ("", REDIRECT, "secret", "", "Enter a name"),
        ("Heart <b>", REDIRECT, "secret", "", "Enter a name"),
        ("Heart", "", "secret", "", "Enter 1 to 10 addresses"),
        ("Heart", "https://app.example/*", "secret", "", "One of the addresses cannot be used"),
        ("Heart", REDIRECT, "keys", "no keys", "Enter public keys"),
    ] {
        let page = developer.post("/register", &typed(&token, name, addresses, proof, keys)).await.text();
        assert!(page.contains(told) && !page.contains("client_id"), "{told}: {page}");
    }
    let good = typed(&token, "Heart Buddy", &format!("{REDIRECT}\r\n https://app.example/cb \r\n"), "secret", "");
    let mut stranger = Browser::open(gateway.peer()).await;
    let foreign = stranger.post("/register", &good).await;
    assert!(foreign.status == 403 && !foreign.text().contains("client_secret"), "a form of another browser");
    let done = developer.post("/register", &good).await;
    assert_eq!((done.status, done.header("cache-control")), (200, Some("no-store")));
    let page = done.text();
    let told = |name: &str| {
        let (_, after) = page.split_once(&format!("<code>{name}</code></dt><dd><code>")).unwrap();
        after.split('<').next().unwrap().to_owned()
    };
    let app = Registered { client_id: told("client_id"), secret: Some(told("client_secret")), scopes: String::new() };
    let grant = Browser::open(gateway.peer()).await.launch(&app, "ann", SCOPE, None).await;
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
    let own = format!("/oauth/register/{}", app.client_id);
    let read = send(&mut connection, "GET", &own, &told("registration_access_token"), &Value::Null).await.json();
    assert_eq!(read["redirect_uris"], json!([REDIRECT, "https://app.example/cb"]));
    assert!(developer.open_page("/register?lang=es").await.text().contains("Registrar la aplicación"));
    let log = String::from_utf8_lossy(&gateway.log()).into_owned();
    for secret in [told("client_secret"), told("registration_access_token")] {
        assert!(!log.contains(&secret));
    }
}

#[tokio::test]
async fn an_operator_sees_such_apps_and_ends_them_and_they_outlive_a_restart() {
    let (folder, gateway) = started(OPEN).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let told = register(&mut connection, json!({})).await;
    let app = registered(&told);
    let id = app.client_id.as_str();
    let listed = sluice(&folder, &["client", "list"]).unwrap();
    let of = |id: &str| -> Value {
        let lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.into_iter().find(|line| line["client_id"] == id).unwrap()
    };
    assert!(of(id)["registered_itself"].is_string() && of("reader")["registered_itself"].is_null());
    assert!(gateway.stop().success());
    let config = std::fs::read_to_string(folder.config()).unwrap();
    std::fs::write(folder.config(), config.replace(OPEN, "")).unwrap();

    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut browser = Browser::open(gateway.peer()).await;
    let grant = browser.launch(&app, "ann", SCOPE, None).await;
    assert_eq!(send(&mut connection, "POST", "/oauth/register", "", &metadata()).await.status, 404, "no more come in");
    assert!(sluice(&folder, &["client", "disable", id]).unwrap().contains("1 grants were ended"));
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 401);
    let (request, _) = app::asking(&gateway.peer().origin, &app, SCOPE);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    assert_eq!(browser.go(&format!("/oauth/authorize?{query}"), None).await.status, 400);
    assert!(sluice(&folder, &["client", "enable", id]).is_ok());
    let grant = browser.launch(&app, "ann", SCOPE, None).await;
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
    assert!(sluice(&folder, &["client", "remove", "reader"]).unwrap_err().contains("stands in the configuration"));
    assert!(sluice(&folder, &["client", "remove", id]).is_ok());
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 401);
    assert!(sluice(&folder, &["client", "disable", id]).unwrap_err().contains("there is no app"));
}
