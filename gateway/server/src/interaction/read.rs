//! One resource by its id: its bytes, its version, and whether the caller has it already.

use crate::request::Request;
use crate::respond::{FHIR_JSON, Shape};
use fhir::Instant;
use http::StatusCode;
use http::header::{self, HeaderName};
use privacy::{Impersonal, Page, Shown, Standing};

/// What the caller has already: the entity tags of `If-None-Match` (RFC 9110 section 13.1.2).
pub(crate) struct Condition {
    tags: Vec<String>,
}

impl Condition {
    /// The condition of a request.
    pub(crate) fn of(request: &Request) -> Condition {
        let header = request.header("if-none-match").unwrap_or("");
        let tags = header.split(',').map(|tag| tag.trim().trim_start_matches("W/").to_owned());
        Condition { tags: tags.filter(|tag| !tag.is_empty()).collect() }
    }

    /// Whether the caller has what bears this tag.
    pub(crate) fn holds(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == "*" || own == tag.trim_start_matches("W/"))
    }
}

// Tags that the caller sent; they come from no record.
impl Impersonal for Condition {}

/// The response of a read.
pub(crate) fn shape(page: Page, condition: &Condition) -> Shape {
    let found = page.rows.into_iter().find(|row| row.standing == Standing::Match);
    let Some(Shown { version, updated, content, .. }) = found else {
        return Shape { status: StatusCode::NOT_FOUND, media: FHIR_JSON, headers: Vec::new(), chunks: Vec::new() };
    };
    let (headers, status) = marks(version.as_deref(), updated, condition);
    Shape { status, media: FHIR_JSON, headers, chunks: vec![content] }
}

/// What an answer says of the version it gives, and whether the caller has that already.
pub(crate) fn marks(
    version: Option<&str>,
    updated: Option<Instant>,
    condition: &Condition,
) -> (Vec<(HeaderName, String)>, StatusCode) {
    let mut headers = Vec::new();
    let tag = version.map(|version| format!("W/\"{version}\""));
    let known = tag.as_ref().is_some_and(|tag| condition.holds(tag));
    headers.extend(tag.map(|tag| (header::ETAG, tag)));
    headers.extend(updated.map(|at| (header::LAST_MODIFIED, at.http_date())));
    (headers, if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK })
}
