//! A FHIR server behind us. What it is asked is rebuilt from typed parts and narrowed to the permit's patients; what it
//! says is checked whole and believed in nothing: rows are held against the question, and then judged by the gate.
//!
//! Nothing of a client's request is passed on, neither text nor header, and nothing the server says of its own troubles
//! reaches an answer.

mod address;
mod chunks;
mod evidence;
mod head;
mod keep;
mod line;
mod links;
mod mark;
mod page;
mod question;
#[cfg(feature = "faults")]
mod seeded;
mod wire;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod line_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use crate::telemetry::Alarm;
use address::Base;
use evidence::{Evidence, pointed};
use fhir::resource::Resource;
use fhir::search::Query;
use fhir::subject::{About, about};
use fhir::{Id, ResourceType};
use json::Document;
use links::Links;
pub use mark::Claim;
use page::{Page, does_meet, name};
use privacy::{Chunk, Cursor, Kind, Permit, Phi, Refusal, Row, Source, Standing};
use question::is_personal;
use url::Url;
use wire::{BINARY_BYTES_MAX, PAGE_BYTES_MAX, Wire};
pub(crate) use wire::{down, system_roots};

/// Rows of one page, at most; a server may give fewer.
const COUNT_MAX: usize = 500;

/// A FHIR server behind us.
pub struct Upstream {
    base: Base,
    wire: Wire,
    links: Links,
}

impl Upstream {
    /// The server at `base`, over http or https; over https the system's roots are trusted and those in
    /// `extra_roots_pem`.
    ///
    /// # Errors
    /// What is wrong with the address or the roots, in words for the operator.
    pub fn new(base: Url, extra_roots_pem: Option<&str>) -> Result<Upstream, String> {
        let base = Base::read(&base)?;
        let wire = Wire::new(&base, extra_roots_pem)?;
        Ok(Upstream { base, wire, links: Links::default() })
    }

    /// Its FHIR base, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        self.base.text()
    }

    /// Whether it answers a question now: one that costs a look into an index and finds nobody.
    pub async fn ready(&self) -> bool {
        let pairs = [question::pair("_id", "sluice-asks-whether-you-are-there"), question::pair("_count", "1")];
        self.wire.answers(&self.base.search(ResourceType::Patient, &pairs)).await
    }

    async fn chunk(&self, permit: &Permit, query: &Query, from: &Cursor, at_most: usize) -> Result<Chunk, Refusal> {
        let at_most = at_most.clamp(1, COUNT_MAX);
        let (link, skip) = match from {
            Cursor::Start => (None, 0),
            Cursor::Upstream { link, skip } if link.is_empty() => (None, *skip),
            Cursor::Upstream { link, skip } => {
                let whole = self.links.whole(link).and_then(|link| self.base.own(&link));
                (Some(whole.ok_or_else(gone)?), *skip)
            }
            Cursor::Store(_) => return Err(gone()),
        };
        let address = match &link {
            Some(link) => link.clone(),
            None => match question::pairs(query, permit.subject(), at_most)? {
                Some(mut pairs) => {
                    pairs.extend(question::narrowing(&permit.parts_asked().unwrap_or_default()));
                    self.base.search(query.kind, &pairs)
                }
                None => return Ok(Chunk { rows: Vec::new(), next: None }),
            },
        };
        let page = match self.wire.page(&address).await? {
            Some(page) => self.taken_apart(&page, query.kind)?,
            None if link.is_none() => return Err(down("it does not know this type")),
            None => return Err(gone()),
        };
        if is_personal(query.kind) {
            let foreign = self.trusted(page.foreign(permit.subject(), &self.base))?;
            if foreign > 0 {
                self.wire.distrust();
                tracing::warn!(
                    alarm = "foreign-row",
                    rows = foreign,
                    total = Alarm::ForeignRow.count(foreign as u64),
                    "the server behind us gave rows of other patients"
                );
            }
        }
        // The first page has no link: it is asked for anew.
        let link = link.as_deref().map_or_else(String::new, |link| self.links.shorten(link));
        self.rows(permit, query, page, &link, skip, at_most).await
    }

    /// Those rows of a page that meet the question, from a place on, each with its companions and its evidence.
    async fn rows(
        &self,
        permit: &Permit,
        query: &Query,
        page: Page,
        link: &str,
        skip: usize,
        at_most: usize,
    ) -> Result<Chunk, Refusal> {
        // Its own absolute references are local to it.
        let query = Query { base: self.base.text().to_owned(), ..query.clone() };
        let all = page.matches.len();
        let behind = |passed: usize| match (&page.next, passed >= all) {
            (Some(next), true) => Some(Cursor::Upstream { link: self.links.shorten(next), skip: 0 }),
            (None, true) => None,
            (_, false) => Some(Cursor::Upstream { link: link.to_owned(), skip: passed }),
        };
        let passed = skip.saturating_add(at_most).min(all);
        let asked =
            page.matches.into_iter().enumerate().take(passed).skip(skip).filter(|(_, row)| does_meet(&query, row));
        let (places, found): (Vec<usize>, Vec<Document>) = asked.unzip();
        let mut evidence = Evidence::new(self, permit);
        let for_matches = evidence.of(&found).await?;
        let mut rows = Vec::new();
        for ((place, content), own) in places.into_iter().zip(found).zip(for_matches) {
            let end = Cursor::Upstream { link: link.to_owned(), skip: place + 1 };
            let after = behind(place + 1).unwrap_or(end);
            let beside: Vec<Document> =
                page.companions.iter().filter(|row| accompany(row, &content)).cloned().collect();
            let for_beside = evidence.of_companions(&beside, &content).await?;
            rows.push(Row { content, standing: Standing::Match, after: after.clone(), evidence: own });
            for (content, evidence) in beside.into_iter().zip(for_beside) {
                rows.push(Row { content, standing: Standing::Include, after: after.clone(), evidence });
            }
        }
        Ok(Chunk { rows, next: behind(passed) })
    }

    /// One resource, checked to be the one asked for.
    async fn one(
        &self,
        kind: ResourceType,
        id: &Id,
        version: Option<&Id>,
        bytes_max: usize,
    ) -> Result<Option<Document>, Refusal> {
        let Some(content) = self.wire.read(&self.base.one(kind, id, version), bytes_max).await? else {
            return Ok(None);
        };
        if name(&content).is_none_or(|(its_kind, its_id)| its_kind != kind || its_id != *id) {
            self.wire.distrust();
            return Err(down("it gave another resource than was read"));
        }
        Ok(Some(content))
    }

    /// The first page of a search of our own.
    async fn first_page(&self, kind: ResourceType, pairs: &[(String, String)]) -> Result<Page, Refusal> {
        self.next_page(kind, &self.base.search(kind, pairs)).await
    }

    /// A page by its link, which is within the base.
    async fn next_page(&self, kind: ResourceType, link: &str) -> Result<Page, Refusal> {
        let page = self.wire.page(link).await?.ok_or_else(|| down("a page of its own is not there"))?;
        self.taken_apart(&page, kind)
    }

    fn taken_apart(&self, page: &Document, kind: ResourceType) -> Result<Page, Refusal> {
        self.trusted(Page::read(page, kind, &self.base))
    }

    /// An answer with a fault may be another's: no connection is used again.
    fn trusted<T>(&self, answer: Result<T, Refusal>) -> Result<T, Refusal> {
        if answer.is_err() {
            self.wire.distrust();
        }
        answer
    }
}

impl Source for Upstream {
    async fn find(&self, permit: &Permit, query: &Query, from: &Cursor, at_most: usize) -> Result<Phi<Chunk>, Refusal> {
        self.chunk(permit, query, from, at_most).await.map(Phi::new)
    }

    async fn fetch(
        &self,
        permit: &Permit,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> Result<Phi<Chunk>, Refusal> {
        let none = Chunk { rows: Vec::new(), next: None };
        let version = match version.map(Id::parse) {
            None => None,
            Some(Ok(version)) => Some(version),
            Some(Err(_)) => return Ok(Phi::new(none)),
        };
        let bytes_max = if kind == ResourceType::Binary { BINARY_BYTES_MAX } else { PAGE_BYTES_MAX };
        let Some(content) = self.one(kind, id, version.as_ref(), bytes_max).await? else { return Ok(Phi::new(none)) };
        let evidence = Evidence::new(self, permit).of(std::slice::from_ref(&content)).await?;
        let evidence = evidence.into_iter().flatten().collect();
        let row = Row { content, standing: Standing::Match, after: Cursor::Start, evidence };
        Ok(Phi::new(Chunk { rows: vec![row], next: None }))
    }
}

/// Whether a companion belongs to a match: the match refers to it, or it says where the match comes from.
fn accompany(companion: &Document, of: &Document) -> bool {
    let (Ok(resource), Ok(matched)) = (Resource::of(companion.root()), Resource::of(of.root())) else { return false };
    let (Some(name), Some(of)) = (name(companion), name(of)) else { return false };
    match about(&resource) {
        About::Targets(targets) => targets.contains(&of),
        About::Shared => pointed(&matched).contains(&name),
        About::Patients(_) | About::Owner | About::Unknown => false,
    }
}

fn gone() -> Refusal {
    Refusal::new(Kind::Gone, "This page link no longer leads anywhere. Search again from the first page.").at("_page")
}
