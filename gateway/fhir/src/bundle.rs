//! Searchsets: read from a server behind us, written for a client in front of us.
//!
//! Reading takes a page apart into rows and believes nothing else of it: totals and links are the sender's claims. Writing
//! never copies a row; a page is a list of byte slices with a little glue between them.

use crate::{Id, Resource, ResourceFault, ResourceType};
use bytes::Bytes;
use json::{Kind, Value, Writer};
use std::borrow::Cow;
use thiserror::Error;

/// Why a row stands in a searchset (value set search-entry-mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// It answers the search.
    Match,
    /// Something that does refers to it, or the other way round.
    Include,
    /// It tells about the search itself.
    Outcome,
}

impl Mode {
    /// The code.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Match => "match",
            Mode::Include => "include",
            Mode::Outcome => "outcome",
        }
    }
}

/// Why a Bundle is no searchset that we take apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BundleFault {
    /// It is something else.
    #[error("this is not a Bundle")]
    NotABundle,
    /// It is another kind of Bundle.
    #[error("this Bundle is not a searchset")]
    NotASearchset,
    /// `entry` or `link` is no array of objects.
    #[error("the entries and links of a Bundle are arrays of objects")]
    BadShape,
    /// An entry without a resource.
    #[error("entry {0} of the Bundle has no resource")]
    NoResource(usize),
    /// An entry whose resource cannot be read.
    #[error("entry {0} of the Bundle: {1}")]
    BadResource(usize, ResourceFault),
    /// An entry with another search mode.
    #[error("entry {0} of the Bundle has an unknown search mode")]
    BadMode(usize),
    /// A row that matches but is not of the type searched.
    #[error("entry {0} of the Bundle is a match of another type than was searched")]
    BadMatch(usize),
}

/// One row of a searchset.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The row.
    pub resource: Resource<'a>,
    /// Why it is there. Without a mode: what is of the type searched is a match, an OperationOutcome an outcome, all else
    /// included.
    pub mode: Mode,
    /// Whether the sender says so itself; otherwise it follows from the type.
    pub mode_is_said: bool,
    /// The row's own address as the sender gave it.
    pub full_url: Option<Cow<'a, str>>,
}

/// One page of a searchset, as its sender tells it.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// The rows in their order.
    pub entries: Vec<Entry<'a>>,
    /// The sender's total, when it is a whole number.
    pub total: Option<u64>,
    links: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Found<'a> {
    /// Takes a searchset for a search over `kind` apart; any fault refuses it whole.
    pub fn read(bundle: Value<'a>, kind: ResourceType) -> Result<Found<'a>, BundleFault> {
        if !bundle.get("resourceType").is_some_and(|name| name.is("Bundle")) {
            return Err(BundleFault::NotABundle);
        }
        if !bundle.get("type").is_some_and(|name| name.is("searchset")) {
            return Err(BundleFault::NotASearchset);
        }
        let mut entries = Vec::new();
        for (at, entry) in list(bundle, "entry")?.into_iter().enumerate() {
            entries.push(read_entry(entry, at, kind)?);
        }
        let mut links = Vec::new();
        for link in list(bundle, "link")? {
            let part = |name| link.get(name).and_then(Value::text);
            links.push((part("relation").ok_or(BundleFault::BadShape)?, part("url").ok_or(BundleFault::BadShape)?));
        }
        let total = bundle.get("total").and_then(Value::number).and_then(|number| number.parse().ok());
        Ok(Found { entries, total, links })
    }

    /// The address behind a relation such as `next` or `self`.
    pub fn link(&self, relation: &str) -> Option<&str> {
        self.links.iter().find(|(name, _)| name == relation).map(|(_, url)| &**url)
    }

    /// Where the sender says the next page is.
    pub fn next(&self) -> Option<&str> {
        self.link("next")
    }
}

fn read_entry(entry: Value<'_>, at: usize, kind: ResourceType) -> Result<Entry<'_>, BundleFault> {
    let resource = entry.get("resource").ok_or(BundleFault::NoResource(at))?;
    let resource = Resource::of(resource).map_err(|fault| BundleFault::BadResource(at, fault))?;
    let mode = match entry.get("search").and_then(|search| search.get("mode")) {
        None if resource.kind() == kind => Mode::Match,
        None if resource.kind() == ResourceType::OperationOutcome => Mode::Outcome,
        None => Mode::Include,
        Some(mode) if mode.is("match") => Mode::Match,
        Some(mode) if mode.is("include") => Mode::Include,
        Some(mode) if mode.is("outcome") => Mode::Outcome,
        Some(_) => return Err(BundleFault::BadMode(at)),
    };
    if mode == Mode::Match && resource.kind() != kind {
        return Err(BundleFault::BadMatch(at));
    }
    let mode_is_said = entry.get("search").is_some_and(|search| search.get("mode").is_some());
    Ok(Entry { resource, mode, mode_is_said, full_url: entry.get("fullUrl").and_then(Value::text) })
}

/// The objects of an array member; none when it is not there.
fn list<'a>(bundle: Value<'a>, name: &str) -> Result<Vec<Value<'a>>, BundleFault> {
    let Some(list) = bundle.get(name) else { return Ok(Vec::new()) };
    let objects = list.kind() == Kind::Array && list.items().all(|item| item.kind() == Kind::Object);
    if objects { Ok(list.items().collect()) } else { Err(BundleFault::BadShape) }
}

/// A searchset being written: rows stay the slices they were, in one list with the bytes between them.
pub struct SearchSet {
    /// How each row begins, up to its type.
    before_row: Vec<u8>,
    chunks: Vec<Bytes>,
    glue: Vec<u8>,
    any: bool,
}

impl SearchSet {
    /// Begins a page of the server at `base` (no slash at its end); `total` is left out when it is not known.
    pub fn begin(base: &str, total: Option<u64>, self_url: &str, next_url: Option<&str>) -> SearchSet {
        let mut head = Writer::with_capacity(512);
        head.begin_object().member("resourceType", "Bundle").member("type", "searchset");
        if let Some(total) = total {
            head.key("total").raw(total.to_string().as_bytes());
        }
        head.key("link").begin_array();
        for (relation, url) in [("self", Some(self_url)), ("next", next_url)] {
            if let Some(url) = url {
                head.begin_object().member("relation", relation).member("url", url).end_object();
            }
        }
        head.end_array().end_object();
        let mut glue = head.finish();
        // The object stays open: rows follow, or its end.
        glue.pop();
        let mut before_row = Writer::new();
        before_row.begin_object().member("fullUrl", &format!("{base}/"));
        let mut before_row = unfinished(before_row);
        // The address stays open: type and id follow.
        before_row.pop();
        SearchSet { before_row, chunks: Vec::new(), glue, any: false }
    }

    /// One row under its own address.
    pub fn row(&mut self, kind: ResourceType, id: &Id, row: Bytes, mode: Mode) -> &mut SearchSet {
        self.between();
        self.glue.extend_from_slice(&self.before_row);
        // Neither type nor id holds anything that JSON would escape.
        self.glue.extend_from_slice(kind.as_str().as_bytes());
        self.glue.push(b'/');
        self.glue.extend_from_slice(id.as_str().as_bytes());
        self.glue.extend_from_slice(b"\",");
        self.entry(row, mode)
    }

    /// An OperationOutcome about the search, which has no address.
    pub fn outcome(&mut self, outcome: Vec<u8>) -> &mut SearchSet {
        self.between();
        self.glue.push(b'{');
        self.entry(outcome.into(), Mode::Outcome)
    }

    /// The page in the order of its bytes; together one JSON document.
    pub fn finish(mut self) -> Vec<Bytes> {
        self.glue.extend_from_slice(if self.any { b"]}" } else { b"}" });
        self.chunks.push(self.glue.into());
        self.chunks
    }

    /// What stands before an entry. FHIR has no empty arrays, so the array begins with the first row.
    fn between(&mut self) {
        self.glue.extend_from_slice(if self.any { b"," } else { b",\"entry\":[" });
        self.any = true;
    }

    /// The rest of an entry that has begun.
    fn entry(&mut self, row: Bytes, mode: Mode) -> &mut SearchSet {
        self.glue.extend_from_slice(b"\"resource\":");
        self.chunks.push(std::mem::take(&mut self.glue).into());
        self.chunks.push(row);
        self.glue.extend_from_slice(b",\"search\":{\"mode\":\"");
        self.glue.extend_from_slice(mode.as_str().as_bytes());
        self.glue.extend_from_slice(b"\"}}");
        self
    }
}

/// An object that stays open: its text without the bracket that would close it.
fn unfinished(mut head: Writer) -> Vec<u8> {
    head.end_object();
    let mut bytes = head.finish();
    bytes.pop();
    bytes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::tests::document;

    const BASE: &str = "https://here/fhir";

    fn text(chunks: &[Bytes]) -> String {
        String::from_utf8(chunks.concat()).unwrap()
    }

    #[test]
    fn a_page_is_written_around_its_rows_and_reads_back() {
        let row = Bytes::from(r#"{"resourceType":"Patient","id":"1"}"#);
        let mut page = SearchSet::begin(
            BASE,
            Some(1),
            "https://here/fhir/Patient?name=\"x\"",
            Some("https://here/fhir/Patient?_page=t"),
        );
        page.row(ResourceType::Patient, &Id::parse("1").unwrap(), row.clone(), Mode::Match);
        page.row(
            ResourceType::Provenance,
            &Id::parse("p").unwrap(),
            Bytes::from(r#"{"resourceType":"Provenance"}"#),
            Mode::Include,
        );
        page.outcome(crate::outcome::outcome(&[]));
        let chunks = page.finish();
        assert!(chunks.iter().any(|chunk| chunk.as_ptr() == row.as_ptr()), "the row was copied");
        let page = document(&text(&chunks));
        let found = Found::read(page.root(), ResourceType::Patient).unwrap();
        assert_eq!((found.total, found.next()), (Some(1), Some("https://here/fhir/Patient?_page=t")));
        assert_eq!(found.link("self"), Some("https://here/fhir/Patient?name=\"x\""));
        let modes: Vec<_> = found.entries.iter().map(|entry| entry.mode).collect();
        assert_eq!(modes, [Mode::Match, Mode::Include, Mode::Outcome]);
        assert_eq!(found.entries[0].full_url.as_deref(), Some("https://here/fhir/Patient/1"));
        assert_eq!(found.entries[0].resource.value().raw(), &row[..]);
        assert_eq!(found.entries[2].full_url, None);
    }

    #[test]
    fn an_empty_page_has_no_entries_at_all() {
        let page = SearchSet::begin(BASE, Some(0), "s", None).finish();
        assert_eq!(
            text(&page),
            r#"{"resourceType":"Bundle","type":"searchset","total":0,"link":[{"relation":"self","url":"s"}]}"#
        );
        let unknown = SearchSet::begin(BASE, None, "s", None).finish();
        assert!(!text(&unknown).contains("total"));
    }

    #[test]
    fn a_page_with_any_fault_is_refused_whole() {
        let read =
            |text: &str| Found::read(document(text).root(), ResourceType::Patient).map(|found| found.entries.len());
        let entry = |entry: &str| {
            read(&format!(
                r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{{"resourceType":"Patient"}}}},{entry}]}}"#
            ))
        };
        assert_eq!(entry(r#"{"resource":{"resourceType":"Patient","id":"2"}}"#), Ok(2));
        assert_eq!(entry("{}"), Err(BundleFault::NoResource(1)));
        assert_eq!(entry("7"), Err(BundleFault::BadShape));
        assert_eq!(entry(r#"{"resource":{}}"#), Err(BundleFault::BadResource(1, ResourceFault::NoType)));
        assert_eq!(
            entry(r#"{"resource":{"resourceType":"Patient"},"search":{"mode":"x"}}"#),
            Err(BundleFault::BadMode(1))
        );
        assert_eq!(
            entry(r#"{"resource":{"resourceType":"Basic"},"search":{"mode":"match"}}"#),
            Err(BundleFault::BadMatch(1))
        );
        assert_eq!(read(r#"{"resourceType":"Patient"}"#), Err(BundleFault::NotABundle));
        assert_eq!(read(r#"{"resourceType":"Bundle","type":"batch"}"#), Err(BundleFault::NotASearchset));
        assert_eq!(read(r#"{"resourceType":"Bundle","type":"searchset","entry":{}}"#), Err(BundleFault::BadShape));
        assert_eq!(
            read(r#"{"resourceType":"Bundle","type":"searchset","link":[{"url":7}]}"#),
            Err(BundleFault::BadShape)
        );
        assert_eq!(read(r#"{"resourceType":"Bundle","type":"searchset"}"#), Ok(0));
    }
}
