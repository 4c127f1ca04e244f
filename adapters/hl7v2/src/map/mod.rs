//! From a parsed message to FHIR: rows where a rule is a row, steps where it branches.
//!
//! The files of `maps/` are compiled once, at the first message, into rows that write straight from spans to JSON.

mod coded;
mod document;
mod engine;
mod identifiers;
mod judged;
mod number;
mod oru;
mod patient;
mod people;
mod scope;
mod steps;
mod structure;
mod tables;
mod ucum;
mod value;

pub(crate) use oru::filings;
#[cfg(test)]
pub(crate) use tables::Maps;
