//! A patient's app that remembers every answer of which it saw the head, and how many never came.

use super::dice::Dice;
use crate::app::Grant;
use crate::http::Peer;

/// A reader under one grant.
pub struct Reader {
    grant: Grant,
    dice: Dice,
    /// The correlation ids of the answers whose head arrived.
    pub answered: Vec<String>,
    /// Questions whose answer was cut off before its head was whole.
    pub cut_off: u64,
    /// Answers that broke off behind their head.
    pub broken_off: u64,
    /// Whether it may be told that nothing can be disclosed now, because that cannot be recorded.
    pub bears_503: bool,
    /// How often it was.
    pub refused: u64,
    /// What went against the rules while reading.
    pub violations: Vec<String>,
}

impl Reader {
    /// A reader who has asked nothing.
    pub fn new(grant: Grant, dice: Dice) -> Reader {
        let (answered, violations) = (Vec::new(), Vec::new());
        Reader { grant, dice, answered, cut_off: 0, broken_off: 0, bears_503: false, refused: 0, violations }
    }

    /// Asks so many questions, or until the connection breaks.
    pub async fn work(&mut self, peer: &Peer, questions: usize) {
        let own = self.grant.patient.clone().unwrap_or_default();
        let asked = [
            format!("/fhir/Patient/{own}"),
            "/fhir/Observation?_count=5".to_owned(),
            "/fhir/DiagnosticReport?_count=3".to_owned(),
            "/fhir/Observation/not-there".to_owned(),
        ];
        for _ in 0..questions {
            let Ok(mut connection) = peer.connect().await else { return };
            for _ in 0..8 {
                let target = self.dice.of(&asked).clone();
                if self.ask(&mut connection, &target).await.is_none() {
                    return;
                }
            }
        }
    }

    /// One question; the body of its answer, when all of it came.
    pub async fn ask(&mut self, connection: &mut crate::http::Connection, target: &str) -> Option<serde_json::Value> {
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: {}\r\nauthorization: {}\r\n\r\n",
            connection.host(),
            self.grant.bearer()
        );
        if connection.write(request.as_bytes()).await.is_err() {
            self.cut_off += 1;
            return None;
        }
        let Ok(mut answer) = connection.head().await else {
            self.cut_off += 1;
            return None;
        };
        let is_refused = self.bears_503 && answer.status == 503;
        self.refused += u64::from(is_refused);
        match answer.header("x-correlation-id") {
            Some(_) if is_refused => {}
            Some(id) => self.answered.push(id.to_owned()),
            None => self.violations.push(format!("{target} was answered without a correlation id")),
        }
        if !is_refused && !matches!(answer.status, 200 | 404) {
            self.violations.push(format!("{target} was answered with status {}", answer.status));
        }
        if connection.body(&mut answer).await.is_err() {
            self.broken_off += 1;
            return None;
        }
        Some(answer.json())
    }
}
