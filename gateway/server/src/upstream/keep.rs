//! What is written to the server behind us and looked up there without a permit: for our own demonstration, for results
//! of a laboratory, and for the relationship of care. Nothing of it goes to a client from here.

use super::Upstream;
use super::evidence::pointed;
use super::page::{does_meet, name};
use super::question::{pair, references};
use super::wire::{PAGE_BYTES_MAX, down};
use fhir::resource::Resource;
use fhir::search::{Criterion, Filter, Query, SystemMatch, parameter};
use fhir::subject::{About, about_at};
use fhir::{Id, ResourceType};
use json::{Document, Value, Writer};
use privacy::{Phi, Refusal};
use std::collections::{BTreeMap, BTreeSet};

/// Resources in one transaction.
const TRANSACTION_MAX: usize = 100;
/// Patients that one identifier may find; two are already too many for a match.
const IDENTIFIED_MAX: usize = 20;
/// Rows of one page of a relationship.
const COUNT: usize = 200;
/// Pages of one search; what of a relationship lies behind is left out, which only narrows.
const PAGES_MAX: usize = 50;
/// Roles of one practitioner.
const ROLES_MAX: usize = 50;

impl Upstream {
    /// The current version of one resource, for those who keep it rather than those who ask for it.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`.
    pub async fn current(&self, kind: ResourceType, id: &str) -> Result<Option<Phi<Document>>, Refusal> {
        let Ok(id) = Id::parse(id) else { return Ok(None) };
        Ok(self.one(kind, &id, None, PAGE_BYTES_MAX).await?.map(Phi::new))
    }

    /// Whether this is the version in which a record stands now.
    ///
    /// # Errors
    /// As [`Upstream::current`].
    pub(crate) async fn is_current(&self, kind: ResourceType, id: &Id, version: &str) -> Result<bool, Refusal> {
        let Some(content) = self.one(kind, id, None, PAGE_BYTES_MAX).await? else { return Ok(false) };
        let resource = Resource::of(content.root()).map_err(down)?;
        Ok(resource.version().is_some_and(|current| current == version))
    }

    /// Keeps resources under their own ids, a hundred in one transaction; what others refer to goes first, because servers
    /// refuse references to what is not there.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`: then the transaction that failed and those behind it may be missing. Doing it
    /// again does no harm.
    pub async fn put_all(&self, resources: &[Phi<Document>]) -> Result<(), Refusal> {
        for some in ordered(resources).chunks(TRANSACTION_MAX) {
            let bundle = transaction(some)?;
            let answer = self.wire.transact(self.base.text(), bundle).await?;
            if !is_kept(&answer, some.len()) {
                return Err(down("it did not keep all of a transaction"));
            }
        }
        Ok(())
    }

    /// The patients who have an identifier.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`.
    pub async fn patients_identified(&self, system: &str, value: &str) -> Result<Vec<Phi<Document>>, Refusal> {
        let Some(identifier) = parameter(ResourceType::Patient, "identifier") else { return Ok(Vec::new()) };
        if value.is_empty() {
            return Ok(Vec::new());
        }
        let token = Criterion::Token { system: SystemMatch::Is(system.to_owned()), code: Some(value.to_owned()) };
        let pairs = [pair("identifier", token.to_string()), pair("_count", IDENTIFIED_MAX.to_string())];
        let mut query = Query::everything(ResourceType::Patient, self.base.text());
        query.filters.push(Filter { parameter: identifier, modifier: None, values: vec![token] });
        let mut found = Vec::new();
        let mut take = |row| {
            found.push(Phi::new(row));
            Ok(found.len() < IDENTIFIED_MAX)
        };
        let seen = self.each(&query, &pairs, &mut take).await?;
        // One of an unknown number is not the one.
        if seen == Seen::AsFarAsWeRead {
            Err(down("it has more pages for an identifier than are read"))
        } else {
            Ok(found)
        }
    }

    /// The patients whose Encounter, CareTeam or generalPractitioner names this practitioner, directly or by a role.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`.
    pub async fn patients_in_care_of(&self, practitioner: &Id) -> Result<Vec<Id>, Refusal> {
        let own = references(ResourceType::Practitioner, [practitioner]);
        let pairs = [pair("practitioner", own.clone()), pair("_count", ROLES_MAX.to_string())];
        let whom = vec![(ResourceType::Practitioner, practitioner.clone())];
        let theirs = self.naming(ResourceType::PractitionerRole, "practitioner", &whom);
        let mut roles: Vec<Id> = Vec::new();
        let mut take = |row: Document| {
            roles.extend(name(&row).map(|(_, id)| id));
            Ok(roles.len() < ROLES_MAX)
        };
        self.each(&theirs, &pairs, &mut take).await?;
        let whom: Vec<_> =
            whom.into_iter().chain(roles.iter().map(|id| (ResourceType::PractitionerRole, id.clone()))).collect();
        let mut who = vec![own];
        if !roles.is_empty() {
            who.push(references(ResourceType::PractitionerRole, &roles));
        }
        let who = who.join(",");
        let mut patients = BTreeSet::new();
        for (kind, by) in [
            (ResourceType::Encounter, "participant"),
            (ResourceType::CareTeam, "participant"),
            (ResourceType::Patient, "general-practitioner"),
        ] {
            let pairs = [pair(by, who.clone()), pair("_count", COUNT.to_string())];
            self.related(&self.naming(kind, by, &whom), &pairs, &mut patients).await?;
        }
        Ok(patients.into_iter().collect())
    }

    /// The search for what names one of these by a parameter; for a parameter that we do not know, one that finds nothing.
    fn naming(&self, kind: ResourceType, by: &str, whom: &[(ResourceType, Id)]) -> Query {
        let mut query = Query::everything(kind, self.base.text());
        let values = whom.iter().map(|(kind, id)| Criterion::Reference { kind: Some(*kind), id: id.clone() }).collect();
        match parameter(kind, by) {
            Some(parameter) => query.filters.push(Filter { parameter, modifier: None, values }),
            None => query.ids = Some(Vec::new()),
        }
        query
    }

    /// The patients whom the records found are about. Each is held against the question: a server that passes over a
    /// parameter would put everybody into one's care. What was entered in error is no care.
    async fn related(
        &self,
        query: &Query,
        pairs: &[(String, String)],
        patients: &mut BTreeSet<Id>,
    ) -> Result<(), Refusal> {
        let mut take = |row: Document| {
            if !is_entered_in_error(&row)
                && let About::Patients(of) = about_at(&Resource::of(row.root()).map_err(down)?, self.base.text())
            {
                patients.extend(of);
            }
            Ok(true)
        };
        if self.each(query, pairs, &mut take).await? == Seen::AsFarAsWeRead {
            let kind = query.kind.as_str();
            tracing::warn!(kind, "a practitioner has more records than are looked through; some patients are left out");
        }
        Ok(())
    }

    /// Shows `take` every row that answers a search, page after page, until it has enough.
    async fn each(&self, query: &Query, pairs: &[(String, String)], take: &mut Take<'_>) -> Result<Seen, Refusal> {
        let mut page = self.first_page(query.kind, pairs).await?;
        for left in (0..PAGES_MAX).rev() {
            for row in page.matches.into_iter().filter(|row| does_meet(query, row)) {
                if !take(row)? {
                    return Ok(Seen::Enough);
                }
            }
            match page.next {
                Some(next) if left > 0 => page = self.next_page(query.kind, &next).await?,
                Some(_) => break,
                None => return Ok(Seen::Everything),
            }
        }
        Ok(Seen::AsFarAsWeRead)
    }
}

/// Takes a row; says whether it wants more.
type Take<'a> = dyn FnMut(Document) -> Result<bool, Refusal> + Send + 'a;

/// How much of a search was seen.
#[derive(PartialEq, Eq)]
enum Seen {
    /// All there is.
    Everything,
    /// As much as was wanted.
    Enough,
    /// [`PAGES_MAX`] pages, and there are more.
    AsFarAsWeRead,
}

/// The resources, each behind those of them that it refers to; in a circle one comes first.
fn ordered(resources: &[Phi<Document>]) -> Vec<&Phi<Document>> {
    let names = resources.iter().enumerate().filter_map(|(place, resource)| Some((name(resource.expose())?, place)));
    let places: BTreeMap<_, usize> = names.collect();
    let needs = |place: usize| -> Vec<usize> {
        let pointed =
            resources.get(place).and_then(|one| Resource::of(one.expose().root()).ok()).map(|one| pointed(&one));
        pointed.into_iter().flatten().filter_map(|name| places.get(&name).copied()).collect()
    };
    let mut reached = vec![false; resources.len()];
    let mut order = Vec::with_capacity(resources.len());
    for first in 0..resources.len() {
        // A walk without recursion: a chain of references may be as long as the list.
        let mut walk = vec![(first, false)];
        while let Some((place, done)) = walk.pop() {
            if done {
                order.extend(resources.get(place));
                continue;
            }
            if std::mem::replace(&mut reached[place], true) {
                continue;
            }
            walk.push((place, true));
            walk.extend(needs(place).into_iter().filter(|need| !reached[*need]).map(|need| (need, false)));
        }
    }
    order
}

fn transaction(resources: &[&Phi<Document>]) -> Result<Vec<u8>, Refusal> {
    let mut out = Writer::new();
    out.begin_object().member("resourceType", "Bundle").member("type", "transaction");
    out.key("entry").begin_array();
    for resource in resources {
        let resource = resource.expose();
        let (kind, id) = name(resource).ok_or_else(|| Refusal::fault("a resource without an id was to be kept"))?;
        out.begin_object().key("resource").value(resource.root());
        out.key("request").begin_object().member("method", "PUT").member("url", &format!("{kind}/{id}")).end_object();
        out.end_object();
    }
    out.end_array().end_object();
    Ok(out.finish())
}

fn is_entered_in_error(row: &Document) -> bool {
    row.root().get("status").is_some_and(|status| status.is("entered-in-error"))
}

/// Whether the answer to a transaction says of each of `count` entries that it succeeded.
fn is_kept(answer: &Document, count: usize) -> bool {
    let root = answer.root();
    let succeeded = |entry: Value<'_>| {
        let status = entry.get("response").and_then(|response| response.get("status")).and_then(Value::text);
        status.is_some_and(|status| status.starts_with('2'))
    };
    let entries: Vec<bool> = root.get("entry").into_iter().flat_map(Value::items).map(succeeded).collect();
    root.get("type").is_some_and(|kind| kind.is("transaction-response"))
        && entries.len() == count
        && entries.into_iter().all(|kept| kept)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use json::Limits;

    fn document(text: &str) -> Document {
        Document::parse(text.to_owned().into(), &Limits::DEFAULT).unwrap()
    }

    #[test]
    fn a_transaction_puts_each_resource_under_its_own_id() {
        let patient = r#"{"resourceType":"Patient","id":"p1","multipleBirthInteger":1.0}"#;
        let bundle = transaction(&[&Phi::new(document(patient))]).unwrap();
        let expected = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{patient},"request":{{"method":"PUT","url":"Patient/p1"}}}}]}}"#
        );
        assert_eq!(String::from_utf8(bundle).unwrap(), expected);
        assert!(transaction(&[&Phi::new(document(r#"{"resourceType":"Patient"}"#))]).is_err());
    }

    #[test]
    fn what_others_refer_to_goes_first() {
        let one = |id: &str, to: &str| {
            let refer =
                format!(r#"{{"resourceType":"Encounter","id":"{id}","partOf":{{"reference":"Encounter/{to}"}}}}"#);
            Phi::new(document(&refer))
        };
        let all = [one("a", "b"), one("b", "c"), one("c", "x"), one("d", "e"), one("e", "d"), one("a2", "a")];
        let order: Vec<String> =
            ordered(&all).into_iter().filter_map(|one| Some(name(one.expose())?.1.to_string())).collect();
        assert_eq!(order, ["c", "b", "a", "e", "d", "a2"]);
    }

    #[test]
    fn a_transaction_is_kept_when_each_entry_is() {
        let answer = |statuses: &[&str]| {
            let entries: Vec<String> =
                statuses.iter().map(|status| format!(r#"{{"response":{{"status":"{status}"}}}}"#)).collect();
            document(&format!(
                r#"{{"resourceType":"Bundle","type":"transaction-response","entry":[{}]}}"#,
                entries.join(",")
            ))
        };
        assert!(is_kept(&answer(&["201 Created", "200 OK"]), 2));
        assert!(!is_kept(&answer(&["201 Created"]), 2));
        assert!(!is_kept(&answer(&["201 Created", "409 Conflict"]), 2));
        assert!(!is_kept(&document(r#"{"resourceType":"OperationOutcome"}"#), 0));
    }
}
