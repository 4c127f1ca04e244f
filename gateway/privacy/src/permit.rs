//! What a decision grants: leave for one principal to learn one thing for one purpose.

use crate::decide::letter_of;
use crate::faults::{self, Bug};
use crate::policy::Policy;
use crate::principal::Principal;
use crate::scope::{Constraint, Letter, Level};
use fhir::interaction::Interaction;
use fhir::{Id, Resource, ResourceType};
use std::sync::Arc;

/// About whom a principal may ask. Everyone is a word of its own: no list, empty or absent, ever means that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// No one.
    Nobody,
    /// One patient.
    Patient(Id),
    /// Some patients, by a relationship of care. Empty is no one.
    Patients(Vec<Id>),
    /// Every patient: a client that acts for itself, under `system/` scopes. Purpose, policy and labels bind it as anyone.
    Everyone,
}

impl Subject {
    /// The patients that are named, maybe none. Everyone names nobody: who does not ask for that finds nothing.
    pub fn patients(&self) -> &[Id] {
        match self {
            Subject::Nobody | Subject::Everyone => &[],
            Subject::Patient(id) => std::slice::from_ref(id),
            Subject::Patients(ids) => ids,
        }
    }

    /// Whether it is everyone.
    pub fn is_everyone(&self) -> bool {
        match self {
            Subject::Nobody | Subject::Patient(_) | Subject::Patients(_) => false,
            Subject::Everyone => true,
        }
    }

    /// Whether this patient is among them.
    pub fn holds(&self, patient: &Id) -> bool {
        if self.is_everyone() {
            return true;
        }
        if faults::seeded(Bug::TruncatedId) {
            return self.patients().iter().any(|own| faults::cut_short(own) == faults::cut_short(patient));
        }
        if faults::seeded(Bug::EmptyMeansAll) && self.is_nobody() {
            return true;
        }
        self.patients().contains(patient)
    }
}

/// The letters that let something be seen in one way or another.
const SEEING: [Letter; 2] = [Letter::Read, Letter::Search];

/// What is asked, as far as a decision needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The FHIR interaction.
    pub interaction: Interaction,
    /// The type asked for.
    pub kind: ResourceType,
    /// The resource asked for, where one is.
    pub id: Option<Id>,
    /// The query as it came, for the ledger alone.
    pub query: Option<String>,
    /// How it reached us, for the ledger alone.
    pub trace: Trace,
}

/// How a request reached us: what the ledger says of it beside what it asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The request's correlation id.
    pub correlation: String,
    /// The network address that it came from; empty when there is none.
    pub from: String,
}

/// A request that could not be read as a question: what can be said of it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The interaction of its route.
    pub interaction: Option<Interaction>,
    /// Its path below the FHIR base and the names of its parameters, as they came; the gate shortens it.
    pub address: String,
    /// How it reached us.
    pub trace: Trace,
}

/// Leave for one principal to learn, for one purpose, what one question asks.
///
/// Not `Clone`: one permit, one answer. Made by [`crate::decide`] alone.
#[must_use]
#[derive(Debug)]
pub struct Permit {
    pub(crate) principal: Arc<Principal>,
    pub(crate) level: Level,
    pub(crate) subject: Subject,
    pub(crate) question: Question,
    pub(crate) policy: Arc<Policy>,
}

impl Permit {
    /// About whom.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The level of scopes that it was decided at; those of another count for nothing here.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Who asks, and why.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The policy that was in force when it was decided.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The parts of the type asked for that the scopes reach; `None` where they reach all of it. A source may narrow its
    /// search to them; each row is judged again.
    pub fn parts_asked(&self) -> Option<Vec<&Constraint>> {
        let letter = letter_of(&self.question);
        self.principal.scopes.parts(self.level, self.question.kind, letter.as_slice())
    }

    /// Whether the letter that allows what is asked allows it of this very resource.
    pub(crate) fn grants(&self, resource: &Resource<'_>) -> bool {
        letter_of(&self.question).is_some_and(|own| self.principal.scopes.allow_on(self.level, resource, own))
    }

    /// Whether the scopes let a type be seen at all, all of it or some.
    pub fn sees(&self, kind: ResourceType) -> bool {
        SEEING.into_iter().any(|letter| self.principal.scopes.allow(self.level, kind, letter))
    }

    /// Whether the scopes let a type be read by its own name, all of it or some.
    pub(crate) fn reads(&self, kind: ResourceType) -> bool {
        self.principal.scopes.allow(self.level, kind, Letter::Read)
    }

    /// The parts of a type that may be seen at all; `None` where all of it may be, or nothing.
    pub fn parts_seen(&self, kind: ResourceType) -> Option<Vec<&Constraint>> {
        self.principal.scopes.parts(self.level, kind, &SEEING)
    }

    /// Whether the scopes let this very resource be seen, by one letter or another.
    pub fn reaches(&self, resource: &Resource<'_>) -> bool {
        SEEING.into_iter().any(|letter| self.principal.scopes.allow_on(self.level, resource, letter))
    }
}
