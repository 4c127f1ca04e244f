//! The order of rows, and a place in it: the values a row is sorted by, and its id, which no two rows share.
//!
//! Pages go on behind a place and never count rows, so a record that comes or goes in between moves nothing.

use super::Fault;
use super::find::is_of;
use super::sql::Sql;
use fhir::search::{ParameterKind, Query, SortKey};
use fhir::{Id, ResourceType};
use privacy::Cursor;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Characters of a text that rows are sorted by. A place holds it, and a link to the next page the place.
const SORTED_CHARS_MAX: usize = 64;

/// What a row is sorted by, under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sorted {
    /// Nothing: such rows come last, whichever the direction.
    Missing,
    /// A time.
    Int(i64),
    /// A text.
    Text(String),
}

/// A place behind a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    keys: Vec<Sorted>,
    id: Id,
}

impl Place {
    /// The place of a row that was selected with [`columns`].
    pub(super) fn of(row: &SqliteRow, query: &Query) -> Result<Place, Fault> {
        let damaged = |_| crate::StoreError::Damaged("the id of a record");
        let id = Id::parse(row.try_get("id")?).map_err(damaged)?;
        let keys = query.sort.iter().enumerate().map(|(at, key)| {
            let column = format!("k{at}");
            Ok(if is_time(key) {
                row.try_get::<Option<i64>, _>(column.as_str())?.map_or(Sorted::Missing, Sorted::Int)
            } else {
                row.try_get::<Option<String>, _>(column.as_str())?.map_or(Sorted::Missing, Sorted::Text)
            })
        });
        Ok(Place { keys: keys.collect::<Result<_, sqlx::Error>>()?, id })
    }

    /// Its writing: a JSON list of the values and the id.
    pub(super) fn cursor(&self) -> Cursor {
        let keys = self.keys.iter().map(|key| match key {
            Sorted::Missing => Value::Null,
            Sorted::Int(number) => Value::from(*number),
            Sorted::Text(text) => Value::from(text.as_str()),
        });
        let list: Vec<Value> = keys.chain([Value::from(self.id.as_str())]).collect();
        Cursor::Store(Value::from(list).to_string())
    }

    /// Reads a place of this search; `None` before its first row.
    pub(super) fn read(cursor: &Cursor, query: &Query) -> Result<Option<Place>, Fault> {
        let text = match cursor {
            Cursor::Start => return Ok(None),
            Cursor::Store(text) => text,
            Cursor::Upstream { .. } => return Err(Fault::NoSuchPlace),
        };
        let mut list: Vec<Value> = serde_json::from_str(text).map_err(|_| Fault::NoSuchPlace)?;
        let id = list.pop().and_then(|id| Id::parse(id.as_str()?).ok()).ok_or(Fault::NoSuchPlace)?;
        if list.len() != query.sort.len() {
            return Err(Fault::NoSuchPlace);
        }
        let key = |(value, key): (Value, &SortKey)| match value {
            Value::Null => Ok(Sorted::Missing),
            Value::Number(number) if is_time(key) => number.as_i64().map(Sorted::Int).ok_or(Fault::NoSuchPlace),
            Value::String(text) if !is_time(key) => Ok(Sorted::Text(text)),
            Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(Fault::NoSuchPlace)
            }
        };
        let keys = list.into_iter().zip(&query.sort).map(key).collect::<Result<_, _>>()?;
        Ok(Some(Place { keys, id }))
    }

    /// That the row `c` stands behind this place.
    pub(super) fn behind(&self, query: &Query) -> Sql {
        let mut sql = Sql::of("c.id > ");
        sql.text(self.id.as_str());
        for (at, (value, key)) in self.keys.iter().zip(&query.sort).enumerate().rev() {
            let column = format!("c.k{at}");
            let mut outer = Sql::of("(");
            match value {
                Sorted::Missing => {
                    outer.push(&column).push(" IS NULL AND ").add(sql);
                }
                Sorted::Int(_) | Sorted::Text(_) => {
                    outer.push(&column).push(" IS NULL OR ").push(&column).push(if key.descending {
                        " < "
                    } else {
                        " > "
                    });
                    bind(&mut outer, value);
                    outer.push(" OR ").push(&column).push(" = ");
                    bind(&mut outer, value);
                    outer.push(" AND ").add(sql);
                }
            }
            outer.push(")");
            sql = outer;
        }
        sql
    }
}

fn bind(sql: &mut Sql, value: &Sorted) {
    match value {
        Sorted::Missing => sql.push("NULL"),
        Sorted::Int(number) => sql.int(*number),
        Sorted::Text(text) => sql.text(text),
    };
}

fn is_time(key: &SortKey) -> bool {
    match key.parameter.kind {
        ParameterKind::Date => true,
        ParameterKind::Token | ParameterKind::String | ParameterKind::Reference => false,
    }
}

/// `, … AS k0, … AS k1`: what the row `r` is sorted by. Of several values, the one that comes first in the direction.
pub(super) fn columns(kind: ResourceType, keys: &[SortKey]) -> Sql {
    let mut sql = Sql::default();
    for (at, key) in keys.iter().enumerate() {
        sql.push(", ");
        match key.parameter.name {
            "_id" => drop(sql.push("r.id")),
            "_lastUpdated" => drop(sql.push("r.updated")),
            name => {
                let (table, lowest, highest) = match key.parameter.kind {
                    ParameterKind::Token => ("token", "i.code", "i.code"),
                    ParameterKind::String => ("text", "i.folded", "i.folded"),
                    ParameterKind::Date => ("date", "i.low", "i.high"),
                    // Never a key (SortKey::can): all rows alike.
                    ParameterKind::Reference => ("reference", "NULL", "NULL"),
                };
                let value = if key.descending { format!("max({highest})") } else { format!("min({lowest})") };
                let value = if is_time(key) { value } else { format!("substr({value}, 1, {SORTED_CHARS_MAX})") };
                sql.push("(SELECT ").push(&value).push(" FROM ").push(table);
                sql.push(" i WHERE i.row = r.row AND ").add(is_of(kind, name)).push(")");
            }
        }
        sql.push(&format!(" AS k{at}"));
    }
    sql
}

/// ` ORDER BY …` over the columns of `alias`.
pub(super) fn order(alias: &str, keys: &[SortKey]) -> String {
    let mut order = " ORDER BY ".to_owned();
    for (at, key) in keys.iter().enumerate() {
        let direction = if key.descending { "DESC" } else { "ASC" };
        order.push_str(&format!("{alias}.k{at} {direction} NULLS LAST, "));
    }
    order.push_str(&format!("{alias}.id"));
    order
}
