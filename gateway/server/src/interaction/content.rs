//! A Binary as the thing it holds, where the caller asks for that and not for FHIR's JSON (FHIR R4, "Serving Binary Resources
//! using the RESTful API").
//!
//! It passes the same gate as the resource and is cut by the same policy. A browser that is led here saves it and runs nothing
//! of it, whatever it says that it is.

use super::read::{Condition, marks};
use crate::request::Request;
use crate::respond::Shape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::ResourceType;
use http::header;
use json::{Document, Limits, Value};
use privacy::{Impersonal, Kind, Page, Refusal, Standing};

/// Characters of a content type that is written into a header.
const MEDIA_CHARS_MAX: usize = 200;

/// What the caller takes, and what they have already.
pub(crate) struct Native {
    ranges: Vec<String>,
    condition: Condition,
}

// The caller's own headers; nothing of any record.
impl Impersonal for Native {}

impl Native {
    /// What a request for a Binary takes in place of FHIR's JSON; nothing where that will do.
    pub(crate) fn asked(request: &Request, kind: ResourceType) -> Option<Native> {
        let accept = request.header("accept").filter(|_| kind == ResourceType::Binary && !takes_fhir_json(request))?;
        let ranges = accept.split(',').map(essence).collect();
        Some(Native { ranges, condition: Condition::of(request) })
    }

    fn takes(&self, media: &str) -> bool {
        let media = essence(media);
        let of_its_kind = media.split_once('/').map(|(kind, _)| format!("{kind}/*"));
        self.ranges.iter().any(|range| *range == media || Some(range) == of_its_kind.as_ref())
    }
}

/// Whether FHIR's JSON will do for the caller (RFC 9110 section 12.5.1).
pub(crate) fn takes_fhir_json(request: &Request) -> bool {
    let json = |range: &str| {
        matches!(
            essence(range).as_str(),
            "*/*"
                | "application/*"
                | "application/fhir+json"
                | "application/json"
                | "application/json+fhir"
                | "text/json"
        )
    };
    request.header("accept").is_none_or(|accept| accept.trim().is_empty() || accept.split(',').any(json))
}

/// Type and subtype of a media type, in small letters.
fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// The response of a read.
pub(crate) fn shape(page: Page, native: &Native) -> Result<Shape, Refusal> {
    let found = page.rows.into_iter().find(|row| row.standing == Standing::Match);
    let row = found.ok_or_else(Refusal::not_found)?;
    let (mut headers, status) = marks(row.version.as_deref(), row.updated, &native.condition);
    let limits = Limits { bytes_max: row.content.len(), ..Limits::DEFAULT };
    let document = Document::parse(row.content, &limits).map_err(Refusal::fault)?;
    let text = |name: &str| document.root().get(name).and_then(Value::text);
    let media = text("contentType").filter(|media| is_plain(media)).ok_or_else(unknown)?;
    if !native.takes(&media) {
        let text = "This Binary is of another type than those asked for. As application/fhir+json it says which.";
        return Err(Refusal::new(Kind::NotAcceptable, text).at("Accept"));
    }
    let data = text("data").ok_or_else(unknown)?;
    let solid: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let content = STANDARD.decode(solid).map_err(|_| unknown())?;
    headers.push((header::CONTENT_TYPE, media.into_owned()));
    headers.push((header::CONTENT_DISPOSITION, "attachment".to_owned()));
    headers.push((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox".to_owned()));
    Ok(Shape { status, media: "", headers, chunks: vec![Bytes::from(content)] })
}

/// Whether a content type can stand in a header as it is.
fn is_plain(media: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    media.len() <= MEDIA_CHARS_MAX
        && essence(media).split_once('/').is_some_and(|(kind, form)| is_name(kind) && is_name(form))
        && media.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn unknown() -> Refusal {
    let text = "This Binary does not say what it is, or holds nothing that can be given by itself. Ask for application/fhir+json.";
    Refusal::new(Kind::NotAcceptable, text).at("Accept")
}
