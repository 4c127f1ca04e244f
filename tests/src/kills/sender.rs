//! A laboratory that remembers every message it sent and every answer it was given, over all deaths of the gateway.
//!
//! One message at a time, as MLLP has it: a message without an answer is sent again, the same bytes, before the next. Now
//! and then it corrects a result, repeats a message that was answered, or uses a control id for something else.

use super::dice::Dice;
use crate::laboratory::{About, Laboratory, Version, verdict, version};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Corrections of one result, at most: each has a minute of its own.
const VERSIONS_MAX: u32 = 8;

/// A message, and what came back.
#[derive(Debug, Clone)]
pub struct Sent {
    /// MSH-10.
    pub control: String,
    /// Its bytes.
    pub message: String,
    /// The result it tells of.
    pub result: String,
    /// Which version of it.
    pub version: u32,
    /// Whether its control id had been used for another message.
    pub reuses: bool,
    /// The answer, once there was one.
    pub answer: Option<String>,
}

/// How far a result has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// The newest version that was sent.
    pub sent: u32,
    /// The newest version that was acknowledged.
    pub acknowledged: u32,
}

/// A sender, for one patient over one link.
pub struct Sender {
    /// The patient.
    pub patient: String,
    /// How the laboratory names them.
    about: About,
    /// Which of the gateway's links.
    pub link: usize,
    dice: Dice,
    /// Every message, in order.
    pub sent: Vec<Sent>,
    /// Every result.
    pub results: BTreeMap<String, Told>,
    /// What went against the rules while sending.
    pub violations: Vec<String>,
    /// Messages that were sent once more though they had been answered.
    pub repeated: u64,
}

impl Sender {
    /// A sender who has sent nothing.
    pub fn new(patient: &str, about: About, link: usize, dice: Dice) -> Sender {
        let (sent, results, violations) = (Vec::new(), BTreeMap::new(), Vec::new());
        Sender { patient: patient.to_owned(), about, link, dice, sent, results, violations, repeated: 0 }
    }

    /// Sends so many messages, or until the connection breaks.
    pub async fn work(&mut self, link: SocketAddr, messages: usize) {
        let Ok(mut laboratory) = Laboratory::connect(link).await else { return };
        for _ in 0..messages {
            let at = self.next();
            if !self.send(&mut laboratory, at).await {
                return;
            }
        }
    }

    /// Sends every message once more, in order: each must be answered as it was.
    pub async fn repeat_all(&mut self, link: SocketAddr) {
        let mut laboratory = Laboratory::connect(link).await.unwrap();
        for at in 0..self.sent.len() {
            if self.is_newest_of_its_control(at) && !self.send(&mut laboratory, at).await {
                let control = &self.sent[at].control;
                self.violations.push(format!("{control} was not answered when everything was sent again"));
                return;
            }
        }
    }

    /// The place of the message to send now: the one without an answer, an old one, or a new one.
    fn next(&mut self) -> usize {
        if let Some(last) = self.sent.last()
            && last.answer.is_none()
        {
            return self.sent.len() - 1;
        }
        let some = usize::try_from(self.dice.roll() % (self.sent.len().max(1) as u64)).unwrap_or_default();
        if self.dice.once_in(8) && self.is_newest_of_its_control(some) {
            return some;
        }
        let sent = self.compose();
        self.results.entry(sent.result.clone()).or_default().sent = sent.version;
        self.sent.push(sent);
        self.sent.len() - 1
    }

    fn compose(&mut self) -> Sent {
        let number = self.sent.len();
        let open: Vec<String> = self
            .results
            .iter()
            .filter(|(_, told)| told.sent < VERSIONS_MAX && told.acknowledged > 0)
            .map(|(result, _)| result.clone())
            .collect();
        // Not that of one which reused another: a replay is told by its control id.
        let reuses = self.sent.last().is_some_and(|last| !last.reuses) && self.dice.once_in(40);
        let result = if reuses || open.is_empty() || self.dice.once_in(2) {
            format!("{}-{number}", self.patient)
        } else {
            self.dice.of(&open).clone()
        };
        let told = self.results.get(&result).copied().unwrap_or_default().sent + 1;
        let control =
            if reuses { self.sent[number - 1].control.clone() } else { format!("C{}-{number}", self.patient) };
        // Of every other result all versions bear the same time, so that only the order of their arrival tells them apart.
        let minute = if number_of(&result).is_multiple_of(2) { 10 + told } else { 10 };
        let status = if told == 1 { 'F' } else { 'C' };
        let message = version(&control, &Version { of: &result, status, minute }, &self.about, &value(told, &result));
        Sent { control, message, result, version: told, reuses, answer: None }
    }

    fn is_newest_of_its_control(&self, at: usize) -> bool {
        self.sent.get(at).is_some_and(|sent| self.sent[at + 1..].iter().all(|later| later.control != sent.control))
    }

    async fn send(&mut self, laboratory: &mut Laboratory, at: usize) -> bool {
        let Ok(answer) = laboratory.send(&self.sent[at].message).await else { return false };
        let Sent { control, result, version, reuses, answer: before, .. } = self.sent[at].clone();
        match before {
            Some(before) if before != answer => {
                self.violations.push(format!("{control} was answered {answer:?}, and before that {before:?}"));
            }
            Some(_) => self.repeated += 1,
            None => {}
        }
        let expected = if reuses { "AE" } else { "AA" };
        if verdict(&answer) != Some(expected) {
            self.violations.push(format!("{control} was to be answered {expected}: {answer:?}"));
        }
        if !reuses {
            self.acknowledged(&result, version);
        }
        self.sent[at].answer = Some(answer);
        true
    }

    /// Notes that a version stands, or will.
    pub fn acknowledged(&mut self, result: &str, version: u32) {
        let told = self.results.entry(result.to_owned()).or_default();
        told.acknowledged = told.acknowledged.max(version);
    }
}

/// What a version of a result says.
pub fn value(version: u32, result: &str) -> String {
    format!("version {version} of {result}")
}

/// The result and version that a value tells of.
pub fn told_by(value: &str) -> Option<(String, u32)> {
    let (version, result) = value.strip_prefix("version ")?.split_once(" of ")?;
    Some((result.to_owned(), version.parse().ok()?))
}

fn number_of(result: &str) -> u32 {
    result.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
