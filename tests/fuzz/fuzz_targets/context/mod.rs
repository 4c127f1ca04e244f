//! As much of crate server's context as its files here ask for.

/// Where we stand.
pub struct Context {
    /// Scheme, host and port.
    pub origin: String,
}
