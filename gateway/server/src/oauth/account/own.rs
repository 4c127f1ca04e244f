//! A patient as someone who asks about their own record on our own pages.

use super::Person;
use crate::authenticate::Caller;
use crate::context::Context;
use crate::interaction::seen::KIND;
use crate::interaction::{Asked, What};
use crate::oauth::patients::PORTAL;
use crate::paging::Place;
use crate::request::Request;
use fhir::search::Query;
use fhir::{Id, Interaction, ResourceType};
use privacy::{Principal, Question, Role, Scopes, Subject};
use std::sync::Arc;

/// Clinicians who may be named on one page.
const PEOPLE_MAX: u32 = 200;

/// A patient, by their session.
pub(super) struct Own {
    pub(super) caller: Caller,
}

impl Own {
    /// The patient of a session; nothing for anyone who is none.
    pub(super) fn of(person: &Person) -> Option<Own> {
        let account = &person.account;
        let patient: Id = match (account.role, &account.fhir_user) {
            (Role::Patient, (ResourceType::Patient, id)) => id.clone(),
            (Role::Patient | Role::Clinician | Role::System, _) => return None,
        };
        let principal = Principal {
            client: PORTAL.to_owned(),
            grant: person.session.digest.clone(),
            account: account.id.clone(),
            fhir_user: Some(account.fhir_user.clone()),
            role: account.role,
            purpose: account.purpose(),
            // One's own record whole: a clinician may be named where anything of it names them.
            scopes: Scopes::parse("patient/*.rs"),
            subject: Subject::Patient(patient),
        };
        Some(Own { caller: Caller { principal: Arc::new(principal) } })
    }
}

/// So many events about the patient, the newest first, from a place on.
pub(super) fn events(request: &Request, count: usize, place: Option<Box<Place>>) -> Asked {
    Asked { question: question(request, KIND), what: What::Seen { count, client: None, place } }
}

/// The same of one app.
pub(super) fn events_by(request: &Request, client_id: &str, count: usize, place: Option<Box<Place>>) -> Asked {
    let client = Some(client_id.to_owned());
    Asked { question: question(request, KIND), what: What::Seen { count, client, place } }
}

/// The clinicians whom the patient's record names.
pub(super) fn people(cx: &Context, request: &Request) -> Asked {
    let kind = ResourceType::Practitioner;
    let query = Query { count: Some(PEOPLE_MAX), ..Query::everything(kind, &cx.fhir_base) };
    Asked { question: question(request, kind), what: What::Page { query: Box::new(query), place: None } }
}

fn question(request: &Request, kind: ResourceType) -> Question {
    Question { interaction: Interaction::Search, kind, id: None, query: None, trace: request.trace() }
}
