//! Tickets: things that are used once or end by themselves, such as authorization codes and sessions.
//!
//! The key itself, which is often a secret, is not kept; its SHA-256 is.

use crate::documents::Namespace;
use crate::error::StoreError;
use crate::open::Store;
use certs::digest::sha256;

/// The tickets of a store. Times are seconds since 1970.
pub struct Tickets<'a>(&'a Store);

impl Store {
    /// The tickets of the authorization server.
    pub fn tickets(&self) -> Tickets<'_> {
        Tickets(self)
    }
}

impl Tickets<'_> {
    /// Keeps a ticket until a time, in the place of one that has this key.
    ///
    /// # Errors
    /// The disk's.
    pub async fn put(&self, namespace: Namespace, key: &str, json: String, expires_s: i64) -> Result<(), StoreError> {
        let hash = sha256(key.as_bytes());
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT OR REPLACE INTO ticket (namespace, key_hash, json, expires) VALUES (?, ?, ?, ?)";
                let write = sqlx::query(sql).bind(namespace.as_str()).bind(hash.to_vec()).bind(json).bind(expires_s);
                write.execute(connection).await?;
                Ok(())
            })
        });
        work.await
    }

    /// Looks at a ticket that has not ended.
    ///
    /// # Errors
    /// The disk's.
    pub async fn get(&self, namespace: Namespace, key: &str, now_s: i64) -> Result<Option<String>, StoreError> {
        let sql = "SELECT json FROM ticket WHERE namespace = ? AND key_hash = ? AND expires > ?";
        let asked = sqlx::query_scalar(sql).bind(namespace.as_str()).bind(sha256(key.as_bytes()).to_vec()).bind(now_s);
        Ok(asked.fetch_optional(self.0.readers()).await?)
    }

    /// Takes a ticket away: of many who try at once, exactly one gets it. One that has ended goes to nobody.
    ///
    /// # Errors
    /// The disk's.
    pub async fn take(&self, namespace: Namespace, key: &str, now_s: i64) -> Result<Option<String>, StoreError> {
        let hash = sha256(key.as_bytes());
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "DELETE FROM ticket WHERE namespace = ? AND key_hash = ? RETURNING json, expires";
                let asked = sqlx::query_as(sql).bind(namespace.as_str()).bind(hash.to_vec());
                let taken: Option<(String, i64)> = asked.fetch_optional(connection).await?;
                Ok(taken.filter(|(_, expires)| *expires > now_s).map(|(json, _)| json))
            })
        });
        work.await
    }

    /// Takes away all that have ended; gives how many.
    ///
    /// # Errors
    /// The disk's.
    pub async fn purge(&self, now_s: i64) -> Result<u64, StoreError> {
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM ticket WHERE expires <= ?").bind(now_s).execute(connection).await?;
                Ok(gone.rows_affected())
            })
        });
        work.await
    }
}
