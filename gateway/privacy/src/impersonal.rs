//! The mark of a type that says nothing of any person.
//!
//! Only such values may be looked at or carried out of [`crate::Phi`]. It is implemented type by type, never for text
//! or bytes, and `tests/tidy` keeps the list of implementations from growing unseen.

/// Says nothing of any person: positions, codes of defects, lengths, a locale, a form token.
pub trait Impersonal {}

impl Impersonal for () {}
impl Impersonal for bool {}
impl Impersonal for usize {}
impl Impersonal for u64 {}
impl<T: Impersonal> Impersonal for Option<T> {}
impl<T: Impersonal> Impersonal for Vec<T> {}
impl<T: Impersonal, E: Impersonal> Impersonal for Result<T, E> {}
