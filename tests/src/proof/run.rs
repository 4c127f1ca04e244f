//! A run: scripts first, then as many answers and pairs as are wanted, on both sources; and what was tried.

use super::check::{ask, check, next_of};
use super::pair::{about_nothing, difference, worlds};
use super::request::{Requests, Step};
use super::stage::{Source, Stage};
use super::{scan, script};
use crate::gateway::Program;
use crate::http::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections that ask at once in one stage.
const WORKERS: u64 = 24;
/// Failures after which a stage stops asking.
const FAILURES_MAX: usize = 12;
/// Times that a failing step is tried smaller.
const SHRINKS_MAX: usize = 60;

/// How much is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Answers that are held against scan and oracle.
    pub answers: u64,
    /// Pairs that are held against each other.
    pub pairs: u64,
    /// What worlds and requests are made from.
    pub seed: u64,
}

/// What one run tried and found.
#[derive(Debug, Default)]
pub struct Report {
    /// What it was made from.
    pub seed: u64,
    /// Answers by kind of request.
    pub answers: BTreeMap<String, u64>,
    /// Pairs by kind.
    pub pairs: BTreeMap<String, u64>,
    /// Statuses.
    pub statuses: BTreeMap<u16, u64>,
    /// Scripts that were tried first.
    pub scripts: usize,
    /// Lines of logs that were scanned.
    pub log_lines: usize,
    /// What went wrong, each with its script.
    pub failures: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// All answers.
    pub fn answers_total(&self) -> u64 {
        self.answers.values().sum()
    }

    /// All pairs.
    pub fn pairs_total(&self) -> u64 {
        self.pairs.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} scripts first, {:.0} s", self.seed, self.scripts, self.took.as_secs_f64())?;
        writeln!(f, "{} answers: {:?}", self.answers_total(), self.answers)?;
        writeln!(f, "{} pairs: {:?}", self.pairs_total(), self.pairs)?;
        writeln!(f, "statuses: {:?}", self.statuses)?;
        writeln!(f, "{} lines of logs", self.log_lines)?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "FAILED {failure}"))
    }
}

/// Which oracle a step is tried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    Answers,
    Pairs,
}

/// Runs on both sources, half of what is wanted on each.
pub async fn run(wanted: Wanted, program: Program, environment: &[(&str, &str)]) -> Report {
    let begun = Instant::now();
    let mut report = Report { seed: wanted.seed, ..Report::default() };
    let half = Wanted { answers: wanted.answers / 2, pairs: wanted.pairs / 2, seed: wanted.seed };
    let behind = Stage::set(Source::Behind, wanted.seed, program, environment, &[]).await;
    let born: Vec<Value> = behind.born();
    let embedded = Stage::set(Source::Embedded, wanted.seed, program, environment, &born).await;
    for stage in [behind, embedded] {
        on(stage, half, &mut report).await;
    }
    report.took = begun.elapsed();
    report
}

/// Runs on one source.
pub async fn on(stage: Stage, wanted: Wanted, report: &mut Report) {
    let tally = Tally::default();
    let scripts = script::all(&stage);
    report.scripts = scripts.len();
    let mut connections = [stage.connect(0).await, stage.connect(1).await];
    for (name, step) in scripts {
        let pair = stage.actors[step.actor].part.is_compared();
        let mut tries = vec![Try::Answers];
        tries.extend(pair.then_some(Try::Pairs));
        for how in tries {
            if let Err(why) = try_step(&stage, &mut connections, &step, how, &tally).await {
                report.failures.push(format!("{:?}: script {name}: {why}", stage.source));
            }
        }
    }
    if report.failures.is_empty() {
        for (how, many) in [(Try::Answers, wanted.answers), (Try::Pairs, wanted.pairs)] {
            let workers = (0..WORKERS).map(|worker| {
                let seed = wanted.seed
                    ^ (worker << 32)
                    ^ (u64::from(how == Try::Pairs) << 60)
                    ^ (u64::from(stage.source == Source::Behind) << 61);
                work(&stage, seed, how, many, &tally)
            });
            futures_all(workers).await;
        }
    }
    let failed: Vec<(Step, Try, String)> = tally.failures.into_inner().unwrap();
    let quiet = Tally::default();
    let mut told = HashSet::new();
    for (step, how, why) in failed {
        if !told.insert((step.kind, shape(&why))) {
            continue;
        }
        let (step, why) = shrink(&stage, &mut connections, step, how, why, &quiet).await;
        let name = format!("{:?}-{}-{}", stage.source, step.kind.replace(' ', "-"), told.len()).to_lowercase();
        let path = script::keep(&stage, &name, &step, &why);
        let who = &stage.actors[step.actor].part.name;
        report.failures.push(format!(
            "{:?} {how:?}: {who}: {} {} {:?}: {why}\n    kept as {}",
            stage.source,
            step.method,
            step.target(),
            step.form,
            path.display()
        ));
    }
    for (kind, count) in tally.answers.into_inner().unwrap() {
        *report.answers.entry(kind).or_default() += count;
    }
    for (kind, count) in tally.pairs.into_inner().unwrap() {
        *report.pairs.entry(kind).or_default() += count;
    }
    for (status, count) in tally.statuses.into_inner().unwrap() {
        *report.statuses.entry(status).or_default() += count;
    }
    for served in &stage.served {
        let log = served.gateway.log();
        report.log_lines += log.split(|byte| *byte == b'\n').count();
        if let Some(canary) = scan::foreign(&log, &HashSet::new(), "") {
            report.failures.push(format!("{:?}: the canary cnry{canary} stands in a log", stage.source));
        }
    }
}

/// All at once, in one task: the waiting is for sockets.
async fn futures_all<F: Future<Output = ()>>(all: impl Iterator<Item = F>) {
    let mut all: Vec<std::pin::Pin<Box<F>>> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[derive(Default)]
struct Tally {
    answers: Mutex<BTreeMap<String, u64>>,
    pairs: Mutex<BTreeMap<String, u64>>,
    statuses: Mutex<BTreeMap<u16, u64>>,
    done: AtomicU64,
    paired: AtomicU64,
    failures: Mutex<Vec<(Step, Try, String)>>,
}

impl Tally {
    fn is_over(&self, how: Try, wanted: u64) -> bool {
        let done = if how == Try::Answers { &self.done } else { &self.paired };
        done.load(Ordering::Relaxed) >= wanted || self.failures.lock().unwrap().len() >= FAILURES_MAX
    }
}

async fn work(stage: &Stage, seed: u64, how: Try, wanted: u64, tally: &Tally) {
    let mut connections = [stage.connect(0).await, stage.connect(1).await];
    let mut requests = Requests::new(stage, seed, how == Try::Pairs);
    while !tally.is_over(how, wanted) {
        let step = requests.next();
        if let Err(why) = try_step(stage, &mut connections, &step, how, tally).await {
            tally.failures.lock().unwrap().push((step, how, why));
            connections = [stage.connect(0).await, stage.connect(1).await];
        }
    }
}

async fn try_step(
    stage: &Stage,
    connections: &mut [Connection; 2],
    step: &Step,
    how: Try,
    tally: &Tally,
) -> Result<(), String> {
    let broke = |why: std::io::Error| format!("the connection broke: {why}");
    let count = |map: &Mutex<BTreeMap<String, u64>>, kind: &str, count: u64| {
        *map.lock().unwrap().entry(kind.to_owned()).or_default() += count
    };
    let note = |answers: &[crate::http::Answer]| {
        count(&tally.answers, step.kind, answers.len() as u64);
        tally.done.fetch_add(answers.len() as u64, Ordering::Relaxed);
        let mut statuses = tally.statuses.lock().unwrap();
        answers.iter().for_each(|answer| *statuses.entry(answer.status).or_default() += 1);
    };
    if how == Try::Answers {
        let answers = ask(stage, &mut connections[0], 0, step).await.map_err(broke)?;
        note(&answers);
        check(stage, step, &answers)?;
        return links_are_the_askers_own(stage, &mut connections[0], step, &answers, &note).await;
    }
    let [one, two] = worlds(stage, connections, step).await.map_err(broke)?;
    note(&one);
    note(&two);
    count(&tally.pairs, "two worlds", 1);
    tally.paired.fetch_add(1, Ordering::Relaxed);
    check(stage, step, &one).map_err(|why| format!("in the first world: {why}"))?;
    // Each gateway has keys of its own.
    if step.path != smart::settings::JWKS
        && let Some(why) = difference(&one, &two)
    {
        return Err(format!("two worlds differ: {why}"));
    }
    if let Some((other, id, nothing)) = about_nothing(stage, step) {
        let answers = ask(stage, &mut connections[0], 0, &other).await.map_err(broke)?;
        note(&answers);
        count(&tally.pairs, "hidden and absent", 1);
        tally.paired.fetch_add(1, Ordering::Relaxed);
        let renamed: Vec<_> = one.iter().map(|answer| renamed(answer, &id, &nothing)).collect();
        if let Some(why) = difference(&renamed, &answers) {
            return Err(format!("a hidden record is told from one that does not exist: {why}"));
        }
    }
    Ok(())
}

/// A page link followed by someone else leads nowhere.
async fn links_are_the_askers_own(
    stage: &Stage,
    connection: &mut Connection,
    step: &Step,
    answers: &[crate::http::Answer],
    note: &impl Fn(&[crate::http::Answer]),
) -> Result<(), String> {
    let Some(next) = answers.first().and_then(next_of).filter(|next| next.len() % 4 == 0) else { return Ok(()) };
    let other = (step.actor + 1 + next.len()) % stage.actors.len();
    let (path, token) = next.split_once("?_page=").unwrap_or((&next, ""));
    if other == step.actor {
        return Ok(());
    }
    let query = vec![("_page".to_owned(), token.to_owned())];
    let step = Step {
        kind: "page of another",
        actor: other,
        method: "GET".to_owned(),
        path: path.to_owned(),
        query,
        form: None,
        headers: Vec::new(),
    };
    let answers = ask(stage, connection, 0, &step).await.map_err(|why| format!("the connection broke: {why}"))?;
    note(&answers);
    check(stage, &step, &answers).map_err(|why| format!("a page link of another: {why}"))
}

fn renamed(answer: &crate::http::Answer, id: &str, nothing: &str) -> crate::http::Answer {
    let replace = |text: &str| text.replace(id, nothing);
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), replace(value))).collect();
    let body = replace(&String::from_utf8_lossy(&answer.body)).into_bytes();
    crate::http::Answer { headers, body, ..answer.clone() }
}

/// What went wrong without the particulars.
fn shape(why: &str) -> String {
    let known = why.split("cnry").map(|part| part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()));
    known.collect::<String>().chars().filter(|letter| !letter.is_ascii_digit()).take(50).collect()
}

async fn shrink(
    stage: &Stage,
    connections: &mut [Connection; 2],
    step: Step,
    how: Try,
    why: String,
    quiet: &Tally,
) -> (Step, String) {
    let (mut smallest, mut reason) = (step, why);
    let mut tries = 0;
    'smaller: loop {
        for smaller in script::smaller(&smallest) {
            tries += 1;
            if tries > SHRINKS_MAX {
                break 'smaller;
            }
            *connections = [stage.connect(0).await, stage.connect(1).await];
            if let Err(why) = try_step(stage, connections, &smaller, how, quiet).await
                && shape(&why) == shape(&reason)
            {
                (smallest, reason) = (smaller, why);
                continue 'smaller;
            }
        }
        break;
    }
    (smallest, reason)
}
