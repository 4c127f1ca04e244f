//! Health data before the gate.
//!
//! What comes from a store, an upstream server or a laboratory is wrapped here at once, and stays wrapped until the gate
//! has judged, cut and recorded it. The type cannot be printed, serialised, cloned or read in passing.

use crate::impersonal::Impersonal;

/// Health information as its source gave it. Nobody has yet decided who may see it.
///
/// Without `Debug`, `Serialize`, `Clone` or `Deref`: it cannot be logged, sent, copied or read in passing.
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Wraps what a source just gave.
    pub fn new(content: T) -> Phi<T> {
        Phi(content)
    }

    /// Another shape of the same content, still undecided.
    pub fn map<U>(self, shape: impl FnOnce(T) -> U) -> Phi<U> {
        Phi(shape(self.0))
    }

    /// Something drawn from the content, as undecided as the content itself.
    pub fn derive<U>(&self, draw: impl FnOnce(&T) -> U) -> Phi<U> {
        Phi(draw(&self.0))
    }

    /// Two contents side by side.
    pub fn zip<U>(self, other: Phi<U>) -> Phi<(T, U)> {
        Phi((self.0, other.0))
    }

    /// What the content says that concerns no person: a count, a position, the code of a defect.
    pub fn inspect<R: Impersonal>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0)
    }

    /// The bare content, for the few files that `tests/tidy` lists: the gate itself, the store that keeps it, the
    /// upstream that owns it, and commands on one's own files.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// As [`Phi::expose`], giving the content away.
    pub fn into_exposed(self) -> T {
        self.0
    }

    /// The content as the gate releases it. This crate's alone.
    pub(crate) fn released(self) -> T {
        self.0
    }
}

impl<T: Impersonal> Phi<T> {
    /// Content that says nothing of a person may be had as it is.
    pub fn reveal(self) -> T {
        self.0
    }
}

impl<T> Phi<Vec<T>> {
    /// Each item on its own, each still undecided.
    pub fn each(self) -> impl Iterator<Item = Phi<T>> {
        self.0.into_iter().map(Phi)
    }
}

impl<T> Phi<Option<T>> {
    /// Whether there is anything is no secret here; what it is remains one.
    pub fn transpose(self) -> Option<Phi<T>> {
        self.0.map(Phi)
    }
}

impl<T, E: Impersonal> Phi<Result<T, E>> {
    /// A failure that names no one comes out; success stays in.
    pub fn transpose(self) -> Result<Phi<T>, E> {
        self.0.map(Phi)
    }
}
