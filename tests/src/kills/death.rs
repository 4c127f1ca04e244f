//! How and where a gateway is killed: at a labelled point, at a flush, at a random moment, or twice in a row.

use super::dice::Dice;

/// One start of a gateway and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// By its own hand, at the nth passing of a point.
    At {
        /// The point.
        point: &'static str,
        /// The passing.
        nth: u64,
    },
    /// As a thread of it enters its nth flush; what was not flushed is torn.
    AtFlush {
        /// The flush.
        nth: u64,
    },
    /// By ours, so many milliseconds after it was ready.
    After {
        /// The milliseconds.
        ms: u64,
    },
}

impl Death {
    /// What is counted.
    pub fn label(&self) -> &'static str {
        match self {
            Death::At { point, .. } => point,
            Death::AtFlush { .. } => "a flush, torn",
            Death::After { .. } => "a random moment",
        }
    }
}

/// Points that traffic passes, and how many passings are tried: a start commits, and answers at `/readyz`, by itself.
const POINTS: [(&str, u64); 19] = [
    ("after-accept", 4),
    ("after-frame", 24),
    ("before-journal", 24),
    ("mid-journal", 24),
    ("after-journal", 24),
    ("before-apply", 24),
    ("mid-apply", 24),
    ("after-apply-before-settle", 24),
    ("after-settle-before-ack", 24),
    ("mid-ack", 24),
    ("after-ack", 24),
    ("before-block", 30),
    ("mid-block", 30),
    ("after-write-before-fsync", 30),
    ("after-fsync", 30),
    ("after-release-before-first-byte", 30),
    ("mid-body", 30),
    ("before-commit", 60),
    ("after-commit", 60),
];
/// Points behind which a message is left unfinished.
const LEAVING: [&str; 4] = ["after-journal", "before-apply", "after-apply-before-settle", "mid-apply"];
/// Points that a start passes when it takes a message up.
const RESUMING: [(&str, u64); 6] = [
    ("during-resume", 1),
    ("before-apply", 1),
    ("mid-apply", 1),
    ("after-apply-before-settle", 1),
    ("before-commit", 3),
    ("after-commit", 3),
];
/// Points that a replay passes.
pub const REPLAYING: [(&str, u64); 7] = [
    ("during-replay", 1),
    ("during-replay", 2),
    ("before-apply", 1),
    ("mid-apply", 1),
    ("after-apply-before-settle", 1),
    ("before-commit", 1),
    ("after-commit", 1),
];

/// The deaths of one round, after which everything is checked: one, or one and another at the start that follows.
pub fn deaths(dice: &mut Dice) -> Vec<Death> {
    match dice.below(10) {
        0 | 1 => vec![Death::After { ms: dice.below(120) }],
        2 => vec![Death::AtFlush { nth: 1 + dice.below(30) }],
        3 => {
            let point = *dice.of(&LEAVING);
            let (next, nth) = *dice.of(&RESUMING);
            vec![Death::At { point, nth: 1 + dice.below(16) }, Death::At { point: next, nth: 1 + dice.below(nth) }]
        }
        _ => {
            let (point, passings) = *dice.of(&POINTS);
            vec![Death::At { point, nth: 1 + dice.below(passings) }]
        }
    }
}
