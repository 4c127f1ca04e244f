//! A parsed document: the bytes, and beside them a flat index of where each value starts and ends.
//!
//! Values are handles into the index, cheap to copy and free to drop. Nothing here prints content: `Debug` shows kinds
//! and positions only.

use crate::{Error, Limits, escape, scan};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The six kinds of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept by its digits.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value or key in the index, in document order; an object's keys and values alternate.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Index of the first node that is not inside this one.
    pub(crate) next: u32,
    pub(crate) kind: Kind,
    /// Whether a string holds escapes.
    pub(crate) escaped: bool,
}

/// Strictly checked JSON: the bytes as they came, and an index of spans. Cloning shares both.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    nodes: Arc<Vec<Node>>,
}

impl Document {
    /// Checks `bytes` in one pass and indexes them; on any fault nothing is kept.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Document, Error> {
        let nodes = scan::scan(&bytes, limits)?;
        Ok(Document { bytes, nodes: Arc::new(nodes) })
    }

    /// The bytes exactly as they came, surrounding whitespace included.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, index: 0 }
    }

    /// The bytes of a span without copying them; panics when the span is not one of this document's.
    pub fn slice(&self, span: Range<usize>) -> Bytes {
        self.bytes.slice(span)
    }

    /// The value at an index that [`Value::index`] gave, if there is one.
    pub fn at(&self, index: usize) -> Option<Value<'_>> {
        (index < self.nodes.len()).then_some(Value { document: self, index: index as u32 })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.bytes.len()).field("nodes", &self.nodes.len()).finish()
    }
}

/// One value inside a [`Document`]: a handle of two words.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    index: u32,
}

impl<'a> Value<'a> {
    fn node(self) -> Node {
        self.document.nodes[self.index as usize]
    }

    /// Which kind of value this is.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Where the value's bytes stand in the document, quotes and brackets included.
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// The value's bytes as they came.
    pub fn raw(self) -> &'a [u8] {
        &self.document.bytes[self.span()]
    }

    /// The value's bytes as a slice that shares the document's buffer.
    pub fn slice(self) -> Bytes {
        self.document.bytes.slice(self.span())
    }

    /// The document that this value belongs to.
    pub fn document(self) -> &'a Document {
        self.document
    }

    /// The value's position in the index: unique in its document, and ordered as the document is.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// The index just behind the value and all inside it.
    pub fn index_end(self) -> usize {
        self.node().next as usize
    }

    /// This value as a document of its own that shares the bytes; costs a copy of its part of the index.
    pub fn detach(self) -> Document {
        let node = self.node();
        let inside = &self.document.nodes[self.index as usize..node.next as usize];
        let nodes = inside.iter().map(|inner| Node {
            start: inner.start - node.start,
            end: inner.end - node.start,
            next: inner.next - self.index,
            ..*inner
        });
        Document { bytes: self.slice(), nodes: Arc::new(nodes.collect()) }
    }

    /// The decoded text of a string; borrowed unless it holds escapes.
    pub fn text(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.decoded())
    }

    /// The digits of a number as they were written.
    pub fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| str(self.raw()))
    }

    /// The truth of a boolean.
    pub fn boolean(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == b"true")
    }

    /// Whether this is a string whose decoded text is `text`.
    pub fn is(self, text: &str) -> bool {
        self.kind() == Kind::String && self.same(text)
    }

    /// The value of the member with this key (as decoded); `None` too when this is no object.
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        let mut keys = self.members();
        while let Some((name, value)) = keys.pair() {
            if name.same(key) {
                return Some(value);
            }
        }
        None
    }

    /// The members of an object in the order they came; none when this is no object.
    pub fn members(self) -> Members<'a> {
        let node = self.node();
        let end = if node.kind == Kind::Object { node.next } else { self.index + 1 };
        Members { document: self.document, at: self.index + 1, end }
    }

    /// The items of an array in order; none when this is no array.
    pub fn items(self) -> Items<'a> {
        let node = self.node();
        let end = if node.kind == Kind::Array { node.next } else { self.index + 1 };
        Items { document: self.document, at: self.index + 1, end }
    }

    fn inside(self) -> &'a [u8] {
        let Range { start, end } = self.span();
        &self.document.bytes[start + 1..end - 1]
    }

    fn decoded(self) -> Cow<'a, str> {
        if self.node().escaped { Cow::Owned(escape::decode(self.inside())) } else { Cow::Borrowed(str(self.inside())) }
    }

    fn same(self, text: &str) -> bool {
        if self.node().escaped { escape::decode(self.inside()) == text } else { self.inside() == text.as_bytes() }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.kind(), self.span())
    }
}

/// One member of an object.
#[derive(Clone)]
pub struct Member<'a> {
    /// The decoded key.
    pub key: Cow<'a, str>,
    /// From the key's opening quote to the value's end.
    pub span: Range<usize>,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Member<'a> {
    /// The member's bytes as they came, from the key's quote to the value's end.
    pub fn raw(&self) -> &'a [u8] {
        &self.value.document.bytes[self.span.clone()]
    }
}

/// The members of an object, in order.
#[derive(Clone)]
pub struct Members<'a> {
    document: &'a Document,
    at: u32,
    end: u32,
}

impl<'a> Members<'a> {
    /// The next key and value, the key not yet decoded.
    fn pair(&mut self) -> Option<(Value<'a>, Value<'a>)> {
        if self.at >= self.end {
            return None;
        }
        let key = Value { document: self.document, index: self.at };
        let value = Value { document: self.document, index: self.at + 1 };
        self.at = value.node().next;
        Some((key, value))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let (key, value) = self.pair()?;
        Some(Member { key: key.decoded(), span: key.span().start..value.span().end, value })
    }
}

/// The items of an array, in order.
#[derive(Clone)]
pub struct Items<'a> {
    document: &'a Document,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let item = Value { document: self.document, index: self.at };
        self.at = item.node().next;
        Some(item)
    }
}

/// Text of a span; the scanner has checked the whole document as UTF-8, so nothing is ever lost here.
fn str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
