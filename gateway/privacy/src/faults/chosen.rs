//! What was chosen for this process, and how often its point was passed.

use super::{Bug, Point};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static CHOSEN: OnceLock<Chosen> = OnceLock::new();
static PASSED: AtomicU32 = AtomicU32::new(0);

/// What is to go wrong.
#[derive(Debug)]
pub struct Chosen {
    /// The mistake, if one is made.
    pub bug: Option<Bug>,
    /// The death, if one is to come.
    pub kill: Option<Kill>,
}

/// A death.
#[derive(Debug)]
pub struct Kill {
    /// Where.
    pub point: Point,
    /// At which passing, from 1 on.
    pub nth: u32,
    /// How.
    pub by: fn() -> !,
}

/// Chooses for this process, once: a later choice changes nothing.
pub fn choose(chosen: Chosen) {
    CHOSEN.get_or_init(|| chosen);
}

/// Whether this process makes that mistake.
pub fn seeded(bug: Bug) -> bool {
    CHOSEN.get().is_some_and(|chosen| chosen.bug == Some(bug))
}

/// Whether this process is to die at this passing of that point.
pub fn due(point: Point) -> bool {
    let kill = CHOSEN.get().and_then(|chosen| chosen.kill.as_ref()).filter(|kill| kill.point == point);
    kill.is_some_and(|kill| PASSED.fetch_add(1, Ordering::Relaxed) + 1 == kill.nth)
}

/// Dies.
pub fn die() {
    if let Some(kill) = CHOSEN.get().and_then(|chosen| chosen.kill.as_ref()) {
        (kill.by)();
    }
}

impl Bug {
    /// Every mistake, by the name it is chosen by.
    pub const NAMES: [(&'static str, Bug); 7] = [
        ("concatenated-replay", Bug::ConcatenatedReplay),
        ("truncated-id", Bug::TruncatedId),
        ("empty-means-all", Bug::EmptyMeansAll),
        ("connection-reused", Bug::ConnectionReused),
        ("cache-without-subject", Bug::CacheWithoutSubject),
        ("filter-error-sends", Bug::FilterErrorSends),
        ("second-patient", Bug::SecondPatient),
    ];
}

impl Point {
    /// Every point, by its label.
    pub const LABELS: [(&'static str, Point); 21] = [
        ("after-accept", Point::AfterAccept),
        ("after-frame", Point::AfterFrame),
        ("before-journal", Point::BeforeJournal),
        ("mid-journal", Point::MidJournal),
        ("after-journal", Point::AfterJournal),
        ("before-apply", Point::BeforeApply),
        ("mid-apply", Point::MidApply),
        ("after-apply-before-settle", Point::AfterApplyBeforeSettle),
        ("after-settle-before-ack", Point::AfterSettleBeforeAck),
        ("mid-ack", Point::MidAck),
        ("after-ack", Point::AfterAck),
        ("during-resume", Point::DuringResume),
        ("during-replay", Point::DuringReplay),
        ("before-block", Point::BeforeBlock),
        ("mid-block", Point::MidBlock),
        ("after-write-before-fsync", Point::AfterWriteBeforeFsync),
        ("after-fsync", Point::AfterFsync),
        ("after-release-before-first-byte", Point::AfterReleaseBeforeFirstByte),
        ("mid-body", Point::MidBody),
        ("before-commit", Point::BeforeCommit),
        ("after-commit", Point::AfterCommit),
    ];
}
