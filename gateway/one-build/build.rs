//! There for its dependency alone: what macros are built with is asked for by build scripts.

fn main() {}
