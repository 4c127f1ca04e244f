//! Filling a page with the rows that a permit lets be seen. Pure.
//!
//! Each row is judged on its own: whose it is, its type, its labels, and then cut to what the purpose needs. A row that may
//! not be seen leaves no trace: no entry, no count, no gap.

use crate::decide::{may_see, own_fhir_user};
use crate::gate::{Page, Redacted, Shown};
use crate::label::labels;
use crate::permit::Permit;
use crate::phi::Phi;
use crate::redact::{Left, redact};
use crate::refusal::Refusal;
use crate::scope::Letter;
use crate::source::{Chunk, Cursor, Row, Standing};
use fhir::reference::Reference;
use fhir::resource::Resource;
use fhir::subject::{self, About};
use fhir::{Id, ResourceType};
use json::{Document, Value};
use std::collections::HashSet;

/// Chunks that one page may ask its source for. Generous: only where hidden rows vastly outnumber visible ones does a page
/// end early, and then it says where to go on.
pub(crate) const CHUNKS_MAX: usize = 40;

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
    wanted: Wanted,
    shown: Vec<Shown>,
    seen: HashSet<(ResourceType, Id)>,
    matches: usize,
    counted: usize,
    from_start: bool,
    next: Option<Cursor>,
    more: bool,
    last_shown: Cursor,
    companions: bool,
    chunks: usize,
}

impl Judging {
    /// An empty page, beginning at a place in the source's sequence.
    pub fn begin(permit: Permit, wanted: Wanted, from: Cursor) -> Judging {
        Judging {
            permit,
            wanted,
            shown: Vec::new(),
            seen: HashSet::new(),
            matches: 0,
            counted: 0,
            from_start: from == Cursor::Start,
            last_shown: from.clone(),
            next: Some(from),
            more: false,
            companions: false,
            chunks: 0,
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
        let counting = self.wanted.total && self.counted < COUNTED_MAX;
        if self.chunks >= CHUNKS_MAX || (self.more && !counting) {
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
        for row in chunk.rows {
            self.row(row)?;
        }
        self.next = chunk.next;
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Refusal> {
        let resource = Resource::of(row.content.root()).map_err(unreadable)?;
        let Some(id) = resource.id() else { return Err(unreadable("a row without an id")) };
        let asked = match row.standing {
            Standing::Match => resource.kind() == self.permit.question().kind,
            Standing::Include => self.companions && self.may_see(resource.kind()),
        };
        let about = if asked { self.about(&resource, &row.evidence) } else { None };
        if row.standing == Standing::Match {
            self.companions = false;
        }
        let Some(about) = about else { return Ok(()) };
        let content = match redact(&resource, self.permit.policy()) {
            Left::Whole => row.content.bytes().slice(resource.value().span()),
            Left::Cut(bytes) => bytes.into(),
            Left::Nothing => return Ok(()),
        };
        if row.standing == Standing::Match {
            self.counted += 1;
            if self.matches == self.wanted.count {
                self.more = true;
                return Ok(());
            }
            self.matches += 1;
            self.companions = true;
            self.last_shown = row.after;
        }
        if self.seen.insert((resource.kind(), id.clone())) {
            let version = resource.version().map(|version| version.into_owned());
            let updated = resource.last_updated();
            let kind = resource.kind();
            self.shown.push(Shown { kind, id, version, updated, standing: row.standing, about, content });
        }
        Ok(())
    }

    fn may_see(&self, kind: ResourceType) -> bool {
        let principal = self.permit.principal();
        may_see(principal, kind, Letter::Read) || may_see(principal, kind, Letter::Search)
    }

    /// The patients a row is shown for, or nothing when it may not be seen.
    fn about(&self, resource: &Resource<'_>, evidence: &[Document]) -> Option<Vec<Id>> {
        if self.permit.policy().bars(&labels(resource)) {
            return None;
        }
        let subject = self.permit.subject();
        match subject::about(resource) {
            About::Patients(patients) => {
                (!patients.is_empty() && patients.iter().all(|patient| subject.holds(patient))).then_some(patients)
            }
            About::Shared if own_fhir_user(self.permit.principal(), self.permit.question()) => {
                Some(subject.patients().to_vec())
            }
            About::Shared | About::Owner => self.by_reference(resource, evidence),
            About::Targets(targets) => self.by_targets(&targets, evidence),
            About::Unknown => None,
        }
    }

    /// Seen because a record that may be seen refers to it, directly or through one shared resource between them.
    fn by_reference(&self, resource: &Resource<'_>, evidence: &[Document]) -> Option<Vec<Id>> {
        let wanted = (resource.kind(), resource.id()?);
        let evidence: Vec<Resource<'_>> = evidence.iter().filter_map(|item| Resource::of(item.root()).ok()).collect();
        let direct = evidence.iter().find(|record| refers_to(record, &wanted)).and_then(|record| self.record(record));
        if direct.is_some() {
            return direct;
        }
        evidence
            .iter()
            .filter(|between| matches!(subject::about(between), About::Shared) && refers_to(between, &wanted))
            .filter_map(|between| Some((between.kind(), between.id()?)))
            .find_map(|between| evidence.iter().filter(|record| refers_to(record, &between)).find_map(|record| self.record(record)))
    }

    /// Seen because every target may be seen.
    fn by_targets(&self, targets: &[(ResourceType, Id)], evidence: &[Document]) -> Option<Vec<Id>> {
        let mut patients = Vec::new();
        for target in targets {
            let record = evidence
                .iter()
                .filter_map(|item| Resource::of(item.root()).ok())
                .find(|record| record.kind() == target.0 && record.id().as_ref() == Some(&target.1))?;
            for patient in self.record(&record)? {
                if !patients.contains(&patient) {
                    patients.push(patient);
                }
            }
        }
        (!patients.is_empty()).then_some(patients)
    }

    /// The patients of a record that is about patients by itself, may be seen, and is in scope.
    fn record(&self, record: &Resource<'_>) -> Option<Vec<Id>> {
        let policy = self.permit.policy();
        if !self.may_see(record.kind()) || policy.cut(record.kind()).is_none() || policy.bars(&labels(record)) {
            return None;
        }
        match subject::about(record) {
            About::Patients(patients) => {
                let subject = self.permit.subject();
                (!patients.is_empty() && patients.iter().all(|patient| subject.holds(patient))).then_some(patients)
            }
            About::Shared | About::Owner | About::Targets(_) | About::Unknown => None,
        }
    }

    /// The page as it is now.
    pub fn close(self) -> Redacted<Page> {
        let ended = self.next.is_none();
        let next = match (self.more, ended) {
            (true, _) => Some(self.last_shown),
            (false, false) => self.next,
            (false, true) => None,
        };
        let total = (ended && self.from_start).then_some(self.counted as u64);
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
