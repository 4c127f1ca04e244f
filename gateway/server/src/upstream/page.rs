//! A page from the server behind us, taken apart: checked whole, then rows of their own that share its bytes.

use super::address::Base;
use super::wire::down;
use fhir::bundle::{Found, Mode};
use fhir::resource::Resource;
use fhir::search::{Query, matches};
use fhir::subject::{About, about_at};
use fhir::{Id, ResourceType};
use json::Document;
use privacy::faults::{self, Bug};
use privacy::{Refusal, Subject};

/// Rows and the next page.
pub(super) struct Page {
    /// What matches, in order.
    pub(super) matches: Vec<Document>,
    /// What accompanies it.
    pub(super) companions: Vec<Document>,
    /// The next page, within the base.
    pub(super) next: Option<String>,
}

impl Page {
    /// Takes a searchset apart; any fault refuses it whole.
    pub(super) fn read(page: &Document, kind: ResourceType, base: &Base) -> Result<Page, Refusal> {
        let found = Found::read(page.root(), kind).map_err(down)?;
        let next = match found.next() {
            None => None,
            Some(link) => Some(base.own(link).ok_or_else(|| down("its next link leads elsewhere"))?),
        };
        let (mut matches, mut companions) = (Vec::new(), Vec::new());
        for entry in &found.entries {
            let rows = match entry.mode {
                Mode::Match => &mut matches,
                Mode::Include if entry.mode_is_said || may_accompany(entry.resource.kind()) => &mut companions,
                Mode::Include => return Err(down("it gave a row of another type")),
                Mode::Outcome => continue,
            };
            if entry.resource.id().is_none() {
                return Err(down("it gave a row without an id"));
            }
            rows.push(entry.resource.value().detach());
        }
        Ok(Page { matches, companions, next })
    }

    /// How many matches are about other patients than those asked for; one that is nobody's refuses the page whole, unless
    /// everything of the type was asked for: the gate passes over it.
    pub(super) fn foreign(&self, subject: &Subject, base: &Base) -> Result<usize, Refusal> {
        let mut foreign = 0;
        for row in &self.matches {
            match about_at(&Resource::of(row.root()).map_err(down)?, base.text()) {
                About::Patients(patients) => {
                    foreign += usize::from(!patients.iter().all(|patient| subject.holds(patient)));
                }
                About::Unknown if subject.is_everyone() || faults::seeded(Bug::FilterErrorSends) => {}
                About::Unknown => return Err(down("it gave a row of nobody to a question about a patient")),
                About::Shared | About::Targets(_) | About::Owner => {}
            }
        }
        Ok(foreign)
    }
}

/// Types that are ever asked for beside others; a server need not say of them why they are there.
fn may_accompany(kind: ResourceType) -> bool {
    matches!(kind, ResourceType::Medication | ResourceType::Provenance)
}

/// Whether a row is one that the question asks for.
pub(super) fn does_meet(query: &Query, row: &Document) -> bool {
    Resource::of(row.root()).is_ok_and(|row| matches(query, &row))
}

/// The name of a row that has one.
pub(super) fn name(row: &Document) -> Option<(ResourceType, Id)> {
    let resource = Resource::of(row.root()).ok()?;
    Some((resource.kind(), resource.id()?))
}
