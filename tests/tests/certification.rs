//! What certification kits ask of the authorization server, tried as they try it, on the built program over TLS
//! (`conformance/claims` says which check each of these is).
#![allow(clippy::string_slice, clippy::print_stdout, reason = "a test fails by panicking, and says what it counted")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use fhir::search::searchable;
use form_urlencoded::Serializer;
use serde_json::{Value, json};
use server::context::SERVED;
use tests::app::{self, Browser, Grant, asking, token, value_of};
use tests::gateway::{Folder, Gateway, Person, Plan, Program, REDIRECT, Registered};
use tests::http::{Answer, Connection};
use tests::service::{JWT_BEARER, Service};

const ANN: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"Doe","given":["Ann"]}],"birthDate":"1980-02-03","gender":"female","generalPractitioner":[{"reference":"Practitioner/d1"}]}"#;
const BOB: &str = r#"{"resourceType":"Patient","id":"p2","active":true,"name":[{"family":"Foe","given":["Bob"]}]}"#;
const DOCTOR: &str = r#"{"resourceType":"Practitioner","id":"d1","name":[{"family":"Roe","given":["Dora"]}]}"#;
const RESULT: &str = r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p1"}}"#;
const EVERYTHING: &str = "openid fhirUser launch/patient offline_access patient/*.rs";

fn keeper() -> Registered {
    Registered { client_id: "keeper".into(), secret: Some("a secret".into()), scopes: EVERYTHING.into() }
}

fn reader() -> Registered {
    Registered { client_id: "reader".into(), secret: None, scopes: EVERYTHING.into() }
}

/// A gateway with one patient who can sign in and these two apps, and its folder.
async fn started(more: String) -> (Folder, Gateway) {
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    let plan = Plan {
        records: [ANN, BOB, DOCTOR, RESULT].map(str::to_owned).to_vec(),
        people: vec![person("ann", "Patient/p1"), person("roe", "Practitioner/d1")],
        apps: vec![keeper(), reader()],
        more,
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    };
    let folder = Folder::prepare(&plan).await;
    let gateway = folder.start(Program::Shipped).await;
    (folder, gateway)
}

/// A form at an endpoint, from a browser app of another origin.
async fn post(connection: &mut Connection, target: &str, form: &[(&str, &str)]) -> Answer {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://app.example")];
    connection.send("POST", target, &headers, Some(body.as_bytes())).await.unwrap()
}

/// The error that an answer tells of.
fn error(answer: &Answer) -> (u16, String) {
    let told = answer.json();
    for member in ["error", "error_description", "error_uri"] {
        assert!(told[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {}", answer.text());
    }
    (answer.status, told["error"].as_str().unwrap().to_owned())
}

fn is_for_any_origin_and_not_kept(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
}

/// A code for this app, and the verifier that belongs to it.
async fn code(browser: &mut Browser, gateway: &Gateway, app: &Registered) -> (String, String) {
    let (request, verifier) = asking(&gateway.peer().origin, app, EVERYTHING);
    let location = browser.answered(&request, "ann", None, None).await;
    (value_of(&location[REDIRECT.len() + 1..], "code").unwrap(), verifier)
}

fn redeeming<'a>(client: &'a str, code: &'a str, verifier: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ]
}

#[tokio::test]
async fn discovery_tells_an_app_all_it_needs_whatever_it_accepts_and_wherever_it_is() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    for accept in ["application/json", "application/fhir+json", "text/html", "application/fhir+xml", "*/*"] {
        let headers = [("accept", accept), ("origin", "https://app.example")];
        let answer = connection.send("GET", "/fhir/.well-known/smart-configuration", &headers, None).await.unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{accept}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let mut told = async |target: &str| connection.send("GET", target, &[], None).await.unwrap().json();
    let smart = told("/fhir/.well-known/smart-configuration").await;
    let capabilities = smart["capabilities"].as_array().unwrap();
    for capability in [
        "launch-standalone",
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "sso-openid-connect",
        "context-standalone-patient",
        "permission-offline",
        "permission-patient",
        "authorize-post",
        "permission-v1",
        "permission-v2",
    ] {
        assert!(capabilities.contains(&json!(capability)), "{capability}");
    }
    assert_eq!(smart["code_challenge_methods_supported"], json!(["S256"]));
    for grant in ["authorization_code", "refresh_token", "client_credentials"] {
        assert!(smart["grant_types_supported"].as_array().unwrap().contains(&json!(grant)), "{grant}");
    }
    for scope in ["openid", "fhirUser", "launch/patient", "offline_access", "patient/*.rs", "patient/Patient.read"] {
        assert!(smart["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    let openid = told("/fhir/.well-known/openid-configuration").await;
    for member in ["issuer", "jwks_uri", "authorization_endpoint", "token_endpoint"] {
        assert_eq!(openid[member], smart[member]);
    }
    assert_eq!(smart["issuer"], format!("{origin}/fhir"));
    let members = smart.as_object().unwrap().iter().chain(openid.as_object().unwrap());
    for (name, address) in members.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
        let path = address.as_str().unwrap().strip_prefix(&origin).unwrap_or_else(|| panic!("{name}: {address}"));
        let answer = connection.send("OPTIONS", path, &[], None).await.unwrap();
        assert_eq!(answer.status, 204, "{name} leads nowhere");
    }
}

/// Everything that the kit looks at in the answer of the token endpoint, and what the token opens.
async fn is_a_whole_launch(connection: &mut Connection, answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{}", answer.text());
    is_for_any_origin_and_not_kept(answer);
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!((&body["scope"], &body["patient"]), (&json!(EVERYTHING), &json!("p1")));
    assert!(body["refresh_token"].is_string() && body["id_token"].is_string());
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str()), ("origin", "https://app.example")];
    let read = connection.send("GET", "/fhir/Patient/p1", &headers, None).await.unwrap();
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("*")));
    body
}

#[tokio::test]
async fn a_standalone_launch_gives_each_kind_of_app_tokens_that_nobody_keeps_on_the_way() {
    let signer = Service::new("signer");
    let key = signer.key.public_jwk();
    let members = key.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}"));
    let (_folder, gateway) = started(format!(
        "[[client]]\nclient_id = \"signer\"\nname = \"signer\"\nredirect_uris = [\"{REDIRECT}\"]\nscopes = \"{EVERYTHING}\"\n\
         purposes = [\"PATRQT\"]\njwks = {{ keys = [{{ {} }}] }}\n",
        members.collect::<Vec<_>>().join(", ")
    ))
    .await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let mut browser = Browser::open(gateway.peer()).await;
    let (request, _) = asking(&origin, &reader(), EVERYTHING);
    let location = browser.answered(&request, "ann", None, None).await;
    let told = |name: &str| value_of(&location[REDIRECT.len() + 1..], name);
    assert_eq!((told("state").as_deref(), told("iss")), (Some("state"), Some(format!("{origin}/fhir"))));

    let (found, verifier) = code(&mut browser, &gateway, &reader()).await;
    let answer = post(&mut connection, "/oauth/token", &redeeming("reader", &found, &verifier)).await;
    is_a_whole_launch(&mut connection, &answer).await;

    let (found, verifier) = code(&mut browser, &gateway, &keeper()).await;
    let form = [&redeeming("keeper", &found, &verifier)[..], &[("client_secret", "a secret")]].concat();
    let answer = post(&mut connection, "/oauth/token", &form).await;
    is_a_whole_launch(&mut connection, &answer).await;

    let app = Registered { client_id: "signer".into(), ..reader() };
    let assertion = signer.key.state(&signer.claims(&origin)).unwrap();
    let proof = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
    let (found, verifier) = code(&mut browser, &gateway, &app).await;
    let answer =
        post(&mut connection, "/oauth/token", &[&redeeming("signer", &found, &verifier)[..], &proof].concat()).await;
    is_a_whole_launch(&mut connection, &answer).await;
}

#[tokio::test]
async fn the_authorization_endpoint_takes_a_form_as_well() {
    let (_folder, gateway) = started(String::new()).await;
    let (request, _) = asking(&gateway.peer().origin, &reader(), EVERYTHING);
    let mut browser = Browser::open(gateway.peer()).await;
    let answer = browser.go("/oauth/authorize", Some(&request)).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").unwrap().starts_with("/oauth/login?flow="));
}

#[tokio::test]
async fn without_a_token_a_record_is_answered_with_exactly_401() {
    let (_folder, gateway) = started(String::new()).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    for target in ["/fhir/Patient/p1", "/fhir/Patient", "/fhir/Observation?patient=p1", "/fhir/Patient/nobody"] {
        for token in [None, Some("Bearer"), Some("Bearer not.a.token"), Some("Basic YTpi")] {
            let mut headers = vec![("origin", "https://app.example")];
            headers.extend(token.map(|token| ("authorization", token)));
            let answer = connection.send("GET", target, &headers, None).await.unwrap();
            assert_eq!(answer.status, 401, "{target} {token:?}");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "or an app sees no status");
            assert_eq!(answer.json()["resourceType"], "OperationOutcome");
        }
    }
}

#[tokio::test]
async fn an_id_token_holds_under_the_published_keys_and_its_person_can_be_read() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let mut told = async |target: &str| connection.send("GET", target, &[], None).await.unwrap().json();
    let openid = told("/fhir/.well-known/openid-configuration").await;
    assert_eq!(openid["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert_eq!(openid["subject_types_supported"], json!(["public"]));
    assert_eq!(openid["response_types_supported"], json!(["code"]));
    let set = told(openid["jwks_uri"].as_str().unwrap().strip_prefix(&origin).unwrap()).await;
    for (who, patient, person) in [("ann", None, "Patient/p1"), ("roe", Some("p1"), "Practitioner/d1")] {
        let mut browser = Browser::open(gateway.peer()).await;
        let (mut request, verifier) = asking(&origin, &reader(), EVERYTHING);
        request.push(("nonce".to_owned(), format!("nonce of {who}")));
        let location = browser.answered(&request, who, patient, None).await;
        let found = value_of(&location[REDIRECT.len() + 1..], "code").unwrap();
        let body = post(&mut connection, "/oauth/token", &redeeming("reader", &found, &verifier)).await.json();
        let claims =
            app::id_token(body["id_token"].as_str().unwrap(), &set, openid["issuer"].as_str().unwrap(), "reader");
        assert_eq!(claims["fhirUser"], format!("{origin}/fhir/{person}"));
        assert_eq!(claims["nonce"], format!("nonce of {who}"));
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let target = claims["fhirUser"].as_str().unwrap().strip_prefix(&origin).unwrap();
        let read = connection.send("GET", target, &[("authorization", &bearer)], None).await.unwrap();
        assert_eq!((read.status, &read.json()["id"]), (200, &json!(person.split_once('/').unwrap().1)));
    }
}

#[tokio::test]
async fn a_refresh_gives_the_next_tokens_with_scopes_and_without_and_none_for_a_wrong_one() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, app) = (gateway.peer().connect().await.unwrap(), keeper());
    let first = Browser::open(gateway.peer()).await.launch(&app, "ann", EVERYTHING, None).await;
    let refresh = |token: &str| [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    let mut ask = async |token: &str, scope: Option<&str>| {
        let mut form = refresh(token).to_vec();
        form.extend(scope.map(|scope| ("scope", scope.to_owned())));
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app::token(&mut connection, &app, &form).await
    };
    let second = ask(first.refresh_token.as_deref().unwrap(), None).await.unwrap();
    assert_eq!((second.scope.as_str(), second.patient.as_deref()), (EVERYTHING, Some("p1")));
    let third = ask(second.refresh_token.as_deref().unwrap(), Some(EVERYTHING)).await.unwrap();
    assert_eq!(third.scope, EVERYTHING);
    let narrow = ask(third.refresh_token.as_deref().unwrap(), Some("patient/Patient.rs")).await.unwrap();
    assert_eq!(narrow.scope, "patient/Patient.rs");
    let newest = narrow.refresh_token.clone().unwrap();
    for (token, scope, why) in [
        ("not a token", None, "invalid_grant"),
        (first.access_token.as_str(), None, "invalid_grant"),
        (&newest, Some("patient/*.rs user/*.rs"), "invalid_scope"),
        (&newest, Some("nonsense"), "invalid_scope"),
    ] {
        let refused = ask(token, scope).await.unwrap_err();
        assert_eq!(error(&refused), (400, why.to_owned()), "{token} {scope:?}");
        is_for_any_origin_and_not_kept(&refused);
    }
    for (grant, target, status) in [
        (&third, "/fhir/Observation/o1", 200),
        (&narrow, "/fhir/Patient/p1", 200),
        (&narrow, "/fhir/Observation/o1", 403),
    ] {
        assert_eq!(app::get(&mut connection, grant, target).await.status, status, "{target}");
    }
    let stranger = [("grant_type", "refresh_token"), ("refresh_token", newest.as_str()), ("client_id", "reader")];
    assert_eq!(error(&post(&mut connection, "/oauth/token", &stranger).await), (400, "invalid_grant".to_owned()));
}

/// Every type that is served and can be searched, and whether it is answered under this grant as it must be.
async fn is_answered_exactly(connection: &mut Connection, grant: &Grant, granted: impl Fn(&str) -> bool) {
    for kind in searchable().filter(|kind| SERVED.contains(kind)).map(|kind| kind.as_str()) {
        let target = match kind {
            "Provenance" => "/fhir/Provenance?target=Observation/o1".to_owned(),
            other => format!("/fhir/{other}?_count=1"),
        };
        let status = app::get(connection, grant, &target).await.status;
        assert_eq!(status, if granted(kind) { 200 } else { 403 }, "{target} under {}", grant.scope);
    }
}

#[tokio::test]
async fn every_type_is_answered_as_it_was_granted_by_the_person() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, app) = (gateway.peer().connect().await.unwrap(), reader());
    let mut browser = Browser::open(gateway.peer()).await;
    let whole = browser.launch(&app, "ann", "launch/patient patient/*.rs", None).await;
    assert_eq!(whole.scope, "launch/patient patient/*.rs");
    is_answered_exactly(&mut connection, &whole, |_| true).await;
    let ticks = ["Patient", "Condition", "Observation"];
    let some = browser.launch_ticking(&app, "ann", "launch/patient patient/*.rs", None, Some(&ticks)).await;
    let mut scopes: Vec<&str> = some.scope.split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["launch/patient", "patient/Condition.rs", "patient/Observation.rs", "patient/Patient.rs"]);
    is_answered_exactly(&mut connection, &some, |kind| ticks.contains(&kind)).await;
    // A person who takes everything away has said no.
    let (request, _) = asking(&gateway.peer().origin, &app, "launch/patient patient/*.rs");
    let location = browser.answered(&request, "ann", None, Some(&[])).await;
    assert_eq!(value_of(&location[REDIRECT.len() + 1..], "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn older_scopes_are_granted_in_the_words_they_were_asked_in() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, app) = (gateway.peer().connect().await.unwrap(), reader());
    let scope = "launch/patient openid fhirUser patient/Patient.read patient/Observation.read";
    let grant = Browser::open(gateway.peer()).await.launch(&app, "ann", scope, None).await;
    assert_eq!(grant.scope, scope);
    is_answered_exactly(&mut connection, &grant, |kind| ["Patient", "Observation"].contains(&kind)).await;
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Observation/o1").await.status, 200);
}

#[tokio::test]
async fn either_token_that_is_revoked_ends_both() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, app) = (gateway.peer().connect().await.unwrap(), keeper());
    let mut browser = Browser::open(gateway.peer()).await;
    let left = browser.launch(&app, "ann", EVERYTHING, None).await;
    for by_refresh in [true, false] {
        let grant = browser.launch(&app, "ann", EVERYTHING, None).await;
        let refresh = grant.refresh_token.clone().unwrap();
        assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);
        let token = if by_refresh { &refresh } else { &grant.access_token };
        assert_eq!(app::revoke(&mut connection, &app, token).await.status, 200);
        assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 401);
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let refused = app::token(&mut connection, &app, &form).await.unwrap_err();
        assert_eq!(error(&refused), (400, "invalid_grant".to_owned()));
        let told = app::introspect(&mut connection, &app, &grant.access_token).await;
        assert_eq!(told.text(), r#"{"active":false}"#);
    }
    assert_eq!(app::get(&mut connection, &left, "/fhir/Patient/p1").await.status, 200, "another grant stays");
}

#[tokio::test]
async fn a_launch_for_another_server_is_sent_back_with_an_error() {
    let (_folder, gateway) = started(String::new()).await;
    let origin = gateway.peer().origin.clone();
    let mut browser = Browser::open(gateway.peer()).await;
    let ours = format!("{origin}/fhir");
    let others = ["https://elsewhere.example/fhir", &origin, &format!("{ours}/x"), &format!("{ours}.example"), ""];
    for aud in others {
        let (mut request, _) = asking(&origin, &reader(), EVERYTHING);
        request.retain(|(name, _)| name != "aud");
        if !aud.is_empty() {
            request.push(("aud".to_owned(), aud.to_owned()));
        }
        let location = browser.answered(&request, "ann", None, None).await;
        let told = |name: &str| value_of(&location[REDIRECT.len() + 1..], name);
        assert_eq!((told("error").as_deref(), told("code")), (Some("invalid_request"), None), "{aud}");
        assert!(told("error_description").unwrap().contains(&ours) && told("state").is_some());
    }
}

#[tokio::test]
async fn a_wrong_code_and_a_wrong_client_get_no_token() {
    let (_folder, gateway) = started(String::new()).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut browser = Browser::open(gateway.peer()).await;
    let (found, verifier) = code(&mut browser, &gateway, &reader()).await;
    for (client, given, expected) in [
        ("reader", "BAD_CODE", (400, "invalid_grant")),
        ("nobody", found.as_str(), (401, "invalid_client")),
        ("keeper", found.as_str(), (401, "invalid_client")),
    ] {
        let answer = post(&mut connection, "/oauth/token", &redeeming(client, given, &verifier)).await;
        assert_eq!(error(&answer), (expected.0, expected.1.to_owned()), "{client} {given}");
        is_for_any_origin_and_not_kept(&answer);
    }
    // Who proves nothing has not touched the code.
    let form = redeeming("reader", &found, &verifier);
    assert_eq!(post(&mut connection, "/oauth/token", &form).await.status, 200);
    assert_eq!(error(&post(&mut connection, "/oauth/token", &form).await), (400, "invalid_grant".to_owned()));
    let (found, verifier) = code(&mut browser, &gateway, &reader()).await;
    let stolen = [&redeeming("keeper", &found, &verifier)[..], &[("client_secret", "a secret")]].concat();
    assert_eq!(error(&post(&mut connection, "/oauth/token", &stolen).await), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_code_needs_the_verifier_that_its_challenge_was_made_from() {
    let (_folder, gateway) = started(String::new()).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut browser = Browser::open(gateway.peer()).await;
    let other = "a".repeat(64);
    for wrong in [Some(other.as_str()), Some(""), None, Some("plain")] {
        let (request, _) = asking(&gateway.peer().origin, &reader(), EVERYTHING);
        let challenge = request.iter().find(|(name, _)| name == "code_challenge").unwrap().1.clone();
        let location = browser.answered(&request, "ann", None, None).await;
        let found = value_of(&location[REDIRECT.len() + 1..], "code").unwrap();
        let given = wrong.map(|wrong| if wrong == "plain" { challenge.as_str() } else { wrong });
        let mut form = redeeming("reader", &found, given.unwrap_or("")).to_vec();
        form.retain(|(name, _)| given.is_some() || *name != "code_verifier");
        let answer = post(&mut connection, "/oauth/token", &form).await;
        assert!(answer.status == 400 && answer.json()["error"].is_string(), "{wrong:?}: {}", answer.text());
    }
    for (method, challenge) in [(Some("plain"), true), (None, true), (Some("S256"), false), (Some("s256"), true)] {
        let (mut request, _) = asking(&gateway.peer().origin, &reader(), EVERYTHING);
        request.retain(|(name, _)| name != "code_challenge_method" && (challenge || name != "code_challenge"));
        request.extend(method.map(|method| ("code_challenge_method".to_owned(), method.to_owned())));
        let location = browser.answered(&request, "ann", None, None).await;
        let told = |name: &str| value_of(&location[REDIRECT.len() + 1..], name);
        assert_eq!((told("error").as_deref(), told("code")), (Some("invalid_request"), None), "{method:?} {challenge}");
    }
}

#[tokio::test]
async fn browser_apps_of_any_origin_may_ask_and_read_errors_but_no_page_of_ours() {
    let (_folder, gateway) = started(String::new()).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    for (path, method) in [
        ("/fhir/metadata", "GET"),
        ("/fhir/.well-known/smart-configuration", "GET"),
        ("/fhir/.well-known/openid-configuration", "GET"),
        ("/oauth/jwks", "GET"),
        ("/oauth/token", "POST"),
        ("/oauth/revoke", "POST"),
        ("/oauth/introspect", "POST"),
        ("/fhir/Patient/p1", "GET"),
        ("/fhir/Patient/_search", "POST"),
    ] {
        let asked = [
            ("origin", "https://app.example"),
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization, content-type"),
        ];
        let answer = connection.send("OPTIONS", path, &asked, None).await.unwrap();
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{path}");
        assert!(answer.header("access-control-allow-methods").unwrap().contains(method), "{path}");
        let headers = answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        assert!(headers.contains("authorization") && headers.contains("content-type"), "{path}");
        let answer = connection.send(method, path, &[("origin", "https://app.example")], None).await.unwrap();
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path} with {}", answer.status);
    }
    for path in ["/oauth/authorize", "/oauth/login", "/oauth/consent", "/account", "/"] {
        for method in ["OPTIONS", "GET"] {
            let answer = connection.send(method, path, &[("origin", "https://app.example")], None).await.unwrap();
            assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn introspection_tells_an_app_what_its_own_token_stands_for_and_of_a_wrong_one_nothing() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, app) = (gateway.peer().connect().await.unwrap(), keeper());
    let origin = gateway.peer().origin.clone();
    let (request, verifier) = asking(&origin, &app, EVERYTHING);
    let location = Browser::open(gateway.peer()).await.answered(&request, "ann", None, None).await;
    let found = value_of(&location[REDIRECT.len() + 1..], "code").unwrap();
    let form = [&redeeming("keeper", &found, &verifier)[1..], &[("grant_type", "authorization_code")]].concat();
    let form: Vec<(&str, &str)> = form.into_iter().filter(|(name, _)| *name != "client_id").collect();
    let grant = token(&mut connection, &app, &form).await.unwrap();
    let told = app::introspect(&mut connection, &app, &grant.access_token).await.json();
    assert_eq!((&told["active"], &told["client_id"], &told["patient"]), (&json!(true), &json!("keeper"), &json!("p1")));
    assert_eq!(told["scope"].as_str().unwrap().split(' ').count(), grant.scope.split(' ').count());
    assert!(told["exp"].as_i64().unwrap() > server::clock::now().seconds());
    assert_eq!(told["iss"], format!("{origin}/fhir"));
    assert!(told["sub"].is_string() && told["fhirUser"] == format!("{origin}/fhir/Patient/p1"));
    for wrong in ["not.a.token", &grant.access_token[1..], grant.refresh_token.as_deref().unwrap()] {
        let told = app::introspect(&mut connection, &app, wrong).await;
        assert_eq!((told.status, told.text()), (200, r#"{"active":false}"#.to_owned()));
    }
}

#[tokio::test]
async fn user_info_tells_who_signed_in_as_far_as_the_app_was_told() {
    let (_folder, gateway) = started(String::new()).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let openid = connection.send("GET", "/fhir/.well-known/openid-configuration", &[], None).await.unwrap().json();
    let target = openid["userinfo_endpoint"].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();
    let (mut browser, app) = (Browser::open(gateway.peer()).await, keeper());
    let person = json!(format!("{origin}/fhir/Patient/p1"));
    for (scope, told) in [
        ("openid fhirUser launch/patient patient/*.rs", Some(Some(&person))),
        ("openid launch/patient patient/*.rs", Some(None)),
        ("launch/patient patient/*.rs", None),
    ] {
        let grant = browser.launch(&app, "ann", scope, None).await;
        let bearer = grant.bearer();
        let headers = [("authorization", bearer.as_str()), ("origin", "https://app.example")];
        for method in ["GET", "POST"] {
            let body = (method == "POST").then_some(&b""[..]);
            let answer = connection.send(method, &target, &headers, body).await.unwrap();
            is_for_any_origin_and_not_kept(&answer);
            let Some(told) = told else {
                assert_eq!(error(&answer), (403, "insufficient_scope".to_owned()), "{method} under {scope}");
                assert!(answer.header("www-authenticate").unwrap().contains("scope=\"openid\""));
                continue;
            };
            assert_eq!((answer.status, answer.json().get("fhirUser")), (200, told), "{method} under {scope}");
            let introspected = app::introspect(&mut connection, &app, &grant.access_token).await.json();
            assert_eq!(answer.json()["sub"], introspected["sub"], "one person, one name");
        }
        assert_eq!(app::revoke(&mut connection, &app, &grant.access_token).await.status, 200);
        let answer = connection.send("GET", &target, &headers, None).await.unwrap();
        assert_eq!(error(&answer), (401, "invalid_token".to_owned()), "what was revoked tells nothing");
    }
    for header in [None, Some("Bearer not.a.token"), Some("Basic YTpi")] {
        let headers: Vec<(&str, &str)> = header.map(|header| ("authorization", header)).into_iter().collect();
        let answer = connection.send("GET", &target, &headers, None).await.unwrap();
        assert_eq!(error(&answer), (401, "invalid_token".to_owned()));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
}

/// The bundle that a gateway publishes, as an app finds it.
async fn brands(connection: &mut Connection, origin: &str) -> (String, Answer, Value) {
    let smart = connection.send("GET", "/fhir/.well-known/smart-configuration", &[], None).await.unwrap().json();
    let bundle = smart["user_access_brand_bundle"].as_str().unwrap().strip_prefix(origin).unwrap().to_owned();
    let answer = connection.send("GET", &bundle, &[("origin", "https://app.example")], None).await.unwrap();
    (bundle, answer, smart["user_access_brand_identifier"].clone())
}

#[tokio::test]
async fn the_bundle_of_brands_is_found_whole_and_not_sent_twice() {
    let brand = "[brand]\nname = \"General Hospital\"\nwebsite = \"https://www.general.example/start\"\n\
                 addresses = [{ city = \"Springfield\", postal_code = \"01101\" }]\n";
    let (_folder, gateway) = started(brand.to_owned()).await;
    let (mut connection, origin) = (gateway.peer().connect().await.unwrap(), gateway.peer().origin.clone());
    let (target, answer, identifier) = brands(&mut connection, &origin).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    assert!(answer.header("cache-control").unwrap().contains("max-age"));
    let bundle = answer.json();
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("collection")));
    assert!(Instant::parse(bundle["timestamp"].as_str().unwrap()).is_ok());
    let entries = bundle["entry"].as_array().unwrap();
    let of = |kind: &str| -> Vec<&Value> {
        entries.iter().map(|entry| &entry["resource"]).filter(|own| own["resourceType"] == kind).collect()
    };
    let (organizations, endpoints) = (of("Organization"), of("Endpoint"));
    let ([organization], [endpoint]) = (&organizations[..], &endpoints[..]) else { panic!("{bundle}") };
    assert!(organization["identifier"].as_array().unwrap().contains(&identifier), "{identifier} names no brand");
    assert_eq!(organization["endpoint"][0]["reference"], format!("Endpoint/{}", endpoint["id"].as_str().unwrap()));
    assert_eq!(endpoint["address"], format!("{origin}/fhir"));
    // Every address of ours in it leads somewhere.
    let portal = &organization["extension"][0]["extension"][1]["valueUrl"];
    for address in [portal, &endpoint["contact"][0]["value"]] {
        let path = address.as_str().unwrap().strip_prefix(&origin).unwrap();
        assert!(connection.send("GET", path, &[], None).await.unwrap().status < 400, "{address}");
    }
    let metadata = connection.send("GET", "/fhir/metadata", &[], None).await.unwrap();
    assert_eq!(metadata.json()["fhirVersion"], endpoint["extension"][0]["valueCode"]);
    let tag = answer.header("etag").unwrap();
    for (known, status) in [(tag, 304), ("\"another\"", 200), ("*", 304)] {
        let again = connection.send("GET", &target, &[("if-none-match", known)], None).await.unwrap();
        assert_eq!((again.status, again.body.is_empty()), (status, status == 304), "{known}");
    }
}

#[tokio::test]
async fn without_a_brand_none_is_told_of() {
    let (_folder, gateway) = started(String::new()).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let smart = connection.send("GET", "/fhir/.well-known/smart-configuration", &[], None).await.unwrap().json();
    assert!(smart.as_object().unwrap().keys().all(|member| !member.contains("brand")));
    assert_eq!(connection.send("GET", "/brands", &[], None).await.unwrap().status, 404);
}
