//! What the targets share: plain twins of what they judge, and the ports of the authorization server in memory.

pub mod desk;
pub mod hl7;
pub mod plain;
pub mod tree;
