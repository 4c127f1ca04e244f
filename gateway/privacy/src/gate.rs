//! The only exit: record, then release.
//!
//! What is not on the ledger was not disclosed. A [`Disclosure`] can be made here alone, its recipient comes from the permit
//! it was judged by, and nothing can change it afterwards.

use crate::impersonal::Impersonal;
use crate::ledger::{About, Entry, Event, Ledger, Receipt};
use crate::look::Look;
use crate::permit::{Permit, Question, Unread};
use crate::phi::Phi;
use crate::principal::{Principal, Recipient};
use crate::refusal::{Kind, Refusal, Refused};
use crate::source::{Cursor, Standing};
use bytes::Bytes;
use fhir::{Id, Instant, Interaction, ResourceType};
use std::collections::BTreeMap;

/// Characters of an address that is kept of a request which is no question.
const UNREAD_CHARS: usize = 512;

/// A row as it may be seen.
#[derive(Clone)]
pub struct Shown {
    /// Its type.
    pub kind: ResourceType,
    /// Its id.
    pub id: Id,
    /// Its version, where the source says one.
    pub version: Option<String>,
    /// When it last changed, where the source says so.
    pub updated: Option<Instant>,
    /// Match or companion.
    pub standing: Standing,
    /// The patients it is shown for.
    pub about: Vec<Id>,
    /// Its bytes: a slice of what the source gave, or a cut copy.
    pub content: Bytes,
}

/// Rows that may be seen, and where to go on.
pub struct Page {
    /// The rows, companions behind their match.
    pub rows: Vec<Shown>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
    /// All visible matches, when they were all counted.
    pub total: Option<u64>,
}

impl Page {
    fn about(&self) -> Vec<About> {
        let mut by_patient: BTreeMap<&Id, Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            let name = match &row.version {
                Some(version) => format!("{}/{}/_history/{version}", row.kind.as_str(), row.id),
                None => format!("{}/{}", row.kind.as_str(), row.id),
            };
            for patient in &row.about {
                by_patient.entry(patient).or_default().push(name.clone());
            }
        }
        by_patient.into_iter().map(|(patient, resources)| About { patient: patient.to_string(), resources }).collect()
    }
}

/// Judged and cut, not yet recorded. Carries the permit it was judged by, so it cannot be released under another.
#[must_use]
pub struct Redacted<T> {
    permit: Permit,
    content: T,
}

impl<T> Redacted<T> {
    pub(crate) fn new(permit: Permit, content: T) -> Redacted<T> {
        Redacted { permit, content }
    }
}

/// Released: judged, cut, and on the ledger. Knows whom it is for and whom it is about.
#[must_use]
pub struct Disclosure<T> {
    content: T,
    to: Recipient,
    about: Vec<Id>,
    receipts: Vec<Receipt>,
}

impl<T> Disclosure<T> {
    /// Another shape of the same content. A plain function: of `with`, only what says nothing of a person comes in.
    pub fn map<C: Impersonal, U>(self, with: &C, shape: fn(T, &C) -> U) -> Disclosure<U> {
        Disclosure { content: shape(self.content, with), to: self.to, about: self.about, receipts: self.receipts }
    }

    /// As [`Disclosure::map`], where it can fail.
    ///
    /// # Errors
    /// What `shape` gives.
    pub fn try_map<C: Impersonal, U>(
        self,
        with: &C,
        shape: fn(T, &C) -> Result<U, Refusal>,
    ) -> Result<Disclosure<U>, Refusal> {
        let content = shape(self.content, with)?;
        Ok(Disclosure { content, to: self.to, about: self.about, receipts: self.receipts })
    }

    /// Two for the same recipient become one.
    ///
    /// # Errors
    /// A `Fault` when they are for different recipients: that is the mistake this product exists to prevent.
    pub fn join<U>(self, other: Disclosure<U>) -> Result<Disclosure<(T, U)>, Refusal> {
        if self.to != other.to {
            return Err(Refusal::fault("two disclosures for different recipients were to be joined"));
        }
        let about = self.about.into_iter().chain(other.about).collect();
        let receipts = self.receipts.into_iter().chain(other.receipts).collect();
        Ok(Disclosure { content: (self.content, other.content), to: self.to, about, receipts })
    }

    /// Whom it is for.
    pub fn to(&self) -> &Recipient {
        &self.to
    }

    /// The patients it is about.
    pub fn about(&self) -> &[Id] {
        &self.about
    }

    /// Where it stands on the ledger.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// The last step: content and address together. Called where bytes are sent, and nowhere else (tests/tidy).
    pub fn deliver(self) -> (Recipient, T) {
        (self.to, self.content)
    }
}

/// Records what is released and what is refused.
pub struct Gate<L> {
    ledger: L,
}

impl<L: Ledger> Gate<L> {
    /// A gate that records on this ledger.
    pub fn new(ledger: L) -> Gate<L> {
        Gate { ledger }
    }

    /// The ledger behind it.
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// Records, then releases. What is not on the ledger was not disclosed.
    ///
    /// # Errors
    /// `LedgerDown` when the entry is not durable; then nothing leaves.
    pub async fn release(&self, page: Redacted<Page>, now: Instant) -> Result<Disclosure<Page>, Refusal> {
        let Redacted { permit, content } = page;
        let about = content.about();
        let entry = Entry {
            about,
            policy: permit.policy().version(),
            ..entry(permit.principal(), Event::Disclosed, Some(permit.question()), now)
        };
        let patients = content.rows.iter().flat_map(|row| row.about.iter().cloned());
        let about = patients.fold(Vec::new(), |mut all, patient| {
            if !all.contains(&patient) {
                all.push(patient);
            }
            all
        });
        let receipt = self.ledger.record(entry).await.map_err(ledger_down)?;
        Ok(Disclosure { content, to: permit.principal().recipient(), about, receipts: vec![receipt] })
    }

    /// Shows an operator a kept message, whole, for the reason that they gave: recorded, then shown. The one thing that
    /// leaves without a policy, because it is no resource that one could cut; called in one file alone (tests/tidy).
    ///
    /// # Errors
    /// `LedgerDown` when the entry is not durable; then nothing is shown.
    pub async fn show_message(&self, look: Look, raw: Phi<Bytes>, now: Instant) -> Result<Disclosure<Bytes>, Refusal> {
        let receipt = self.ledger.record(look.entry(now)).await.map_err(ledger_down)?;
        let to = look.operator.recipient();
        Ok(Disclosure { content: raw.released(), to, about: look.whose.patients, receipts: vec![receipt] })
    }

    /// The other exit: what a known principal is refused is recorded. Of refusals for asking too often one a second stands
    /// for all ([`Refused::unrecorded`]); an answer cut off by its deadline was recorded when it was released, or not begun.
    pub async fn refuse(&self, who: &Principal, asked: &Question, why: Refusal, now: Instant) -> Refused {
        self.refuse_as(entry(who, Event::Refused, Some(asked), now), why).await
    }

    /// As [`Gate::refuse`], of a request that is no question.
    pub async fn refuse_unread(&self, who: &Principal, asked: &Unread, why: Refusal, now: Instant) -> Refused {
        let entry = Entry {
            interaction: asked.interaction.map_or("", Interaction::code).to_owned(),
            query: Some(asked.address.chars().take(UNREAD_CHARS).collect()),
            correlation: asked.trace.correlation.clone(),
            from: asked.trace.from.clone(),
            ..entry(who, Event::Refused, None, now)
        };
        self.refuse_as(entry, why).await
    }

    async fn refuse_as(&self, entry: Entry, why: Refusal) -> Refused {
        let entry = Entry { refusal: Some(format!("{:?}", why.kind())), ..entry };
        match self.ledger.record(entry).await {
            Ok(_) => Refused::new(why),
            // A refusal holds no health data, but while nothing can be recorded the honest answer is that.
            Err(_) if why.kind() == Kind::LedgerDown => Refused::new(why),
            Err(down) => Refused::new(ledger_down(down)),
        }
    }
}

fn ledger_down(down: crate::ledger::LedgerDown) -> Refusal {
    Refusal::new(
        Kind::LedgerDown,
        "Disclosures cannot be recorded at the moment, so nothing is disclosed. Try again later.",
    )
    .because(down)
    .retry_after(5)
}

fn entry(who: &Principal, event: Event, asked: Option<&Question>, now: Instant) -> Entry {
    Entry {
        at_us: now.micros(),
        event,
        client: who.client.clone(),
        grant: who.grant.clone(),
        account: who.account.clone(),
        fhir_user: who.fhir_user.as_ref().map(|(kind, id)| format!("{}/{id}", kind.as_str())),
        role: who.role.as_str().to_owned(),
        purpose: who.purpose.code().to_owned(),
        policy: String::new(),
        interaction: asked.map_or("", |asked| asked.interaction.code()).to_owned(),
        kind: asked.map_or("", |asked| asked.kind.as_str()).to_owned(),
        id: asked.and_then(|asked| asked.id.as_ref()).map(Id::to_string),
        query: asked.and_then(|asked| asked.query.clone()),
        correlation: asked.map_or("", |asked| asked.trace.correlation.as_str()).to_owned(),
        from: asked.map_or("", |asked| asked.trace.from.as_str()).to_owned(),
        refusal: None,
        looked: None,
        about: Vec::new(),
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
