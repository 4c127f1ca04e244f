//! The records that may let a row be seen which is nobody's own: found by asking the patient's records what they refer to.
//!
//! Nothing is decided here; the gate judges each record that is brought. Looking ends early where a record was found that
//! should suffice: one the scopes and the policy let be seen, of a patient in context, and still referring once it is cut.

use super::Upstream;
use super::page::name;
use super::question::{self, is_personal, pair, references};
use super::wire::PAGE_BYTES_MAX;
use fhir::reference::Reference;
use fhir::resource::Resource;
use fhir::search::{ParameterKind, parameters, searchable};
use fhir::subject::{About, about, owner};
use fhir::{Id, ResourceType};
use json::{Document, Limits, Value};
use privacy::label::labels;
use privacy::{Left, Permit, Refusal, redact};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one page of evidence.
const COUNT: usize = 100;
/// Pages that one search for evidence may follow.
const PAGES_MAX: usize = 3;
/// Searches for the evidence of one chunk.
const SEARCHES_MAX: usize = 80;
/// Pages of documents that are looked through for the owner of one Binary.
const BINARY_PAGES_MAX: usize = 20;
/// Targets of one Provenance that are read; one with more is not shown.
const TARGETS_MAX: usize = 20;
/// Targets that are read for one chunk.
const READS_MAX: usize = 400;
/// Shared resources between a record and the one it leads to.
const BETWEEN_MAX: usize = 8;

/// Shared types that may stand between a record and another shared resource, and by which parameter they name it.
const BETWEEN: [(ResourceType, ResourceType, &str); 8] = [
    (ResourceType::Practitioner, ResourceType::PractitionerRole, "practitioner"),
    (ResourceType::Organization, ResourceType::PractitionerRole, "organization"),
    (ResourceType::Organization, ResourceType::Location, "organization"),
    (ResourceType::Organization, ResourceType::Organization, "partof"),
    (ResourceType::Organization, ResourceType::Medication, "manufacturer"),
    (ResourceType::Location, ResourceType::PractitionerRole, "location"),
    (ResourceType::Location, ResourceType::Location, "partof"),
    (ResourceType::Medication, ResourceType::Medication, "ingredient"),
];

/// Types whose attachments may lie in a Binary.
const WITH_ATTACHMENTS: [ResourceType; 4] = [
    ResourceType::DocumentReference,
    ResourceType::DiagnosticReport,
    ResourceType::Patient,
    ResourceType::RelatedPerson,
];

type Name = (ResourceType, Id);

/// Evidence for the rows of one chunk: what was read once is not read again.
pub(super) struct Evidence<'a> {
    upstream: &'a Upstream,
    permit: &'a Permit,
    read: BTreeMap<Name, Option<Document>>,
    searches: usize,
}

impl<'a> Evidence<'a> {
    /// None yet.
    pub(super) fn new(upstream: &'a Upstream, permit: &'a Permit) -> Evidence<'a> {
        Evidence { upstream, permit, read: BTreeMap::new(), searches: 0 }
    }

    /// The evidence for each of these rows, in their order.
    pub(super) async fn of(&mut self, rows: &[Document]) -> Result<Vec<Vec<Document>>, Refusal> {
        if rows.iter().all(is_own) {
            return Ok(vec![Vec::new(); rows.len()]);
        }
        // Boxed, because few rows need it.
        Box::pin(self.sought(rows)).await
    }

    async fn sought(&mut self, rows: &[Document]) -> Result<Vec<Vec<Document>>, Refusal> {
        let shared = rows.iter().filter_map(shared).collect();
        let referring = self.for_shared(shared).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let evidence = match name(row).and_then(|name| referring.get(&name)) {
                Some(found) => found.clone(),
                None => self.for_owned(row).await?,
            };
            all.push(evidence);
        }
        Ok(all)
    }

    /// The evidence for each companion of a match; the match itself is what lets a shared one be seen.
    pub(super) async fn of_companions(
        &mut self,
        rows: &[Document],
        of: &Document,
    ) -> Result<Vec<Vec<Document>>, Refusal> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        Box::pin(self.sought_for_companions(rows, of)).await
    }

    async fn sought_for_companions(&mut self, rows: &[Document], of: &Document) -> Result<Vec<Vec<Document>>, Refusal> {
        if let Some(name) = name(of).filter(|name| self.allows(name.0)) {
            self.read.insert(name, Some(of.clone()));
        }
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(if shared(row).is_some() { vec![of.clone()] } else { self.for_owned(row).await? });
        }
        Ok(all)
    }

    /// The evidence for what is neither somebody's nor shared: a Provenance or a Binary.
    async fn for_owned(&mut self, row: &Document) -> Result<Vec<Document>, Refusal> {
        let Ok(resource) = Resource::of(row.root()) else { return Ok(Vec::new()) };
        match about(&resource) {
            About::Targets(targets) => self.targets(&targets).await,
            About::Owner => {
                let named = owner(&resource, "");
                let mut evidence = Vec::new();
                match named {
                    Some((kind, id)) if kind != ResourceType::Patient => {
                        evidence.extend(self.record(&(kind, id)).await?)
                    }
                    Some(_) | None => {
                        if let Some(name) = name(row) {
                            evidence = self.attaching(&name).await?;
                        }
                    }
                }
                Ok(evidence)
            }
            About::Patients(_) | About::Shared | About::Unknown => Ok(Vec::new()),
        }
    }

    /// All targets of a Provenance, or nothing: only all of them can let it be seen.
    async fn targets(&mut self, targets: &[Name]) -> Result<Vec<Document>, Refusal> {
        if targets.len() > TARGETS_MAX || !targets.iter().all(|(kind, _)| is_personal(*kind) && self.allows(*kind)) {
            return Ok(Vec::new());
        }
        let mut evidence = Vec::new();
        for target in targets {
            match self.record(target).await? {
                Some(record) => evidence.push(record),
                None => return Ok(Vec::new()),
            }
        }
        Ok(evidence)
    }

    async fn record(&mut self, name: &Name) -> Result<Option<Document>, Refusal> {
        if let Some(known) = self.read.get(name) {
            return Ok(known.clone());
        }
        if self.read.len() >= READS_MAX || !self.allows(name.0) {
            return Ok(None);
        }
        let record = self.upstream.one(name.0, &name.1, None, PAGE_BYTES_MAX).await?;
        self.read.insert(name.clone(), record.clone());
        Ok(record)
    }

    /// Records of the patients in whose attachments a Binary lies.
    async fn attaching(&mut self, binary: &Name) -> Result<Vec<Document>, Refusal> {
        let mut sought = Sought::new(BTreeSet::from([binary.clone()]));
        for kind in WITH_ATTACHMENTS {
            self.look(kind, None, BINARY_PAGES_MAX, &mut sought).await?;
        }
        Ok(sought.found.remove(binary).unwrap_or_default())
    }

    /// For each shared resource the records that refer to it, directly or by one shared resource between them.
    async fn for_shared(&mut self, names: BTreeSet<Name>) -> Result<BTreeMap<Name, Vec<Document>>, Refusal> {
        let mut found = self.referring(names.clone()).await?;
        let left = names.iter().filter(|name| !found.contains_key(name));
        let mut bridges: BTreeMap<Name, (Name, Document)> = BTreeMap::new();
        for name in left {
            for (to, from, parameter) in BETWEEN {
                if to != name.0 || !self.allows(from) || self.spent() {
                    continue;
                }
                let pairs = [pair(parameter, references(name.0, [&name.1])), pair("_count", BETWEEN_MAX.to_string())];
                let rows = self.upstream.first_page(from, &pairs).await?.matches;
                for row in rows.into_iter().take(BETWEEN_MAX) {
                    if let Some(between) = self::name(&row).filter(|_| self.reaches(&row) && points(&row, name)) {
                        bridges.insert(between, (name.clone(), row));
                    }
                }
            }
        }
        let between = self.referring(bridges.keys().cloned().collect()).await?;
        for (bridge, records) in between {
            if let Some((name, row)) = bridges.get(&bridge) {
                let evidence = found.entry(name.clone()).or_default();
                evidence.push(row.clone());
                evidence.extend(records);
            }
        }
        // Those for which there is none are answered as well, so that nobody looks again.
        for name in names {
            found.entry(name).or_default();
        }
        Ok(found)
    }

    /// For each of these a record that refers to it, where there is one.
    async fn referring(&mut self, names: BTreeSet<Name>) -> Result<BTreeMap<Name, Vec<Document>>, Refusal> {
        let kinds: BTreeSet<ResourceType> = names.iter().map(|name| name.0).collect();
        let mut sought = Sought::new(names);
        for to in kinds {
            for (from, parameter) in ways(to) {
                loop {
                    let before = sought.pending.len();
                    let ids: Vec<Id> =
                        sought.pending.iter().filter(|name| name.0 == to).map(|name| name.1.clone()).collect();
                    if ids.is_empty() {
                        break;
                    }
                    let narrower = pair(parameter, references(to, &ids));
                    let ended = self.look(from, Some(narrower), PAGES_MAX, &mut sought).await?;
                    // One that is referred to very often hides the others; without it they come forward.
                    if ended || sought.pending.len() == before {
                        break;
                    }
                }
            }
        }
        Ok(sought.found)
    }

    /// Looks through the patients' records of one type; whether it came to their end.
    async fn look(
        &mut self,
        kind: ResourceType,
        narrower: Option<(String, String)>,
        pages_max: usize,
        sought: &mut Sought,
    ) -> Result<bool, Refusal> {
        let subject = self.permit.subject();
        if subject.is_nobody() || sought.pending.is_empty() || !self.allows(kind) || self.spent() {
            return Ok(true);
        }
        let mut pairs: Vec<(String, String)> = question::about(kind, subject).into_iter().chain(narrower).collect();
        pairs.push(pair("_count", COUNT.to_string()));
        let mut page = self.upstream.first_page(kind, &pairs).await?;
        for _ in 1..pages_max {
            page.matches.iter().for_each(|record| self.note(record, sought));
            match page.next {
                Some(next) if !sought.pending.is_empty() => page = self.upstream.next_page(kind, &next).await?,
                Some(_) | None => return Ok(true),
            }
        }
        page.matches.iter().for_each(|record| self.note(record, sought));
        Ok(page.next.is_none())
    }

    /// Notes for what a record is evidence, if it should suffice.
    fn note(&self, record: &Document, sought: &mut Sought) {
        let Some(left) = self.as_seen(record) else { return };
        let Ok(left) = Resource::of(left.root()) else { return };
        for name in pointed(&left) {
            if sought.pending.remove(&name) {
                sought.found.entry(name).or_default().push(record.clone());
            }
        }
    }

    /// A record as the permit would let it be seen, if it would.
    fn as_seen(&self, record: &Document) -> Option<Document> {
        let resource = Resource::of(record.root()).ok()?;
        let subject = self.permit.subject();
        let own = matches!(about(&resource), About::Patients(of) if of.iter().all(|patient| subject.holds(patient)));
        if !own || !self.permit.reaches(&resource) || self.permit.policy().bars(&labels(&resource)) {
            return None;
        }
        match redact(&resource, self.permit.policy()) {
            Left::Whole => Some(record.clone()),
            Left::Cut(bytes) => Document::parse(bytes.into(), &Limits::DEFAULT).ok(),
            Left::Nothing => None,
        }
    }

    /// Whether the scopes let a shared record between two others be seen.
    fn reaches(&self, row: &Document) -> bool {
        Resource::of(row.root()).is_ok_and(|resource| self.permit.reaches(&resource))
    }

    /// Whether scopes and policy let the type be seen at all.
    fn allows(&self, kind: ResourceType) -> bool {
        self.permit.sees(kind) && self.permit.policy().cut(kind).is_some()
    }

    /// Counts a search; whether there were too many.
    fn spent(&mut self) -> bool {
        self.searches += 1;
        self.searches > SEARCHES_MAX
    }
}

/// What evidence is sought for, and what was found.
struct Sought {
    pending: BTreeSet<Name>,
    found: BTreeMap<Name, Vec<Document>>,
}

impl Sought {
    fn new(pending: BTreeSet<Name>) -> Sought {
        Sought { pending, found: BTreeMap::new() }
    }
}

/// Whether a row is of a type whose rows are somebody's own or nobody's: no other record bears on it.
fn is_own(row: &Document) -> bool {
    Resource::of(row.root()).is_ok_and(|row| is_personal(row.kind()))
}

/// The name of a row that is shared.
fn shared(row: &Document) -> Option<Name> {
    let resource = Resource::of(row.root()).ok()?;
    matches!(about(&resource), About::Shared).then(|| Some((resource.kind(), resource.id()?))).flatten()
}

/// By which of R4's parameters records of patients refer to a shared type, each element once.
fn ways(to: ResourceType) -> Vec<(ResourceType, &'static str)> {
    let mut ways = Vec::new();
    for from in searchable().filter(|from| is_personal(*from)) {
        let mut paths: Vec<&[&str]> = Vec::new();
        for parameter in parameters(from) {
            let refers = parameter.kind == ParameterKind::Reference && parameter.targets.contains(&to);
            // `related` refers to anything; servers answer it slowly and it says nothing of care.
            let any = parameter.targets.len() == ResourceType::ALL.len();
            if refers && !any && parameter.name != "subject" && !paths.contains(&parameter.paths) {
                paths.push(parameter.paths);
                ways.push((from, parameter.name));
            }
        }
    }
    ways
}

/// What a resource points at on its own server.
pub(super) fn pointed(resource: &Resource<'_>) -> BTreeSet<Name> {
    let local = |value: Value<'_>| {
        let reference = Reference::parse(&value.text()?);
        reference.local().map(|(kind, id)| (kind, id.clone()))
    };
    resource.references().into_iter().chain(resource.attachments()).filter_map(local).collect()
}

/// Whether a row points at a resource.
pub(super) fn points(row: &Document, to: &Name) -> bool {
    Resource::of(row.root()).is_ok_and(|resource| pointed(&resource).contains(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_types_are_looked_for_where_r4_lets_records_name_them() {
        let practitioner = ways(ResourceType::Practitioner);
        for way in [
            (ResourceType::Encounter, "participant"),
            (ResourceType::CareTeam, "participant"),
            (ResourceType::Patient, "general-practitioner"),
            (ResourceType::Observation, "performer"),
            (ResourceType::MedicationRequest, "requester"),
            (ResourceType::DocumentReference, "author"),
        ] {
            assert!(practitioner.contains(&way), "{way:?}");
        }
        assert!(!practitioner.contains(&(ResourceType::Encounter, "practitioner")), "the same element twice");
        assert!(practitioner.iter().all(|(_, parameter)| *parameter != "subject" && *parameter != "related"));
        assert!(ways(ResourceType::Medication).contains(&(ResourceType::MedicationRequest, "medication")));
        assert!(ways(ResourceType::Location).contains(&(ResourceType::Encounter, "location")));
        assert!(ways(ResourceType::Organization).contains(&(ResourceType::Encounter, "service-provider")));
    }

    #[test]
    fn one_search_for_evidence_stays_within_its_bound() {
        for kind in ResourceType::ALL {
            assert!(ways(*kind).len() < SEARCHES_MAX, "{kind}");
        }
    }
}
