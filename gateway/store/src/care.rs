//! Facts for decisions: who is in whose care, and whom an identifier names.

use crate::column::document;
use crate::error::StoreError;
use crate::open::Store;
use fhir::Id;
use json::Document;
use privacy::Phi;

/// Identifiers looked up at once at most; a message gives a handful.
pub const IDENTIFIERS_MAX: usize = 64;

/// The patients whose Encounter, CareTeam or generalPractitioner names the practitioner or one of their roles. What was
/// entered in error is no care.
const IN_CARE: &str = "
    WITH names(kind, id) AS (
        SELECT 'Practitioner', ?1
        UNION SELECT 'PractitionerRole', role.id
            FROM reference g JOIN resource role ON role.row = g.row AND role.deleted = 0
            WHERE g.kind = 'Practitioner' AND g.id = ?1 AND g.param = 'PractitionerRole.practitioner')
    SELECT DISTINCT p.id
    FROM names JOIN reference f ON f.kind = names.kind AND f.id = names.id
        AND f.param IN ('Encounter.participant', 'CareTeam.participant', 'Patient.general-practitioner')
    JOIN patient p ON p.number = f.patient
    JOIN resource q ON q.kind = 'Patient' AND q.id = p.id AND q.deleted = 0
    WHERE NOT EXISTS (SELECT 1 FROM token s WHERE s.row = f.row
        AND s.param IN ('Encounter.status', 'CareTeam.status') AND s.code = 'entered-in-error')
    ORDER BY p.id";

const BY_IDENTIFIER: &str = "
    SELECT DISTINCT r.row, r.bytes FROM token t JOIN resource r ON r.row = t.row AND r.deleted = 0
    WHERE t.param = 'Patient.identifier' AND t.code = ? AND t.system = ? ORDER BY r.row";

impl Store {
    /// The patients in a practitioner's care, in the order of their ids.
    ///
    /// # Errors
    /// The disk's.
    pub async fn patients_in_care_of(&self, practitioner: &Id) -> Result<Vec<Id>, StoreError> {
        let ids: Vec<String> =
            sqlx::query_scalar(IN_CARE).bind(practitioner.as_str()).fetch_all(self.readers()).await?;
        ids.iter().map(|id| Id::parse(id).map_err(|_| StoreError::Damaged("the id of a patient"))).collect()
    }

    /// The patients that identifiers (system, value) lead to: for each that does, its place among those asked for, and the
    /// Patient. One identifier may lead to several, and several to one.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] for more identifiers than one message may give; the disk's.
    pub async fn patients_by_identifier(
        &self,
        identifiers: &[(String, String)],
    ) -> Result<Phi<Vec<(usize, Document)>>, StoreError> {
        if identifiers.len() > IDENTIFIERS_MAX {
            return Err(StoreError::Unfit(format!("more than {IDENTIFIERS_MAX} identifiers")));
        }
        let mut snapshot = crate::sqlite::snapshot(self.readers()).await?;
        let mut found = Vec::new();
        for (place, (system, value)) in identifiers.iter().enumerate() {
            let asked = sqlx::query_as(BY_IDENTIFIER).bind(value).bind(system);
            let rows: Vec<(i64, Vec<u8>)> = asked.fetch_all(&mut *snapshot).await?;
            for (_, bytes) in rows {
                found.push((place, document(bytes)?));
            }
        }
        snapshot.rollback().await?;
        Ok(Phi::new(found))
    }
}
