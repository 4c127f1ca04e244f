//! A patient, or a representative of one, as someone who asks about that one record on our own pages.

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
use privacy::{Principal, Question, Scopes, Subject};
use smart::rights::Launches;
use std::sync::Arc;

/// Clinicians who may be named on one page.
const PEOPLE_MAX: u32 = 200;

/// Who looks at a record, by their session.
pub(super) struct Own {
    pub(super) caller: Caller,
    /// The patient whose record it is, where the person has a choice of several.
    pub(super) chosen: Option<Id>,
}

/// Whose record a page is about.
pub(super) enum Whose {
    /// This one's.
    One(Own),
    /// It is to be chosen, among those whom a representative acts for.
    Choose,
    /// Nobody's: there is no record that the person could look at.
    Nobody,
}

impl Own {
    /// The record of a page: a patient's own, or the one that a representative names among those whom they act for.
    pub(super) fn of(person: &Person, wanted: &str) -> Whose {
        let account = &person.account;
        match account.rights().launches {
            Launches::Own => account.own_record().map_or(Whose::Nobody, |own| Own::about(person, own, None)),
            Launches::Named => match account.patients.as_slice() {
                [] => Whose::Nobody,
                [only] if wanted.is_empty() || only.as_str() == wanted => Own::about(person, only, None),
                several => match several.iter().find(|patient| patient.as_str() == wanted) {
                    Some(patient) => Own::about(person, patient, Some(patient.clone())),
                    None => Whose::Choose,
                },
            },
            Launches::InCare | Launches::Nobody => Whose::Nobody,
        }
    }

    fn about(person: &Person, patient: &Id, chosen: Option<Id>) -> Whose {
        let account = &person.account;
        let Some(purpose) = account.purpose() else { return Whose::Nobody };
        let principal = Principal {
            client: PORTAL.to_owned(),
            grant: person.session.digest.clone(),
            account: account.id.clone(),
            fhir_user: account.fhir_user.clone(),
            role: account.role,
            purpose,
            // One's own record whole: a clinician may be named where anything of it names them.
            scopes: Scopes::parse("patient/*.rs"),
            subject: Subject::Patient(patient.clone()),
        };
        Whose::One(Own { caller: Caller { principal: Arc::new(principal) }, chosen })
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
