//! What the tests of this crate share.

use bytes::Bytes;
use json::{Document, Limits};

/// A document from a text that a test wrote.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::DEFAULT).unwrap()
}
