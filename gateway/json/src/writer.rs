//! Writes compact JSON into one buffer: commas by itself, escapes by itself, checked spans as they are.

use crate::{Value, escape, is_number};

/// A compact JSON text being written. Commas come by themselves; the caller closes what it opened.
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
    /// Whether the next value or key needs a comma before it.
    comma: bool,
    /// How many objects and arrays are open.
    depth: usize,
}

impl Writer {
    /// An empty text.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// An empty text with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { out: Vec::with_capacity(bytes), ..Writer::default() }
    }

    /// Opens an object.
    pub fn begin_object(&mut self) -> &mut Writer {
        self.begin(b'{')
    }

    /// Closes the object opened last.
    pub fn end_object(&mut self) -> &mut Writer {
        self.end(b'}')
    }

    /// Opens an array.
    pub fn begin_array(&mut self) -> &mut Writer {
        self.begin(b'[')
    }

    /// Closes the array opened last.
    pub fn end_array(&mut self) -> &mut Writer {
        self.end(b']')
    }

    /// A member's key; its value must come next.
    pub fn key(&mut self, key: &str) -> &mut Writer {
        self.separate();
        escape::encode(key, &mut self.out);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// A string, escaped as needed.
    pub fn string(&mut self, text: &str) -> &mut Writer {
        self.separate();
        escape::encode(text, &mut self.out);
        self
    }

    /// A number by its own digits, so that `1.10` stays `1.10`; what is no JSON number is written as a string.
    pub fn number(&mut self, lexeme: &str) -> &mut Writer {
        if !is_number(lexeme) {
            return self.string(lexeme);
        }
        self.raw(lexeme.as_bytes())
    }

    /// A whole number.
    pub fn integer(&mut self, number: i64) -> &mut Writer {
        self.raw(number.to_string().as_bytes())
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, truth: bool) -> &mut Writer {
        self.raw(if truth { b"true" } else { b"false" })
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Writer {
        self.raw(b"null")
    }

    /// One value whose bytes were checked before, as they are: a [`Value::raw`] or what a `Writer` finished.
    pub fn raw(&mut self, value: &[u8]) -> &mut Writer {
        self.separate();
        self.out.extend_from_slice(value);
        self
    }

    /// A value of a document, byte for byte.
    pub fn value(&mut self, value: Value<'_>) -> &mut Writer {
        self.raw(value.raw())
    }

    /// A member whose value is a string: the most common line of all.
    pub fn member(&mut self, key: &str, text: &str) -> &mut Writer {
        self.key(key).string(text)
    }

    /// How many bytes stand written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The text.
    pub fn finish(self) -> Vec<u8> {
        debug_assert!(self.depth == 0, "an object or array was left open");
        self.out
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn begin(&mut self, bracket: u8) -> &mut Writer {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
        self.depth += 1;
        self
    }

    fn end(&mut self, bracket: u8) -> &mut Writer {
        debug_assert!(self.depth > 0, "more was closed than opened");
        self.out.push(bracket);
        self.comma = true;
        self.depth = self.depth.saturating_sub(1);
        self
    }
}
