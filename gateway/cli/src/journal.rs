//! `sluice journal`: what was received, what became of it, and once more from the start.
//!
//! A running gateway holds its data folder alone, so these work while it is stopped. Listing shows no content; `show --raw`
//! does, to whoever may read the folder anyway.

use crate::args::{DataArgs, JournalCommand};
use crate::{config, data, out, serve};
use bridge::journal::{Ending, Journal, JournalDown, Kept, Wanted};
use fhir::Instant;
use serde_json::json;
use server::clock;
use std::path::Path;
use store::{Options, Store};

/// Messages read at once.
const BATCH: usize = 500;

/// Runs one command.
///
/// # Errors
/// One sentence.
pub(crate) async fn run(command: &JournalCommand) -> Result<(), String> {
    match command {
        JournalCommand::List { data, state } => list(data, state.as_deref()).await,
        JournalCommand::Show { data, raw: false, sequence } => {
            let kept = open(data).await?.show(*sequence).await.map_err(down)?.ok_or_else(|| missing(*sequence))?;
            out::line(&line(&kept))
        }
        JournalCommand::Show { data, raw: true, sequence } => {
            let raw = open(data).await?.raw(*sequence).await.map_err(down)?.ok_or_else(|| missing(*sequence))?;
            out::bytes(raw.expose())
        }
        JournalCommand::Replay { config, sequence } => replay(&config.config, *sequence).await,
    }
}

async fn open(data: &DataArgs) -> Result<Store, String> {
    Store::open(&data::of(data)?.folder, Options::new(clock::now())).await.map_err(|why| why.to_string())
}

async fn list(data: &DataArgs, state: Option<&str>) -> Result<(), String> {
    let wanted = state.map_or(Ok(Wanted::All), wanted)?;
    let store = open(data).await?;
    let mut after = 0;
    loop {
        let kept = store.list(wanted, after, BATCH).await.map_err(down)?;
        let Some(last) = kept.last() else { return Ok(()) };
        after = last.sequence;
        kept.iter().try_for_each(|kept| out::line(&line(kept)))?;
    }
}

/// Sends a message through the live path again, and shows what became of it.
async fn replay(path: &Path, sequence: u64) -> Result<(), String> {
    let config = config::load(path)?;
    let store = Store::open(&config.data, Options::new(clock::now())).await.map_err(|why| why.to_string())?;
    let kept = store.show(sequence).await.map_err(down)?.ok_or_else(|| missing(sequence))?;
    if kept.ending == Some(Ending::Applied) {
        return Err(format!("message {sequence} stands in the record already; there is nothing to replay"));
    }
    let inbox = serve::inbox(&config, &store, &kept.link)?;
    inbox.replay(sequence).await;
    let kept = store.show(sequence).await.map_err(down)?.ok_or_else(|| missing(sequence))?;
    out::line(&line(&kept))
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
    "the journal cannot be read; look at the log lines above, then restore the data folder from a backup".to_owned()
}

fn missing(sequence: u64) -> String {
    format!("there is no message {sequence}; `sluice journal list` shows those that are kept")
}

/// One message as a line of JSON, without its content.
fn line(kept: &Kept) -> String {
    let state = match kept.ending {
        None => "unfinished",
        Some(Ending::Applied) => "applied",
        Some(Ending::Quarantined) => "quarantined",
        Some(Ending::Refused) => "refused",
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = json!({
        "sequence": kept.sequence,
        "link": kept.link,
        "received": Instant::from_micros(kept.received_at_us).to_string(),
        "state": state,
        "answered": kept.told,
    });
    if let Some(key) = &kept.key {
        line["from"] = json!(format!("{}|{}", text(&key.sending_application), text(&key.sending_facility)));
        line["control_id"] = json!(text(&key.control_id));
    }
    if let Some(earlier) = kept.conflicts_with {
        line["conflicts_with"] = json!(earlier);
    }
    line.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::journal::Key;

    #[test]
    fn a_line_says_what_became_of_a_message() {
        let key = Key {
            sending_application: b"LAB".to_vec(),
            sending_facility: b"HOSP".to_vec(),
            control_id: b"C\n1".to_vec(),
            fingerprint: [0; 16],
        };
        let kept = Kept {
            sequence: 3,
            link: "lab".to_owned(),
            key: Some(key),
            received_at_us: 0,
            conflicts_with: Some(2),
            ending: Some(Ending::Quarantined),
            answer: None,
            told: true,
        };
        let golden = "{\"sequence\":3,\"link\":\"lab\",\"received\":\"1970-01-01T00:00:00.000Z\",\"state\":\"quarantined\",\
                      \"answered\":true,\"from\":\"LAB|HOSP\",\"control_id\":\"C\\n1\",\"conflicts_with\":2}";
        assert_eq!(line(&kept), golden);
    }

    #[test]
    fn a_state_that_is_none_is_refused_with_those_there_are() {
        let refused = wanted("lost").err();
        assert_eq!(refused.as_deref(), Some("--state is one of applied, quarantined, refused and unfinished"));
    }
}
