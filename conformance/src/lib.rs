//! What we claim, and how we know: the synthetic population, and the tables that judge us. See ARCHITECTURE.md.

pub mod brand;
pub mod capability;
pub mod claim;
pub mod population;
