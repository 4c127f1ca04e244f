//! A page of a search: rows as slices of what they came in, links, and what was left out of the question.

use super::{Asked, What};
use crate::clock;
use crate::context::Context;
use crate::paging::Pages;
use crate::respond::{FHIR_JSON, Shape};
use fhir::ResourceType;
use fhir::bundle::{Mode, SearchSet};
use fhir::outcome::{Issue, IssueCode, Severity, outcome};
use http::StatusCode;
use privacy::{Impersonal, Page, Standing};

/// What a page is written with: the question as the caller put it, and the means to seal a link to the next page.
pub(crate) struct Frame<'a> {
    base: &'a str,
    pages: &'a Pages,
    kind: ResourceType,
    pairs: Vec<(String, String)>,
    self_url: String,
    ignored: Vec<String>,
    binding: String,
    count_only: bool,
}

// The caller's own question and credentials; nothing of any record.
impl Impersonal for Frame<'_> {}

impl<'a> Frame<'a> {
    /// The frame of a question, and what links to its next page are bound to.
    pub(crate) fn of(cx: &'a Context, asked: &Asked, binding: String) -> Frame<'a> {
        let frame = Frame {
            base: &cx.fhir_base,
            pages: &cx.pages,
            kind: asked.question.kind,
            pairs: Vec::new(),
            self_url: String::new(),
            ignored: Vec::new(),
            binding,
            count_only: false,
        };
        match &asked.what {
            What::Page { query, place } => Frame {
                pairs: query.self_pairs.clone(),
                self_url: match place {
                    Some(place) => page_url(&cx.fhir_base, query.kind, &place.token),
                    None => query.self_url(),
                },
                ignored: query.ignored.clone(),
                count_only: query.count == Some(0),
                ..frame
            },
            What::One { .. } | What::Seen { .. } => frame,
        }
    }
}

/// The link to a page by its token.
fn page_url(base: &str, kind: ResourceType, token: &str) -> String {
    format!("{base}/{}?_page={token}", kind.as_str())
}

/// The response of a search.
pub(crate) fn shape(page: Page, frame: &Frame<'_>) -> Shape {
    let next = page.next.filter(|_| !frame.count_only).map(|cursor| {
        let token = frame.pages.seal(frame.kind, &frame.pairs, &cursor, &frame.binding, clock::now());
        page_url(frame.base, frame.kind, &token)
    });
    let mut set = SearchSet::begin(frame.base, page.total, &frame.self_url, next.as_deref());
    for row in page.rows {
        let mode = match row.standing {
            Standing::Match => Mode::Match,
            Standing::Include => Mode::Include,
        };
        set.row(row.kind, &row.id, row.content, mode);
    }
    if !frame.ignored.is_empty() {
        let text = format!("These parameters were not used: {}.", frame.ignored.join(", "));
        let issue = Issue { severity: Severity::Warning, ..Issue::error(IssueCode::NotSupported, &text) };
        set.outcome(outcome(&[issue]));
    }
    Shape { status: StatusCode::OK, media: FHIR_JSON, headers: Vec::new(), chunks: set.finish() }
}
