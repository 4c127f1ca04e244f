//! Where records come from: the embedded store, or a server behind us. Chosen at start, asked through one port.

use crate::upstream::Upstream;
use fhir::search::Query;
use fhir::subject::{About, about_at};
use fhir::{Id, Resource, ResourceType};
use json::Document;
use privacy::label::labels;
use privacy::{Chunk, Cursor, Label, Permit, Phi, Refusal, Source};
use smart::age::{Age, age};
use store::Store;

/// The source in use.
#[expect(clippy::large_enum_variant, reason = "there is one, for as long as the process lives")]
pub enum Records {
    /// The embedded store.
    Store(Store),
    /// A FHIR server behind us, and our own store, which remembers what of it is never to be shown again.
    Upstream(Upstream, Store),
}

impl Records {
    /// Where its records say that they are: their own absolute references begin so. Those of the embedded store have none.
    pub(crate) fn base(&self) -> &str {
        match self {
            Records::Store(_) => "",
            Records::Upstream(upstream, _) => upstream.base(),
        }
    }

    /// Whether it can be asked now.
    pub async fn ready(&self) -> bool {
        match self {
            Records::Store(store) => store.check().await.is_ok(),
            Records::Upstream(upstream, _) => upstream.ready().await,
        }
    }

    /// The patients whose Encounter, CareTeam or generalPractitioner names this practitioner.
    ///
    /// # Errors
    /// Those of the source.
    pub async fn patients_in_care_of(&self, practitioner: &Id) -> Result<Vec<Id>, Refusal> {
        match self {
            Records::Store(store) => store.patients_in_care_of(practitioner).await.map_err(Refusal::fault),
            Records::Upstream(upstream, _) => upstream.patients_in_care_of(practitioner).await,
        }
    }

    /// Whether a patient is old enough for an account of their own, by the birth date in their record.
    ///
    /// # Errors
    /// Those of the source.
    pub async fn age(&self, patient: &Id, now_s: i64) -> Result<Age, Refusal> {
        let kind = ResourceType::Patient;
        let found = match self {
            Records::Store(store) => {
                store.current(kind, patient).await.map_err(Refusal::fault)?.map(|(_, record)| record)
            }
            Records::Upstream(upstream, _) => upstream.current(kind, patient.as_str()).await?,
        };
        // Yes, no, or not known: the date itself stays where it is.
        let is_over = |record: &Document| {
            let born = record.root().get("birthDate").and_then(|date| date.text());
            match age(born.as_deref(), now_s) {
                Age::Over => Some(true),
                Age::Under => Some(false),
                Age::Unknown => None,
            }
        };
        Ok(match found.and_then(|record| record.inspect(is_over)) {
            Some(true) => Age::Over,
            Some(false) => Age::Under,
            None => Age::Unknown,
        })
    }

    /// Whether there is such a record, it is about this patient and nobody else, and nothing withholds it from everyone.
    ///
    /// # Errors
    /// Those of the source.
    pub async fn is_about(&self, kind: ResourceType, id: &Id, patient: &Id) -> Result<bool, Refusal> {
        let found = match self {
            Records::Store(store) => store.current(kind, id).await.map_err(Refusal::fault)?.map(|(_, record)| record),
            Records::Upstream(upstream, _) => upstream.current(kind, id.as_str()).await?,
        };
        let is_theirs = |record: &Document| {
            let Ok(resource) = Resource::of(record.root()) else { return false };
            let withheld = labels(&resource).contains(&Label::PsychotherapyNote);
            !withheld && about_at(&resource, self.base()) == About::Patients(vec![patient.clone()])
        };
        Ok(found.is_some_and(|record| record.inspect(is_theirs)))
    }
}

impl Source for Records {
    async fn find(&self, permit: &Permit, query: &Query, from: &Cursor, at_most: usize) -> Result<Phi<Chunk>, Refusal> {
        match self {
            // Boxed: what a source needs while it is asked is large, and would be moved along with every step of a request.
            Records::Store(store) => Box::pin(store.find(permit, query, from, at_most)).await,
            Records::Upstream(upstream, _) => Box::pin(upstream.find(permit, query, from, at_most)).await,
        }
    }

    async fn fetch(
        &self,
        permit: &Permit,
        kind: ResourceType,
        id: &Id,
        version: Option<&str>,
    ) -> Result<Phi<Chunk>, Refusal> {
        match self {
            Records::Store(store) => Box::pin(store.fetch(permit, kind, id, version)).await,
            Records::Upstream(upstream, store) => {
                if let Some(version) = version
                    && store.withholds_earlier(kind, id).await.map_err(Refusal::fault)?
                    && !upstream.is_current(kind, id, version).await?
                {
                    return Ok(Phi::new(Chunk { rows: Vec::new(), next: None }));
                }
                upstream.fetch(permit, kind, id, version).await
            }
        }
    }
}
