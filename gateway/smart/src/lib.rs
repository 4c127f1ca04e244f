//! The authorization server as state machines. No IO, no clock, no randomness of its own.
//!
//! SMART App Launch 2.2.0 (EHR launch, standalone launch, backend services) over OAuth 2.0 with the best current practice of
//! RFC 9700. An [`Authority`] is asked by the edge, which hands in the time; what it needs to keep, sign or look up goes
//! through the [`ports`]. A launch reads in the order of its files: an EHR may have made a [`launch`] with its [`context`],
//! [`authorize`] opens a flow, [`login`] signs a person in,
//! [`flow`] says what is to be done next, [`consent`] turns the person's word into a code, [`token`] turns the code into
//! a [`grant`] and tokens, [`refresh`] renews them, [`introspect`] turns a token back into a principal, [`introspection`]
//! tells an app what it stands for, [`user_info`] who signed in, [`revoke`] ends it all. A client that acts for itself proves itself by an [`assertion`]
//! and gets its token from [`backend`]. Why one asks is its `purpose`, registered and asserted. Apps that nobody registered do
//! so by [`register`], by what [`metadata`] allows; in a sandbox their developers choose a [`mishap`]. Without an app, a person
//! looks after [`sessions`], [`apps`] and their [`second`] factor. What each kind of person may do is the table of [`rights`];
//! who is too young for an account of their own says [`age`]. People may sign in at a [`provider`] of the house's own, by an
//! [`id_token`] of it, and set another password by [`recovery`]. What it never does: answer HTTP, see health data, or take a
//! missing claim for leave.

pub mod account;
pub mod age;
pub mod apps;
pub mod assertion;
mod authority;
pub mod authorize;
pub mod backend;
mod base32;
pub mod claims;
pub mod client;
mod client_auth;
pub mod consent;
pub mod context;
pub mod discovery;
pub mod flow;
pub mod grant;
mod half_way;
pub mod id_token;
pub mod introspect;
pub mod introspection;
pub mod launch;
mod locale;
pub mod login;
pub mod metadata;
pub mod mishap;
pub mod oauth_error;
pub mod offer;
mod parameters;
pub mod parts;
mod pkce;
pub mod ports;
pub mod provider;
mod purpose;
pub mod recovery;
mod redirect;
mod refresh;
pub mod register;
pub mod revoke;
pub mod rights;
pub mod second;
pub mod sessions;
pub mod settings;
mod stored;
pub mod token;
pub mod user_info;
pub mod whence;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;

pub use account::Account;
pub use authority::Authority;
pub use client::{Client, ClientKind, Itself, Keys};
pub use grant::Grant;
pub use locale::Locale;
pub use mishap::Mishap;
pub use oauth_error::{ErrorCode, OauthError};
pub use offer::Item;
pub use settings::Settings;
pub use whence::Whence;
