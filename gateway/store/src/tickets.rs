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
    /// Keeps a ticket until a time, where there is none with this key that has not ended; says whether there was none. Of
    /// many who try at once, exactly one keeps it.
    ///
    /// # Errors
    /// The disk's.
    pub async fn put_once(
        &self,
        namespace: Namespace,
        key: &str,
        json: String,
        expires_s: i64,
        now_s: i64,
    ) -> Result<bool, StoreError> {
        let hash = sha256(key.as_bytes());
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO ticket (namespace, key_hash, json, expires) VALUES (?, ?, ?, ?)
                    ON CONFLICT (namespace, key_hash) DO UPDATE SET json = excluded.json, expires = excluded.expires
                    WHERE ticket.expires <= ?";
                let write = sqlx::query(sql).bind(namespace.as_str()).bind(hash.to_vec()).bind(json);
                let written = write.bind(expires_s).bind(now_s).execute(connection).await?;
                Ok(written.rows_affected() > 0)
            })
        });
        work.await
    }

    /// Writes a ticket anew where it still is, and says whether it is: what was taken does not come back.
    ///
    /// # Errors
    /// The disk's.
    pub async fn replace(
        &self,
        namespace: Namespace,
        key: &str,
        json: String,
        expires_s: i64,
    ) -> Result<bool, StoreError> {
        let hash = sha256(key.as_bytes());
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE ticket SET json = ?, expires = ? WHERE namespace = ? AND key_hash = ?";
                let write = sqlx::query(sql).bind(json).bind(expires_s).bind(namespace.as_str()).bind(hash.to_vec());
                Ok(write.execute(connection).await?.rows_affected() > 0)
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
