//! The gateway that hostile peers are let loose on: two people, an app, a laboratory, and a log of everything (`debug`).

use crate::app::{self, Browser, Grant};
use crate::gateway::{Folder, Gateway, Link, PASSWORD, Person, Plan, Program, Registered};
use crate::http::Answer;
use crate::laboratory::{About, Laboratory, result, verdict};
use fhir::Instant;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Whose app it is.
pub const OWN: &str = "patient-zq41";
/// Somebody else.
pub const OTHER: &str = "patient-zq42";
/// Stands in what is the caller's own.
pub const OWN_SECRET: &str = "Quillfeather";
/// Stands in what is somebody else's.
pub const OTHER_SECRET: &str = "Marrowbone";
/// Stands in what the caller asks for.
pub const QUERY_SECRET: &str = "Thistledown";
/// Stands in what the server behind says of itself.
pub const BEHIND_SECRET: &str = "Hobgoblin";

/// A patient's record.
pub fn patient(id: &str, number: &str, family: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","active":true,"identifier":[{{"system":"urn:mrn","value":"{number}"}}],"name":[{{"family":"{family}","given":["Ann"]}}],"birthDate":"1980-02-03","gender":"female"}}"#
    )
}

/// An observation of a patient.
pub fn observation(id: &str, patient: &str, code: &str, text: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"urn:codes","code":"{code}"}}]}},"subject":{{"reference":"Patient/{patient}"}},"valueString":"{text}"}}"#
    )
}

/// A gateway under attack.
pub struct House {
    gateway: Gateway,
    folder: Folder,
    grant: Grant,
    messages: AtomicUsize,
}

impl House {
    /// On the embedded store.
    pub async fn open() -> House {
        let mut plan = plan();
        plan.records = vec![patient(OWN, "7", OWN_SECRET), patient(OTHER, "8", OTHER_SECRET)];
        plan.records.push(observation("observation-zq1", OWN, "c", OWN_SECRET));
        House::of(&plan).await
    }

    /// In front of a FHIR server.
    pub async fn before(upstream: String) -> House {
        House::of(&Plan { upstream: Some(upstream), ..plan() }).await
    }

    async fn of(plan: &Plan) -> House {
        let folder = Folder::prepare(plan).await;
        let gateway = folder.start_with(Program::Shipped, &[("RUST_LOG", "debug"), ("NO_COLOR", "1")]).await;
        let app = plan.apps.first().unwrap();
        let grant = Browser::open(gateway.peer()).await.launch(app, "ann", "launch/patient patient/*.rs", None).await;
        House { gateway, folder, grant, messages: AtomicUsize::new(0) }
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// What the app was granted.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Asks as the app does, over a connection of its own.
    pub async fn get(&self, target: &str) -> Answer {
        let mut connection = self.gateway.peer().connect().await.unwrap();
        app::get(&mut connection, &self.grant, target).await
    }

    /// The next caller: gets the right answer, whatever went before.
    pub async fn serves(&self, after: &str) {
        let answer = self.get(&format!("/fhir/Patient/{OWN}")).await;
        assert_eq!(answer.status, 200, "after {after}: {}", answer.text());
        assert!(answer.text().contains(OWN_SECRET) && answer.json()["id"] == OWN, "after {after}: {}", answer.text());
    }

    /// The next laboratory: its message is taken and acknowledged as its own.
    pub async fn takes(&self, after: &str) {
        let control = format!("next-{}", self.messages.fetch_add(1, Ordering::Relaxed));
        let mut laboratory = Laboratory::connect(self.gateway.links()[0]).await.unwrap();
        let ack = laboratory.send(&message(&control)).await.unwrap_or_else(|why| panic!("after {after}: {why}"));
        assert_eq!(verdict(&ack), Some("AA"), "after {after}: {ack}");
        assert!(ack.contains(&format!("MSA|AA|{control}")), "after {after}: {ack}");
    }

    /// The most memory it has used so far, in bytes.
    pub fn memory_bytes_max(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.gateway.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
    }

    /// What it has logged so far.
    fn log(&self) -> String {
        String::from_utf8_lossy(&self.gateway.log()).into_owned()
    }

    /// Whether it logs this, now or in a moment.
    pub async fn says(&self, text: &str) -> bool {
        self.gateway.says(text).await
    }

    /// Waits until a connection that breaks off is told of, which is done at the level of everything alone.
    async fn logs_everything(&self) {
        for _ in 0..1_000 {
            let mut connection = self.gateway.peer().connect().await.unwrap();
            connection.write(b"GET / HTTP/1.1\r\n").await.unwrap();
            drop(connection);
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.log().contains("DEBUG server::listen") {
                return;
            }
        }
        panic!("the log is not that of everything: {}", self.log());
    }

    /// The process is well and ends when asked; nobody's secret, token, password or question stands in its log.
    pub async fn close(mut self) {
        assert!(self.gateway.is_running());
        self.logs_everything().await;
        let (grant, folder) = (self.grant.clone(), self.folder);
        let log = String::from_utf8_lossy(&self.gateway.log()).into_owned();
        assert!(self.gateway.stop().success());
        let signature = grant.access_token.rsplit('.').next().unwrap();
        let born = ["1980-02-03", "19800203"];
        let asked = ["Bearer e", "?code=", "&code=", "name="];
        let secrets = [OWN, OTHER, OWN_SECRET, OTHER_SECRET, QUERY_SECRET, BEHIND_SECRET, PASSWORD, signature];
        for line in log.lines() {
            let said = secrets.iter().chain(&born).chain(&asked).find(|secret| line.contains(**secret));
            assert_eq!(said, None, "stands in the log: {line}");
            assert!(!line.contains("panicked"), "{line}");
        }
        drop(folder);
    }
}

/// A result for the app's own patient.
pub fn message(control: &str) -> String {
    let about = About {
        number: ("7".into(), "HOSP".into()),
        name: (OWN_SECRET.into(), "Ann".into()),
        birth_date: "19800203".into(),
        sex: 'F',
    };
    result(control, &about, OWN_SECRET)
}

fn plan() -> Plan {
    let scopes = "launch/patient patient/*.rs".into();
    let authority = ("HOSP".into(), "urn:mrn".into());
    Plan {
        people: vec![Person { username: "ann".into(), fhir_user: format!("Patient/{OWN}") }],
        apps: vec![Registered { client_id: "app".into(), secret: None, scopes }],
        links: vec![Link { name: "lab".into(), namespace: None, authority, on_apply: true }],
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    }
}
