//! Changing a few members of a document and keeping every other byte as it came.
//!
//! For what the gateway itself writes into a record: version and time, a label, a status. Never normalises, never
//! reorders; what is not named stays byte for byte.

use crate::Instant;
use bytes::Bytes;
use json::{Document, Kind, Value, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// Changes to one document, made all at once by [`Edits::finish`]. A value must belong to that document.
pub struct Edits<'a> {
    document: &'a Document,
    /// New bytes for whole values, by index.
    replaced: BTreeMap<usize, Bytes>,
    /// Members and items to leave out, by the index of their value.
    removed: BTreeSet<usize>,
    /// Members and items to add at the end of an object or array, by its index.
    added: BTreeMap<usize, Vec<Vec<u8>>>,
}

impl<'a> Edits<'a> {
    /// No changes yet.
    pub fn of(document: &'a Document) -> Edits<'a> {
        Edits { document, replaced: BTreeMap::new(), removed: BTreeSet::new(), added: BTreeMap::new() }
    }

    /// Puts `json` (checked before) in the place of a value; changes inside that value are then moot.
    pub fn replace(&mut self, value: Value<'a>, json: impl Into<Bytes>) -> &mut Edits<'a> {
        self.replaced.insert(value.index(), json.into());
        self
    }

    /// Gives a member of an object a value: in the place of the old, or at the end.
    pub fn set(&mut self, object: Value<'a>, key: &str, json: impl Into<Bytes>) -> &mut Edits<'a> {
        if let Some(old) = object.get(key) {
            return self.replace(old, json);
        }
        let mut member = key_of(key);
        member.extend_from_slice(&json.into());
        self.added.entry(object.index()).or_default().push(member);
        self
    }

    /// Leaves out a member of an object, if it is there.
    pub fn remove(&mut self, object: Value<'a>, key: &str) -> &mut Edits<'a> {
        if let Some(value) = object.get(key) {
            self.removed.insert(value.index());
        }
        self
    }

    /// Leaves out one item of an array.
    pub fn remove_item(&mut self, item: Value<'a>) -> &mut Edits<'a> {
        self.removed.insert(item.index());
        self
    }

    /// Adds an item at the end of an array.
    pub fn append(&mut self, array: Value<'a>, json: impl Into<Bytes>) -> &mut Edits<'a> {
        self.added.entry(array.index()).or_default().push(json.into().to_vec());
        self
    }

    /// The document with all changes; bytes around the root are left out.
    pub fn finish(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.document.bytes().len() + 256);
        self.write(self.document.root(), &mut out);
        out
    }

    fn write(&self, value: Value<'a>, out: &mut Vec<u8>) {
        if let Some(json) = self.replaced.get(&value.index()) {
            out.extend_from_slice(json);
        } else if self.untouched(value) {
            out.extend_from_slice(value.raw());
        } else {
            self.write_parts(value, out);
        }
    }

    /// Whether nothing changes from this value's index to its end.
    fn untouched(&self, value: Value<'a>) -> bool {
        let inside = value.index()..value.index_end();
        self.replaced.range(inside.clone()).next().is_none()
            && self.removed.range(inside.clone()).next().is_none()
            && self.added.range(inside).next().is_none()
    }

    fn write_parts(&self, value: Value<'a>, out: &mut Vec<u8>) {
        // A part is a member or an item: where its bytes begin, and its value.
        let parts: Vec<(usize, Value<'a>)> = match value.kind() {
            Kind::Object => value.members().map(|member| (member.span.start, member.value)).collect(),
            Kind::Array => value.items().map(|item| (item.span().start, item)).collect(),
            Kind::Null | Kind::Bool | Kind::Number | Kind::String => return out.extend_from_slice(value.raw()),
        };
        let all = self.document.bytes();
        let span = value.span();
        let before = |at: usize| {
            let from = if at == 0 { span.start + 1 } else { parts[at - 1].1.span().end };
            &all[from..parts[at].0]
        };
        out.push(all[span.start]);
        let mut any = false;
        for (at, (start, part)) in parts.iter().enumerate() {
            if self.removed.contains(&part.index()) {
                continue;
            }
            out.extend_from_slice(before(if any { at } else { 0 }));
            out.extend_from_slice(&all[*start..part.span().start]);
            self.write(*part, out);
            any = true;
        }
        for part in self.added.get(&value.index()).into_iter().flatten() {
            // Separated as the last two were, so that what was indented stays indented.
            if any {
                out.extend_from_slice(if parts.len() > 1 { before(parts.len() - 1) } else { b"," });
            }
            out.extend_from_slice(part);
            any = true;
        }
        let inside_end = parts.last().map_or(span.start + 1, |(_, last)| last.span().end);
        out.extend_from_slice(&all[inside_end..span.end]);
    }
}

/// A stored resource with the id, version and time that the store gave it; everything else as it came.
pub fn stamp(document: &Document, id: &str, version: &str, at: Instant) -> Vec<u8> {
    let root = document.root();
    let (version, at) = (string(version), string(&at.to_string()));
    let mut edits = Edits::of(document);
    edits.set(root, "id", string(id));
    match root.get("meta") {
        Some(meta) if meta.kind() == Kind::Object => {
            edits.set(meta, "versionId", version).set(meta, "lastUpdated", at);
        }
        Some(_) | None => {
            let mut meta = Writer::new();
            meta.begin_object().key("versionId").raw(&version).key("lastUpdated").raw(&at).end_object();
            edits.set(root, "meta", meta.finish());
        }
    }
    edits.finish()
}

/// A resource with one more security label in `meta.security`; a label it already has is not added twice.
pub fn label(document: &Document, system: &str, code: &str) -> Vec<u8> {
    let root = document.root();
    let mut coding = Writer::new();
    coding.begin_object().member("system", system).member("code", code).end_object();
    let coding = coding.finish();
    let has = |list: Value<'_>| {
        let is = |part: Option<Value<'_>>, text| part.is_some_and(|part| part.is(text));
        list.items().any(|label| is(label.get("system"), system) && is(label.get("code"), code))
    };
    let list = [b"[".as_slice(), &coding, b"]"].concat();
    let mut edits = Edits::of(document);
    match root.get("meta").map(|meta| (meta, meta.get("security"))) {
        Some((_, Some(security))) if has(security) => {}
        Some((_, Some(security))) if security.kind() == Kind::Array => drop(edits.append(security, coding)),
        // One that was written without its array is kept as the first of a list.
        Some((_, Some(security))) => {
            let both = [b"[".as_slice(), security.raw(), b",", &coding, b"]"].concat();
            edits.replace(security, both);
        }
        Some((meta, None)) if meta.kind() == Kind::Object => drop(edits.set(meta, "security", list)),
        Some((_, None)) | None => drop(edits.set(root, "meta", [b"{\"security\":".as_slice(), &list, b"}"].concat())),
    }
    edits.finish()
}

fn key_of(key: &str) -> Vec<u8> {
    let mut member = string(key);
    member.push(b':');
    member
}

/// A text as a JSON string.
fn string(text: &str) -> Vec<u8> {
    let mut out = Writer::new();
    out.string(text);
    out.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::tests::document;
    use proptest::prelude::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_byte_that_is_not_named_stays() {
        let before = document("{ \"a\" : 1.10,\n  \"b\":{\"c\":[1, 2 ]} ,\"d\":\"\\u0041\" }");
        let root = before.root();
        let mut edits = Edits::of(&before);
        assert_eq!(text(edits.finish()), text(before.bytes().to_vec()));
        let c = root.get("b").unwrap().get("c").unwrap();
        edits.set(root, "d", "7").append(c, "3").set(root, "e", "[]");
        assert_eq!(text(edits.finish()), "{ \"a\" : 1.10,\n  \"b\":{\"c\":[1, 2, 3 ]} ,\"d\":7 ,\"e\":[] }");
    }

    #[test]
    fn members_and_items_leave_no_comma_behind() {
        for (gone, left) in [
            (vec!["a"], r#"{"b":2,"c":3}"#),
            (vec!["b"], r#"{"a":1,"c":3}"#),
            (vec!["c"], r#"{"a":1,"b":2}"#),
            (vec!["a", "b"], r#"{"c":3}"#),
            (vec!["a", "c"], r#"{"b":2}"#),
            (vec!["a", "b", "c"], "{}"),
            (vec!["x"], r#"{"a":1,"b":2,"c":3}"#),
        ] {
            let before = document(r#"{"a":1,"b":2,"c":3}"#);
            let mut edits = Edits::of(&before);
            for key in &gone {
                edits.remove(before.root(), key);
            }
            assert_eq!(text(edits.finish()), left, "{gone:?}");
        }
        let list = document("[1,2,3]");
        let first = list.root().items().next().unwrap();
        assert_eq!(text(Edits::of(&list).remove_item(first).append(list.root(), "4").finish()), "[2,3,4]");
        let empty = document("{}");
        assert_eq!(
            text(Edits::of(&empty).set(empty.root(), "a\"", "1").set(empty.root(), "b", "2").finish()),
            r#"{"a\"":1,"b":2}"#
        );
    }

    #[test]
    fn a_stamp_changes_version_and_time_alone() {
        let at = Instant::from_seconds(0);
        let whole = r#""id":"x","meta":{"versionId":"2","lastUpdated":"1970-01-01T00:00:00.000Z""#;
        let fresh = stamp(&document(r#"{"resourceType":"Basic"}"#), "x", "2", at);
        assert_eq!(text(fresh), format!(r#"{{"resourceType":"Basic",{whole}}}}}"#));
        let old = document(r#"{"id":"y","meta":{"versionId":"1","profile":["p"],"lastUpdated":"2000"}}"#);
        assert_eq!(
            text(stamp(&old, "x", "2", at)),
            r#"{"id":"x","meta":{"versionId":"2","profile":["p"],"lastUpdated":"1970-01-01T00:00:00.000Z"}}"#
        );
    }

    #[test]
    fn a_label_is_added_once_wherever_labels_may_stand() {
        let with = |before: &str| text(label(&document(before), "s", "R"));
        assert_eq!(with("{}"), r#"{"meta":{"security":[{"system":"s","code":"R"}]}}"#);
        assert_eq!(
            with(r#"{"meta":{"versionId":"1"}}"#),
            r#"{"meta":{"versionId":"1","security":[{"system":"s","code":"R"}]}}"#
        );
        let two = with(r#"{"meta":{"security":[{"code":"V"}]}}"#);
        assert_eq!(two, r#"{"meta":{"security":[{"code":"V"},{"system":"s","code":"R"}]}}"#);
        assert_eq!(with(&two), two);
        assert_eq!(
            with(r#"{"meta":{"security":{"code":"V"}}}"#),
            r#"{"meta":{"security":[{"code":"V"},{"system":"s","code":"R"}]}}"#
        );
    }

    proptest! {
        #[test]
        fn whatever_is_removed_and_set_the_rest_reads_the_same(
            keys in prop::collection::btree_set("[a-e]{1,2}", 0..8), gone in "[a-e]{1,2}", new in "[a-e]{1,2}", blank in "[ \n]{0,2}",
        ) {
            let members: Vec<_> = keys.iter().map(|key| format!("{blank}\"{key}\"{blank}:{blank}[\"{key}\"]{blank}")).collect();
            let before = document(&format!("{{{}}}", members.join(",")));
            let mut edits = Edits::of(&before);
            edits.remove(before.root(), &gone);
            if gone != new {
                edits.set(before.root(), &new, "0");
            }
            let after = document(&text(edits.finish()));
            for key in &keys {
                let there = after.root().get(key).map(Value::raw);
                let expected = if *key == gone { None } else if *key == new { Some(b"0".as_slice()) } else { before.root().get(key).map(Value::raw) };
                prop_assert_eq!(there, expected);
            }
            prop_assert_eq!(gone != new, after.root().get(&new).is_some_and(|v| v.raw() == b"0"));
        }
    }
}
