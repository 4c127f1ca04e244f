//! Minimum necessary, element by element: what may leave is copied byte for byte, and nothing else is.
//!
//! Works on the spans of a strictly checked document and never builds a tree. Numbers keep their digits. A primitive's
//! `_name` twin goes with it, a contained resource is cut by its own type's policy, and that something may have been cut is
//! marked (`SUBSETTED`) by policy and type alone, never by what the record held.

use crate::policy::{Cut, Policy, Tree};
use fhir::element::each;
use fhir::resource::Resource;
use json::{Kind, Value};

/// The mark of a resource from which elements may have been taken.
const SUBSETTED: &[u8] =
    br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// What redaction leaves of a resource.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// Everything: its bytes can go out as they are.
    Whole,
    /// These bytes.
    Cut(Vec<u8>),
    /// Nothing: the policy does not name the type.
    Nothing,
}

/// Cuts a resource to what the policy lets leave.
pub fn redact(resource: &Resource<'_>, policy: &Policy) -> Left {
    match policy.cut(resource.kind()) {
        None => Left::Nothing,
        Some(Cut::Whole) if contained_is_whole(resource, policy) => Left::Whole,
        Some(Cut::Whole) => Left::Cut(copy(resource.value(), None, policy)),
        Some(Cut::Elements(tree)) => Left::Cut(copy(resource.value(), Some(tree), policy)),
    }
}

fn contained_is_whole(resource: &Resource<'_>, policy: &Policy) -> bool {
    if resource.value().get("_contained").is_some() {
        return false;
    }
    let Some(contained) = resource.value().get("contained") else { return true };
    each(contained).all(|inner| Resource::of(inner).is_ok_and(|inner| redact(&inner, policy) == Left::Whole))
}

/// A resource by its tree; without one, every element but what is contained and may not be.
fn copy(value: Value<'_>, tree: Option<&Tree>, policy: &Policy) -> Vec<u8> {
    let mut out = Object::open(value.raw().len() + SUBSETTED.len() + 20);
    let mut marked = tree.is_none();
    for member in value.members() {
        let name = member.key.as_ref();
        match (tree, name) {
            // No list of no resources is left behind: that something was contained must not show.
            (_, "contained") if tree.is_none_or(|tree| tree.child("contained").is_some()) => {
                let left = contained(member.value, policy);
                if !left.is_empty() {
                    out.member_with(name, |bytes| list(left, bytes));
                }
            }
            // What is contained is no primitive and has no twin; whatever stands there was judged by nobody.
            (_, "_contained") => {}
            (Some(_), "meta") => {
                out.member_with(name, |bytes| mark(Some(member.value), bytes));
                marked = true;
            }
            (None, _) => out.member_raw(member.raw()),
            (Some(tree), _) => match tree.child(name) {
                Some(kept) if kept.is_leaf() => out.member_raw(member.raw()),
                Some(kept) => out.member_with(name, |bytes| below(member.value, kept, bytes)),
                None => {}
            },
        }
    }
    if !marked {
        out.member_with("meta", |bytes| mark(None, bytes));
    }
    out.close()
}

/// An element of which only some children are kept; of a list, those of each item.
fn below(value: Value<'_>, tree: &Tree, bytes: &mut Vec<u8>) {
    match value.kind() {
        Kind::Array => {
            let items = value.items().map(|item| {
                let mut bytes = Vec::new();
                below(item, tree, &mut bytes);
                bytes
            });
            list(items, bytes);
        }
        Kind::Object => {
            let mut out = Object::open(value.raw().len());
            for member in value.members() {
                match tree.child(member.key.as_ref()) {
                    Some(kept) if kept.is_leaf() => out.member_raw(member.raw()),
                    Some(kept) => out.member_with(member.key.as_ref(), |bytes| below(member.value, kept, bytes)),
                    // What modifies the meaning is never cut, at any depth.
                    None if member.key == "modifierExtension" => out.member_raw(member.raw()),
                    None => {}
                }
            }
            bytes.extend(out.close());
        }
        // A scalar where R4 has an object says nothing that was asked for.
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => bytes.extend(b"null"),
    }
}

/// What is left of each contained resource; one that cannot be read is not left.
fn contained(value: Value<'_>, policy: &Policy) -> Vec<Vec<u8>> {
    let readable = each(value).filter_map(|item| Resource::of(item).ok());
    let left = readable.filter_map(|inner| match redact(&inner, policy) {
        Left::Whole => Some(inner.value().raw().to_vec()),
        Left::Cut(bytes) => Some(bytes),
        Left::Nothing => None,
    });
    left.collect()
}

/// `meta` with the mark among its tags, once. A `meta` or `tag` of another shape than R4's gives way to ours: two members
/// of one name would be read differently by two readers.
fn mark(meta: Option<Value<'_>>, bytes: &mut Vec<u8>) {
    let mut out = Object::open(meta.map_or(0, |meta| meta.raw().len()) + SUBSETTED.len() + 10);
    let mut tagged = false;
    for member in meta.into_iter().flat_map(|meta| meta.members()) {
        if member.key == "tag" {
            tagged = true;
            let others = member.value.items().filter(|tag| !is_mark(*tag)).map(Value::raw);
            out.member_with("tag", |bytes| list(others.chain([SUBSETTED]), bytes));
        } else {
            out.member_raw(member.raw());
        }
    }
    if !tagged {
        out.member_with("tag", |bytes| list([SUBSETTED], bytes));
    }
    bytes.extend(out.close());
}

fn is_mark(tag: Value<'_>) -> bool {
    tag.get("code").and_then(|code| code.text()).is_some_and(|code| code == "SUBSETTED")
}

fn list(items: impl IntoIterator<Item = impl AsRef<[u8]>>, bytes: &mut Vec<u8>) {
    bytes.push(b'[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            bytes.push(b',');
        }
        bytes.extend(item.as_ref());
    }
    bytes.push(b']');
}

/// An object being written from copied members.
struct Object {
    bytes: Vec<u8>,
}

impl Object {
    fn open(room: usize) -> Object {
        let mut bytes = Vec::with_capacity(room);
        bytes.push(b'{');
        Object { bytes }
    }

    fn comma(&mut self) {
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
    }

    fn member_raw(&mut self, raw: &[u8]) {
        self.comma();
        self.bytes.extend(raw);
    }

    /// `name` comes from R4's tables or is one of ours: it needs no escape.
    fn member_with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.comma();
        self.bytes.push(b'"');
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(b"\":");
        write(&mut self.bytes);
    }

    fn close(mut self) -> Vec<u8> {
        self.bytes.push(b'}');
        self.bytes
    }
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
