//! The authorization server's shelf: documents with revisions, and tickets that are taken once.

use crate::{Store, StoreError};
use smart::ports::{Kept, Space, Swap};
use sqlx::{Connection, Row};

fn name(space: Space) -> &'static str {
    match space {
        Space::Client => "client",
        Space::Account => "account",
        Space::Session => "session",
        Space::Grant => "grant",
        Space::Code => "code",
        Space::Flow => "flow",
    }
}

impl Store {
    /// The document under a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn document(&self, space: Space, key: &str) -> Result<Option<Kept>, StoreError> {
        let row = sqlx::query("SELECT json, revision FROM document WHERE space = ?1 AND key = ?2")
            .bind(name(space))
            .bind(key)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(|row| kept(&row)))
    }

    /// Every document of a space, by key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn documents(&self, space: Space) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query("SELECT json, revision FROM document WHERE space = ?1 ORDER BY key")
            .bind(name(space))
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.iter().map(kept).collect())
    }

    /// Writes a document when it is at the expected revision; `None` expects none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn swap_document(
        &self,
        space: Space,
        key: &str,
        expected: Option<u64>,
        json: &str,
    ) -> Result<Swap, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        let expected = expected.map(u64::cast_signed);
        let revision = expected.unwrap_or(0) + 1;
        let done = match expected {
            None => {
                sqlx::query("INSERT OR IGNORE INTO document (space, key, revision, json) VALUES (?1, ?2, ?3, ?4)")
            }
            Some(_) => sqlx::query(
                "UPDATE document SET revision = ?3, json = ?4 WHERE space = ?1 AND key = ?2 AND revision = ?3 - 1",
            ),
        }
        .bind(name(space))
        .bind(key)
        .bind(revision)
        .bind(json)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(if done == 1 { Swap::Done(revision.cast_unsigned()) } else { Swap::Stale })
    }

    /// Keeps a ticket until a time, in seconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_ticket(&self, space: Space, key: &str, json: &str, expires_s: i64) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        sqlx::query("INSERT OR REPLACE INTO ticket (space, key, expires_s, json) VALUES (?1, ?2, ?3, ?4)")
            .bind(name(space))
            .bind(key)
            .bind(expires_s)
            .bind(json)
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Looks at a ticket that has not ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ticket(&self, space: Space, key: &str, now_s: i64) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT json FROM ticket WHERE space = ?1 AND key = ?2 AND expires_s > ?3")
            .bind(name(space))
            .bind(key)
            .bind(now_s)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Takes a ticket away; of many who try at once, one gets it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_ticket(&self, space: Space, key: &str, now_s: i64) -> Result<Option<String>, StoreError> {
        let mut writer = self.writer.lock().await;
        let row = sqlx::query("DELETE FROM ticket WHERE space = ?1 AND key = ?2 RETURNING json, expires_s")
            .bind(name(space))
            .bind(key)
            .fetch_optional(&mut *writer)
            .await?;
        Ok(row.filter(|row| row.get::<i64, _>(1) > now_s).map(|row| row.get(0)))
    }

    /// Forgets tickets that have ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_ended(&self, now_s: i64) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        sqlx::query("DELETE FROM ticket WHERE expires_s <= ?1").bind(now_s).execute(&mut *writer).await?;
        Ok(())
    }
}

fn kept(row: &sqlx::sqlite::SqliteRow) -> Kept {
    Kept { json: row.get(0), revision: row.get::<i64, _>(1).cast_unsigned() }
}
