//! Page links: a place in a search, sealed so that only its owner can follow it, and only for a while.
//!
//! A token is bound to what its page was decided with: the grant (of a client that acts for itself, the client), the level
//! of scopes, the patients, granular scopes and the policy's version; and to fifteen minutes. It may be followed more than
//! once, and what it leads to is decided anew each time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::digest::{base64url, sha256};
use certs::seal::SealKey;
use fhir::{Id, Instant, ResourceType};
use privacy::{Cursor, Kind, Permit, Refusal};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a page link leads anywhere.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// Places are sealed in multiples of this many bytes. How long a place is may depend on rows that the caller may not see (a
/// server behind counts them in its own link), and the length of a link must not tell.
const SEALED_BYTES: usize = 1024;
/// What the seal is for, so that a sealed thing of another kind never passes.
const PURPOSE: &[u8] = b"page link";

/// Makes and opens page links.
pub struct Pages {
    key: SealKey,
}

/// Where a link leads.
#[derive(Serialize, Deserialize)]
pub struct Place {
    kind: String,
    /// The search, as it was first asked.
    pub pairs: Vec<(String, String)>,
    store: Option<String>,
    upstream: Option<(String, usize)>,
    binding: String,
    expires_us: i64,
    /// The token that it was opened from.
    #[serde(skip)]
    pub token: String,
}

impl Place {
    /// The cursor to go on from.
    pub fn cursor(&self) -> Cursor {
        match (&self.store, &self.upstream) {
            (Some(key), _) => Cursor::Store(key.clone()),
            (None, Some((link, skip))) => Cursor::Upstream { link: link.clone(), skip: *skip },
            (None, None) => Cursor::Start,
        }
    }
}

/// What a link is bound to, as a digest: whose token, at which level, about whom, by which policy, and to which parts of a
/// type its scopes reach. A server behind is asked for those parts and patients alone, so that under another token of the
/// grant, or once someone has come into a clinician's care or left it, the link would lead to something else.
pub fn binding(permit: &Permit) -> String {
    let (principal, policy) = (permit.principal(), permit.policy().version());
    let client = principal.client.as_str();
    let parts = principal.scopes.resources().filter(|scope| scope.constraint.is_some());
    let parts: Vec<String> = parts.map(ToString::to_string).collect();
    // As JSON, so that no two ways to cut it into parts are the same text.
    let text = if permit.subject().is_everyone() {
        // A client that acts for itself has another grant with every token, and they live for less time than a link.
        serde_json::json!([client, policy, parts])
    } else {
        let patients: Vec<&str> = permit.subject().patients().iter().map(Id::as_str).collect();
        serde_json::json!([client, principal.grant, permit.level().as_str(), patients, policy, parts])
    };
    base64url(&sha256(text.to_string().as_bytes()))
}

impl Pages {
    /// Links sealed by this key.
    pub fn new(key: SealKey) -> Pages {
        Pages { key }
    }

    /// A token for the place behind a page.
    pub fn seal(
        &self,
        kind: ResourceType,
        pairs: &[(String, String)],
        cursor: &Cursor,
        binding: &str,
        now: Instant,
    ) -> String {
        let (store, upstream) = match cursor {
            Cursor::Start => (None, None),
            Cursor::Store(key) => (Some(key.clone()), None),
            Cursor::Upstream { link, skip } => (None, Some((link.clone(), *skip))),
        };
        let place = Place {
            kind: kind.as_str().to_owned(),
            pairs: pairs.to_vec(),
            store,
            upstream,
            binding: binding.to_owned(),
            expires_us: now.plus(LINK_LIFE).micros(),
            token: String::new(),
        };
        // A struct of strings and numbers always has a JSON form.
        let mut plain = serde_json::to_vec(&place).unwrap_or_default();
        // Blanks behind it mean nothing to whoever reads it.
        plain.resize(plain.len().next_multiple_of(SEALED_BYTES), b' ');
        URL_SAFE_NO_PAD.encode(self.key.seal(PURPOSE, &plain))
    }

    /// The place a token leads to.
    ///
    /// # Errors
    /// `Gone` when it was not made here, for this type, or has run out.
    pub fn open(&self, kind: ResourceType, token: &str, now: Instant) -> Result<Place, Refusal> {
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| gone())?;
        let plain = self.key.open(PURPOSE, &sealed).map_err(|_| gone())?;
        let place: Place = serde_json::from_slice(&plain).map_err(|_| gone())?;
        let holds = place.kind == kind.as_str() && now.micros() < place.expires_us;
        if holds { Ok(Place { token: token.to_owned(), ..place }) } else { Err(gone()) }
    }
}

impl Place {
    /// Whether the place was made for this permit.
    ///
    /// # Errors
    /// `Gone`, as for a link that has run out.
    pub fn is_for(&self, permit: &Permit) -> Result<(), Refusal> {
        if self.binding == binding(permit) { Ok(()) } else { Err(gone()) }
    }
}

fn gone() -> Refusal {
    Refusal::new(Kind::Gone, "This page link no longer leads anywhere. Search again from the first page.").at("_page")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use fhir::search::{PARAMETERS_MAX, SEARCH_BYTES_MAX, SORT_KEYS_MAX};

    #[test]
    fn the_length_of_a_link_does_not_tell_how_far_a_server_behind_has_counted() {
        let pages = Pages::new(SealKey::new([7; 32]));
        let now = Instant::from_seconds(0);
        let token = |skip: usize| {
            let link = format!("http://ehr/fhir/Observation?_offset={skip}");
            let pairs = [("_count".to_owned(), "5".to_owned())];
            pages.seal(ResourceType::Observation, &pairs, &Cursor::Upstream { link, skip }, "app grant p1 v1", now)
        };
        assert_eq!(token(9).len(), token(1_000_000).len());
        let place = pages.open(ResourceType::Observation, &token(10), now).unwrap();
        let link = "http://ehr/fhir/Observation?_offset=10".to_owned();
        assert!(place.cursor() == Cursor::Upstream { link, skip: 10 });
    }

    #[test]
    fn the_link_of_the_longest_search_fits_an_address() {
        let pages = Pages::new(SealKey::new([7; 32]));
        let pair = |at: usize| (format!("name{at:03}"), "\"".repeat(SEARCH_BYTES_MAX / PARAMETERS_MAX - 7));
        let pairs: Vec<_> = (0..PARAMETERS_MAX).map(pair).collect();
        let sorted = serde_json::json!(vec!["\"".repeat(64); SORT_KEYS_MAX]);
        let cursor = Cursor::Store(sorted.to_string());
        let binding = base64url(&[7; 32]);
        let token = pages.seal(ResourceType::Observation, &pairs, &cursor, &binding, Instant::from_seconds(0));
        assert!(token.len() + "_page=".len() <= crate::request::QUERY_BYTES_MAX, "{}", token.len());
    }
}
