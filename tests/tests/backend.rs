//! Backend services against the built program over TLS, their assertions signed by a library not written here: what Inferno
//! asks of authorization (Multi-Patient API, 8.1), what such a token opens, that an assertion counts once, and published keys.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certs::client_key::ClientKey;
use certs::dev_ca::{Ca, Leaf};
use certs::server_tls;
use certs::sign::SigningKey;
use fhir::Instant;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use tests::app::{self, Grant, revoke};
use tests::gateway::{Folder, Gateway, Plan, Program, Registered};
use tests::http::{Answer, Connection};
use tests::service::{JWT_BEARER, Service, ask, asking, section};
use tests::upstream::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const RECORDS: [&str; 7] = [
    r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Doe"}],"birthDate":"1980-02-03","photo":[{"url":"https://x"}]}"#,
    r#"{"resourceType":"Patient","id":"p2","name":[{"family":"Roe"}],"birthDate":"1981-02-03"}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p1"},"performer":[{"reference":"Practitioner/d1"}]}"#,
    r#"{"resourceType":"Observation","id":"o2","status":"final","code":{"text":"b"},"subject":{"reference":"Patient/p2"}}"#,
    r#"{"resourceType":"Observation","id":"o3","meta":{"security":[{"code":"PSYTHPN"}]},"status":"final","code":{"text":"c"},"subject":{"reference":"Patient/p2"}}"#,
    r#"{"resourceType":"Practitioner","id":"d1","name":[{"family":"Poe"}]}"#,
    r#"{"resourceType":"Observation","id":"o4","status":"final","code":{"text":"nobody's"}}"#,
];

/// The RSA key of a service, and the set that it registers.
struct Rsa {
    pem: String,
    jwk: Value,
}

fn rsa() -> Rsa {
    let key = SigningKey::generate_rs256().unwrap();
    let mut jwk = key.public_jwk();
    jwk["alg"] = json!("RS384");
    Rsa { pem: key.to_pem().unwrap().to_string(), jwk }
}

fn plan(more: String) -> Plan {
    let records = RECORDS.map(str::to_owned).to_vec();
    Plan { records, more, ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap()) }
}

/// Signed as the independent library does it.
fn signed(alg: Algorithm, kid: &str, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(alg);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn es384(service: &Service, claims: &Value) -> String {
    let key = EncodingKey::from_ec_pem(service.key.to_pem().unwrap().as_bytes()).unwrap();
    signed(Algorithm::ES384, service.key.kid(), &key, claims)
}

async fn connect(gateway: &Gateway) -> Connection {
    gateway.peer().connect().await.unwrap()
}

fn granted(answer: &Answer) -> Grant {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    let (access_token, scope) = (text("access_token"), text("scope"));
    Grant { access_token, refresh_token: None, patient: None, scope, client_id: String::new(), answer: answer.json() }
}

fn ids(bundle: &Value) -> Vec<&str> {
    let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_service_is_authorized_as_inferno_asks_and_refused_as_it_tries() {
    let (service, rsa) = (Service::new("service"), rsa());
    let more = service.section("system/*.rs", "TREAT")
        + &section("older", "system/Patient.rs", "TREAT", std::slice::from_ref(&rsa.jwk));
    let folder = Folder::prepare(&plan(more)).await;
    let gateway = folder.start(Program::Shipped).await;
    let (mut connection, origin) = (connect(&gateway).await, gateway.peer().origin.clone());
    let told = connection.send("GET", "/fhir/.well-known/smart-configuration", &[], None).await.unwrap().json();
    assert!(told["capabilities"].as_array().unwrap().contains(&json!("client-confidential-asymmetric")));
    assert!(told["token_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("private_key_jwt")));
    assert_eq!(told["token_endpoint_auth_signing_alg_values_supported"], json!(["RS384", "ES384"]));
    assert!(told["grant_types_supported"].as_array().unwrap().contains(&json!("client_credentials")));
    let endpoint = told["token_endpoint"].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();

    let scope = "system/Patient.read system/Observation.rs";
    let good = || es384(&service, &service.claims(&origin));
    let mut wrong = service.claims(&origin);
    wrong["iss"] = json!("not a client");
    for (name, value, status, error) in [
        ("grant_type", "not_a_grant_type".to_owned(), 400, "unsupported_grant_type"),
        ("client_assertion_type", "not_an_assertion_type".to_owned(), 401, "invalid_client"),
        ("client_assertion", es384(&service, &wrong), 401, "invalid_client"),
        ("client_assertion", es384(&Service::new("service"), &service.claims(&origin)), 401, "invalid_client"),
        ("scope", "patient/*.rs".to_owned(), 400, "invalid_scope"),
    ] {
        let assertion = good();
        let mut form = asking(scope, &assertion);
        form.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, known)| *known = &value);
        let answer = ask(&mut connection, &endpoint, &form).await;
        assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    }

    let answer = ask(&mut connection, &endpoint, &asking(scope, &good())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(300), &json!(scope))
    );
    assert!(body.get("refresh_token").is_none() && body.get("patient").is_none());

    let mut claims = service.claims(&origin);
    (claims["iss"], claims["sub"]) = (json!("older"), json!("older"));
    let key = EncodingKey::from_rsa_pem(rsa.pem.as_bytes()).unwrap();
    let assertion = signed(Algorithm::RS384, rsa.jwk["kid"].as_str().unwrap(), &key, &claims);
    let answer = ask(&mut connection, &endpoint, &asking("system/*.rs", &assertion)).await;
    assert_eq!(granted(&answer).scope, "system/Patient.rs");
}

/// What a service sees, from whichever source.
async fn sees(folder: &Folder, service: &Service, payer: &Service) {
    let gateway = folder.start(Program::Shipped).await;
    let (mut connection, origin) = (connect(&gateway).await, gateway.peer().origin.clone());
    let grant = service.token(&mut connection, &origin, "system/*.rs").await.unwrap();
    let found = app::get(&mut connection, &grant, "/fhir/Patient?_sort=_id").await.json();
    assert_eq!(ids(&found), ["p1", "p2"]);
    let found = app::get(&mut connection, &grant, "/fhir/Observation?_sort=_id&_total=accurate").await.json();
    assert_eq!(
        (ids(&found), &found["total"]),
        (vec!["o1", "o2"], &json!(2)),
        "notes are withheld and what is nobody's too"
    );
    for (target, status) in [
        ("/fhir/Observation/o2", 200),
        ("/fhir/Observation/o3", 404),
        ("/fhir/Observation/o4", 404),
        ("/fhir/Practitioner/d1", 200),
        ("/fhir/Claim/c1", 404),
    ] {
        assert_eq!(app::get(&mut connection, &grant, target).await.status, status, "{target}");
    }
    // A place in a long list outlives the token that it was reached with.
    let first = app::get(&mut connection, &grant, "/fhir/Patient?_sort=_id&_count=1").await.json();
    let next = first["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap();
    let next = next["url"].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();
    let later = service.token(&mut connection, &origin, "system/*.rs").await.unwrap();
    assert_eq!(ids(&app::get(&mut connection, &later, &next).await.json()), ["p2"]);

    let narrow = service.token(&mut connection, &origin, "system/Patient.r").await.unwrap();
    assert_eq!(app::get(&mut connection, &narrow, "/fhir/Patient/p2").await.status, 200);
    assert_eq!(app::get(&mut connection, &narrow, "/fhir/Patient").await.status, 403);
    assert_eq!(app::get(&mut connection, &narrow, "/fhir/Observation/o1").await.status, 403);

    let paying = payer.token(&mut connection, &origin, "system/*.rs").await.unwrap();
    assert_eq!(app::get(&mut connection, &paying, &next).await.status, 410, "another's place");
    assert_eq!(app::get(&mut connection, &paying, "/fhir/Observation/o1").await.status, 403);
    let patient = app::get(&mut connection, &paying, "/fhir/Patient/p1").await.json();
    assert_eq!((&patient["birthDate"], patient.get("photo")), (&json!("1980-02-03"), None), "cut to what paying needs");
    drop(gateway);

    let exported = Command::new(Program::Shipped.path()).args(["ledger", "export", "-c"]).arg(folder.config()).output();
    let exported = String::from_utf8(exported.unwrap().stdout).unwrap();
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by = |client: &str, patient: &str| {
        events.iter().any(|event| {
            let asker = &event["agent"][0];
            let about = event["entity"][0]["what"]["reference"] == format!("Patient/{patient}");
            asker["who"]["identifier"]["value"] == client && asker["requestor"] == true && about
        })
    };
    assert!(by("service", "p1") && by("service", "p2") && by("payer", "p1") && !by("payer", "p2"));
    assert!(events.iter().all(|event| event["agent"].as_array().unwrap().len() == 2), "no person stands behind it");
}

#[tokio::test]
async fn a_service_sees_everyone_within_its_purpose_and_scopes_in_the_embedded_store() {
    let (service, payer) = (Service::new("service"), Service::new("payer"));
    let more = service.section("system/*.rs", "TREAT") + &payer.section("system/*.rs", "HPAYMT");
    sees(&Folder::prepare(&plan(more)).await, &service, &payer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_sees_everyone_within_its_purpose_and_scopes_in_a_server_behind() {
    let (service, payer) = (Service::new("service"), Service::new("payer"));
    let more = service.section("system/*.rs", "TREAT") + &payer.section("system/*.rs", "HPAYMT");
    let upstream = Upstream::start().await;
    RECORDS.iter().for_each(|record| upstream.put(record, Instant::parse("2026-01-01T00:00:00Z").unwrap()));
    let plan = Plan { records: Vec::new(), upstream: Some(upstream.base()), ..plan(more) };
    sees(&Folder::prepare(&plan).await, &service, &payer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_counts_once_whoever_is_quick_and_after_a_sudden_death() {
    let service = Service::new("service");
    let folder = Folder::prepare(&plan(service.section("system/*.rs", "TREAT"))).await;
    let gateway = folder.start(Program::Shipped).await;
    let origin = gateway.peer().origin.clone();
    let assertion = es384(&service, &service.claims(&origin));
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(connect(&gateway).await);
    }
    let redeeming = connections.into_iter().map(|mut connection| {
        let assertion = assertion.clone();
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..5 {
                statuses.push(ask(&mut connection, "/oauth/token", &asking("system/*.rs", &assertion)).await.status);
            }
            statuses
        })
    });
    let mut statuses = Vec::new();
    for redeemed in redeeming.collect::<Vec<_>>() {
        statuses.extend(redeemed.await.unwrap());
    }
    assert_eq!(statuses.len(), 100);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    gateway.kill();
    let gateway = folder.start(Program::Shipped).await;
    let answer = ask(&mut connect(&gateway).await, "/oauth/token", &asking("system/*.rs", &assertion)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
    assert!(answer.text().contains("used before"), "{}", answer.text());
}

#[tokio::test]
async fn a_services_token_can_be_revoked_and_ends_with_its_client() {
    let (service, brief) = (Service::new("service"), Service::new("brief"));
    let sections = brief.section("system/*.rs", "TREAT") + &service.section("system/*.rs", "TREAT");
    let folder = Folder::prepare(&plan(sections)).await;
    let gateway = folder.start(Program::Shipped).await;
    let (mut connection, origin) = (connect(&gateway).await, gateway.peer().origin.clone());
    let one = service.token(&mut connection, &origin, "system/*.rs").await.unwrap();
    let other = service.token(&mut connection, &origin, "system/*.rs").await.unwrap();
    let assertion = es384(&service, &service.claims(&origin));
    let proof = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
    let form = [proof[0], proof[1], ("token", one.access_token.as_str())];
    let stranger = Registered { client_id: "service".into(), secret: None, scopes: String::new() };
    assert_eq!(revoke(&mut connection, &stranger, &one.access_token).await.status, 401, "an id alone proves nothing");
    assert_eq!(ask(&mut connection, "/oauth/revoke", &form).await.status, 200);
    assert_eq!(app::get(&mut connection, &one, "/fhir/Patient/p1").await.status, 401);
    assert_eq!(app::get(&mut connection, &other, "/fhir/Patient/p1").await.status, 200);
    let of_brief = brief.token(&mut connection, &origin, "system/*.rs").await.unwrap();
    assert_eq!(app::get(&mut connection, &of_brief, "/fhir/Patient/p1").await.status, 200);
    assert!(gateway.stop().success());

    let config = fs::read_to_string(folder.config()).unwrap();
    fs::write(folder.config(), config.replace(&brief.section("system/*.rs", "TREAT"), "")).unwrap();
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = connect(&gateway).await;
    assert_eq!(app::get(&mut connection, &other, "/fhir/Patient/p1").await.status, 200, "a grant is kept");
    let left = app::get(&mut connection, &of_brief, "/fhir/Patient/p1").await;
    assert_eq!(left.status, 401, "who left the configuration is off");
    assert!(brief.token(&mut connection, &origin, "system/*.rs").await.is_err());
    assert!(gateway.stop().success());
    let config = fs::read_to_string(folder.config()).unwrap();
    fs::write(folder.config(), config + "enabled = false\n").unwrap();
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = connect(&gateway).await;
    assert_eq!(app::get(&mut connection, &other, "/fhir/Patient/p1").await.status, 401, "it ended with its client");
    assert!(service.token(&mut connection, &origin, "system/*.rs").await.is_err());
}

/// Publishes a text at an address of this machine, with a certificate of its own authority.
async fn publish(set: String) -> (u16, String) {
    let now_s = server::clock::now().seconds();
    let ca = Ca::new(now_s).unwrap();
    let issued = ca.issue(&Leaf::LOCALHOST, now_s).unwrap();
    let tls = TlsAcceptor::from(server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = tls.accept(socket).await else { continue };
            let mut asked = [0; 4096];
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{set}", set.len());
            // Who goes away meanwhile misses nothing.
            drop(stream.read(&mut asked).await);
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    (port, ca.cert_pem)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_keys_are_fetched_and_from_inside_only_where_the_operator_says_so() {
    let service = Service { client_id: "service".to_owned(), key: ClientKey::generate().unwrap() };
    let (port, ca) = publish(json!({ "keys": [service.key.public_jwk()] }).to_string()).await;
    let client = format!(
        "[[client]]\nclient_id = \"service\"\nname = \"service\"\nscopes = \"system/*.rs\"\npurposes = [\"TREAT\"]\n\
         jwks_uri = \"https://localhost:{port}/jwks\"\n"
    );
    for (network, is_let_in) in [
        ("[network]\nca_file = \"publisher.pem\"\nallow = [\"127.0.0.1\", \"::1\"]\n", true),
        ("[network]\nca_file = \"publisher.pem\"\n", false),
    ] {
        let folder = Folder::prepare(&plan(format!("{network}{client}"))).await;
        fs::write(folder.config().with_file_name("publisher.pem"), &ca).unwrap();
        let gateway = folder.start(Program::Shipped).await;
        let (mut connection, origin) = (connect(&gateway).await, gateway.peer().origin.clone());
        let token = service.token(&mut connection, &origin, "system/*.rs").await;
        assert_eq!(token.as_ref().map_or_else(|why| why.status, |_| 200), if is_let_in { 200 } else { 401 });
        let refused = "none of its addresses is public";
        if is_let_in {
            assert!(!String::from_utf8(gateway.log()).unwrap().contains(refused));
        } else {
            assert!(gateway.says(refused).await);
        }
    }
}
