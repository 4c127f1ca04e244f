//! Sockets and time: everything that touches the world, in one straight line from socket to answer.
//!
//! A request goes `listen` → `pipeline` → `authenticate` → `admit` → `interaction` → `privacy::decide` → the source →
//! `privacy`'s gate → `respond`. A laboratory's message goes `inbound::listener` → `inbound::worker`. Operators ask by `admin`.

pub mod admin;
mod admit;
mod authenticate;
mod calls;
mod care;
pub mod clock;
pub mod context;
mod guard;
pub mod inbound;
mod interaction;
pub mod keys;
pub mod listen;
mod oauth;
pub mod paging;
mod pipeline;
mod places;
pub mod ports;
pub mod published;
pub mod records;
mod request;
mod respond;
pub mod route;
#[cfg(feature = "faults")]
mod seeded;
mod start;
pub mod telemetry;
pub mod tokens;
mod tries;
pub mod upstream;
mod well_known;

/// A request makes and drops some hundred small pieces of memory, for which the C library took a twelfth of a read's time.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use admit::Limits;
pub use start::{Base, Front, Gateway, Running, Setup, StartError, short_digest};
pub use tries::CLIENT as TRY_CLIENT;
