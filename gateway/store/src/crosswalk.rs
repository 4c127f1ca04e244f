//! The crosswalk: which business key of a link became which resource, and whose an order number is.

use crate::error::StoreError;
use crate::open::Store;
use bridge::{OrderNumber, Role, Standing};
use fhir::{Id, ResourceType};
use sqlx::sqlite::SqliteConnection;

/// One business key and what it became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// The key, unique within its link.
    pub key: String,
    /// The resource's type.
    pub kind: ResourceType,
    /// The resource's id.
    pub id: Id,
    /// Where it stands in its own history.
    pub standing: Standing,
    /// The results that belong to it, as references.
    pub members: Vec<String>,
}

/// An order number, and the patient for whom it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The number.
    pub number: OrderNumber,
    /// The patient's id.
    pub patient: Id,
}

type Row = (String, String, String, String, String);

impl Store {
    /// What is known of these keys of a link; keys that are new are left out.
    ///
    /// # Errors
    /// The disk's.
    pub async fn crossed(&self, link: &str, keys: &[String]) -> Result<Vec<Crossed>, StoreError> {
        let sql = "SELECT key, kind, id, standing, members FROM crosswalk
            WHERE link = ? AND key IN (SELECT value FROM json_each(?))";
        let keys = serde_json::Value::from(keys).to_string();
        let rows: Vec<Row> = sqlx::query_as(sql).bind(link).bind(keys).fetch_all(self.readers()).await?;
        rows.into_iter().map(crossed).collect()
    }

    /// The patients for whom these order numbers of a link are known; a number that is new is left out.
    ///
    /// # Errors
    /// The disk's.
    pub async fn order_owners(&self, link: &str, numbers: &[OrderNumber]) -> Result<Vec<Order>, StoreError> {
        let row = |number: &OrderNumber| serde_json::json!([role(number), number.authority, number.value]);
        let asked: Vec<serde_json::Value> = numbers.iter().map(row).collect();
        let sql = "SELECT j.key, o.patient FROM json_each(?2) j CROSS JOIN order_number o ON o.link = ?1
            AND o.role = j.value ->> 0 AND o.authority = j.value ->> 1 AND o.value = j.value ->> 2 ORDER BY j.key";
        let asked = sqlx::query_as(sql).bind(link).bind(serde_json::Value::from(asked).to_string());
        let found: Vec<(i64, String)> = asked.fetch_all(self.readers()).await?;
        let mut owners = Vec::with_capacity(found.len());
        for (place, patient) in found {
            let number = usize::try_from(place).ok().and_then(|place| numbers.get(place));
            let patient = Id::parse(&patient).ok();
            let (Some(number), Some(patient)) = (number, patient) else {
                return Err(StoreError::Damaged("the owner of an order number"));
            };
            owners.push(Order { number: number.clone(), patient });
        }
        Ok(owners)
    }
}

fn crossed((key, kind, id, standing, members): Row) -> Result<Crossed, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged("a line of the crosswalk");
    Ok(Crossed {
        key,
        kind: kind.parse().map_err(|_| DAMAGED)?,
        id: Id::parse(&id).map_err(|_| DAMAGED)?,
        standing: serde_json::from_str(&standing).map_err(|_| DAMAGED)?,
        members: serde_json::from_str(&members).map_err(|_| DAMAGED)?,
    })
}

fn role(number: &OrderNumber) -> &'static str {
    match number.role {
        Role::Placer => "placer",
        Role::Filler => "filler",
    }
}

/// Writes what keys became. A key that led to another id, or an id that another key led to, undoes the whole.
pub(crate) async fn cross(connection: &mut SqliteConnection, link: &str, lines: &[Crossed]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let json = |error: serde_json::Error| StoreError::Unfit(error.to_string());
        let standing = serde_json::to_string(&line.standing).map_err(json)?;
        let members = serde_json::to_string(&line.members).map_err(json)?;
        rows.push(serde_json::json!([line.key, line.kind.as_str(), line.id.as_str(), standing, members]));
    }
    let sql = "INSERT INTO crosswalk (link, key, kind, id, standing, members)
        SELECT ?1, j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4 FROM json_each(?2) j
        WHERE true
        ON CONFLICT (link, key) DO UPDATE SET standing = excluded.standing, members = excluded.members
        WHERE kind = excluded.kind AND id = excluded.id";
    let write = sqlx::query(sql).bind(link).bind(serde_json::Value::from(rows).to_string());
    let written = match write.execute(&mut *connection).await {
        Ok(written) => written.rows_affected(),
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => 0,
        Err(error) => return Err(error.into()),
    };
    if written == lines.len() as u64 { Ok(()) } else { Err(StoreError::TwoKeys) }
}

/// Writes whose order numbers are.
pub(crate) async fn own(connection: &mut SqliteConnection, link: &str, orders: &[Order]) -> Result<(), StoreError> {
    if orders.is_empty() {
        return Ok(());
    }
    let row = |order: &Order| {
        let OrderNumber { authority, value, .. } = &order.number;
        serde_json::json!([role(&order.number), authority, value, order.patient.as_str()])
    };
    let rows: Vec<serde_json::Value> = orders.iter().map(row).collect();
    let sql = "INSERT OR IGNORE INTO order_number (link, role, authority, value, patient)
        SELECT ?1, j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3 FROM json_each(?2) j";
    let write = sqlx::query(sql).bind(link).bind(serde_json::Value::from(rows).to_string());
    write.execute(&mut *connection).await?;
    Ok(())
}
