//! Where records come from: the embedded store, or a server behind us. One port, so that both go the same way.
//!
//! A source narrows what it looks for to the permit's subject and gives rows with whatever else is needed to judge them;
//! it decides nothing. Every row is judged again by [`crate::Judging`].

use crate::permit::Permit;
use crate::phi::Phi;
use crate::refusal::Refusal;
use fhir::search::Query;
use fhir::{Id, ResourceType};
use json::Document;
use std::future::Future;

/// Why a row stands in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is what was asked for.
    Match,
    /// It accompanies a match (`_include`, `_revinclude`).
    Include,
}

/// One candidate for a page.
pub struct Row {
    /// The resource: a strictly checked document. One entry of a larger page shares the page's buffer.
    pub content: Document,
    /// Match or companion.
    pub standing: Standing,
    /// Where to go on behind this row.
    pub after: Cursor,
    /// Records that may let this one be seen: those that refer to a Practitioner (and the shared ones between), all targets
    /// of a Provenance, and of a Binary those that link to it together with the owner it names in `securityContext`. Each
    /// is judged like any row: one outside the scopes or the policy lets nothing be seen.
    pub evidence: Vec<Document>,
}

/// Some rows, in order, and where to go on behind them.
pub struct Chunk {
    /// The rows; companions stand behind the match they accompany.
    pub rows: Vec<Row>,
    /// Where the next chunk begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// A place in a sequence of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// Before the first row.
    Start,
    /// In the embedded store: the sort key and id of the last row, in the store's own writing.
    Store(String),
    /// In an upstream search: the link of the page, and how many of its matches lie behind.
    Upstream {
        /// The page's link, in the source's own writing; empty for the first page.
        link: String,
        /// Matches of that page to pass over.
        skip: usize,
    },
}

/// A source of health records.
pub trait Source: Send + Sync {
    /// Up to about `at_most` rows that match, narrowed to the permit's subject, from a place on.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`, `Gone` (the place is no more), `Fault`.
    fn find(
        &self,
        permit: &Permit,
        query: &Query,
        from: &Cursor,
        at_most: usize,
    ) -> impl Future<Output = Result<Phi<Chunk>, Refusal>> + Send;

    /// One resource by its id, in its current or a named version; no row where there is none.
    ///
    /// # Errors
    /// As [`Source::find`].
    fn fetch(
        &self,
        permit: &Permit,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> impl Future<Output = Result<Phi<Chunk>, Refusal>> + Send;
}
