//! Finding records for a permit: begin at its patients, evaluate the search on their records, and bring what is needed to
//! judge each row. What is found here is judged again by the gate.

use crate::resources::document;
use crate::{Store, StoreError};
use fhir::resource::Resource;
use fhir::search::{Include, Query, SortValue, matches, sort_value};
use fhir::subject::{About, about};
use fhir::{Id, ResourceType};
use json::Document;
use privacy::{Chunk, Cursor, Kind, Permit, Phi, Refusal, Row, Source, Standing, Subject};
use sqlx::Row as _;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Records of one type that are brought as evidence for a shared one; one visible among them is enough.
const EVIDENCE_MAX: i64 = 4;
/// Shared resources between a record and the one it leads to.
const BETWEEN_MAX: i64 = 8;

type Name = (ResourceType, Id);

impl Source for Store {
    async fn find(
        &self,
        permit: &Permit,
        query: &Query,
        from: &Cursor,
        at_most: usize,
    ) -> Result<Phi<Chunk>, Refusal> {
        let after = match from {
            Cursor::Start => None,
            Cursor::Store(id) => Some(id.as_str()),
            Cursor::Upstream { .. } => return Err(gone()),
        };
        self.page(permit.subject(), query, after, at_most).await.map_err(Refusal::fault)?.map(Phi::new).ok_or_else(gone)
    }

    async fn fetch(
        &self,
        permit: &Permit,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> Result<Phi<Chunk>, Refusal> {
        let rows = self.one(permit.subject(), kind, id, version).await.map_err(Refusal::fault)?;
        Ok(Phi::new(Chunk { rows, next: None }))
    }
}

fn gone() -> Refusal {
    Refusal::new(Kind::Gone, "This page link no longer leads anywhere. Search again from the first page.").at("_page")
}

impl Store {
    /// The patients whose Encounter, CareTeam or generalPractitioner names this practitioner, directly or by a role.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn patients_in_care_of(&self, practitioner: &Id) -> Result<Vec<Id>, StoreError> {
        let rows = sqlx::query(
            "WITH who(kind, id) AS (
                 SELECT 'Practitioner', ?1
                 UNION SELECT kind, id FROM reference
                 WHERE to_kind = 'Practitioner' AND to_id = ?1 AND kind = 'PractitionerRole')
             SELECT DISTINCT s.patient FROM who
             JOIN reference f ON f.to_kind = who.kind AND f.to_id = who.id
             JOIN subject s ON s.kind = f.kind AND s.id = f.id
             WHERE f.kind IN ('Encounter', 'CareTeam', 'Patient') ORDER BY s.patient",
        )
        .bind(practitioner.as_str())
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.iter().filter_map(|row| Id::parse(&row.get::<String, _>(0)).ok()).collect())
    }

    async fn one(
        &self,
        subject: &Subject,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(content) = self.load(kind, id, version).await? else { return Ok(Vec::new()) };
        let evidence = self.evidence(subject, &content).await?;
        Ok(vec![Row { content, standing: Standing::Match, after: Cursor::Start, evidence }])
    }

    async fn page(
        &self,
        subject: &Subject,
        query: &Query,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Option<Chunk>, StoreError> {
        let mut found = Vec::new();
        for id in self.candidates(subject, query.kind).await? {
            if let Some(content) = self.load(query.kind, &id, None).await? {
                let keep = Resource::of(content.root()).is_ok_and(|resource| matches(query, &resource));
                if keep {
                    found.push((order_of(&content, query), id, content));
                }
            }
        }
        found.sort_by(|one, other| compare(&one.0, &other.0, query).then_with(|| one.1.cmp(&other.1)));
        let begin = match after {
            None => 0,
            Some(after) => match found.iter().position(|(_, id, _)| id.as_str() == after) {
                Some(place) => place + 1,
                None => return Ok(None),
            },
        };
        let more = found.len() > begin + at_most;
        let mut rows = Vec::new();
        let mut last = None;
        for (_, id, content) in found.into_iter().skip(begin).take(at_most) {
            let after = Cursor::Store(id.to_string());
            last = Some(after.clone());
            let companions = self.companions(subject, query, &id, &content, &after).await?;
            let evidence = self.evidence(subject, &content).await?;
            rows.push(Row { content, standing: Standing::Match, after, evidence });
            rows.extend(companions);
        }
        Ok(Some(Chunk { rows, next: last.filter(|_| more) }))
    }

    /// The ids of a type that may concern the patients.
    async fn candidates(&self, subject: &Subject, kind: ResourceType) -> Result<BTreeSet<Id>, StoreError> {
        let mut ids = BTreeSet::new();
        for patient in subject.patients() {
            // Own records; what own records refer to, directly or through one shared resource; what refers to own records.
            let rows = sqlx::query(
                "SELECT id FROM subject WHERE patient = ?1 AND kind = ?2
                 UNION SELECT f.to_id FROM subject s JOIN reference f ON f.kind = s.kind AND f.id = s.id
                     WHERE s.patient = ?1 AND f.to_kind = ?2
                 UNION SELECT g.to_id FROM subject s JOIN reference f ON f.kind = s.kind AND f.id = s.id
                     JOIN reference g ON g.kind = f.to_kind AND g.id = f.to_id
                     WHERE s.patient = ?1 AND g.to_kind = ?2
                     AND f.to_kind IN ('Practitioner', 'PractitionerRole', 'Organization', 'Location', 'Medication')
                 UNION SELECT f.id FROM subject s JOIN reference f ON f.to_kind = s.kind AND f.to_id = s.id
                     WHERE s.patient = ?1 AND f.kind = ?2 AND f.kind = 'Provenance'",
            )
            .bind(patient.as_str())
            .bind(kind.as_str())
            .fetch_all(&self.readers)
            .await?;
            ids.extend(rows.iter().filter_map(|row| Id::parse(&row.get::<String, _>(0)).ok()));
        }
        Ok(ids)
    }

    /// `_include` and `_revinclude` of one match.
    async fn companions(
        &self,
        subject: &Subject,
        query: &Query,
        id: &Id,
        content: &Document,
        after: &Cursor,
    ) -> Result<Vec<Row>, StoreError> {
        let mut names: Vec<Name> = Vec::new();
        if query.includes.contains(&Include::MedicationRequestMedication)
            && let Ok(resource) = Resource::of(content.root())
        {
            names.extend(crate::resources::targets(&resource).into_iter().filter(|(kind, _)| *kind == ResourceType::Medication));
        }
        if query.revincludes.contains(&Include::ProvenanceTarget) {
            let rows = sqlx::query(
                "SELECT id FROM reference WHERE to_kind = ?1 AND to_id = ?2 AND kind = 'Provenance' ORDER BY id",
            )
            .bind(query.kind.as_str())
            .bind(id.as_str())
            .fetch_all(&self.readers)
            .await?;
            let ids = rows.iter().filter_map(|row| Id::parse(&row.get::<String, _>(0)).ok());
            names.extend(ids.map(|id| (ResourceType::Provenance, id)));
        }
        let mut rows = Vec::new();
        for (kind, id) in names {
            if let Some(content) = self.load(kind, &id, None).await? {
                let evidence = self.evidence(subject, &content).await?;
                rows.push(Row { content, standing: Standing::Include, after: after.clone(), evidence });
            }
        }
        Ok(rows)
    }

    /// The records that may let a row be seen.
    async fn evidence(&self, subject: &Subject, content: &Document) -> Result<Vec<Document>, StoreError> {
        let Ok(resource) = Resource::of(content.root()) else { return Ok(Vec::new()) };
        let Some(id) = resource.id() else { return Ok(Vec::new()) };
        let name = (resource.kind(), id);
        match about(&resource) {
            About::Patients(_) | About::Unknown => Ok(Vec::new()),
            About::Targets(targets) => {
                let mut evidence = Vec::new();
                for (kind, id) in targets {
                    evidence.extend(self.load(kind, &id, None).await?);
                }
                Ok(evidence)
            }
            About::Shared | About::Owner => {
                let mut evidence = self.referring(subject, &name).await?;
                if evidence.is_empty() {
                    for between in self.between(&name).await? {
                        let records = self.referring(subject, &between).await?;
                        if !records.is_empty() {
                            evidence.extend(self.load(between.0, &between.1, None).await?);
                            evidence.extend(records);
                        }
                    }
                }
                Ok(evidence)
            }
        }
    }

    /// Records of the patients that refer to a resource, a few of each type.
    async fn referring(&self, subject: &Subject, name: &Name) -> Result<Vec<Document>, StoreError> {
        let mut found = Vec::new();
        for patient in subject.patients() {
            let rows = sqlx::query(
                "SELECT r.bytes FROM (
                     SELECT f.kind, f.id, row_number() OVER (PARTITION BY f.kind ORDER BY f.id) AS place
                     FROM reference f JOIN subject s ON s.kind = f.kind AND s.id = f.id
                     JOIN resource q ON q.kind = f.kind AND q.id = f.id
                     WHERE f.to_kind = ?1 AND f.to_id = ?2 AND s.patient = ?3
                       AND instr(q.bytes, CAST('PSYTHPN' AS BLOB)) = 0) AS few
                 JOIN resource r ON r.kind = few.kind AND r.id = few.id WHERE few.place <= ?4",
            )
            .bind(name.0.as_str())
            .bind(name.1.as_str())
            .bind(patient.as_str())
            .bind(EVIDENCE_MAX)
            .fetch_all(&self.readers)
            .await?;
            for row in rows {
                found.push(document(row.get(0))?);
            }
        }
        Ok(found)
    }

    /// Shared resources that refer to a resource: a role to its practitioner, a place to its organization.
    async fn between(&self, name: &Name) -> Result<Vec<Name>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, id FROM reference WHERE to_kind = ?1 AND to_id = ?2
             AND kind IN ('Practitioner', 'PractitionerRole', 'Organization', 'Location', 'Medication') LIMIT ?3",
        )
        .bind(name.0.as_str())
        .bind(name.1.as_str())
        .bind(BETWEEN_MAX)
        .fetch_all(&self.readers)
        .await?;
        let name = |row: &sqlx::sqlite::SqliteRow| {
            let (kind, id): (String, String) = (row.get(0), row.get(1));
            Some((kind.parse().ok()?, Id::parse(&id).ok()?))
        };
        Ok(rows.iter().filter_map(name).collect())
    }

    pub(crate) async fn load(
        &self,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> Result<Option<Document>, StoreError> {
        let row = match version {
            None => {
                sqlx::query("SELECT bytes FROM resource WHERE kind = ?1 AND id = ?2")
                    .bind(kind.as_str())
                    .bind(id.as_str())
                    .fetch_optional(&self.readers)
                    .await?
            }
            Some(version) => {
                let Ok(number) = version.parse::<i64>() else { return Ok(None) };
                if number.to_string() != version {
                    return Ok(None);
                }
                sqlx::query(
                    "SELECT bytes FROM resource WHERE kind = ?1 AND id = ?2 AND version = ?3
                     UNION ALL SELECT bytes FROM history WHERE kind = ?1 AND id = ?2 AND version = ?3",
                )
                .bind(kind.as_str())
                .bind(id.as_str())
                .bind(number)
                .fetch_optional(&self.readers)
                .await?
            }
        };
        row.map(|row| document(row.get(0))).transpose()
    }
}

fn order_of(content: &Document, query: &Query) -> Vec<Option<SortValue>> {
    match Resource::of(content.root()) {
        Ok(resource) => query.sort.iter().map(|key| sort_value(&resource, key)).collect(),
        Err(_) => Vec::new(),
    }
}

/// By each key in turn; rows without a value come last in either direction.
fn compare(one: &[Option<SortValue>], other: &[Option<SortValue>], query: &Query) -> Ordering {
    for (key, (one, other)) in query.sort.iter().zip(one.iter().zip(other)) {
        let order = match (one, other) {
            (Some(one), Some(other)) if key.descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
