//! HL7 v2: framing, parsing, mapping, acknowledging.

mod ack;
mod charset;
mod delimiters;
mod escape;
mod heading;
pub mod mllp;
mod moment;
mod parse;
mod split;

pub use delimiters::Delimiters;
pub use parse::{Decoded, Message, Value, decode};
pub use split::messages;
