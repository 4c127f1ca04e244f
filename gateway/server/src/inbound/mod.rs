//! A laboratory's message on its way in: framed, kept, read, matched, applied, answered.
//!
//! `bridge::journey::step` decides what happens; the files here only do it.

mod apply;
mod door;
mod listener;
mod look;
#[cfg(feature = "faults")]
mod seeded;
mod worker;

pub use door::Door;
pub(crate) use listener::listen;
pub use worker::Inbox;
