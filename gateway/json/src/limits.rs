//! How much JSON one document may be. Everything a stranger sends is bounded here before it costs memory.

/// The most index entries one document may need: one for each scalar and key, two for each object and array. An entry takes
/// 8 bytes, so 64 MiB of index at the worst. A full page of FHIR resources (32 MiB) needs about four million.
pub const NODES_MAX: usize = 8 * 1024 * 1024;

/// Bounds of one document, checked while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest document, in bytes (never above 256 MiB, which is what the index can say).
    pub bytes_max: usize,
    /// The deepest nesting of objects and arrays; a document that is one flat object has depth 1.
    pub depth_max: usize,
}

impl Limits {
    /// A page from an upstream server: 32 MiB; FHIR resources nest below 20, so 64 leaves room and stops stack games.
    pub const DEFAULT: Limits = Limits { bytes_max: 32 * 1024 * 1024, depth_max: 64 };
}
