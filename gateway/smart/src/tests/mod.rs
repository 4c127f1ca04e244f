//! Launches from door to token, as sentences. One file for each step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
mod authorize;
mod backend;
mod flow;
mod introspect;
mod introspection;
mod launch;
mod mishap;
mod online;
mod people;
mod provider;
mod purpose;
mod recovery;
mod refresh;
mod register;
mod representative;
mod revoke;
mod second;
mod token;
mod user;
