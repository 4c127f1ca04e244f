//! The decision: facts in, a permit or a refusal out. Pure, total, and silent about everything it denies.
//!
//! The order: purpose, whether it is open to the role, and its policy, then scope, then type, then whom it is about. Each question is decided at one level
//! of scopes, and the permit stays at it: `patient/` is about the patient in context, `user/` about those whom the person may
//! see, `system/` about everyone, for a client that acts for itself. What depends on the rows themselves (whose they are,
//! their labels, their elements) is judged row by row in [`crate::Judging`].

use crate::faults::{self, Bug};
use crate::permit::{Permit, Question, Subject};
use crate::policy::Policies;
use crate::principal::Principal;
use crate::refusal::Refusal;
use crate::scope::{Letter, Level, Scope};
use fhir::ResourceType;
use fhir::interaction::Interaction;
use std::sync::Arc;

/// Everything a decision rests on.
pub struct Facts<'a> {
    /// Who asks.
    pub principal: &'a Arc<Principal>,
    /// What is asked.
    pub question: Question,
    /// Whom the person may see now, where [`asks_as_user`] says that the question rests on it.
    pub reach: Subject,
    /// The policies in force.
    pub policies: &'a Policies,
}

/// May they, for this purpose?
///
/// # Errors
/// `Forbidden` when purpose, scope or policy do not reach; it is decided before any data is touched.
pub fn decide(facts: Facts<'_>) -> Result<Permit, Refusal> {
    let Facts { principal, question, reach, policies } = facts;
    if !principal.purpose.is_open_to(principal.role) {
        return Err(Refusal::forbidden(format!(
            "The purpose of use {} is not open to who asks. Authorize again for another.",
            principal.purpose
        )));
    }
    let policy = policies.of(principal.purpose).ok_or_else(|| {
        Refusal::forbidden("There is no policy for this purpose of use, so nothing is released for it.")
    })?;
    let level = match level_of(principal, &question) {
        // Who may see nobody as a user may still see the patient in context, where that is allowed by itself.
        Level::User if reach.is_nobody() && allows(principal, Level::Patient, &question) => Level::Patient,
        level @ (Level::Patient | Level::User | Level::System) => level,
    };
    in_scope(principal, level, &question)?;
    if policy.cut(question.kind).is_none() {
        return Err(Refusal::forbidden(format!(
            "The purpose of use {} does not include {}.",
            principal.purpose,
            question.kind.as_str()
        )));
    }
    let subject = match level {
        Level::Patient | Level::System => principal.subject.clone(),
        Level::User => reach,
    };
    let anyone = faults::seeded(Bug::EmptyMeansAll);
    if subject.is_nobody() && !own_fhir_user(principal, &question) && !anyone {
        return Err(Refusal::forbidden(match level {
            Level::Patient | Level::System => {
                "This token has no patient in context. Ask for launch/patient together with patient/ scopes."
            }
            Level::User => {
                "The person who authorized this app has no patients in their care now, and no record of their own."
            }
        }));
    }
    Ok(Permit { principal: Arc::clone(principal), level, subject, question, policy: Arc::clone(policy) })
}

/// Whether a question is allowed by `user/` scopes, and so rests on whom the person may see now.
pub fn asks_as_user(principal: &Principal, question: &Question) -> bool {
    level_of(principal, question) == Level::User && allows(principal, Level::User, question)
}

/// Whether the scopes of a level allow what is asked, of all resources of its type or some.
fn allows(principal: &Principal, level: Level, question: &Question) -> bool {
    letter_of(question).is_some_and(|own| may_see(principal, level, question.kind, own))
}

/// By which scopes a question is decided. Of a person's it is `user/` wherever those allow it, since whom they reach holds
/// the patient in context; the two are never added up in one answer.
fn level_of(principal: &Principal, question: &Question) -> Level {
    if principal.subject.is_everyone() {
        return Level::System;
    }
    let allows = |level| allows(principal, level, question);
    let grants = |level| principal.scopes.resources().any(|scope| scope.level == level);
    // Where nothing allows it, the refusal names the level that the app has scopes of.
    let by_user = allows(Level::User) || !(allows(Level::Patient) || grants(Level::Patient));
    if by_user && grants(Level::User) { Level::User } else { Level::Patient }
}

fn in_scope(principal: &Principal, level: Level, question: &Question) -> Result<(), Refusal> {
    let Some(letter) = letter_of(question) else {
        return Err(Refusal::forbidden("No scope of this gateway allows this interaction."));
    };
    if may_see(principal, level, question.kind, letter) || own_fhir_user(principal, question) {
        return Ok(());
    }
    let wanted = match letter {
        Letter::Search => 's',
        Letter::Read | Letter::Create | Letter::Update | Letter::Delete => 'r',
    };
    Err(Refusal::forbidden(format!(
        "The token's scopes do not include {}/{}.{wanted}. Ask for it when the app is authorized.",
        level.as_str(),
        question.kind.as_str()
    )))
}

/// The letter that allows what is asked; none where nothing does.
pub(crate) fn letter_of(question: &Question) -> Option<Letter> {
    match question.interaction {
        Interaction::Read | Interaction::Vread => Some(Letter::Read),
        Interaction::Search => Some(Letter::Search),
        Interaction::History
        | Interaction::HistoryType
        | Interaction::HistorySystem
        | Interaction::SearchSystem
        | Interaction::Create
        | Interaction::Update
        | Interaction::Patch
        | Interaction::Delete
        | Interaction::Transaction
        | Interaction::Batch
        | Interaction::Capabilities
        | Interaction::Operation => None,
    }
}

/// Whether the scopes of a level let the type be seen, all of it or some. A Binary goes with the record that owns it.
fn may_see(principal: &Principal, level: Level, kind: ResourceType, letter: Letter) -> bool {
    let allowed = |kind| principal.scopes.allow(level, kind, letter);
    allowed(kind) || (kind == ResourceType::Binary && allowed(ResourceType::DocumentReference))
}

/// One's own `fhirUser` may always be read under `fhirUser` (or the older `profile`). A representative's is part of the record
/// of a patient, and is read as that.
pub(crate) fn own_fhir_user(principal: &Principal, question: &Question) -> bool {
    let asked_for_it = principal.scopes.has(Scope::FhirUser) || principal.scopes.has(Scope::Profile);
    let reads = matches!(question.interaction, Interaction::Read);
    match (&principal.fhir_user, &question.id) {
        (Some((ResourceType::RelatedPerson, _)), _) => false,
        (Some((kind, own)), Some(id)) => asked_for_it && reads && *kind == question.kind && own == id,
        (Some(_), None) | (None, Some(_)) | (None, None) => false,
    }
}

impl Subject {
    /// Whether no one is in context.
    pub fn is_nobody(&self) -> bool {
        self.patients().is_empty() && !self.is_everyone()
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
