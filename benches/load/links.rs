//! MLLP: how many results a second are durable and answered, over one link and over many.

use crate::disk;
use crate::process::{LOAD, MEASURED, Part};
use crate::report::{Report, median};
use bridge::{AckWhen, Authority, Link};
use fhir::{Id, ResourceType};
use privacy::Phi;
use server::context::Demo;
use server::inbound::Door;
use server::keys::Keys;
use server::published::Network;
use server::records::Records;
use server::{Base, Front, Gateway, Setup, clock};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use store::{Options, Put, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Links, each a laboratory of its own with one message under way.
const LINKS: usize = 64;
/// The system of the patients' numbers.
const SYSTEM: &str = "https://records.example.org/mrn";
/// How long the gateway may take to open its links.
const START_MAX: Duration = Duration::from_secs(60);
/// The longest answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// When a link answers, as a word of the command line.
fn word(ack: AckWhen) -> &'static str {
    match ack {
        AckWhen::Journalled => "journalled",
        AckWhen::OnApply => "on-apply",
    }
}

/// The one that a word means.
pub(crate) fn acknowledges(asked: &str) -> Result<AckWhen, String> {
    let known = [AckWhen::Journalled, AckWhen::OnApply].into_iter().find(|known| word(*known) == asked);
    known.ok_or_else(|| format!("{asked} is neither journalled nor on-apply"))
}

/// The gateway with many links on its embedded store; their ports stand in `ports`, once they are open.
pub(crate) fn serve(ack: AckWhen, count: u16, folder: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(linked(ack, count, folder))
}

async fn linked(ack: AckWhen, count: u16, folder: &Path) -> Result<(), String> {
    let fail = |why: &dyn std::fmt::Display| why.to_string();
    let data = folder.join("data");
    let store = Store::open(&data, Options::new(clock::now())).await.map_err(|why| fail(&why))?;
    let keys = Keys::make(&folder.join("keys")).map_err(|why| fail(&why))?;
    let patients = (0..count).map(patient).collect::<Result<Vec<Put>, String>>()?;
    store.put(patients, clock::now()).await.map_err(|why| fail(&why))?;
    let mut links = Vec::new();
    let mut ports = String::new();
    for nth in 0..count {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|why| fail(&why))?;
        ports.push_str(&format!("{}\n", listener.local_addr().map_err(|why| fail(&why))?.port()));
        links.push(Door { link: link(nth, ack), adapter: Arc::new(hl7v2::Hl7v2), listener, tls: None });
    }
    let records = Records::Store(store.clone());
    let origin = "https://localhost:1".to_owned();
    let base = Base { origin, data, store, records, keys, network: Network::default(), front: Front::default() };
    let setup = Setup { base, links, demo: Demo::default() };
    let gateway = Gateway::new(setup).await.map_err(|why| fail(&why))?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|why| fail(&why))?;
    let (draft, whole) = (folder.join("ports.draft"), folder.join("ports"));
    fs::write(&draft, ports).and_then(|()| fs::rename(&draft, &whole)).map_err(|why| fail(&why))?;
    let (_stop, stopping) = watch::channel(false);
    gateway.serve_plainly_to_loopback(listener, stopping).map_err(|why| fail(&why))?.await;
    Ok(())
}

fn link(nth: u16, ack: AckWhen) -> Link {
    let authority = Authority {
        namespace_id: Some("CLINIC".to_owned()),
        universal_id: None,
        system: SYSTEM.to_owned(),
        patients: true,
    };
    let namespace = Uuid::from_bytes(certs::random::bytes());
    Link {
        authorities: vec![authority],
        original_mode: true,
        ack,
        ..Link::new(&format!("laboratory-{nth}"), namespace)
    }
}

fn patient(nth: u16) -> Result<Put, String> {
    let id = Id::parse(&format!("p{nth}")).map_err(|why| why.to_string())?;
    let json = format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"{SYSTEM}","value":"M{nth}"}}],"name":[{{"family":"Munoz","given":["Ana"]}}],"birthDate":"1980-02-29"}}"#
    );
    Ok(Put::new(ResourceType::Patient, id, Phi::new(json.into())))
}

/// A result of 14 values, about 1.5 KB.
fn message(link: usize, nth: u64, process: u32) -> Vec<u8> {
    let mut text = format!(
        "MSH|^~\\&|LIS|NORTHLAB|SLUICE|CLINIC|20260316080000-0500||ORU^R01^ORU_R01|{process}-{nth}|P|2.5.1\r\
         PID|1||M{link}^^^CLINIC^MR||Munoz^Ana||19800229|F\r\
         OBR|1|P-{link}-{process}-{nth}|F-{link}-{process}-{nth}|24323-8^Comprehensive metabolic panel^LN|||20260315070000-0500|||||||||||||||20260315075900-0500||CH|F\r"
    );
    for value in 1..=14 {
        text.push_str(&format!(
            "OBX|{value}|NM|2345-7^Glucose^LN|{value}|{}.5|mg/dL^^UCUM|70-99|N|||F|||20260315070000-0500\r",
            90 + value
        ));
    }
    text.into_bytes()
}

/// Sends over the first `count` links, each its next message when the last was answered; says how many were answered.
pub(crate) async fn send(count: u16, seconds: u16, folder: &Path) -> Result<(), String> {
    let ports = ports(folder)?;
    let until = Instant::now() + Duration::from_secs(u64::from(seconds));
    let mut senders = JoinSet::new();
    for (link, port) in ports.into_iter().take(usize::from(count)).enumerate() {
        senders.spawn(sender(link, port, until));
    }
    let begun = Instant::now();
    let mut waits = Vec::new();
    while let Some(done) = senders.join_next().await {
        waits.extend(done.map_err(|why| why.to_string())??);
    }
    let took = begun.elapsed().as_secs_f64();
    crate::report::say(&format!("TOLD {} {took} {}", waits.len(), median(&waits)));
    Ok(())
}

async fn sender(link: usize, port: u16, until: Instant) -> Result<Vec<f64>, String> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.map_err(|why| why.to_string())?;
    socket.set_nodelay(true).map_err(|why| why.to_string())?;
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    let mut waits = Vec::new();
    while Instant::now() < until {
        let mut frame = vec![0x0b];
        frame.extend(message(link, waits.len() as u64, std::process::id()));
        frame.extend([0x1c, 0x0d]);
        let sent = Instant::now();
        socket.write_all(&frame).await.map_err(|why| why.to_string())?;
        let mut length = 0;
        while !answer.get(..length).is_some_and(|read| read.ends_with(&[0x1c, 0x0d])) {
            let room = answer.get_mut(length..).unwrap_or_default();
            match socket.read(room).await {
                Ok(more @ 1..) => length += more,
                Ok(0) | Err(_) => return Err("the link was closed without an answer".to_owned()),
            }
        }
        let told = String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned();
        if !told.contains("MSA|AA|") {
            return Err(format!("a message was not accepted: {told}"));
        }
        waits.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    Ok(waits)
}

/// Measures.
pub(crate) fn run(report: &Report, quick: bool) -> Result<(), String> {
    let (rounds, seconds) = if quick { (2, 2) } else { (5, 4) };
    report.line(&format!(
        "\nMLLP: {rounds} rounds of {seconds} s; each link sends its next message when the last was answered; the gateway on core {MEASURED}, the senders on core {LOAD}; embedded store."
    ));
    let mut rows = Vec::new();
    for ack in [AckWhen::Journalled, AckWhen::OnApply] {
        let folder = report.folder().join(format!("links-{}", word(ack)));
        let gateway = laboratory(ack, LINKS, &folder)?;
        sent(1, 1, &folder)?;
        let (mut one, mut many, mut flushes, mut costs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut waits_one, mut waits_many) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (told, wait) = sent(1, seconds, &folder)?;
            one.push(told);
            waits_one.push(wait);
            let before = gateway.cpu();
            let (told, wait) = sent(LINKS, seconds, &folder)?;
            costs.push((gateway.cpu().saturating_sub(before)).as_secs_f64() * 1e6 / (told * seconds as f64));
            many.push(told);
            waits_many.push(wait);
            flushes.push(disk::flushes_per_s(&folder, Duration::from_millis(500))?);
        }
        let ratios: Vec<f64> = one.iter().zip(&many).map(|(one, many)| many / one).collect();
        let of_disk: Vec<f64> = one.iter().zip(&flushes).map(|(one, flushes)| one / flushes).collect();
        rows.push(vec![
            word(ack).to_owned(),
            format!("{:.0}", median(&one)),
            format!("{:.1}", median(&waits_one)),
            format!("{:.2}", median(&of_disk)),
            format!("{:.0}", median(&many)),
            format!("{:.1}", median(&waits_many)),
            format!("{:.1}", median(&ratios)),
            format!("{:.0}", median(&costs)),
            format!("{:.0}", median(&flushes)),
        ]);
    }
    report.table(
        "Results answered, durable",
        &[
            "answers when",
            "1 link, a second",
            "p50 ms",
            "of the disk's flushes",
            "64 links, a second",
            "p50 ms",
            "64 links / 1 link",
            "CPU us a message at 64",
            "flushes a second, alone",
        ],
        &rows,
    );
    Ok(())
}

/// A gateway with links, once they are open.
pub(crate) fn laboratory(ack: AckWhen, links: usize, folder: &Path) -> Result<Part, String> {
    fs::create_dir_all(folder).map_err(|why| why.to_string())?;
    let path = folder.to_str().ok_or("a path that is no text")?;
    let part = Part::own(MEASURED, &["laboratory", word(ack), &links.to_string(), path], &folder.join("log"))?;
    let begun = Instant::now();
    while ports(folder).is_err() {
        if begun.elapsed() > START_MAX {
            return Err(format!("the links are not open after {START_MAX:?}; see {path}/log"));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(part)
}

/// Where the links listen.
pub(crate) fn ports(folder: &Path) -> Result<Vec<u16>, String> {
    let text = fs::read_to_string(folder.join("ports")).map_err(|why| why.to_string())?;
    text.lines().map(|line| line.parse().map_err(|_| "no port".to_owned())).collect()
}

/// Messages a second over some links, and the median wait for an answer in milliseconds.
fn sent(links: usize, seconds: u64, folder: &Path) -> Result<(f64, f64), String> {
    let own = std::env::current_exe().map_err(|why| why.to_string())?;
    let output = Command::new("taskset")
        .args(["-c", LOAD])
        .arg(own)
        .args(["senders", &links.to_string(), &seconds.to_string()])
        .arg(folder)
        .output()
        .map_err(|why| why.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = said.split(' ').filter_map(|word| word.trim().parse().ok()).collect();
    match numbers.as_slice() {
        [answers, took, wait] => Ok((answers / took, *wait)),
        _ => Err(format!("the senders said: {said}{}", String::from_utf8_lossy(&output.stderr))),
    }
}
