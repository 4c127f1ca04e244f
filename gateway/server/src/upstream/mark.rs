//! Whether a server is the demo's to fill: it holds nothing, or it carries the demo's mark.
//!
//! The mark is one resource that is read by its id, and "nothing" is a first page without a row, type by type: totals are
//! not asked for, because servers may leave them out or guess.

use super::Upstream;
use super::question::pair;
use super::wire::{PAGE_BYTES_MAX, down};
use crate::context::SERVED;
use fhir::{Id, ResourceType};
use json::{Document, Limits, Value, Writer};
use privacy::{Phi, Refusal};

/// The id of the mark, which is a `Basic`.
const ID: &str = "sluice-demo";
/// The tag by which it is known.
const TAG: (&str, &str) = ("urn:sluice", "demo");
/// The system of the identifier that says which population is there, whole.
const POPULATION: &str = "urn:sluice:population";

/// What a server is to the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It holds nothing.
    Empty,
    /// It carries the demo's mark, and this population is there whole, if one is.
    Ours(Option<String>),
    /// It holds something, and not from a demo.
    Foreign,
}

impl Upstream {
    /// What the server is to the demo.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`.
    pub async fn claim(&self) -> Result<Claim, Refusal> {
        let id = Id::parse(ID).map_err(Refusal::fault)?;
        if let Some(found) = self.one(ResourceType::Basic, &id, None, PAGE_BYTES_MAX).await? {
            return Ok(population(&found).map_or(Claim::Foreign, Claim::Ours));
        }
        // A Binary is found by no search, and no server has one without something that refers to it.
        for kind in SERVED.into_iter().filter(|kind| *kind != ResourceType::Binary) {
            let page = self.first_page(kind, &[pair("_count", "1")]).await?;
            if !page.matches.is_empty() || page.next.is_some() {
                return Ok(Claim::Foreign);
            }
        }
        Ok(Claim::Empty)
    }

    /// Marks the server as the demo's, with the population that is there whole. People of two populations may have the same
    /// ids, so it names one at most.
    ///
    /// # Errors
    /// `UpstreamDown`, `UpstreamTimeout`.
    pub async fn mark(&self, population: Option<&str>) -> Result<(), Refusal> {
        let mark = Document::parse(mark(population).into(), &Limits::DEFAULT).map_err(down)?;
        self.put_all(&[Phi::new(mark)]).await
    }
}

fn mark(population: Option<&str>) -> Vec<u8> {
    let mut out = Writer::new();
    out.begin_object().member("resourceType", "Basic").member("id", ID);
    out.key("meta").begin_object().key("tag").begin_array().begin_object();
    out.member("system", TAG.0).member("code", TAG.1).end_object().end_array().end_object();
    if let Some(population) = population {
        out.key("identifier").begin_array().begin_object().member("system", POPULATION);
        out.member("value", population).end_object().end_array();
    }
    out.key("code").begin_object().member("text", "A demo of Sluice filled this server with people who do not exist");
    out.end_object().end_object();
    out.finish()
}

/// The population that a mark names; nothing when it is no mark of ours.
fn population(found: &Document) -> Option<Option<String>> {
    let says = |value: Value<'_>, name: &str, text: &str| {
        value.get(name).and_then(Value::text).is_some_and(|found| found == text)
    };
    let tags = found.root().get("meta").and_then(|meta| meta.get("tag"));
    let ours = |tag: Value<'_>| says(tag, "system", TAG.0) && says(tag, "code", TAG.1);
    if !tags.into_iter().flat_map(Value::items).any(ours) {
        return None;
    }
    let mut identifiers = found.root().get("identifier").into_iter().flat_map(Value::items);
    let named = identifiers.find(|identifier| says(*identifier, "system", POPULATION));
    Some(named.and_then(|identifier| Some(identifier.get("value")?.text()?.into_owned())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_by_its_tag_and_names_what_is_whole() {
        for whole in [None, Some("seed 1, 25 people")] {
            let document = Document::parse(mark(whole).into(), &Limits::DEFAULT).unwrap();
            assert_eq!(population(&document), Some(whole.map(str::to_owned)));
        }
        let other =
            r#"{"resourceType":"Basic","id":"sluice-demo","meta":{"tag":[{"system":"urn:other","code":"demo"}]}}"#;
        assert_eq!(population(&Document::parse(other.into(), &Limits::DEFAULT).unwrap()), None);
    }
}
