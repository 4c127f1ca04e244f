//! Mistakes and sudden deaths on purpose, for builds that try whether anybody notices them.
//!
//! Without the feature `faults` the functions here are constants, and nothing of a fault is in the binary. With it a process
//! is told once, at its start, which mistake it makes and at which point it dies. Never shipped; chooses nothing by itself.

#[cfg(feature = "faults")]
mod chosen;

#[cfg(feature = "faults")]
pub use chosen::{Chosen, Kill, choose, die, due, seeded};

use fhir::Id;

/// A mistake that has harmed people elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Messages that wait are joined when one of them is taken up, and go to its patient.
    ConcatenatedReplay,
    /// Ids are cut short before they are compared, so that two patients are one.
    TruncatedId,
    /// An empty set of patients, or of scopes, is read as no restriction.
    EmptyMeansAll,
    /// A connection whose answer nobody read is used for the next question.
    ConnectionReused,
    /// Answers are kept by their address alone.
    CacheWithoutSubject,
    /// A row that cannot be judged goes out as it is.
    FilterErrorSends,
    /// The second row that a source gives for a page is not judged.
    SecondPatient,
}

/// Where a process can be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A laboratory has connected.
    AfterAccept,
    /// A message is whole.
    AfterFrame,
    /// It is about to be kept.
    BeforeJournal,
    /// It is written, and its transaction is open.
    MidJournal,
    /// It is kept.
    AfterJournal,
    /// Whose it is has been found out.
    BeforeApply,
    /// Its records are written, and its transaction is open.
    MidApply,
    /// What it does is known, and with a server behind us done there; its end is not written.
    AfterApplyBeforeSettle,
    /// Its end is written, and nothing of its answer sent.
    AfterSettleBeforeAck,
    /// Half of its answer is sent.
    MidAck,
    /// Its answer is sent, and that is not noted.
    AfterAck,
    /// A message that was not finished has been taken up at the start.
    DuringResume,
    /// A message is being sent through the live path again.
    DuringReplay,
    /// Entries of the ledger are about to be written.
    BeforeBlock,
    /// Half of their block is written.
    MidBlock,
    /// The block is written and not flushed.
    AfterWriteBeforeFsync,
    /// The block is flushed, and nobody has been told.
    AfterFsync,
    /// A page is released, and nothing of it sent.
    AfterReleaseBeforeFirstByte,
    /// Half of an answer's first piece is sent.
    MidBody,
    /// A transaction is about to be committed.
    BeforeCommit,
    /// A transaction is committed, and nobody has been told.
    AfterCommit,
}

/// Whether this process makes that mistake.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn seeded(_: Bug) -> bool {
    false
}

/// Whether this process is to die at this passing of that point.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn due(_: Point) -> bool {
    false
}

/// Dies.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn die() {}

/// Passes a point; dies there if that is due.
#[inline]
pub fn pass(point: Point) {
    if due(point) {
        die();
    }
}

/// An id as [`Bug::TruncatedId`] compares it: three quarters of the characters that a UUID has room for.
pub fn cut_short(id: &Id) -> &str {
    id.as_str().get(..24).unwrap_or(id.as_str())
}
