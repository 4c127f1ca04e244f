//! What a browser or an app sends the authorization server as pairs: authorization requests, token requests, scopes,
//! languages, redirect addresses.
//!
//! The first byte chooses: an authorization request; a token request, its first line being the Authorization header, with
//! `$code` and `$refresh` for genuine ones; a list of scopes; an Accept-Language header.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fuzz::desk::{self, BASE, Desk, NOW, REDIRECT, SECRET, VERIFIER, done};
use libfuzzer_sys::fuzz_target;
use privacy::Scopes;
use privacy::scope::SCOPES_MAX;
use smart::authorize::Rejected;
use smart::consent::Word;
use smart::flow::Step;
use smart::login::{SignedIn, Visit};
use smart::{Authority, Locale, Whence};

/// The browser of every launch.
const BROWSER: &str = "browser-token";
/// What an app of ours is registered for, at the most.
const MOST: &str = "openid fhirUser profile launch/patient offline_access patient/*.rs";

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    match choice % 4 {
        0 => authorization(bytes),
        1 => token(&text),
        2 => scopes(&text),
        _ => drop(Locale::negotiate(Some(&text))),
    }
});

type Pairs = Vec<(String, String)>;

fn decoded(form: &[u8]) -> Pairs {
    form_urlencoded::parse(form).into_owned().collect()
}

/// The one value of a parameter.
fn one<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let mut found = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    found.next().filter(|_| found.next().is_none())
}

/// Whether an address is one that an app of ours is registered with: a loopback address may have any port.
fn is_registered(address: &str) -> bool {
    let loopback = address.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/cb"));
    let port = loopback
        .is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()));
    port || address == "https://app.example/cb?tenant=1"
}

fn authorization(bytes: &[u8]) {
    let world = desk::world(Desk::new(desk::none));
    let pairs = decoded(bytes);
    let known = one(&pairs, "client_id").is_some_and(|id| ["reader", "keeper"].contains(&id))
        && one(&pairs, "redirect_uri").is_some_and(is_registered);
    match done(world.begin(&pairs, BROWSER, NOW, || true)) {
        Ok(flow) => {
            let method = one(&pairs, "code_challenge_method") == Some("S256");
            let challenge = one(&pairs, "code_challenge").is_some_and(|text| (43..=128).contains(&text.len()));
            let code = one(&pairs, "response_type") == Some("code");
            let aud = one(&pairs, "aud").is_some_and(|aud| aud.trim_end_matches('/') == BASE);
            assert!(known && method && challenge && code && aud, "{pairs:?}");
            let step = done(world.step(&flow, BROWSER, None, NOW));
            assert!(matches!(step, Ok(Step::Login(_))), "nobody has signed in");
            assert!(done(world.step(&flow, "another browser", None, NOW)).is_err());
        }
        Err(Rejected::NotNow) => panic!("one more may always be begun here"),
        Err(Rejected::Page(why)) => assert!(is_plain(&why.description), "{}", why.description),
        Err(Rejected::Redirect { location, why }) => {
            assert!(known, "a browser is sent away only to an app that is known");
            assert!(is_plain(&why.description), "{}", why.description);
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
            let address = one(&pairs, "redirect_uri").expect("it is known");
            let answer = location.strip_prefix(address).expect("the answer goes to that very address");
            let answer = decoded(answer.trim_start_matches(['?', '&']).as_bytes());
            assert_eq!((one(&answer, "iss"), one(&answer, "error")), (Some(BASE), Some(why.code.as_str())));
            assert!(one(&answer, "code").is_none());
            let state = one(&pairs, "state").filter(|state| !state.is_empty());
            assert!(one(&answer, "state").is_none_or(|back| Some(back) == state));
        }
    }
}

/// The characters that RFC 6749 has for a description.
fn is_plain(description: &str) -> bool {
    description.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\')
}

/// A code, once `ana` has allowed everything.
fn code(world: &Authority<Desk>, client: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(desk::digest(VERIFIER.as_bytes()));
    let asked = [
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", MOST),
        ("aud", BASE),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let asked: Pairs = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let flow = done(world.begin(&asked, BROWSER, NOW, || true)).expect("the request is in order");
    let visit = Visit { browser: BROWSER, session: None, whence: &Whence::default(), now_s: NOW };
    let session = done(world.sign_in(Some(&flow), ("ana", "ana-password"), &visit)).ok();
    let session = session.and_then(|signed_in| match signed_in {
        SignedIn::Session(token) => Some(token),
        SignedIn::Code(_) => None,
    });
    let step = done(world.step(&flow, BROWSER, session.as_deref(), NOW));
    let Ok(Step::Consent(_, consent)) = step else { panic!("no consent page") };
    let word = Word { kept: &consent.items, patient: consent.patient.as_ref().map(fhir::Id::as_str) };
    let location = done(world.allow(&flow, BROWSER, session.as_deref(), word, NOW)).expect("everything is allowed");
    let location = url::Url::parse(&location).expect("an address");
    location.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned()
}

fn token(text: &str) {
    let (header, form) = text.split_once('\n').unwrap_or(("", text));
    let confidential = form.contains("keeper") || !header.is_empty();
    let client = if confidential { "keeper" } else { "reader" };
    let world = desk::world(Desk::new(desk::none));
    let code_given = code(&world, client);
    let header =
        header.replace("$secret", &base64::engine::general_purpose::STANDARD.encode(format!("keeper:{SECRET}")));
    let header = Some(header.as_str()).filter(|header| !header.is_empty());
    let refresh = if form.contains("$refresh") { refreshing(&world, client) } else { String::new() };
    let pairs = decoded(form.as_bytes());
    let genuine =
        |(name, value): (String, String)| (name, value.replace("$code", &code_given).replace("$refresh", &refresh));
    let pairs: Pairs = pairs.into_iter().map(genuine).collect();
    match done(world.token(header, &pairs, NOW)) {
        Ok(tokens) => {
            let proven = match header {
                None if confidential => one(&pairs, "client_secret") == Some(SECRET),
                None => one(&pairs, "client_secret").unwrap_or_default().is_empty(),
                Some(header) => header.to_ascii_lowercase().starts_with("basic "),
            };
            let named = one(&pairs, "client_id").is_none_or(|id| id.is_empty() || id == client);
            let held = match one(&pairs, "grant_type") {
                Some("authorization_code") => {
                    one(&pairs, "code") == Some(&code_given)
                        && one(&pairs, "code_verifier") == Some(VERIFIER)
                        && one(&pairs, "redirect_uri") == Some(REDIRECT)
                }
                Some("refresh_token") => one(&pairs, "refresh_token") == Some(&refresh),
                Some(_) | None => false,
            };
            assert!(proven && named && held, "{pairs:?}");
            assert!(Scopes::parse(MOST).cover(&Scopes::parse(&tokens.scope)), "{}", tokens.scope);
            assert!(tokens.body().is_ok());
        }
        Err(why) => assert!(is_plain(&why.description), "{}", why.description),
    }
    let revoked = done(world.revoke(header, &pairs, NOW));
    assert!(revoked.is_ok() || revoked.is_err_and(|why| is_plain(&why.description)));
}

/// A refresh token of a grant of its own.
fn refreshing(world: &Authority<Desk>, client: &str) -> String {
    let code = code(world, client);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("client_id", client),
        ("code_verifier", VERIFIER),
    ];
    form.extend((client == "keeper").then_some(("client_secret", SECRET)));
    let form: Pairs = form.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let tokens = done(world.token(None, &form, NOW)).unwrap_or_else(|why| panic!("{}", why.description));
    tokens.refresh_token.expect("it was asked for")
}

fn scopes(text: &str) {
    let scopes = Scopes::parse(text);
    assert!(scopes.iter().count() <= SCOPES_MAX);
    assert_eq!(Scopes::parse(&scopes.to_string()), scopes);
    assert!(scopes.cover(&scopes) && scopes.cover(&Scopes::default()));
    for scope in scopes.iter() {
        assert!(text.split(' ').any(|word| word == scope.to_string()), "{scope} was not asked for");
    }
}
