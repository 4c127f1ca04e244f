//! By what a resource can be found: the terms of every parameter of its type.
//!
//! What cannot be read gives no term: a date that is none, a reference to another server, a code without a code.

use super::fold::fold;
use super::parameter::{Only, Parameter, ParameterKind};
use super::parameters::{parameters, searchable};
use crate::element::{each, walk};
use crate::{Coding, ElementPath, Id, Moment, Reference, Resource, ResourceType};
use json::{Kind, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One entry of a search index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// A code, identifier, contact or truth.
    Token {
        /// The parameter's name.
        param: &'static str,
        /// The system, when there is one.
        system: Option<String>,
        /// The code.
        code: String,
    },
    /// A text.
    Text {
        /// The parameter's name.
        param: &'static str,
        /// As searches compare it.
        folded: String,
        /// As it was written.
        exact: String,
    },
    /// A stretch of time in microseconds UTC, both ends inclusive; an open end is the last there is.
    Date {
        /// The parameter's name.
        param: &'static str,
        /// The first microsecond.
        low: i64,
        /// The last.
        high: i64,
    },
    /// A reference to a resource on the same server.
    Reference {
        /// The parameter's name.
        param: &'static str,
        /// The target's type.
        kind: ResourceType,
        /// The target's id.
        id: Id,
    },
}

impl Term {
    /// The name of the parameter it answers.
    pub fn param(&self) -> &'static str {
        match self {
            Term::Token { param, .. }
            | Term::Text { param, .. }
            | Term::Date { param, .. }
            | Term::Reference { param, .. } => param,
        }
    }
}

/// Every term of a resource, each once; `_id` and `_lastUpdated` are not among them.
pub fn terms(resource: &Resource<'_>) -> Vec<Term> {
    let all = parameters(resource.kind()).iter();
    let mut terms: Vec<Term> = all.flat_map(|parameter| terms_of(resource, parameter, "")).collect();
    terms.sort();
    terms.dedup();
    terms
}

/// The terms of one parameter, of a resource held by the server at `base`, whose own absolute references count as local.
pub(crate) fn terms_of(resource: &Resource<'_>, parameter: &'static Parameter, base: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    for path in parameter.paths {
        let Some(path) = PATHS.get(path).filter(|path| path.kind() == resource.kind()) else { continue };
        for value in walk(resource.value(), path) {
            if let Some(value) = counts(value, parameter.only) {
                add(&mut terms, parameter, path, value, base);
            }
        }
    }
    terms
}

/// The paths of the whole table, checked once. A test holds every row to having its path here.
static PATHS: LazyLock<HashMap<&'static str, ElementPath>> = LazyLock::new(|| {
    let all = searchable().flat_map(parameters).flat_map(|parameter| parameter.paths);
    all.filter_map(|path| Some((*path, ElementPath::check(path).ok()?))).collect()
});

fn counts(value: Value<'_>, only: Only) -> Option<Value<'_>> {
    match only {
        Only::All => Some(value),
        Only::System(system) => value.get("system")?.is(system).then_some(value),
        Only::Extension(url) => value.get("url")?.is(url).then(|| value.get("valueDateTime"))?,
    }
}

fn add(terms: &mut Vec<Term>, parameter: &'static Parameter, path: &ElementPath, value: Value<'_>, base: &str) {
    match parameter.kind {
        ParameterKind::Token => tokens(terms, parameter, path, value),
        ParameterKind::String => texts(terms, parameter.name, value),
        ParameterKind::Date => {
            if let Some((low, high)) = range(value) {
                terms.push(Term::Date { param: parameter.name, low, high });
            }
        }
        ParameterKind::Reference => {
            let text = value.get("reference").and_then(Value::text);
            let read = text.map(|text| Reference::parse_at(&text, base));
            if let Some((kind, id)) = read.as_ref().and_then(Reference::local)
                && parameter.targets.contains(&kind)
            {
                terms.push(Term::Reference { param: parameter.name, kind, id: id.clone() });
            }
        }
    }
}

fn tokens(terms: &mut Vec<Term>, parameter: &Parameter, path: &ElementPath, value: Value<'_>) {
    let param = parameter.name;
    let mut push = |system: Option<String>, code: String| {
        if !code.is_empty() {
            terms.push(Term::Token { param, system, code });
        }
    };
    match value.kind() {
        Kind::String => {
            let code = value.text().unwrap_or_default().into_owned();
            push(parameter.implied.map(str::to_string), code);
        }
        Kind::Bool => push(None, if value.boolean() == Some(true) { "true" } else { "false" }.to_string()),
        Kind::Object => {
            if let Some(codings) = value.get("coding") {
                for coding in each(codings).map(Coding::of) {
                    push(coding.system.map(Into::into), coding.code.unwrap_or_default().into_owned());
                }
            } else if let Some(code) = value.get("code").and_then(Value::text) {
                push(Coding::of(value).system.map(Into::into), code.into_owned());
            } else if let Some(code) = value.get("value").and_then(Value::text) {
                // A contact's system says phone or email; it is no namespace.
                let contact = path.steps().last().is_some_and(|step| step.as_str() == "telecom");
                push(Coding::of(value).system.filter(|_| !contact).map(Into::into), code.into_owned());
            }
        }
        Kind::Null | Kind::Number | Kind::Array => {}
    }
}

/// The parts of a HumanName or Address that a search by text reads (R4, section 3.1.1.4.8).
const PARTS: [&str; 11] =
    ["text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country"];

fn texts(terms: &mut Vec<Term>, param: &'static str, value: Value<'_>) {
    let mut push = |exact: String| {
        let folded = fold(&exact);
        if !folded.is_empty() {
            terms.push(Term::Text { param, folded, exact });
        }
    };
    if let Some(text) = value.text() {
        return push(text.into_owned());
    }
    let part = |name: &str| {
        let values = value.get(name).into_iter().flat_map(each).filter_map(Value::text);
        values.map(|text| text.into_owned()).collect::<Vec<_>>()
    };
    PARTS.iter().flat_map(|name| part(name)).for_each(&mut push);
    // People also type a whole name, either way round.
    let (given, family) = (part("given").join(" "), part("family").join(" "));
    if !given.is_empty() && !family.is_empty() {
        push(format!("{given} {family}"));
        push(format!("{family} {given}"));
        push(format!("{family}, {given}"));
    }
}

/// The stretch that a date, Period or Timing covers.
fn range(value: Value<'_>) -> Option<(i64, i64)> {
    let moment = |value: Value<'_>| Some(Moment::parse(&value.text()?).ok()?.range());
    if value.kind() == Kind::String {
        return moment(value);
    }
    let limit = |name: &str| value.get(name).map(moment);
    // A limit that is there but cannot be read makes the whole unreadable; one that is not there is open.
    match (limit("start"), limit("end")) {
        (Some(start), Some(end)) => return Some((start?.0, end?.1)),
        (Some(start), None) => return Some((start?.0, i64::MAX)),
        (None, Some(end)) => return Some((i64::MIN, end?.1)),
        (None, None) => {}
    }
    let events: Vec<(i64, i64)> = value.get("event").into_iter().flat_map(each).filter_map(moment).collect();
    match (events.iter().map(|event| event.0).min(), events.iter().map(|event| event.1).max()) {
        (Some(low), Some(high)) => Some((low, high)),
        (None, _) | (_, None) => value.get("repeat")?.get("boundsPeriod").and_then(range),
    }
}
