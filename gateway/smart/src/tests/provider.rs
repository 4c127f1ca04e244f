//! Signing in at a provider of the house's own, by an answer that holds; and every way in which it may not.

use crate::account::{Added, ProviderSubject};
use crate::flow::{Step, Stopped};
use crate::login::{NotSignedIn, SignedIn, Visit};
use crate::provider::{Back, NotBack};
use crate::settings::{FLOW_S, ProviderSettings};
use crate::trial::{BROWSER, NOW, Trial, account, asked, id, key_set, pairs, run, told, visit, world};
use crate::{Account, Authority};
use fhir::ResourceType;
use privacy::Role;
use serde_json::{Value, json};

const ISSUER: &str = "https://login.example";
const KEYS: &str = "https://login.example/keys";

/// The usual world, in which the provider knows `ana` as `7`, and its one key is `one`.
fn world_with_provider() -> Authority<Trial> {
    let mut world = world();
    world.settings.provider = Some(ProviderSettings {
        issuer: ISSUER.to_owned(),
        client_id: "sluice".to_owned(),
        label: "The house".to_owned(),
        instead: false,
    });
    publish(&world, &[]);
    world
        .ports
        .published
        .lock()
        .unwrap()
        .insert(KEYS.to_owned(), (keys("one", "its key"), keys("two", "its next key")));
    let ana = run(world.account("ana")).unwrap().unwrap();
    let dora =
        Account { username: "dora".to_owned(), id: "account-of-dora".to_owned(), provider: Some(known("7")), ..ana };
    assert_eq!(run(world.add_account(&dora)), Ok(Added::Done));
    world
}

fn keys(kid: &str, secret: &str) -> String {
    key_set(kid, secret).replace("ES384", "ES256")
}

fn known(subject: &str) -> ProviderSubject {
    ProviderSubject { issuer: ISSUER.to_owned(), subject: subject.to_owned() }
}

fn publish(world: &Authority<Trial>, changes: &[(&str, Value)]) {
    let mut told = json!({ "issuer": ISSUER, "authorization_endpoint": "https://login.example/authorize?tenant=1",
        "token_endpoint": "https://login.example/token", "jwks_uri": KEYS });
    for (name, value) in changes {
        told[*name] = value.clone();
    }
    *world.ports.configuration.lock().unwrap() = told.to_string();
}

/// Sent there by this browser; what the address asks for.
fn away(world: &Authority<Trial>, flow: Option<&str>) -> String {
    let location = run(world.to_provider(flow, "sessions", &visit(None, NOW))).unwrap();
    assert!(location.starts_with("https://login.example/authorize?tenant=1&"), "{location}");
    location
}

/// What the provider says at its token endpoint for the code `c`, some claims replaced.
fn says(world: &Authority<Trial>, location: &str, changes: &[(&str, Value)], header: Value, key: &str) {
    let mut claims = json!({ "iss": ISSUER, "aud": "sluice", "sub": "7", "iat": NOW, "exp": NOW + 300,
        "nonce": told(location, "nonce").unwrap() });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    let token = Trial::assertion(key, &header, &claims);
    world.ports.redeemed.lock().unwrap().insert("c".to_owned(), json!({ "id_token": token }).to_string());
}

fn honest() -> Value {
    json!({ "alg": "ES256", "kid": "one" })
}

fn back(world: &Authority<Trial>, location: &str, changes: &[(&str, &str)]) -> Result<(SignedIn, Back), NotBack> {
    back_by(world, location, changes, &visit(None, NOW))
}

fn back_by(
    world: &Authority<Trial>,
    location: &str,
    changes: &[(&str, &str)],
    visit: &Visit<'_>,
) -> Result<(SignedIn, Back), NotBack> {
    let state = told(location, "state").unwrap();
    let mut answer = vec![("state", state.as_str()), ("code", "c"), ("iss", ISSUER)];
    for change in changes {
        answer.retain(|(name, _)| *name != change.0);
        answer.push(*change);
    }
    answer.retain(|(_, value)| !value.is_empty());
    run(world.from_provider(&pairs(&answer), visit))
}

fn is_refused(answer: &Result<(SignedIn, Back), NotBack>) -> bool {
    matches!(answer, Err(NotBack::Refused(_)))
}

#[test]
fn someone_whom_the_provider_knows_signs_in_and_the_session_is_a_new_one() {
    let world = world_with_provider();
    let location = away(&world, None);
    for (name, value) in [
        ("response_type", "code"),
        ("scope", "openid"),
        ("client_id", "sluice"),
        ("redirect_uri", "https://localhost:8443/oauth/provider/answer"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(told(&location, name).as_deref(), Some(value));
    }
    says(&world, &location, &[], honest(), "its key");
    let (SignedIn::Session(token), way) = back(&world, &location, &[]).unwrap() else { panic!("a code is asked for") };
    assert_eq!((way.to.as_str(), way.flow), ("sessions", None));
    let (_, account) = run(world.session(Some(&token), NOW)).unwrap().unwrap();
    assert_eq!(account.username, "dora");
    // The verifier is the one whose digest was sent along.
    let asked = world.ports.asked.lock().unwrap()[0].clone();
    let of = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(told(&location, "code_challenge").unwrap(), world.digest(&of("code_verifier")));
    assert_eq!(of("grant_type"), "authorization_code");
    let kept = world.ports.everything();
    for secret in [of("code_verifier"), told(&location, "nonce").unwrap(), told(&location, "state").unwrap(), token] {
        assert!(!kept.contains(&secret));
    }
}

#[test]
fn a_launch_goes_on_with_who_signed_in_there() {
    let world = world_with_provider();
    let flow = run(world.begin(&asked(&[]), BROWSER, NOW, || true)).unwrap();
    let location = away(&world, Some(&flow));
    says(&world, &location, &[], honest(), "its key");
    let (SignedIn::Session(token), way) = back(&world, &location, &[]).unwrap() else { panic!("a code is asked for") };
    assert_eq!(way.flow.as_ref(), Some(&flow));
    assert!(matches!(run(world.step(&flow, BROWSER, Some(&token), NOW)), Ok(Step::Consent(_, _))));
    let other = Visit { browser: "another", ..visit(None, NOW) };
    assert_eq!(run(world.to_provider(Some(&flow), "", &other)), Err(Stopped::Lost));
}

#[test]
fn t51_t52_t53_a_token_that_lies_in_one_claim_signs_nobody_in() {
    let world = world_with_provider();
    let changed: [(&str, Value); 10] = [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another")),
        ("aud", json!(["sluice", "another"])),
        ("azp", json!("another")),
        ("nonce", json!("another")),
        ("exp", json!(NOW - 60)),
        ("iat", json!(NOW + 61)),
        ("iat", json!(NOW - FLOW_S - 61)),
        ("sub", json!("")),
        ("sub", json!(null)),
    ];
    for (name, value) in changed {
        let location = away(&world, None);
        says(&world, &location, &[(name, value.clone())], honest(), "its key");
        assert!(is_refused(&back(&world, &location, &[])), "{name}: {value}");
    }
    for (header, key) in [
        (json!({ "alg": "none", "kid": "one" }), "its key"),
        (json!({ "alg": "HS256", "kid": "one" }), "its key"),
        (json!({ "alg": "ES384", "kid": "one" }), "its key"),
        (json!({ "alg": "ES256" }), "its key"),
        (json!({ "alg": "ES256", "kid": "three" }), "its key"),
        (honest(), "another key"),
        (json!({ "alg": "RS256", "kid": "one" }), "its key"),
    ] {
        let location = away(&world, None);
        says(&world, &location, &[], header.clone(), key);
        assert!(is_refused(&back(&world, &location, &[])), "{header} {key}");
    }
    // A key that is not there yet is looked for anew.
    let location = away(&world, None);
    says(&world, &location, &[], json!({ "alg": "ES256", "kid": "two" }), "its next key");
    assert!(back(&world, &location, &[]).is_ok());
}

#[test]
fn t57_an_answer_of_another_browser_issuer_or_time_signs_nobody_in_and_counts_once() {
    let world = world_with_provider();
    for changes in [
        &[("state", "another")][..],
        &[("state", "")],
        &[("code", "")],
        &[("iss", "https://evil.example")],
        &[("error", "access_denied")],
    ] {
        let location = away(&world, None);
        says(&world, &location, &[], honest(), "its key");
        assert!(is_refused(&back(&world, &location, changes)), "{changes:?}");
    }
    let location = away(&world, None);
    says(&world, &location, &[], honest(), "its key");
    let other = Visit { browser: "another", ..visit(None, NOW) };
    assert!(is_refused(&back_by(&world, &location, &[], &other)));
    assert!(is_refused(&back(&world, &location, &[])), "the state was used up by who looked");
    let location = away(&world, None);
    says(&world, &location, &[], honest(), "its key");
    assert!(is_refused(&back_by(&world, &location, &[], &visit(None, NOW + FLOW_S))));
    let location = away(&world, None);
    says(&world, &location, &[], honest(), "its key");
    assert!(back(&world, &location, &[]).is_ok());
    assert!(is_refused(&back(&world, &location, &[])), "a second time");
    let twice = [("state", told(&location, "state").unwrap()), ("state", "x".to_owned())];
    let twice: Vec<(String, String)> = twice.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert!(matches!(run(world.from_provider(&twice, &visit(None, NOW))), Err(NotBack::Refused(_))));
}

#[test]
fn an_issuer_is_missed_where_the_provider_said_that_its_answers_name_it() {
    let world = world_with_provider();
    let location = away(&world, None);
    says(&world, &location, &[], honest(), "its key");
    assert!(back(&world, &location, &[("iss", "")]).is_ok(), "where it never said so, none is due");
    publish(&world, &[("authorization_response_iss_parameter_supported", json!(true))]);
    let location = away(&world, None);
    says(&world, &location, &[], honest(), "its key");
    assert!(is_refused(&back(&world, &location, &[("iss", "")])));
}

#[test]
fn a_provider_that_names_another_issuer_or_speaks_in_plain_is_not_gone_to() {
    let world = world_with_provider();
    for (name, value) in [
        ("issuer", json!("https://login.example/")),
        ("jwks_uri", json!("http://login.example/keys")),
        ("token_endpoint", json!("http://login.example/token")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("token_endpoint", json!(null)),
    ] {
        publish(&world, &[(name, value.clone())]);
        let gone = run(world.to_provider(None, "", &visit(None, NOW)));
        assert!(matches!(gone, Err(Stopped::Unavailable(_))), "{name}: {value}");
    }
}

#[test]
fn who_is_not_linked_is_a_stranger_whatever_the_account_looks_like() {
    let world = world_with_provider();
    let stranger = |subject: &str| {
        let location = away(&world, None);
        says(&world, &location, &[("sub", json!(subject)), ("email", json!("ben"))], honest(), "its key");
        back(&world, &location, &[])
    };
    for subject in ["8", "ana", "dora", "ben", "account-of-dora"] {
        assert_eq!(stranger(subject), Err(NotBack::Stranger), "{subject}");
    }
    run(world.switch_account("dora", false, NOW)).unwrap();
    assert_eq!(stranger("7"), Err(NotBack::Stranger));
}

#[test]
fn one_subject_is_one_account_and_of_one_issuer() {
    let world = world_with_provider();
    let eve =
        Account { provider: Some(known("7")), ..account("eve", Role::Patient, (ResourceType::Patient, id("eve"))) };
    assert_eq!(run(world.add_account(&eve)), Ok(Added::SubjectTaken));
    assert!(run(world.account("eve")).unwrap().is_none());
    let elsewhere = ProviderSubject { issuer: "https://other.example".to_owned(), subject: "7".to_owned() };
    assert_eq!(run(world.add_account(&Account { provider: Some(elsewhere), ..eve.clone() })), Ok(Added::Done));
    // A note whose account was never written is nobody's.
    let fay = Account { username: "fay".to_owned(), id: "fay".to_owned(), provider: Some(known("9")), ..eve };
    assert!(run(world.link(&fay)).unwrap());
    let guy = Account { username: "guy".to_owned(), id: "guy".to_owned(), ..fay };
    assert_eq!(run(world.add_account(&guy)), Ok(Added::Done));
}

#[test]
fn an_account_without_a_password_opens_by_none_and_where_it_is_instead_nobodys_does() {
    let mut world = world_with_provider();
    let dora = run(world.account("dora")).unwrap().unwrap();
    run(world.put_account(&Account { password: String::new(), ..dora })).unwrap();
    for password in ["", "phc ", "dora-password"] {
        assert_eq!(run(world.sign_in(None, ("dora", password), &visit(None, NOW))), Err(NotSignedIn::Wrong));
    }
    assert!(run(world.sign_in(None, ("ana", "ana-password"), &visit(None, NOW))).is_ok());
    if let Some(own) = &mut world.settings.provider {
        own.instead = true;
    }
    assert_eq!(run(world.sign_in(None, ("ana", "ana-password"), &visit(None, NOW))), Err(NotSignedIn::Wrong));
}
