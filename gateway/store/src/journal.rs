//! Messages received: kept before anything is promised, and applied in one step with what becomes of them.

use crate::resources::put_one;
use crate::{Store, StoreError};
use bridge::correction::Standing;
use bridge::{OrderNumber, Role};
use bridge::journal::{Answer, Appended, Ending, Entry, Journal, JournalDown, Kept, Key, Mark, Wanted};
use bytes::Bytes;
use fhir::Instant;
use json::Document;
use privacy::Phi;
use sqlx::{Connection, Row, SqliteConnection};

/// What a legacy key stands for.
#[derive(Clone)]
pub struct Known {
    /// The business key.
    pub key: String,
    /// The resource's type.
    pub kind: String,
    /// The resource's id.
    pub id: String,
    /// Where it stands in its own history.
    pub standing: Standing,
    /// The results that belong to it.
    pub members: Vec<String>,
}

/// Whose order a number is.
#[derive(Clone)]
pub struct OrderOwner {
    /// The number.
    pub number: OrderNumber,
    /// The patient's id.
    pub patient: String,
}

/// All that applying one message writes, in one step.
#[derive(Default)]
pub struct Write {
    /// The resources, whole.
    pub resources: Vec<Phi<Document>>,
    /// Older versions of these are no longer kept: they were about the wrong person.
    pub forget_older: Vec<(String, String)>,
    /// What keys stand for now.
    pub known: Vec<Known>,
    /// Whose orders the numbers are.
    pub orders: Vec<OrderOwner>,
}

impl Store {
    /// Applies a message: resources, keys, orders and its own ending, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of it is kept.
    pub async fn apply(
        &self,
        sequence: u64,
        link: &str,
        write: &Write,
        ending: Ending,
        answer: Option<&Answer>,
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        for resource in &write.resources {
            put_one(&mut transaction, resource.expose(), now).await?;
        }
        for (kind, id) in &write.forget_older {
            sqlx::query("DELETE FROM history WHERE kind = ?1 AND id = ?2")
                .bind(kind)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        for known in &write.known {
            sqlx::query(
                "INSERT INTO crosswalk (link, key, kind, id, standing, members) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (link, key) DO UPDATE SET standing = excluded.standing, members = excluded.members",
            )
            .bind(link)
            .bind(&known.key)
            .bind(&known.kind)
            .bind(&known.id)
            .bind(json(&known.standing)?)
            .bind(json(&known.members)?)
            .execute(&mut *transaction)
            .await?;
        }
        for order in &write.orders {
            sqlx::query("INSERT OR IGNORE INTO order_owner (link, role, authority, value, patient) VALUES (?1, ?2, ?3, ?4, ?5)")
                .bind(link)
                .bind(role(order.number.role))
                .bind(&order.number.authority)
                .bind(&order.number.value)
                .bind(&order.patient)
                .execute(&mut *transaction)
                .await?;
        }
        mark(&mut transaction, sequence, &Mark::Ended(ending, answer.cloned())).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What a key stands for on a link.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn known(&self, link: &str, key: &str) -> Result<Option<Known>, StoreError> {
        let row = sqlx::query("SELECT kind, id, standing, members FROM crosswalk WHERE link = ?1 AND key = ?2")
            .bind(link)
            .bind(key)
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (standing, members): (String, String) = (row.get(2), row.get(3));
        let standing = serde_json::from_str(&standing).map_err(unreadable)?;
        let members = serde_json::from_str(&members).map_err(unreadable)?;
        Ok(Some(Known { key: key.to_owned(), kind: row.get(0), id: row.get(1), standing, members }))
    }

    /// Whose order a number is, as far as this link has told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_owner(&self, link: &str, number: &OrderNumber) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT patient FROM order_owner WHERE link = ?1 AND role = ?2 AND authority = ?3 AND value = ?4",
        )
        .bind(link)
        .bind(role(number.role))
        .bind(&number.authority)
        .bind(&number.value)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// The patients that have this identifier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn patients_identified(&self, system: &str, value: &str) -> Result<Vec<Phi<Document>>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.bytes FROM identifier i JOIN resource r ON r.kind = 'Patient' AND r.id = i.patient
             WHERE i.system = ?1 AND i.value = ?2 ORDER BY r.id LIMIT 10",
        )
        .bind(system)
        .bind(value)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| crate::resources::document(row.get(0)).map(Phi::new)).collect()
    }

    async fn append_one(&self, entry: Entry) -> Result<Appended, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        let key = entry.key.as_ref().map(bytes_of);
        let mut earlier = None;
        if let (Some(bytes), Some(key)) = (&key, &entry.key) {
            let row = sqlx::query(
                "SELECT sequence, fingerprint, answer FROM message WHERE link = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1",
            )
            .bind(&entry.link)
            .bind(bytes)
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(row) = row {
                let sequence = row.get::<i64, _>(0).cast_unsigned();
                if row.get::<Vec<u8>, _>(1) == key.fingerprint {
                    let answer: Option<String> = row.get(2);
                    let answer = answer.map(|json| serde_json::from_str(&json).map_err(unreadable)).transpose()?;
                    return Ok(Appended::Duplicate { sequence, answer });
                }
                earlier = Some(sequence);
            }
        }
        let done = sqlx::query(
            "INSERT INTO message (link, key, fingerprint, key_json, received_us, raw, conflicts_with)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(&entry.link)
        .bind(key)
        .bind(entry.key.as_ref().map(|key| key.fingerprint.to_vec()))
        .bind(entry.key.as_ref().map(json).transpose()?)
        .bind(entry.received_at_us)
        .bind(entry.raw.expose().to_vec())
        .bind(earlier.map(u64::cast_signed))
        .execute(&mut *transaction)
        .await?;
        let sequence = done.last_insert_rowid().cast_unsigned();
        transaction.commit().await?;
        Ok(match earlier {
            Some(earlier) => Appended::Conflict { sequence, earlier },
            None => Appended::New { sequence },
        })
    }

    async fn kept(&self, wanted: Wanted, after: u64, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = match wanted {
            Wanted::All => sqlx::query("SELECT sequence, link, key_json, received_us, conflicts_with, ending, answer, told
                 FROM message WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"),
            Wanted::Unfinished => sqlx::query("SELECT sequence, link, key_json, received_us, conflicts_with, ending, answer, told
                 FROM message WHERE sequence > ?1 AND ending IS NULL ORDER BY sequence LIMIT ?2"),
            Wanted::Ended(_) => sqlx::query("SELECT sequence, link, key_json, received_us, conflicts_with, ending, answer, told
                 FROM message WHERE sequence > ?1 AND ending = ?3 ORDER BY sequence LIMIT ?2"),
        };
        let rows = rows.bind(after.cast_signed()).bind(limit);
        let rows = match wanted {
            Wanted::Ended(ending) => rows.bind(json(&ending)?),
            Wanted::All | Wanted::Unfinished => rows,
        };
        rows.fetch_all(&self.readers).await?.iter().map(kept).collect()
    }
}

impl Journal for Store {
    async fn append(&self, entry: Entry) -> Result<Appended, JournalDown> {
        self.append_one(entry).await.map_err(down)
    }

    async fn mark(&self, sequence: u64, what: Mark) -> Result<(), JournalDown> {
        let mut writer = self.writer.lock().await;
        mark(&mut writer, sequence, &what).await.map_err(down)
    }

    async fn show(&self, sequence: u64) -> Result<Option<Kept>, JournalDown> {
        let found = self.kept(Wanted::All, sequence.saturating_sub(1), 1).await.map_err(down)?;
        Ok(found.into_iter().find(|kept| kept.sequence == sequence))
    }

    async fn raw(&self, sequence: u64) -> Result<Option<Phi<Bytes>>, JournalDown> {
        let row = sqlx::query("SELECT raw FROM message WHERE sequence = ?1")
            .bind(sequence.cast_signed())
            .fetch_optional(&self.readers)
            .await
            .map_err(|why| down(why.into()))?;
        Ok(row.map(|row| Phi::new(Bytes::from(row.get::<Vec<u8>, _>(0)))))
    }

    async fn list(&self, wanted: Wanted, after: u64, limit: usize) -> Result<Vec<Kept>, JournalDown> {
        self.kept(wanted, after, limit).await.map_err(down)
    }
}

fn down(why: StoreError) -> JournalDown {
    tracing::error!(alarm = "journal", %why, "the journal cannot be used");
    JournalDown
}

async fn mark(writer: &mut SqliteConnection, sequence: u64, what: &Mark) -> Result<(), StoreError> {
    let sequence = sequence.cast_signed();
    match what {
        Mark::Promised(answer) => {
            sqlx::query("UPDATE message SET answer = ?2 WHERE sequence = ?1").bind(sequence).bind(json(answer)?)
        }
        Mark::Ended(ending, Some(answer)) => {
            sqlx::query("UPDATE message SET ending = ?2, answer = ?3 WHERE sequence = ?1")
                .bind(sequence)
                .bind(json(ending)?)
                .bind(json(answer)?)
        }
        Mark::Ended(ending, None) => {
            sqlx::query("UPDATE message SET ending = ?2 WHERE sequence = ?1").bind(sequence).bind(json(ending)?)
        }
        Mark::Told => sqlx::query("UPDATE message SET told = 1 WHERE sequence = ?1").bind(sequence),
    }
    .execute(writer)
    .await?;
    Ok(())
}

fn kept(row: &sqlx::sqlite::SqliteRow) -> Result<Kept, StoreError> {
    let part = |place: usize| row.get::<Option<String>, _>(place);
    Ok(Kept {
        sequence: row.get::<i64, _>(0).cast_unsigned(),
        link: row.get(1),
        key: part(2).map(|json| serde_json::from_str(&json).map_err(unreadable)).transpose()?,
        received_at_us: row.get(3),
        conflicts_with: row.get::<Option<i64>, _>(4).map(i64::cast_unsigned),
        ending: part(5).map(|json| serde_json::from_str(&json).map_err(unreadable)).transpose()?,
        answer: part(6).map(|json| serde_json::from_str(&json).map_err(unreadable)).transpose()?,
        told: row.get::<i64, _>(7) != 0,
    })
}

/// MSH-3, MSH-4 and MSH-10, each behind its length, so that no two keys look alike.
fn bytes_of(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [&key.sending_application, &key.sending_facility, &key.control_id] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Placer => "placer",
        Role::Filler => "filler",
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unreadable)
}

fn unreadable(why: serde_json::Error) -> StoreError {
    StoreError::Content(why.to_string())
}
