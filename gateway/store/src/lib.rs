//! SQLite and files: the only SQL, and the only place where records rest.
//!
//! One data folder holds `sluice.db` (records, the journal of messages, documents of the authorization server), `ledger/`
//! (sealed blocks of who was told what) and `VERSION`. What is answered as done is durable. Nothing here decides who may
//! see what: a search is narrowed to the permit's patients, and every row leaves wrapped in [`privacy::Phi`].

mod apply;
mod care;
mod column;
mod crosswalk;
mod documents;
mod error;
mod journal;
mod ledger;
mod mount;
mod open;
mod resources;
mod search;
mod sqlite;
mod tickets;
mod withheld;

pub use apply::Applied;
pub use care::IDENTIFIERS_MAX;
pub use crosswalk::{Crossed, Order};
pub use documents::{Document, Documents, Namespace, Swap};
pub use error::StoreError;
pub use ledger::{BlockFault, Broken, Entries, Ledger, Report, Stretch, Told, Trimmed, Why, entries, verify};
pub use open::{OpenError, Options, Store};
pub use resources::{Expected, PUTS_MAX, Put, Version};
pub use tickets::Tickets;
