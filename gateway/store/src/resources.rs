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
use std::collections::HashMap;

/// Records of one transaction at most; each holds the writer for a moment.
pub const PUTS_MAX: usize = 10_000;

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

    /// The current versions of some records and their numbers, for whoever is about to change them, in the order asked;
    /// nothing for one that is not there.
    ///
    /// # Errors
    /// The disk's.
    pub async fn currents(
        &self,
        names: &[(ResourceType, Id)],
    ) -> Result<Vec<Option<(u64, Phi<Document>)>>, StoreError> {
        let sql = "SELECT j.key, r.version, r.bytes FROM json_each(?) j
            JOIN resource r ON r.kind = j.value ->> 0 AND r.id = j.value ->> 1 WHERE r.deleted = 0";
        let asked: Vec<[&str; 2]> = names.iter().map(|(kind, id)| [kind.as_str(), id.as_str()]).collect();
        let asked = serde_json::json!(asked).to_string();
        let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(sql).bind(asked).fetch_all(self.readers()).await?;
        let mut found: Vec<_> = names.iter().map(|_| None).collect();
        for (place, version, bytes) in rows {
            if let Some(found) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) {
                *found = Some((uint(version), Phi::new(column::document(bytes)?)));
            }
        }
        Ok(found)
    }

    /// The current version of one record and its number.
    ///
    /// # Errors
    /// The disk's.
    pub async fn current(&self, kind: ResourceType, id: &Id) -> Result<Option<(u64, Phi<Document>)>, StoreError> {
        Ok(self.currents(&[(kind, id.clone())]).await?.pop().flatten())
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
    let mut indexed: HashMap<i64, Indexed> = HashMap::with_capacity(ready.len());
    let mut left = ready.into_iter().peekable();
    while left.peek().is_some() {
        // Most of what a laboratory sends is new, and is written without a look at what is not there.
        let mut new = Vec::new();
        while new.len() < NEW_MAX
            && let Some(one) = left.next_if(|one| one.expected == Expected::Absent)
        {
            new.push(one);
        }
        let written = if new.is_empty() {
            let Some(one) = left.next() else { break };
            vec![put_one(connection, one, at).await?]
        } else {
            put_new(connection, new, at).await?
        };
        for (version, index) in written {
            versions.push(version);
            // A record that is put twice is found by what it was last.
            if let Some(index) = index {
                indexed.insert(index.row, index);
            }
        }
    }
    let mut indexed: Vec<Indexed> = indexed.into_values().collect();
    indexed.sort_by_key(|index| index.row);
    insert_columns(connection, &indexed).await?;
    Ok(versions)
}

/// First versions of one statement at most.
const NEW_MAX: usize = 32;

/// Writes first versions, all by one statement: each is a hop to the thread of the database and back, which costs more
/// than what it writes.
async fn put_new(
    connection: &mut SqliteConnection,
    new: Vec<Ready>,
    at: Instant,
) -> Result<Vec<(Version, Option<Indexed>)>, StoreError> {
    let values = vec!["(?, ?, 1, ?, ?)"; new.len()].join(", ");
    let sql = format!(
        "INSERT INTO resource (kind, id, version, updated, bytes) VALUES {values}
        ON CONFLICT (kind, id) DO NOTHING RETURNING kind, id, row"
    );
    let mut insert = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for Ready { kind, id, prepared, .. } in &new {
        let stored = prepared.stored(id, 1, at);
        insert = insert.bind(kind.as_str()).bind(id.as_str().to_owned()).bind(at.micros()).bind(stored);
    }
    let rows: Vec<(String, String, i64)> = insert.fetch_all(&mut *connection).await?;
    let mut rows: HashMap<(String, String), i64> = rows.into_iter().map(|(kind, id, row)| ((kind, id), row)).collect();
    let mut written = Vec::with_capacity(new.len());
    for one in new {
        let key = (one.kind.as_str().to_owned(), one.id.as_str().to_owned());
        written.push(match rows.remove(&key) {
            Some(row) => {
                let Ready { kind, id, prepared, .. } = one;
                let index = Indexed { row, kind, columns: prepared.columns };
                (Version { kind, id, version: 1, updated: at, new: true }, Some(index))
            }
            // A row stands there already, deleted or not.
            None => put_one(connection, one, at).await?,
        });
    }
    Ok(written)
}

/// A row whose columns are still to be written.
struct Indexed {
    row: i64,
    kind: ResourceType,
    columns: Columns,
}

/// What stands in the table now.
type Standing = (i64, i64, i64, bool, Vec<u8>);

async fn put_one(
    connection: &mut SqliteConnection,
    put: Ready,
    at: Instant,
) -> Result<(Version, Option<Indexed>), StoreError> {
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
        let row = insert(connection, kind, &id, &prepared, at).await?.ok_or(StoreError::Stale)?;
        let index = Indexed { row, kind, columns: prepared.columns };
        return Ok((Version { kind, id, version: 1, updated: at, new: true }, Some(index)));
    };
    let last = Instant::from_micros(updated);
    if !deleted && prepared.stored(&id, uint(version), last) == bytes {
        return Ok((Version { kind, id, version: uint(version), updated: last, new: false }, None));
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
    let index = Indexed { row, kind, columns: prepared.columns };
    Ok((Version { kind, id, version: uint(number), updated, new: true }, Some(index)))
}

/// Writes a first version; nothing where a row stands already, deleted or not.
async fn insert(
    connection: &mut SqliteConnection,
    kind: ResourceType,
    id: &Id,
    prepared: &Prepared,
    at: Instant,
) -> Result<Option<i64>, StoreError> {
    let sql = "INSERT INTO resource (kind, id, version, updated, bytes) VALUES (?, ?, 1, ?, ?)
        ON CONFLICT (kind, id) DO NOTHING RETURNING row";
    let new = sqlx::query_scalar(sql).bind(kind.as_str()).bind(id.as_str()).bind(at.micros());
    Ok(new.bind(prepared.stored(id, 1, at)).fetch_optional(connection).await?)
}

const DELETE_COLUMNS: &str = "
    DELETE FROM subject WHERE row = ?1;
    DELETE FROM token WHERE row = ?1;
    DELETE FROM text WHERE row = ?1;
    DELETE FROM date WHERE row = ?1;
    DELETE FROM reference WHERE row = ?1;
    DELETE FROM link WHERE row = ?1;
    DELETE FROM label WHERE row = ?1";

/// A statement that writes one table of the search index: each line under each patient of its row, or under 0 when the row
/// has none of its own.
macro_rules! index_lines {
    ($table:literal, $columns:literal, $values:literal) => {
        concat!(
            "INSERT OR IGNORE INTO ",
            $table,
            " (patient, ",
            $columns,
            ", row)
                SELECT coalesce(s.patient, 0), ",
            $values,
            ", j.value ->> 0
                FROM json_each(?) j LEFT JOIN subject s ON s.row = j.value ->> 0
                WHERE s.patient IS NOT NULL OR NOT j.value ->> 1;"
        )
    };
}

/// A statement a table, each with one list: of rows' columns, each line begun with its row and whether that has a patient of
/// its own. All go to the database at once.
const INSERTS: &str = concat!(
    "INSERT OR IGNORE INTO patient (id)
        SELECT j.value ->> 3 FROM json_each(?) j;
    INSERT OR IGNORE INTO subject (patient, kind, row)
        SELECT p.number, j.value ->> 2, j.value ->> 0
        FROM json_each(?) j CROSS JOIN patient p ON p.id = j.value ->> 3;",
    index_lines!("token", "param, code, system", "j.value ->> 2, j.value ->> 3, j.value ->> 4"),
    index_lines!("text", "param, folded, exact", "j.value ->> 2, j.value ->> 3, j.value ->> 4"),
    index_lines!("date", "param, low, high", "j.value ->> 2, j.value ->> 3, j.value ->> 4"),
    index_lines!("reference", "param, kind, id", "j.value ->> 2, j.value ->> 3, j.value ->> 4"),
    index_lines!("link", "kind, id", "j.value ->> 2, j.value ->> 3"),
    "INSERT OR IGNORE INTO label (row, code)
        SELECT j.value ->> 0, j.value ->> 2 FROM json_each(?) j",
);

/// Rows of one statement at most, so that its lists stay short.
const ROWS_MAX: usize = 200;

async fn insert_columns(connection: &mut SqliteConnection, indexed: &[Indexed]) -> Result<(), StoreError> {
    for some in indexed.chunks(ROWS_MAX) {
        let patients = list(some, |columns| &columns.patients, Indexed::with_kind);
        let of = |table: fn(&Columns) -> &[String]| list(some, table, Indexed::plain);
        let insert = sqlx::query(INSERTS).bind(&patients).bind(&patients);
        let insert = insert.bind(of(|columns| &columns.tokens)).bind(of(|columns| &columns.texts));
        let insert = insert.bind(of(|columns| &columns.dates)).bind(of(|columns| &columns.references));
        let insert = insert.bind(of(|columns| &columns.links)).bind(of(|columns| &columns.labels));
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The lines of one table for these rows, each behind what its row begins with.
fn list(rows: &[Indexed], table: fn(&Columns) -> &[String], begin: fn(&Indexed) -> String) -> String {
    let mut list = String::from("[");
    for row in rows {
        let begin = begin(row);
        for line in table(&row.columns) {
            if list.len() > 1 {
                list.push(',');
            }
            list.extend(["[", begin.as_str(), ",", line, "]"]);
        }
    }
    list + "]"
}

impl Indexed {
    /// Its row, and whether that has a patient of its own.
    fn plain(&self) -> String {
        format!("{},{}", self.row, u8::from(!self.columns.patients.is_empty()))
    }

    /// The same and its type, whose name needs no escape.
    fn with_kind(&self) -> String {
        format!(r#"{},"{}""#, self.plain(), self.kind)
    }
}
