//! A message's journey, decided step by step. Pure: the server performs the effects and reports the events.
//!
//! Two legs end on their own. *Delivery*: journalled, read, matched, applied or quarantined or refused. *Acknowledgement*:
//! owed, settled (durable), told. Nothing is told that is not settled, and nothing is settled before the raw message is
//! durable; so a crash at any moment loses nothing, and the resend that follows gets the answer that was settled.

use serde::{Deserialize, Serialize};

use crate::journal::{Appended, Ending, Kept};
use crate::link::AckWhen;
use crate::verdict::Verdict;

/// How far one message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// When its link acknowledges.
    ack: AckWhen,
    delivery: Delivery,
    answer: AnswerLeg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// Framed, not yet durable.
    Arrived,
    /// Durable under this number, not yet read.
    Journalled(u64),
    /// Read and accepted; whose it is, is being found out.
    Matching(u64),
    /// Matched; being applied. The number of groups that wait for a person or a patient.
    Applying { sequence: u64, waiting: usize },
    /// The end of its delivery is being written.
    Ending(u64),
    /// A duplicate of this one, whose answer is not settled yet.
    Behind(u64),
    /// Nothing more to do with its content.
    Over(Option<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerLeg {
    /// Not settled.
    Owed,
    /// Being made durable, so that it may be told.
    Settling,
    /// Durable; being written to the connection.
    Telling,
    /// Over: told, or there is nobody left to tell, or nothing may be told.
    Over,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The journal took it.
    Appended(Appended),
    /// The journal, or the store, could not be used.
    Down,
    /// It was read: what its sender is to be told of its content.
    Understood(Verdict),
    /// Whose each group is: how many are matched, how many wait for a person or a patient.
    Decided {
        /// Groups to be applied.
        matched: usize,
        /// Groups that wait.
        waiting: usize,
    },
    /// What was matched stands in the store.
    Applied,
    /// What was matched can never stand in the store as it is (two keys with one id, say).
    Unappliable,
    /// The journal wrote the last mark.
    Marked,
    /// The original of a duplicate has its answer now.
    OriginalSettled(u64),
    /// The answer is on the wire.
    Told,
    /// The connection is gone.
    HungUp,
}

/// What is to be done now, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make it durable in the journal.
    Append,
    /// Read it.
    Read(u64),
    /// Find out whose each of its groups is.
    Match(u64),
    /// Apply the matched groups; applying again what stands there already must change nothing.
    Apply(u64),
    /// Make an answer with this verdict, and write it to the journal with the end of delivery when one is given.
    Settle {
        /// The message.
        sequence: u64,
        /// What the answer says; `None` when an answer is settled already.
        answer: Option<Told>,
        /// How delivery ended, when it has.
        ending: Option<Ending>,
    },
    /// Write the settled answer of this message to the connection, in one write.
    Tell(u64),
    /// Note that it was told.
    NoteTold(u64),
    /// Wait until that message's answer is settled.
    Await(u64),
    /// Close the connection without an answer: the sender will send it again.
    Close,
    /// Show an operator that something waits for a person.
    Alert(u64),
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// The verdict on its content.
    Verdict(Verdict),
    /// In error: its control id was used before for other content (205).
    Conflict,
}

/// A message has been framed.
pub fn begin(ack: AckWhen) -> (State, Vec<Effect>) {
    (State { ack, delivery: Delivery::Arrived, answer: AnswerLeg::Owed }, vec![Effect::Append])
}

/// A message whose delivery had not ended when the process died: taken up again at start. Nobody waits for its answer;
/// its sender, sending again, is answered from the journal.
pub fn resume(ack: AckWhen, kept: &Kept) -> (State, Vec<Effect>) {
    let answer = if kept.answer.is_some() { AnswerLeg::Over } else { AnswerLeg::Owed };
    if kept.ending.is_some() {
        return (State { ack, delivery: Delivery::Over(Some(kept.sequence)), answer: AnswerLeg::Over }, Vec::new());
    }
    if let Some(earlier) = kept.conflicts_with {
        return after_append(begin(ack).0, Appended::Conflict { sequence: kept.sequence, earlier });
    }
    (State { ack, delivery: Delivery::Journalled(kept.sequence), answer }, vec![Effect::Read(kept.sequence)])
}

/// A quarantined message taken up again by an operator or because its patient has appeared: the same path, no new answer.
pub fn replay(ack: AckWhen, sequence: u64) -> (State, Vec<Effect>) {
    let state = State { ack, delivery: Delivery::Journalled(sequence), answer: AnswerLeg::Over };
    (state, vec![Effect::Read(sequence)])
}

impl State {
    /// Whether both legs have ended.
    pub fn is_over(&self) -> bool {
        matches!(self.delivery, Delivery::Over(_)) && self.answer == AnswerLeg::Over
    }

    /// Its number in the journal, once it has one.
    pub fn sequence(&self) -> Option<u64> {
        match self.delivery {
            Delivery::Arrived => None,
            Delivery::Journalled(sequence)
            | Delivery::Matching(sequence)
            | Delivery::Applying { sequence, .. }
            | Delivery::Ending(sequence)
            | Delivery::Behind(sequence) => Some(sequence),
            Delivery::Over(sequence) => sequence,
        }
    }
}

/// Decides what follows from what has happened. An event that does not belong to the state changes nothing.
pub fn step(state: State, event: Event) -> (State, Vec<Effect>) {
    match event {
        Event::Appended(appended) => after_append(state, appended),
        Event::Down => give_up(state),
        Event::Understood(verdict) => after_reading(state, verdict),
        Event::Decided { matched, waiting } => after_matching(state, matched, waiting),
        Event::Applied => after_applying(state, false),
        Event::Unappliable => after_applying(state, true),
        Event::Marked => after_mark(state),
        Event::OriginalSettled(sequence) => after_original(state, sequence),
        Event::Told => after_telling(state),
        Event::HungUp => (State { answer: hung_up(state.answer), ..state }, Vec::new()),
    }
}

fn after_append(state: State, appended: Appended) -> (State, Vec<Effect>) {
    if state.delivery != Delivery::Arrived {
        return (state, Vec::new());
    }
    match appended {
        Appended::New { sequence } => {
            (State { delivery: Delivery::Journalled(sequence), ..state }, vec![Effect::Read(sequence)])
        }
        Appended::Duplicate { sequence, answer: Some(_settled) } => {
            let state = State { delivery: Delivery::Over(Some(sequence)), ..state };
            tell(state, sequence, Vec::new())
        }
        Appended::Duplicate { sequence, answer: None } => {
            (State { delivery: Delivery::Behind(sequence), ..state }, vec![Effect::Await(sequence)])
        }
        Appended::Conflict { sequence, earlier: _ } => {
            end(state, sequence, Ending::Quarantined, Some(Told::Conflict), vec![Effect::Alert(sequence)])
        }
    }
}

fn after_reading(state: State, verdict: Verdict) -> (State, Vec<Effect>) {
    let Delivery::Journalled(sequence) = state.delivery else {
        return (state, Vec::new());
    };
    match verdict {
        Verdict::InError | Verdict::Rejected => {
            end(state, sequence, Ending::Refused, Some(Told::Verdict(verdict)), Vec::new())
        }
        Verdict::Accepted => {
            let mut effects = Vec::new();
            let mut answer = state.answer;
            if state.ack == AckWhen::Journalled && answer == AnswerLeg::Owed {
                answer = AnswerLeg::Settling;
                let told = Some(Told::Verdict(Verdict::Accepted));
                effects.push(Effect::Settle { sequence, answer: told, ending: None });
            } else {
                effects.push(Effect::Match(sequence));
            }
            (State { delivery: Delivery::Matching(sequence), answer, ..state }, effects)
        }
    }
}

fn after_matching(state: State, matched: usize, waiting: usize) -> (State, Vec<Effect>) {
    let Delivery::Matching(sequence) = state.delivery else {
        return (state, Vec::new());
    };
    if matched == 0 {
        return end(state, sequence, Ending::Quarantined, accepted(), vec![Effect::Alert(sequence)]);
    }
    (State { delivery: Delivery::Applying { sequence, waiting }, ..state }, vec![Effect::Apply(sequence)])
}

fn after_applying(state: State, unappliable: bool) -> (State, Vec<Effect>) {
    let Delivery::Applying { sequence, waiting } = state.delivery else {
        return (state, Vec::new());
    };
    if unappliable || waiting > 0 {
        return end(state, sequence, Ending::Quarantined, accepted(), vec![Effect::Alert(sequence)]);
    }
    end(state, sequence, Ending::Applied, accepted(), Vec::new())
}

fn accepted() -> Option<Told> {
    Some(Told::Verdict(Verdict::Accepted))
}

/// Ends the delivery leg, and settles the answer with it unless that is settled already.
fn end(
    state: State,
    sequence: u64,
    ending: Ending,
    told: Option<Told>,
    mut effects: Vec<Effect>,
) -> (State, Vec<Effect>) {
    let owed = state.answer == AnswerLeg::Owed;
    let answer = if owed { told } else { None };
    effects.insert(0, Effect::Settle { sequence, answer, ending: Some(ending) });
    let leg = if owed { AnswerLeg::Settling } else { state.answer };
    (State { delivery: Delivery::Ending(sequence), answer: leg, ..state }, effects)
}

fn after_mark(state: State) -> (State, Vec<Effect>) {
    let (state, sequence, next) = match state.delivery {
        Delivery::Ending(sequence) => {
            (State { delivery: Delivery::Over(Some(sequence)), ..state }, sequence, Vec::new())
        }
        Delivery::Matching(sequence) => (state, sequence, vec![Effect::Match(sequence)]),
        Delivery::Arrived
        | Delivery::Journalled(_)
        | Delivery::Applying { .. }
        | Delivery::Behind(_)
        | Delivery::Over(_) => return (state, Vec::new()),
    };
    if state.answer == AnswerLeg::Settling {
        return tell(state, sequence, next);
    }
    (state, next)
}

fn tell(state: State, sequence: u64, next: Vec<Effect>) -> (State, Vec<Effect>) {
    let mut effects = vec![Effect::Tell(sequence)];
    effects.extend(next);
    (State { answer: AnswerLeg::Telling, ..state }, effects)
}

fn after_original(state: State, original: u64) -> (State, Vec<Effect>) {
    if state.delivery != Delivery::Behind(original) {
        return (state, Vec::new());
    }
    let state = State { delivery: Delivery::Over(Some(original)), ..state };
    if state.answer == AnswerLeg::Owed { tell(state, original, Vec::new()) } else { (state, Vec::new()) }
}

fn after_telling(state: State) -> (State, Vec<Effect>) {
    if state.answer != AnswerLeg::Telling {
        return (state, Vec::new());
    }
    let noted = state.sequence().map(Effect::NoteTold).into_iter().collect();
    (State { answer: AnswerLeg::Over, ..state }, noted)
}

/// The journal or the store cannot be used: no answer, the sender will come again. What is journalled stays unfinished
/// there and is taken up at the next start or by the next resend.
fn give_up(state: State) -> (State, Vec<Effect>) {
    let silent = state.answer == AnswerLeg::Over;
    let over = State { delivery: Delivery::Over(state.sequence()), answer: AnswerLeg::Over, ..state };
    (over, if silent { Vec::new() } else { vec![Effect::Close] })
}

/// An answer that is owed must still be settled, for the resend; one that was to be told is over.
fn hung_up(answer: AnswerLeg) -> AnswerLeg {
    match answer {
        AnswerLeg::Owed => AnswerLeg::Owed,
        AnswerLeg::Settling | AnswerLeg::Telling | AnswerLeg::Over => AnswerLeg::Over,
    }
}

#[cfg(test)]
#[path = "journey_tests.rs"]
mod tests;
