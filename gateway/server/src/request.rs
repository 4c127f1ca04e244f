//! A request as the pipeline sees it: read whole, bounded, and with a path that means one thing only.

use bytes::Bytes;
use http::{HeaderMap, Method};
use privacy::{Kind, Refusal, Trace};
use std::net::IpAddr;

/// Bytes of a path. Ids have at most 64 characters, types fewer.
pub(crate) const PATH_BYTES_MAX: usize = 512;
/// Bytes of a query string: room for a page token, which holds the longest search (`fhir::search::SEARCH_BYTES_MAX`), sealed.
pub(crate) const QUERY_BYTES_MAX: usize = 26 * 1024;

/// One request, body included.
pub(crate) struct Request {
    /// The method.
    pub method: Method,
    /// The path, checked by [`checked_path`].
    pub path: String,
    /// The query string, undecoded.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the route's bound.
    pub body: Bytes,
    /// Who connected.
    pub remote: IpAddr,
    /// The id under which this request is found again in our logs.
    pub correlation: String,
}

impl Request {
    /// How it reached us, for the ledger.
    pub(crate) fn trace(&self) -> Trace {
        Trace { correlation: self.correlation.clone(), from: self.remote.to_canonical().to_string() }
    }

    /// Its path below the FHIR base, and the names of its parameters: a value may be anything, a token put there by mistake.
    pub(crate) fn address(&self) -> String {
        let path = self.path.strip_prefix("/fhir/").unwrap_or(&self.path);
        let names: Vec<String> = self.query_pairs().into_iter().map(|(name, _)| name).collect();
        if names.is_empty() { path.to_owned() } else { format!("{path}?{}", names.join("&")) }
    }

    /// A header's text, when it is there once and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        if values.next().is_some() { None } else { first.to_str().ok() }
    }

    /// The query's names and values, decoded.
    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        pairs(self.query.as_deref().unwrap_or("").as_bytes())
    }

    /// The names and values of a form body.
    ///
    /// # Errors
    /// `UnsupportedMedia` when the body is no form.
    pub(crate) fn form_pairs(&self) -> Result<Vec<(String, String)>, Refusal> {
        let media = self.header("content-type").unwrap_or("").split(';').next().unwrap_or("").trim();
        if self.body.is_empty() || media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Ok(pairs(&self.body));
        }
        Err(Refusal::new(Kind::UnsupportedMedia, "Send the body as application/x-www-form-urlencoded."))
    }
}

fn pairs(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// A path that every server reads alike: plain characters, no empty segment, no dots that climb, nothing encoded.
///
/// # Errors
/// `AddressTooLong` past the bound, `Malformed` for anything else.
pub(crate) fn checked_path(path: &str) -> Result<(), Refusal> {
    if path.len() > PATH_BYTES_MAX {
        return Err(Refusal::new(Kind::AddressTooLong, "The path is too long."));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'$' | b'/');
    let segments = path.strip_prefix('/').unwrap_or("/").split('/');
    let climbs = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    let whole = path == "/" || !segments.clone().any(climbs);
    if path.bytes().all(plain) && whole {
        return Ok(());
    }
    Err(Refusal::new(
        Kind::Malformed,
        "The path may hold letters, digits, '-', '.', '_' and '$' between single slashes, and nothing encoded.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_passes() {
        for path in
            ["/", "/fhir/Patient", "/fhir/Patient/p-1.2", "/fhir/.well-known/smart-configuration", "/a/_history/1"]
        {
            assert!(checked_path(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_path_that_two_servers_could_read_differently_is_refused() {
        for path in [
            "/fhir//Patient/2",
            "/fhir/./Patient/2",
            "/fhir/Observation/../Patient/2",
            "/fhir/%2e%2e/Patient",
            "/fhir/Patient%2f2",
            "/fhir/Patient/..;/2",
            "/fhir/Patient;x=1/2",
            "/fhir/Patient/2%00",
            "/fhir/Patient/2/",
            "/fhir/Patient/\u{ff12}",
            "/fhir/Patient\\2",
            "/fhir/Patient/me,2",
            "fhir",
            "",
        ] {
            assert!(checked_path(path).is_err(), "{path}");
        }
    }
}
