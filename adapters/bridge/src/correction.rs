//! What an incoming result does to the one that is already there.
//!
//! Laboratories resend, correct, withdraw, and their messages overtake one another. The rules: the same content changes
//! nothing; what is older never overwrites what is newer; a preliminary result never follows a final one; what a resend
//! leaves out is not deleted.

use std::collections::HashSet;

use privacy::Impersonal;
use serde::{Deserialize, Serialize};

use crate::filing::Action;

/// How far a result has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Expected, in work, partial or preliminary.
    Preliminary,
    /// Final, or final and since amended, appended, corrected, or cancelled.
    Final,
    /// Withdrawn as wrong.
    Withdrawn,
}

/// Where a result stands in its own history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The FHIR status code.
    pub status: String,
    /// How far it has come.
    pub stage: Stage,
    /// When the laboratory reported it (OBR-22), microseconds since 1970; a time without a zone is taken as UTC, which
    /// orders one link's messages among themselves.
    pub reported_at_us: Option<i64>,
    /// When the message was sent (MSH-7), microseconds since 1970, likewise.
    pub sent_at_us: Option<i64>,
    /// What the message wants done.
    #[serde(skip, default = "put")]
    pub action: Action,
}

fn put() -> Action {
    Action::Put
}

/// What to do with the resource that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// There is none: write it.
    Create,
    /// Write a new version.
    Replace,
    /// Write a new version that differs in its status alone.
    StatusOnly,
    /// Write a version without value and notes, entered-in-error; older versions too when the action says so.
    Void,
    /// The same stands there already.
    Unchanged,
    /// Leave what is there, and say why.
    Ignore(Reason),
}

/// Why an incoming result changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It was reported before the one that is there.
    ReportedEarlier,
    /// It was sent before the one that is there.
    SentEarlier,
    /// It is preliminary, and the one that is there is final.
    PreliminaryAfterFinal,
}

impl Impersonal for Reason {}
impl Impersonal for Apply {}

/// Decides what an incoming result does. `same_content`: rendered, it equals what is there.
pub fn decide(prior: Option<&Standing>, incoming: &Standing, same_content: bool) -> Apply {
    let Some(prior) = prior else {
        return Apply::Create; // A withdrawal that overtakes its result stands there as one, and the late result is older.
    };
    // A result that stands there as withdrawn may still have older versions to be taken back.
    let takes_older_back = matches!(incoming.action, Action::Void { older_too: true });
    if same_content && !takes_older_back {
        return Apply::Unchanged;
    }
    match order(prior, incoming) {
        Order::ReportedEarlier => return Apply::Ignore(Reason::ReportedEarlier),
        Order::SentEarlier => return Apply::Ignore(Reason::SentEarlier),
        Order::InTurn => {}
    }
    if prior.stage == Stage::Final && incoming.stage == Stage::Preliminary {
        return Apply::Ignore(Reason::PreliminaryAfterFinal);
    }
    match incoming.action {
        Action::Put => Apply::Replace,
        Action::StatusOnly if prior.status == incoming.status => Apply::Unchanged,
        Action::StatusOnly => Apply::StatusOnly,
        Action::Void { .. } => Apply::Void,
    }
}

enum Order {
    InTurn,
    ReportedEarlier,
    SentEarlier,
}

/// By the report's time; when that is the same or not known, by the message's; then in the order of arrival.
fn order(prior: &Standing, incoming: &Standing) -> Order {
    match (prior.reported_at_us, incoming.reported_at_us) {
        (Some(before), Some(now)) if now < before => return Order::ReportedEarlier,
        (Some(before), Some(now)) if now > before => return Order::InTurn,
        (Some(_), Some(_)) | (Some(_), None) | (None, Some(_)) | (None, None) => {}
    }
    match (prior.sent_at_us, incoming.sent_at_us) {
        (Some(before), Some(now)) if now < before => Order::SentEarlier,
        (Some(_), Some(_)) | (Some(_), None) | (None, Some(_)) | (None, None) => Order::InTurn,
    }
}

/// The members after an incoming message: those known stay, in their order, and new ones follow.
///
/// A resend that leaves a result out does not delete it; deleting has its own word (OBX-11 `D`).
pub fn merge_members(prior: &[String], incoming: &[String]) -> Vec<String> {
    let mut known: HashSet<&str> = prior.iter().map(String::as_str).collect();
    let new = incoming.iter().filter(|member| known.insert(member)).cloned();
    prior.iter().cloned().chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(status: &str, stage: Stage, reported: i64, sent: i64) -> Standing {
        Standing {
            status: status.into(),
            stage,
            reported_at_us: Some(reported),
            sent_at_us: Some(sent),
            action: Action::Put,
        }
    }

    #[test]
    fn a_correction_replaces_and_a_resend_changes_nothing() {
        let first = standing("final", Stage::Final, 10, 10);
        let corrected = standing("corrected", Stage::Final, 20, 20);
        assert_eq!(decide(None, &first, false), Apply::Create);
        assert_eq!(decide(Some(&first), &first, true), Apply::Unchanged);
        assert_eq!(decide(Some(&first), &corrected, false), Apply::Replace);
    }

    #[test]
    fn what_was_overtaken_does_not_come_back() {
        let first = standing("final", Stage::Final, 10, 10);
        let corrected = standing("corrected", Stage::Final, 20, 20);
        assert_eq!(decide(Some(&corrected), &first, false), Apply::Ignore(Reason::ReportedEarlier));
        let late = standing("final", Stage::Final, 20, 15);
        assert_eq!(decide(Some(&corrected), &late, false), Apply::Ignore(Reason::SentEarlier));
    }

    #[test]
    fn equal_report_times_apply_in_the_order_of_sending_then_of_arrival() {
        let first = standing("final", Stage::Final, 10, 10);
        assert_eq!(decide(Some(&first), &standing("final", Stage::Final, 10, 11), false), Apply::Replace);
        assert_eq!(decide(Some(&first), &standing("final", Stage::Final, 10, 10), false), Apply::Replace);
    }

    #[test]
    fn preliminary_after_final_is_ignored() {
        let first = standing("final", Stage::Final, 10, 10);
        let preliminary = standing("preliminary", Stage::Preliminary, 30, 30);
        assert_eq!(decide(Some(&first), &preliminary, false), Apply::Ignore(Reason::PreliminaryAfterFinal));
    }

    #[test]
    fn a_status_message_changes_the_status_alone_and_a_withdrawal_voids() {
        let first = standing("preliminary", Stage::Preliminary, 10, 10);
        let status = Standing { action: Action::StatusOnly, ..standing("final", Stage::Final, 20, 20) };
        assert_eq!(decide(Some(&first), &status, false), Apply::StatusOnly);
        let wrong = Standing {
            action: Action::Void { older_too: true },
            ..standing("entered-in-error", Stage::Withdrawn, 20, 20)
        };
        assert_eq!(decide(Some(&first), &wrong, false), Apply::Void);
    }

    #[test]
    fn a_withdrawal_that_overtakes_its_result_keeps_it_out() {
        let wrong = Standing {
            action: Action::Void { older_too: true },
            ..standing("entered-in-error", Stage::Withdrawn, 20, 20)
        };
        assert_eq!(decide(None, &wrong, false), Apply::Create);
        let late = standing("final", Stage::Final, 10, 10);
        assert_eq!(decide(Some(&wrong), &late, false), Apply::Ignore(Reason::ReportedEarlier));
    }

    #[test]
    fn what_was_deleted_and_is_then_said_to_be_wrong_is_taken_back_with_its_older_versions() {
        let void = |older_too, sent| Standing {
            action: Action::Void { older_too },
            ..standing("entered-in-error", Stage::Withdrawn, sent, sent)
        };
        assert_eq!(decide(Some(&void(false, 20)), &void(true, 30), true), Apply::Void);
        assert_eq!(decide(Some(&void(false, 20)), &void(false, 30), true), Apply::Unchanged);
        assert_eq!(decide(Some(&void(false, 30)), &void(true, 20), true), Apply::Ignore(Reason::ReportedEarlier));
    }

    #[test]
    fn a_resend_without_a_result_deletes_nothing() {
        let merged = merge_members(&["a".into(), "b".into()], &["b".into(), "c".into()]);
        assert_eq!(merged, ["a", "b", "c"]);
    }

    #[test]
    fn a_report_with_more_results_than_one_could_compare_with_each_other_is_merged() {
        let members =
            |from: usize| -> Vec<String> { (from..from + 200_000).map(|n| format!("Observation/{n}")).collect() };
        let merged = merge_members(&members(0), &members(100_000));
        assert_eq!((merged.len(), merged.last().map(String::as_str)), (300_000, Some("Observation/299999")));
    }

    proptest! {
        /// However messages of different times arrive, the last report is what stands in the end.
        #[test]
        fn any_order_of_arrival_ends_with_the_newest_report(times in prop::collection::hash_set(0i64..100, 1..8)) {
            let arrived: Vec<i64> = times.into_iter().collect(); // a hash set's own order is the shuffle
            let newest = arrived.iter().max().copied();
            let mut there: Option<Standing> = None;
            for time in arrived {
                let incoming = standing("final", Stage::Final, time, time);
                match decide(there.as_ref(), &incoming, false) {
                    Apply::Create | Apply::Replace => there = Some(incoming),
                    Apply::StatusOnly | Apply::Void | Apply::Unchanged | Apply::Ignore(_) => {}
                }
            }
            prop_assert_eq!(there.and_then(|standing| standing.reported_at_us), newest);
        }
    }
}
