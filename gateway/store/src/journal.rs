//! The journal: every message exactly as it came, durable before anything is promised, and what became of it.

use crate::column::{sealed, unsealed};
use crate::error::StoreError;
use crate::open::Store;
use crate::sqlite::{int, uint};
use bridge::journal::{Answer, Appended, Ending, Entry, Journal, JournalDown, Kept, Key, Mark, Wanted};
use bytes::Bytes;
use privacy::Phi;
use privacy::faults::{self, Point};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{FromRow, Row};

/// Messages listed at once at most.
const LISTED_MAX: usize = 1000;

const KEPT: &str = "SELECT sequence, link, sending_application, sending_facility, control_id, fingerprint, received,
    conflicts_with, ending, answered, answer_now, answer_later, told FROM journal";

impl Journal for Store {
    async fn append(&self, entry: Entry) -> Result<Appended, JournalDown> {
        let raw = sealed(&entry.raw);
        let line = Line { link: entry.link, key: entry.key, received_us: entry.received_at_us, raw };
        self.writer().write(move |connection| Box::pin(append(connection, line))).await.map_err(down)
    }

    async fn mark(&self, sequence: u64, mark: Mark) -> Result<(), JournalDown> {
        let work =
            self.writer().write(move |connection| Box::pin(async move { set(connection, sequence, mark).await }));
        work.await.map_err(down)
    }

    async fn show(&self, sequence: u64) -> Result<Option<Kept>, JournalDown> {
        let sql = sqlx::AssertSqlSafe(format!("{KEPT} WHERE sequence = ?"));
        let found: Option<Record> =
            sqlx::query_as(sql).bind(int(sequence)).fetch_optional(self.readers()).await.map_err(broken)?;
        Ok(found.map(|record| record.0))
    }

    async fn raw(&self, sequence: u64) -> Result<Option<Phi<Bytes>>, JournalDown> {
        let asked = sqlx::query_scalar("SELECT raw FROM journal WHERE sequence = ?").bind(int(sequence));
        let raw: Option<Vec<u8>> = asked.fetch_optional(self.readers()).await.map_err(broken)?;
        raw.map(|raw| unsealed(raw).map(Phi::new)).transpose().map_err(down)
    }

    async fn list(&self, wanted: Wanted, after: u64, limit: usize) -> Result<Vec<Kept>, JournalDown> {
        let (which, ending) = match wanted {
            Wanted::All => ("", None),
            Wanted::Unfinished => ("AND ending IS NULL", None),
            Wanted::Ended(ending) => ("AND ending = ?3", Some(word(ending))),
        };
        let sql = sqlx::AssertSqlSafe(format!("{KEPT} WHERE sequence > ?1 {which} ORDER BY sequence LIMIT ?2"));
        let asked = sqlx::query_as(sql).bind(int(after)).bind(int(limit.min(LISTED_MAX) as u64)).bind(ending);
        let found: Vec<Record> = asked.fetch_all(self.readers()).await.map_err(broken)?;
        Ok(found.into_iter().map(|record| record.0).collect())
    }
}

fn broken(error: sqlx::Error) -> JournalDown {
    down(error.into())
}

fn down(error: StoreError) -> JournalDown {
    tracing::error!(%error, "the journal cannot be used");
    JournalDown
}

/// A message to be appended.
struct Line {
    link: String,
    key: Option<Key>,
    received_us: i64,
    raw: Vec<u8>,
}

/// What is known of a message with the same key: the one with the same content, else the newest.
type Earlier = (i64, Vec<u8>, bool, Option<Vec<u8>>, Option<Vec<u8>>);

async fn append(connection: &mut SqliteConnection, line: Line) -> Result<Appended, StoreError> {
    let mut conflicts_with = None;
    if let Some(key) = &line.key {
        let sql = "SELECT sequence, fingerprint, answered <> 0, answer_now, answer_later FROM journal
            WHERE sequence = coalesce(
                (SELECT max(sequence) FROM journal WHERE link = ?1 AND fingerprint = ?5
                    AND control_id = ?2 AND sending_application = ?3 AND sending_facility = ?4),
                (SELECT max(sequence) FROM journal WHERE link = ?1
                    AND control_id = ?2 AND sending_application = ?3 AND sending_facility = ?4))";
        let asked = sqlx::query_as(sql).bind(&line.link).bind(&key.control_id).bind(&key.sending_application);
        let asked = asked.bind(&key.sending_facility).bind(key.fingerprint.as_slice());
        let earlier: Option<Earlier> = asked.fetch_optional(&mut *connection).await?;
        match earlier {
            Some((sequence, fingerprint, answered, now, later)) if fingerprint == key.fingerprint => {
                let answer = answered.then_some(Answer { now, later });
                return Ok(Appended::Duplicate { sequence: uint(sequence), answer });
            }
            Some((sequence, ..)) => conflicts_with = Some(sequence),
            None => {}
        }
    }
    let sql = "INSERT INTO journal (link, sending_application, sending_facility, control_id, fingerprint, received,
        conflicts_with, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING sequence";
    let key = line.key.as_ref();
    let sequence: i64 = sqlx::query_scalar(sql)
        .bind(&line.link)
        .bind(key.map(|key| key.sending_application.as_slice()))
        .bind(key.map(|key| key.sending_facility.as_slice()))
        .bind(key.map(|key| key.control_id.as_slice()))
        .bind(key.map(|key| key.fingerprint.as_slice()))
        .bind(line.received_us)
        .bind(conflicts_with)
        .bind(line.raw)
        .fetch_one(connection)
        .await?;
    faults::pass(Point::MidJournal);
    let sequence = uint(sequence);
    Ok(match conflicts_with {
        Some(earlier) => Appended::Conflict { sequence, earlier: uint(earlier) },
        None => Appended::New { sequence },
    })
}

/// Writes what has become of a message, within the writer's transaction.
pub(crate) async fn set(connection: &mut SqliteConnection, sequence: u64, mark: Mark) -> Result<(), StoreError> {
    let row = int(sequence);
    let (ending, answer) = match mark {
        Mark::Promised(answer) => (None, Some(answer)),
        Mark::Ended(ending, answer) => (Some(word(ending)), answer),
        Mark::Told => {
            let told =
                sqlx::query("UPDATE journal SET told = 1 WHERE sequence = ?").bind(row).execute(connection).await?;
            return if told.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NoSuchMessage) };
        }
    };
    // An answer that is settled stays: its sender may have been told.
    let sql = "UPDATE journal SET ending = coalesce(?2, ending),
        answer_now = CASE WHEN ?3 AND NOT answered THEN ?4 ELSE answer_now END,
        answer_later = CASE WHEN ?3 AND NOT answered THEN ?5 ELSE answer_later END,
        answered = answered OR ?3 WHERE sequence = ?1";
    let given = answer.is_some();
    let Answer { now, later } = answer.unwrap_or_default();
    let write = sqlx::query(sql).bind(row).bind(ending).bind(given).bind(now).bind(later);
    let written = write.execute(connection).await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NoSuchMessage) }
}

fn word(ending: Ending) -> &'static str {
    match ending {
        Ending::Applied => "applied",
        Ending::Quarantined => "quarantined",
        Ending::Refused => "refused",
    }
}

/// One message as it is read.
struct Record(Kept);

impl<'r> FromRow<'r, SqliteRow> for Record {
    fn from_row(row: &'r SqliteRow) -> Result<Record, sqlx::Error> {
        let control_id: Option<Vec<u8>> = row.try_get("control_id")?;
        let fingerprint: Option<Vec<u8>> = row.try_get("fingerprint")?;
        let key = match (control_id, fingerprint.and_then(|bytes| bytes.try_into().ok())) {
            (Some(control_id), Some(fingerprint)) => Some(Key {
                sending_application: row.try_get("sending_application")?,
                sending_facility: row.try_get("sending_facility")?,
                control_id,
                fingerprint,
            }),
            (_, None) | (None, _) => None,
        };
        let ending: Option<String> = row.try_get("ending")?;
        let ending = ending.and_then(|ending| {
            [Ending::Applied, Ending::Quarantined, Ending::Refused].into_iter().find(|known| word(*known) == ending)
        });
        let answered: bool = row.try_get("answered")?;
        let answer = Answer { now: row.try_get("answer_now")?, later: row.try_get("answer_later")? };
        let conflicts_with: Option<i64> = row.try_get("conflicts_with")?;
        Ok(Record(Kept {
            sequence: uint(row.try_get("sequence")?),
            link: row.try_get("link")?,
            key,
            received_at_us: row.try_get("received")?,
            conflicts_with: conflicts_with.map(uint),
            ending,
            answer: answered.then_some(answer),
            told: row.try_get("told")?,
        }))
    }
}
