//! Filling a page with the rows that a permit lets be seen. Pure.
//!
//! Each row is judged on its own: whose it is, its type, its labels, and then cut to what the purpose needs. A row that may
//! not be seen leaves no trace: no entry, no count, no gap.

use crate::decide::own_fhir_user;
use crate::faults::{self, Bug};
use crate::gate::{Page, Redacted, Shown};
use crate::label::labels;
use crate::permit::Permit;
use crate::phi::Phi;
use crate::redact::{Left, redact};
use crate::refusal::Refusal;
use crate::scope::Level;
use crate::source::{Chunk, Cursor, Row, Standing};
use fhir::reference::Reference;
use fhir::resource::Resource;
use fhir::subject::{self, About};
use fhir::{Id, ResourceType};
use json::{Document, Limits, Value};
use std::collections::HashSet;

/// Chunks that one page may ask its source for. Generous: only where hidden rows vastly outnumber visible ones does a page
/// end early, and then it says where to go on.
pub(crate) const CHUNKS_MAX: usize = 40;

/// Bytes of shown rows from which on a page takes in nothing more, and says where to go on.
pub(crate) const PAGE_BYTES_FULL: usize = 32 * 1024 * 1024;

/// Visible rows that one page may count beyond those it shows (`_total=accurate`, `_count=0`).
pub(crate) const COUNTED_MAX: usize = 10_000;

/// How much of a result one answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Matches on the page.
    pub count: usize,
    /// Whether all visible matches are counted.
    pub total: bool,
}

/// A page being filled with visible rows.
pub struct Judging {
    permit: Permit,
    /// Whether the scopes reach a part alone of the type asked for.
    in_part: bool,
    wanted: Wanted,
    shown: Vec<Shown>,
    seen: HashSet<(ResourceType, Id)>,
    matched: HashSet<(ResourceType, Id)>,
    matches: usize,
    counted: usize,
    from_start: bool,
    next: Option<Cursor>,
    more: bool,
    last_shown: Cursor,
    companions: bool,
    chunks: usize,
    bytes: usize,
}

impl Judging {
    /// An empty page, beginning at a place in the source's sequence.
    pub fn begin(permit: Permit, wanted: Wanted, from: Cursor) -> Judging {
        Judging {
            in_part: permit.parts_asked().is_some(),
            permit,
            wanted,
            shown: Vec::new(),
            seen: HashSet::new(),
            matched: HashSet::new(),
            matches: 0,
            counted: 0,
            from_start: from == Cursor::Start,
            last_shown: from.clone(),
            next: Some(from),
            more: false,
            companions: false,
            chunks: 0,
            bytes: 0,
        }
    }

    /// The permit that the page is filled under.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Where the next rows should come from; `None` when the page is full, the source at its end, or the work spent.
    ///
    /// One visible match more than is wanted is sought: it alone proves that there is a next page.
    pub fn wants(&self) -> Option<Cursor> {
        // One more than is ever told decides; otherwise the last chunk's hidden rows would.
        let counting = self.wanted.total && self.counted <= COUNTED_MAX;
        if self.chunks >= CHUNKS_MAX || self.bytes >= PAGE_BYTES_FULL || (self.more && !counting) {
            return None;
        }
        self.next.clone()
    }

    /// Judges some rows.
    ///
    /// # Errors
    /// `UpstreamDown` when a row is not a resource at all.
    pub fn add(&mut self, chunk: Phi<Chunk>) -> Result<(), Refusal> {
        let chunk = chunk.into_exposed();
        self.chunks += 1;
        for (nth, row) in chunk.rows.into_iter().enumerate() {
            self.row(row, faults::seeded(Bug::SecondPatient) && nth == 1)?;
        }
        self.next = chunk.next;
        Ok(())
    }

    fn row(&mut self, row: Row, unjudged: bool) -> Result<(), Refusal> {
        let resource = Resource::of(row.content.root()).map_err(unreadable)?;
        let Some(id) = resource.id() else { return Err(unreadable("a row without an id")) };
        let key = (resource.kind(), id);
        let asked = match row.standing {
            Standing::Match => self.is_asked_for(&key) && self.is_in_scope(&resource),
            Standing::Include => self.companions && self.permit.reaches(&resource),
        };
        let about = if asked { self.about(&resource, &row.evidence) } else { None };
        let about = if unjudged { Some(self.permit.subject().patients().to_vec()) } else { about };
        if row.standing == Standing::Match {
            self.companions = false;
        }
        let Some(about) = about else { return Ok(()) };
        let content = match redact(&resource, self.permit.policy()) {
            Left::Whole => row.content.bytes().slice(resource.value().span()),
            Left::Cut(bytes) => bytes.into(),
            Left::Nothing => return Ok(()),
        };
        match row.standing {
            // A row that comes twice is one match.
            Standing::Match if !self.matched.insert(key.clone()) => return Ok(()),
            Standing::Match => {
                self.counted += 1;
                if self.matches == self.wanted.count {
                    self.more = true;
                    return Ok(());
                }
                self.matches += 1;
                self.companions = true;
                self.last_shown = row.after;
                // It may have come before as a companion; what was asked for stands as that.
                if self.seen.contains(&key) {
                    self.shown.retain(|shown| (shown.kind, &shown.id) != (key.0, &key.1));
                }
            }
            Standing::Include if self.seen.contains(&key) => return Ok(()),
            Standing::Include => {}
        }
        self.seen.insert(key.clone());
        self.bytes += content.len();
        let version = resource.version().map(|version| version.into_owned());
        let updated = resource.last_updated();
        let (kind, id) = key;
        self.shown.push(Shown { kind, id, version, updated, standing: row.standing, about, content });
        Ok(())
    }

    /// Whether a match is of the type, and has the id, that the question names.
    fn is_asked_for(&self, (kind, id): &(ResourceType, Id)) -> bool {
        let question = self.permit.question();
        *kind == question.kind && question.id.as_ref().is_none_or(|asked| asked == id)
    }

    /// Whether the scopes reach a match; that they reach its type, or some of it, was decided before.
    fn is_in_scope(&self, resource: &Resource<'_>) -> bool {
        !self.in_part || self.permit.grants(resource) || own_fhir_user(self.permit.principal(), self.permit.question())
    }

    /// Whether the scopes let a record speak for another. A Binary that is read by leave of its documents' scopes needs a
    /// document that may be read by them.
    fn may_vouch(&self, resource: &Resource<'_>) -> bool {
        let lends = resource.kind() == ResourceType::DocumentReference
            && self.permit.question().kind == ResourceType::Binary
            && !self.permit.reads(ResourceType::Binary);
        if lends { self.permit.grants(resource) } else { self.permit.reaches(resource) }
    }

    /// Whether all of these patients, and at least one, are in context.
    fn holds(&self, patients: &[Id]) -> bool {
        let subject = self.permit.subject();
        !patients.is_empty() && patients.iter().all(|patient| subject.holds(patient))
    }

    /// The patients a row is shown for, or nothing when it may not be seen.
    fn about(&self, resource: &Resource<'_>, evidence: &[Document]) -> Option<Vec<Id>> {
        if self.permit.policy().bars(&labels(resource)) {
            return None;
        }
        let key = (resource.kind(), resource.id()?);
        let own = own_fhir_user(self.permit.principal(), self.permit.question()) && self.is_asked_for(&key);
        match subject::about(resource) {
            About::Patients(patients) => (own || self.holds(&patients)).then_some(patients),
            About::Shared if own => Some(self.own_is_about()),
            About::Shared => self.by_reference(&key, &self.beside(evidence)),
            // A Binary that names its owner goes with that one alone, whoever else refers to it.
            About::Owner if resource.value().get("securityContext").is_some() => {
                self.by_owner(&key, &subject::owner(resource, "")?, &self.beside(evidence))
            }
            About::Owner => self.by_reference(&key, &self.beside(evidence)),
            About::Targets(targets) => self.by_targets(&targets, &self.beside(evidence)),
            About::Unknown if faults::seeded(Bug::FilterErrorSends) => Some(self.permit.subject().patients().to_vec()),
            About::Unknown => None,
        }
    }

    /// Whom one's own `fhirUser` is shown for: the patient in context, and under `user/` scopes nobody, since it says
    /// nothing of those in one's care.
    fn own_is_about(&self) -> Vec<Id> {
        match self.permit.level() {
            Level::Patient | Level::System => self.permit.subject().patients().to_vec(),
            Level::User => Vec::new(),
        }
    }

    /// Seen because a record that may be seen refers to it, directly or through one shared resource between them.
    fn by_reference(&self, wanted: &(ResourceType, Id), beside: &[Beside]) -> Option<Vec<Id>> {
        let shown_for = |to: &(ResourceType, Id)| {
            let record = beside.iter().find(|record| !record.patients.is_empty() && record.refers_to(to));
            record.map(|record| record.patients.clone())
        };
        let mut between = beside.iter().filter(|shared| shared.patients.is_empty() && shared.refers_to(wanted));
        shown_for(wanted).or_else(|| between.find_map(|shared| shown_for(&shared.key)))
    }

    /// Seen because the record that a Binary names as its owner may be seen, whoever else refers to the Binary. One whose
    /// owner is a patient in context needs a record that may be seen all the same.
    fn by_owner(&self, key: &(ResourceType, Id), owner: &(ResourceType, Id), beside: &[Beside]) -> Option<Vec<Id>> {
        match owner {
            (ResourceType::Patient, patient) => {
                let mut own = beside.iter().filter(|record| record.patients.contains(patient));
                own.find(|record| record.refers_to(key)).map(|record| record.patients.clone())
            }
            (_, _) => record(beside, owner).map(<[Id]>::to_vec),
        }
    }

    /// Seen because every target may be seen.
    fn by_targets(&self, targets: &[(ResourceType, Id)], beside: &[Beside]) -> Option<Vec<Id>> {
        let mut patients = Vec::new();
        for target in targets {
            for patient in record(beside, target)? {
                if !patients.contains(patient) {
                    patients.push(patient.clone());
                }
            }
        }
        (!patients.is_empty()).then_some(patients)
    }

    /// The evidence that may be seen itself: in scope, in the policy, not barred, and of patients in context or shared.
    fn beside(&self, evidence: &[Document]) -> Vec<Beside> {
        evidence.iter().filter_map(|item| self.beside_one(item)).collect()
    }

    fn beside_one(&self, item: &Document) -> Option<Beside> {
        let resource = Resource::of(item.root()).ok()?;
        let policy = self.permit.policy();
        if !self.may_vouch(&resource) || policy.bars(&labels(&resource)) {
            return None;
        }
        let patients = match subject::about(&resource) {
            About::Patients(patients) => self.holds(&patients).then_some(patients)?,
            About::Shared => Vec::new(),
            About::Owner | About::Targets(_) | About::Unknown => return None,
        };
        let left = match redact(&resource, policy) {
            Left::Whole => item.clone(),
            Left::Cut(bytes) => Document::parse(bytes.into(), &Limits::DEFAULT).ok()?,
            Left::Nothing => return None,
        };
        Some(Beside { key: (resource.kind(), resource.id()?), patients, left })
    }

    /// The page as it is now.
    pub fn close(self) -> Redacted<Page> {
        let ended = self.next.is_none();
        let next = match (self.more, ended) {
            (true, _) => Some(self.last_shown),
            (false, false) => self.next,
            (false, true) => None,
        };
        // A full page tells a total only when it was asked to count: whether the source had ended just then depends on
        // how many hidden rows came behind.
        let counted = if self.wanted.total { self.counted <= COUNTED_MAX } else { !self.more };
        let total = (ended && self.from_start && counted).then_some(self.counted as u64);
        Redacted::new(self.permit, Page { rows: self.shown, next, total })
    }

    /// The one row asked for by id; hidden is absent.
    ///
    /// # Errors
    /// `NotFound`, the same for both.
    pub fn close_one(self) -> Result<Redacted<Page>, Refusal> {
        if self.shown.is_empty() {
            return Err(Refusal::not_found());
        }
        Ok(self.close())
    }
}

/// Evidence that may be seen itself.
struct Beside {
    key: (ResourceType, Id),
    /// Whose it is; none when it is shared.
    patients: Vec<Id>,
    /// It, as the purpose would show it: what a cut takes away is evidence of nothing.
    left: Document,
}

impl Beside {
    fn refers_to(&self, other: &(ResourceType, Id)) -> bool {
        Resource::of(self.left.root()).is_ok_and(|resource| refers_to(&resource, other))
    }
}

/// The patients of the record with this key, if it may be seen and is somebody's.
fn record<'a>(beside: &'a [Beside], key: &(ResourceType, Id)) -> Option<&'a [Id]> {
    let record = beside.iter().find(|record| record.key == *key && !record.patients.is_empty())?;
    Some(&record.patients)
}

/// Whether the resource refers to the other anywhere in it, or to a Binary by an attachment's address.
fn refers_to(resource: &Resource<'_>, other: &(ResourceType, Id)) -> bool {
    let local = |value: &Value<'_>| {
        value.text().is_some_and(|text| match Reference::parse(&text) {
            Reference::Local { kind, id, .. } => kind == other.0 && id == other.1,
            Reference::Absolute { .. }
            | Reference::Fragment { .. }
            | Reference::Urn { .. }
            | Reference::Conditional { .. }
            | Reference::Unreadable => false,
        })
    };
    let attached = other.0 == ResourceType::Binary && resource.attachments().iter().any(local);
    attached || resource.references().iter().any(local)
}

fn unreadable(private: impl std::fmt::Display) -> Refusal {
    Refusal::new(crate::Kind::UpstreamDown, "The record server gave an answer that could not be read.").because(private)
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
