//! That a row is within one of the parts of its type which granular scopes reach, as SQL. Narrowing alone: without it a
//! patient's many other rows would use up the work that a page may take, and the places for evidence.

use super::find::{is_of, meets};
use super::sql::Sql;
use fhir::ResourceType;
use fhir::search::Filter;
use privacy::scope::Constraint;

/// The parts of a type that the scopes reach; types that they reach as a whole have none.
pub(super) struct Parts {
    kind: ResourceType,
    parts: Vec<Constraint>,
}

impl Parts {
    /// Those of a type, where there are any.
    pub(super) fn of(kind: ResourceType, parts: Option<Vec<&Constraint>>) -> Option<Parts> {
        Some(Parts { kind, parts: parts?.into_iter().cloned().collect() })
    }

    /// That the row with this number, which is of the type, is within one of the parts.
    pub(super) fn hold(&self, row: &str) -> Sql {
        let part = |part: &Constraint| {
            let mut all = Sql::of("(");
            all.joined(part.filters().iter().map(|filter| self.meet(filter, row)), " AND ").push(")");
            all
        };
        let mut any = Sql::of("(");
        any.joined(self.parts.iter().map(part), " OR ").push(")");
        any
    }

    /// That a record, of any type, is not of this one or is within one of the parts.
    pub(super) fn admit(&self, record: &str) -> Sql {
        let mut sql = Sql::of("(");
        sql.push(record).push(".kind <> ").text(self.kind.as_str());
        sql.push(" OR ").add(self.hold(&format!("{record}.row"))).push(")");
        sql
    }

    /// That a row meets a filter; those of a scope ask for tokens alone.
    fn meet(&self, filter: &Filter, row: &str) -> Sql {
        let mut sql = Sql::of("EXISTS (SELECT 1 FROM token i WHERE i.row = ");
        sql.push(row).push(" AND ").add(is_of(self.kind, filter.parameter.name)).push(" AND (");
        sql.joined(filter.values.iter().map(|value| meets(value, filter.modifier)), " OR ").push("))");
        sql
    }
}
