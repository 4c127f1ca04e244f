//! The journey under a process that dies after any effect.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::journal::Answer;

/// What one message of the test world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    control_id: u8,
    content: u8,
    verdict: Verdict,
    matched: usize,
    waiting: usize,
    unappliable: bool,
}

#[derive(Clone, Debug)]
struct Row {
    sent: Sent,
    conflicts_with: Option<u64>,
    ending: Option<Ending>,
    endings: usize,
    answer: Option<Answer>,
    told: bool,
}

/// What survives a crash: journal and store. And what the outside saw: the wire.
#[derive(Default)]
struct World {
    journal: Vec<Row>,
    /// Content to the number of times that applying it changed anything.
    store: BTreeMap<u8, usize>,
    wire: Vec<(usize, Answer)>,
}

impl World {
    fn append(&mut self, sent: Sent) -> Appended {
        let same = self.journal.iter().rposition(|row| row.sent.control_id == sent.control_id);
        let row = Row {
            sent,
            conflicts_with: same.map(|row| row as u64),
            ending: None,
            endings: 0,
            answer: None,
            told: false,
        };
        match same {
            Some(earlier) if self.journal[earlier].sent.content == sent.content => {
                Appended::Duplicate { sequence: earlier as u64, answer: self.journal[earlier].answer.clone() }
            }
            Some(earlier) => {
                self.journal.push(row);
                Appended::Conflict { sequence: self.journal.len() as u64 - 1, earlier: earlier as u64 }
            }
            None => {
                self.journal.push(row);
                Appended::New { sequence: self.journal.len() as u64 - 1 }
            }
        }
    }

    /// Performs one effect as the server would, and gives the event that follows.
    fn perform(&mut self, effect: &Effect, sent: Sent, connected: bool) -> Option<Event> {
        match *effect {
            Effect::Append => Some(Event::Appended(self.append(sent))),
            Effect::Read(sequence) => Some(Event::Understood(self.row(sequence).sent.verdict)),
            Effect::Match(sequence) => {
                let Sent { matched, waiting, .. } = self.row(sequence).sent;
                Some(Event::Decided { matched, waiting })
            }
            Effect::Apply(sequence) => {
                let Sent { content, unappliable, .. } = self.row(sequence).sent;
                if unappliable {
                    return Some(Event::Unappliable);
                }
                self.store.entry(content).or_insert(1);
                Some(Event::Applied)
            }
            Effect::Settle { sequence, answer, ending } => {
                let row = self.row(sequence);
                if let Some(told) = answer {
                    assert!(row.answer.is_none(), "an answer was settled twice");
                    row.answer = Some(Answer { now: Some(format!("{told:?}").into_bytes()), later: None });
                }
                if ending.is_some() {
                    row.ending = ending;
                    row.endings += 1;
                }
                Some(Event::Marked)
            }
            Effect::Tell(sequence) => {
                let answer = self.row(sequence).answer.clone();
                let answer = answer.expect("nothing is told that is not settled");
                if !connected {
                    return Some(Event::HungUp);
                }
                self.wire.push((sequence as usize, answer));
                Some(Event::Told)
            }
            Effect::NoteTold(sequence) => {
                self.row(sequence).told = true;
                None
            }
            Effect::Await(sequence) => {
                // Links are worked one message at a time, so an unfinished original is one left by a crash.
                let row = self.row(sequence);
                (row.answer.is_some()).then_some(Event::OriginalSettled(sequence))
            }
            Effect::Close | Effect::Alert(_) => None,
        }
    }

    fn row(&mut self, sequence: u64) -> &mut Row {
        &mut self.journal[sequence as usize]
    }

    /// Runs one message until it is over or the process dies. `lives` counts effects down.
    fn run(
        &mut self,
        (mut state, effects): (State, Vec<Effect>),
        sent: Sent,
        connected: bool,
        lives: &mut usize,
    ) -> bool {
        let mut todo: VecDeque<Effect> = effects.into();
        while let Some(effect) = todo.pop_front() {
            if *lives == 0 {
                return false;
            }
            *lives -= 1;
            if let Some(event) = self.perform(&effect, sent, connected) {
                let (next, more) = step(state, event);
                state = next;
                todo.extend(more);
            }
        }
        assert!(state.is_over() || matches!(state.delivery, Delivery::Behind(_)), "stuck in {state:?}");
        true
    }

    /// A process starts: what was left unfinished is taken up before anything new is heard.
    fn restart(&mut self, ack: AckWhen, lives: &mut usize) -> bool {
        for sequence in 0..self.journal.len() {
            let row = self.journal[sequence].clone();
            let kept = Kept {
                sequence: sequence as u64,
                link: "lab".into(),
                key: None,
                received_at_us: 0,
                conflicts_with: row.conflicts_with,
                ending: row.ending,
                answer: row.answer,
                told: row.told,
            };
            if !self.run(resume(ack, &kept), row.sent, false, lives) {
                return false;
            }
        }
        true
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let verdict = prop::sample::select(vec![
        Verdict::Accepted,
        Verdict::Accepted,
        Verdict::Accepted,
        Verdict::InError,
        Verdict::Rejected,
    ]);
    (0u8..3, 0u8..2, verdict, 0usize..2, 0usize..2, any::<bool>()).prop_map(
        |(control_id, twist, verdict, matched, waiting, odd)| Sent {
            control_id,
            content: control_id * 2 + twist,
            verdict,
            matched,
            waiting: if matched == 0 { 1 } else { waiting },
            unappliable: odd && twist == 1,
        },
    )
}

/// The same content always says the same thing.
fn consistent(mut messages: Vec<Sent>) -> Vec<Sent> {
    for place in 1..messages.len() {
        if let Some(first) = messages[..place].iter().find(|first| first.content == messages[place].content).copied() {
            messages[place] = first;
        }
    }
    messages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// However often the process dies, and wherever: what was told was settled and durable, each message ends once, its
    /// content changes the store once, and sending everything again changes nothing.
    #[test]
    fn a_process_that_dies_after_any_effect_loses_and_doubles_nothing(
        messages in prop::collection::vec(sent(), 1..4),
        deaths in prop::collection::vec(0usize..14, 0..8),
        on_apply in any::<bool>(),
    ) {
        let ack = if on_apply { AckWhen::OnApply } else { AckWhen::Journalled };
        let messages = consistent(messages);
        let mut world = World::default();
        let mut deaths = deaths.into_iter();
        let mut lives = deaths.next().unwrap_or(usize::MAX);
        let mut alive = true;
        for sent in &messages {
            // The sender repeats until it is answered.
            let before = world.wire.len();
            while world.wire.len() == before {
                if !alive {
                    lives = deaths.next().unwrap_or(usize::MAX);
                    alive = world.restart(ack, &mut lives);
                    continue;
                }
                alive = world.run(begin(ack), *sent, true, &mut lives);
            }
        }
        if !alive {
            prop_assert!(world.restart(ack, &mut usize::MAX.clone()));
        }
        for row in &world.journal {
            prop_assert_eq!(row.endings, 1, "each message ends once");
            prop_assert!(row.answer.is_some());
        }
        for (sequence, answer) in &world.wire {
            prop_assert_eq!(world.journal[*sequence].answer.as_ref(), Some(answer), "an answer is always the same");
        }
        for (content, changes) in &world.store {
            prop_assert_eq!(*changes, 1);
            prop_assert!(world.journal.iter().any(|row| row.sent.content == *content
                && row.sent.verdict == Verdict::Accepted));
        }
        let (rows, store) = (world.journal.len(), world.store.clone());
        let last = messages[messages.len() - 1];
        let before = world.wire.len();
        prop_assert!(world.run(begin(ack), last, true, &mut usize::MAX.clone()));
        prop_assert_eq!(world.journal.len(), rows, "sending again keeps nothing new");
        prop_assert_eq!(world.store, store, "and changes nothing");
        prop_assert_eq!(world.wire.len(), before + 1, "and is answered");
    }
}

#[test]
fn nothing_is_told_before_the_journal_has_it() {
    let (state, effects) = begin(AckWhen::Journalled);
    assert_eq!(effects, [Effect::Append]);
    let (state, effects) = step(state, Event::Down);
    assert_eq!(effects, [Effect::Close], "no answer when the journal is down");
    assert!(state.is_over());
}

#[test]
fn a_link_that_acknowledges_on_apply_waits_for_the_store() {
    let (state, _) = begin(AckWhen::OnApply);
    let (state, _) = step(state, Event::Appended(Appended::New { sequence: 1 }));
    let (state, effects) = step(state, Event::Understood(Verdict::Accepted));
    assert_eq!(effects, [Effect::Match(1)]);
    let (state, effects) = step(state, Event::Decided { matched: 1, waiting: 0 });
    assert_eq!(effects, [Effect::Apply(1)]);
    let (state, effects) = step(state, Event::Applied);
    assert_eq!(effects, [Effect::Settle { sequence: 1, answer: accepted(), ending: Some(Ending::Applied) }]);
    let (state, effects) = step(state, Event::Marked);
    assert_eq!(effects, [Effect::Tell(1)]);
    let (state, effects) = step(state, Event::Told);
    assert_eq!(effects, [Effect::NoteTold(1)]);
    assert!(state.is_over());
}

#[test]
fn a_link_that_acknowledges_once_journalled_does_not_wait() {
    let (state, _) = begin(AckWhen::Journalled);
    let (state, _) = step(state, Event::Appended(Appended::New { sequence: 1 }));
    let (state, effects) = step(state, Event::Understood(Verdict::Accepted));
    assert_eq!(effects, [Effect::Settle { sequence: 1, answer: accepted(), ending: None }]);
    let (_state, effects) = step(state, Event::Marked);
    assert_eq!(effects, [Effect::Tell(1), Effect::Match(1)]);
}

#[test]
fn a_reused_control_id_is_refused_kept_and_shown_to_a_person() {
    let (state, _) = begin(AckWhen::OnApply);
    let (_state, effects) = step(state, Event::Appended(Appended::Conflict { sequence: 7, earlier: 3 }));
    assert_eq!(
        effects,
        [
            Effect::Settle { sequence: 7, answer: Some(Told::Conflict), ending: Some(Ending::Quarantined) },
            Effect::Alert(7)
        ]
    );
}

#[test]
fn a_message_without_a_patient_is_accepted_and_waits() {
    let (state, _) = begin(AckWhen::OnApply);
    let (state, _) = step(state, Event::Appended(Appended::New { sequence: 1 }));
    let (state, _) = step(state, Event::Understood(Verdict::Accepted));
    let (_state, effects) = step(state, Event::Decided { matched: 0, waiting: 1 });
    assert_eq!(
        effects,
        [Effect::Settle { sequence: 1, answer: accepted(), ending: Some(Ending::Quarantined) }, Effect::Alert(1)]
    );
}
