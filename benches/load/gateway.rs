//! The gateway as it is shipped, put together through `server`'s own parts: in front of the server behind, with a ledger on
//! the disk, and a token for each patient and purpose.
//!
//! It speaks TLS as it always does, or plainly on loopback, which no command of the product can make it do.

use crate::people;
use crate::tokens;
use certs::sign::SigningKey;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Role, Scopes};
use server::context::Demo;
use server::keys::{Keys, Use};
use server::published::Network;
use server::records::Records;
use server::upstream::Upstream;
use server::{Base, Front, Gateway, Setup, clock};
use smart::Grant;
use smart::claims::AccessClaims;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use store::{Namespace, Options, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a token of a bench may read.
pub(crate) const SCOPES: &str = "patient/Patient.rs patient/Encounter.rs patient/Observation.rs";
/// How long its tokens hold.
const LIFE_S: i64 = 3600;
/// The purposes that are measured: a patient's own request is given every element, a payer's is cut.
pub(crate) const PURPOSES: [Purpose; 2] = [Purpose::PatientRequest, Purpose::Payment];

/// How it is spoken to.
#[derive(Clone, Copy)]
pub(crate) enum Speaks {
    Plain,
    Tls,
}

impl Speaks {
    /// As a word of the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Speaks::Plain => "plain",
            Speaks::Tls => "tls",
        }
    }

    /// The one that a word means.
    pub(crate) fn read(word: &str) -> Result<Speaks, String> {
        let known = [Speaks::Plain, Speaks::Tls].into_iter().find(|known| known.word() == word);
        known.ok_or_else(|| format!("{word} is neither plain nor tls"))
    }
}

/// Serves until it is ended; `cert.pem` and `key.pem` lie in the folder above its own.
pub(crate) fn run(speaks: Speaks, port: u16, behind: u16, people: usize, folder: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(serve(speaks, port, behind, people, folder))
}

async fn serve(speaks: Speaks, port: u16, behind: u16, people: usize, folder: &Path) -> Result<(), String> {
    let fail = |why: &dyn std::fmt::Display| why.to_string();
    let data = folder.join("data");
    let store = Store::open(&data, Options::new(clock::now())).await.map_err(|why| fail(&why))?;
    let keys = Keys::make(&folder.join("keys")).map_err(|why| fail(&why))?;
    let origin = format!("https://localhost:{port}");
    let ring = keys.ring.now();
    write_tokens(&store, ring.signing(Use::Access)?, &format!("{origin}/fhir"), people, folder).await?;
    tokens::register(&store, folder).await?;
    let base = format!("http://127.0.0.1:{behind}/fhir").parse().map_err(|_| "no address".to_owned())?;
    let records = Records::Upstream(Upstream::new(base, None)?, store.clone());
    let base = Base { origin, data, store, records, keys, network: Network::default(), front: Front::default() };
    let setup = Setup { base, links: Vec::new(), demo: Demo::default() };
    let gateway = Gateway::new(setup).await.map_err(|why| fail(&why))?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|why| fail(&why))?;
    let (_stop, stopping) = watch::channel(false);
    match speaks {
        Speaks::Plain => {
            gateway.serve_plainly_to_loopback(listener, stopping).map_err(|why| fail(&why))?.await;
            Ok(())
        }
        Speaks::Tls => {
            let read = |name: &str| fs::read_to_string(folder.with_file_name(name)).map_err(|why| fail(&why));
            let tls = certs::server_tls::config(&read("cert.pem")?, &read("key.pem")?).map_err(|why| fail(&why))?;
            gateway.serve(vec![listener], tls, stopping).await;
            Ok(())
        }
    }
}

/// A grant and a token for so many people and every purpose; the tokens go into the folder.
async fn write_tokens(store: &Store, key: &SigningKey, base: &str, people: usize, folder: &Path) -> Result<(), String> {
    let now_s = clock::now().seconds();
    let mut grants = JoinSet::new();
    let mut tokens = String::new();
    for purpose in PURPOSES {
        for nth in 0..people {
            let grant = grant(purpose, &people::id(nth), now_s)?;
            let claims = claims(&grant, base, now_s);
            let token = key.sign_jwt("at+jwt", &claims).map_err(|why| why.to_string())?;
            tokens.push_str(&format!("{} {} {token}\n", purpose.code(), people::id(nth)));
            let json = serde_json::to_string(&grant).map_err(|why| why.to_string())?;
            let store = store.clone();
            grants.spawn(async move { store.documents().put(Namespace::Grant, &grant.id, json).await });
        }
    }
    while let Some(done) = grants.join_next().await {
        done.map_err(|why| why.to_string())?.map_err(|why| why.to_string())?;
    }
    fs::write(folder.join("tokens"), tokens).map_err(|why| why.to_string())
}

/// A patient's grant to the bench, for a purpose.
pub(crate) fn grant(purpose: Purpose, patient: &str, now_s: i64) -> Result<Grant, String> {
    let patient = Id::parse(patient).map_err(|why| why.to_string())?;
    let (role, fhir_user) = match purpose {
        Purpose::PatientRequest => (Role::Patient, (ResourceType::Patient, patient.clone())),
        Purpose::Treatment | Purpose::Payment => {
            (Role::Clinician, (ResourceType::Practitioner, Id::parse("d1").map_err(|why| why.to_string())?))
        }
    };
    Ok(Grant {
        id: certs::random::token(),
        client: "bench".to_owned(),
        account: certs::random::uuid_v4(),
        username: patient.to_string(),
        role,
        fhir_user: Some(fhir_user),
        patient: Some(patient),
        launch: None,
        scopes: Scopes::parse(SCOPES),
        purpose,
        session: None,
        created_s: now_s,
        used_s: now_s,
        expires_s: now_s + LIFE_S,
        generation: 0,
        secret: certs::random::token(),
        revoked_s: None,
    })
}

fn claims(grant: &Grant, base: &str, now_s: i64) -> AccessClaims {
    AccessClaims {
        iss: base.to_owned(),
        sub: grant.account.clone(),
        aud: base.to_owned(),
        client_id: grant.client.clone(),
        jti: certs::random::uuid_v4(),
        iat: now_s,
        exp: now_s + LIFE_S,
        scope: SCOPES.to_owned(),
        grant: grant.id.clone(),
        patient: grant.patient.as_ref().map(ToString::to_string),
        fhir_user: grant.fhir_user.as_ref().map(|(kind, id)| format!("{base}/{}/{id}", kind.as_str())),
        purpose: grant.purpose.code().to_owned(),
    }
}

/// The tokens that a gateway wrote, by purpose, in the order of the patients.
pub(crate) fn tokens(folder: &Path) -> Result<BTreeMap<&'static str, Vec<String>>, String> {
    let text = fs::read_to_string(folder.join("tokens")).map_err(|why| why.to_string())?;
    let mut all: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let purpose = words.next().and_then(|code| PURPOSES.into_iter().find(|purpose| purpose.code() == code));
        if let (Some(purpose), Some(token)) = (purpose, words.nth(1)) {
            all.entry(purpose.code()).or_default().push(token.to_owned());
        }
    }
    Ok(all)
}
