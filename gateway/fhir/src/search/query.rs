//! What a client asks: read strictly, bounded, and never silently other than it was written.
//!
//! Whatever is not understood is refused by name, or, when the client prefers leniency, left out and named in
//! [`Query::ignored`]. What would look through a search at other records is refused always.

use super::criterion::{Criterion, split};
use super::fault::QueryFault;
use super::parameter::Parameter;
use super::parameters::{COMMON, parameter, parameters};
use super::sort::SortKey;
use crate::{Id, ResourceType};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The most parameters of one search; each costs a join.
pub const PARAMETERS_MAX: usize = 64;
/// The most values of one search, over all its parameters; each is held against every row that is left.
pub const VALUES_MAX: usize = 256;
/// The longest single value, in bytes.
pub const VALUE_BYTES_MAX: usize = 512;
/// The most bytes of all names and values of one search, decoded: a link to its next page holds them, and must fit an address.
pub const SEARCH_BYTES_MAX: usize = 8 * 1024;
/// The most keys to sort by.
pub const SORT_KEYS_MAX: usize = 4;
/// The most rows of one page; a larger `_count` is answered with this many.
pub const COUNT_MAX: u32 = 500;
/// The longest name of a parameter that is repeated to its sender, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// What to do with filters and modifiers that are not known (`Prefer: handling=…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Refuse: the default.
    Strict,
    /// Leave out and say so.
    Lenient,
}

impl Handling {
    /// Reads a `Prefer` header, in which other preferences may stand beside (RFC 7240).
    pub fn of_prefer(header: &str) -> Handling {
        let lenient = header.split([',', ';']).any(|part| part.trim().eq_ignore_ascii_case("handling=lenient"));
        if lenient { Handling::Lenient } else { Handling::Strict }
    }
}

/// A way to compare other than the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// `:exact`: the whole text, with case and accents.
    Exact,
    /// `:contains`: anywhere in the text.
    Contains,
    /// `:Patient` and the like: a reference to that type.
    Type(ResourceType),
}

/// One parameter asked with: a resource must meet one of its values at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// How to compare, when not by default.
    pub modifier: Option<Modifier>,
    /// The alternatives, one at least.
    pub values: Vec<Criterion>,
}

/// The only records that may be asked for beside those that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Include {
    /// `_include=MedicationRequest:medication`
    MedicationRequestMedication,
    /// `_revinclude=Provenance:target`
    ProvenanceTarget,
}

/// Whether the client wants to know how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Total {
    /// It did not say.
    Unsaid,
    /// `_total=none`
    None,
    /// `_total=estimate`
    Estimate,
    /// `_total=accurate`
    Accurate,
}

/// One search over one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The type searched.
    pub kind: ResourceType,
    /// All of these must be met.
    pub filters: Vec<Filter>,
    /// From `_id`: only these; an empty list matches nothing, and `None` asks nothing of the id.
    pub ids: Option<Vec<Id>>,
    /// Sorted by the first, then the next.
    pub sort: Vec<SortKey>,
    /// Rows wanted on a page, at most [`COUNT_MAX`]; zero asks for the total alone.
    pub count: Option<u32>,
    /// What matches refer to and is wanted as well.
    pub includes: Vec<Include>,
    /// What refers to matches and is wanted as well.
    pub revincludes: Vec<Include>,
    /// Whether a total is wanted.
    pub total: Total,
    /// Names of parameters that were left out, to be named in an outcome entry.
    pub ignored: Vec<String>,
    /// The parameters in force, as they were written, in their order: for the self link.
    pub self_pairs: Vec<(String, String)>,
    /// The address of the service the query was asked of; its own absolute references count as local.
    pub base: String,
}

/// Parameters that would look at other records, or at text: what they are told instead.
const NEVER: &[(&str, &str)] = &[
    ("_has", "search the records themselves"),
    ("_filter", "use search parameters"),
    ("_query", "use search parameters"),
    ("_list", "use search parameters"),
    ("_contained", "contained resources are not searched"),
    ("_containedType", "contained resources are not searched"),
];

/// R4's filters that begin with an underscore and that we do not have: not known, yet no mere matter of shape.
const FILTERS: &[&str] = &[
    "_text",
    "_content",
    "_source",
    "_security",
    "_tag",
    "_profile",
    "_type",
    "_language",
    "_in",
    "_id",
    "_lastUpdated",
];

impl Query {
    /// Reads the pairs of a query string or form (decoded) for a search over `kind` on the service at `base`, whose own
    /// absolute references count as local (no slash at its end).
    pub fn parse(
        kind: ResourceType,
        pairs: &[(String, String)],
        handling: Handling,
        base: &str,
    ) -> Result<Query, QueryFault> {
        if parameters(kind).is_empty() {
            return Err(QueryFault::NotSearchable(kind));
        }
        if pairs.len() > PARAMETERS_MAX {
            return Err(QueryFault::TooManyParameters);
        }
        if pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > SEARCH_BYTES_MAX {
            return Err(QueryFault::TooLongAltogether);
        }
        let mut query = Query::everything(kind, base);
        for (name, value) in pairs {
            match query.add(name, value) {
                Ok(()) => query.self_pairs.push((name.clone(), value.clone())),
                Err(Unmet::Shape) => query.ignored.push(name.clone()),
                Err(Unmet::Filter(_)) if handling == Handling::Lenient => query.ignored.push(name.clone()),
                Err(Unmet::Filter(fault) | Unmet::Always(fault)) => return Err(fault),
            }
        }
        Ok(query)
    }

    /// A search that asks nothing: every record of the type.
    pub fn everything(kind: ResourceType, base: &str) -> Query {
        Query {
            kind,
            filters: Vec::new(),
            ids: None,
            sort: Vec::new(),
            count: None,
            includes: Vec::new(),
            revincludes: Vec::new(),
            total: Total::Unsaid,
            ignored: Vec::new(),
            self_pairs: Vec::new(),
            base: base.to_string(),
        }
    }

    /// The address of this search with the parameters in force.
    pub fn self_url(&self) -> String {
        let mut url = format!("{}/{}", self.base, self.kind);
        for (at, (name, value)) in self.self_pairs.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, PLAIN));
            url.push('=');
            url.extend(utf8_percent_encode(value, PLAIN));
        }
        url
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), Unmet> {
        if !speakable(name) {
            return Err(Unmet::Always(QueryFault::BadName));
        }
        let (bare, modifier) = match name.split_once(':') {
            Some((bare, modifier)) => (bare, Some(modifier)),
            None => (name, None),
        };
        if let Some((_, instead)) = NEVER.iter().find(|(never, _)| *never == bare) {
            return Err(Unmet::Always(QueryFault::NeverAllowed { name: name.to_string(), instead }));
        }
        if name.contains('.') {
            let instead = "chained parameters ask about other records";
            return Err(Unmet::Always(QueryFault::NeverAllowed { name: name.to_string(), instead }));
        }
        match (bare, modifier) {
            ("_include", _) => self.include(name, value),
            ("_revinclude", _) => self.revinclude(name, value),
            ("_id", None) => self.id(name, value),
            ("_sort", None) => self.sort(value),
            ("_count", None) => self.count(value),
            ("_total", None) => self.total(value),
            ("_format", None) => format(value),
            ("_id" | "_sort" | "_count" | "_total" | "_format", Some(_)) => {
                Err(Unmet::Filter(QueryFault::UnknownModifier { name: name.to_string(), supported: Vec::new() }))
            }
            (_, modifier) => match parameter(self.kind, bare) {
                Some(parameter) => self.filter(name, parameter, modifier, value),
                None if bare.starts_with('_') && !FILTERS.contains(&bare) => Err(Unmet::Shape),
                None => Err(Unmet::Filter(self.unknown(name))),
            },
        }
    }

    fn unknown(&self, name: &str) -> QueryFault {
        let supported = parameters(self.kind).iter().chain(COMMON).map(|parameter| parameter.name).collect();
        QueryFault::UnknownParameter { name: name.to_string(), kind: self.kind, supported }
    }

    fn filter(
        &mut self,
        name: &str,
        parameter: &'static Parameter,
        modifier: Option<&str>,
        value: &str,
    ) -> Result<(), Unmet> {
        let modifier = match modifier {
            None => None,
            Some(text) => Some(parameter.modifier(text).ok_or_else(|| {
                let supported = parameter.modifiers();
                Unmet::Filter(QueryFault::UnknownModifier { name: name.to_string(), supported })
            })?),
        };
        let bad = |why| Unmet::Always(QueryFault::BadValue { name: name.to_string(), why });
        let read = |value: &str| Criterion::parse(parameter, modifier, value, &self.base).map_err(bad);
        let values = values(name, value)?.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if self.filters.iter().map(|filter| filter.values.len()).sum::<usize>() + values.len() > VALUES_MAX {
            return Err(Unmet::Always(QueryFault::TooManyValues(name.to_string())));
        }
        self.filters.push(Filter { parameter, modifier, values });
        Ok(())
    }

    fn id(&mut self, name: &str, value: &str) -> Result<(), Unmet> {
        // What is no id belongs to no resource: it matches nothing, as an id that does not exist matches nothing.
        let asked: Vec<Id> = values(name, value)?.into_iter().filter_map(|id| Id::parse(id).ok()).collect();
        self.ids = Some(match self.ids.take() {
            None => asked,
            Some(before) => before.into_iter().filter(|id| asked.contains(id)).collect(),
        });
        Ok(())
    }

    fn sort(&mut self, value: &str) -> Result<(), Unmet> {
        if !self.sort.is_empty() {
            return Err(Unmet::Always(QueryFault::Twice("_sort".to_string())));
        }
        let keys = values("_sort", value)?;
        if keys.len() > SORT_KEYS_MAX {
            return Err(Unmet::Always(QueryFault::TooManyValues("_sort".to_string())));
        }
        for key in keys {
            let (descending, name) = key.strip_prefix('-').map_or((false, key), |name| (true, name));
            let found = parameter(self.kind, name).filter(|found| SortKey::can(found));
            match found {
                Some(parameter) => self.sort.push(SortKey { parameter, descending }),
                None => {
                    self.sort.clear();
                    let all = parameters(self.kind).iter().chain(COMMON);
                    let supported = all.filter(|parameter| SortKey::can(parameter)).map(|one| one.name).collect();
                    return Err(Unmet::Filter(QueryFault::BadSort { supported }));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, value: &str) -> Result<(), Unmet> {
        if self.count.is_some() {
            return Err(Unmet::Always(QueryFault::Twice("_count".to_string())));
        }
        let digits = !value.is_empty() && value.len() <= 18 && value.bytes().all(|byte| byte.is_ascii_digit());
        let count = value.parse::<u64>().ok().filter(|_| digits);
        let bad = QueryFault::BadValue { name: "_count".to_string(), why: "is not a whole number from zero up" };
        let count = count.ok_or(Unmet::Always(bad))?;
        self.count = Some(u32::try_from(count).unwrap_or(COUNT_MAX).min(COUNT_MAX));
        Ok(())
    }

    fn total(&mut self, value: &str) -> Result<(), Unmet> {
        if self.total != Total::Unsaid {
            return Err(Unmet::Always(QueryFault::Twice("_total".to_string())));
        }
        self.total = match value {
            "none" => Total::None,
            "estimate" => Total::Estimate,
            "accurate" => Total::Accurate,
            _ => {
                let why = "is none, estimate or accurate";
                return Err(Unmet::Always(QueryFault::BadValue { name: "_total".to_string(), why }));
            }
        };
        Ok(())
    }

    fn include(&mut self, name: &str, value: &str) -> Result<(), Unmet> {
        let allowed = self.kind == ResourceType::MedicationRequest && value == "MedicationRequest:medication";
        if name != "_include" || !allowed {
            let instead = "only _include=MedicationRequest:medication, on MedicationRequest";
            return Err(Unmet::Always(QueryFault::NeverAllowed { name: name.to_string(), instead }));
        }
        if !self.includes.contains(&Include::MedicationRequestMedication) {
            self.includes.push(Include::MedicationRequestMedication);
        }
        Ok(())
    }

    fn revinclude(&mut self, name: &str, value: &str) -> Result<(), Unmet> {
        if name != "_revinclude" || value != "Provenance:target" {
            let instead = "only _revinclude=Provenance:target";
            return Err(Unmet::Always(QueryFault::NeverAllowed { name: name.to_string(), instead }));
        }
        if !self.revincludes.contains(&Include::ProvenanceTarget) {
            self.revincludes.push(Include::ProvenanceTarget);
        }
        Ok(())
    }
}

/// Why a pair is not in force.
enum Unmet {
    /// It would only have shaped the answer: left out, visibly.
    Shape,
    /// A filter, modifier or order that we do not have: by the handling.
    Filter(QueryFault),
    /// Refused whatever the handling.
    Always(QueryFault),
}

/// Characters that need no escape in a query string.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',')
    .remove(b'|');

/// Whether a parameter's name may be repeated to whoever sent it.
fn speakable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain)
}

/// The alternatives of one value, still escaped.
fn values<'a>(name: &str, value: &'a str) -> Result<Vec<&'a str>, Unmet> {
    let values: Vec<&str> = split(value, ',').take(VALUES_MAX + 1).collect();
    if values.len() > VALUES_MAX {
        return Err(Unmet::Always(QueryFault::TooManyValues(name.to_string())));
    }
    if values.iter().any(|value| value.len() > VALUE_BYTES_MAX) {
        return Err(Unmet::Always(QueryFault::TooLong(name.to_string())));
    }
    if value.chars().any(char::is_control) {
        let why = "has a control character, which nothing that is searched has";
        return Err(Unmet::Always(QueryFault::BadValue { name: name.to_string(), why }));
    }
    if values.iter().any(|value| value.is_empty()) {
        return Err(Unmet::Always(QueryFault::BadValue { name: name.to_string(), why: "is empty" }));
    }
    Ok(values)
}

/// The spellings of JSON that R4 lists, and the one that lost its plus in a form.
fn format(value: &str) -> Result<(), Unmet> {
    match value {
        "json" | "application/json" | "text/json" | "application/fhir+json" | "application/fhir json" => Ok(()),
        _ => Err(Unmet::Always(QueryFault::NotJson)),
    }
}
