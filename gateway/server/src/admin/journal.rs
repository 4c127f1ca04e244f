//! The journal as an operator sees it: what came, what became of it, what stands where, and once more from the start.
//!
//! Never a value of a message: of a heading, who sent it and under which number; of the rest, places.

use super::{Admin, Out};
use crate::inbound::Inbox;
use bridge::journal::{Ending, Journal, JournalDown, Kept, Wanted};
use bridge::{Defect, Link, Loss, Reading, Severity, Verdict};
use bytes::Bytes;
use fhir::Instant;
use privacy::Phi;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Messages read at once.
const BATCH: usize = 500;

impl Admin {
    /// Every message of a state, a line of JSON each.
    pub(super) async fn list_messages(&self, state: Option<&str>, out: &Out) -> Result<(), String> {
        let wanted = state.map_or(Ok(Wanted::All), wanted)?;
        let mut after = 0;
        loop {
            let kept = self.store.list(wanted, after, BATCH).await.map_err(down)?;
            let Some(last) = kept.last() else { return Ok(()) };
            after = last.sequence;
            for kept in &kept {
                out.line(&Value::Object(sent(kept, line(kept))).to_string()).await?;
            }
        }
    }

    /// What became of one message, and which of its segments and fields are valued.
    pub(super) async fn show_message(&self, sequence: u64, out: &Out) -> Result<(), String> {
        let (kept, raw) = self.message(sequence).await?;
        let inbox = self.inbox_of(&kept.link);
        let mut reading = inbox.reading(&raw);
        if kept.conflicts_with.is_some() {
            // What its sender was told, whatever else it says.
            reading.verdict = Verdict::InError;
            reading.defects.push(Defect::reused_control_id());
        }
        let mut shown = structure(&reading, line(&kept));
        shown.insert("groups".to_owned(), inbox.groups(&reading).await.into_iter().map(Value::from).collect());
        out.line(&Value::Object(shown).to_string()).await
    }

    /// Sends a message through the live path again, and tells what became of it.
    pub(super) async fn replay_message(&self, sequence: u64, out: &Out) -> Result<(), String> {
        let kept = self.kept(sequence).await?;
        if kept.ending == Some(Ending::Applied) {
            return Err(format!("message {sequence} stands in the record already; there is nothing to replay"));
        }
        let inbox = self.inboxes.iter().find(|inbox| inbox.link_name() == kept.link).ok_or_else(|| {
            format!(
                "the message came over the link {}, which is not configured here; name its configuration with --config, or add \
                 the link again",
                kept.link
            )
        })?;
        inbox.replay(sequence).await;
        out.line(&Value::Object(sent(&kept, line(&self.kept(sequence).await?))).to_string()).await
    }

    /// A message, and what is kept beside it.
    pub(super) async fn message(&self, sequence: u64) -> Result<(Kept, Phi<Bytes>), String> {
        let kept = self.kept(sequence).await?;
        let raw = self.store.raw(sequence).await.map_err(down)?.ok_or_else(|| missing(sequence))?;
        Ok((kept, raw))
    }

    async fn kept(&self, sequence: u64) -> Result<Kept, String> {
        self.store.show(sequence).await.map_err(down)?.ok_or_else(|| missing(sequence))
    }

    /// The inbox of a link; of one that is configured no more, one that understands none of its identifiers.
    pub(super) fn inbox_of(&self, link: &str) -> Arc<Inbox> {
        let known = self.inboxes.iter().find(|inbox| inbox.link_name() == link).cloned();
        known.unwrap_or_else(|| {
            let link = Link::new(link, Uuid::nil());
            Arc::new(Inbox::new(link, Arc::new(hl7v2::Hl7v2), self.store.clone(), Arc::clone(&self.cx.records)))
        })
    }
}

fn wanted(state: &str) -> Result<Wanted, String> {
    match state {
        "applied" => Ok(Wanted::Ended(Ending::Applied)),
        "quarantined" => Ok(Wanted::Ended(Ending::Quarantined)),
        "refused" => Ok(Wanted::Ended(Ending::Refused)),
        "unfinished" => Ok(Wanted::Unfinished),
        _other => Err("--state is one of applied, quarantined, refused and unfinished".to_owned()),
    }
}

fn down(_: JournalDown) -> String {
    "the journal cannot be read; look at the log, then restore the data folder from a backup".to_owned()
}

fn missing(sequence: u64) -> String {
    format!("there is no message {sequence}; `sluice journal list` shows those that are kept")
}

/// What is kept of a message beside its content.
fn line(kept: &Kept) -> Map<String, Value> {
    let state = match kept.ending {
        None => "unfinished",
        Some(Ending::Applied) => "applied",
        Some(Ending::Quarantined) => "quarantined",
        Some(Ending::Refused) => "refused",
    };
    let mut line = Map::new();
    line.insert("sequence".to_owned(), json!(kept.sequence));
    line.insert("link".to_owned(), json!(kept.link));
    line.insert("received".to_owned(), json!(Instant::from_micros(kept.received_at_us).to_string()));
    line.insert("state".to_owned(), json!(state));
    line.insert("answered".to_owned(), json!(kept.told));
    if let Some(earlier) = kept.conflicts_with {
        line.insert("conflicts_with".to_owned(), json!(earlier));
    }
    line
}

/// And who sent it, under which number: by that a sender asks after it.
fn sent(kept: &Kept, mut line: Map<String, Value>) -> Map<String, Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some(key) = &kept.key {
        line.insert(
            "from".to_owned(),
            json!(format!("{}|{}", text(&key.sending_application), text(&key.sending_facility))),
        );
        line.insert("control_id".to_owned(), json!(text(&key.control_id)));
    }
    line
}

/// And what stands where: its segments, its valued elements with what becomes of each, and its defects.
fn structure(reading: &Reading, mut line: Map<String, Value>) -> Map<String, Value> {
    let Reading { verdict, defects, loss, .. } = reading;
    let mut segments: Vec<String> = Vec::new();
    for row in loss {
        let segment = bridge::Position { field: 0, repetition: 0, component: 0, subcomponent: 0, ..row.at }.to_string();
        if !segments.contains(&segment) {
            segments.push(segment);
        }
    }
    line.insert("verdict".to_owned(), json!(verdict.application_code()));
    line.insert("segments".to_owned(), json!(segments));
    line.insert("elements".to_owned(), loss.iter().map(element).collect());
    line.insert("defects".to_owned(), defects.iter().map(defect).collect());
    line
}

fn element(row: &Loss) -> Value {
    let mut shown = json!({ "at": row.at.to_string(), "kind": row.kind.word() });
    if let Some(to) = row.to {
        shown["to"] = json!(to);
    }
    shown
}

fn defect(found: &Defect) -> Value {
    let severity = match found.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    json!({ "at": found.at.to_string(), "code": found.code.number(), "severity": severity, "words": found.code.words() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::Adapter;
    use bridge::journal::Key;

    fn kept() -> Kept {
        let key = Key {
            sending_application: b"LAB".to_vec(),
            sending_facility: b"HOSP".to_vec(),
            control_id: b"C\n1".to_vec(),
            fingerprint: [0; 16],
        };
        Kept {
            sequence: 3,
            link: "lab".to_owned(),
            key: Some(key),
            received_at_us: 0,
            conflicts_with: Some(2),
            ending: Some(Ending::Quarantined),
            answer: None,
            told: true,
        }
    }

    #[test]
    fn a_line_says_what_became_of_a_message() {
        let golden = "{\"sequence\":3,\"link\":\"lab\",\"received\":\"1970-01-01T00:00:00.000Z\",\"state\":\"quarantined\",\
                      \"answered\":true,\"conflicts_with\":2,\"from\":\"LAB|HOSP\",\"control_id\":\"C\\n1\"}";
        assert_eq!(Value::Object(sent(&kept(), line(&kept()))).to_string(), golden);
    }

    #[test]
    fn a_shown_message_names_every_place_and_no_value() {
        let message = "MSH|^~\\&|SENDER|SITE|EHR|HOSP|20260102030405||ORU^R01^ORU_R01|CONTROL|P|2.5.1\r\
            PID|1||MRN77^^^HOSP^MR||DOE^JANE||19800101|F\r\
            OBR|1|P1|F1|2345-7^Glucose^LN|||20260102020000\r\
            OBX|1|NM|2345-7^Glucose^LN||1.50|mg/dL^^UCUM|||||F\r\
            OBX|2|ST|X^Odd^L||SECRETVALUE||||||F\r\
            ZZZ|OWNSECRET\r";
        let reading = hl7v2::Hl7v2.read(&Link::new("lab", Uuid::nil()), &Phi::new(message.as_bytes().into()));
        let shown = Value::Object(structure(&reading, line(&kept())));
        let text = shown.to_string();
        for value in
            ["SENDER", "CONTROL", "MRN77", "DOE", "JANE", "1980", "Glucose", "1.50", "SECRETVALUE", "OWNSECRET"]
        {
            assert!(!text.contains(value), "{value}: {text}");
        }
        assert_eq!(shown["segments"], json!(["MSH", "PID", "OBR", "OBX[1]", "OBX[2]", "ZZZ"]));
        for place in ["PID-3.1", "PID-5.1", "OBX[1]-5", "OBX[2]-5", "ZZZ-1"] {
            assert!(text.contains(&format!("\"{place}\"")), "{place}: {text}");
        }
    }

    #[test]
    fn a_state_that_is_none_is_refused_with_those_there_are() {
        let refused = wanted("lost").err();
        assert_eq!(refused.as_deref(), Some("--state is one of applied, quarantined, refused and unfinished"));
    }
}
