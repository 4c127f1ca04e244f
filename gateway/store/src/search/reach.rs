//! Which rows of a type a permit's patients can reach at all, as SQL.

use super::parts::Parts;
use super::sql::Sql;
use crate::error::StoreError;
use fhir::subject;
use fhir::{Id, ResourceType};
use privacy::faults::{self, Bug};
use privacy::policy::Cut;
use privacy::{Label, Permit};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

/// How the rows of a type are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// They say themselves whose they are.
    Subject,
    /// A record of the patient refers to them, or to another shared one that does.
    Shared,
    /// The records they tell of are the patient's (Provenance).
    Targets,
    /// A record of the patient has them attached; they are read and never searched (Binary).
    Owner,
    /// Not at all.
    None,
}

/// How the rows of a type are reached.
pub(crate) fn way(kind: ResourceType) -> Way {
    use ResourceType::{
        Binary, Location, Medication, Organization, Patient, Practitioner, PractitionerRole, Provenance,
    };
    if kind == Patient || subject::element(kind).is_some() {
        Way::Subject
    } else if matches!(kind, Location | Medication | Organization | Practitioner | PractitionerRole) {
        Way::Shared
    } else if kind == Provenance {
        Way::Targets
    } else if kind == Binary {
        Way::Owner
    } else {
        Way::None
    }
}

/// Whose records are looked for.
enum Whom {
    /// Those of these patients, by their numbers; never empty.
    These(Vec<i64>),
    /// Those of everyone who has any.
    Everyone,
}

/// The permit's patients and what of their records may count as evidence.
pub(super) struct Reach {
    /// The patients.
    whom: Whom,
    /// Types of records that scopes and policy let be seen at all.
    kinds: Vec<&'static str>,
    /// Types of shared ones that may stand between a record and another: those that may be seen themselves.
    between: Vec<&'static str>,
    /// Those of them that the policy shows whole: what they refer to is never cut away.
    whole: Vec<&'static str>,
    /// Labels that bar a record.
    barred: Vec<&'static str>,
    /// The parts of those types that granular scopes let be seen.
    parts: Vec<Parts>,
    /// The parts of the type asked for that they reach.
    asked: Option<Parts>,
}

impl Reach {
    /// What a permit reaches; `None` when none of its patients has any record.
    pub(super) async fn of(permit: &Permit, connection: &mut SqliteConnection) -> Result<Option<Reach>, StoreError> {
        let Some(whom) = Reach::whom(permit, connection).await? else { return Ok(None) };
        let seen = |kind: &&ResourceType| permit.sees(**kind) && permit.policy().cut(**kind).is_some();
        let by = |wanted: Way| ResourceType::ALL.iter().filter(seen).copied().filter(move |kind| way(*kind) == wanted);
        let between = by(Way::Shared).map(ResourceType::as_str).collect();
        let kinds: Vec<ResourceType> = by(Way::Subject).collect();
        let whole = kinds.iter().filter(|kind| permit.policy().cut(**kind) == Some(&Cut::Whole));
        let whole = whole.map(|kind| kind.as_str()).collect();
        let kinds = kinds.iter().map(|kind| kind.as_str()).collect();
        let barred = Label::ALL.into_iter().filter(|label| permit.policy().bars(&[*label]));
        let barred = barred.map(Label::code).collect();
        let parts = ResourceType::ALL.iter().filter_map(|kind| Parts::of(*kind, permit.parts_seen(*kind))).collect();
        let asked = Parts::of(permit.question().kind, permit.parts_asked());
        Ok(Some(Reach { whom, kinds, between, whole, barred, parts, asked }))
    }

    /// Whose records a permit is about; `None` when none of its patients has any.
    async fn whom(permit: &Permit, connection: &mut SqliteConnection) -> Result<Option<Whom>, StoreError> {
        if permit.subject().is_everyone() {
            return Ok(Some(Whom::Everyone));
        }
        let mut sql = Sql::of("SELECT number FROM patient WHERE id IN ");
        sql.list(permit.subject().patients().iter().map(|id| id.as_str()));
        if faults::seeded(Bug::TruncatedId) {
            sql = Sql::of("SELECT number FROM patient WHERE substr(id, 1, 24) IN ");
            sql.list(permit.subject().patients().iter().map(faults::cut_short));
        }
        if faults::seeded(Bug::EmptyMeansAll) && permit.subject().is_nobody() {
            sql = Sql::of("SELECT number FROM patient");
        }
        let rows = sql.rows(connection).await?;
        let patients = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        Ok((!patients.is_empty()).then_some(Whom::These(patients)))
    }

    /// Whether one resource can be the permit's patients' at all, by the index alone. Where that does not tell, it can.
    pub(super) async fn comes_near(
        &self,
        kind: ResourceType,
        id: &Id,
        connection: &mut SqliteConnection,
    ) -> Result<bool, StoreError> {
        let sql = match way(kind) {
            Way::Subject => self.about_them(kind, id),
            Way::Owner => self.attached(kind, id),
            Way::Shared | Way::Targets => return Ok(true),
            Way::None => return Ok(false),
        };
        match sql.rows(connection).await?.first() {
            Some(row) => Ok(row.try_get(0)?),
            None => Ok(false),
        }
    }

    fn about_them(&self, kind: ResourceType, id: &Id) -> Sql {
        let mut sql = Sql::of("SELECT coalesce(max(s.patient");
        sql.add(self.patients()).push("), 1) FROM resource r JOIN subject s ON s.row = r.row WHERE r.kind = ");
        sql.text(kind.as_str()).push(" AND r.id = ").text(id.as_str());
        sql
    }

    fn attached(&self, kind: ResourceType, id: &Id) -> Sql {
        let mut sql = Sql::of("SELECT EXISTS (SELECT 1 FROM link l WHERE l.patient");
        sql.add(self.patients()).push(" AND l.kind = ").text(kind.as_str()).push(" AND l.id = ").text(id.as_str());
        sql.push(
            ") OR EXISTS (SELECT 1 FROM resource r JOIN link l ON l.row = r.row
            JOIN resource x ON x.kind = l.kind AND x.id = l.id JOIN subject s ON s.row = x.row WHERE r.kind = ",
        );
        sql.text(kind.as_str()).push(" AND r.id = ").text(id.as_str()).push(" AND s.patient");
        sql.add(self.patients()).push(")");
        sql
    }

    /// ` IN (…)`: the patients.
    pub(super) fn patients(&self) -> Sql {
        match &self.whom {
            Whom::These(patients) => {
                let mut sql = Sql::of(" IN ");
                sql.list(patients.iter().copied());
                sql
            }
            Whom::Everyone => Sql::of(" IN (SELECT number FROM patient)"),
        }
    }

    /// The parts of the type asked for, where the scopes do not reach all of it.
    pub(super) fn asked(&self) -> Option<&Parts> {
        self.asked.as_ref()
    }

    /// That the record `x` may count as evidence.
    pub(super) fn counts(&self) -> Sql {
        let mut sql = Sql::of("x.deleted = 0 AND x.kind IN ");
        sql.list(self.kinds.iter().copied());
        self.unbarred("x.row", &mut sql);
        self.admitted("x", &mut sql);
        sql
    }

    /// That the link `l` leads to a shared record `bridge` that may lead on, and its link `m` to one of a kind.
    pub(super) fn through(&self, kind: ResourceType) -> Sql {
        let mut sql = Sql::of("bridge.deleted = 0 AND l.kind IN ");
        sql.list(self.between.iter().copied());
        self.unbarred("bridge.row", &mut sql);
        self.admitted("bridge", &mut sql);
        sql.push(" AND m.kind = ").text(kind.as_str());
        sql
    }

    fn unbarred(&self, row: &str, sql: &mut Sql) {
        if !self.barred.is_empty() {
            sql.push(" AND NOT EXISTS (SELECT 1 FROM label b WHERE b.row = ").push(row).push(" AND b.code IN ");
            sql.list(self.barred.iter().copied()).push(")");
        }
    }

    fn admitted(&self, record: &str, sql: &mut Sql) {
        for parts in &self.parts {
            sql.push(" AND ").add(parts.admit(record));
        }
    }

    /// Whether the record `x` is shown whole, and which it is of its kind for the target `{target}`, the newest first: the
    /// columns by which [`Reach::BEST`] chooses.
    pub(super) fn worth(&self, target: &str) -> Sql {
        let mut sql = Sql::of("x.kind IN ");
        sql.list(self.whole.iter().copied()).push(" AS whole, row_number() OVER (PARTITION BY ").push(target);
        sql.push(", x.kind ORDER BY x.row DESC) AS nth");
        sql
    }

    /// The place of a candidate among those for its target: what is shown whole first, else one of each kind before a
    /// second of any, since a cut takes the same references from every record of a kind.
    pub(super) const BEST: &'static str =
        "row_number() OVER (PARTITION BY target ORDER BY whole DESC, nth, row DESC) AS place";

    /// ` FROM … WHERE …`: the rows `r` of a type that can be reached, and where their index rows stand.
    pub(super) fn rows(&self, kind: ResourceType) -> Option<(Sql, Indexed)> {
        match way(kind) {
            Way::Subject => Some((self.own(kind), Indexed::ByPatient)),
            Way::Shared => Some((self.shared(kind), Indexed::ByRow)),
            Way::Targets => Some((self.telling(kind), Indexed::ByRow)),
            Way::Owner | Way::None => None,
        }
    }

    fn own(&self, kind: ResourceType) -> Sql {
        let mut sql = Sql::of(" FROM resource r WHERE r.deleted = 0 AND ");
        match &self.whom {
            Whom::These(_) => {
                sql.push("r.row IN (SELECT row FROM subject WHERE patient").add(self.patients());
                sql.push(" AND kind = ").text(kind.as_str()).push(")");
            }
            // All of the type, in the order of its index.
            Whom::Everyone => drop(sql.push("r.kind = ").text(kind.as_str())),
        }
        sql
    }

    fn shared(&self, kind: ResourceType) -> Sql {
        let mut sql = Sql::of(" FROM resource r WHERE r.deleted = 0 AND r.kind = ");
        sql.text(kind.as_str()).push(" AND r.id IN (");
        sql.push("SELECT l.id FROM link l JOIN resource x ON x.row = l.row WHERE l.patient");
        sql.add(self.patients()).push(" AND l.kind = ").text(kind.as_str()).push(" AND ").add(self.counts());
        sql.push(
            " UNION SELECT m.id FROM link l JOIN resource x ON x.row = l.row
            JOIN resource bridge ON bridge.kind = l.kind AND bridge.id = l.id
            JOIN link m ON m.row = bridge.row WHERE l.patient",
        );
        sql.add(self.patients()).push(" AND ").add(self.through(kind)).push(" AND ").add(self.counts());
        sql.push(")");
        sql
    }

    fn telling(&self, kind: ResourceType) -> Sql {
        let mut sql = Sql::of(" FROM resource r WHERE r.deleted = 0 AND r.kind = ");
        sql.text(kind.as_str()).push(
            " AND r.row IN (SELECT f.row FROM subject s JOIN resource x ON x.row = s.row
            CROSS JOIN reference f ON f.kind = x.kind AND f.id = x.id AND f.param = 'Provenance.target' AND f.patient = 0
            WHERE s.patient",
        );
        sql.add(self.patients()).push(" AND ").add(self.counts()).push(")");
        sql
    }
}

/// By what the index rows of a type are best found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Indexed {
    /// They stand under the patient.
    ByPatient,
    /// They stand under nobody; few rows are left when they are asked for.
    ByRow,
}
