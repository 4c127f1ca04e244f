//! HTTP: everyone in turn, round after round, with the same requests, and what each cost the core it had to itself.

use crate::check::{Address, Expected};
use crate::disk;
use crate::fhir_gateway;
use crate::gateway::{self, Speaks};
use crate::nginx::Nginx;
use crate::people;
use crate::process::{LOAD, MEASURED, Part, free_port, load_average};
use crate::report::{Report, median, range};
use crate::warm::Warm;
use crate::wrk::{Load, Told};
use certs::dev_ca::{Ca, Leaf};
use privacy::Purpose;
use server::clock;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Connections of the load.
pub(crate) const CONNECTIONS: usize = 64;
/// Patients whose answer is checked for each peer before it is timed.
const CHECKED: usize = 3;
/// Patients whose pages of 100 KB are asked for; each stays ready in the memory of the server behind.
const PAGED: usize = 200;

/// How long, and how often.
#[derive(Clone, Copy)]
struct Pace {
    rounds: usize,
    seconds: u64,
}

/// One who answers, and what is asked of them.
struct Peer<'a> {
    name: &'a str,
    part: &'a Part,
    address: Address,
    expected: Expected,
    load: Load,
    paths: Vec<(String, String)>,
    warm: Warm,
}

/// What a peer cost in one round.
struct Round {
    us: f64,
    told: Told,
}

/// Who takes part: started once, asked in every case.
struct Cast {
    nginx: (Part, Address),
    careful: (Part, Address),
    pass: (Part, Address),
    fhir_gateway: (Part, Address),
    fhir_gateway_tokens: Vec<String>,
    plain: (Part, Address),
    nginx_tls: (Part, Address),
    tls: (Part, Address),
    _origin: Part,
}

/// Measures all cases.
pub(crate) fn run(report: &Report, quick: bool) -> Result<(), String> {
    let pace = if quick { Pace { rounds: 3, seconds: 1 } } else { Pace { rounds: 5, seconds: 3 } };
    let folder = report.folder();
    let cast = Cast::start(folder)?;
    report.line(&format!(
        "\nHTTP: {} rounds of {} s a peer, in turn; {CONNECTIONS} connections; what is measured on core {MEASURED}, the load and the server behind on core {LOAD}.",
        pace.rounds, pace.seconds
    ));
    for (title, kind, people) in [
        ("A Patient of 2 KB", Case::Patient, people::PEOPLE),
        ("A search that finds 50 Encounters, 100 KB", Case::Page, PAGED),
    ] {
        let plain = cast.plainly(folder, kind, people)?;
        measure(report, title, &plain, pace)?;
        let tls = cast.with_tls(folder, kind, people)?;
        measure(report, &format!("{title}, over TLS 1.3"), &tls, pace)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Case {
    Patient,
    Page,
}

impl Case {
    fn path(self, nth: usize) -> String {
        match self {
            Case::Patient => format!("/fhir/Patient/{}", people::id(nth)),
            Case::Page => format!("/fhir/Encounter?patient={}", people::id(nth)),
        }
    }
}

impl Cast {
    fn start(folder: &Path) -> Result<Cast, String> {
        let ca = certificate(folder)?;
        let behind = free_port()?;
        let origin = Part::own(LOAD, &["origin", &behind.to_string()], &folder.join("origin.log"))?;
        let origin = origin.listening(behind)?;
        let nginx = |name: &str, careful, tls| {
            let port = free_port()?;
            let trusts = if tls { Some(ca.clone()) } else { None };
            let part = Nginx { name, port, behind, careful, tls }.start(folder)?;
            Ok::<_, String>((part, Address { port, trusts }))
        };
        let pass = || {
            let port = free_port()?;
            let words = ["pass", &port.to_string(), &behind.to_string()].map(str::to_owned);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let part = Part::own(MEASURED, &words, &folder.join("pass.log"))?.listening(port)?;
            Ok::<_, String>((part, Address { port, trusts: None }))
        };
        let (fhir_gateway, port, fhir_gateway_tokens) = fhir_gateway::start(behind, folder)?;
        Ok(Cast {
            nginx: nginx("nginx", false, false)?,
            careful: nginx("nginx-careful", true, false)?,
            pass: pass()?,
            fhir_gateway: (fhir_gateway, Address { port, trusts: None }),
            fhir_gateway_tokens,
            plain: started(Speaks::Plain, behind, people::PEOPLE, folder, &ca)?,
            nginx_tls: nginx("nginx-tls", false, true)?,
            tls: started(Speaks::Tls, behind, people::PEOPLE, folder, &ca)?,
            _origin: origin,
        })
    }

    fn plainly(&self, folder: &Path, case: Case, people: usize) -> Result<Vec<Peer<'_>>, String> {
        Ok(vec![
            peer("nginx", &self.nginx, None, folder, Speaks::Plain, (case, people))?,
            peer("nginx, limit and JSON log", &self.careful, None, folder, Speaks::Plain, (case, people))?,
            peer("hyper, passing through", &self.pass, None, folder, Speaks::Plain, (case, people))?,
            self.fhir_gateway(folder, case, people)?,
            peer("Sluice, cut (HPAYMT)", &self.plain, Some(Purpose::Payment), folder, Speaks::Plain, (case, people))?,
            peer(
                "Sluice, whole (PATRQT)",
                &self.plain,
                Some(Purpose::PatientRequest),
                folder,
                Speaks::Plain,
                (case, people),
            )?,
        ])
    }

    fn fhir_gateway(&self, folder: &Path, case: Case, people: usize) -> Result<Peer<'_>, String> {
        let (part, address) = &self.fhir_gateway;
        let tokens = self.fhir_gateway_tokens.iter().take(people).enumerate();
        let paths: Vec<(String, String)> = tokens.map(|(nth, token)| (case.path(nth), token.clone())).collect();
        let load = Load::prepare(folder, "fhir-gateway", &paths)?;
        let (address, expected) = (address.clone(), Expected::Same);
        Ok(Peer { name: "fhir-gateway 0.4.0", part, address, expected, load, paths, warm: Warm::JVM })
    }

    fn with_tls(&self, folder: &Path, case: Case, people: usize) -> Result<Vec<Peer<'_>>, String> {
        Ok(vec![
            peer("nginx", &self.nginx_tls, None, folder, Speaks::Tls, (case, people))?,
            peer("Sluice, cut (HPAYMT)", &self.tls, Some(Purpose::Payment), folder, Speaks::Tls, (case, people))?,
            peer(
                "Sluice, whole (PATRQT)",
                &self.tls,
                Some(Purpose::PatientRequest),
                folder,
                Speaks::Tls,
                (case, people),
            )?,
        ])
    }
}

/// A gateway of one's own folder, with its tokens written.
pub(crate) fn started(
    speaks: Speaks,
    behind: u16,
    people: usize,
    folder: &Path,
    ca: &str,
) -> Result<(Part, Address), String> {
    let own = folder.join(format!("gateway-{}", speaks.word()));
    fs::create_dir_all(&own).map_err(|why| why.to_string())?;
    let port = free_port()?;
    let path = own.to_str().ok_or("a path that is no text")?;
    let words = ["gateway", speaks.word(), &port.to_string(), &behind.to_string(), &people.to_string(), path]
        .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let part = Part::own(MEASURED, &words, &own.join("log"))?.listening(port)?;
    let trusts = match speaks {
        Speaks::Plain => None,
        Speaks::Tls => Some(ca.to_owned()),
    };
    Ok((part, Address { port, trusts }))
}

/// A peer with its requests; one without a purpose of its own is sent the same ones, tokens included, as a payer's.
fn peer<'a>(
    name: &'a str,
    (part, address): &'a (Part, Address),
    purpose: Option<Purpose>,
    folder: &Path,
    speaks: Speaks,
    (case, people): (Case, usize),
) -> Result<Peer<'a>, String> {
    let tokens = gateway::tokens(&folder.join(format!("gateway-{}", speaks.word())))?;
    let tokens = tokens.get(purpose.unwrap_or(Purpose::Payment).code()).ok_or("a gateway that wrote no tokens")?;
    let paths: Vec<(String, String)> =
        tokens.iter().take(people).enumerate().map(|(nth, token)| (case.path(nth), token.clone())).collect();
    let expected = purpose.map_or(Ok(Expected::Same), Expected::seen)?;
    let file: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let load = Load::prepare(folder, &format!("{file}-{}", speaks.word()), &paths)?;
    Ok(Peer { name, part, address: address.clone(), expected, load, paths, warm: Warm::COMPILED })
}

fn measure(report: &Report, title: &str, peers: &[Peer<'_>], pace: Pace) -> Result<(), String> {
    let mut warmed = Vec::new();
    for peer in peers {
        for (path, token) in peer.paths.iter().take(CHECKED) {
            let told = peer.address.get(path, token).map_err(|why| format!("{}: {why}", peer.name))?;
            peer.expected.check(path, told).map_err(|why| format!("{}: {why}", peer.name))?;
        }
        let given = peer.warm.up(&peer.load, &peer.address.base(), CONNECTIONS)?;
        if peer.warm.is_long() {
            warmed.push(format!("{} had given {given} answers before it was timed.", peer.name));
        }
    }
    let mut rounds: Vec<Vec<Round>> = peers.iter().map(|_| Vec::new()).collect();
    let (mut flushes, mut loads) = (Vec::new(), Vec::new());
    for _ in 0..pace.rounds {
        for (peer, rounds) in peers.iter().zip(&mut rounds) {
            let before = peer.part.cpu();
            let told = peer.load.run(&peer.address.base(), CONNECTIONS, pace.seconds)?;
            let spent = peer.part.cpu().saturating_sub(before);
            rounds.push(Round { us: spent.as_secs_f64() * 1e6 / told.requests as f64, told });
        }
        flushes.push(disk::flushes_per_s(report.folder(), Duration::from_millis(300))?);
        loads.push(load_average());
    }
    let first = rounds.first().map_or(&[][..], Vec::as_slice);
    let rows: Vec<Vec<String>> =
        peers.iter().zip(&rounds).map(|(peer, rounds)| row(peer.name, rounds, first)).collect();
    report.table(
        title,
        &["peer", "CPU us a request", "least to most", "nginx's CPU / its own", "answers a second", "p50 ms", "p99 ms"],
        &rows,
    );
    let (slowest, fastest) = range(&flushes);
    report.line(&format!(
        "Flushes of 1 KB a second, alone: {:.0} ({slowest:.0} to {fastest:.0}). Load average: {:.1}.",
        median(&flushes),
        median(&loads)
    ));
    warmed.iter().for_each(|sentence| report.line(sentence));
    Ok(())
}

fn row(name: &str, rounds: &[Round], first: &[Round]) -> Vec<String> {
    let of = |what: fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(what).collect() };
    let costs = of(|round| round.us);
    let ratios: Vec<f64> = first.iter().zip(rounds).map(|(nginx, own)| nginx.us / own.us).collect();
    let (least, most) = range(&costs);
    vec![
        name.to_owned(),
        format!("{:.1}", median(&costs)),
        format!("{least:.1} to {most:.1}"),
        format!("{:.2}", median(&ratios)),
        format!("{:.0}", median(&of(|round| round.told.per_s))),
        format!("{:.2}", median(&of(|round| round.told.p50_ms))),
        format!("{:.2}", median(&of(|round| round.told.p99_ms))),
    ]
}

/// A certificate for localhost in the folder; what is to be trusted for it comes back.
pub(crate) fn certificate(folder: &Path) -> Result<String, String> {
    let now_s = clock::now().seconds();
    let ca = Ca::new(now_s).map_err(|why| why.to_string())?;
    let issued = ca.issue(&Leaf::LOCALHOST, now_s).map_err(|why| why.to_string())?;
    fs::write(folder.join("cert.pem"), &issued.cert_pem).map_err(|why| why.to_string())?;
    fs::write(folder.join("key.pem"), issued.key_pem.as_bytes()).map_err(|why| why.to_string())?;
    Ok(ca.cert_pem)
}
