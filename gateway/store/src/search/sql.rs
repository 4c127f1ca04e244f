//! SQL with its values beside it: values are bound, never written into the text.

use crate::error::StoreError;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};

/// A value for one `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

/// A statement being written, its values in the order of their question marks.
#[derive(Debug, Default, Clone)]
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// Begins with fixed text.
    pub(super) fn of(text: &str) -> Sql {
        Sql { text: text.to_owned(), values: Vec::new() }
    }

    /// Goes on with fixed text.
    pub(super) fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    /// One value.
    pub(super) fn int(&mut self, value: i64) -> &mut Sql {
        self.text.push('?');
        self.values.push(Value::Int(value));
        self
    }

    /// One value.
    pub(super) fn text(&mut self, value: impl Into<String>) -> &mut Sql {
        self.text.push('?');
        self.values.push(Value::Text(value.into()));
        self
    }

    /// A list of values in brackets.
    pub(super) fn list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Sql {
        self.text.push('(');
        for (at, value) in values.into_iter().enumerate() {
            self.text.push_str(if at == 0 { "?" } else { ",?" });
            self.values.push(value.into());
        }
        self.text.push(')');
        self
    }

    /// Another piece, with its values.
    pub(super) fn add(&mut self, other: Sql) -> &mut Sql {
        self.text.push_str(&other.text);
        self.values.extend(other.values);
        self
    }

    /// Several pieces with a word between them.
    pub(super) fn joined(&mut self, pieces: impl IntoIterator<Item = Sql>, between: &str) -> &mut Sql {
        for (at, piece) in pieces.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(between);
            }
            self.add(piece);
        }
        self
    }

    /// All its rows.
    pub(super) async fn rows(self, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>, StoreError> {
        let mut query = sqlx::query::<_>(AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                Value::Int(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        let query: sqlx::query::Query<'_, sqlx::Sqlite, SqliteArguments> = query;
        Ok(query.fetch_all(connection).await?)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
