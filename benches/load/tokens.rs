//! Tokens: what the authorization server adds to the cryptography that nobody can do without.
//!
//! A backend service's token is timed over sockets: its assertion proven (ES384), used up and its grant kept on the disk, the token
//! signed (ES256). Beside it stands the floor, the same proof and the same signature in a loop. What a token costs each
//! request afterwards is timed in one process, beside a bare verification.

use crate::check::Address;
use crate::disk;
use crate::gateway::{self, Speaks};
use crate::http::{CONNECTIONS, started};
use crate::process::{MEASURED, free_port};
use crate::report::{Report, median, range, say};
use crate::wrk::Load;
use certs::client_key::ClientKey;
use certs::sign::SigningKey;
use certs::statement;
use certs::verify::{Expected, verify_jwt};
use privacy::{Purpose, Scopes};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use server::keys::{Keys, Use};
use server::ports::Ports;
use server::published::{KeyFetcher, Network};
use server::records::Records;
use server::tokens::Tokens;
use server::{clock, context};
use smart::claims::AccessClaims;
use smart::client::Keys as ClientKeys;
use smart::{Authority, Client, ClientKind, Settings};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use store::{Namespace, Options, Store};

/// The backend service.
const SERVICE: &str = "bench-service";
/// What it asks for.
const SCOPE: &str = "system/Patient.rs";
/// Assertions a second that are made beforehand: more than a core can prove.
const ASSERTIONS_PER_S: u64 = 4_000;
/// Tokens that are looked at in a turn: fewer than are remembered.
const LOOKED_AT: usize = 1_000;
/// Turns of each way to look at a token.
const TURNS: usize = 15;
/// How often a remembered token is asked about in a turn.
const RECALLED: usize = 100_000;

/// Measures.
pub(crate) fn run(report: &Report, quick: bool) -> Result<(), String> {
    let (rounds, seconds) = if quick { (3, 1) } else { (5, 3) };
    issued(report, rounds, seconds)?;
    looked_at(report)
}

fn issued(report: &Report, rounds: usize, seconds: u64) -> Result<(), String> {
    let folder = report.folder().join("tokens");
    fs::create_dir_all(&folder).map_err(|why| why.to_string())?;
    let key = ClientKey::generate().map_err(|why| why.to_string())?;
    fs::write(folder.join("service.json"), json!({ "keys": [key.public_jwk()] }).to_string())
        .map_err(|why| why.to_string())?;
    let (gateway, address) = started(Speaks::Plain, free_port()?, 1, &folder, "")?;
    let origin = format!("https://localhost:{}", address.port);
    check(&address, &origin, &key)?;
    let (mut floors, mut costs, mut rates, mut waits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        floors.push(own("floor", &[&seconds.to_string()])?.first().copied().ok_or("no floor")?);
        let forms = (0..seconds * ASSERTIONS_PER_S).map(|_| asking(&origin, &key)).collect::<Result<Vec<_>, _>>()?;
        let load = Load::forms(&folder, &format!("forms-{round}"), "/oauth/token", &forms)?;
        let before = gateway.cpu();
        let told = load.run(&address.base(), CONNECTIONS, seconds)?;
        costs.push(gateway.cpu().saturating_sub(before).as_secs_f64() * 1e6 / told.requests as f64);
        rates.push(told.per_s);
        waits.push(told.p50_ms);
    }
    let ratios: Vec<f64> = floors.iter().zip(&costs).map(|(floor, cost)| floor / cost).collect();
    let ((floor_least, floor_most), (least, most)) = (range(&floors), range(&costs));
    let row = |name: &str, us: &[f64], from_to: (f64, f64), ratio: f64, more: [String; 2]| {
        let [rate, wait] = more;
        let from_to = format!("{:.0} to {:.0}", from_to.0, from_to.1);
        vec![name.to_owned(), format!("{:.0}", median(us)), from_to, format!("{ratio:.2}"), rate, wait]
    };
    report.table(
        "A token for a backend service",
        &["what", "CPU us a token", "least to most", "floor's CPU / its own", "tokens a second", "p50 ms"],
        &[
            row(
                "the floor: an ES384 assertion proven, an ES256 token signed",
                &floors,
                (floor_least, floor_most),
                1.0,
                [String::new(), String::new()],
            ),
            row(
                "Sluice's token endpoint",
                &costs,
                (least, most),
                median(&ratios),
                [format!("{:.0}", median(&rates)), format!("{:.2}", median(&waits))],
            ),
        ],
    );
    let flushes = disk::flushes_per_s(&folder, Duration::from_millis(300))?;
    report.line(&format!("Flushes of 1 KB a second, alone: {flushes:.0}."));
    Ok(())
}

fn looked_at(report: &Report) -> Result<(), String> {
    let folder = report.folder().join("looked-at");
    let figures = own("principals", &[folder.to_str().ok_or("a path that is no text")?])?;
    let [raw, cold, known] = figures.as_slice() else { return Err("not three figures".to_owned()) };
    report.table(
        "What an access token costs a request",
        &["how", "CPU us", "of a bare verification"],
        &[
            vec!["verified and no more".to_owned(), format!("{raw:.1}"), "1.00".to_owned()],
            vec!["seen for the first time".to_owned(), format!("{cold:.1}"), format!("{:.2}", raw / cold)],
            vec!["seen before".to_owned(), format!("{known:.2}"), format!("{:.0}", raw / known)],
        ],
    );
    Ok(())
}

/// The figures that a part of this program says, from the core of what is measured.
fn own(part: &str, words: &[&str]) -> Result<Vec<f64>, String> {
    let own = std::env::current_exe().map_err(|why| why.to_string())?;
    let output = Command::new("taskset").args(["-c", MEASURED]).arg(own).arg(part).args(words).output();
    let output = output.map_err(|why| why.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

/// The backend service whose public keys lie beside a gateway's folder, where one is to be registered.
pub(crate) async fn register(store: &Store, folder: &Path) -> Result<(), String> {
    let Ok(set) = fs::read_to_string(folder.with_file_name("service.json")) else { return Ok(()) };
    let client = Client {
        client_id: SERVICE.to_owned(),
        name: SERVICE.to_owned(),
        proof: ClientKind::ConfidentialAsymmetric { keys: ClientKeys::Set(set) },
        redirect_uris: Vec::new(),
        launch_uri: None,
        scopes: Scopes::parse(SCOPE),
        purposes: vec![Purpose::Payment],
        owner: None,
        terms_uri: None,
        resource_server: false,
        by_itself: None,
        enabled: true,
    };
    let json = serde_json::to_string(&client).map_err(|why| why.to_string())?;
    store.documents().put(Namespace::Client, SERVICE, json).await.map(|_| ()).map_err(|why| why.to_string())
}

fn assertion(origin: &str, key: &ClientKey) -> Result<String, String> {
    let now_s = clock::now().seconds();
    let claims = json!({
        "iss": SERVICE, "sub": SERVICE, "aud": format!("{origin}/oauth/token"), "jti": certs::random::token(),
        "iat": now_s, "exp": now_s + 240,
    });
    key.state(&claims).map_err(|why| why.to_string())
}

/// A form that asks for a token; nothing in it needs an escape but the colons and the stroke.
fn asking(origin: &str, key: &ClientKey) -> Result<String, String> {
    let assertion = assertion(origin, key)?;
    Ok(format!(
        "grant_type=client_credentials&scope=system%2FPatient.rs\
         &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
    ))
}

/// That an assertion brings a token once, and no second one.
fn check(address: &Address, origin: &str, key: &ClientKey) -> Result<(), String> {
    let form = asking(origin, key)?;
    let (status, body) = address.post("/oauth/token", &form)?;
    let told: Value = serde_json::from_slice(&body).map_err(|why| why.to_string())?;
    let parts = told["access_token"].as_str().map_or(0, |token| token.split('.').count());
    if status != 200 || parts != 3 || told["scope"] != SCOPE {
        return Err(format!("the token endpoint answered {status}: {}", String::from_utf8_lossy(&body)));
    }
    match address.post("/oauth/token", &form)?.0 {
        200 => Err("an assertion counted twice".to_owned()),
        _ => Ok(()),
    }
}

/// The floor, for some seconds of CPU: what one proof and one signature take, in microseconds.
pub(crate) fn floor(seconds: u16) -> Result<(), String> {
    let fail = |why: &dyn std::fmt::Display| why.to_string();
    let (client, own) = (ClientKey::generate(), SigningKey::generate_es256());
    let (client, own) = (client.map_err(|why| fail(&why))?, own.map_err(|why| fail(&why))?);
    let stated = assertion("https://localhost", &client)?;
    let keys = statement::read_keys(&json!({ "keys": [client.public_jwk()] }).to_string()).map_err(|why| fail(&why))?;
    let claims = claims("g", clock::now().seconds());
    let begun = cpu_s();
    let mut times = 0u32;
    while cpu_s() - begun < f64::from(seconds) {
        statement::prove(&stated, &keys).map_err(|why| fail(&why))?;
        black_box(own.sign_jwt("at+jwt", &claims).map_err(|why| fail(&why))?);
        times += 1;
    }
    say(&format!("{}", (cpu_s() - begun) * 1e6 / f64::from(times)));
    Ok(())
}

const BASE: &str = "https://localhost/fhir";

fn claims(grant: &str, now_s: i64) -> AccessClaims {
    AccessClaims {
        iss: BASE.to_owned(),
        sub: "account".to_owned(),
        aud: BASE.to_owned(),
        client_id: "bench".to_owned(),
        jti: certs::random::uuid_v4(),
        iat: now_s,
        exp: now_s + 3600,
        scope: gateway::SCOPES.to_owned(),
        grant: grant.to_owned(),
        patient: Some("p1".to_owned()),
        fhir_user: Some(format!("{BASE}/Patient/p1")),
        purpose: Purpose::PatientRequest.code().to_owned(),
    }
}

/// What looking at a token takes in three ways, in microseconds: verified alone, seen for the first time, seen before.
pub(crate) async fn principals(folder: &Path) -> Result<(), String> {
    let fail = |why: &dyn std::fmt::Display| why.to_string();
    let store = Store::open(folder, Options::new(clock::now())).await.map_err(|why| fail(&why))?;
    let now_s = clock::now().seconds();
    let ring = Keys::make(&folder.join("keys")).map_err(|why| fail(&why))?.ring;
    let mut tokens = Vec::with_capacity(LOOKED_AT);
    for _ in 0..LOOKED_AT {
        let grant = gateway::grant(Purpose::PatientRequest, "p1", now_s)?;
        let json = serde_json::to_string(&grant).map_err(|why| fail(&why))?;
        store.documents().put(Namespace::Grant, &grant.id, json).await.map_err(|why| fail(&why))?;
        let claims = AccessClaims { sub: grant.account, ..claims(&grant.id, now_s) };
        tokens.push(ring.now().signing(Use::Access)?.sign_jwt("at+jwt", &claims).map_err(|why| fail(&why))?);
    }
    let (records, published) = (Arc::new(Records::Store(store.clone())), KeyFetcher::new(Network::default()));
    let ports = Ports::new(store, Arc::clone(&ring), records, published);
    let settings = Settings::new("https://localhost", &context::SERVED);
    let authority = Authority::open(settings, ports).await.map_err(|why| fail(&why.0))?;
    let (mut raw, mut cold, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let keys = ring.now().verifying(now_s);
        let expected = Expected { typ: "at+jwt", iss: BASE, aud: BASE };
        raw.push(each_us(&tokens, |token| verify_jwt(token, &keys, &expected, now_s, 5).is_ok())?);
        let fresh = Tokens::default();
        let look = |token: &str| fresh.principal(&authority, token, now_s).is_ok();
        cold.push(each_us(&tokens, look)?);
        let again = tokens.iter().cycle().take(RECALLED);
        let begun = cpu_s();
        if !again.map(String::as_str).all(look) {
            return Err("a token that was seen did not open".to_owned());
        }
        known.push((cpu_s() - begun) * 1e6 / RECALLED as f64);
    }
    say(&format!("{} {} {}", median(&raw), median(&cold), median(&known)));
    Ok(())
}

fn each_us(tokens: &[String], look: impl Fn(&str) -> bool) -> Result<f64, String> {
    let begun = cpu_s();
    if !tokens.iter().all(|token| look(token)) {
        return Err("a genuine token did not open".to_owned());
    }
    Ok((cpu_s() - begun) * 1e6 / tokens.len() as f64)
}

/// CPU time of this thread, in seconds.
fn cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
