//! JSON as spans over the bytes it came in: strictly checked once, never turned into a tree of owned values.
//!
//! Health records are read, cut and passed on as byte ranges, so what nobody touched leaves exactly as it came: the
//! digits of a decimal, the order of members, the spelling of an escape. [`Document::parse`] is the one way in and
//! refuses whatever two readers could read differently: duplicate keys at any depth (compared as decoded), a byte order
//! mark, lone surrogates, bytes after the end. Never rewrites a value, never guesses, does no IO.

mod document;
mod escape;
mod fault;
mod index;
mod keys;
mod lanes;
mod limits;
mod number;
mod scan;
mod token;
mod writer;

pub use document::{Document, Field, Fields, Items, Kind, Member, Members, Value};
pub use fault::{Error, Fault};
pub use limits::{Limits, NODES_MAX};
pub use number::is_number;
pub use writer::Writer;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
