//! Every key, certificate and cryptographic primitive, in one crate.
//!
//! TLS, token signatures, digests, seals and randomness come from aws-lc; openssl only makes certificates and rewrites
//! keys. Nothing outside this crate names either. Bytes and PEM go in, bytes and PEM come out: never reads a file, a
//! socket or a clock (time is an argument), never logs, and no [`Error`] repeats what it was given.

pub mod client_key;
pub mod client_tls;
pub mod dev_ca;
pub mod digest;
mod error;
pub mod jwk;
mod object;
pub mod password;
pub mod provider;
pub mod random;
pub mod reload;
pub mod seal;
pub mod server_tls;
pub mod sign;
pub mod statement;
pub mod verify;

pub use error::{Error, Result};
pub use rustls;
pub use zeroize::Zeroizing;
