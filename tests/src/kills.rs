//! A checker in the manner of Jepsen: senders and readers remember what they were told, the gateway is killed over and
//! over, and after each death what stands is held against what was told.
//!
//! The rules: nothing acknowledged is lost; nothing is applied twice; of each result the latest correction stands; every
//! answer with a byte on the wire is on the ledger, which verifies; sending everything again changes nothing.

pub mod check;
pub mod death;
pub mod dice;
pub mod disk;
pub mod reader;
pub mod sender;
pub mod standing;

use crate::app::Browser;
use crate::gateway::{Folder, Gateway, Link, Person, Plan, Program, Registered};
use crate::http::Peer;
use crate::laboratory::About;
use death::{Death, REPLAYING};
use dice::Dice;
use fhir::Instant;
use reader::Reader;
use sender::Sender;
use standing::{Chart, chart, sluice};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Patients, each with a sender and a reader of their own.
const PATIENTS: usize = 4;
/// Kills in one folder; then everything is sent again, and a new folder begins.
const KILLS_OF_A_FOLDER: u64 = 40;
/// Messages of one sender between two kills, at most.
const MESSAGES: usize = 8;
/// Connections of one reader between two kills, at most, of eight questions each.
const CONNECTIONS: usize = 3;
/// How often a start is tried whose port somebody else took for a moment.
const STARTS_MAX: u32 = 20;
/// SIGKILL.
const KILLED: i32 = 9;
/// The AA of this link follows once the result can be searched; that of the other, once the message is kept.
const LINKS: [(&str, bool); 2] = [("applied", true), ("kept", false)];
const SCOPES: &str = "launch/patient patient/*.rs";

/// What was tried and what came of it.
#[derive(Debug, Default)]
pub struct Tally {
    /// Kills, by where.
    pub kills: BTreeMap<&'static str, u64>,
    /// Writes that were torn behind the last flush.
    pub torn: u64,
    /// Messages that were answered.
    pub answered: u64,
    /// Messages sent once more though they had been answered.
    pub repeated: u64,
    /// Answers of FHIR that arrived, with their head at least.
    pub disclosed: u64,
    /// Those of them that broke off behind it.
    pub broken_off: u64,
    /// Those that never came.
    pub cut_off: u64,
    /// Entries of the ledger.
    pub entries: u64,
    /// Each breach of a rule, in a sentence.
    pub breaches: Vec<String>,
}

impl Tally {
    /// All kills.
    pub fn killed(&self) -> u64 {
        self.kills.values().sum()
    }

    fn add(&mut self, other: Tally) {
        for (label, times) in other.kills {
            *self.kills.entry(label).or_default() += times;
        }
        self.torn += other.torn;
        self.answered += other.answered;
        self.repeated += other.repeated;
        self.disclosed += other.disclosed;
        self.broken_off += other.broken_off;
        self.cut_off += other.cut_off;
        self.entries += other.entries;
        self.breaches.extend(other.breaches);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills and {} torn writes; {} messages answered and {} sent again; {} answers read ({} broken off), {} cut off; {} ledger entries; {} breaches",
            self.killed(),
            self.torn,
            self.answered,
            self.repeated,
            self.disclosed,
            self.broken_off,
            self.cut_off,
            self.entries,
            self.breaches.len()
        )
    }
}

/// Kills so many times. `progress` hears of each folder that is through.
pub async fn run(kills: u64, seed: u64, progress: impl Fn(&Tally)) -> Tally {
    let mut dice = Dice::new(seed);
    let mut tally = Tally::default();
    while tally.killed() < kills {
        let wanted = KILLS_OF_A_FOLDER.min(kills - tally.killed());
        let mut round = Round::begin(Dice::new(dice.roll())).await;
        while round.tally.killed() < wanted {
            let deaths = death::deaths(&mut round.dice);
            round.kill(&deaths).await;
            round.hold(&deaths).await;
        }
        round.repeat_all().await;
        tally.add(round.end());
        progress(&tally);
    }
    tally
}

/// One folder, from its preparation until everything was sent again.
pub struct Round {
    folder: Folder,
    senders: Vec<Sender>,
    readers: Vec<Reader>,
    dice: Dice,
    tally: Tally,
}

impl Round {
    /// A folder with patients, senders who have sent nothing, and readers under a grant each.
    pub async fn begin(mut dice: Dice) -> Round {
        let app = Registered { client_id: "app".into(), secret: None, scopes: SCOPES.into() };
        let person = |at: usize| Person { username: format!("user{at}"), fhir_user: format!("Patient/p{at}") };
        let link = |(name, on_apply): (&str, bool)| Link {
            name: name.into(),
            namespace: None,
            authority: ("HOSP".into(), "urn:mrn".into()),
            on_apply,
        };
        let plan = Plan {
            records: (0..PATIENTS).map(patient).collect(),
            people: (0..PATIENTS).map(person).collect(),
            apps: vec![app.clone()],
            links: LINKS.map(link).to_vec(),
            ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
        };
        let folder = Folder::prepare(&plan).await;
        let gateway = started(&folder).await;
        let (mut senders, mut readers) = (Vec::new(), Vec::new());
        for at in 0..PATIENTS {
            let mut browser = Browser::open(gateway.peer()).await;
            let grant = browser.launch(&app, &format!("user{at}"), SCOPES, None).await;
            readers.push(Reader::new(grant, Dice::new(dice.roll())));
            let about = About {
                number: (format!("N{at}"), "HOSP".into()),
                name: (format!("Family{at}"), "Given".into()),
                birth_date: format!("198{at}0203"),
                sex: 'F',
            };
            senders.push(Sender::new(&format!("p{at}"), about, at % LINKS.len(), Dice::new(dice.roll())));
        }
        drop(gateway);
        Round { folder, senders, readers, dice, tally: Tally::default() }
    }

    /// Starts, lets everybody work, and kills, for each death in turn.
    pub async fn kill(&mut self, deaths: &[Death]) {
        for death in deaths {
            if let Some(label) = self.die(death).await {
                *self.tally.kills.entry(label).or_default() += 1;
            }
        }
    }

    /// Where it died: the point may not have been passed, and then it is killed when the work is done.
    async fn die(&mut self, death: &Death) -> Option<&'static str> {
        let (environment, runner) = match death {
            Death::At { point, nth } => (format!("{point}:{nth}"), Vec::new()),
            Death::AtFlush { nth } => (String::new(), disk::killed_at_flush(*nth, &self.trace())),
            Death::After { .. } => (String::new(), Vec::new()),
        };
        let mut gateway = self.folder.spawn_under(&runner, Program::Faults, &[("SLUICE_KILL", &environment)]);
        if let Some(ended) = gateway.ready_or_ended().await {
            return self.ended(ended, &gateway, death);
        }
        let (links, peer) = (gateway.links().to_vec(), gateway.peer().clone());
        let work = self.work(&links, &peer);
        let mut label = "after the work";
        match death {
            Death::After { ms } => {
                let moment = async {
                    tokio::time::sleep(Duration::from_millis(*ms)).await;
                    if gateway.is_running() {
                        label = death.label();
                        gateway.kill_now();
                    }
                };
                tokio::join!(work, moment);
            }
            Death::At { .. } | Death::AtFlush { .. } => work.await,
        }
        // Whoever noticed that it is gone may have been faster than whoever buries it.
        tokio::time::sleep(Duration::from_millis(2)).await;
        match gateway.ended() {
            Some(ended) => self.ended(ended, &gateway, death),
            None => {
                gateway.kill();
                Some(label)
            }
        }
    }

    /// Lets everybody work until they are done or their connections break.
    async fn work(&mut self, links: &[SocketAddr], peer: &Peer) {
        let sending = self.senders.iter_mut().map(|sender| sender.work(links[sender.link], MESSAGES));
        let reading = self.readers.iter_mut().map(|reader| reader.work(peer, CONNECTIONS));
        tokio::join!(all(sending), all(reading));
    }

    /// Lets everybody work on a gateway whose disk fails, so many times, and says how often a message got no answer. An
    /// answer that could not be recorded is none.
    pub async fn work_on(&mut self, gateway: &Gateway, times: usize) -> u64 {
        let mut unanswered = 0;
        for reader in &mut self.readers {
            reader.bears_503 = true;
        }
        for _ in 0..times {
            self.work(gateway.links(), gateway.peer()).await;
            let open = |sender: &&Sender| sender.sent.last().is_some_and(|sent| sent.answer.is_none());
            unanswered += self.senders.iter().filter(open).count() as u64;
        }
        unanswered
    }

    /// Its folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// How many questions were answered that nothing can be disclosed now.
    pub fn refused(&self) -> u64 {
        self.readers.iter().map(|reader| reader.refused).sum()
    }

    /// What was tried, and each breach.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn ended(&mut self, ended: ExitStatus, gateway: &Gateway, death: &Death) -> Option<&'static str> {
        if ended.signal() == Some(KILLED) {
            if matches!(death, Death::AtFlush { .. }) {
                self.tear();
            }
            return Some(death.label());
        }
        let said = String::from_utf8_lossy(&gateway.log()).into_owned();
        if !said.contains(PORT_TAKEN) {
            self.tally.breaches.push(format!("ended by itself with {ended}: {said}"));
        }
        None
    }

    /// Where strace writes.
    fn trace(&self) -> PathBuf {
        self.folder.config().with_file_name("trace.txt")
    }

    /// What was being flushed as it died is left as a loss of power may leave it.
    fn tear(&mut self) {
        let trace = fs::read_to_string(self.trace()).unwrap();
        if let Some((file, stretches)) = disk::unflushed(&trace)
            && file.extension().is_some_and(|of| of == "seg" || of == "db-wal")
        {
            disk::tear(&file, &stretches, &mut self.dice);
            self.tally.torn += 1;
        }
    }

    /// Starts once more, and holds what stands against what was told.
    pub async fn hold(&mut self, after: &impl fmt::Debug) {
        let charts = self.charts().await;
        let mut breaches = self.breaches(&charts);
        let quarantined = self.held_journal(&mut breaches);
        if let Some((sequence, control)) = quarantined {
            self.replay(sequence, &control, &mut breaches);
        }
        self.tally.breaches.extend(breaches.into_iter().map(|breach| format!("after {after:?}: {breach}")));
    }

    async fn charts(&mut self) -> Vec<Chart> {
        let gateway = started(&self.folder).await;
        let mut charts = Vec::new();
        for reader in &mut self.readers {
            charts.push(chart(reader, gateway.peer()).await);
        }
        let ended = gateway.stop();
        if !ended.success() {
            self.tally.breaches.push(format!("told to stop, it ended with {ended}"));
        }
        charts
    }

    fn breaches(&mut self, charts: &[Chart]) -> Vec<String> {
        let mut breaches = Vec::new();
        for (sender, chart) in self.senders.iter_mut().zip(charts) {
            breaches.append(&mut sender.violations);
            breaches.extend(check::record(&sender.patient, &sender.results, chart));
        }
        let mut answered = Vec::new();
        let mut cut_off = 0;
        for reader in &mut self.readers {
            breaches.append(&mut reader.violations);
            answered.extend(reader.answered.iter().cloned());
            cut_off += reader.cut_off;
        }
        match standing::ledger(&self.folder) {
            Ok(entries) => {
                self.tally.entries = entries.len() as u64;
                breaches.extend(check::ledger(&entries, &answered, cut_off));
            }
            Err(why) => breaches.push(format!("the ledger does not verify: {why}")),
        }
        breaches
    }

    /// Holds the journal, and finds a message in it that waits for a person.
    fn held_journal(&mut self, breaches: &mut Vec<String>) -> Option<(u64, String)> {
        let journal = standing::journal(&self.folder);
        let sent = self.senders.iter().flat_map(|sender| &sender.sent);
        breaches.extend(check::journal(sent, &journal));
        let waits = journal.into_iter().find(|kept| kept.state == "quarantined");
        waits.map(|kept| (kept.sequence, kept.control))
    }

    /// Sends a message that waits through the live path again, dying on the way, and then once more to its end.
    fn replay(&mut self, sequence: u64, control: &str, breaches: &mut Vec<String>) {
        let (point, nth) = *self.dice.of(&REPLAYING);
        let sequence = sequence.to_string();
        let arguments = ["journal", "replay", &sequence, "--config"];
        let died = sluice(&self.folder, &arguments, &[("SLUICE_KILL", &format!("{point}:{nth}"))]);
        if died.status.signal() == Some(KILLED) {
            *self.tally.kills.entry("during-replay").or_default() += 1;
        } else {
            breaches.push(format!("a replay was to die at {point}:{nth} and ended with {}", died.status));
        }
        let again = sluice(&self.folder, &arguments, &[]);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        if !again.status.success() && !said.contains("stands in the record already") {
            breaches.push(format!("a replay failed: {said}"));
        }
        for sender in &mut self.senders {
            let waited = sender.sent.iter().find(|sent| sent.control == control && sent.reuses).cloned();
            if let Some(waited) = waited {
                sender.acknowledged(&waited.result, waited.version);
            }
        }
    }

    /// Ends what was under way, then sends everything once more: nothing may change.
    pub async fn repeat_all(&mut self) {
        let gateway = started(&self.folder).await;
        let links = gateway.links().to_vec();
        for sender in &mut self.senders {
            sender.repeat_all(links[sender.link]).await;
        }
        drop(gateway);
        let (charts, kept) = (self.charts().await, standing::journal(&self.folder));
        let gateway = started(&self.folder).await;
        for sender in &mut self.senders {
            sender.repeat_all(links[sender.link]).await;
        }
        drop(gateway);
        let mut breaches = Vec::new();
        let after = self.charts().await;
        if after != charts {
            breaches.push("sending everything again changed a record".to_owned());
        }
        if standing::journal(&self.folder) != kept {
            breaches.push("sending everything again changed the journal".to_owned());
        }
        breaches.extend(self.breaches(&after));
        for sender in &self.senders {
            let latest = |(result, told): (&String, &sender::Told)| {
                let stands = after.iter().find_map(|chart| chart.results.get(result));
                let version = stands.and_then(|stands| stands.first()).map_or(0, |stands| stands.version);
                (version != told.acknowledged).then(|| format!("{result} stands at {version}, told {told:?}"))
            };
            breaches.extend(sender.results.iter().filter_map(latest));
        }
        self.tally
            .breaches
            .extend(breaches.into_iter().map(|breach| format!("after everything was sent again: {breach}")));
    }

    fn end(mut self) -> Tally {
        for sender in &self.senders {
            self.tally.answered += sender.sent.iter().filter(|sent| sent.answer.is_some()).count() as u64;
            self.tally.repeated += sender.repeated;
        }
        for reader in &self.readers {
            self.tally.disclosed += reader.answered.len() as u64;
            self.tally.broken_off += reader.broken_off;
            self.tally.cut_off += reader.cut_off;
        }
        self.tally
    }
}

/// What a start says whose port is in use: others on this machine take ports for a moment.
const PORT_TAKEN: &str = "cannot be listened at";

/// A gateway that nobody kills.
async fn started(folder: &Folder) -> Gateway {
    for _ in 0..STARTS_MAX {
        let mut gateway = folder.spawn(Program::Faults, &[]);
        let Some(ended) = gateway.ready_or_ended().await else { return gateway };
        let said = String::from_utf8_lossy(&gateway.log()).into_owned();
        assert!(said.contains(PORT_TAKEN), "it did not start again ({ended}): {said}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("its port stayed taken");
}

/// All of these, side by side.
async fn all(work: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut work: Vec<_> = work.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        work.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if work.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn patient(at: usize) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"p{at}","active":true,"identifier":[{{"system":"urn:mrn","value":"N{at}"}}],"name":[{{"family":"Family{at}","given":["Given"]}}],"birthDate":"198{at}-02-03","gender":"female"}}"#
    )
}
