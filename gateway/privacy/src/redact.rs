//! Minimum necessary, element by element: what may leave is copied byte for byte, and nothing else is.
//!
//! Works on the spans of a strictly checked document and never builds a tree. Numbers keep their digits. A primitive's
//! `_name` twin goes with it, a contained resource is cut by its own type's policy, and that something may have been cut is
//! marked (`SUBSETTED`) by policy and type alone, never by what the record held.

use crate::policy::{Cut, Policy, Tree};
use fhir::element::each;
use fhir::resource::Resource;
use json::{Field, Kind, Value};
use std::borrow::Cow;

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
    let tree = match policy.cut(resource.kind()) {
        None => return Left::Nothing,
        Some(Cut::Whole) if contained_is_whole(resource, policy) => return Left::Whole,
        Some(Cut::Whole) => None,
        Some(Cut::Elements(tree)) => Some(tree),
    };
    let mut bytes = Vec::with_capacity(resource.value().raw().len() + SUBSETTED.len() + 20);
    copy(resource.value(), tree, policy, &mut bytes);
    Left::Cut(bytes)
}

fn contained_is_whole(resource: &Resource<'_>, policy: &Policy) -> bool {
    if resource.value().get("_contained").is_some() {
        return false;
    }
    let Some(contained) = resource.value().get("contained") else { return true };
    each(contained).all(|inner| Resource::of(inner).is_ok_and(|inner| redact(&inner, policy) == Left::Whole))
}

/// A resource by its tree; without one, every element but what is contained and may not be.
fn copy(value: Value<'_>, tree: Option<&Tree>, policy: &Policy, bytes: &mut Vec<u8>) {
    let mut out = Object::open(bytes);
    let mut marked = tree.is_none();
    for field in value.fields() {
        let name = &*field.key();
        match (tree, name) {
            (tree, b"contained") => {
                if tree.is_none_or(|tree| tree.child(name).is_some()) {
                    contained(field.value, policy, &mut out);
                }
            }
            // What is contained is no primitive and has no twin; whatever stands there was judged by nobody.
            (_, b"_contained") => {}
            (Some(_), b"meta") => {
                mark(Some(field.value), out.member(name));
                marked = true;
            }
            (None, _) => out.copied(field),
            (Some(tree), _) => kept(field, name, tree, &mut out),
        }
    }
    if !marked {
        mark(None, out.member(b"meta"));
    }
    out.close();
}

/// A member by what the tree keeps of it.
fn kept(field: Field<'_>, name: &[u8], tree: &Tree, out: &mut Object<'_>) {
    match tree.child(name) {
        Some(whole) if whole.is_leaf() => out.copied(field),
        Some(tree) => below(field.value, tree, out.member(name)),
        None => {}
    }
}

/// An element of which only some children are kept; of a list, those of each item.
fn below(value: Value<'_>, tree: &Tree, bytes: &mut Vec<u8>) {
    match value.kind() {
        Kind::Array => {
            let mut list = List::open(bytes);
            value.items().for_each(|item| below(item, tree, list.item()));
            list.close();
        }
        Kind::Object => {
            let mut out = Object::open(bytes);
            for field in value.fields() {
                match &*field.key() {
                    // What modifies the meaning is never cut, at any depth.
                    name @ b"modifierExtension" if tree.child(name).is_none() => out.copied(field),
                    name => kept(field, name, tree, &mut out),
                }
            }
            out.close();
        }
        // A scalar where R4 has an object says nothing that was asked for.
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => bytes.extend_from_slice(b"null"),
    }
}

/// What is left of each contained resource; one that cannot be read is not left. No list of no resources is left behind:
/// that something was contained must not show.
fn contained(value: Value<'_>, policy: &Policy, out: &mut Object<'_>) {
    let readable = each(value).filter_map(|item| Resource::of(item).ok());
    let mut left = readable.filter_map(|inner| match redact(&inner, policy) {
        Left::Whole => Some(Cow::Borrowed(inner.value().raw())),
        Left::Cut(bytes) => Some(Cow::Owned(bytes)),
        Left::Nothing => None,
    });
    if let Some(first) = left.next() {
        let mut list = List::open(out.member(b"contained"));
        std::iter::once(first).chain(left).for_each(|inner| list.item().extend_from_slice(&inner));
        list.close();
    }
}

/// `meta` with the mark among its tags, once. A `meta` or `tag` of another shape than R4's gives way to ours: two members
/// of one name would be read differently by two readers.
fn mark(meta: Option<Value<'_>>, bytes: &mut Vec<u8>) {
    let mut out = Object::open(bytes);
    let mut tagged = false;
    for field in meta.into_iter().flat_map(Value::fields) {
        if field.is("tag") {
            tagged = true;
            let others = field.value.items().filter(|tag| !is_mark(*tag));
            tags(others, out.member(b"tag"));
        } else {
            out.copied(field);
        }
    }
    if !tagged {
        tags(std::iter::empty(), out.member(b"tag"));
    }
    out.close();
}

fn tags<'a>(others: impl Iterator<Item = Value<'a>>, bytes: &mut Vec<u8>) {
    let mut list = List::open(bytes);
    others.map(Value::raw).chain([SUBSETTED]).for_each(|tag| list.item().extend_from_slice(tag));
    list.close();
}

fn is_mark(tag: Value<'_>) -> bool {
    tag.get("code").is_some_and(|code| code.is("SUBSETTED"))
}

/// A list being written.
struct List<'b> {
    bytes: &'b mut Vec<u8>,
    any: bool,
}

impl List<'_> {
    fn open(bytes: &mut Vec<u8>) -> List<'_> {
        bytes.push(b'[');
        List { bytes, any: false }
    }

    /// Where the next item is to be written.
    fn item(&mut self) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.any, true) {
            self.bytes.push(b',');
        }
        self.bytes
    }

    fn close(self) {
        self.bytes.push(b']');
    }
}

/// An object being written from copied members.
struct Object<'b> {
    bytes: &'b mut Vec<u8>,
    any: bool,
}

impl Object<'_> {
    fn open(bytes: &mut Vec<u8>) -> Object<'_> {
        bytes.push(b'{');
        Object { bytes, any: false }
    }

    fn comma(&mut self) {
        if std::mem::replace(&mut self.any, true) {
            self.bytes.push(b',');
        }
    }

    /// A member as it came.
    fn copied(&mut self, field: Field<'_>) {
        self.comma();
        self.bytes.extend_from_slice(field.raw());
    }

    /// Where the value of a member is to be written. `name` comes from R4's tables or is one of ours: it needs no escape.
    fn member(&mut self, name: &[u8]) -> &mut Vec<u8> {
        self.comma();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b"\":");
        self.bytes
    }

    fn close(self) {
        self.bytes.push(b'}');
    }
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
