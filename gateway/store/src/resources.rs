//! The records: writing new versions with their columns, and reading one by its id.

use crate::column::{self, Columns, Prepared, prepare};
use crate::error::StoreError;
use crate::open::Store;
use crate::sqlite::uint;
use bytes::Bytes;
use fhir::{Id, Instant, ResourceType};
use json::Document;
use privacy::Phi;
use sqlx::sqlite::SqliteConnection;

/// Records of one transaction at most; each holds the writer for a moment.
const PUTS_MAX: usize = 10_000;

/// One record to be written as the current version.
pub struct Put {
    /// Its type.
    pub kind: ResourceType,
    /// Its id.
    pub id: Id,
    /// The whole resource. Version and time are the store's to set; every other byte stays.
    pub content: Phi<Bytes>,
    /// How the record must stand for this to be written.
    pub expected: Expected,
    /// Whether the versions before this one are never to be shown again.
    pub withhold_earlier: bool,
}

impl Put {
    /// A record to be written however the one before it stands.
    pub fn new(kind: ResourceType, id: Id, content: Phi<Bytes>) -> Put {
        Put { kind, id, content, expected: Expected::Any, withhold_earlier: false }
    }
}

/// How a record must stand for a new version to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// In any way.
    Any,
    /// Not there.
    Absent,
    /// At this version.
    Version(u64),
}

/// The version that a record has after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The type.
    pub kind: ResourceType,
    /// The id.
    pub id: Id,
    /// `meta.versionId`, from 1 on.
    pub version: u64,
    /// `meta.lastUpdated`.
    pub updated: Instant,
    /// Whether it is new; content that was there already makes no new version.
    pub new: bool,
}

impl Store {
    /// Writes records as their current versions, all of them or none, at this time; on return they are durable.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] for what is no resource of its type and id, [`StoreError::Stale`] where a record does not
    /// stand as expected, and the disk's.
    pub async fn put(&self, puts: Vec<Put>, at: Instant) -> Result<Vec<Version>, StoreError> {
        let ready = ready(&puts)?;
        self.writer().write(move |connection| Box::pin(async move { put_all(connection, ready, at).await })).await
    }

    /// The current version of a record and its number, for whoever is about to change it.
    ///
    /// # Errors
    /// The disk's.
    pub async fn current(&self, kind: ResourceType, id: &Id) -> Result<Option<(u64, Phi<Document>)>, StoreError> {
        let sql = "SELECT version, bytes FROM resource WHERE kind = ? AND id = ? AND deleted = 0";
        let found: Option<(i64, Vec<u8>)> =
            sqlx::query_as(sql).bind(kind.as_str()).bind(id.as_str()).fetch_optional(self.readers()).await?;
        found.map(|(version, bytes)| Ok((uint(version), Phi::new(column::document(bytes)?)))).transpose()
    }

    /// How many records of a type there are, whosever they are: for start and operation, never for an answer.
    ///
    /// # Errors
    /// The disk's.
    pub async fn count(&self, kind: ResourceType) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM resource WHERE kind = ? AND deleted = 0";
        let count: i64 = sqlx::query_scalar(sql).bind(kind.as_str()).fetch_one(self.readers()).await?;
        Ok(uint(count))
    }
}

/// A put that was checked and needs only its turn.
pub(crate) struct Ready {
    kind: ResourceType,
    id: Id,
    prepared: Prepared,
    expected: Expected,
    withhold_earlier: bool,
}

/// Checks puts before the writer's turn.
pub(crate) fn ready(puts: &[Put]) -> Result<Vec<Ready>, StoreError> {
    if puts.len() > PUTS_MAX {
        return Err(StoreError::Unfit(format!("more than {PUTS_MAX} records at once")));
    }
    let one = |put: &Put| {
        let prepared = prepare(put.kind, &put.id, &put.content)?;
        let Put { kind, expected, withhold_earlier, .. } = *put;
        Ok(Ready { kind, id: put.id.clone(), prepared, expected, withhold_earlier })
    };
    puts.iter().map(one).collect()
}

/// Writes records within the writer's transaction.
pub(crate) async fn put_all(
    connection: &mut SqliteConnection,
    ready: Vec<Ready>,
    at: Instant,
) -> Result<Vec<Version>, StoreError> {
    // What is searched is what is written, and that has milliseconds.
    let at = Instant::from_micros(at.micros().div_euclid(1000) * 1000);
    let mut versions = Vec::with_capacity(ready.len());
    for one in ready {
        versions.push(put_one(connection, one, at).await?);
    }
    Ok(versions)
}

/// What stands in the table now.
type Standing = (i64, i64, i64, bool, Vec<u8>);

async fn put_one(connection: &mut SqliteConnection, put: Ready, at: Instant) -> Result<Version, StoreError> {
    let Ready { kind, id, prepared, expected, withhold_earlier } = put;
    let sql = "SELECT row, version, updated, deleted <> 0, bytes FROM resource WHERE kind = ? AND id = ?";
    let before: Option<Standing> =
        sqlx::query_as(sql).bind(kind.as_str()).bind(id.as_str()).fetch_optional(&mut *connection).await?;
    let there = before.as_ref().filter(|(_, _, _, deleted, _)| !deleted);
    let as_expected = match (expected, there) {
        (Expected::Any, _) | (Expected::Absent, None) => true,
        (Expected::Version(wanted), Some((_, version, ..))) => wanted == uint(*version),
        (Expected::Absent, Some(_)) | (Expected::Version(_), None) => false,
    };
    if !as_expected {
        return Err(StoreError::Stale);
    }
    if withhold_earlier {
        let sql = "UPDATE history SET withheld = 1 WHERE kind = ? AND id = ?";
        sqlx::query(sql).bind(kind.as_str()).bind(id.as_str()).execute(&mut *connection).await?;
    }
    let Some((row, version, updated, deleted, bytes)) = before else {
        let stored = prepared.stored(&id, 1, at);
        let sql = "INSERT INTO resource (kind, id, version, updated, bytes) VALUES (?, ?, 1, ?, ?) RETURNING row";
        let new = sqlx::query_scalar(sql).bind(kind.as_str()).bind(id.as_str()).bind(at.micros()).bind(stored);
        let row: i64 = new.fetch_one(&mut *connection).await?;
        insert_columns(connection, row, kind, &prepared.columns).await?;
        return Ok(Version { kind, id, version: 1, updated: at, new: true });
    };
    let last = Instant::from_micros(updated);
    if !deleted && prepared.stored(&id, uint(version), last) == bytes {
        return Ok(Version { kind, id, version: uint(version), updated: last, new: false });
    }
    // A clock that was set back does not make a record older than it was.
    let (number, updated) = (version + 1, at.max(last));
    let keep = "INSERT INTO history (kind, id, version, updated, deleted, withheld, bytes) \
        SELECT kind, id, version, updated, deleted, ?, bytes FROM resource WHERE row = ?";
    sqlx::query(keep).bind(withhold_earlier).bind(row).execute(&mut *connection).await?;
    let stored = prepared.stored(&id, uint(number), updated);
    let write = "UPDATE resource SET version = ?, updated = ?, deleted = 0, bytes = ? WHERE row = ?";
    let write = sqlx::query(write).bind(number).bind(updated.micros()).bind(stored).bind(row);
    write.execute(&mut *connection).await?;
    sqlx::query(DELETE_COLUMNS).bind(row).execute(&mut *connection).await?;
    insert_columns(connection, row, kind, &prepared.columns).await?;
    Ok(Version { kind, id, version: uint(number), updated, new: true })
}

const DELETE_COLUMNS: &str = "
    DELETE FROM subject WHERE row = ?1;
    DELETE FROM token WHERE row = ?1;
    DELETE FROM text WHERE row = ?1;
    DELETE FROM date WHERE row = ?1;
    DELETE FROM reference WHERE row = ?1;
    DELETE FROM link WHERE row = ?1;
    DELETE FROM label WHERE row = ?1";

/// `whose` gives the numbers of the record's patients, or 0 when it has none of its own.
const INSERT_PATIENTS: &str = "INSERT OR IGNORE INTO patient (id) SELECT value FROM json_each(?1)";
const INSERT_SUBJECTS: &str = "
    INSERT OR IGNORE INTO subject (patient, kind, row)
        SELECT p.number, ?2, ?1 FROM json_each(?3) j JOIN patient p ON p.id = j.value";
const INSERT_TOKENS: &str = "
    WITH whose(patient) AS (SELECT patient FROM subject WHERE row = ?1 UNION ALL SELECT 0 WHERE ?2 = '[]')
    INSERT OR IGNORE INTO token (patient, param, code, system, row)
        SELECT whose.patient, j.value ->> 0, j.value ->> 1, j.value ->> 2, ?1 FROM json_each(?3) j, whose";
const INSERT_TEXTS: &str = "
    WITH whose(patient) AS (SELECT patient FROM subject WHERE row = ?1 UNION ALL SELECT 0 WHERE ?2 = '[]')
    INSERT OR IGNORE INTO text (patient, param, folded, exact, row)
        SELECT whose.patient, j.value ->> 0, j.value ->> 1, j.value ->> 2, ?1 FROM json_each(?3) j, whose";
const INSERT_DATES: &str = "
    WITH whose(patient) AS (SELECT patient FROM subject WHERE row = ?1 UNION ALL SELECT 0 WHERE ?2 = '[]')
    INSERT OR IGNORE INTO date (patient, param, low, high, row)
        SELECT whose.patient, j.value ->> 0, j.value ->> 1, j.value ->> 2, ?1 FROM json_each(?3) j, whose";
const INSERT_REFERENCES: &str = "
    WITH whose(patient) AS (SELECT patient FROM subject WHERE row = ?1 UNION ALL SELECT 0 WHERE ?2 = '[]')
    INSERT OR IGNORE INTO reference (patient, param, kind, id, row)
        SELECT whose.patient, j.value ->> 0, j.value ->> 1, j.value ->> 2, ?1 FROM json_each(?3) j, whose";
const INSERT_LINKS: &str = "
    WITH whose(patient) AS (SELECT patient FROM subject WHERE row = ?1 UNION ALL SELECT 0 WHERE ?2 = '[]')
    INSERT OR IGNORE INTO link (patient, kind, id, row)
        SELECT whose.patient, j.value ->> 0, j.value ->> 1, ?1 FROM json_each(?3) j, whose";
const INSERT_LABELS: &str = "INSERT OR IGNORE INTO label (row, code) SELECT ?1, value FROM json_each(?2)";

/// One statement a table: several in one text would each be given the same parameters by place, not by number.
async fn insert_columns(
    connection: &mut SqliteConnection,
    row: i64,
    kind: ResourceType,
    columns: &Columns,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_PATIENTS).bind(&columns.patients).execute(&mut *connection).await?;
    let subjects = sqlx::query(INSERT_SUBJECTS).bind(row).bind(kind.as_str()).bind(&columns.patients);
    subjects.execute(&mut *connection).await?;
    for (statement, column) in [
        (INSERT_TOKENS, &columns.tokens),
        (INSERT_TEXTS, &columns.texts),
        (INSERT_DATES, &columns.dates),
        (INSERT_REFERENCES, &columns.references),
        (INSERT_LINKS, &columns.links),
    ] {
        if column != "[]" {
            let insert = sqlx::query(statement).bind(row).bind(&columns.patients).bind(column);
            insert.execute(&mut *connection).await?;
        }
    }
    sqlx::query(INSERT_LABELS).bind(row).bind(&columns.labels).execute(&mut *connection).await?;
    Ok(())
}
