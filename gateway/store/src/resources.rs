//! Resources, their versions, and whom and what they are about.

use crate::{Store, StoreError};
use bytes::Bytes;
use fhir::patch::stamp;
use fhir::reference::Reference;
use fhir::resource::Resource;
use fhir::subject::{About, about};
use fhir::{Id, Instant, ResourceType};
use json::{Document, Limits, Value};
use privacy::Phi;
use sqlx::{Connection, Row, SqliteConnection};
use std::collections::BTreeSet;

/// The first byte of stored bytes: the key they are sealed by. 0 is plain.
const PLAIN: u8 = 0;

/// A resource to be kept under its id, as its custodian gave it.
pub struct Put {
    /// The resource: a document with type and id.
    pub content: Phi<Document>,
}

impl Store {
    /// Keeps resources, all or none. One whose content is already there, but for `meta`, gets no new version.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of it is kept.
    pub async fn put(&self, puts: &[Put], now: Instant) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        for put in puts {
            put_one(&mut transaction, put.content.expose(), now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// How many resources there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(&self) -> Result<u64, StoreError> {
        let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM resource").fetch_one(&self.readers).await?;
        Ok(count.unsigned_abs())
    }

    /// The current version of one resource, for those who keep it rather than those who ask for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn current(&self, kind: ResourceType, id: &str) -> Result<Option<Phi<Document>>, StoreError> {
        let row = sqlx::query("SELECT bytes FROM resource WHERE kind = ?1 AND id = ?2")
            .bind(kind.as_str())
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| document(row.get::<Vec<u8>, _>(0)).map(Phi::new)).transpose()
    }
}

/// Writes one resource in an open transaction.
pub(crate) async fn put_one(
    transaction: &mut SqliteConnection,
    document: &Document,
    now: Instant,
) -> Result<(), StoreError> {
    let resource = Resource::of(document.root()).map_err(|why| StoreError::Content(why.to_string()))?;
    let id = resource.id().ok_or_else(|| StoreError::Content("a resource without an id".to_owned()))?;
    let kind = resource.kind();
    let prior = sqlx::query("SELECT version, bytes FROM resource WHERE kind = ?1 AND id = ?2")
        .bind(kind.as_str())
        .bind(id.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
    let mut version = 1i64;
    if let Some(prior) = prior {
        let bytes: Vec<u8> = prior.get(1);
        let kept = self::document(bytes.clone())?;
        if same(document.root(), kept.root()) {
            return Ok(());
        }
        let old: i64 = prior.get(0);
        version = old + 1;
        sqlx::query("INSERT INTO history (kind, id, version, bytes) VALUES (?1, ?2, ?3, ?4)")
            .bind(kind.as_str())
            .bind(id.as_str())
            .bind(old)
            .bind(bytes)
            .execute(&mut *transaction)
            .await?;
    }
    let stamped = stamp(document, id.as_str(), &version.to_string(), now);
    let mut bytes = Vec::with_capacity(stamped.len() + 1);
    bytes.push(PLAIN);
    bytes.extend(stamped);
    sqlx::query("INSERT OR REPLACE INTO resource (kind, id, version, updated_us, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(kind.as_str())
        .bind(id.as_str())
        .bind(version)
        .bind(now.micros())
        .bind(bytes)
        .execute(&mut *transaction)
        .await?;
    index(transaction, &resource, &id).await
}

/// Whether two resources say the same but for `meta`.
fn same(one: Value<'_>, other: Value<'_>) -> bool {
    let rest = |value: Value<'_>| -> Vec<Vec<u8>> {
        value.members().filter(|member| member.key != "meta").map(|member| member.raw().to_vec()).collect()
    };
    let labels = |value: Value<'_>| -> Option<Vec<u8>> { Some(value.get("meta")?.get("security")?.raw().to_vec()) };
    rest(one) == rest(other) && labels(one) == labels(other)
}

/// Everything that a resource points at, on this server.
pub(crate) fn targets(resource: &Resource<'_>) -> BTreeSet<(ResourceType, Id)> {
    let local = |value: Value<'_>| match Reference::parse(&value.text()?) {
        Reference::Local { kind, id, .. } => Some((kind, id)),
        Reference::Absolute { .. }
        | Reference::Fragment(_)
        | Reference::Urn(_)
        | Reference::Conditional { .. }
        | Reference::Unreadable => None,
    };
    resource.references().into_iter().chain(resource.attachments()).filter_map(local).collect()
}

async fn index(transaction: &mut SqliteConnection, resource: &Resource<'_>, id: &Id) -> Result<(), StoreError> {
    let kind = resource.kind().as_str();
    for statement in [
        "DELETE FROM subject WHERE kind = ?1 AND id = ?2",
        "DELETE FROM reference WHERE kind = ?1 AND id = ?2",
    ] {
        sqlx::query(statement).bind(kind).bind(id.as_str()).execute(&mut *transaction).await?;
    }
    if let About::Patients(patients) = about(resource) {
        for patient in patients {
            sqlx::query("INSERT OR IGNORE INTO subject (patient, kind, id) VALUES (?1, ?2, ?3)")
                .bind(patient.as_str())
                .bind(kind)
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await?;
        }
    }
    for (to_kind, to_id) in targets(resource) {
        sqlx::query("INSERT OR IGNORE INTO reference (to_kind, to_id, kind, id) VALUES (?1, ?2, ?3, ?4)")
            .bind(to_kind.as_str())
            .bind(to_id.as_str())
            .bind(kind)
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    if resource.kind() == ResourceType::Patient {
        identify(transaction, resource, id).await?;
    }
    Ok(())
}

async fn identify(transaction: &mut SqliteConnection, resource: &Resource<'_>, id: &Id) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM identifier WHERE patient = ?1").bind(id.as_str()).execute(&mut *transaction).await?;
    for identifier in resource.value().get("identifier").into_iter().flat_map(Value::items) {
        let part = |name| identifier.get(name).and_then(Value::text);
        if let (Some(system), Some(value)) = (part("system"), part("value")) {
            sqlx::query("INSERT OR IGNORE INTO identifier (system, value, patient) VALUES (?1, ?2, ?3)")
                .bind(system.as_ref())
                .bind(value.as_ref())
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await?;
        }
    }
    Ok(())
}

/// The document behind stored bytes.
pub(crate) fn document(stored: Vec<u8>) -> Result<Document, StoreError> {
    let stored = Bytes::from(stored);
    if stored.first() != Some(&PLAIN) {
        return Err(StoreError::Content("a key that this version does not know".to_owned()));
    }
    Document::parse(stored.slice(1..), &Limits::DEFAULT).map_err(|why| StoreError::Content(why.to_string()))
}
