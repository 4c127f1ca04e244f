//! The features with which dependencies are built: see `Cargo.toml`. `tests/tests/tidy.rs` holds that program and tests agree.
