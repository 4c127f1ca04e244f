//! Pages for people: sign in, choose a patient, consent, and the few others. No IO, no script.
//!
//! Every page works without JavaScript, at 320 pixels, by keyboard and by screen reader, in English and Spanish, in light
//! and dark. Health data reaches a page only through a `privacy::Disclosure`, by the plain functions that
//! `Disclosure::map` takes; all other pages are made of settings, names of apps and the person's own words.

mod choose;
mod consent;
mod errors;
mod frame;
mod login;
mod message;
mod plain;
mod records;
mod start;
mod style;
#[cfg(test)]
mod tests;
mod text;

pub use choose::{ChooseForm, choose};
pub use consent::{ConsentForm, Own, consent_of_patient, consent_own};
pub use errors::error_doc;
pub use frame::{App, Frame, Html};
pub use login::{LoginFault, LoginForm, login};
pub use message::{Message, message, unfit};
pub use plain::plain;
pub use start::{DemoClient, DemoUser, Start, start};
pub use style::{STYLESHEET, stylesheet_path};
