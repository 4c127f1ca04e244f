//! Small documents of the authorization server: clients, accounts, grants, settings. JSON under a key, with a revision
//! that grows at every write, so that two who change one document at once cannot both succeed.

use crate::error::StoreError;
use crate::open::Store;
use crate::sqlite::{int, uint};
use sqlx::sqlite::SqliteConnection;

/// The families of documents and tickets. What is put in one is never found in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Namespace {
    /// Registered apps.
    Client,
    /// People who can sign in.
    Account,
    /// Signed-in browsers.
    Session,
    /// Which of them an account has.
    Sessions,
    /// Second factors.
    SecondFactor,
    /// Sign-ins that wait for a code.
    HalfWay,
    /// Sign-ins that are under way elsewhere.
    Away,
    /// Whose account it is whom the house's provider knows.
    Subject,
    /// Codes with which another password can be set.
    Recovery,
    /// What an account granted to a client.
    Grant,
    /// Which apps an account stopped a moment ago.
    Stops,
    /// Authorization codes.
    Code,
    /// Launches under way.
    Flow,
    /// Launches that an EHR made.
    Launch,
    /// Client assertions that were used.
    Assertion,
}

impl Namespace {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Namespace::Client => "client",
            Namespace::Account => "account",
            Namespace::Session => "session",
            Namespace::Sessions => "sessions",
            Namespace::SecondFactor => "second-factor",
            Namespace::HalfWay => "half-way",
            Namespace::Away => "away",
            Namespace::Subject => "subject",
            Namespace::Recovery => "recovery",
            Namespace::Grant => "grant",
            Namespace::Stops => "stops",
            Namespace::Code => "code",
            Namespace::Flow => "flow",
            Namespace::Launch => "launch",
            Namespace::Assertion => "assertion",
        }
    }
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its key.
    pub key: String,
    /// The JSON.
    pub json: String,
    /// Grows with every write, and none is ever used twice in a store.
    pub revision: u64,
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// Written, under this revision.
    Done(u64),
    /// The document is not at the revision expected; nothing was written.
    Stale,
}

/// The documents of a store.
pub struct Documents<'a>(&'a Store);

impl Store {
    /// The documents of the authorization server.
    pub fn documents(&self) -> Documents<'_> {
        Documents(self)
    }
}

impl Documents<'_> {
    /// The document under a key.
    ///
    /// # Errors
    /// The disk's.
    pub async fn get(&self, namespace: Namespace, key: &str) -> Result<Option<Document>, StoreError> {
        let sql = "SELECT key, json, revision FROM document WHERE namespace = ? AND key = ?";
        let asked = sqlx::query_as(sql).bind(namespace.as_str()).bind(key);
        let found: Option<(String, String, i64)> = asked.fetch_optional(self.0.readers()).await?;
        Ok(found.map(document))
    }

    /// All documents of a namespace, in the order of their keys.
    ///
    /// # Errors
    /// The disk's.
    pub async fn list(&self, namespace: Namespace) -> Result<Vec<Document>, StoreError> {
        let sql = "SELECT key, json, revision FROM document WHERE namespace = ? ORDER BY key";
        let asked = sqlx::query_as(sql).bind(namespace.as_str());
        let found: Vec<(String, String, i64)> = asked.fetch_all(self.0.readers()).await?;
        Ok(found.into_iter().map(document).collect())
    }

    /// How many documents a namespace has.
    ///
    /// # Errors
    /// The disk's.
    pub async fn count(&self, namespace: Namespace) -> Result<usize, StoreError> {
        let asked = sqlx::query_scalar("SELECT count(*) FROM document WHERE namespace = ?").bind(namespace.as_str());
        let count: i64 = asked.fetch_one(self.0.readers()).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Writes a document, whatever stood there; gives its revision.
    ///
    /// # Errors
    /// The disk's.
    pub async fn put(&self, namespace: Namespace, key: &str, json: String) -> Result<u64, StoreError> {
        let key = key.to_owned();
        let work = self
            .0
            .writer()
            .write(move |connection| Box::pin(async move { write(connection, namespace, &key, &json).await }));
        work.await
    }

    /// Writes a document when it is at the expected revision; `None` expects that there is none.
    ///
    /// # Errors
    /// The disk's.
    pub async fn compare_and_put(
        &self,
        namespace: Namespace,
        key: &str,
        expected: Option<u64>,
        json: String,
    ) -> Result<Swap, StoreError> {
        let key = key.to_owned();
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "SELECT revision FROM document WHERE namespace = ? AND key = ?";
                let asked = sqlx::query_scalar(sql).bind(namespace.as_str()).bind(&key);
                let revision: Option<i64> = asked.fetch_optional(&mut *connection).await?;
                if revision != expected.map(int) {
                    return Ok(Swap::Stale);
                }
                write(connection, namespace, &key, &json).await.map(Swap::Done)
            })
        });
        work.await
    }

    /// Takes documents away, all at once; those that are not there are no fault.
    ///
    /// # Errors
    /// The disk's.
    pub async fn delete_all(&self, namespace: Namespace, keys: Vec<String>) -> Result<(), StoreError> {
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "DELETE FROM document WHERE namespace = ? AND key IN (SELECT value FROM json_each(?))";
                let keys = serde_json::Value::from(keys).to_string();
                sqlx::query(sql).bind(namespace.as_str()).bind(keys).execute(connection).await?;
                Ok(())
            })
        });
        work.await
    }

    /// Takes a document away; says whether there was one.
    ///
    /// # Errors
    /// The disk's.
    pub async fn delete(&self, namespace: Namespace, key: &str) -> Result<bool, StoreError> {
        let key = key.to_owned();
        let work = self.0.writer().write(move |connection| {
            Box::pin(async move {
                let sql = "DELETE FROM document WHERE namespace = ? AND key = ?";
                let gone = sqlx::query(sql).bind(namespace.as_str()).bind(&key).execute(connection).await?;
                Ok(gone.rows_affected() > 0)
            })
        });
        work.await
    }
}

async fn write(
    connection: &mut SqliteConnection,
    namespace: Namespace,
    key: &str,
    json: &str,
) -> Result<u64, StoreError> {
    // Replacing a row gives it a new number from a sequence that never goes back: the revision.
    let sql = "INSERT OR REPLACE INTO document (namespace, key, json) VALUES (?, ?, ?) RETURNING revision";
    let revision: i64 =
        sqlx::query_scalar(sql).bind(namespace.as_str()).bind(key).bind(json).fetch_one(connection).await?;
    Ok(uint(revision))
}

fn document((key, json, revision): (String, String, i64)) -> Document {
    Document { key, json, revision: uint(revision) }
}
