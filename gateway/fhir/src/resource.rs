//! One resource, read in place: what it is, and what it says of itself and points at.

use crate::element::{each, members, walk};
use crate::{ElementPath, Id, Instant, ResourceType};
use json::{Kind, Value};
use std::borrow::Cow;
use std::sync::LazyLock;
use thiserror::Error;

/// Why a JSON value is not a resource that we can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResourceFault {
    /// The value is no object.
    #[error("a resource is a JSON object")]
    NotAnObject,
    /// There is no `resourceType`, or it is no string.
    #[error("a resource says its resourceType")]
    NoType,
    /// `resourceType` names nothing in R4.
    #[error("the resourceType is not one of FHIR R4")]
    UnknownType,
    /// `id` is there but is no id.
    #[error("the id of a resource has 1 to 64 letters, digits, hyphens and dots")]
    BadId,
}

/// One coding, as far as it can be read; a part that is missing or no string is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coding<'a> {
    /// The code system's URL.
    pub system: Option<Cow<'a, str>>,
    /// The code.
    pub code: Option<Cow<'a, str>>,
    /// What people read.
    pub display: Option<Cow<'a, str>>,
}

impl<'a> Coding<'a> {
    /// Reads a Coding; what is no object gives a coding that says nothing.
    pub fn of(value: Value<'a>) -> Coding<'a> {
        let part = |name| value.get(name).and_then(Value::text);
        Coding { system: part("system"), code: part("code"), display: part("display") }
    }
}

/// Where the types that are served hold an `Attachment.url` (R4).
const ATTACHMENT_PATHS: [&str; 5] = [
    "DiagnosticReport.presentedForm.url",
    "DocumentReference.content.attachment.url",
    "Patient.photo.url",
    "Practitioner.photo.url",
    "RelatedPerson.photo.url",
];

static ATTACHMENTS: LazyLock<Vec<ElementPath>> =
    LazyLock::new(|| ATTACHMENT_PATHS.iter().filter_map(|path| ElementPath::check(path).ok()).collect());

/// A resource in the bytes it came in.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    value: Value<'a>,
    kind: ResourceType,
    /// Known to be an id.
    id: Option<Value<'a>>,
}

impl<'a> Resource<'a> {
    /// Reads type and id; nothing else is checked.
    pub fn of(value: Value<'a>) -> Result<Resource<'a>, ResourceFault> {
        if value.kind() != Kind::Object {
            return Err(ResourceFault::NotAnObject);
        }
        let name = value.get("resourceType").and_then(Value::text_bytes).ok_or(ResourceFault::NoType)?;
        let kind = ResourceType::named(&name).ok_or(ResourceFault::UnknownType)?;
        let id = value.get("id");
        if let Some(id) = id {
            let text = id.text_bytes().ok_or(ResourceFault::BadId)?;
            if !Id::fits(&text) {
                return Err(ResourceFault::BadId);
            }
        }
        Ok(Resource { value, kind, id })
    }

    /// The resource's type.
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// The resource's id; contained and new resources may lack one.
    pub fn id(&self) -> Option<Id> {
        Id::parse(&self.id?.text()?).ok()
    }

    /// `meta.versionId`.
    pub fn version(&self) -> Option<Cow<'a, str>> {
        self.meta("versionId")?.text()
    }

    /// `meta.lastUpdated`, when it is a readable instant.
    pub fn last_updated(&self) -> Option<Instant> {
        Instant::parse(&self.meta("lastUpdated")?.text()?).ok()
    }

    /// `meta.security`. A label that cannot be read is still one label, saying nothing: judge it as the strictest.
    pub fn labels(&self) -> Vec<Coding<'a>> {
        match self.value.get("meta") {
            None => Vec::new(),
            Some(meta) if meta.kind() != Kind::Object => vec![Coding::of(meta)],
            Some(meta) => meta.get("security").into_iter().flat_map(each).map(Coding::of).collect(),
        }
    }

    /// `meta.profile`, what the resource claims to be.
    pub fn profiles(&self) -> Vec<Cow<'a, str>> {
        self.meta("profile").into_iter().flat_map(each).filter_map(Value::text).collect()
    }

    /// Every contained resource, each readable or not.
    pub fn contained(&self) -> Vec<Result<Resource<'a>, ResourceFault>> {
        self.value.get("contained").into_iter().flat_map(each).map(Resource::of).collect()
    }

    /// Every string under the key `reference` at any depth, contained resources and extensions included, in order.
    pub fn references(&self) -> Vec<Value<'a>> {
        let mut found = Vec::new();
        members(self.value, &mut |key, value| {
            if key == "reference" && value.kind() == Kind::String {
                found.push(value);
            }
        });
        found
    }

    /// The address of every attachment that lies elsewhere, often in a Binary: a document's content, a report's form, a
    /// photo. In order; contained resources and extensions are not looked through.
    pub fn attachments(&self) -> Vec<Value<'a>> {
        let own = ATTACHMENTS.iter().filter(|path| path.kind() == self.kind);
        own.flat_map(|path| walk(self.value, path)).filter(|url| url.kind() == Kind::String).collect()
    }

    /// The resource's JSON.
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    fn meta(&self, name: &str) -> Option<Value<'a>> {
        self.value.get("meta")?.get(name)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::tests::document;

    #[test]
    fn a_resource_says_what_it_is() {
        let document = document(
            r##"{"resourceType":"Observation","id":"o1","meta":{"versionId":"3","lastUpdated":"2026-01-02T03:04:05Z",
            "profile":["http://p"],"security":[{"system":"s","code":"R"},"odd"]},
            "contained":[{"resourceType":"Device","id":"d","patient":{"reference":"Patient/1"}},{"x":1}],
            "subject":{"reference":"Patient/1"},"extension":[{"url":"u","valueReference":{"reference":"#d"}}]}"##,
        );
        let resource = Resource::of(document.root()).unwrap();
        assert_eq!((resource.kind(), resource.id().unwrap().as_str()), (ResourceType::Observation, "o1"));
        assert_eq!(resource.version().unwrap(), "3");
        assert_eq!(resource.last_updated().unwrap().to_string(), "2026-01-02T03:04:05.000Z");
        assert_eq!(resource.profiles(), ["http://p"]);
        let labels = resource.labels();
        assert_eq!((labels.len(), labels[0].code.as_deref(), labels[1].code.as_deref()), (2, Some("R"), None));
        let contained = resource.contained();
        assert!(contained[0].is_ok() && contained[1].as_ref().is_err_and(|f| *f == ResourceFault::NoType));
        let references: Vec<_> = resource.references().into_iter().map(|v| v.text().unwrap()).collect();
        assert_eq!(references, ["Patient/1", "Patient/1", "#d"]);
    }

    #[test]
    fn what_cannot_be_judged_is_no_resource() {
        for (text, fault) in [
            ("[]", ResourceFault::NotAnObject),
            ("{}", ResourceFault::NoType),
            (r#"{"resourceType":["Patient"]}"#, ResourceFault::NoType),
            (r#"{"resourceType":"patient"}"#, ResourceFault::UnknownType),
            (r#"{"resourceType":"Patient","id":"a/b"}"#, ResourceFault::BadId),
            (r#"{"resourceType":"Patient","id":7}"#, ResourceFault::BadId),
        ] {
            assert_eq!(Resource::of(document(text).root()).unwrap_err(), fault, "{text}");
        }
    }

    #[test]
    fn attachments_are_found_where_r4_has_them_and_nowhere_else() {
        assert_eq!(ATTACHMENTS.len(), ATTACHMENT_PATHS.len());
        let found = |text: &str| {
            let document = document(text);
            let urls = Resource::of(document.root()).unwrap().attachments();
            urls.iter().map(|url| url.text().unwrap().into_owned()).collect::<Vec<_>>()
        };
        let reference = r#"{"resourceType":"DocumentReference","extension":[{"url":"Binary/3"}],
            "content":[{"attachment":{"url":"Binary/1"}},{"attachment":{"url":"Binary/2","data":"eA=="}},{"attachment":{}}]}"#;
        assert_eq!(found(reference), ["Binary/1", "Binary/2"]);
        assert_eq!(found(r#"{"resourceType":"DiagnosticReport","presentedForm":[{"url":"Binary/1"}]}"#), ["Binary/1"]);
        assert!(found(r#"{"resourceType":"Device","url":"Binary/1"}"#).is_empty());
    }

    #[test]
    fn a_label_written_without_its_array_is_still_a_label() {
        let document = document(r#"{"resourceType":"Patient","meta":{"security":{"code":"R"}}}"#);
        assert_eq!(Resource::of(document.root()).unwrap().labels()[0].code.as_deref(), Some("R"));
    }
}
