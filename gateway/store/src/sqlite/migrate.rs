//! The schema, step by step and forward only. Each step runs once, in one transaction with its own number.

use sqlx::sqlite::SqliteConnection;

/// Every step there has ever been, oldest first. A step that has been shipped is never changed.
const STEPS: [&str; 4] = [
    include_str!("../../sql/sqlite/0001_store.sql"),
    include_str!("../../sql/sqlite/0002_same_message.sql"),
    include_str!("../../sql/sqlite/0003_withheld.sql"),
    include_str!("../../sql/sqlite/0004_lean_index.sql"),
];

/// The schema cannot be brought up to date.
pub(crate) enum MigrateFault {
    /// The database was written by a newer version: its schema has this number.
    Newer(i64),
    /// SQLite's own.
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for MigrateFault {
    fn from(error: sqlx::Error) -> MigrateFault {
        MigrateFault::Sql(error)
    }
}

/// Brings the schema up to date.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateFault> {
    let at: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let done = usize::try_from(at).unwrap_or_default();
    if done > STEPS.len() {
        return Err(MigrateFault::Newer(at));
    }
    for (number, step) in STEPS.iter().enumerate().skip(done) {
        let sql = format!("BEGIN IMMEDIATE; {step}; PRAGMA user_version = {}; COMMIT;", number + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}
