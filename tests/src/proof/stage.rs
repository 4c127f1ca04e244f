//! A source on its stage: two gateways whose worlds differ in what the compared may not see, the cast with its tokens, and
//! what stands in the records.

use super::cast::{Fate, Part, Sight, View, accounts, apps, others, parts, service};
use crate::app::{Browser, revoke};
use crate::gateway::{Folder, Gateway, Link, Plan, Program};
use crate::http::Connection;
use crate::laboratory::{About, Laboratory, result, verdict};
use crate::oracle::answer::is_allowed;
use crate::oracle::care::in_care_of;
use crate::oracle::scope::Scopes;
use crate::oracle::{Asker, Word};
use crate::upstream::Upstream;
use crate::world::{AUTHORITY, Person, Side, World, canary, time};
use fhir::Instant;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant as Moment};
use uuid::Uuid;

/// The namespace of the laboratory's ids: fixed, so that both sources make the same.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e75_0000_0000_4000_8000_0000_0000_0001);
/// How both worlds call themselves.
pub const ORIGIN: &str = "https://localhost:8443";
/// Who has results sent by a laboratory, by place in the world: strangers, since times of arrival differ.
const SENT_FOR: [u16; 2] = [9, 11];

/// Who becomes known to the server behind only after a result for them has come.
const LATE: u16 = 15;

/// A service asks for its next token after this time; they live for five minutes.
const RENEWED_AFTER: Duration = Duration::from_secs(120);

/// Where records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The gateway's own store.
    Embedded,
    /// An honest FHIR server behind it.
    Behind,
}

/// A gateway of one of the two worlds.
pub struct Served {
    /// The running child.
    pub gateway: Gateway,
    /// The server behind it.
    pub upstream: Option<Upstream>,
    folder: Folder,
}

/// Someone with a token for each world.
pub struct Actor {
    /// Who it is.
    pub part: Part,
    /// What they may see under `patient/` scopes, or a service under `system/`; and behind it, where they have any, under
    /// `user/` scopes.
    views: Vec<View>,
    /// The `Authorization` for each world; the second only where answers are compared.
    pub bearers: [Option<String>; 2],
    /// Of a backend service, which lives on short tokens: the one it has now, and since when.
    renewed: Mutex<Option<(Moment, String)>>,
}

/// Everything, ready to be asked.
pub struct Stage {
    /// Where records come from.
    pub source: Source,
    /// What it was grown from.
    pub seed: u64,
    /// The two worlds.
    pub served: [Served; 2],
    /// The cast.
    pub actors: Vec<Actor>,
    /// The current version of every record of the first world.
    pub current: Vec<Value>,
    /// Every version.
    pub all: Vec<Value>,
    /// What is wrong already: a laboratory's result in another's record.
    pub misfiled: Vec<String>,
}

impl Actor {
    /// At which level a request is answered: under `user/` scopes where those allow it, and at no two levels at once.
    pub fn view(&self, path: &str) -> &View {
        self.views.iter().skip(1).find(|view| is_allowed(&view.asker.scopes, path)).unwrap_or(&self.views[0])
    }

    /// Whether they may see the record at this place at some level.
    pub fn sees(&self, at: usize) -> bool {
        self.views.iter().any(|view| view.sight.words[at] != Word::Hidden)
    }

    /// Somebody whom they may ask about.
    pub fn someone(&self) -> Option<String> {
        self.views.iter().find_map(|view| view.asker.patients.first().cloned())
    }
}

impl Stage {
    /// Sets it up: worlds, children, laboratory's results, sign-ins. `born` are records that a laboratory's messages made,
    /// as a server behind was given them; the embedded store makes the same.
    pub async fn set(
        source: Source,
        seed: u64,
        program: Program,
        environment: &[(&str, &str)],
        born: &[Value],
    ) -> Stage {
        let worlds = [World::grow(seed, Side::One), World::grow(seed, Side::Two)];
        let parts = parts(&worlds[0]);
        let (one, two) = tokio::join!(
            serve(source, &worlds[0], &parts, program, environment),
            serve(source, &worlds[1], &parts, program, environment)
        );
        let served = [one, two];
        let (one, two) = tokio::join!(sign_in(&served[0], &parts, false), sign_in(&served[1], &parts, true));
        let mut all = worlds[0].rows.clone();
        match &served[0].upstream {
            Some(upstream) => all.extend(born_in(upstream)),
            // What came for the late one is told to the server behind alone.
            None => {
                let late = Some(("Patient".to_owned(), worlds[0].people[usize::from(LATE)].id.clone()));
                all.extend(born.iter().filter(|row| crate::oracle::reference(&row["subject"]) != late).cloned());
            }
        }
        let misfiled = misfiled(&worlds[0], &all);
        let mut current: BTreeMap<(String, String), Value> = BTreeMap::new();
        for row in &all {
            current.insert(crate::oracle::name(row), row.clone());
        }
        let current: Vec<Value> = current.into_values().collect();
        let rows: Vec<&Value> = current.iter().collect();
        let mut actors = Vec::new();
        for ((part, one), two) in parts.into_iter().zip(one).zip(two) {
            let holds = part.fate == Fate::Alive;
            let (patient, scopes) =
                one.as_ref().map_or((None, String::new()), |(_, patient, scope)| (patient.clone(), scope.clone()));
            let asker = if part.is_service {
                let pays = part.purpose == "HPAYMT";
                Asker { everyone: true, scopes: Scopes::of_a_service(&scopes), pays, ..Asker::default() }
            } else if holds {
                let (own, scopes) = (Some(part.fhir_user.clone()), Scopes::read(&scopes));
                Asker { patients: patient.clone().into_iter().collect(), own, scopes, ..Asker::default() }
            } else {
                Asker::default()
            };
            let mut askers = vec![asker];
            let of_a_user = Scopes::of_a_user(&scopes);
            if holds && !of_a_user.is_empty() {
                let (kind, id) = &part.fhir_user;
                let own = BTreeSet::from([id.clone()]);
                // A representative has the patient's own rights (45 CFR 164.502(g)), for the one whom the app was opened for.
                let patients = match (kind.as_str(), part.acts_for.is_empty()) {
                    ("Patient", true) => own,
                    (_, true) => in_care_of(id, &rows),
                    (_, false) => patient.into_iter().collect(),
                };
                let own = Some(part.fhir_user.clone());
                askers.push(Asker { patients, own, scopes: of_a_user, ..Asker::default() });
            }
            let view = |asker: Asker| View { sight: Sight::of(&asker, &rows, &all), asker };
            let views = askers.into_iter().map(view).collect();
            let bearers = [one.map(|(bearer, ..)| bearer), two.map(|(bearer, ..)| bearer)];
            actors.push(Actor { part, views, bearers, renewed: Mutex::default() });
        }
        Stage { source, seed, served, actors, current, all, misfiled }
    }

    /// The `Authorization` of an actor in one of the worlds, now.
    pub async fn bearer(&self, actor: usize, side: usize, connection: &mut Connection) -> Option<String> {
        let Actor { part, bearers, renewed, .. } = &self.actors[actor];
        let Some(first) = &bearers[side] else { return None };
        if !part.is_service {
            return Some(first.clone());
        }
        let known = renewed.lock().unwrap().clone();
        if let Some((_, bearer)) = known.filter(|(since, _)| since.elapsed() < RENEWED_AFTER) {
            return Some(bearer);
        }
        let grant = service().token_for(connection, ORIGIN, &part.scope, part.purpose).await;
        let bearer = grant.ok()?.bearer();
        *renewed.lock().unwrap() = Some((Moment::now(), bearer.clone()));
        Some(bearer)
    }

    /// A connection to one of the worlds.
    pub async fn connect(&self, side: usize) -> Connection {
        self.served[side].gateway.peer().connect().await.unwrap()
    }

    /// What laboratories' messages made, to tell the embedded stage.
    pub fn born(&self) -> Vec<Value> {
        self.served[0].upstream.as_ref().map_or_else(Vec::new, born_in)
    }
}

fn born_in(upstream: &Upstream) -> Vec<Value> {
    let rows = upstream.all().into_iter().filter_map(|row| serde_json::from_slice::<Value>(&row).ok());
    rows.filter(|row: &Value| row["id"].as_str().is_some_and(|id| !id.starts_with("cnry"))).collect()
}

/// Results that stand in a record other than that of the person they were sent for, told by their canaries.
fn misfiled(world: &World, all: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in all.iter().filter(|row| !row["id"].as_str().unwrap_or("").starts_with("cnry")) {
        let subject = crate::oracle::reference(&row["subject"]).map(|(_, id)| id);
        let person = world.people.iter().find(|person| subject.as_ref() == Some(&person.id));
        let mut content = row.clone();
        content.as_object_mut().map(|members| members.remove("subject"));
        super::scan::canaries(content.to_string().as_bytes(), &mut |canary| {
            let owner = canary.ok().map(|number| (number >> 112) as u16);
            if owner != person.map(|person| person.number) {
                wrong.push(format!("a {} of {owner:x?} is filed under {subject:?}", crate::oracle::kind(row)));
            }
        });
    }
    wrong
}

async fn serve(
    source: Source,
    world: &World,
    parts: &[Part],
    program: Program,
    environment: &[(&str, &str)],
) -> Served {
    let at = |row: &Value| Instant::parse(time(row)).unwrap();
    let late = &world.people[usize::from(LATE)];
    let upstream = match source {
        Source::Embedded => None,
        Source::Behind => {
            let upstream = Upstream::start().await;
            let there = world.rows.iter().filter(|row| row["id"] != late.id);
            there.for_each(|row| upstream.put(&row.to_string(), at(row)));
            Some(upstream)
        }
    };
    let records = if upstream.is_some() { Vec::new() } else { world.rows.iter().map(Value::to_string).collect() };
    let plan = Plan {
        records,
        upstream: upstream.as_ref().map(Upstream::base),
        people: accounts(parts),
        others: others(world, parts),
        apps: apps(),
        links: vec![Link {
            name: "lab".to_owned(),
            namespace: Some(NAMESPACE),
            authority: (AUTHORITY.0.to_owned(), AUTHORITY.1.to_owned()),
            on_apply: true,
        }],
        origin: Some(ORIGIN.to_owned()),
        more: service().section("system/*.rs system/*.read", "TREAT\", \"HPAYMT"),
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    };
    let folder = Folder::prepare(&plan).await;
    let gateway = folder.start_with(program, environment).await;
    let mut laboratory = Laboratory::connect(gateway.links()[0]).await.unwrap();
    // Nobody has this number: it waits, and must go to nobody else.
    let nobody = About {
        number: ("unknown".to_owned(), AUTHORITY.0.to_owned()),
        name: ("Nobody".to_owned(), "Ann".to_owned()),
        birth_date: "19700101".to_owned(),
        sex: 'F',
    };
    let waits = laboratory.send(&result("N1", &nobody, &canary(world.seed, 0x7777, 1))).await.unwrap();
    assert_eq!(verdict(&waits), Some("AA"), "{waits}");
    if let Some(upstream) = &upstream {
        // One more waits for a patient who is made known only now, and is sent through the live path again.
        let value = canary(world.seed, LATE, 0xe00);
        let waits = laboratory.send(&result("L1", &about(late), &value)).await.unwrap();
        assert_eq!(verdict(&waits), Some("AA"), "{waits}");
        let patient = world.rows.iter().filter(|row| row["id"] == late.id);
        patient.for_each(|row| upstream.put(&row.to_string(), at(row)));
        folder.command(program, &["journal", "replay"], &["2"]).await.unwrap();
        let filed = born_in(upstream).iter().any(|row| row.to_string().contains(&value));
        assert!(filed, "a result whose patient became known was not filed");
    }
    for number in SENT_FOR {
        let person = &world.people[usize::from(number)];
        for n in 0..3 {
            // The other world has other results, and more.
            let (first, salt) = if world.side == Side::One { (0, 0) } else { (1, 3) };
            let control = format!("R{number}x{}", n + first);
            let value = canary(world.seed ^ salt, number, 0xe00 + n);
            let ack = laboratory.send(&result(&control, &about(person), &value)).await.unwrap();
            assert_eq!(verdict(&ack), Some("AA"), "{ack}");
        }
    }
    Served { gateway, upstream, folder }
}

fn about(person: &Person) -> About {
    About {
        number: (person.mrn.clone(), AUTHORITY.0.to_owned()),
        name: person.name.clone(),
        birth_date: person.birth_date.replace('-', ""),
        sex: if person.number.is_multiple_of(2) { 'F' } else { 'M' },
    }
}

type Signed = Option<(String, Option<String>, String)>;

/// Signs everybody in, each person once, and has their apps authorized.
async fn sign_in(served: &Served, parts: &[Part], compared: bool) -> Vec<Signed> {
    let peer = served.gateway.peer();
    let apps = apps();
    let mut browsers: BTreeMap<&str, Browser> = BTreeMap::new();
    let mut signed = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if part.fate == Fate::Absent || (compared && !part.is_compared()) {
            signed.push(None);
            continue;
        }
        if part.is_service {
            let mut connection = peer.connect().await.unwrap();
            let grant = service().token_for(&mut connection, ORIGIN, &part.scope, part.purpose).await;
            let grant = grant.unwrap_or_else(|why| panic!("no token for the service: {}", why.text()));
            signed.push(Some((grant.bearer(), grant.patient, grant.scope)));
            continue;
        }
        // Sign-ins are limited by address, so each person has their own.
        let from = SocketAddr::from(([127, 0, 1, 1 + browsers.len() as u8], 0));
        if !browsers.contains_key(part.username.as_str()) {
            browsers.insert(&part.username, Browser::open_from(peer, from).await);
        }
        let browser = browsers.get_mut(part.username.as_str()).unwrap();
        let app = &apps[at % apps.len()];
        let patient = &part.patient_id;
        let grant = if part.by_ehr {
            let opened = served.folder.launch(&app.client_id, &["--user", &part.username, "--patient", patient]).await;
            browser.launch_from_ehr(app, &part.username, &part.scope, &opened.unwrap()).await
        } else {
            browser.launch(app, &part.username, &part.scope, Some(patient)).await
        };
        let mut bearer = grant.bearer();
        match part.fate {
            Fate::Revoked => {
                let token = grant.refresh_token.as_ref().unwrap_or(&grant.access_token);
                let mut connection = peer.connect().await.unwrap();
                assert_eq!(revoke(&mut connection, app, token).await.status, 200);
            }
            Fate::Broken => {
                let last = bearer.pop().unwrap();
                bearer.insert(bearer.len() - 20, if last == 'A' { 'B' } else { 'A' });
            }
            Fate::Alive | Fate::Absent => {}
        }
        signed.push(Some((bearer, grant.patient, grant.scope)));
    }
    signed
}
