//! `sluice serve` and `sluice check-config`: the gateway by its configuration.

use crate::config::{self, Config, ConfiguredLink, LinkTls};
use crate::{out, sandbox, stop};
use bridge::Link;
use certs::rustls::ServerConfig;
use certs::{Zeroizing, client_tls, server_tls};
use fhir::Instant;
use hl7v2::Hl7v2;
use server::clock;
use server::context::Demo;
use server::inbound::Door;
use server::keys::{Keys, write_new};
use server::published::{LoginProvider, Network};
use server::records::Records;
use server::upstream::Upstream;
use server::{Base, Front, Gateway, Setup, TRY_CLIENT};
use smart::Client;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use store::{Options, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

/// Says all that is wrong with a configuration's keys and values, then the first fault of the files it names.
///
/// # Errors
/// That.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let config = config::load(path)?;
    tls(&config)?;
    network(&config)?;
    provider(&config)?;
    config.links.iter().try_for_each(|configured| link_tls(configured).map(|_| ()))?;
    Keys::read(&config.data.join("keys")).map_err(|why| why.to_string())?;
    let (links, clients) = (config.links.len(), config.clients.len());
    let (links, clients) = (out::count(links, "link"), out::count(clients, "client"));
    out::line(&format!("{} holds: {} with {links} and {clients}.", path.display(), config.origin))
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// One sentence.
pub(crate) async fn run(path: &Path) -> Result<(), String> {
    let config = config::load(path)?;
    let tls = tls(&config)?;
    let store = Store::open(&config.data, Options::new(clock::now())).await.map_err(|why| why.to_string())?;
    sandbox::agrees(&config, &store).await?;
    let keys = Keys::read(&config.data.join("keys")).map_err(|why| why.to_string())?;
    let listener = bind(config.listen).await?;
    let mut doors = Vec::new();
    for (configured, link) in config.links.iter().zip(links(&config)?) {
        let (tls, listener) = (link_tls(configured)?, bind(configured.address).await?);
        doors.push(Door { link, adapter: Arc::new(Hl7v2), listener, tls });
    }
    let records = records(&config, &store)?;
    let network = network(&config)?;
    let brand = config.brand.clone().map(|brand| (brand, changed(path)));
    let (registration_open, provider) = (config.registration_open, provider(&config)?);
    let front = Front { brand, registration_open, provider, sandbox: config.sandbox.is_some() };
    let shown = Demo { users: config.sandbox.clone().unwrap_or_default(), clients: Vec::new() };
    let base = Base { origin: config.origin.clone(), data: config.data.clone(), store, records, keys, network, front };
    let gateway = Gateway::new(Setup { base, links: doors, demo: shown }).await.map_err(|why| why.to_string())?;
    sandbox::people(&config, gateway.authority()).await?;
    register(&gateway, &config.clients).await?;
    let (stop, stopping) = watch::channel(false);
    let drain = gateway.drain();
    let mut serving = tokio::spawn(gateway.serve(vec![listener], tls, stopping));
    let links =
        config.links.iter().map(|configured| format!(", link {} at {}", configured.link.name, configured.address));
    out::line(&format!("Sluice serves {} at {}{}.", config.origin, config.listen, links.collect::<String>()))?;
    stop::asked(drain, &mut serving).await?;
    tracing::info!("the gateway finishes what is under way, and stops");
    stop.send_replace(true);
    serving.await.map_err(|_| stop::BY_MISTAKE.to_owned())
}

/// Registers the apps of the configuration, and switches off those that no longer stand there; apps that registered themselves
/// stay as they are.
async fn register(gateway: &Gateway, configured: &[Client]) -> Result<(), String> {
    let authority = gateway.authority();
    let known = authority.clients().await.map_err(|why| format!("the apps could not be read ({why})"))?;
    // The app of the page that walks a launch is ours, and stands in no configuration.
    let stands = |client: &Client| {
        client.client_id == TRY_CLIENT || configured.iter().any(|other| other.client_id == client.client_id)
    };
    let gone = known.into_iter().filter(|client| client.by_itself.is_none() && !stands(client));
    let gone: Vec<Client> = gone.map(|client| Client { enabled: false, ..client }).collect();
    for client in configured.iter().chain(&gone) {
        let failed = |why| format!("the app {} could not be registered ({why})", client.client_id);
        authority.put_client(client).await.map_err(failed)?;
        let ended = authority.confine(client, clock::now().seconds()).await.map_err(failed)?;
        if ended > 0 {
            let client = client.client_id.as_str();
            tracing::info!(client, ended, "grants that the registration no longer allows were ended");
        }
    }
    Ok(())
}

/// When a file was last changed; as if just now where that is not told.
pub(crate) fn changed(path: &Path) -> Instant {
    let at = fs::metadata(path).and_then(|file| file.modified()).ok();
    let since = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
    seconds.map_or_else(clock::now, Instant::from_seconds)
}

/// The links, each with its namespace.
///
/// # Errors
/// One sentence: a namespace cannot be read.
pub(crate) fn links(config: &Config) -> Result<Vec<Link>, String> {
    config.links.iter().map(|configured| named(&configured.link, &config.data)).collect()
}

/// Where records come from.
///
/// # Errors
/// One sentence: the server behind cannot be asked as it is configured.
pub(crate) fn records(config: &Config, store: &Store) -> Result<Records, String> {
    let Some(upstream) = &config.upstream else { return Ok(Records::Store(store.clone())) };
    let url = upstream
        .url
        .parse()
        .map_err(|why| format!("upstream.url is no address ({why}); write the FHIR base of the server behind"))?;
    let ca = upstream.ca_file.as_ref().map(|path| read(path)).transpose()?;
    Ok(Records::Upstream(Upstream::new(url, ca.as_deref())?, store.clone()))
}

/// Whom the gateway may call for keys that clients publish.
///
/// # Errors
/// One sentence: the authorities to trust cannot be read.
pub(crate) fn network(config: &Config) -> Result<Network, String> {
    let Some(path) = &config.network.ca_file else {
        return Ok(Network { allow: config.network.allow.clone(), extra_roots_pem: None });
    };
    let pem = read(path)?;
    client_tls::config(Some(&pem), None)
        .map_err(|why| format!("{}: {why}; give the PEM of the authorities to trust", path.display()))?;
    Ok(Network { allow: config.network.allow.clone(), extra_roots_pem: Some(pem) })
}

/// Bytes of a secret; the usual ones have some forty.
const SECRET_BYTES_MAX: usize = 1024;

/// The house's own OpenID provider, with the secret that goes with it.
///
/// # Errors
/// One sentence: the secret cannot be read, or is none.
pub(crate) fn provider(config: &Config) -> Result<Option<LoginProvider>, String> {
    let Some(own) = &config.provider else { return Ok(None) };
    let text = Zeroizing::new(read(&own.secret_file)?);
    let secret = Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned());
    let sound = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if secret.is_empty() || secret.len() > SECRET_BYTES_MAX || !secret.bytes().all(sound) {
        return Err(format!(
            "{}: this is no client secret; write the one that the login provider gave, alone in one line of at most \
             {SECRET_BYTES_MAX} visible ASCII characters",
            own.secret_file.display()
        ));
    }
    Ok(Some(LoginProvider { settings: own.settings.clone(), client_secret: secret }))
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

/// How a link is spoken with in secret, if it is.
fn link_tls(configured: &ConfiguredLink) -> Result<Option<Arc<ServerConfig>>, String> {
    let Some(LinkTls { cert_file, key_file, client_ca_file }) = &configured.tls else { return Ok(None) };
    let (cert, key, authority) = (read(cert_file)?, read(key_file)?, read(client_ca_file)?);
    server_tls::config_for_partners(&cert, &key, &authority).map(Some).map_err(|why| {
        format!(
            "the link {}: {}, {} and {}: {why}; give a PEM chain, leaf first, its own key, and the authority of its senders",
            configured.link.name,
            cert_file.display(),
            key_file.display(),
            client_ca_file.display()
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
