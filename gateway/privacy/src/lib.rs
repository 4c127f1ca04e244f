//! Who may see what, and the proof that it was recorded. No IO. The heart.
//!
//! Health data comes in as [`Phi`], which nobody can print or send. [`decide`] turns facts into a [`Permit`]; [`Judging`]
//! fills a page with the rows that the permit lets be seen, each cut to what the purpose needs; [`Gate::release`] records
//! the page on the ledger and only then makes a [`Disclosure`], which is the one thing that can be sent.

pub mod accounting;
mod decide;
pub mod faults;
#[cfg(test)]
mod fixtures;
mod gate;
mod impersonal;
mod judge;
pub mod label;
pub mod ledger;
mod look;
mod permit;
mod phi;
pub mod policy;
mod principal;
mod purpose;
mod redact;
mod refusal;
pub mod scope;
mod source;

pub use decide::{Facts, asks_as_user, decide};
pub use gate::{Disclosure, Gate, Page, Redacted, Shown};
pub use impersonal::Impersonal;
pub use judge::{Judging, Wanted};
pub use label::Label;
pub use look::{Look, NoReason, Operator, Reason, Whose};
pub use permit::{Permit, Question, Subject, Trace, Unread};
pub use phi::Phi;
pub use policy::{Policies, Policy};
pub use principal::{Principal, Recipient, Role};
pub use purpose::Purpose;
pub use redact::{Left, redact};
pub use refusal::{Kind, Refusal, Refused};
pub use scope::{Scope, Scopes};
pub use source::{Chunk, Cursor, Row, Source, Standing};
