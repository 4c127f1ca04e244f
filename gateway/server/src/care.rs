//! Whom a person may see under `user/` scopes, asked for anew with each question that rests on it.
//!
//! A patient sees their own record, a representative the one patient they chose, a clinician the patients in their care: a
//! relationship that has ended opens nothing from then on. The embedded store is asked every time. A server behind us answers it by several searches, so its word is
//! kept for [`KEPT`], and for no longer.

use crate::context::Context;
use crate::records::Records;
use fhir::{Id, ResourceType};
use moka::sync::Cache;
use privacy::{Kind, Principal, Question, Refusal, Role, Subject, asks_as_user};
use std::sync::Arc;
use std::time::Duration;

/// How long the word of a server behind us is kept.
const KEPT: Duration = Duration::from_secs(5);
/// Clinicians whose patients are kept at once.
const CLINICIANS_MAX: u64 = 1_000;
/// Patients whom one question may be about. Nobody is left out in silence: a person with more is told to ask for one at a time.
const PATIENTS_MAX: usize = 5_000;

/// What a server behind us said a moment ago.
pub(crate) struct InCare(Cache<Id, Arc<[Id]>>);

impl Default for InCare {
    fn default() -> InCare {
        InCare(Cache::builder().max_capacity(CLINICIANS_MAX).time_to_live(KEPT).build())
    }
}

/// Whom the person may see now, where the question rests on it; else nobody.
///
/// # Errors
/// Those of the source, and `TooCostly` for more patients than one question may be about.
pub(crate) async fn reach(cx: &Context, principal: &Principal, question: &Question) -> Result<Subject, Refusal> {
    if !asks_as_user(principal, question) {
        return Ok(Subject::Nobody);
    }
    match (principal.role, &principal.fhir_user) {
        (Role::Patient, Some((ResourceType::Patient, own))) => Ok(Subject::Patient(own.clone())),
        (Role::Clinician, Some((ResourceType::Practitioner, id))) => in_care_of(cx, id).await,
        // The one patient whom they chose, and whose grant ends when they act for them no longer.
        (Role::Representative, _) => Ok(principal.subject.clone()),
        (
            Role::Patient
            | Role::Clinician
            | Role::PrivacyOfficer
            | Role::Administrator
            | Role::Integrator
            | Role::System,
            _,
        ) => Ok(Subject::Nobody),
    }
}

async fn in_care_of(cx: &Context, practitioner: &Id) -> Result<Subject, Refusal> {
    let patients = match cx.records.as_ref() {
        Records::Store(_) => cx.records.patients_in_care_of(practitioner).await?.into(),
        Records::Upstream(_, _) => match cx.in_care.0.get(practitioner) {
            Some(kept) => kept,
            None => {
                let told: Arc<[Id]> = cx.records.patients_in_care_of(practitioner).await?.into();
                cx.in_care.0.insert(practitioner.clone(), Arc::clone(&told));
                told
            }
        },
    };
    if patients.len() > PATIENTS_MAX {
        let text = "More patients are in this person's care than one question may be about. Ask under patient/ scopes, for one \
                    patient at a time.";
        return Err(Refusal::new(Kind::TooCostly, text));
    }
    Ok(Subject::Patients(patients.to_vec()))
}
