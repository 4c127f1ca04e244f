//! One value of a search parameter, read and, for tests and links, written again.

use super::fold::fold;
use super::parameter::{Parameter, ParameterKind};
use super::query::Modifier;
use crate::{Id, Moment, Reference, ResourceType};
use std::fmt;

/// What a token says of the code system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SystemMatch {
    /// `code`: any or none.
    Any,
    /// `|code`: none.
    Absent,
    /// `system|…`: exactly this.
    Is(String),
}

/// How a date compares (R4, section 3.1.1.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// Within.
    Eq,
    /// Not within.
    Ne,
    /// Reaches later.
    Gt,
    /// Reaches earlier.
    Lt,
    /// Within or later.
    Ge,
    /// Within or earlier.
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Near: overlaps, the range having been widened when it was read.
    Ap,
}

impl Prefix {
    /// Every prefix.
    pub const ALL: [Prefix; 9] =
        [Prefix::Eq, Prefix::Ne, Prefix::Gt, Prefix::Lt, Prefix::Ge, Prefix::Le, Prefix::Sa, Prefix::Eb, Prefix::Ap];

    /// The two letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Prefix::Eq => "eq",
            Prefix::Ne => "ne",
            Prefix::Gt => "gt",
            Prefix::Lt => "lt",
            Prefix::Ge => "ge",
            Prefix::Le => "le",
            Prefix::Sa => "sa",
            Prefix::Eb => "eb",
            Prefix::Ap => "ap",
        }
    }

    /// Whether a resource's range stands to the range asked for as this prefix says; all ends are inclusive.
    pub fn holds(self, (low, high): (i64, i64), (asked_low, asked_high): (i64, i64)) -> bool {
        let within = asked_low <= low && high <= asked_high;
        match self {
            Prefix::Eq => within,
            Prefix::Ne => !within,
            Prefix::Gt => high > asked_high,
            Prefix::Lt => low < asked_low,
            Prefix::Ge => within || high > asked_high,
            Prefix::Le => within || low < asked_low,
            Prefix::Sa => low > asked_high,
            Prefix::Eb => high < asked_low,
            Prefix::Ap => low <= asked_high && asked_low <= high,
        }
    }
}

/// One value asked for; several of one parameter are alternatives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Criterion {
    /// `system|code`; `code` is `None` for `system|`. At least one of the two says something.
    Token {
        /// What is asked of the system.
        system: SystemMatch,
        /// The code.
        code: Option<String>,
    },
    /// Text, as it was written and as it is compared.
    Text {
        /// Folded; never empty.
        folded: String,
        /// As written.
        exact: String,
    },
    /// A date, in microseconds UTC, both ends inclusive.
    Date {
        /// How to compare.
        prefix: Prefix,
        /// The first microsecond.
        low: i64,
        /// The last.
        high: i64,
    },
    /// A reference; without a type, to any of the parameter's targets.
    Reference {
        /// The type.
        kind: Option<ResourceType>,
        /// The id.
        id: Id,
    },
}

impl Criterion {
    /// Reads one value (no longer escaped for commas, still for pipes); the error says how it must be written.
    pub(crate) fn parse(
        parameter: &Parameter,
        modifier: Option<Modifier>,
        value: &str,
        base: &str,
    ) -> Result<Criterion, &'static str> {
        match parameter.kind {
            ParameterKind::Token => token(value),
            ParameterKind::String => {
                let exact = unescape(value)?;
                let folded = fold(&exact);
                if folded.is_empty() { Err("has no text") } else { Ok(Criterion::Text { folded, exact }) }
            }
            ParameterKind::Date => date(value),
            ParameterKind::Reference => reference(parameter, modifier, &unescape(value)?, base),
        }
    }
}

/// As a query string writes it before percent-encoding; dates that were partial come out to the microsecond.
impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Criterion::Token { system, code } => {
                match system {
                    SystemMatch::Any => {}
                    SystemMatch::Absent => f.write_str("|")?,
                    SystemMatch::Is(system) => write!(f, "{}|", escape(system))?,
                }
                f.write_str(&escape(code.as_deref().unwrap_or_default()))
            }
            Criterion::Text { exact, .. } => f.write_str(&escape(exact)),
            Criterion::Date { prefix, low, high } => write!(f, "{}[{low},{high}]", prefix.as_str()),
            Criterion::Reference { kind: Some(kind), id } => write!(f, "{kind}/{id}"),
            Criterion::Reference { kind: None, id } => write!(f, "{id}"),
        }
    }
}

fn token(value: &str) -> Result<Criterion, &'static str> {
    let parts: Vec<&str> = split(value, '|').collect();
    let (system, code) = match parts.as_slice() {
        [code] => (SystemMatch::Any, unescape(code)?),
        ["", code] => (SystemMatch::Absent, unescape(code)?),
        [system, code] => (SystemMatch::Is(unescape(system)?), unescape(code)?),
        _ => return Err("has more than one pipe; a pipe inside a value is written \\|"),
    };
    let code = Some(code).filter(|code| !code.is_empty());
    match (&system, &code) {
        (SystemMatch::Any | SystemMatch::Absent, None) => Err("has neither a system nor a code"),
        (SystemMatch::Is(_), None) | (_, Some(_)) => Ok(Criterion::Token { system, code }),
    }
}

fn date(value: &str) -> Result<Criterion, &'static str> {
    let prefixed = Prefix::ALL.iter().find_map(|prefix| Some((*prefix, value.strip_prefix(prefix.as_str())?)));
    let (prefix, text) = prefixed.unwrap_or((Prefix::Eq, value));
    let moment = Moment::parse_search(text).map_err(|_| {
        "is not a date: an optional eq, ne, gt, lt, ge, le, sa, eb or ap, then YYYY, YYYY-MM, YYYY-MM-DD or a time with its zone"
    })?;
    let (mut low, mut high) = moment.range();
    if prefix == Prefix::Ap {
        // R4 leaves "near" to the server and suggests a share of the distance from now. We have no now: as much again on
        // either side as was written, and a day at least.
        const DAY: i64 = 86_400_000_000;
        let widened = (high - low).max(DAY);
        (low, high) = (low.saturating_sub(widened), high.saturating_add(widened));
    }
    Ok(Criterion::Date { prefix, low, high })
}

fn reference(
    parameter: &Parameter,
    modifier: Option<Modifier>,
    value: &str,
    base: &str,
) -> Result<Criterion, &'static str> {
    let asked = match (modifier, parameter.targets) {
        (Some(Modifier::Type(kind)), _) => Some(kind),
        (Some(Modifier::Exact | Modifier::Contains) | None, [only]) => Some(*only),
        (Some(Modifier::Exact | Modifier::Contains) | None, _) => None,
    };
    if let Ok(id) = Id::parse(value) {
        return Ok(Criterion::Reference { kind: asked, id });
    }
    match Reference::parse_at(value, base) {
        Reference::Local { kind, id, version: None } if asked.is_none_or(|asked| asked == kind) => {
            Ok(Criterion::Reference { kind: Some(kind), id })
        }
        Reference::Local { version: Some(_), .. } => Err("names a version; references are searched without one"),
        Reference::Local { .. } => Err("refers to a type that this parameter never refers to"),
        Reference::Absolute { .. } => Err("refers to another server"),
        Reference::Fragment(_) | Reference::Urn(_) | Reference::Conditional { .. } | Reference::Unreadable => {
            Err("is not a reference: an id, Type/id, or an address on this server")
        }
    }
}

/// Splits at a mark that no backslash escapes; the parts stay escaped.
pub(crate) fn split(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |letter| {
        let here = letter == mark && !escaped;
        escaped = letter == '\\' && !escaped;
        here
    })
}

/// Takes the escapes out: `\,` `\|` `\$` `\\` and no others (R4, section 3.1.1.4.20).
fn unescape(text: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(mark @ (',' | '|' | '$' | '\\')) => out.push(mark),
                Some(_) | None => return Err("has a backslash that escapes neither comma, pipe, dollar nor backslash"),
            },
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Puts the escapes in.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ',' | '|' | '$' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
