//! Does what a message's journey decides, one message of a link after the other, so that the order per patient is kept.

use super::apply::{self, Writes};
use crate::clock;
use crate::records::Records;
use bridge::journal::{Answer, Appended, Ending, Entry, Journal, Key, Mark, Wanted};
use bridge::journey::{self, Effect, Event, State, Told};
use bridge::matching::Match;
use bridge::{Adapter, Defect, Filing, Framer, Heading, Link, Reading, Stamp, Verdict};
use bytes::Bytes;
use json::{Document, Limits};
use privacy::Phi;
use privacy::faults::{self, Point};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Applied, Store, StoreError};
use tokio::sync::Mutex;

/// Messages taken up at once when starting or replaying.
const BATCH: usize = 100;

/// One link's inbox.
pub struct Inbox {
    pub(super) link: Link,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) store: Store,
    pub(super) records: Arc<Records>,
    one_at_a_time: Mutex<()>,
    /// Whether messages may be kept whose delivery failed: later ones wait for them.
    behind: AtomicBool,
}

/// What the connection is to do.
pub enum Outcome {
    /// Write these answers.
    Answer {
        /// The message they answer.
        sequence: u64,
        /// The answers, unframed.
        answers: Vec<Vec<u8>>,
    },
    /// Nothing: the sender wants no answer.
    Silence,
    /// Close without an answer.
    Close,
}

/// A message while it is being dealt with.
#[derive(Default)]
struct Work {
    raw: Option<Phi<Bytes>>,
    reading: Option<Reading>,
    heading: Option<Heading>,
    matched: Vec<(Phi<Filing>, String)>,
    write: Writes,
    outcome: Option<Outcome>,
    #[cfg(feature = "faults")]
    joined: Vec<Phi<Filing>>,
}

impl Inbox {
    /// The inbox of a link.
    pub fn new(link: Link, adapter: Arc<dyn Adapter>, store: Store, records: Arc<Records>) -> Inbox {
        Inbox { link, adapter, store, records, one_at_a_time: Mutex::new(()), behind: AtomicBool::new(false) }
    }

    /// The link's name.
    pub fn link_name(&self) -> &str {
        &self.link.name
    }

    /// A framer for one connection.
    pub fn framer(&self) -> Box<dyn Framer> {
        self.adapter.framer()
    }

    /// Takes a message that was just framed, to the point where its sender can be answered.
    pub async fn take(&self, raw: Phi<Bytes>) -> Outcome {
        let _turn = self.one_at_a_time.lock().await;
        if self.behind.load(Ordering::Relaxed) {
            self.catch_up().await;
        }
        let heading = self.adapter.heading(&self.link, &raw);
        let work = Work { raw: Some(raw), heading, ..Work::default() };
        self.run(journey::begin(self.link.ack), work).await
    }

    /// Takes up messages whose delivery had not ended when the process died. Returns how many there were.
    pub async fn resume(&self) -> usize {
        let _turn = self.one_at_a_time.lock().await;
        self.catch_up().await
    }

    /// Takes up messages whose delivery failed, if there are any: a disk that was full, a server behind us that was down.
    pub async fn try_again(&self) {
        let _turn = self.one_at_a_time.lock().await;
        if self.behind.load(Ordering::Relaxed) {
            self.catch_up().await;
        }
    }

    /// Takes up, oldest first, what was kept and not delivered; ends at the first that cannot be delivered now either, so
    /// that nothing overtakes it.
    async fn catch_up(&self) -> usize {
        let (mut count, mut after) = (0, 0);
        self.behind.store(false, Ordering::Relaxed);
        loop {
            let Ok(kept) = self.store.list(Wanted::Unfinished, after, BATCH).await else {
                self.behind.store(true, Ordering::Relaxed);
                return count;
            };
            let Some(last) = kept.last() else { return count };
            after = last.sequence;
            for kept in kept.into_iter().filter(|kept| kept.link == self.link.name) {
                self.run(journey::resume(self.link.ack, &kept), self.taken_up(kept.sequence).await).await;
                faults::pass(Point::DuringResume);
                if self.behind.load(Ordering::Relaxed) {
                    tracing::error!(
                        alarm = "behind",
                        link = self.link.name,
                        sequence = kept.sequence,
                        "later ones wait"
                    );
                    return count;
                }
                count += 1;
            }
        }
    }

    /// Sends one kept message through the live path again: for what waited for a person or a patient.
    pub async fn replay(&self, sequence: u64) {
        let _turn = self.one_at_a_time.lock().await;
        let work = self.taken_up(sequence).await;
        faults::pass(Point::DuringReplay);
        self.run(journey::replay(self.link.ack, sequence), work).await;
        faults::pass(Point::DuringReplay);
    }

    /// A message by itself, with nothing in memory: all of it is read from the journal.
    #[cfg(not(feature = "faults"))]
    async fn taken_up(&self, _sequence: u64) -> Work {
        Work::default()
    }

    #[cfg(feature = "faults")]
    async fn taken_up(&self, sequence: u64) -> Work {
        Work { joined: self.all_that_wait_but(sequence).await, ..Work::default() }
    }

    /// Notes that the answer is on the wire.
    pub async fn told(&self, sequence: u64) {
        if self.store.mark(sequence, Mark::Told).await.is_err() {
            tracing::warn!(sequence, "it could not be noted that a message was answered");
        }
    }

    async fn run(&self, (mut state, mut effects): (State, Vec<Effect>), mut work: Work) -> Outcome {
        loop {
            let mut next = None;
            for effect in std::mem::take(&mut effects) {
                if let Some(event) = self.perform(effect, &mut work).await {
                    next = Some(event);
                }
            }
            let Some(event) = next else { break };
            if event == Event::Down {
                self.behind.store(true, Ordering::Relaxed);
            }
            (state, effects) = journey::step(state, event);
            if effects.is_empty() {
                break;
            }
        }
        work.outcome.unwrap_or(Outcome::Silence)
    }

    /// Does one thing, and says what came of it.
    async fn perform(&self, effect: Effect, work: &mut Work) -> Option<Event> {
        match effect {
            Effect::Append => Some(self.append(work).await),
            Effect::Read(sequence) => Some(self.read(sequence, work).await),
            Effect::Match(_) => Some(self.decide(work).await),
            Effect::Apply(sequence) => Some(self.apply(sequence, work).await),
            Effect::Settle { sequence, answer, ending } => Some(self.settle(sequence, answer, ending, work).await),
            Effect::Tell(sequence) => {
                self.tell(sequence, work).await;
                None
            }
            Effect::NoteTold(sequence) => {
                self.told(sequence).await;
                None
            }
            // Messages of a link run one after the other, so an original that is not settled was cut off by a stop.
            // An answer that is settled is told all the same, whatever failed behind it.
            Effect::Await(_) | Effect::Close => {
                work.outcome.get_or_insert(Outcome::Close);
                None
            }
            Effect::Alert(sequence) => {
                tracing::warn!(
                    alarm = "quarantine",
                    link = self.link.name,
                    sequence,
                    "a message waits for a person or a patient"
                );
                None
            }
        }
    }

    async fn append(&self, work: &mut Work) -> Event {
        let Some(raw) = work.raw.take() else { return Event::Down };
        let fingerprint = self.adapter.fingerprint(&self.link, &raw);
        let key = work.heading.as_ref().and_then(|heading| Key::of(heading, fingerprint));
        let kept = raw.derive(Bytes::clone);
        let entry = Entry { link: self.link.name.clone(), key, received_at_us: clock::now().micros(), raw };
        faults::pass(Point::BeforeJournal);
        match self.store.append(entry).await {
            Ok(appended) => {
                faults::pass(Point::AfterJournal);
                if !matches!(appended, Appended::Duplicate { .. }) {
                    work.raw = Some(kept);
                }
                Event::Appended(appended)
            }
            Err(_) => Event::Down,
        }
    }

    async fn read(&self, sequence: u64, work: &mut Work) -> Event {
        let raw = match work.raw.take() {
            Some(raw) => raw,
            None => match self.store.raw(sequence).await {
                Ok(Some(raw)) => raw,
                Ok(None) | Err(_) => return Event::Down,
            },
        };
        let mut reading = self.adapter.read(&self.link, &raw);
        work.heading = reading.heading.take();
        let verdict = reading.verdict;
        work.reading = Some(reading);
        Event::Understood(verdict)
    }

    async fn decide(&self, work: &mut Work) -> Event {
        if self.behind.load(Ordering::Relaxed) {
            return Event::Down;
        }
        let filings = work.reading.as_mut().map(|reading| std::mem::take(&mut reading.filings)).unwrap_or_default();
        let mut waiting = 0;
        for filing in filings {
            match apply::whose(&self.store, &self.records, &self.link, &filing).await {
                Ok(Match::Patient(patient)) => work.matched.push((filing, patient)),
                Ok(Match::NoPatient) => waiting += 1,
                Ok(Match::Quarantine(reason)) => {
                    let reason = reason.as_str();
                    tracing::warn!(link = self.link.name, reason, "a group of a message is not filed");
                    waiting += 1;
                }
                Err(why) => {
                    tracing::error!(why, "whose a message is could not be found out");
                    return Event::Down;
                }
            }
        }
        #[cfg(feature = "faults")]
        if let Some(first) = work.matched.first().map(|(_, first)| first.clone()) {
            work.matched.extend(work.joined.drain(..).map(|filing| (filing, first.clone())));
        }
        Event::Decided { matched: work.matched.len(), waiting }
    }

    /// With the embedded store the writing itself belongs to one transaction with the message's end: see `settle`.
    async fn apply(&self, _sequence: u64, work: &mut Work) -> Event {
        faults::pass(Point::BeforeApply);
        for (filing, patient) in std::mem::take(&mut work.matched) {
            match apply::writes(&self.store, &self.records, &self.link, &filing, &patient, &mut work.write).await {
                Ok(true) => {}
                Ok(false) => {
                    // Nothing of it is written: it waits for a person whole.
                    work.write = Writes::default();
                    return Event::Unappliable;
                }
                Err(why) => {
                    tracing::error!(why, "a message could not be applied");
                    return Event::Down;
                }
            }
        }
        if let Records::Upstream(upstream, store) = self.records.as_ref() {
            let puts = std::mem::take(&mut work.write.puts);
            // Before the withdrawal itself: no moment is left in which an earlier version could still be read.
            let withdrawn = puts.iter().filter(|put| put.withhold_earlier).map(|put| (put.kind, put.id.clone()));
            if let Err(why) = store.withhold_earlier(&withdrawn.collect::<Vec<_>>()).await {
                tracing::error!(%why, "a withdrawal could not be noted");
                return Event::Down;
            }
            // Writing again what stands there already changes nothing, so a crash from here on loses and doubles nothing.
            let taken = match puts.into_iter().map(content).collect::<Result<Vec<_>, _>>() {
                Ok(resources) => upstream.put_all(&resources).await,
                Err(why) => Err(why),
            };
            if let Err(why) = taken {
                tracing::error!(why = why.private(), "the server behind us did not take a message");
                return Event::Down;
            }
        }
        faults::pass(Point::AfterApplyBeforeSettle);
        Event::Applied
    }

    async fn settle(&self, sequence: u64, told: Option<Told>, ending: Option<Ending>, work: &mut Work) -> Event {
        if told.is_some() && work.heading.is_none() {
            // Taken up at the start and never read: a message whose control id had been used before.
            match self.store.raw(sequence).await {
                Ok(raw) => work.heading = raw.and_then(|raw| self.adapter.heading(&self.link, &raw)),
                Err(_) => return Event::Down,
            }
        }
        let answer = told.map(|told| self.answer(sequence, told, work));
        let write = std::mem::take(&mut work.write);
        let done = match (ending, answer) {
            (Some(ending), answer) => {
                let Writes { puts, crossed, orders, .. } = write;
                let (link, mark) = (self.link.name.clone(), Mark::Ended(ending, answer.clone()));
                let applied = Applied { sequence, link, puts, crossed, orders, mark, at: clock::now() };
                match self.store.apply(applied).await {
                    // It would fail again however often it is tried: it waits for a person, and holds nobody up.
                    Err(why @ (StoreError::Stale | StoreError::TwoKeys | StoreError::Unfit(_))) => {
                        let link = self.link.name.as_str();
                        tracing::error!(alarm = "quarantine", link, sequence, %why, "a message cannot be written");
                        let mark = Mark::Ended(Ending::Quarantined, answer);
                        self.store.mark(sequence, mark).await.map_err(|why| why.to_string())
                    }
                    other => other.map(|_| ()).map_err(|why| why.to_string()),
                }
            }
            (None, Some(answer)) => {
                self.store.mark(sequence, Mark::Promised(answer)).await.map_err(|why| why.to_string())
            }
            (None, None) => Ok(()),
        };
        match done {
            Ok(()) => Event::Marked,
            Err(why) => {
                tracing::error!(alarm = "store", why, "a message's end could not be written");
                Event::Down
            }
        }
    }

    fn answer(&self, sequence: u64, told: Told, work: &Work) -> Answer {
        // Without a header there is nobody to answer by name; left without an answer its sender would wait for ever.
        let nobody = Heading::unreadable();
        let heading = work.heading.as_ref().unwrap_or(&nobody);
        let stamp = Stamp { at_us: clock::now().micros(), control_id: format!("SLU{sequence:014}") };
        let defects = work.reading.as_ref().map_or(&[][..], |reading| &reading.defects);
        let acknowledgment = match told {
            Told::Verdict(verdict) => self.adapter.acknowledge(&self.link, &stamp, heading, verdict, defects),
            Told::Conflict => {
                let defects = [Defect::reused_control_id()];
                self.adapter.acknowledge(&self.link, &stamp, heading, Verdict::InError, &defects)
            }
        };
        Answer { now: acknowledgment.now, later: acknowledgment.later }
    }

    async fn tell(&self, sequence: u64, work: &mut Work) {
        let answer = match self.store.show(sequence).await {
            Ok(Some(kept)) => kept.answer,
            Ok(None) | Err(_) => None,
        };
        work.outcome = Some(match answer {
            Some(Answer { now, later }) => {
                let answers: Vec<Vec<u8>> = now.into_iter().chain(later).collect();
                if answers.is_empty() { Outcome::Silence } else { Outcome::Answer { sequence, answers } }
            }
            None => Outcome::Close,
        });
    }
}

/// A record to be written, as the server behind us takes it.
fn content(put: store::Put) -> Result<Phi<Document>, privacy::Refusal> {
    let document =
        put.content.map(|bytes| Document::parse(bytes, &Limits::DEFAULT).map_err(|_| Unwritable)).transpose();
    document.map_err(|_| privacy::Refusal::fault("a record that was made here cannot be read"))
}

/// A record of our own making that is no JSON: a mistake of ours.
struct Unwritable;

impl privacy::Impersonal for Unwritable {}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
