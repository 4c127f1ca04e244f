//! Searching, as sentences.
