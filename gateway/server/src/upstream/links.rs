//! Page links of the server behind us that are too long to stand in an address of ours.
//!
//! Some servers repeat the whole search in their links, and a search about everyone in a clinician's care is long. Such a link
//! is kept here for as long as a page link of ours leads anywhere, and is known by its digest; a place with a digest that is
//! not kept any more leads nowhere.

use certs::digest::{base64url, sha256};
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a link that goes into an address of ours as it is.
const SHORT_BYTES: usize = 1024;
/// How long a longer one is kept: as long as a page link of ours lives.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// Bytes of all that are kept.
const KEPT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What a digest begins with, and no link that is followed.
const MARK: &str = "kept:";

/// The long links of a server.
pub(super) struct Links(Cache<String, Arc<str>>);

impl Default for Links {
    fn default() -> Links {
        let bytes = |_: &String, link: &Arc<str>| u32::try_from(link.len()).unwrap_or(u32::MAX);
        Links(Cache::builder().weigher(bytes).max_capacity(KEPT_BYTES_MAX).time_to_live(KEPT).build())
    }
}

impl Links {
    /// A link as it goes into a place.
    pub(super) fn shorten(&self, link: &str) -> String {
        if link.len() <= SHORT_BYTES {
            return link.to_owned();
        }
        let digest = format!("{MARK}{}", base64url(&sha256(link.as_bytes())));
        self.0.insert(digest.clone(), link.into());
        digest
    }

    /// The link of a place; nothing for one that is not kept any more.
    pub(super) fn whole(&self, link: &str) -> Option<String> {
        if link.starts_with(MARK) { self.0.get(link).map(|link| link.to_string()) } else { Some(link.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_link_is_kept_and_a_short_one_stands_for_itself() {
        let links = Links::default();
        let (short, long) = ("http://ehr/fhir?_getpages=1", format!("http://ehr/fhir?patient={}", "1,".repeat(2_000)));
        assert_eq!(links.shorten(short), short);
        let digest = links.shorten(&long);
        assert!(digest.len() < 60 && links.shorten(&long) == digest);
        assert_eq!((links.whole(short).as_deref(), links.whole(&digest)), (Some(short), Some(long)));
        assert_eq!(Links::default().whole(&digest), None);
    }
}
