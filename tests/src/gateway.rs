//! The built binary as a child process, on a data folder that was prepared by the product's own parts.
//!
//! A [`Plan`] becomes a [`Folder`] (configuration, certificate, keys, records, accounts); a folder is served by a
//! [`Gateway`], as often as one likes. The child is killed when its gateway is dropped.

use crate::http::Peer;
use bytes::Bytes;
use certs::dev_ca::{Ca, Leaf};
use certs::password;
use fhir::{Id, Instant, Resource, ResourceType};
use json::{Document, Limits};
use privacy::{Phi, Role};
use server::context::SERVED;
use server::keys::Keys;
use server::ports::Ports;
use server::published::{KeyFetcher, Network};
use server::records::Records;
use smart::{Account, Authority, Settings};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Moment};
use store::{Options, Put, Store};
use tempfile::TempDir;
use uuid::Uuid;

/// The password of every account in these tests, so that it is hashed once.
pub const PASSWORD: &str = "correct horse battery staple";
/// Where the apps of these tests are answered.
pub const REDIRECT: &str = "http://127.0.0.1:5555/callback";
/// Where an EHR opens those of them that may ask for the scope `launch`.
pub const LAUNCH: &str = "http://127.0.0.1:5555/launch";
/// How long a child may take to be ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// Records of one transaction.
const PUTS: usize = 2_000;

/// Which build of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `sluice`, as it is shipped.
    Shipped,
    /// `sluice-faults`, which can be told to fail.
    Faults,
}

impl Program {
    /// The file, beside the test that runs: `cargo` puts both into the same target folder.
    pub fn path(self) -> PathBuf {
        let (name, build) = match self {
            Program::Shipped => ("sluice", "cargo build --release"),
            Program::Faults => ("sluice-faults", "cargo build --release -p cli --features faults --bin sluice-faults"),
        };
        let own = std::env::current_exe().unwrap();
        let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
        found.unwrap_or_else(|| panic!("{name} is not built; run `{build}` with the same CARGO_TARGET_DIR"))
    }
}

/// Who can sign in, with [`PASSWORD`].
#[derive(Debug, Clone)]
pub struct Person {
    /// What they type.
    pub username: String,
    /// `Patient/…` or `Practitioner/…`.
    pub fhir_user: String,
}

/// Who can sign in, with [`PASSWORD`], as neither a patient nor a clinician.
#[derive(Debug, Clone)]
pub struct Other {
    /// What they type.
    pub username: String,
    /// Their role.
    pub role: Role,
    /// The patients whom a representative acts for, by their ids.
    pub patients: Vec<String>,
}

/// A registered app. It is answered at [`REDIRECT`].
#[derive(Debug, Clone)]
pub struct Registered {
    /// Its id.
    pub client_id: String,
    /// Its secret; a public app has none.
    pub secret: Option<String>,
    /// The most it may be granted.
    pub scopes: String,
}

/// A laboratory's link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The namespace of its ids; chosen by the gateway when left out.
    pub namespace: Option<Uuid>,
    /// CX.4 of its patient numbers, and the `Identifier.system` they mean.
    pub authority: (String, String),
    /// Whether it acknowledges once a result can be searched.
    pub on_apply: bool,
}

/// What a gateway is to hold.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Records for the embedded store, as JSON with `resourceType` and `id`. Behind an upstream there are none.
    pub records: Vec<String>,
    /// When they are said to have been written, unless they name a `meta.lastUpdated`: two worlds have the same times.
    pub written_at: Instant,
    /// The FHIR base of a server behind the gateway.
    pub upstream: Option<String>,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// Who else can.
    pub others: Vec<Other>,
    /// Which apps there are.
    pub apps: Vec<Registered>,
    /// Which laboratories.
    pub links: Vec<Link>,
    /// Further sections of the configuration.
    pub more: String,
    /// Scheme, host and port that the gateway calls itself; by its own port when left out. Two worlds have the same.
    pub origin: Option<String>,
}

impl Plan {
    /// Nothing yet, on the embedded store.
    pub fn new(written_at: Instant) -> Plan {
        Plan {
            records: Vec::new(),
            written_at,
            upstream: None,
            people: Vec::new(),
            others: Vec::new(),
            apps: Vec::new(),
            links: Vec::new(),
            more: String::new(),
            origin: None,
        }
    }
}

/// A prepared folder; it is removed when dropped.
pub struct Folder {
    folder: TempDir,
    address: SocketAddr,
    links: Vec<SocketAddr>,
    peer: Peer,
}

impl Folder {
    /// Writes everything down.
    pub async fn prepare(plan: &Plan) -> Folder {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("links")).unwrap();
        for link in &plan.links {
            if let Some(namespace) = link.namespace {
                fs::write(data.join("links").join(&link.name), namespace.to_string()).unwrap();
            }
        }
        let ports = free_ports(1 + plan.links.len());
        let (address, links) = ports.split_first().unwrap();
        let origin = plan.origin.clone().unwrap_or_else(|| format!("https://localhost:{}", address.port()));
        let now_s = server::clock::now().seconds();
        let ca = Ca::new(now_s).unwrap();
        let issued = ca.issue(&Leaf::LOCALHOST, now_s).unwrap();
        fs::write(folder.path().join("cert.pem"), &issued.cert_pem).unwrap();
        fs::write(folder.path().join("key.pem"), issued.key_pem.as_bytes()).unwrap();
        fill(&data, plan, &origin).await;
        // A sandbox's folder is one from its first start on, when nobody is in it.
        if plan.more.contains("[sandbox]") {
            fs::write(data.join("sandbox"), "").unwrap();
        }
        fs::write(folder.path().join("sluice.toml"), configuration(plan, &origin, *address, links)).unwrap();
        let peer = Peer::new(*address, &origin, &ca.cert_pem);
        Folder { folder, address: *address, links: links.to_vec(), peer }
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("sluice.toml")
    }

    /// Where the gateway will listen.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Where the laboratories connect, in the plan's order.
    pub fn links(&self) -> &[SocketAddr] {
        &self.links
    }

    /// What a command of the program prints; it speaks to the running gateway, so it must not keep this thread.
    ///
    /// # Errors
    /// What it says on standard error.
    pub async fn command(&self, program: Program, words: &[&str], more: &[&str]) -> Result<String, String> {
        let mut command = Command::new(program.path());
        command.args(words).arg("--config").arg(self.config()).args(more).stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if done.status.success() { Ok(said(done.stdout)) } else { Err(said(done.stderr)) }
    }

    /// The address at which an EHR opens an app: what `sluice launch` prints.
    ///
    /// # Errors
    /// What it says instead.
    pub async fn launch(&self, app: &str, more: &[&str]) -> Result<String, String> {
        let opened = self.command(Program::Shipped, &["launch"], &[more, &[app]].concat()).await?;
        Ok(opened.trim().to_owned())
    }

    /// Starts the program and waits until it is ready.
    pub async fn start(&self, program: Program) -> Gateway {
        self.start_with(program, &[]).await
    }

    /// Starts the program with more in its environment.
    pub async fn start_with(&self, program: Program, environment: &[(&str, &str)]) -> Gateway {
        let mut gateway = self.spawn(program, environment);
        gateway.ready().await;
        gateway
    }

    /// Starts the program and waits for nothing.
    pub fn spawn(&self, program: Program, environment: &[(&str, &str)]) -> Gateway {
        self.spawn_under(&[], program, environment)
    }

    /// As [`Folder::spawn`], by a command that runs the program and ends as it does (strace).
    pub fn spawn_under(&self, runner: &[String], program: Program, environment: &[(&str, &str)]) -> Gateway {
        let mut words = runner.iter().map(PathBuf::from).chain([program.path()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg("serve").arg("-c").arg(self.config()).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut said) = (Arc::clone(&log), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut some = [0; 8192];
            while let Ok(count @ 1..) = said.read(&mut some) {
                kept.lock().unwrap().extend_from_slice(&some[..count]);
            }
        });
        let is_run_by_another = !runner.is_empty();
        let (peer, address, links) = (self.peer.clone(), self.address, self.links.clone());
        Gateway { child, is_run_by_another, peer, address, links, log }
    }
}

/// A running child.
pub struct Gateway {
    child: Child,
    is_run_by_another: bool,
    peer: Peer,
    address: SocketAddr,
    links: Vec<SocketAddr>,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Gateway {
    /// Where it listens.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Where the laboratories connect.
    pub fn links(&self) -> &[SocketAddr] {
        &self.links
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has logged so far.
    pub fn log(&self) -> Vec<u8> {
        self.log.lock().unwrap().clone()
    }

    /// Whether it logs this, now or in a moment: what it has said may still be on its way here.
    pub async fn says(&self, text: &str) -> bool {
        for _ in 0..250 {
            if String::from_utf8_lossy(&self.log()).contains(text) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Waits until it says that it can serve.
    pub async fn ready(&mut self) {
        if let Some(ended) = self.ready_or_ended().await {
            let said = String::from_utf8_lossy(&self.log()).into_owned();
            panic!("the gateway ended with {ended}: {said}");
        }
    }

    /// Waits until it says that it can serve, or has ended.
    pub async fn ready_or_ended(&mut self) -> Option<ExitStatus> {
        let begun = Moment::now();
        loop {
            if let Some(ended) = self.ended() {
                return Some(ended);
            }
            if let Ok(mut connection) = self.peer.connect().await
                && connection.send("GET", "/readyz", &[], None).await.is_ok_and(|answer| answer.status == 200)
            {
                return None;
            }
            let said = || String::from_utf8_lossy(&self.log()).into_owned();
            assert!(begun.elapsed() < READY_MAX, "the gateway at {} is not ready: {}", self.address, said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// SIGKILL, without warning.
    pub fn kill(self) {
        drop(self);
    }

    /// SIGKILL; how it ended can be asked afterwards.
    pub fn kill_now(&mut self) {
        self.child.kill().unwrap();
    }

    /// The program itself, where another one runs it.
    fn run_by_it(&self) -> Option<u32> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> ExitStatus {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success(), "the gateway could not be told to stop");
        self.child.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // A tracer that is killed would leave its program behind.
        if self.is_run_by_another
            && let Some(program) = self.run_by_it()
        {
            drop(Command::new("kill").arg("-KILL").arg(program.to_string()).status());
            drop(self.child.wait());
        }
        // It may have ended by itself; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn fill(data: &Path, plan: &Plan, origin: &str) {
    let keys = Keys::make(&data.join("keys")).unwrap();
    let store = Store::open(data, Options::new(plan.written_at)).await.unwrap();
    // Each at the time that it names itself, as few transactions as that allows.
    let puts: Vec<(Put, Instant)> = plan.records.iter().map(|text| put(text, plan.written_at)).collect();
    let mut puts = puts.into_iter().peekable();
    while let Some((put, at)) = puts.next() {
        let mut some = vec![put];
        while some.len() < PUTS
            && let Some((put, _)) = puts.next_if(|(_, its)| *its == at)
        {
            some.push(put);
        }
        store.put(some, at).await.unwrap();
    }
    let settings = Settings::new(origin, &SERVED);
    let records = Arc::new(Records::Store(store.clone()));
    let published = KeyFetcher::new(Network::default());
    let ports = Ports::new(store.clone(), keys.ring, records, published);
    let authority = Authority::open(settings, ports).await.unwrap();
    let hash = password::hash(PASSWORD).unwrap();
    for person in &plan.people {
        authority.put_account(&account(person, &hash)).await.unwrap();
    }
    for other in &plan.others {
        let account = Account {
            role: other.role,
            patients: other.patients.iter().map(|patient| Id::parse(patient).unwrap()).collect(),
            ..account_of(&other.username, None, &hash)
        };
        authority.put_account(&account).await.unwrap();
    }
    drop(authority);
    store.close().await;
    // A child that another test starts just now has a copy of every open file until it runs its own program: once the
    // lock can be taken, none has this one's.
    fs::File::open(data.join("LOCK")).unwrap().lock().unwrap();
}

fn put(text: &str, at: Instant) -> (Put, Instant) {
    let document = Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::DEFAULT).unwrap();
    let resource = Resource::of(document.root()).unwrap();
    let (kind, id) = (resource.kind(), resource.id().unwrap());
    let at = resource.last_updated().unwrap_or(at);
    (Put::new(kind, id, Phi::new(document.bytes().clone())), at)
}

fn account(person: &Person, hash: &str) -> Account {
    let (kind, id) = person.fhir_user.split_once('/').unwrap();
    account_of(&person.username, Some((kind.parse().unwrap(), Id::parse(id).unwrap())), hash)
}

/// A clinician, unless the person is a patient.
fn account_of(username: &str, fhir_user: Option<(ResourceType, Id)>, hash: &str) -> Account {
    let is_patient = fhir_user.as_ref().is_some_and(|(kind, _)| *kind == ResourceType::Patient);
    Account {
        // Two worlds must know the same person by the same id.
        id: Uuid::new_v5(&Uuid::NAMESPACE_URL, username.as_bytes()).to_string(),
        username: username.to_owned(),
        password: hash.to_owned(),
        password_set_s: 0,
        role: if is_patient { Role::Patient } else { Role::Clinician },
        fhir_user,
        patients: Vec::new(),
        provider: None,
        locale: None,
        enabled: true,
    }
}

fn configuration(plan: &Plan, origin: &str, address: SocketAddr, links: &[SocketAddr]) -> String {
    let mut text = format!(
        "[server]\norigin = \"{origin}\"\nlisten = \"{address}\"\ncert_file = \"cert.pem\"\nkey_file = \"key.pem\"\n\
         [store]\ndata = \"data\"\n"
    );
    if let Some(url) = &plan.upstream {
        writeln!(text, "[upstream]\nurl = \"{url}\"").unwrap();
    }
    for (link, at) in plan.links.iter().zip(links) {
        let (namespace, system) = &link.authority;
        let ack = if link.on_apply { "on-apply" } else { "journalled" };
        writeln!(
            text,
            "[[link]]\nname = \"{}\"\nlisten = \"{at}\"\nzone = \"America/New_York\"\noriginal_mode = true\nack = \"{ack}\"\n\
             authorities = [{{ namespace_id = \"{namespace}\", system = \"{system}\", patients = true }}]",
            link.name
        )
        .unwrap();
    }
    for app in &plan.apps {
        writeln!(
            text,
            "[[client]]\nclient_id = \"{0}\"\nname = \"{0}\"\nredirect_uris = [\"{REDIRECT}\"]\nscopes = \"{1}\"\n\
             purposes = [\"PATRQT\", \"TREAT\"]",
            app.client_id, app.scopes
        )
        .unwrap();
        if app.scopes.split(' ').any(|scope| scope == "launch") {
            writeln!(text, "launch_uri = \"{LAUNCH}\"").unwrap();
        }
        if let Some(secret) = &app.secret {
            let digest: String =
                certs::digest::sha256(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "secret_sha256 = \"{digest}\"").unwrap();
        }
    }
    text + &plan.more
}

/// Ports that nothing listens at; all are held until all are known, so that they differ.
fn free_ports(count: usize) -> Vec<SocketAddr> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap()).collect()
}
