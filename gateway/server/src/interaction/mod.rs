//! What a FHIR request asks, and asking the source for it.

pub(crate) mod content;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod seen;

use crate::clock;
use crate::context::{Context, SERVED};
use crate::paging::Place;
use crate::request::{QUERY_BYTES_MAX, Request};
use crate::route::{Act, Matched};
use crate::upstream;
use content::Native;
use fhir::search::{Handling, Query, QueryFault, Total};
use fhir::{Id, Interaction, ResourceType};
use privacy::{Chunk, Cursor, Kind, Permit, Phi, Question, Refusal, Source, Wanted};
use smart::Mishap;

/// Matches on a page when the caller does not say.
const COUNT_DEFAULT: u32 = 50;
/// Rows that a source is asked for beyond those wanted, at each asking.
const AHEAD: usize = 20;

/// Rows that a source is asked for at once where all visible ones are to be counted, however few are shown.
const COUNTING: usize = 500;

/// One question, read and understood, not yet decided.
pub(crate) struct Asked {
    /// What a decision needs to know.
    pub question: Question,
    /// The particulars.
    pub what: What,
}

/// The particulars of a question.
pub(crate) enum What {
    /// One resource, in its current or a named version.
    One {
        /// The version, for a vread.
        version: Option<String>,
    },
    /// A page of a search.
    Page {
        /// The search.
        query: Box<Query>,
        /// The place to go on from, for a page link.
        place: Option<Box<Place>>,
    },
    /// A page of what was disclosed about a patient, for themself.
    Seen {
        /// Events on it.
        count: usize,
        /// The app by which they were, where those of one alone are asked for.
        client: Option<String>,
        /// The place to go on from, for a page link.
        place: Option<Box<Place>>,
    },
}

impl Asked {
    /// Whether one resource is asked for by its id.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.what, What::One { .. })
    }

    /// How much is wanted.
    pub(crate) fn wanted(&self) -> Wanted {
        match &self.what {
            What::One { .. } => Wanted { count: 1, total: false },
            What::Page { query, .. } => {
                let count = query.count.unwrap_or(COUNT_DEFAULT) as usize;
                Wanted { count, total: count == 0 || query.total == Total::Accurate }
            }
            What::Seen { count, .. } => Wanted { count: *count, total: false },
        }
    }

    /// Where to begin; a page link is held against the permit first.
    ///
    /// # Errors
    /// `Gone` for a link that was made for someone else.
    pub(crate) fn begin(&self, permit: &Permit) -> Result<Cursor, Refusal> {
        match &self.what {
            What::Page { place: Some(place), .. } | What::Seen { place: Some(place), .. } => {
                place.is_for(permit)?;
                Ok(place.cursor())
            }
            What::Page { place: None, .. } | What::Seen { place: None, .. } | What::One { .. } => Ok(Cursor::Start),
        }
    }
}

/// Reads the question of a FHIR request.
///
/// # Errors
/// `NotFound` for a type that is not served or an id that cannot be one, `Invalid` for a search that cannot be meant.
pub(crate) fn asked(cx: &Context, request: &Request, matched: &Matched) -> Result<Asked, Refusal> {
    let Act::Fhir(interaction) = matched.route.act else {
        return Err(Refusal::fault("not a FHIR route"));
    };
    let mut values = matched.values.iter();
    let kind: ResourceType = values.next().and_then(|name| name.parse().ok()).ok_or_else(Refusal::not_found)?;
    acceptable(request, kind)?;
    if !SERVED.contains(&kind) {
        return Err(Refusal::not_found());
    }
    let question = |interaction, id, query| Question { interaction, kind, id, query, trace: request.trace() };
    if interaction == Interaction::Search {
        let pairs = pairs(request)?;
        let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let what = page(cx, request, kind, &pairs)?;
        return Ok(Asked { question: question(interaction, None, Some(written)), what });
    }
    no_filters(request)?;
    let id = values.next().and_then(|id| Id::parse(id).ok()).ok_or_else(Refusal::not_found)?;
    let version = values.next().cloned();
    Ok(Asked { question: question(interaction, Some(id), None), what: What::One { version } })
}

/// One resource is found by its address alone: what would filter it is refused by name, as a search refuses what it does
/// not know. What would only shape the answer, and begins with `_`, is passed over.
fn no_filters(request: &Request) -> Result<(), Refusal> {
    match request.query_pairs().into_iter().find(|(name, _)| !name.starts_with('_')) {
        None => Ok(()),
        Some((name, _)) => {
            let text = "A resource that is read by its id takes no parameters. Leave this one out, or search.";
            Err(Refusal::new(Kind::Invalid, text).at(name))
        }
    }
}

/// XML is not written here; a Binary can be given as the thing it holds.
fn acceptable(request: &Request, kind: ResourceType) -> Result<(), Refusal> {
    if content::takes_fhir_json(request) || Native::asked(request, kind).is_some() {
        return Ok(());
    }
    Err(Refusal::new(Kind::NotAcceptable, "Only application/fhir+json can be given.").at("Accept"))
}

/// A search's parameters, from the query and, for POST, the form: both count.
fn pairs(request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    if request.query.as_ref().is_some_and(|query| query.len() > QUERY_BYTES_MAX) {
        return Err(Refusal::new(Kind::AddressTooLong, "The query is too long; send it as POST to _search."));
    }
    let mut pairs = request.query_pairs();
    if request.method == http::Method::POST {
        pairs.extend(request.form_pairs()?);
    }
    Ok(pairs)
}

fn page(cx: &Context, request: &Request, kind: ResourceType, pairs: &[(String, String)]) -> Result<What, Refusal> {
    let place = match pairs.iter().find(|(name, _)| name == "_page") {
        Some((_, token)) if pairs.len() == 1 => Some(Box::new(cx.pages.open(kind, token, clock::now())?)),
        Some(_) => {
            return Err(Refusal::new(Kind::Invalid, "_page stands alone: it holds the whole search.").at("_page"));
        }
        None => None,
    };
    let handling = request.header("prefer").map_or(Handling::Strict, Handling::of_prefer);
    let pairs = place.as_ref().map_or(pairs, |place| &place.pairs);
    let query = Query::parse(kind, pairs, handling, &cx.fhir_base).map_err(invalid)?;
    Ok(What::Page { query: Box::new(query), place })
}

fn invalid(fault: QueryFault) -> Refusal {
    let parameter = fault.parameter().map(str::to_owned);
    let refusal = Refusal::new(Kind::Invalid, format!("{fault}."));
    match parameter {
        Some(parameter) => refusal.at(parameter),
        None => refusal,
    }
}

/// Asks the source.
///
/// # Errors
/// Those of [`Source`].
pub(crate) async fn perform(
    cx: &Context,
    permit: &Permit,
    asked: &Asked,
    from: &Cursor,
) -> Result<Phi<Chunk>, Refusal> {
    if cx.authority.meets(&permit.principal().client, Mishap::Upstream) {
        return Err(upstream::down("its developer chose that"));
    }
    match &asked.what {
        What::One { version } => {
            let id = asked.question.id.as_ref().ok_or_else(|| Refusal::fault("a read without an id"))?;
            cx.records.fetch(permit, asked.question.kind, id, version.as_deref()).await
        }
        What::Page { query, .. } => {
            let Wanted { count, total } = asked.wanted();
            let rows = if total { (count + AHEAD).max(COUNTING) } else { count + AHEAD };
            cx.records.find(permit, query, from, rows).await
        }
        What::Seen { count, client, .. } => seen::find(cx, permit, from, count + 1, client.as_deref()).await,
    }
}
