//! What an EHR may say of where a person was when it opened an app: `fhirContext`, `intent`, `smart_style_url`. All of it is
//! bounded and strictly read, and goes to the app as it came.
//!
//! SMART App Launch 2.2.0 ("`fhirContext`"): an array of objects, each with a `reference`, a `canonical` or an `identifier`, and
//! maybe a `type` and a `role`. The patient and the encounter have parameters of their own and are not named here again.

use crate::stored;
use fhir::{Id, ResourceType};
use serde::{Deserialize, Serialize};

/// Items of one context; a screen has a few things open.
const ITEMS_MAX: usize = 10;
/// Bytes of one text in an item: an address, at most.
const TEXT_BYTES_MAX: usize = 512;
/// Bytes of an intent: a word or two.
const INTENT_BYTES_MAX: usize = 100;

/// One thing that was open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextItem {
    /// `Type/id`, relative to the FHIR base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// A canonical address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// An identifier in the world outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<ContextIdentifier>,
    /// The type of resource.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why it is named: an absolute address, or `launch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A business identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextIdentifier {
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Why what was said cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// The patient.
    #[error("a patient is named by the id of a Patient, as 123")]
    Patient,
    /// The encounter.
    #[error("an encounter is named by the id of an Encounter, as 123")]
    Encounter,
    /// Records of a patient without the patient.
    #[error("an encounter, or a record of a patient, goes with its patient; name the patient as well")]
    WithoutPatient,
    /// An item of the context.
    #[error(
        "fhirContext is an array of at most {ITEMS_MAX} objects, each with a reference as Type/id, a canonical or an identifier, \
         and maybe type and role (an absolute address); Patient, Encounter, Provenance and Binary are not named in it"
    )]
    Context,
    /// The intent.
    #[error("an intent is a word of 1 to {INTENT_BYTES_MAX} letters, digits and -._~:/")]
    Intent,
    /// The style.
    #[error("smart_style_url is an https address")]
    Style,
}

impl ContextItem {
    /// The record that it refers to.
    fn target(&self) -> Option<(ResourceType, Id)> {
        stored::person(self.reference.as_deref()?)
    }

    /// The record that it refers to, where such records are somebody's.
    pub(crate) fn of_a_patient(&self) -> Option<(ResourceType, Id)> {
        self.target().filter(|(kind, _)| fhir::subject::element(*kind).is_some())
    }

    fn is_sound(&self) -> bool {
        let named = self.reference.is_some() || self.canonical.is_some() || self.identifier.is_some();
        let refers = self.reference.is_none() || self.target().is_some_and(|(kind, _)| may_be_named(kind));
        let kind = self.kind.as_deref().is_none_or(|kind| kind.parse().is_ok_and(may_be_named));
        let role = self.role.as_deref().is_none_or(|role| role == "launch" || is_absolute(role));
        let canonical = self.canonical.as_deref().is_none_or(is_absolute);
        let identifier = self.identifier.as_ref().is_none_or(|own| {
            own.value.as_deref().is_some_and(is_plain) && own.system.as_deref().is_none_or(is_absolute)
        });
        named && refers && kind && role && canonical && identifier
    }
}

/// The patient and the encounter are told by parameters of their own; whose a Provenance or a Binary is, its type does not say.
fn may_be_named(kind: ResourceType) -> bool {
    use ResourceType::{Binary, Encounter, Patient, Provenance};
    !matches!(kind, Patient | Encounter | Provenance | Binary)
}

pub(crate) fn sound_items(items: &[ContextItem]) -> Result<(), Unsound> {
    let sound = items.len() <= ITEMS_MAX && items.iter().all(ContextItem::is_sound);
    if sound { Ok(()) } else { Err(Unsound::Context) }
}

pub(crate) fn sound_intent(intent: Option<&str>) -> Result<(), Unsound> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
    let sound = |text: &str| (1..=INTENT_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain);
    if intent.is_none_or(sound) { Ok(()) } else { Err(Unsound::Intent) }
}

pub(crate) fn sound_address(address: Option<&str>) -> Result<(), Unsound> {
    let sound = |text: &str| is_absolute(text) && text.starts_with("https://");
    if address.is_none_or(sound) { Ok(()) } else { Err(Unsound::Style) }
}

fn is_absolute(text: &str) -> bool {
    is_plain(text) && url::Url::parse(text).is_ok()
}

fn is_plain(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(), Unsound> {
        let items: Vec<ContextItem> = serde_json::from_str(json).map_err(|_| Unsound::Context)?;
        sound_items(&items)
    }

    #[test]
    fn items_are_objects_that_name_something_and_go_out_as_they_came_in() {
        for good in [
            r#"[]"#,
            r#"[{"reference":"ImagingStudy/123"}]"#,
            r#"[{"reference":"DiagnosticReport/a","type":"DiagnosticReport","role":"https://example.org/role"}]"#,
            r#"[{"canonical":"http://example.org/Questionnaire/1|2","type":"Questionnaire","role":"launch"}]"#,
            r#"[{"identifier":{"system":"urn:oid:1.2.3","value":"A-7"},"type":"ServiceRequest"}]"#,
        ] {
            assert_eq!(read(good), Ok(()), "{good}");
            let items: Vec<ContextItem> = serde_json::from_str(good).unwrap();
            assert_eq!(serde_json::to_string(&items).unwrap(), good);
        }
        for bad in [
            r#"["ImagingStudy/123"]"#,
            r#"[{}]"#,
            r#"[{"role":"launch"}]"#,
            r#"[{"reference":"Patient/1"}]"#,
            r#"[{"reference":"Encounter/1","role":"https://example.org/role"}]"#,
            r#"[{"reference":"Binary/1"}]"#,
            r#"[{"reference":"https://elsewhere.example/fhir/ImagingStudy/1"}]"#,
            r#"[{"reference":"ImagingStudy/1/_history/2"}]"#,
            r#"[{"reference":"Nothing/1"}]"#,
            r#"[{"reference":"ImagingStudy/1","role":"word"}]"#,
            r#"[{"reference":"ImagingStudy/1","type":"Nothing"}]"#,
            r#"[{"reference":"ImagingStudy/1","display":"x"}]"#,
            r#"[{"canonical":"no address"}]"#,
            r#"[{"identifier":{"system":"urn:x"}}]"#,
        ] {
            assert_eq!(read(bad), Err(Unsound::Context), "{bad}");
        }
        let many = vec![ContextItem { canonical: Some("urn:x".to_owned()), ..ContextItem::default() }; ITEMS_MAX + 1];
        assert_eq!(sound_items(&many), Err(Unsound::Context));
    }

    #[test]
    fn an_intent_is_a_word_and_a_style_an_https_address() {
        assert_eq!(sound_intent(Some("summary-timeline-view")), Ok(()));
        for bad in ["", "two words", "<b>", &"x".repeat(INTENT_BYTES_MAX + 1)] {
            assert_eq!(sound_intent(Some(bad)), Err(Unsound::Intent), "{bad}");
        }
        assert_eq!(sound_address(Some("https://ehr.example/style.json")), Ok(()));
        for bad in ["", "http://ehr.example/style.json", "javascript:alert(1)", "https://"] {
            assert_eq!(sound_address(Some(bad)), Err(Unsound::Style), "{bad}");
        }
    }
}
