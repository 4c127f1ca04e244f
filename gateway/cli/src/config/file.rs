//! The configuration as it is written: names and shapes, with the place of every value.

use serde::Deserialize;
use std::path::PathBuf;
use toml::Spanned;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) server: Server,
    pub(super) store: Store,
    pub(super) upstream: Option<Upstream>,
    pub(super) network: Option<Network>,
    pub(super) brand: Option<Brand>,
    pub(super) registration: Option<Registration>,
    pub(super) login: Option<Login>,
    pub(super) sandbox: Option<Sandbox>,
    #[serde(default)]
    pub(super) link: Vec<Link>,
    #[serde(default)]
    pub(super) client: Vec<Client>,
}

/// `[server]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    /// Scheme, host and port under which clients know this gateway.
    pub(super) origin: Spanned<String>,
    /// The address and port to listen at.
    pub(super) listen: Spanned<String>,
    /// The certificate chain, leaf first, PEM.
    pub(super) cert_file: Spanned<PathBuf>,
    /// Its key, PEM.
    pub(super) key_file: Spanned<PathBuf>,
}

/// `[store]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    /// The folder with records, keys, journal and ledger.
    pub(super) data: PathBuf,
}

/// `[upstream]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    /// The FHIR base of the server behind us.
    pub(super) url: Spanned<String>,
    /// The authority to trust for it alone, PEM.
    pub(super) ca_file: Option<Spanned<PathBuf>>,
}

/// `[network]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// Addresses, and ranges of them, that are called although they are not public.
    #[serde(default)]
    pub(super) allow: Vec<Spanned<String>>,
    /// The authorities to trust beside the system's, PEM.
    pub(super) ca_file: Option<Spanned<PathBuf>>,
}

/// `[registration]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    /// Whether apps of patients may register themselves.
    pub(super) open: bool,
}

/// `[login]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The house's own OpenID provider.
    pub(super) provider: Provider,
}

/// `[login.provider]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    /// Its issuer, letter for letter as it names itself.
    pub(super) issuer: Spanned<String>,
    /// What it knows this gateway as.
    pub(super) client_id: Spanned<String>,
    /// The file with the secret that goes with it.
    pub(super) client_secret_file: Spanned<PathBuf>,
    /// What people call it, on the button of the sign-in page.
    pub(super) label: Spanned<String>,
    /// Whether people sign in there alone, and not with a password of this gateway.
    #[serde(default)]
    pub(super) instead: bool,
}

/// `[sandbox]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sandbox {
    /// Whether nobody in it exists, so that developers may try what they like.
    pub(super) enabled: Spanned<bool>,
    /// People who do not exist either; their passwords stand on the sign-in page.
    #[serde(default)]
    pub(super) users: Vec<TestUser>,
}

/// One of a sandbox's `users`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestUser {
    /// What to type.
    pub(super) username: Spanned<String>,
    /// What to type then.
    pub(super) password: String,
    /// `Patient/...` or `Practitioner/...`.
    pub(super) fhir_user: Spanned<String>,
}

/// `[brand]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Brand {
    /// The name that people know.
    pub(super) name: Spanned<String>,
    /// Its main web page.
    pub(super) website: Spanned<String>,
    /// Other names that people look for.
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    /// Identifiers beside that of its web address.
    #[serde(default)]
    pub(super) identifiers: Vec<Spanned<Identifier>>,
    /// Where its logo is.
    pub(super) logo: Option<Spanned<String>>,
    /// The name of the pages where people look after their account.
    pub(super) portal: Option<String>,
    /// Where it can be found.
    #[serde(default)]
    pub(super) addresses: Vec<Address>,
}

/// One of a brand's `identifiers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identifier {
    /// Its namespace.
    pub(super) system: String,
    /// Its value.
    pub(super) value: String,
}

/// One of a brand's `addresses`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    /// Street and number.
    #[serde(default)]
    pub(super) line: Vec<String>,
    /// The city.
    pub(super) city: Option<String>,
    /// The state.
    pub(super) state: Option<String>,
    /// The postal code.
    pub(super) postal_code: Option<String>,
    /// The country, as a code of two letters.
    pub(super) country: Option<String>,
}

/// `[[link]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// Its name in the journal and in logs.
    pub(super) name: Spanned<String>,
    /// The address and port to listen at.
    pub(super) listen: Spanned<String>,
    /// The zone of times without an offset, such as `America/New_York`.
    pub(super) zone: Option<Spanned<String>>,
    /// Whose identifiers are understood.
    #[serde(default)]
    pub(super) authorities: Vec<Spanned<Authority>>,
    /// `P`, `T`, `D` or `all`; `P` when it is left out.
    pub(super) processing: Option<Spanned<String>>,
    /// `journalled` (when it is left out) or `on-apply`.
    pub(super) ack: Option<Spanned<String>>,
    /// Answers in original mode, whatever MSH-15 and MSH-16 ask for.
    #[serde(default)]
    pub(super) original_mode: bool,
    /// The charset of messages that name none, by HL7 table 0211.
    pub(super) charset: Option<String>,
    /// How it is encrypted, and whom it lets in.
    pub(super) tls: Option<LinkTls>,
    /// Without TLS messages are not encrypted: whoever sets this says that the network between is trusted.
    #[serde(default)]
    pub(super) trusted_network: bool,
}

/// `tls` of a `[[link]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkTls {
    /// The certificate chain, leaf first, PEM.
    pub(super) cert_file: Spanned<PathBuf>,
    /// Its key, PEM.
    pub(super) key_file: Spanned<PathBuf>,
    /// The authority whose certificates this link's senders show, PEM.
    pub(super) client_ca_file: Spanned<PathBuf>,
}

/// One of `authorities`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    /// HD.1.
    pub(super) namespace_id: Option<String>,
    /// HD.2.
    pub(super) universal_id: Option<String>,
    /// The `Identifier.system` of its values.
    pub(super) system: String,
    /// Whether its values identify patients.
    #[serde(default)]
    pub(super) patients: bool,
}

/// `[[client]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    /// Its public name in the protocol.
    pub(super) client_id: Spanned<String>,
    /// Its name for people.
    pub(super) name: String,
    /// Where codes may be sent; a backend service has none.
    #[serde(default)]
    pub(super) redirect_uris: Vec<Spanned<String>>,
    /// Where an EHR opens it.
    pub(super) launch_uri: Option<Spanned<String>>,
    /// The most it may be granted, separated by spaces.
    pub(super) scopes: Spanned<String>,
    /// For which purposes it may ask.
    pub(super) purposes: Vec<Spanned<String>>,
    /// SHA-256 of its secret, in hexadecimal; a public client has none.
    pub(super) secret_sha256: Option<Spanned<String>>,
    /// Its public keys: the name of a file with a JSON Web Key Set, or the set itself.
    pub(super) jwks: Option<Spanned<toml::Value>>,
    /// Where it publishes its public keys.
    pub(super) jwks_uri: Option<Spanned<String>>,
    /// Its owner as people know them.
    pub(super) owner: Option<String>,
    /// Its terms of use.
    pub(super) terms_uri: Option<String>,
    /// Whether it may ask what any access token stands for.
    #[serde(default)]
    pub(super) resource_server: bool,
    /// Whether it may be used at all.
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

fn yes() -> bool {
    true
}
