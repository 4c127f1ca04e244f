//! What every legacy dialect shares. No IO, no clock, no randomness.
//!
//! A message comes in as bytes over a [`Link`]; an [`Adapter`] reads it into a [`Reading`]; [`journey`] decides what
//! happens next, [`matching`] whose it is, and [`correction`] what it does to what is already there. The [`Journal`] is
//! the port behind which the raw bytes are kept before anything is promised to the sender.

pub mod adapter;
mod bundle;
pub mod correction;
pub mod extension;
mod filing;
mod fold;
mod heading;
pub mod identifier;
pub mod journal;
pub mod journey;
mod link;
pub mod lint;

mod loss;
pub mod mapping;

pub mod matching;
mod verdict;

pub use adapter::{Acknowledgment, Adapter, Framed, Framer, Stamp};
pub use bundle::bundle;
pub use correction::{Apply, Stage, Standing};
pub use filing::{Action, Claimed, ClaimedIdentifier, Filing, OrderNumber, Reading, Record, Role, Subject};
pub use fold::fold;
pub use heading::{Conditions, Heading, When};
pub use journal::Journal;
pub use link::{AckWhen, Authority, Link, Processing, UnknownProcessing};
pub use loss::{Kind, Loss};
pub use verdict::{Code, Defect, Position, Severity, Verdict};
