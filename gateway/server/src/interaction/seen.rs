//! What was disclosed about a patient, as rows: entries of the ledger told as AuditEvents, which are then judged, cut and
//! recorded like everything else.

use crate::clock;
use crate::context::Context;
use crate::paging::Pages;
use certs::digest::{base64url, sha256};
use fhir::{Id, ResourceType};
use json::{Document, Limits};
use privacy::accounting::{Observer, event_about};
use privacy::ledger::Entry;
use privacy::{Chunk, Cursor, Impersonal, Kind, Page, Permit, Phi, Refusal, Role, Row, Standing, Subject};
use store::{Stretch, Told};

/// The type that the events are of.
pub(crate) const KIND: ResourceType = ResourceType::AuditEvent;
/// Characters of an event's id, of the 64 that FHIR allows.
const ID_CHARS: usize = 32;

/// Some events about the patient in context, the newest first, from a place on; of one app alone where it is named.
///
/// # Errors
/// `Gone` for a place that is none; a `Fault` when the ledger cannot be read back.
pub(crate) async fn find(
    cx: &Context,
    permit: &Permit,
    from: &Cursor,
    at_most: usize,
    client: Option<&str>,
) -> Result<Phi<Chunk>, Refusal> {
    let Subject::Patient(patient) = permit.subject() else {
        return Err(Refusal::fault("who saw a record is told to its patient alone"));
    };
    let from = match from {
        Cursor::Start => None,
        Cursor::Store(place) => Some(place.as_str()),
        Cursor::Upstream { .. } => return Err(Refusal::new(Kind::Gone, "This link no longer leads anywhere.")),
    };
    let stretch = cx.gate.ledger().disclosed_about(patient, from, at_most).await.map_err(Refusal::fault)?;
    // What patients look at themselves, and by which apps, is theirs to tell (45 CFR 164.528(a)(1)(ii) does not account for it).
    let role = permit.principal().role;
    let is_told = |entry: &Entry| {
        let own = role == Role::Representative && entry.role == Role::Patient.as_str();
        !own && client.is_none_or(|client| entry.client == client)
    };
    let chunk = stretch.map(|stretch| chunk(stretch, patient, is_told, &cx.fhir_base));
    chunk.transpose().map_err(|()| Refusal::fault("an entry of the ledger is no event"))
}

fn chunk(stretch: Stretch, patient: &Id, is_told: impl Fn(&Entry) -> bool, base: &str) -> Result<Chunk, ()> {
    let row = |Told { entry, after }: Told| {
        let event = event_about(&entry, patient.as_str(), &id(&entry, patient), &Observer { base }).ok_or(())?;
        let content = Document::parse(event.into(), &Limits::DEFAULT).map_err(|_| ())?;
        Ok(Row { content, standing: Standing::Match, after: Cursor::Store(after), evidence: Vec::new() })
    };
    let told = stretch.told.into_iter().filter(|told| is_told(&told.entry));
    let rows = told.map(row).collect::<Result<_, ()>>()?;
    Ok(Chunk { rows, next: stretch.next.map(Cursor::Store) })
}

/// An id that is the same each time and says nothing of what else stands on the ledger.
fn id(entry: &Entry, patient: &Id) -> String {
    let Entry { at_us, correlation, kind, interaction, .. } = entry;
    let own = format!("{at_us} {correlation} {interaction} {kind} {patient}");
    let digest = base64url(&sha256(own.as_bytes())).replace('_', ".");
    digest.chars().take(ID_CHARS).collect()
}

/// What seals the link to the next page: of whom it is, and by what.
pub(crate) struct Links<'a> {
    pages: &'a Pages,
    binding: String,
}

// The person's own credentials; nothing of any record.
impl Impersonal for Links<'_> {}

impl<'a> Links<'a> {
    /// For what a page was decided with.
    pub(crate) fn of(cx: &'a Context, binding: String) -> Links<'a> {
        Links { pages: &cx.pages, binding }
    }
}

/// A page, and the token of the one behind it.
pub(crate) fn linked(page: Page, links: &Links<'_>) -> (Page, Option<String>) {
    let next = page.next.as_ref().map(|next| links.pages.seal(KIND, &[], next, &links.binding, clock::now()));
    (page, next)
}
