//! The product from outside: the built binary as a child process, and small peers of our own that speak with it.
//!
//! `gateway` starts and stops it, `app` is a SMART app, `laboratory` sends HL7 v2, `upstream` is an honest FHIR server to
//! stand behind it, `provider` a hospital's own OpenID provider, `http` shows every byte of an exchange; `hostile` are peers that mean ill, and `kills` kills it. Nothing
//! here is part of the product.

#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    clippy::should_implement_trait,
    reason = "a test fails by panicking, and decides nothing for anyone"
)]

pub mod app;
pub mod gateway;
pub mod hostile;
pub mod http;
pub mod kills;
pub mod laboratory;
pub mod oracle;
pub mod proof;
pub mod provider;
pub mod service;
pub mod upstream;
pub mod world;
