//! A search as one statement over the index, and what its rows bring along.

use super::cursor::{Place, columns, order};
use super::evidence::{Evidence, Found};
use super::reach::{Indexed, Reach, Way, way};
use super::sql::Sql;
use super::{CHUNK_BYTES_FULL, Fault};
use crate::column::{document, param, says_whose, system_column, union};
use crate::open::Store;
use crate::sqlite::{int, snapshot};
use fhir::search::{Criterion, Filter, Include, Modifier, ParameterKind, Prefix, Query, SystemMatch};
use fhir::subject::{About, about};
use fhir::{Id, Resource, ResourceType};
use json::Document;
use privacy::{Chunk, Cursor, Permit, Row, Standing};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

/// Rows that match, narrowed to the permit's patients, from a place on.
pub(super) async fn find(
    store: &Store,
    permit: &Permit,
    query: &Query,
    from: &Cursor,
    at_most: usize,
) -> Result<Chunk, Fault> {
    let place = Place::read(from, query)?;
    let nothing = Chunk { rows: Vec::new(), next: None };
    let mut snapshot = snapshot(store.readers()).await?;
    let Some(reach) = Reach::of(permit, &mut snapshot).await? else { return Ok(nothing) };
    let Some(sql) = statement(&reach, query, place.as_ref(), at_most) else { return Ok(nothing) };
    let mut found = sql.rows(&mut snapshot).await?;
    let mut more = found.len() > at_most;
    found.truncate(at_most);
    let mut matches = Vec::with_capacity(found.len());
    let (mut bytes_taken, mut last) = (0, None);
    for row in &found {
        if bytes_taken >= CHUNK_BYTES_FULL {
            more = true;
            break;
        }
        let bytes: Vec<u8> = row.try_get("bytes")?;
        bytes_taken += bytes.len();
        let place = Place::of(row, query)?.cursor();
        let id: String = row.try_get("id")?;
        matches.push((Found { row: row.try_get("row")?, id, content: document(bytes)? }, place.clone()));
        last = Some(place);
    }
    let rows = assemble(&mut snapshot, &reach, query, matches).await?;
    snapshot.rollback().await?;
    Ok(Chunk { rows, next: last.filter(|_| more) })
}

/// Matches with their evidence, each followed by its companions.
async fn assemble(
    connection: &mut SqliteConnection,
    reach: &Reach,
    query: &Query,
    matches: Vec<(Found, Cursor)>,
) -> Result<Vec<Row>, Fault> {
    let mut evidence = Evidence::new(reach);
    let found: Vec<Found> = matches.iter().map(|(found, _)| found.clone()).collect();
    evidence.gather(connection, query.kind, &found).await?;
    let with_medication = query.includes.contains(&Include::MedicationRequestMedication);
    let with_provenance = query.revincludes.contains(&Include::ProvenanceTarget);
    let medications = if with_medication { evidence.medications(connection, &found).await? } else { Vec::new() };
    let provenances =
        if with_provenance { evidence.provenances(connection, query.kind, &found).await? } else { Vec::new() };
    let mut rows = Vec::with_capacity(found.len() + medications.len() + provenances.len());
    for (one, after) in matches {
        let companion = |content: &Document, evidence: Vec<Document>| Row {
            content: content.clone(),
            standing: Standing::Include,
            after: after.clone(),
            evidence,
        };
        let own = medications.iter().filter(|(of, _)| *of == one.row);
        let mut companions: Vec<Row> =
            own.map(|(_, medication)| companion(&medication.content, vec![one.content.clone()])).collect();
        let own = provenances.iter().filter(|(of, _)| *of == one.row);
        companions.extend(own.map(|(_, told)| companion(&told.content, evidence.of(told.row))));
        let proof = evidence.of(one.row);
        rows.push(Row { content: one.content, standing: Standing::Match, after: after.clone(), evidence: proof });
        rows.extend(companions);
    }
    Ok(rows)
}

/// One resource by its id, in its current or a named version.
pub(super) async fn fetch(
    store: &Store,
    permit: &Permit,
    kind: ResourceType,
    id: &Id,
    version: Option<&str>,
) -> Result<Chunk, Fault> {
    let nothing = Chunk { rows: Vec::new(), next: None };
    let mut snapshot = snapshot(store.readers()).await?;
    let own_user = permit.principal().fhir_user.as_ref().is_some_and(|(own_kind, own)| *own_kind == kind && own == id);
    let reach = Reach::of(permit, &mut snapshot).await?;
    let near = match &reach {
        Some(reach) => reach.comes_near(kind, id, &mut snapshot).await?,
        None => false,
    };
    // What is another's is not even read: the time that takes would tell that it is there.
    if !near && !own_user {
        return Ok(nothing);
    }
    let Some((row, content)) = content(&mut snapshot, kind, id, version).await? else { return Ok(nothing) };
    let evidence = match &reach {
        None => Vec::new(),
        Some(reach) => {
            let mut evidence = Evidence::new(reach);
            let found = Found { row, id: id.to_string(), content: content.clone() };
            evidence.gather(&mut snapshot, kind, std::slice::from_ref(&found)).await?;
            evidence.of(row)
        }
    };
    snapshot.rollback().await?;
    let whose = Resource::of(content.root()).map_or(About::Unknown, |resource| about(&resource));
    let reached = match whose {
        About::Patients(patients) => own_user || patients.iter().all(|patient| permit.subject().holds(patient)),
        About::Shared => own_user || !evidence.is_empty(),
        About::Targets(_) | About::Owner => !evidence.is_empty(),
        About::Unknown => false,
    };
    if !reached {
        return Ok(nothing);
    }
    let after = Cursor::Store(String::new());
    Ok(Chunk { rows: vec![Row { content, standing: Standing::Match, after, evidence }], next: None })
}

/// The bytes of a version, if there is one that may be shown.
async fn content(
    connection: &mut SqliteConnection,
    kind: ResourceType,
    id: &Id,
    version: Option<&str>,
) -> Result<Option<(i64, Document)>, Fault> {
    let sql = "SELECT row, version, deleted <> 0, bytes FROM resource WHERE kind = ? AND id = ?";
    let current = sqlx::query_as(sql).bind(kind.as_str()).bind(id.as_str());
    let current: Option<(i64, i64, bool, Vec<u8>)> = current.fetch_optional(&mut *connection).await?;
    let Some((row, number, deleted, bytes)) = current else { return Ok(None) };
    let bytes = match version {
        None if deleted => return Ok(None),
        None => bytes,
        Some(asked) if asked == number.to_string() => bytes,
        Some(asked) => {
            let sql = "SELECT bytes FROM history
                WHERE kind = ? AND id = ? AND CAST(version AS TEXT) = ? AND withheld = 0 AND deleted = 0";
            let earlier = sqlx::query_scalar(sql).bind(kind.as_str()).bind(id.as_str()).bind(asked);
            let Some(bytes) = earlier.fetch_optional(connection).await? else { return Ok(None) };
            bytes
        }
    };
    Ok(Some((row, document(bytes)?)))
}

/// The search as one statement; `None` for a type that is not searched here.
fn statement(reach: &Reach, query: &Query, place: Option<&Place>, at_most: usize) -> Option<Sql> {
    let (rows, indexed) = reach.rows(query.kind)?;
    debug_assert!(way(query.kind) != Way::Owner);
    let mut sql = Sql::of("SELECT h.*, b.bytes FROM (SELECT * FROM (SELECT r.row AS row, r.id AS id");
    sql.add(columns(query.kind, &query.sort)).add(rows);
    if let Some(ids) = &query.ids {
        sql.push(" AND r.id IN ").list(ids.iter().map(Id::as_str));
    }
    if let Some(parts) = reach.asked() {
        sql.push(" AND ").add(parts.hold("r.row"));
    }
    for filter in &query.filters {
        sql.push(" AND ").add(condition(reach, query.kind, indexed, filter));
    }
    sql.push(") c");
    if let Some(place) = place {
        sql.push(" WHERE ").add(place.behind(query));
    }
    sql.push(&order("c", &query.sort)).push(" LIMIT ").int(int(at_most as u64 + 1));
    sql.push(") h JOIN resource b ON b.row = h.row").push(&order("h", &query.sort));
    Some(sql)
}

/// That the row `r` meets one of a filter's values.
fn condition(reach: &Reach, kind: ResourceType, indexed: Indexed, filter: &Filter) -> Sql {
    let name = filter.parameter.name;
    if name == "_lastUpdated" {
        let values = filter.values.iter().map(|value| match value {
            Criterion::Date { prefix, low, high } => within(*prefix, "r.updated", "r.updated", *low, *high),
            Criterion::Token { .. } | Criterion::Text { .. } | Criterion::Reference { .. } => Sql::of("0"),
        });
        let mut sql = Sql::of("(");
        sql.joined(values, " OR ").push(")");
        return sql;
    }
    if says_whose(kind, name) {
        return whose(kind, filter);
    }
    let table = match filter.parameter.kind {
        ParameterKind::Token => "token",
        ParameterKind::String => "text",
        ParameterKind::Date => "date",
        ParameterKind::Reference => "reference",
    };
    let mut sql = Sql::default();
    match indexed {
        Indexed::ByPatient => {
            sql.push("r.row IN (SELECT i.row FROM ").push(table).push(" i WHERE i.patient").add(reach.patients());
        }
        Indexed::ByRow => {
            sql.push("EXISTS (SELECT 1 FROM ").push(table).push(" i WHERE i.row = r.row");
        }
    }
    sql.push(" AND ").add(is_of(kind, name)).push(" AND (");
    sql.joined(filter.values.iter().map(|value| meets(value, filter.modifier)), " OR ").push("))");
    sql
}

/// That the index row `i` is one of a parameter.
pub(super) fn is_of(kind: ResourceType, name: &str) -> Sql {
    let own = param(kind, name);
    let mut sql = Sql::of("i.param IN ");
    match union(&own) {
        Some(parts) => drop(sql.list(parts.iter().copied())),
        None => drop(sql.list([own])),
    }
    sql
}

/// That the row `r` is about one of the patients whom a filter names.
fn whose(kind: ResourceType, filter: &Filter) -> Sql {
    let patients = filter.values.iter().filter_map(|value| match value {
        Criterion::Reference { kind: None | Some(ResourceType::Patient), id } => Some(id.as_str()),
        Criterion::Reference { .. } | Criterion::Token { .. } | Criterion::Text { .. } | Criterion::Date { .. } => None,
    });
    let mut sql =
        Sql::of("r.row IN (SELECT s.row FROM patient p JOIN subject s ON s.patient = p.number WHERE s.kind = ");
    sql.text(kind.as_str()).push(" AND p.id IN ").list(patients).push(")");
    sql
}

/// That the index row `i` meets one value.
pub(super) fn meets(value: &Criterion, modifier: Option<Modifier>) -> Sql {
    let mut sql = Sql::default();
    match value {
        Criterion::Token { system, code } => {
            let mut both = Vec::new();
            if let Some(code) = code {
                let mut same = Sql::of("i.code = ");
                same.text(code);
                both.push(same);
            }
            let system = match system {
                SystemMatch::Any => None,
                SystemMatch::Absent => Some(system_column(None)),
                SystemMatch::Is(system) => Some(system.as_str()),
            };
            if let Some(system) = system {
                let mut same = Sql::of("i.system = ");
                same.text(system);
                both.push(same);
            }
            sql.joined(both, " AND ");
        }
        Criterion::Text { folded, exact } => match modifier {
            Some(Modifier::Exact) => drop(sql.push("i.exact = ").text(exact)),
            Some(Modifier::Contains) => drop(sql.push("instr(i.folded, ").text(folded).push(") > 0")),
            Some(Modifier::Type(_)) => drop(sql.push("0")),
            None => {
                sql.push("i.folded >= ").text(folded).push(" AND substr(i.folded, 1, length(").text(folded);
                sql.push(")) = ").text(folded);
            }
        },
        Criterion::Date { prefix, low, high } => return within(*prefix, "i.low", "i.high", *low, *high),
        Criterion::Reference { kind, id } => {
            sql.push("i.id = ").text(id.as_str());
            if let Some(kind) = kind {
                sql.push(" AND i.kind = ").text(kind.as_str());
            }
        }
    }
    sql
}

/// That a stretch of time stands to the one asked for as the prefix says (as [`Prefix::holds`]).
fn within(prefix: Prefix, low: &str, high: &str, asked_low: i64, asked_high: i64) -> Sql {
    let compare = |column: &str, how: &str, value: i64| {
        let mut sql = Sql::of(column);
        sql.push(how).int(value);
        sql
    };
    let inside = || {
        let mut sql = compare(low, " >= ", asked_low);
        sql.push(" AND ").add(compare(high, " <= ", asked_high));
        sql
    };
    let either = |one: Sql, other: Sql| {
        let mut sql = Sql::of("(");
        sql.add(one).push(" OR ").add(other).push(")");
        sql
    };
    let later = || compare(high, " > ", asked_high);
    let earlier = || compare(low, " < ", asked_low);
    match prefix {
        Prefix::Eq => inside(),
        Prefix::Ne => either(later(), earlier()),
        Prefix::Gt => later(),
        Prefix::Lt => earlier(),
        Prefix::Ge => either(inside(), later()),
        Prefix::Le => either(inside(), earlier()),
        Prefix::Sa => compare(low, " > ", asked_high),
        Prefix::Eb => compare(high, " < ", asked_low),
        Prefix::Ap => {
            let mut sql = compare(low, " <= ", asked_high);
            sql.push(" AND ").add(compare(high, " >= ", asked_low));
            sql
        }
    }
}
