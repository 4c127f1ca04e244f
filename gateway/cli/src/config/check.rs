//! From what is written to what is meant. Every key and value that is wrong is found at once, not one a run.

use super::fault::Fault;
use super::file::{self, File};
use bridge::{AckWhen, Authority, Link, Processing};
use conformance::brand::Brand;
use jiff::tz::TimeZone;
use privacy::{Purpose, Scope, Scopes};
use server::context::DemoUser;
use server::published::network::Range as Addresses;
use smart::Client;
use smart::settings::ProviderSettings;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use uuid::Uuid;

/// A configuration that holds.
#[derive(Debug)]
pub(crate) struct Config {
    /// Scheme, host and port, without a slash at the end.
    pub(crate) origin: String,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// The certificate chain.
    pub(crate) cert_file: PathBuf,
    /// Its key.
    pub(crate) key_file: PathBuf,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// The server behind us.
    pub(crate) upstream: Option<Upstream>,
    /// Whom the gateway may call for keys that clients publish.
    pub(crate) network: Network,
    /// Under which name people know the house behind the gateway.
    pub(crate) brand: Option<Brand>,
    /// Whether apps may register themselves.
    pub(crate) registration_open: bool,
    /// The house's own OpenID provider.
    pub(crate) provider: Option<Provider>,
    /// Whether it is a sandbox, and who can sign in there.
    pub(crate) sandbox: Option<Vec<DemoUser>>,
    /// Partners.
    pub(crate) links: Vec<ConfiguredLink>,
    /// Registered apps.
    pub(crate) clients: Vec<Client>,
}

/// A partner's link as it is configured.
#[derive(Debug)]
pub(crate) struct ConfiguredLink {
    /// The link; its namespace is still nil.
    pub(crate) link: Link,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How it is encrypted.
    pub(crate) tls: Option<LinkTls>,
}

/// The files of a link's TLS.
#[derive(Debug)]
pub(crate) struct LinkTls {
    /// The certificate chain.
    pub(crate) cert_file: PathBuf,
    /// Its key.
    pub(crate) key_file: PathBuf,
    /// The authority of its senders.
    pub(crate) client_ca_file: PathBuf,
}

/// The house's own OpenID provider.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Who it is, and what it knows us as.
    pub(crate) settings: ProviderSettings,
    /// Where the secret is that goes with it.
    pub(crate) secret_file: PathBuf,
}

/// Whom the gateway may call beside the public internet.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// Addresses, and ranges of them.
    pub(crate) allow: Vec<Addresses>,
    /// The authorities to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The server behind us.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Its FHIR base.
    pub(crate) url: String,
    /// The authority to trust for it.
    pub(crate) ca_file: Option<PathBuf>,
}

/// What was found so far.
pub(super) struct Checking<'a> {
    folder: &'a Path,
    faults: Vec<Fault>,
    names: BTreeSet<String>,
    ports: BTreeSet<SocketAddr>,
}

/// Checks everything.
pub(super) fn check(file: &File, folder: &Path) -> Result<Config, Vec<Fault>> {
    let mut checking = Checking { folder, faults: Vec::new(), names: BTreeSet::new(), ports: BTreeSet::new() };
    let config = checking.config(file);
    match config {
        Some(config) if checking.faults.is_empty() => Ok(config),
        Some(_) | None => Err(checking.faults),
    }
}

impl Checking<'_> {
    pub(super) fn fault<T>(&mut self, at: &Spanned<T>, title: impl Into<String>, hint: impl Into<String>) {
        self.fault_at(at.span(), title, hint);
    }

    pub(super) fn fault_at(&mut self, span: Range<usize>, title: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault { span, title: title.into(), hint: hint.into() });
    }

    fn config(&mut self, file: &File) -> Option<Config> {
        let server = &file.server;
        let origin = self.origin(&server.origin);
        let listen = self.address(&server.listen);
        let (cert_file, key_file) = (self.file(&server.cert_file), self.file(&server.key_file));
        let upstream = file.upstream.as_ref().map(|upstream| self.upstream(upstream));
        let network = file.network.as_ref().map(|network| self.network(network)).unwrap_or_default();
        let brand = file.brand.as_ref().map(|brand| self.brand(brand));
        let provider = file.login.as_ref().map(|login| self.provider(&login.provider));
        let links: Vec<_> = file.link.iter().filter_map(|link| self.link(link)).collect();
        let clients: Vec<_> = file.client.iter().filter_map(|client| self.client(client)).collect();
        let sandbox = self.sandbox(file);
        let data = self.folder.join(&file.store.data);
        let (origin, listen) = (origin?, listen?);
        let registration_open = file.registration.as_ref().is_some_and(|registration| registration.open);
        Some(Config {
            origin,
            listen,
            cert_file,
            key_file,
            data,
            upstream,
            network,
            brand,
            registration_open,
            provider,
            sandbox,
            links,
            clients,
        })
    }

    fn origin(&mut self, origin: &Spanned<String>) -> Option<String> {
        let text = origin.get_ref();
        let host = text.strip_prefix("https://").unwrap_or("");
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(letter) {
            self.fault(
                origin,
                "this is no origin",
                "write scheme, host in lower case and port alone: \"https://records.example.org\"",
            );
            return None;
        }
        Some(text.clone())
    }

    fn address(&mut self, listen: &Spanned<String>) -> Option<SocketAddr> {
        let Ok(address) = listen.get_ref().parse::<SocketAddr>() else {
            self.fault(listen, "this is no address to listen at", "write an IP address and a port: \"127.0.0.1:8443\"");
            return None;
        };
        if address.port() != 0 && !self.ports.insert(address) {
            self.fault(listen, "something else listens at this address", "give each its own port");
        }
        Some(address)
    }

    pub(super) fn file(&mut self, name: &Spanned<PathBuf>) -> PathBuf {
        let path = self.folder.join(name.get_ref());
        if !path.is_file() {
            self.fault(
                name,
                "there is no such file",
                format!("file names start from the configuration's folder; looked for {}", path.display()),
            );
        }
        path
    }

    fn upstream(&mut self, upstream: &file::Upstream) -> Upstream {
        let url = upstream.url.get_ref();
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|host| {
            url.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with('/'))
        });
        if !loopback && url.strip_prefix("https://").is_none_or(str::is_empty) {
            let hint = "write the FHIR base with https; http is for a server on this machine alone";
            self.fault(&upstream.url, "records would travel unprotected, or this is no address", hint);
        }
        Upstream {
            url: url.trim_end_matches('/').to_owned(),
            ca_file: upstream.ca_file.as_ref().map(|name| self.file(name)),
        }
    }

    fn network(&mut self, network: &file::Network) -> Network {
        let mut allow = Vec::new();
        for range in &network.allow {
            match range.get_ref().parse() {
                Ok(known) => allow.push(known),
                Err(_) => {
                    self.fault(
                        range,
                        "this is no address",
                        "write an IP address or a range: \"10.1.2.3\", \"10.1.0.0/16\"",
                    );
                }
            }
        }
        Network { allow, ca_file: network.ca_file.as_ref().map(|name| self.file(name)) }
    }

    fn link(&mut self, link: &file::Link) -> Option<ConfiguredLink> {
        let name = link.name.get_ref();
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(sound) {
            self.fault(&link.name, "this is no name for a link", "use 1 to 64 small letters, digits and hyphens");
        }
        if !self.names.insert(format!("link {name}")) {
            self.fault(&link.name, "two links have this name", "give each its own; the journal knows them by it");
        }
        let address = self.address(&link.listen);
        let tls = link.tls.as_ref().map(|tls| LinkTls {
            cert_file: self.file(&tls.cert_file),
            key_file: self.file(&tls.key_file),
            client_ca_file: self.file(&tls.client_ca_file),
        });
        if address.is_some_and(|address| !address.ip().is_loopback()) && tls.is_none() && !link.trusted_network {
            let hint = "plain MLLP is not encrypted: add `tls`, listen at 127.0.0.1 behind a tunnel, or say `trusted_network = true`";
            self.fault(&link.listen, "messages would come over a network that nobody vouched for", hint);
        }
        let zone = link.zone.as_ref().and_then(|zone| {
            let found = TimeZone::get(zone.get_ref()).ok();
            if found.is_none() {
                self.fault(zone, "there is no such time zone", "use a name of the IANA database: \"America/New_York\"");
            }
            found
        });
        let processing = match &link.processing {
            None => Processing::Only('P'),
            Some(id) => id.get_ref().parse().unwrap_or_else(|_| {
                self.fault(
                    id,
                    "this is no processing id",
                    "use \"P\" (production), \"T\" (training), \"D\" (debugging) or \"all\"",
                );
                Processing::All
            }),
        };
        let ack = match link.ack.as_ref().map(|ack| (ack, ack.get_ref().as_str())) {
            None | Some((_, "journalled")) => AckWhen::Journalled,
            Some((_, "on-apply")) => AckWhen::OnApply,
            Some((ack, _)) => {
                self.fault(
                    ack,
                    "it is not known when to acknowledge",
                    "use \"journalled\" (the message is safe) or \"on-apply\" (it can be searched)",
                );
                AckWhen::Journalled
            }
        };
        let authorities = link.authorities.iter().map(|authority| self.authority(authority)).collect();
        let base = Link::new(name, Uuid::nil());
        let (original_mode, charset) = (link.original_mode, link.charset.clone());
        let link = Link { zone, authorities, processing, original_mode, ack, charset, ..base };
        Some(ConfiguredLink { link, address: address?, tls })
    }

    fn authority(&mut self, authority: &Spanned<file::Authority>) -> Authority {
        let own = authority.get_ref();
        if own.namespace_id.is_none() && own.universal_id.is_none() {
            self.fault(
                authority,
                "no message can name this authority",
                "add `namespace_id` (HD.1) or `universal_id` (HD.2)",
            );
        }
        Authority {
            namespace_id: own.namespace_id.clone(),
            universal_id: own.universal_id.clone(),
            system: own.system.clone(),
            patients: own.patients,
        }
    }

    fn client(&mut self, client: &file::Client) -> Option<Client> {
        let id = client.client_id.get_ref();
        if id.is_empty() || id.len() > 128 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fault(
                &client.client_id,
                "this is no client id",
                "use 1 to 128 visible ASCII characters without spaces",
            );
        }
        if !self.names.insert(format!("client {id}")) {
            self.fault(&client.client_id, "two clients have this id", "give each its own");
        }
        for uri in &client.redirect_uris {
            if !is_redirect(uri.get_ref()) {
                let hint =
                    "use https, http on a loopback address, or the app's own scheme with a dot; no `#` and no spaces";
                self.fault(uri, "codes cannot be sent there", hint);
            }
        }
        if let Some(uri) = &client.launch_uri
            && !is_launch(uri.get_ref())
        {
            let hint = "use https, or http on a loopback address; no `#` and no spaces";
            self.fault(uri, "an app cannot be opened there", hint);
        }
        if let Some(word) = client.scopes.get_ref().split_whitespace().find(|word| word.parse::<Scope>().is_err()) {
            let title = format!("`{word}` is no scope that is understood here");
            self.fault(
                &client.scopes,
                title,
                "use scopes such as \"openid fhirUser launch/patient patient/Observation.rs\"",
            );
        }
        let purposes: Vec<Purpose> = client.purposes.iter().filter_map(|code| self.purpose(code)).collect();
        let proof = self.proof(client);
        let known = Client {
            client_id: id.clone(),
            name: client.name.clone(),
            proof,
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.get_ref().clone()).collect(),
            launch_uri: client.launch_uri.as_ref().map(|uri| uri.get_ref().clone()),
            scopes: Scopes::parse(&client.scopes.get_ref().split_whitespace().collect::<Vec<_>>().join(" ")),
            purposes,
            owner: client.owner.clone(),
            terms_uri: client.terms_uri.clone(),
            resource_server: client.resource_server,
            by_itself: None,
            enabled: client.enabled,
        };
        let asks_for_launch = known.scopes.has(Scope::Launch);
        if let Some(uri) = client.launch_uri.as_ref().filter(|_| !asks_for_launch) {
            self.fault(uri, "an EHR opens this app, which may not take the launch up", "add `launch` to its scopes");
        }
        self.use_of(client, &known);
        Some(known)
    }

    fn purpose(&mut self, code: &Spanned<String>) -> Option<Purpose> {
        let found = code.get_ref().parse().ok();
        if found.is_none() {
            self.fault(code, "this is no purpose of use", "use \"PATRQT\" (the patient asks), \"TREAT\" or \"HPAYMT\"");
        }
        found
    }
}

/// Whether a browser may be sent there with a launch.
fn is_launch(uri: &str) -> bool {
    is_redirect(uri) && ["https://", "http://"].iter().any(|scheme| uri.starts_with(scheme))
}

/// Whether a code may be sent there at all (RFC 9700, section 2.1; RFC 8252, section 7).
fn is_redirect(uri: &str) -> bool {
    if uri.len() > 2000 || !uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return false;
    }
    let after = |rest: &str| rest.is_empty() || rest.starts_with(':') || rest.starts_with('/');
    let loopback = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
    match uri.split_once(':') {
        Some(("https", rest)) => rest.strip_prefix("//").is_some_and(|host| !host.is_empty() && !host.starts_with('/')),
        Some(("http", _)) => loopback.iter().any(|host| uri.strip_prefix(host).is_some_and(after)),
        // An app's own scheme is a domain turned round, so it has a dot; `javascript:` and `data:` have none.
        Some((scheme, rest)) => scheme.contains('.') && !rest.is_empty(),
        None => false,
    }
}
