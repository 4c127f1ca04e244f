//! A process that is killed while it writes, over and over: what it was told is durable is there, once, and nothing else.
//!
//! The child announces each write before it begins and after it was told that it is done; the parent kills it at a random
//! moment, opens the folder and compares.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and the child speaks by its output"
)]

mod world;

use bridge::journal::{Answer, Appended, Ending, Entry, Journal, Key, Mark};
use bridge::{Action, Stage, Standing};
use bytes::Bytes;
use fhir::ResourceType::Observation;
use privacy::ledger::Ledger;
use privacy::{Cursor, Phi, Source};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use store::{Applied, Crossed, Options, Store, entries, verify};
use tokio::runtime::Runtime;
use world::{NOON, at, entry, folder, id, put_whole, to_search};

const ROUNDS: u64 = 25;
const WORKERS: u64 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--child") {
        let dir = arguments.next().unwrap();
        let first: u64 = arguments.next().unwrap().parse().unwrap();
        return Runtime::new().unwrap().block_on(child(Path::new(&dir), first));
    }
    what_was_acknowledged_survives_a_kill_at_any_moment();
    println!("test what_was_acknowledged_survives_a_kill_at_any_moment ... ok ({ROUNDS} kills)");
}

/// Writes until it is killed.
async fn child(dir: &Path, first: u64) {
    let store = Store::open(dir, Options { segment_bytes: 64 * 1024, ..Options::new(at(0)) }).await.unwrap();
    say("ready 0");
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in (first + worker..).step_by(WORKERS as usize) {
                    write(&store, number).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// One message, journalled and applied, and one ledger entry.
async fn write(store: &Store, number: u64) {
    say(&format!("begun {number}"));
    let raw = Phi::new(Bytes::from(format!("MSH {number}")));
    let entered = Entry { link: "lab".into(), key: Some(key(number)), received_at_us: NOON, raw };
    let Appended::New { sequence } = store.append(entered).await.unwrap() else { panic!("not new") };
    say(&format!("kept {number}"));
    store.apply(applied(sequence, number)).await.unwrap();
    say(&format!("applied {number}"));
    store.ledger().record(entry(number as i64)).await.unwrap();
    say(&format!("recorded {number}"));
}

fn key(number: u64) -> Key {
    Key {
        sending_application: b"LAB".to_vec(),
        sending_facility: Vec::new(),
        control_id: number.to_string().into_bytes(),
        fingerprint: [1; 16],
    }
}

fn applied(sequence: u64, number: u64) -> Applied {
    let name = format!("o{number}");
    let body = format!(r#"{{"resourceType":"Observation","id":"{name}","subject":{{"reference":"Patient/ana"}}}}"#);
    let standing = Standing {
        status: "final".into(),
        stage: Stage::Final,
        reported_at_us: None,
        sent_at_us: None,
        action: Action::Put,
    };
    Applied {
        sequence,
        link: "lab".into(),
        puts: vec![put_whole(&body)],
        crossed: vec![Crossed { key: name.clone(), kind: Observation, id: id(&name), standing, members: Vec::new() }],
        orders: Vec::new(),
        mark: Mark::Ended(Ending::Applied, Some(Answer { now: Some(b"AA".to_vec()), later: None })),
        at: at(1),
    }
}

#[derive(Default)]
struct Said {
    begun: BTreeSet<u64>,
    kept: BTreeSet<u64>,
    applied: BTreeSet<u64>,
    recorded: BTreeSet<u64>,
}

fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let dir = folder();
    let mut said = Said::default();
    for round in 0..ROUNDS {
        let first = said.begun.last().map_or(0, |last| last + 1);
        // From a moment after the first write to long after the first checkpoint.
        kill_after(dir.path(), first, Duration::from_millis(3 + round * round / 2), &mut said);
        Runtime::new().unwrap().block_on(check(dir.path(), &said));
    }
    assert!(said.recorded.len() > 100, "only {} writes were begun and ended", said.recorded.len());
}

fn kill_after(dir: &Path, first: u64, pause: Duration, said: &mut Said) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--child", dir.to_str().unwrap(), &first.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready 0");
    let killer = std::thread::spawn(move || {
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for line in lines.map_while(Result::ok) {
        let Some((what, number)) = line.split_once(' ') else { continue };
        let Ok(number) = number.parse() else { continue };
        match what {
            "begun" => said.begun.insert(number),
            "kept" => said.kept.insert(number),
            "applied" => said.applied.insert(number),
            _recorded => said.recorded.insert(number),
        };
    }
    killer.join().unwrap();
}

async fn check(dir: &Path, said: &Said) {
    let store = Store::open(dir, Options { segment_bytes: 64 * 1024, ..Options::new(at(2)) }).await.unwrap();
    for number in &said.begun {
        let entered = Entry {
            link: "lab".into(),
            key: Some(key(*number)),
            received_at_us: NOON,
            raw: Phi::new(Bytes::from(format!("MSH {number}"))),
        };
        match store.append(entered).await.unwrap() {
            // Sending again changes nothing; what had not been kept is kept now, and applied now.
            Appended::Duplicate { sequence, answer } => {
                assert!(answer.is_some() || !said.applied.contains(number), "{number} lost its answer");
                store.apply(applied(sequence, *number)).await.unwrap();
            }
            Appended::New { sequence } => {
                assert!(!said.kept.contains(number), "{number} was kept and is lost");
                store.apply(applied(sequence, *number)).await.unwrap();
            }
            Appended::Conflict { .. } => panic!("{number} stands there with other content"),
        }
    }
    let expected: BTreeSet<String> = said.begun.iter().map(|number| format!("o{number}")).collect();
    assert_eq!(results(&store).await, expected.iter().cloned().collect::<Vec<_>>(), "each message once");
    store.close().await;
    verify(dir).unwrap();
    let recorded: Vec<String> = entries(dir).unwrap().map(|entry| entry.unwrap().1.correlation).collect();
    let once: BTreeSet<&String> = recorded.iter().collect();
    assert_eq!(once.len(), recorded.len(), "an entry stands there twice");
    for number in &said.recorded {
        assert!(once.contains(&format!("c{number}")), "the entry of {number} is lost");
    }
}

async fn results(store: &Store) -> Vec<String> {
    let query = fhir::search::Query::everything(Observation, "");
    let (mut from, mut names) = (Cursor::Start, Vec::new());
    loop {
        let chunk = store.find(&to_search("ana", Observation), &query, &from, 1000).await.unwrap().into_exposed();
        names.extend(chunk.rows.iter().map(|row| row.content.root().get("id").unwrap().text().unwrap().into_owned()));
        match chunk.next {
            Some(next) => from = next,
            None => return names,
        }
    }
}
