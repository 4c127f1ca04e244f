//! `sluice serve` and `sluice check-config`: the gateway by its configuration.

use crate::config::{self, Config};
use crate::out;
use bridge::Link;
use certs::rustls::ServerConfig;
use certs::server_tls;
use hl7v2::Hl7v2;
use server::clock;
use server::inbound::Inbox;
use server::keys::{Keys, write_new};
use server::records::Records;
use server::upstream::Upstream;
use server::{Gateway, Setup};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use store::{Options, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use uuid::Uuid;

/// Says all that is wrong with a configuration and the files it names.
///
/// # Errors
/// All of it.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let config = config::load(path)?;
    tls(&config)?;
    let (links, clients) = (config.links.len(), config.clients.len());
    out::line(&format!("{} holds: {} with {links} links and {clients} clients.", path.display(), config.origin))
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// One sentence.
pub(crate) async fn run(path: &Path) -> Result<(), String> {
    let config = config::load(path)?;
    let tls = tls(&config)?;
    let store = Store::open(&config.data, Options::new(clock::now())).await.map_err(|why| why.to_string())?;
    let keys = Keys::read(&config.data.join("keys")).map_err(|why| why.to_string())?;
    let listener = bind(config.listen).await?;
    let mut links: Vec<(Link, Arc<dyn bridge::Adapter>, TcpListener)> = Vec::new();
    for (link, address) in &config.links {
        links.push((named(link, &config.data)?, Arc::new(Hl7v2), bind(*address).await?));
    }
    let records = records(&config, &store)?;
    let setup = Setup { origin: config.origin.clone(), store, records, keys, links };
    let gateway = Gateway::new(setup).await.map_err(|why| why.to_string())?;
    for client in &config.clients {
        gateway
            .authority()
            .put_client(client)
            .await
            .map_err(|why| format!("the app {} could not be registered ({why})", client.client_id))?;
    }
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(gateway.serve(vec![listener], tls, stopping));
    tracing::info!(origin = config.origin, "the gateway serves");
    asked_to_stop().await?;
    stop.send_replace(true);
    serving.await.map_err(|why| format!("the gateway stopped by a mistake of ours: {why}"))
}

/// The inbox of a link, for a command that is not the gateway.
///
/// # Errors
/// One sentence: the configuration has no such link.
pub(crate) fn inbox(config: &Config, store: &Store, name: &str) -> Result<Inbox, String> {
    let found = config.links.iter().find(|(link, _)| link.name == name);
    let (link, _) = found.ok_or_else(|| {
        format!("the message came over the link {name}, which the configuration does not have; add it again")
    })?;
    let records = Arc::new(records(config, store)?);
    Ok(Inbox::new(named(link, &config.data)?, Arc::new(Hl7v2), store.clone(), records))
}

fn records(config: &Config, store: &Store) -> Result<Records, String> {
    let Some(upstream) = &config.upstream else { return Ok(Records::Store(store.clone())) };
    let url = upstream
        .url
        .parse()
        .map_err(|why| format!("upstream.url is no address ({why}); write the FHIR base of the server behind"))?;
    let ca = upstream.ca_file.as_ref().map(|path| read(path)).transpose()?;
    Ok(Records::Upstream(Upstream::new(url, ca.as_deref())?))
}

/// The link with its own namespace, made once and kept in the data folder: its ids stay the same, and nobody foretells them.
fn named(link: &Link, data: &Path) -> Result<Link, String> {
    let folder = data.join("links");
    let path = folder.join(&link.name);
    let failed = |why: &dyn std::fmt::Display| {
        format!("{}: {why}; restore the data folder from a backup, or give this user access to it", path.display())
    };
    if !path.exists() {
        fs::create_dir_all(&folder).map_err(|why| failed(&why))?;
        let namespace = Uuid::from_bytes(certs::random::bytes());
        write_new(&path, namespace.to_string().as_bytes()).map_err(|why| failed(&why))?;
    }
    let text = fs::read_to_string(&path).map_err(|why| failed(&why))?;
    let namespace = Uuid::parse_str(text.trim()).map_err(|why| failed(&why))?;
    Ok(Link { namespace, ..link.clone() })
}

fn tls(config: &Config) -> Result<Arc<ServerConfig>, String> {
    let (cert, key) = (read(&config.cert_file)?, read(&config.key_file)?);
    server_tls::config(&cert, &key).map_err(|why| {
        format!(
            "{} and {}: {why}; give a PEM chain, leaf first, and its own key",
            config.cert_file.display(),
            config.key_file.display()
        )
    })
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path)
        .map_err(|why| format!("{} cannot be read ({why}); give this user access to it", path.display()))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    #[cfg(feature = "faults")]
    crate::faults::loopback_only(address)?;
    TcpListener::bind(address)
        .await
        .map_err(|why| format!("{address} cannot be listened at ({why}); stop what uses it, or change `listen`"))
}

async fn asked_to_stop() -> Result<(), String> {
    let failed = |why| format!("signals cannot be received ({why}); try again");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
