//! `sluice demo`: the whole product on embedded defaults, with people who do not exist.

mod cast;
mod last;
mod population;
mod ready;
mod tour;

pub(crate) use cast::test_user;
pub(crate) use last::{Last, last};

use crate::args::DemoArgs;
use crate::serve::changed;
use crate::{out, stop};
use bridge::{AckWhen, Authority, Link};
use cast::Cast;
use certs::dev_ca::{Ca, Leaf};
use certs::server_tls;
use conformance::brand::{Address, Brand};
use jiff::tz::TimeZone;
use server::inbound::Door;
use server::keys::{Keys, write_new};
use server::published::Network;
use server::records::Records;
use server::upstream::Upstream;
use server::{Base, Front, Gateway, Setup, clock};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Options, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The origin that a demo has unless it is told otherwise.
pub(crate) const ORIGIN: &str = "https://localhost:8443";
/// The zone of the demo laboratory's times when a message names none.
const ZONE: &str = "America/New_York";
/// The assigning authority (CX.4) under which the demo laboratory sends our record numbers.
pub(crate) const AUTHORITY: &str = "SLUICE";

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// One sentence that says what to do.
pub(crate) async fn run(args: &DemoArgs) -> Result<(), String> {
    Cast::may_use(&args.data)?;
    if let Some(path) = &args.ready_file {
        ready::may_be_written(path)?;
    }
    let listeners = bind("localhost", args.port, "--port").await?;
    let port = port_of(&listeners)?;
    let mllp = bind_mllp(args.mllp_port).await?;
    let mllp_port = mllp.local_addr().map_err(|why| why.to_string())?.port();
    // The first file of a folder is the cast, by which a later start knows it for a demo's, however this one ends.
    let cast = Cast::take(&args.data, args.seed, args.population)?;
    let store = Store::open(&args.data, Options::new(clock::now())).await.map_err(|why| why.to_string())?;
    if let Some(path) = &args.ready_file {
        ready::forget(path)?;
    }
    if (cast.population, cast.seed) != (args.population, args.seed) {
        let (folder, people) = (args.data.display(), cast.population);
        out::line(&format!(
            "{folder} keeps the {people} people whom it began with; name another folder with --data for others."
        ))?;
    }
    let keys = Keys::make(&args.data.join("keys")).map_err(|why| why.to_string())?;
    let (ca_path, tls) = certificate(&args.data)?;
    let records = source(args.upstream.as_deref(), &store)?;
    population::seed(&args.data, &store, &records, cast.seed, cast.population).await?;
    let origin = format!("https://localhost:{port}");
    last::note(&args.data, &origin, args.upstream.as_deref())?;
    let door = Door { link: link(&cast), adapter: Arc::new(hl7v2::Hl7v2), listener: mllp, tls: None };
    let brand = Some((brand(), changed(&args.data.join(cast::FILE))));
    let front = Front { brand, registration_open: true, provider: None, sandbox: true };
    let (network, data) = (Network::default(), args.data.clone());
    let base = Base { origin: origin.clone(), data, store, records, keys, network, front };
    let gateway =
        Gateway::new(Setup { base, links: vec![door], demo: cast.shown() }).await.map_err(|why| why.to_string())?;
    cast.register(gateway.authority()).await?;

    let (stop, stopping) = watch::channel(false);
    let drain = gateway.drain();
    let mut serving = tokio::spawn(gateway.serve(listeners, tls, stopping));
    let ready = ready::Ready::new(&origin, &ca_path, mllp_port, &cast);
    let example = tour::example(&args.data, &cast)?;
    if let Some(path) = &args.ready_file {
        ready.write(path)?;
    }
    tour::print(&ready, &args.data, example.as_deref());
    stop::asked(drain, &mut serving).await?;
    tour::stopping();
    if let Some(path) = &args.ready_file {
        ready::forget(path)?;
    }
    // Nobody listening means that everything has stopped already.
    stop.send_replace(true);
    serving.await.map_err(|_| stop::BY_MISTAKE.to_owned())
}

/// A house that does not exist either.
fn brand() -> Brand {
    let text = |text: &str| Some(text.to_owned());
    Brand {
        name: "Sluice Demo Hospital".to_owned(),
        aliases: vec!["Demo Hospital".to_owned()],
        website: "https://demo-hospital.example".to_owned(),
        identifiers: Vec::new(),
        logo: None,
        portal: text("My Demo Hospital"),
        addresses: vec![Address {
            city: text("Springfield"),
            state: text("MA"),
            country: text("US"),
            ..Address::default()
        }],
    }
}

/// Where records come from.
///
/// # Errors
/// One sentence: it is no address of a FHIR server.
pub(crate) fn source(upstream: Option<&str>, store: &Store) -> Result<Records, String> {
    let Some(url) = upstream else { return Ok(Records::Store(store.clone())) };
    let url = url
        .parse()
        .map_err(|why| format!("--upstream is no address ({why}); give one like http://127.0.0.1:8080/fhir"))?;
    Ok(Records::Upstream(Upstream::new(url, None)?, store.clone()))
}

fn link(cast: &Cast) -> Link {
    Link {
        zone: TimeZone::get(ZONE).ok(),
        authorities: vec![Authority {
            namespace_id: Some(AUTHORITY.to_owned()),
            universal_id: None,
            system: cast.mrn_system.clone(),
            patients: true,
        }],
        original_mode: true,
        ack: AckWhen::OnApply,
        ..Link::new("demo-laboratory", cast.namespace)
    }
}

/// The throwaway authority and a certificate for localhost; the authority stays, so that it need be trusted only once.
fn certificate(data: &Path) -> Result<(PathBuf, Arc<certs::rustls::ServerConfig>), String> {
    let (cert, key) = (data.join("ca.pem"), data.join("keys/ca-key.pem"));
    let now = clock::now().seconds();
    let failed = |path: &Path, why: &dyn std::fmt::Display| {
        format!("{}: {why}; name another folder with --data", path.display())
    };
    if !cert.exists() {
        // A start that was cut off may have left a key without its certificate.
        drop(fs::remove_file(&key));
        let ca = Ca::new(now).map_err(|why| why.to_string())?;
        write_new(&key, ca.key_pem.as_bytes()).map_err(|why| failed(&key, &why))?;
        write_new(&cert, ca.cert_pem.as_bytes()).map_err(|why| failed(&cert, &why))?;
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(|why| failed(path, &why));
    let ca = Ca::load(&read(&cert)?, &read(&key)?).map_err(|why| failed(&cert, &why))?;
    let issued = ca.issue(&Leaf::LOCALHOST, now).map_err(|why| failed(&cert, &why))?;
    let tls = server_tls::config(&issued.cert_pem, &issued.key_pem).map_err(|why| why.to_string())?;
    let whole = fs::canonicalize(&cert).map_err(|why| failed(&cert, &why))?;
    Ok((whole, tls))
}

/// Both loopback addresses, on the same port; a machine without IPv6 has one.
async fn bind(name: &str, port: u16, option: &str) -> Result<Vec<TcpListener>, String> {
    let taken = |why: std::io::Error| unusable(&format!("port {port} of {name}"), &why, option);
    let first = TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)?;
    let port = first.local_addr().map_err(taken)?.port();
    let mut all = vec![first];
    match TcpListener::bind(("::1", port)).await {
        Ok(second) => all.push(second),
        Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => return Err(taken(why)),
        Err(why) => tracing::debug!(%why, "no IPv6 loopback"),
    }
    Ok(all)
}

fn port_of(listeners: &[TcpListener]) -> Result<u16, String> {
    let first = listeners.first().ok_or("no port")?;
    first.local_addr().map(|address| address.port()).map_err(|why| why.to_string())
}

async fn bind_mllp(port: u16) -> Result<TcpListener, String> {
    let taken = |why: std::io::Error| unusable(&format!("port {port} for MLLP"), &why, "--mllp-port");
    TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)
}

/// Why a port cannot be had, and what to do.
fn unusable(port: &str, why: &std::io::Error, option: &str) -> String {
    let first = if why.kind() == std::io::ErrorKind::AddrInUse { "stop what uses it, or " } else { "" };
    format!("{port} cannot be used ({why}); {first}choose another with {option} (0 takes a free one)")
}
