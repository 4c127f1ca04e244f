//! A parsed document: the bytes, and beside them a flat index of where each value starts and ends.
//!
//! Values are handles into the index, cheap to copy and free to drop. Nothing here prints content: `Debug` shows kinds
//! and positions only.

use crate::index::Index;
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

/// Strictly checked JSON: the bytes as they came, and an index of spans. Cloning shares both.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    index: Arc<Index>,
    /// The root's place in the index, which may be that of a larger document.
    root: u32,
    /// Where the bytes begin in those that the index was made of.
    base: usize,
}

impl Document {
    /// Checks `bytes` in one pass and indexes them; on any fault nothing is kept.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Document, Error> {
        let index = scan::scan(&bytes, limits)?;
        Ok(Document { bytes, index: Arc::new(index), root: 0, base: 0 })
    }

    /// The bytes exactly as they came, surrounding whitespace included.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The outermost value.
    #[inline]
    pub fn root(&self) -> Value<'_> {
        Value { document: self, place: self.root }
    }

    /// The bytes of a span without copying them; panics when the span is not one of this document's.
    pub fn slice(&self, span: Range<usize>) -> Bytes {
        self.bytes.slice(span)
    }

    /// The value at an index that [`Value::index`] gave, if there is one.
    pub fn at(&self, index: usize) -> Option<Value<'_>> {
        let value = Value { document: self, place: self.root.checked_add(u32::try_from(index).ok()?)? };
        (index < self.entries()).then_some(value)
    }

    /// How much of the index is this document's.
    fn entries(&self) -> usize {
        (self.index.next(self.root) - self.root) as usize
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.bytes.len()).field("entries", &self.entries()).finish()
    }
}

/// One value inside a [`Document`]: a handle of two words.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    place: u32,
}

impl<'a> Value<'a> {
    /// Which kind of value this is.
    #[inline]
    pub fn kind(self) -> Kind {
        self.document.index.kind(self.place)
    }

    /// Where the value's bytes stand in the document, quotes and brackets included.
    #[inline]
    pub fn span(self) -> Range<usize> {
        let Document { index, base, .. } = self.document;
        index.start(self.place) - base..index.end(self.place) - base
    }

    /// The value's bytes as they came.
    #[inline]
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
        (self.place - self.document.root) as usize
    }

    /// The index just behind the value and all inside it.
    pub fn index_end(self) -> usize {
        (self.document.index.next(self.place) - self.document.root) as usize
    }

    /// This value as a document of its own that shares bytes and index; both are kept as long as any such document is.
    pub fn detach(self) -> Document {
        let Document { index, .. } = self.document;
        Document { bytes: self.slice(), index: Arc::clone(index), root: self.place, base: index.start(self.place) }
    }

    /// The decoded text of a string; borrowed unless it holds escapes.
    pub fn text(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.decoded())
    }

    /// As [`Value::text`], as bytes that are known to be UTF-8.
    #[inline]
    pub fn text_bytes(self) -> Option<Cow<'a, [u8]>> {
        (self.kind() == Kind::String).then(|| self.decoded_bytes())
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
        if self.kind() != Kind::Object {
            return None;
        }
        let Value { document, place } = self;
        let is_it = |place| Value { document, place }.same(key);
        document.index.member(place, key.len() + 2, is_it).map(|place| Value { document, place })
    }

    /// The members of an object in the order they came; none when this is no object.
    pub fn members(self) -> Members<'a> {
        Members(self.fields())
    }

    /// As [`Value::members`], without a look at the keys.
    #[inline]
    pub fn fields(self) -> Fields<'a> {
        let (at, end) = self.inside_of(Kind::Object);
        Fields { document: self.document, at, end }
    }

    /// The items of an array in order; none when this is no array.
    #[inline]
    pub fn items(self) -> Items<'a> {
        let (at, end) = self.inside_of(Kind::Array);
        Items { document: self.document, at, end }
    }

    /// The places of what is inside a container of this kind; none when this is another.
    #[inline]
    fn inside_of(self, kind: Kind) -> (u32, u32) {
        if self.kind() == kind { (Index::inside(self.place), self.document.index.next(self.place)) } else { (0, 0) }
    }

    #[inline]
    fn inside(self) -> &'a [u8] {
        let Range { start, end } = self.span();
        &self.document.bytes[start + 1..end - 1]
    }

    #[inline]
    fn is_escaped(self) -> bool {
        self.document.index.is_escaped(self.place)
    }

    #[inline]
    fn decoded_bytes(self) -> Cow<'a, [u8]> {
        let inside = self.inside();
        if self.is_escaped() { Cow::Owned(escape::decode(inside).into_bytes()) } else { Cow::Borrowed(inside) }
    }

    fn decoded(self) -> Cow<'a, str> {
        if self.is_escaped() { Cow::Owned(escape::decode(self.inside())) } else { Cow::Borrowed(str(self.inside())) }
    }

    #[inline]
    fn same(self, text: &str) -> bool {
        if self.is_escaped() { escape::decode(self.inside()) == text } else { self.inside() == text.as_bytes() }
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

/// One member of an object, its key not looked at yet.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    key: Value<'a>,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Field<'a> {
    /// Whether the decoded key is this one.
    #[inline]
    pub fn is(self, key: &str) -> bool {
        self.key.same(key)
    }

    /// The decoded key, as bytes.
    #[inline]
    pub fn key(self) -> Cow<'a, [u8]> {
        self.key.decoded_bytes()
    }

    /// From the key's opening quote to the value's end.
    #[inline]
    pub fn span(self) -> Range<usize> {
        self.key.span().start..self.value.span().end
    }

    /// The member's bytes as they came, from the key's quote to the value's end.
    #[inline]
    pub fn raw(self) -> &'a [u8] {
        &self.value.document.bytes[self.span()]
    }
}

/// The members of an object, in order, as spans.
#[derive(Clone)]
pub struct Fields<'a> {
    document: &'a Document,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        if self.at >= self.end {
            return None;
        }
        let key = Value { document: self.document, place: self.at };
        let value = Value { document: self.document, place: self.at + 1 };
        self.at = self.document.index.next(value.place);
        Some(Field { key, value })
    }
}

/// The members of an object, in order.
#[derive(Clone)]
pub struct Members<'a>(Fields<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let field = self.0.next()?;
        Some(Member { key: field.key.decoded(), span: field.span(), value: field.value })
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

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let item = Value { document: self.document, place: self.at };
        self.at = self.document.index.next(item.place);
        Some(item)
    }
}

/// Text of a span; the scanner has checked the whole document as UTF-8, so nothing is ever lost here.
fn str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
