//! Who signs in to the demo and with which apps: chosen once, kept in the data folder, so that a second start finds them.

use certs::client_key::ClientKey;
use certs::{password, random};
use conformance::population::{Person, clinicians, person};
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role, Scopes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use server::context::{Demo, DemoClient, DemoUser};
use server::keys::write_new;
use server::ports::Ports;
use smart::age::{Age, age};
use smart::second::TakenOff;
use smart::{Account, Authority, Client, ClientKind, Keys};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use uuid::Uuid;

/// Where it is kept in the data folder.
pub(super) const FILE: &str = "demo.json";
/// Patients of the population who can sign in.
const PATIENTS: usize = 5;
/// What the demo apps may ask for.
const SCOPES: &str = "openid fhirUser profile offline_access online_access launch launch/patient patient/*.rs patient/*.read user/*.rs user/*.read";
/// Where the demo apps are opened from an EHR.
const LAUNCH: &str = "http://127.0.0.1:3000/launch";
/// What the demo's backend service may ask for.
const SERVICE_SCOPES: &str = "system/*.rs system/*.read";
/// Where the demo apps may be answered; the port of a loopback address may differ.
const REDIRECTS: [&str; 4] = [
    "http://localhost:3000/callback",
    "http://127.0.0.1:3000/callback",
    "http://localhost:8000/fhir-app/",
    "http://127.0.0.1:8000/fhir-app/",
];

/// Everyone and everything that can sign in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Cast {
    pub(crate) seed: u64,
    pub(crate) population: u32,
    /// The namespace of the laboratory's ids: random, so that no id can be foretold.
    pub(crate) namespace: Uuid,
    pub(crate) mrn_system: String,
    pub(crate) users: Vec<User>,
    pub(crate) clients: Vec<App>,
}

/// A person who can sign in.
#[derive(Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) name: String,
    /// `Patient/…`, `Practitioner/…` or `RelatedPerson/…`.
    pub(crate) fhir_user: String,
    /// The patient's id, for a patient.
    pub(crate) patient: Option<String>,
    /// The patients whom a representative acts for, by their ids.
    #[serde(default)]
    pub(crate) acts_for: Vec<String>,
    /// Their family name, birth date and sex as a laboratory's message must have them, for a patient.
    #[serde(default)]
    pub(crate) born: Option<Born>,
    /// PID-3 of a laboratory's message about them, for a patient.
    pub(crate) pid_3: Option<String>,
}

/// What a laboratory's message must say of a patient beside PID-3: PID-5, PID-7 and PID-8.
#[derive(Serialize, Deserialize)]
pub(crate) struct Born {
    pub(crate) name: String,
    pub(crate) date: String,
    pub(crate) sex: String,
}

/// A registered app.
#[derive(Serialize, Deserialize)]
pub(crate) struct App {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    /// The whole key of a backend service, private half included; the gateway is told the public half alone.
    #[serde(default)]
    pub(crate) jwk: Option<Value>,
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    /// Where an EHR opens it; a backend service has no such place.
    #[serde(default)]
    pub(crate) launch_uri: Option<String>,
}

impl Cast {
    /// The cast of this data folder, chosen now if it has none. A folder keeps the population it began with.
    pub(crate) fn take(data: &Path, seed: u64, population: u32) -> Result<Cast, String> {
        if let Some(cast) = Cast::read(data)? {
            return Ok(cast);
        }
        let path = data.join(FILE);
        let failed = |why: io::Error| format!("{}: {why}; name another folder with --data", path.display());
        let cast = Cast::choose(seed, population)?;
        let json = serde_json::to_vec_pretty(&cast).map_err(|why| why.to_string())?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
        write_new(&path, &json).map_err(failed)?;
        Ok(cast)
    }

    /// The cast of this data folder, if it is a demo's.
    pub(crate) fn read(data: &Path) -> Result<Option<Cast>, String> {
        let path = data.join(FILE);
        let failed = |why: &dyn std::fmt::Display| {
            format!("{} cannot be read ({why}); move the folder away or name another with --data", path.display())
        };
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|why| failed(&why)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed(&why)),
        }
    }

    /// Whether a demo may use this folder: one that is not there, is empty, or is a demo's.
    ///
    /// # Errors
    /// One sentence: it holds something else, a real gateway's records perhaps.
    pub(crate) fn may_use(data: &Path) -> Result<(), String> {
        // A start that was cut off may have left the beginning of its first file.
        let begun = Path::new(FILE).with_added_extension("new");
        let is_empty = |entries: fs::ReadDir| entries.flatten().all(|entry| Path::new(&entry.file_name()) == begun);
        // What keeps it from being read keeps it from being opened, which says so.
        let free = fs::read_dir(data).map_or(true, is_empty);
        if free || Cast::read(data)?.is_some() {
            return Ok(());
        }
        Err(format!(
            "{} holds something that is no demo's; a demo writes invented people, so name an empty folder with --data",
            data.display()
        ))
    }

    fn choose(seed: u64, population: u32) -> Result<Cast, String> {
        let now_s = server::clock::now().seconds();
        let is_child = |person: &Person| age(Some(&person.birth_date), now_s) != Age::Over;
        // The first who may have an account of their own, and among those before them a child, for whom somebody acts.
        let (mut people, mut child) = (Vec::new(), None);
        for person in (0..population).map(|index| person(seed, index)) {
            match (is_child(&person), people.len() < PATIENTS) {
                (_, false) => break,
                (false, true) => people.push(person),
                (true, true) => child = child.or(Some(person)),
            }
        }
        let represented = child.as_ref().or(people.last()).map(representative);
        let mrn_system = people.first().map_or_else(String::new, |person| person.mrn_system.to_owned());
        let mut users: Vec<User> = people
            .into_iter()
            .map(|person| User {
                id: random::uuid_v4(),
                username: person.username,
                password: easy_password(),
                name: format!("{} {}", person.given, person.family),
                fhir_user: format!("Patient/{}", person.patient),
                patient: Some(person.patient),
                acts_for: Vec::new(),
                born: Some(Born {
                    name: format!("{}^{}", person.family, person.given),
                    date: person.birth_date.replace('-', ""),
                    sex: person.sex.chars().take(1).collect::<String>().to_uppercase(),
                }),
                pid_3: Some(format!("{}^^^{}^MR", person.mrn, super::AUTHORITY)),
            })
            .collect();
        users.extend(clinicians(seed).into_iter().map(|clinician| User {
            id: random::uuid_v4(),
            username: clinician.username,
            password: easy_password(),
            name: clinician.name,
            fhir_user: format!("Practitioner/{}", clinician.practitioner),
            patient: None,
            acts_for: Vec::new(),
            born: None,
            pid_3: None,
        }));
        users.extend(represented);
        let app = |client_id: &str, name: &str, client_secret| App {
            client_id: client_id.to_owned(),
            client_secret,
            jwk: None,
            name: name.to_owned(),
            redirect_uris: REDIRECTS.map(str::to_owned).to_vec(),
            launch_uri: Some(LAUNCH.to_owned()),
        };
        let clients = vec![
            app("demo-public", "Demo phone app", None),
            app("demo-confidential", "Demo server app", Some(random::token())),
            App {
                client_id: "demo-service".to_owned(),
                client_secret: None,
                jwk: Some(service_key()?),
                name: "Demo backend service".to_owned(),
                redirect_uris: Vec::new(),
                launch_uri: None,
            },
        ];
        Ok(Cast { seed, population, namespace: Uuid::from_bytes(random::bytes()), mrn_system, users, clients })
    }

    /// What the first page says of it.
    pub(crate) fn shown(&self) -> Demo {
        let user = |user: &User| DemoUser {
            username: user.username.clone(),
            password: user.password.clone(),
            fhir_user: user.fhir_user.clone(),
        };
        let client = |app: &App| DemoClient {
            client_id: app.client_id.clone(),
            client_secret: app.client_secret.clone(),
            redirect_uris: app.redirect_uris.clone(),
        };
        // A backend service has nobody who would sign in.
        let apps = self.clients.iter().filter(|app| app.jwk.is_none());
        Demo { users: self.users.iter().map(user).collect(), clients: apps.map(client).collect() }
    }

    /// Registers everyone and everything.
    pub(crate) async fn register(&self, authority: &Authority<Ports>) -> Result<(), String> {
        for user in &self.users {
            let known = authority.account(&user.username).await.map_err(|why| why.to_string())?;
            if known.is_none() {
                authority.put_account(&account(user)?).await.map_err(|why| why.to_string())?;
            }
        }
        for app in &self.clients {
            let proof = match (&app.client_secret, &app.jwk) {
                (None, None) => ClientKind::Public,
                (Some(secret), _) => {
                    ClientKind::ConfidentialSymmetric { secret_sha256: hex(&certs::digest::sha256(secret.as_bytes())) }
                }
                (None, Some(jwk)) => ClientKind::ConfidentialAsymmetric { keys: Keys::Set(public(jwk)) },
            };
            let (scopes, purposes) = match &app.jwk {
                None => (SCOPES, vec![Purpose::PatientRequest, Purpose::Treatment]),
                Some(_) => (SERVICE_SCOPES, vec![Purpose::Treatment]),
            };
            let client = Client {
                client_id: app.client_id.clone(),
                name: app.name.clone(),
                proof,
                redirect_uris: app.redirect_uris.clone(),
                launch_uri: app.launch_uri.clone(),
                scopes: Scopes::parse(scopes),
                purposes,
                owner: Some("Sluice demo".to_owned()),
                terms_uri: None,
                resource_server: false,
                by_itself: None,
                enabled: true,
            };
            authority.put_client(&client).await.map_err(|why| why.to_string())?;
        }
        Ok(())
    }
}

/// Lets someone of a sandbox sign in, with this password and as this person, whatever the name meant before.
///
/// # Errors
/// One sentence.
pub(crate) async fn test_user(authority: &Authority<Ports>, shown: &DemoUser) -> Result<(), String> {
    let user = User {
        id: random::uuid_v4(),
        username: shown.username.clone(),
        password: shown.password.clone(),
        name: shown.username.clone(),
        fhir_user: shown.fhir_user.clone(),
        acts_for: Vec::new(),
        patient: None,
        born: None,
        pid_3: None,
    };
    let known = authority.account(&user.username).await.map_err(|why| why.to_string())?;
    let mut account = account(&user)?;
    if let Some(known) = known {
        account.id = known.id;
    }
    authority.put_account(&account).await.map_err(|why| why.to_string())?;
    // Whoever put one on shut all others out.
    let (at_s, by) = (server::clock::now().seconds(), "sluice".to_owned());
    let taken = TakenOff { at_s, by, reason: "a sandbox starts without one".to_owned() };
    authority.take_off_second_factor(&account, taken).await.map(|_| ()).map_err(|why| why.to_string())
}

fn account(user: &User) -> Result<Account, String> {
    let (kind, id) = user.fhir_user.split_once('/').ok_or("a user without a resource")?;
    let kind: ResourceType = kind.parse().map_err(|_| "a user of no known type")?;
    let role = match (kind == ResourceType::Patient, kind == ResourceType::RelatedPerson) {
        (true, _) => Role::Patient,
        (_, true) => Role::Representative,
        (false, false) => Role::Clinician,
    };
    let known = |text: &String| Id::parse(text).map_err(|why| why.to_string());
    Ok(Account {
        id: user.id.clone(),
        username: user.username.clone(),
        password: password::hash(&user.password).map_err(|why| why.to_string())?,
        password_set_s: 0,
        role,
        fhir_user: Some((kind, Id::parse(id).map_err(|why| why.to_string())?)),
        patients: user.acts_for.iter().map(known).collect::<Result<_, _>>()?,
        provider: None,
        locale: None,
        enabled: true,
    })
}

/// Who acts for a child, or for any other patient: the one of their kin who stands in their record.
fn representative(person: &Person) -> User {
    User {
        id: random::uuid_v4(),
        username: format!("for.{}", person.username),
        password: easy_password(),
        name: format!("Representative of {} {}", person.given, person.family),
        fhir_user: format!("RelatedPerson/{}-kin-1", person.patient),
        patient: None,
        acts_for: vec![person.patient.clone()],
        born: None,
        pid_3: None,
    }
}

/// Sixty random bits in letters that are easily typed.
fn easy_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters: Vec<char> = random::bytes::<12>()
        .into_iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied().map(char::from))
        .collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// A new key for the backend service.
fn service_key() -> Result<Value, String> {
    let key = ClientKey::generate().and_then(|key| key.private_jwk()).map_err(|why| why.to_string())?;
    serde_json::from_str(&key).map_err(|why| why.to_string())
}

/// The set with the public half of a key.
fn public(jwk: &Value) -> String {
    let mut public = jwk.clone();
    if let Some(members) = public.as_object_mut() {
        members.remove("d");
    }
    json!({ "keys": [public] }).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
