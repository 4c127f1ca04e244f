//! Records that may let another be seen: those that refer to a Practitioner, have a Binary attached, or are what a
//! Provenance tells of. They are sought by the gate's own rules and judged by the gate.

use super::Fault;
use super::reach::{Reach, Way, way};
use super::sql::Sql;
use crate::column::document;
use fhir::{Resource, ResourceType, subject};
use json::Document;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Records that are brought as evidence for one row at most. The gate needs one that its policy does not cut the reference
/// from.
const EVIDENCE_MAX: i64 = 8;
/// Provenances that accompany one match at most.
const PROVENANCES_MAX: i64 = 20;

/// A row that was found.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) row: i64,
    pub(super) id: String,
    pub(super) content: Document,
}

/// What was found for the rows of one chunk; each record is read once, however often it serves.
pub(super) struct Evidence<'a> {
    reach: &'a Reach,
    documents: HashMap<i64, Document>,
    proofs: HashMap<i64, Vec<i64>>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(reach: &'a Reach) -> Evidence<'a> {
        Evidence { reach, documents: HashMap::new(), proofs: HashMap::new() }
    }

    /// The evidence for a row.
    pub(super) fn of(&self, row: i64) -> Vec<Document> {
        let proofs = self.proofs.get(&row).into_iter().flatten();
        proofs.filter_map(|proof| self.documents.get(proof)).cloned().collect()
    }

    /// Finds the evidence for rows of one type.
    pub(super) async fn gather(
        &mut self,
        connection: &mut SqliteConnection,
        kind: ResourceType,
        found: &[Found],
    ) -> Result<(), Fault> {
        if found.is_empty() {
            return Ok(());
        }
        match way(kind) {
            Way::Subject | Way::None => Ok(()),
            Way::Shared => {
                self.referring(connection, kind, found).await?;
                let left: Vec<Found> =
                    found.iter().filter(|one| !self.proofs.contains_key(&one.row)).cloned().collect();
                if left.is_empty() { Ok(()) } else { self.through_shared(connection, kind, &left).await }
            }
            Way::Owner => {
                self.referring(connection, kind, found).await?;
                self.owners(connection, found).await
            }
            Way::Targets => self.targets(connection, found).await,
        }
    }

    /// Records that refer to the rows themselves.
    async fn referring(
        &mut self,
        connection: &mut SqliteConnection,
        kind: ResourceType,
        found: &[Found],
    ) -> Result<(), Fault> {
        let mut sql = Sql::of("SELECT e.target, e.row, b.bytes FROM (SELECT target, row, ");
        sql.push(Reach::BEST).push(" FROM (SELECT l.id AS target, x.row AS row, ").add(self.reach.worth("l.id"));
        sql.push(" FROM link l JOIN resource x ON x.row = l.row WHERE l.patient");
        sql.add(self.reach.patients()).push(" AND l.kind = ").text(kind.as_str()).push(" AND l.id IN ");
        sql.list(found.iter().map(|one| one.id.as_str())).push(" AND ").add(self.reach.counts());
        sql.push(")) e JOIN resource b ON b.row = e.row WHERE e.place <= ").int(EVIDENCE_MAX).push(" ORDER BY e.place");
        for row in sql.rows(connection).await? {
            let target: String = row.try_get("target")?;
            let proof = self.keep(&row, "row", "bytes")?;
            found.iter().filter(|one| one.id == target).for_each(|one| self.proves(one.row, proof));
        }
        Ok(())
    }

    /// Records that refer to a shared one that refers to the rows: the record, then the one between.
    async fn through_shared(
        &mut self,
        connection: &mut SqliteConnection,
        kind: ResourceType,
        found: &[Found],
    ) -> Result<(), Fault> {
        let mut sql =
            Sql::of("SELECT e.target, e.row, e.led, b.bytes, q.bytes AS led_bytes FROM (SELECT target, row, led, ");
        sql.push(Reach::BEST).push(" FROM (SELECT m.id AS target, x.row AS row, bridge.row AS led, ");
        sql.add(self.reach.worth("m.id")).push(
            " FROM link l JOIN resource x ON x.row = l.row
            JOIN resource bridge ON bridge.kind = l.kind AND bridge.id = l.id
            JOIN link m ON m.row = bridge.row WHERE l.patient",
        );
        sql.add(self.reach.patients()).push(" AND ").add(self.reach.through(kind));
        sql.push(" AND m.id IN ").list(found.iter().map(|one| one.id.as_str()));
        sql.push(" AND ").add(self.reach.counts());
        sql.push(")) e JOIN resource b ON b.row = e.row JOIN resource q ON q.row = e.led WHERE e.place <= ");
        sql.int(EVIDENCE_MAX).push(" ORDER BY e.place");
        for row in sql.rows(connection).await? {
            let target: String = row.try_get("target")?;
            let record = self.keep(&row, "row", "bytes")?;
            let between = self.keep(&row, "led", "led_bytes")?;
            for one in found.iter().filter(|one| one.id == target) {
                self.proves(one.row, record);
                self.proves(one.row, between);
            }
        }
        Ok(())
    }

    /// The records that Binaries themselves name as their owners.
    async fn owners(&mut self, connection: &mut SqliteConnection, found: &[Found]) -> Result<(), Fault> {
        for one in found {
            let named = Resource::of(one.content.root()).ok().and_then(|binary| subject::owner(&binary, ""));
            let Some((kind, id)) = named else { continue };
            let mut sql = Sql::of("SELECT x.row AS row, x.bytes FROM resource x WHERE x.kind = ");
            sql.text(kind.as_str()).push(" AND x.id = ").text(id.as_str()).push(" AND ").add(self.reach.counts());
            sql.push(" AND EXISTS (SELECT 1 FROM subject s WHERE s.row = x.row AND s.patient");
            sql.add(self.reach.patients()).push(")");
            for row in sql.rows(connection).await? {
                let owner = self.keep(&row, "row", "bytes")?;
                self.proves(one.row, owner);
            }
        }
        Ok(())
    }

    /// Everything that Provenances tell of, as far as it may count.
    async fn targets(&mut self, connection: &mut SqliteConnection, found: &[Found]) -> Result<(), Fault> {
        let mut sql = Sql::of(
            "SELECT f.row AS telling, x.row AS row, x.bytes FROM reference f
            JOIN resource x ON x.kind = f.kind AND x.id = f.id
            WHERE f.param = 'Provenance.target' AND f.row IN ",
        );
        sql.list(found.iter().map(|one| one.row)).push(" AND ").add(self.reach.counts());
        sql.push(" AND EXISTS (SELECT 1 FROM subject s WHERE s.row = x.row AND s.patient");
        sql.add(self.reach.patients()).push(")");
        for row in sql.rows(connection).await? {
            let telling: i64 = row.try_get("telling")?;
            let target = self.keep(&row, "row", "bytes")?;
            self.proves(telling, target);
        }
        Ok(())
    }

    /// The medications that requests refer to, each with the row of its request.
    pub(super) async fn medications(
        &mut self,
        connection: &mut SqliteConnection,
        requests: &[Found],
    ) -> Result<Vec<(i64, Found)>, Fault> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::of(
            "SELECT f.row AS matched, x.row, x.id, x.bytes FROM reference f
            JOIN resource x ON x.kind = f.kind AND x.id = f.id AND x.deleted = 0
            WHERE f.param = 'MedicationRequest.medication' AND f.row IN ",
        );
        sql.list(requests.iter().map(|one| one.row)).push(" GROUP BY f.row, x.row ORDER BY f.row, x.id");
        self.companions(sql.rows(connection).await?)
    }

    /// The Provenances that tell of matches, each with the row of its match, and the evidence they need.
    pub(super) async fn provenances(
        &mut self,
        connection: &mut SqliteConnection,
        kind: ResourceType,
        matches: &[Found],
    ) -> Result<Vec<(i64, Found)>, Fault> {
        if matches.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::of(
            "SELECT e.matched, x.row, x.id, x.bytes FROM (SELECT m.row AS matched, f.row AS row,
            row_number() OVER (PARTITION BY m.row ORDER BY f.row DESC) AS place
            FROM resource m JOIN reference f ON f.kind = m.kind AND f.id = m.id
            AND f.param = 'Provenance.target' AND f.patient = 0 WHERE m.kind = ",
        );
        sql.text(kind.as_str()).push(" AND m.row IN ").list(matches.iter().map(|one| one.row));
        sql.push(") e JOIN resource x ON x.row = e.row AND x.deleted = 0 WHERE e.place <= ").int(PROVENANCES_MAX);
        sql.push(" ORDER BY e.matched, x.id");
        let rows = sql.rows(connection).await?;
        let found = self.companions(rows)?;
        let provenances: Vec<Found> = found.iter().map(|(_, provenance)| provenance.clone()).collect();
        self.gather(connection, ResourceType::Provenance, &provenances).await?;
        Ok(found)
    }

    fn companions(&mut self, rows: Vec<SqliteRow>) -> Result<Vec<(i64, Found)>, Fault> {
        let mut companions = Vec::with_capacity(rows.len());
        for row in rows {
            let kept = self.keep(&row, "row", "bytes")?;
            if let Some(content) = self.documents.get(&kept) {
                let found = Found { row: kept, id: row.try_get("id")?, content: content.clone() };
                companions.push((row.try_get("matched")?, found));
            }
        }
        Ok(companions)
    }

    fn keep(&mut self, row: &SqliteRow, number: &str, bytes: &str) -> Result<i64, Fault> {
        let number: i64 = row.try_get(number)?;
        if let Entry::Vacant(unread) = self.documents.entry(number) {
            unread.insert(document(row.try_get(bytes)?)?);
        }
        Ok(number)
    }

    fn proves(&mut self, row: i64, proof: i64) {
        let proofs = self.proofs.entry(row).or_default();
        if !proofs.contains(&proof) {
            proofs.push(proof);
        }
    }
}
