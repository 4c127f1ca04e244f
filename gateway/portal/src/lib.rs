//! Pages for people: sign in, choose a patient, consent, look after one's own account, and the few others. No IO, no
//! script.
//!
//! Every page works without JavaScript, at 320 pixels, by keyboard and by screen reader, in English and Spanish, in light
//! and dark. Health data reaches a page only through a `privacy::Disclosure`, by the plain functions that
//! `Disclosure::map` takes; all other pages are made of settings, names of apps and the person's own words.

mod account;
mod app_read;
mod apps;
mod calls;
mod choose;
mod consent;
mod errors;
mod events;
mod frame;
mod launch;
mod login;
mod message;
mod plain;
mod records;
mod recover;
mod register;
mod sandbox;
mod second;
mod seen;
mod sessions;
mod start;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod try_it;
mod when;
mod whose;

pub use account::account;
pub use app_read::{AppReadForm, app_read, app_read_file};
pub use apps::{AppsForm, apps, apps_alone, apps_file, apps_file_alone};
pub use calls::{Call, CallsForm, CallsOutcome, calls};
pub use choose::{ChooseForm, choose};
pub use consent::{ConsentForm, Own, consent_of_patient, consent_own};
pub use errors::{ErrorDoc, error_doc};
pub use frame::{App, Frame, Html, SignedIn};
pub use launch::{LaunchForm, launch, launch_alone};
pub use login::{LoginFault, LoginForm, OwnLoginForm, Ways, login, own_login};
pub use message::{Message, message, unfit};
pub use plain::plain;
pub use recover::{RecoverFault, RecoverForm, recover};
pub use register::{Proof, RegisterFault, RegisterForm, register, registered};
pub use sandbox::{SandboxForm, SandboxOutcome, sandbox};
pub use second::{CodeFault, CodeForm, code, second, second_on};
pub use seen::{SeenForm, seen, seen_of_unnamed};
pub use sessions::{Ended, sessions};
pub use start::{DemoClient, DemoUser, Start, start};
pub use style::{SMART_STYLE, SMART_STYLE_PATH, STYLESHEET, stylesheet_path};
pub use try_it::{Begun, Exchange, TriedForm, TryForm, tried, tried_in_vain, try_it};
pub use whose::{WhoseForm, whose};
