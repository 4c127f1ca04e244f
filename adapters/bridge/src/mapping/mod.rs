//! Maps as data: rows that say which part of a message goes to which FHIR element, compiled once.
//!
//! A row moves, looks up or marks; it never branches. Where the rule branches, the row names a step, which is Rust in the
//! dialect's own crate. The dialect runs the rows over its own messages and writes straight into [`Out`].

mod index;
mod out;
mod rows;
mod table;

pub use out::Out;
pub use rows::{Fault, How, Map, Piece, Primitive, Row, Source, Sources, Step, compile};
pub use table::Table;
