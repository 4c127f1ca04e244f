//! A laboratory's message on its way in: framed, kept, read, matched, applied, answered.
//!
//! `bridge::journey::step` decides what happens; the files here only do it.

mod apply;
mod listener;
#[cfg(feature = "faults")]
mod seeded;
mod worker;

pub use listener::listen;
pub use worker::Inbox;
