//! The pages on which a clinician or a representative sees patients' names: health data, and so through the gate like everything
//! else.

use super::{Answer, alone, page};
use crate::authenticate::Caller;
use crate::context::Context;
use crate::interaction::{Asked, What};
use crate::pipeline::of_page;
use crate::request::Request;
use crate::respond::{HTML, Reply, Shape};
use fhir::search::Query;
use fhir::{Id, Interaction, ResourceType};
use http::{StatusCode, header};
use portal::{App, ChooseForm, ConsentForm, Frame, Html, Message, message};
use privacy::{Principal, Question, Refused, Scopes, Subject};
use smart::Account;
use smart::flow::{Choice, Consent};
use std::sync::Arc;

/// The client under which our own pages stand on the ledger.
pub(super) const PORTAL: &str = "portal";
/// Patients on one page of the chooser.
const PATIENTS_MAX: u32 = 500;

/// The page with the patients among whom someone chooses.
pub(super) async fn choose(
    cx: &Context,
    request: &Request,
    frame: Frame,
    app: App,
    flow: String,
    choice: Choice,
) -> Answer {
    let form = ChooseForm { frame, app, flow };
    let Some(caller) = caller(&choice.account, choice.session, choice.patients) else {
        return nobody(&form.frame);
    };
    match of_page(cx, &caller, request, &asked(cx, request)).await {
        Ok(released) => {
            let html = released.page.map(&form, portal::choose);
            (Reply::Disclosure(Box::new(html.map(&(), shape))), Some(caller.principal))
        }
        Err(refused) => refusal(form.frame, refused),
    }
}

/// The consent page that names the one patient.
pub(super) async fn consent(cx: &Context, request: &Request, form: ConsentForm, consent: Consent) -> Answer {
    let patients = consent.patient.into_iter().collect();
    let Some(caller) = caller(&consent.account, consent.session, patients) else { return nobody(&form.frame) };
    match of_page(cx, &caller, request, &asked(cx, request)).await {
        Ok(released) => {
            let html = released.page.map(&form, portal::consent_of_patient);
            (Reply::Disclosure(Box::new(html.map(&(), shape))), Some(caller.principal))
        }
        Err(refused) => refusal(form.frame, refused),
    }
}

/// Someone who is to see the names of these patients; nothing for who has no purpose to.
pub(super) fn caller(account: &Account, session: String, patients: Vec<Id>) -> Option<Caller> {
    let principal = Principal {
        client: PORTAL.to_owned(),
        grant: session,
        account: account.id.clone(),
        fhir_user: account.fhir_user.clone(),
        role: account.role,
        purpose: account.purpose()?,
        scopes: Scopes::parse("patient/Patient.s"),
        subject: Subject::Patients(patients),
    };
    Some(Caller { principal: Arc::new(principal) })
}

/// Says that this person sees nobody.
pub(super) fn nobody(frame: &Frame) -> Answer {
    alone(page(message(frame, &Message::SeesNoRecords), StatusCode::FORBIDDEN))
}

pub(super) fn asked(cx: &Context, request: &Request) -> Asked {
    let kind = ResourceType::Patient;
    let query = Query { count: Some(PATIENTS_MAX), ..Query::everything(kind, &cx.fhir_base) };
    Asked {
        question: Question { interaction: Interaction::Search, kind, id: None, query: None, trace: request.trace() },
        what: What::Page { query: Box::new(query), place: None },
    }
}

/// Says that nothing can be shown now.
pub(super) fn refusal(frame: Frame, refused: Refused) -> Answer {
    tracing::warn!(kind = ?refused.why().kind(), why = refused.why().private(), "health data could not be shown on a page");
    alone(page(message(&frame, &Message::Unavailable), StatusCode::SERVICE_UNAVAILABLE))
}

/// A page as an answer that holds health data.
pub(super) fn shape(html: Html, (): &()) -> Shape {
    let headers = vec![
        (header::CONTENT_SECURITY_POLICY, html.content_security_policy()),
        (header::CONTENT_LANGUAGE, html.locale.tag().to_owned()),
    ];
    Shape { status: StatusCode::OK, media: HTML, headers, chunks: vec![html.body.into()] }
}
