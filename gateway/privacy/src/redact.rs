//! Minimum necessary, element by element: what may leave is copied byte for byte, and nothing else is.
//!
//! Works on the spans of a strictly checked document and never builds a tree. Numbers keep their digits. A primitive's
//! `_name` twin goes with it, a contained resource is cut by its own type's policy, and that something may have been cut is
//! marked (`SUBSETTED`) by policy and type alone, never by what the record held.

use crate::policy::{Cut, Policy, Tree};
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
    let Some(contained) = resource.value().get("contained") else { return true };
    contained.items().all(|inner| match Resource::of(inner) {
        Ok(inner) => redact(&inner, policy) == Left::Whole,
        Err(_) => false,
    })
}

/// A resource by its tree; without one, every element but what is contained and may not be.
fn copy(value: Value<'_>, tree: Option<&Tree>, policy: &Policy) -> Vec<u8> {
    let mut out = Object::open(value.raw().len() + SUBSETTED.len() + 20);
    let mut marked = tree.is_none();
    for member in value.members() {
        let name = member.key.as_ref();
        match (tree, name) {
            (_, "contained") if tree.is_none_or(|tree| tree.child("contained").is_some()) => {
                out.member_with(name, |bytes| contained(member.value, policy, bytes));
            }
            (Some(_), "meta") if member.value.kind() == Kind::Object => {
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
        Kind::Array => list(value, bytes, |item, bytes| {
            below(item, tree, bytes);
            true
        }),
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

fn contained(value: Value<'_>, policy: &Policy, bytes: &mut Vec<u8>) {
    list(value, bytes, |item, bytes| {
        let Ok(inner) = Resource::of(item) else { return false };
        match redact(&inner, policy) {
            Left::Whole => bytes.extend(item.raw()),
            Left::Cut(cut) => bytes.extend(cut),
            Left::Nothing => return false,
        }
        true
    });
}

/// `meta` with the mark among its tags, once.
fn mark(meta: Option<Value<'_>>, bytes: &mut Vec<u8>) {
    let mut out = Object::open(meta.map_or(0, |meta| meta.raw().len()) + SUBSETTED.len() + 10);
    let mut tagged = false;
    for member in meta.into_iter().flat_map(|meta| meta.members()) {
        if member.key == "tag" && member.value.kind() == Kind::Array {
            tagged = true;
            out.member_with("tag", |bytes| {
                bytes.push(b'[');
                for tag in member.value.items().filter(|tag| !is_mark(*tag)) {
                    bytes.extend(tag.raw());
                    bytes.push(b',');
                }
                bytes.extend(SUBSETTED);
                bytes.push(b']');
            });
        } else {
            out.member_raw(member.raw());
        }
    }
    if !tagged {
        out.member_with("tag", |bytes| {
            bytes.push(b'[');
            bytes.extend(SUBSETTED);
            bytes.push(b']');
        });
    }
    bytes.extend(out.close());
}

fn is_mark(tag: Value<'_>) -> bool {
    tag.get("code").and_then(|code| code.text()).is_some_and(|code| code == "SUBSETTED")
}

fn list(value: Value<'_>, bytes: &mut Vec<u8>, mut item: impl FnMut(Value<'_>, &mut Vec<u8>) -> bool) {
    bytes.push(b'[');
    let mut first = true;
    for inner in value.items() {
        let before = bytes.len();
        if !first {
            bytes.push(b',');
        }
        if item(inner, bytes) {
            first = false;
        } else {
            bytes.truncate(before);
        }
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
