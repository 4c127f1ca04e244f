//! The words of FHIR R4 over [`json`] spans: what a resource is, whom it is about, what a search asks, what an answer says.
//!
//! Everything reads bytes in place and writes byte ranges on; no tree is built on a request's way. No IO, no clock, no
//! random source: time comes in as [`Instant`]. What cannot be read is never taken for harmless: it is nobody's.

pub mod bundle;
pub mod element;
mod id;
mod instant;
pub mod interaction;
mod kind;
mod names;
pub mod outcome;
pub mod patch;
pub mod path;
pub mod reference;
pub mod resource;
pub mod search;
pub mod subject;

pub use id::{BadId, Id};
pub use instant::{BadMoment, Instant, Moment, Precision};
pub use interaction::Interaction;
pub use kind::{ResourceType, UnknownResourceType};
pub use names::Names;
pub use path::ElementPath;
pub use reference::Reference;
pub use resource::{Coding, Resource, ResourceFault};
pub use subject::About;

#[cfg(test)]
mod tests;
