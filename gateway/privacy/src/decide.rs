//! The decision: facts in, a permit or a refusal out. Pure, total, and silent about everything it denies.
//!
//! The order: purpose and its policy, then scope, then type, then the patient in context (a client that acts for itself has
//! none, and asks about everyone under `system/` scopes). What depends on the
//! rows themselves (whose they are, their labels, their elements) is judged row by row in [`crate::Judging`].

use crate::faults::{self, Bug};
use crate::permit::{Permit, Question, Subject};
use crate::policy::Policies;
use crate::principal::Principal;
use crate::refusal::Refusal;
use crate::scope::{Letter, Scope};
use fhir::ResourceType;
use fhir::interaction::Interaction;
use std::sync::Arc;

/// Everything a decision rests on.
pub struct Facts<'a> {
    /// Who asks.
    pub principal: &'a Arc<Principal>,
    /// What is asked.
    pub question: Question,
    /// The policies in force.
    pub policies: &'a Policies,
}

/// May they, for this purpose?
///
/// # Errors
/// `Forbidden` when purpose, scope or policy do not reach; it is decided before any data is touched.
pub fn decide(facts: Facts<'_>) -> Result<Permit, Refusal> {
    let Facts { principal, question, policies } = facts;
    let policy = policies.of(principal.purpose).ok_or_else(|| {
        Refusal::forbidden("There is no policy for this purpose of use, so nothing is released for it.")
    })?;
    in_scope(principal, &question)?;
    if policy.cut(question.kind).is_none() {
        return Err(Refusal::forbidden(format!(
            "The purpose of use {} does not include {}.",
            principal.purpose,
            question.kind.as_str()
        )));
    }
    let anyone = faults::seeded(Bug::EmptyMeansAll);
    if principal.subject.is_nobody() && !own_fhir_user(principal, &question) && !anyone {
        return Err(Refusal::forbidden(
            "This token has no patient in context. Ask for launch/patient together with patient/ scopes.",
        ));
    }
    Ok(Permit { principal: Arc::clone(principal), question, policy: Arc::clone(policy) })
}

fn in_scope(principal: &Principal, question: &Question) -> Result<(), Refusal> {
    let Some(letter) = letter_of(question) else {
        return Err(Refusal::forbidden("No scope of this gateway allows this interaction."));
    };
    if may_see(principal, question.kind, letter) || own_fhir_user(principal, question) {
        return Ok(());
    }
    let wanted = match letter {
        Letter::Search => 's',
        Letter::Read | Letter::Create | Letter::Update | Letter::Delete => 'r',
    };
    Err(Refusal::forbidden(format!(
        "The token's scopes do not include {}/{}.{wanted}. Ask for it when the app is authorized.",
        principal.level().as_str(),
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

/// Whether the scopes let the type be seen, all of it or some. A Binary goes with the record that owns it.
pub(crate) fn may_see(principal: &Principal, kind: ResourceType, letter: Letter) -> bool {
    let allowed = |kind| principal.scopes.allow(principal.level(), kind, letter);
    allowed(kind) || (kind == ResourceType::Binary && allowed(ResourceType::DocumentReference))
}

/// One's own `fhirUser` may always be read under `fhirUser` (or the older `profile`).
pub(crate) fn own_fhir_user(principal: &Principal, question: &Question) -> bool {
    let asked_for_it = principal.scopes.has(Scope::FhirUser) || principal.scopes.has(Scope::Profile);
    let reads = matches!(question.interaction, Interaction::Read);
    match (&principal.fhir_user, &question.id) {
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
