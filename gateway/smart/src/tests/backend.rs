//! Backend services, and clients that prove themselves by a signed assertion.

use crate::assertion::JWT_BEARER;
use crate::trial::{NOW, SECRET, Trial, code, hundred, key_set, pairs, redeeming, run, world};
use crate::{Authority, Client, ClientKind, ErrorCode, Keys, OauthError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privacy::{Purpose, Role, Scopes, Subject};
use serde_json::{Value, json};

const TOKEN: &str = "https://localhost:8443/oauth/token";
const PUBLISHED: &str = "https://service.example.org/jwks";

fn header() -> Value {
    json!({ "alg": "ES384", "typ": "JWT", "kid": "one" })
}

fn claims(jti: &str) -> Value {
    json!({ "iss": "service", "sub": "service", "aud": TOKEN, "jti": jti, "iat": NOW, "exp": NOW + 300 })
}

/// The same with one member changed, or taken away by null.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    object
}

fn signed(header: &Value, claims: &Value) -> String {
    Trial::assertion("the private key", header, claims)
}

fn asking(assertion: &str, scope: &str) -> Vec<(String, String)> {
    pairs(&[
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ])
}

fn asked(world: &Authority<Trial>, assertion: &str) -> Result<crate::token::Tokens, OauthError> {
    run(world.token(None, &asking(assertion, "system/*.rs"), NOW))
}

/// The service's registration, changed.
fn registered(world: &Authority<Trial>, change: impl Fn(&mut Client)) -> Client {
    let mut service = run(world.client("service")).unwrap().unwrap();
    change(&mut service);
    run(world.put_client(&service)).unwrap();
    service
}

#[test]
fn a_service_gets_five_minutes_of_what_it_asks_for_and_is_registered_for() {
    let world = world();
    let scope =
        "system/Observation.rs system/Patient.cruds patient/Condition.rs openid offline_access system/Account.rs";
    let tokens = run(world.token(None, &asking(&signed(&header(), &claims("1")), scope), NOW)).unwrap();
    assert_eq!(tokens.scope, "system/Observation.rs system/Patient.rs");
    assert_eq!((tokens.expires_in, tokens.refresh_token, tokens.id_token, tokens.patient), (300, None, None, None));
    let claims = Trial::open(&tokens.access_token);
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["purpose"]),
        (&json!("service"), &json!("service"), &json!("TREAT"))
    );
    let principal = world.principal(&tokens.access_token, NOW + 299).unwrap();
    assert_eq!(
        (principal.role, &principal.subject, principal.purpose),
        (Role::System, &Subject::Everyone, Purpose::Treatment)
    );
    assert_eq!((principal.client.as_str(), principal.fhir_user), ("service", None));
    assert!(world.principal(&tokens.access_token, NOW + 300).is_err());
}

#[test]
fn an_assertion_counts_once_also_for_a_hundred_at_once() {
    let assertion = signed(&header(), &claims("once"));
    let (world, answers) = hundred(world(), move |world| asked(world, &assertion).map_err(|why| why.code));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| answer.as_ref().err().is_none_or(|code| *code == ErrorCode::InvalidClient)));
    assert!(asked(&world, &signed(&header(), &claims("once"))).is_err(), "signed anew, the jti is still used");
    assert!(asked(&world, &signed(&header(), &claims("twice"))).is_ok());
}

#[test]
fn what_is_wrong_with_an_assertion_is_said() {
    let world = world();
    let of_header = |name, value| signed(&with(header(), name, value), &claims("x"));
    let of_claims = |name, value| signed(&header(), &with(claims("x"), name, value));
    for (assertion, said) in [
        (of_header("alg", json!("none")), "alg was 'none'"),
        (of_header("alg", json!("HS384")), "RS384 or ES384"),
        (of_header("alg", json!("ES256")), "RS384 or ES384"),
        (of_header("alg", Value::Null), "has no alg"),
        (of_header("typ", Value::Null), "typ JWT"),
        (of_header("typ", json!("at+jwt")), "typ JWT"),
        (of_header("kid", Value::Null), "the kid"),
        (of_header("kid", json!("k".repeat(257))), "the kid"),
        (of_header("crit", json!(["exp"])), "has crit"),
        (of_header("jwk", json!({})), "has jwk"),
        (of_header("jku", json!(7)), "jku must be"),
        (of_claims("iss", json!("keeper")), "iss and sub"),
        (of_claims("sub", Value::Null), "iss and sub"),
        (
            of_claims("aud", json!("https://localhost:8443/fhir")),
            "aud of the client_assertion must be https://localhost:8443/oauth/token",
        ),
        (of_claims("aud", json!([TOKEN, "https://other"])), "aud of"),
        (of_claims("aud", json!(format!("{TOKEN}/"))), "aud of"),
        (of_claims("exp", json!(NOW)), "has run out"),
        (of_claims("exp", json!(NOW + 311)), "five minutes"),
        (of_claims("exp", json!(i64::MAX)), "five minutes"),
        (of_claims("exp", json!("soon")), "whole seconds"),
        (of_claims("exp", json!(NOW as f64 + 0.5)), "whole seconds"),
        (of_claims("exp", Value::Null), "whole seconds"),
        (of_claims("iat", json!(NOW + 11)), "iat of"),
        (of_claims("iat", json!("now")), "iat of"),
        (of_claims("nbf", json!(NOW + 60)), "nbf of"),
        (of_claims("jti", Value::Null), "jti of"),
        (of_claims("jti", json!("")), "jti of"),
        (of_claims("jti", json!("j".repeat(257))), "jti of"),
        ("nonsense".to_owned(), "cannot be read"),
    ] {
        let why = asked(&world, &assertion).err().expect("refused");
        assert_eq!(why.code, ErrorCode::InvalidClient, "{said}");
        assert!(why.description.contains(said), "{said}: {}", why.description);
    }
    assert!(asked(&world, &of_claims("aud", json!([TOKEN]))).is_ok(), "nothing of all that used up the jti");
}

#[test]
fn who_is_registered_and_with_which_keys_cannot_be_found_out() {
    let world = world();
    let off = |world: &Authority<Trial>, id: &str| {
        let service = run(world.client("service")).unwrap().unwrap();
        run(world.put_client(&Client { client_id: id.to_owned(), enabled: false, ..service })).unwrap();
    };
    off(&world, "off");
    let by = |id: &str| with(with(claims("x"), "iss", json!(id)), "sub", json!(id));
    let told: Vec<OauthError> = [
        signed(&header(), &by("nobody")),
        signed(&header(), &by("off")),
        signed(&header(), &by("keeper")),
        signed(&header(), &by("reader")),
        signed(&with(header(), "kid", json!("two")), &claims("x")),
        signed(&with(header(), "alg", json!("RS384")), &claims("x")),
        Trial::assertion("another key", &header(), &claims("x")),
        signed(&with(header(), "jku", json!(PUBLISHED)), &claims("x")),
    ]
    .iter()
    .map(|assertion| asked(&world, assertion).err().expect("refused"))
    .collect();
    assert!(told.iter().all(|why| why == &told[0]), "{told:?}");
    assert_eq!(told[0].code, ErrorCode::InvalidClient);
    assert!(!told[0].challenge_basic);
    assert!(asked(&world, &signed(&header(), &claims("x"))).is_ok(), "nothing of all that used up the jti");
}

#[test]
fn published_keys_are_looked_at_anew_when_one_is_not_known() {
    let world = world();
    registered(&world, |service| {
        service.proof = ClientKind::ConfidentialAsymmetric { keys: Keys::At(PUBLISHED.to_owned()) }
    });
    let publish = |kept: String, newer: String| {
        world.ports.published.lock().unwrap().insert(PUBLISHED.to_owned(), (kept, newer));
    };
    let own = || key_set("one", "the private key");
    let why = asked(&world, &signed(&header(), &claims("1"))).err().expect("refused");
    assert!(why.private.is_some_and(|why| why.contains("nobody is there")), "our log says why");
    publish(key_set("old", "an old key"), own());
    assert!(asked(&world, &signed(&header(), &claims("2"))).is_ok());
    publish(own(), key_set("new", "a new key"));
    assert!(asked(&world, &signed(&with(header(), "jku", json!(PUBLISHED)), &claims("3"))).is_ok());
    for wrong in ["https://evil.example.org/jwks", "https://service.example.org/jwks/"] {
        assert!(asked(&world, &signed(&with(header(), "jku", json!(wrong)), &claims("4"))).is_err(), "{wrong}");
    }
    publish(key_set("old", "an old key"), key_set("older", "an older key"));
    assert!(asked(&world, &signed(&header(), &claims("5"))).is_err());
}

#[test]
fn a_client_proves_itself_in_one_way() {
    let world = world();
    let assertion = signed(&header(), &claims("x"));
    let ask = |header: Option<&str>, changes: &[(&str, &str)]| {
        let mut form = asking(&assertion, "system/*.rs");
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        run(world.token(header, &form, NOW)).map(|_| ()).map_err(|why| why.code)
    };
    assert_eq!(ask(Some("Basic a2VlcGVyOng="), &[]), Err(ErrorCode::InvalidRequest));
    assert_eq!(ask(None, &[("client_secret", SECRET)]), Err(ErrorCode::InvalidRequest));
    assert_eq!(ask(None, &[("client_assertion", "")]), Err(ErrorCode::InvalidRequest));
    assert_eq!(ask(None, &[("client_assertion_type", "")]), Err(ErrorCode::InvalidRequest));
    assert_eq!(ask(None, &[("client_assertion_type", "urn:not:known")]), Err(ErrorCode::InvalidClient));
    assert_eq!(ask(None, &[("client_id", "keeper")]), Err(ErrorCode::InvalidClient));
    assert_eq!(ask(None, &[("grant_type", "not_a_grant_type")]), Err(ErrorCode::UnsupportedGrantType));
    assert_eq!(ask(None, &[("client_id", "service")]), Ok(()));
    let alone = pairs(&[("grant_type", "client_credentials"), ("client_id", "service"), ("scope", "system/*.rs")]);
    assert_eq!(run(world.token(None, &alone, NOW)).err().expect("refused").code, ErrorCode::InvalidClient);
}

#[test]
fn only_a_client_with_keys_and_a_purpose_of_its_own_acts_for_itself_and_within_its_scopes() {
    let world = world();
    let secret = pairs(&[
        ("grant_type", "client_credentials"),
        ("client_id", "keeper"),
        ("client_secret", SECRET),
        ("scope", "system/*.rs"),
    ]);
    assert_eq!(run(world.token(None, &secret, NOW)).err().expect("refused").code, ErrorCode::UnauthorizedClient);
    let refused = |number: &str, scope: &str| {
        let form = asking(&signed(&header(), &claims(number)), scope);
        run(world.token(None, &form, NOW)).err().expect("refused").code
    };
    assert_eq!(refused("1", ""), ErrorCode::InvalidRequest);
    for (number, scope) in
        ["patient/*.rs", "user/*.rs", "openid", "system/Observation.c", "nonsense"].iter().enumerate()
    {
        assert_eq!(refused(&format!("s{number}"), scope), ErrorCode::InvalidScope, "{scope}");
    }
    for (number, purposes) in [vec![], vec![Purpose::PatientRequest]].into_iter().enumerate() {
        registered(&world, |service| service.purposes.clone_from(&purposes));
        assert_eq!(refused(&format!("p{number}"), "system/*.rs"), ErrorCode::UnauthorizedClient, "{purposes:?}");
    }
    registered(&world, |service| service.purposes = vec![Purpose::PatientRequest, Purpose::Payment]);
    let tokens = asked(&world, &signed(&header(), &claims("2"))).unwrap();
    assert_eq!(world.principal(&tokens.access_token, NOW).unwrap().purpose, Purpose::Payment);
}

#[test]
fn of_several_purposes_a_service_names_one_and_none_that_it_is_not_registered_for() {
    let world = world();
    registered(&world, |service| service.purposes = Purpose::ALL.to_vec());
    let asked = |jti: &str, purpose: &str| {
        let more = pairs(&[("purpose_of_use", purpose)]);
        let form = [asking(&signed(&header(), &claims(jti)), "system/*.rs"), more].concat();
        run(world.token(None, &form, NOW))
    };
    let why = asked("none", "").err().expect("refused");
    assert_eq!(why.code, ErrorCode::InvalidRequest);
    assert!(why.description.contains("purpose_of_use is missing. The client is registered for TREAT, HPAYMT."));
    for (code, purpose) in [("TREAT", Purpose::Treatment), ("HPAYMT", Purpose::Payment)] {
        let token = asked(code, code).unwrap().access_token;
        assert_eq!(world.principal(&token, NOW).unwrap().purpose, purpose);
        assert_eq!(Trial::open(&token)["purpose"], code);
    }
    for (code, error, said) in [
        (
            "PATRQT",
            ErrorCode::UnauthorizedClient,
            "which needs the patient. The client is registered for TREAT, HPAYMT.",
        ),
        ("treat", ErrorCode::InvalidRequest, "registered for TREAT, HPAYMT, PATRQT. Send one of these."),
        ("TREAT HPAYMT", ErrorCode::InvalidRequest, "was 'TREAT HPAYMT'"),
    ] {
        let why = asked(code, code).err().expect("refused");
        assert_eq!(why.code, error, "{code}");
        assert!(why.description.contains(said), "{}", why.description);
    }
    // A registration that lost the purpose takes the token with it.
    let token = asked("kept", "TREAT").unwrap().access_token;
    let narrower = registered(&world, |service| service.purposes = vec![Purpose::Payment]);
    assert_eq!(asked("more", "TREAT").err().expect("refused").code, ErrorCode::UnauthorizedClient);
    run(world.confine(&narrower, NOW)).unwrap();
    assert!(world.principal(&token, NOW).is_err());
}

#[test]
fn a_services_token_ends_by_revocation_and_with_its_client() {
    let world = world();
    let token = |jti: &str| asked(&world, &signed(&header(), &claims(jti))).unwrap().access_token;
    let alive = |token: &str| world.principal(token, NOW).is_ok();
    let (one, other) = (token("1"), token("2"));
    let revoking = |jti: &str, token: &str| {
        let form = [asking(&signed(&header(), &claims(jti)), ""), pairs(&[("token", token)])].concat();
        run(world.revoke(None, &form, NOW))
    };
    assert_eq!(revoking("r1", &one), Ok(()));
    assert!(!alive(&one) && alive(&other), "each has its own grant");
    let narrower = registered(&world, |service| service.scopes = Scopes::parse("system/Patient.rs"));
    assert_eq!(run(world.confine(&narrower, NOW)), Ok(1));
    assert!(!alive(&other));
    let third = token("3");
    assert_eq!(run(world.confine(&narrower, NOW)), Ok(0));
    let off = registered(&world, |service| service.enabled = false);
    assert_eq!(run(world.confine(&off, NOW)), Ok(1));
    assert!(!alive(&third));
}

#[test]
fn a_client_that_is_switched_off_loses_what_people_granted_too() {
    let world = world();
    let code = code(&world, "ana", &[]);
    let token = run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap().access_token;
    let mut reader = run(world.client("reader")).unwrap().unwrap();
    assert_eq!(run(world.confine(&reader, NOW)), Ok(0));
    reader.enabled = false;
    assert_eq!(run(world.confine(&reader, NOW)), Ok(1));
    assert!(world.principal(&token, NOW).is_err());
}

#[test]
fn grants_of_services_leave_the_shelf_when_they_have_ended_and_peoples_stay() {
    let world = world();
    let code = code(&world, "ana", &[("scope", "patient/Observation.rs")]);
    run(world.token(None, &redeeming(&code, &[]), NOW)).unwrap();
    asked(&world, &signed(&header(), &claims("1"))).unwrap();
    let kept = || world.ports.everything().matches("(Grant, ").count();
    run(world.forget_ended(NOW + 299)).unwrap();
    assert_eq!(kept(), 2);
    run(world.forget_ended(NOW + 300)).unwrap();
    assert_eq!(kept(), 1);
    run(world.forget_ended(NOW + 3600)).unwrap();
    assert_eq!((kept(), world.grants_alive(NOW).len()), (1, 0));
}

#[test]
fn a_service_is_told_of_its_own_token() {
    let world = world();
    let token = asked(&world, &signed(&header(), &claims("1"))).unwrap().access_token;
    let form = [asking(&signed(&header(), &claims("2")), ""), pairs(&[("token", &token)])].concat();
    let told = serde_json::to_value(run(world.introspection(None, &form, NOW)).unwrap()).unwrap();
    assert_eq!(
        (&told["active"], &told["client_id"], &told["scope"]),
        (&json!(true), &json!("service"), &json!("system/*.rs"))
    );
    assert!(told.get("patient").is_none() && told.get("fhirUser").is_none());
}

#[test]
fn an_app_that_people_use_may_prove_itself_by_a_key_as_well() {
    let world = world();
    registered(&world, |service| {
        let reader = run(world.client("reader")).unwrap().unwrap();
        (service.redirect_uris, service.scopes, service.purposes) =
            (reader.redirect_uris, reader.scopes, reader.purposes);
    });
    let code = code(&world, "ana", &[("client_id", "service")]);
    let proof = |jti: &str| signed(&header(), &claims(jti));
    let redeem = |assertion: &str| {
        let changes =
            [("client_id", "service"), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
        run(world.token(None, &redeeming(&code, &changes), NOW))
    };
    assert_eq!(
        redeem(&Trial::assertion("another key", &header(), &claims("1"))).err().unwrap().code,
        ErrorCode::InvalidClient
    );
    let tokens = redeem(&proof("1")).unwrap();
    assert_eq!(tokens.patient.as_deref(), Some("ana"));
    let refresh = tokens.refresh_token.unwrap();
    let form = [
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]),
        pairs(&[("client_assertion_type", JWT_BEARER), ("client_assertion", &proof("2"))]),
    ];
    assert!(run(world.token(None, &form.concat(), NOW)).is_ok());
    let unproven = pairs(&[("grant_type", "refresh_token"), ("refresh_token", &refresh), ("client_id", "service")]);
    assert_eq!(run(world.token(None, &unproven, NOW)).err().unwrap().code, ErrorCode::InvalidClient);
}

#[test]
fn a_request_says_whose_it_is_in_each_way_that_a_client_proves_itself() {
    let world = world();
    let basic = format!("Basic {}", STANDARD.encode("keeper:whatever"));
    let assertion = signed(&header(), &claims("x"));
    for (authorization, form, claimed) in [
        (Some(basic.as_str()), vec![], Some("keeper")),
        (Some(&basic), pairs(&[("client_id", "reader")]), Some("keeper")),
        (None, pairs(&[("client_id", "reader"), ("client_secret", "x")]), Some("reader")),
        (None, asking(&assertion, "system/*.rs"), Some("service")),
        (None, asking("nonsense", "system/*.rs"), None),
        (Some("Basic ***"), vec![], None),
        (Some("Bearer nonsense"), pairs(&[("client_id", "reader")]), None),
        (None, vec![], None),
    ] {
        assert_eq!(world.claimed_client(authorization, &form).as_deref(), claimed, "{authorization:?} {form:?}");
    }
}
