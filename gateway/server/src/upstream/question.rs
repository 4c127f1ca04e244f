//! A search as the server behind us is asked it: each parameter written anew from what was read, and narrowed to the
//! permit's patients.
//!
//! What is asked is never narrower than the query, because [`fhir::search::matches`] holds every row against the query
//! once more: dates are widened to days, texts are asked by their first word, and what R4 does not define is left out.

use super::wire::down;
use fhir::search::{Criterion, Filter, Include, Modifier, Parameter, Prefix, Query};
use fhir::{Id, Instant, ResourceType, subject};
use privacy::faults::{self, Bug};
use privacy::scope::Constraint;
use privacy::{Kind, Refusal, Subject};
use std::collections::BTreeSet;

/// A day in microseconds: zones differ by less, and servers read dates without a zone in their own.
const DAY: i64 = 86_400_000_000;
/// The microseconds whose year has four digits from 1 on: 0001-01-01 to 9999-12-31.
const YEARS: std::ops::Range<i64> = -62_135_596_800_000_000..253_402_300_800_000_000;

type Pairs = Vec<(String, String)>;

/// The parameters of the question; `None` where nothing can match.
pub(super) fn pairs(query: &Query, subject: &Subject, count: usize) -> Result<Option<Pairs>, Refusal> {
    let Some(mut pairs) = narrowed(query, subject)? else { return Ok(None) };
    for filter in &query.filters {
        pairs.extend(asked(filter));
    }
    if !query.sort.is_empty() {
        pairs.push(("_sort".to_owned(), sort(query)?));
    }
    for include in &query.includes {
        match include {
            Include::MedicationRequestMedication => pairs.push(pair("_include", "MedicationRequest:medication")),
            Include::ProvenanceTarget => return Err(down("an include that is a reverse include")),
        }
    }
    for include in &query.revincludes {
        match include {
            Include::ProvenanceTarget => pairs.push(pair("_revinclude", "Provenance:target")),
            Include::MedicationRequestMedication => return Err(down("a reverse include that is an include")),
        }
    }
    pairs.push(("_count".to_owned(), count.to_string()));
    Ok(Some(pairs))
}

/// What narrows a search to the parts of its type that granular scopes reach, where parameters can say it: one part, or
/// several that ask for the same parameter alone.
pub(super) fn narrowing(parts: &[&Constraint]) -> Pairs {
    if let [only] = parts {
        return only.filters().iter().flat_map(asked).collect();
    }
    let mut union: Option<Filter> = None;
    for part in parts {
        match (part.filters(), &mut union) {
            ([one], None) => union = Some(one.clone()),
            ([one], Some(all)) if one.parameter.name == all.parameter.name => all.values.extend(one.values.clone()),
            (_, _) => return Vec::new(),
        }
    }
    union.iter().flat_map(asked).collect()
}

/// Whether every match must be about one of the patients.
pub(super) fn is_personal(kind: ResourceType) -> bool {
    kind == ResourceType::Patient || subject::element(kind).is_some()
}

/// A pair of a name and a value.
pub(super) fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// References to these, as alternatives.
pub(super) fn references<'a>(kind: ResourceType, ids: impl IntoIterator<Item = &'a Id>) -> String {
    ids.into_iter().map(|id| format!("{kind}/{id}")).collect::<Vec<_>>().join(",")
}

/// Ids, as alternatives.
pub(super) fn ids<'a>(ids: impl IntoIterator<Item = &'a Id>) -> String {
    ids.into_iter().map(Id::as_str).collect::<Vec<_>>().join(",")
}

/// References to, or ids of, the patients that records of a type must be about; no pair where that is everyone.
pub(super) fn about(kind: ResourceType, subject: &Subject) -> Option<(String, String)> {
    let patients = subject.patients();
    match (subject.is_everyone(), kind) {
        (true, _) => None,
        (false, ResourceType::Patient) => Some(pair("_id", ids(patients))),
        // Every other such type has R4's parameter `patient`, whatever its element is called.
        (false, _) => Some(pair("patient", references(ResourceType::Patient, patients))),
    }
}

fn narrowed(query: &Query, subject: &Subject) -> Result<Option<Pairs>, Refusal> {
    let patients = subject.patients();
    let mut wanted: Option<BTreeSet<&Id>> = query.ids.as_ref().map(|ids| ids.iter().collect());
    if faults::seeded(Bug::EmptyMeansAll) && patients.is_empty() {
        return Ok(Some(wanted.map(|wanted| pair("_id", ids(wanted))).into_iter().collect()));
    }
    if query.kind == ResourceType::Patient && !subject.is_everyone() {
        let own: BTreeSet<&Id> = patients.iter().collect();
        wanted = Some(wanted.map_or(own.clone(), |wanted| wanted.intersection(&own).copied().collect()));
    }
    if subject.is_nobody() || wanted.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(None);
    }
    let mut pairs = Vec::new();
    let by_id = wanted.is_some();
    if let Some(wanted) = wanted {
        pairs.push(("_id".to_owned(), ids(wanted)));
    }
    if subject::element(query.kind).is_some() {
        pairs.extend(about(query.kind, subject));
    }
    let by_target = query.filters.iter().any(|filter| matches!(filter.parameter.name, "target" | "patient"));
    if query.kind == ResourceType::Provenance && !by_id && !by_target {
        return Err(Refusal::new(Kind::TooCostly, "Search Provenance by target, patient or _id.").at("target"));
    }
    Ok(Some(pairs))
}

fn sort(query: &Query) -> Result<String, Refusal> {
    let mut keys = Vec::new();
    for key in &query.sort {
        if !is_r4(key.parameter) {
            let refusal = Refusal::new(Kind::Invalid, "The record server cannot sort by a parameter of US Core alone.");
            return Err(refusal.at("_sort"));
        }
        keys.push(format!("{}{}", if key.descending { "-" } else { "" }, key.parameter.name));
    }
    Ok(keys.join(","))
}

/// Whether R4 itself defines the parameter, so that any server may be expected to have it.
fn is_r4(parameter: &Parameter) -> bool {
    !parameter.definition().starts_with("http://hl7.org/fhir/us/core")
}

/// One filter: no pair where the server could not be asked it without losing rows, two for a stretch of time.
fn asked(filter: &Filter) -> Pairs {
    let name = filter.parameter.name;
    if !is_r4(filter.parameter) || matches!(filter.modifier, Some(Modifier::Contains)) {
        return Vec::new();
    }
    let mut alternatives = Vec::new();
    let mut stretch = Stretch { from: Some(i64::MAX), until: Some(i64::MIN) };
    let mut is_date = false;
    for value in &filter.values {
        match value {
            Criterion::Date { prefix, low, high } => {
                is_date = true;
                stretch = stretch.with(&Stretch::of(*prefix, *low, *high));
            }
            Criterion::Text { exact, .. } => match first_word(exact) {
                Some(word) => alternatives.push(word.to_owned()),
                None => return Vec::new(),
            },
            Criterion::Token { .. } | Criterion::Reference { .. } => alternatives.push(value.to_string()),
        }
    }
    if is_date { stretch.pairs(name) } else { vec![pair(name, alternatives.join(","))] }
}

/// The first word of a text, up to the first mark: servers index names and addresses in parts, each from its beginning.
fn first_word(text: &str) -> Option<&str> {
    text.split(|letter: char| !letter.is_alphanumeric()).next().filter(|word| !word.is_empty())
}

/// A stretch of time that holds, or touches, whatever a date criterion lets through; an end may be open.
struct Stretch {
    from: Option<i64>,
    until: Option<i64>,
}

impl Stretch {
    fn of(prefix: Prefix, low: i64, high: i64) -> Stretch {
        match prefix {
            Prefix::Eq | Prefix::Ap => Stretch { from: Some(low), until: Some(high) },
            Prefix::Ne => Stretch { from: None, until: None },
            Prefix::Gt | Prefix::Sa => Stretch { from: Some(high), until: None },
            Prefix::Ge => Stretch { from: Some(low), until: None },
            Prefix::Lt | Prefix::Eb => Stretch { from: None, until: Some(low) },
            Prefix::Le => Stretch { from: None, until: Some(high) },
        }
    }

    /// The shortest stretch around both.
    fn with(&self, other: &Stretch) -> Stretch {
        Stretch {
            from: self.from.zip(other.from).map(|(one, other)| one.min(other)),
            until: self.until.zip(other.until).map(|(one, other)| one.max(other)),
        }
    }

    fn pairs(&self, name: &str) -> Pairs {
        let day = |prefix: &str, at: i64| {
            let day = Instant::from_micros(at).to_string();
            YEARS.contains(&at).then(|| Some(pair(name, format!("{prefix}{}", day.get(..10)?)))).flatten()
        };
        let from = self.from.and_then(|at| day("ge", at.saturating_sub(DAY)));
        let until = self.until.and_then(|at| day("le", at.saturating_add(DAY)));
        from.into_iter().chain(until).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use fhir::search::Handling;

    fn id(text: &str) -> Id {
        Id::parse(text).unwrap()
    }

    fn written(kind: ResourceType, asked: &[(&str, &str)]) -> Option<String> {
        let asked: Vec<(String, String)> = asked.iter().map(|(name, value)| pair(name, *value)).collect();
        let query = Query::parse(kind, &asked, Handling::Strict, "https://here/fhir").unwrap();
        let pairs = pairs(&query, &Subject::Patients(vec![id("p1"), id("p2")]), 50).unwrap()?;
        Some(pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
    }

    #[test]
    fn every_question_is_narrowed_to_the_patients() {
        for kind in fhir::search::searchable() {
            let Some(_) = subject::element(kind) else { continue };
            let written = written(kind, &[]).unwrap();
            assert_eq!(written, "patient=Patient/p1,Patient/p2&_count=50", "{kind}");
            assert!(fhir::search::parameter(kind, "patient").is_some(), "{kind}");
        }
        assert_eq!(written(ResourceType::Patient, &[]).unwrap(), "_id=p1,p2&_count=50");
        assert_eq!(written(ResourceType::Patient, &[("_id", "p2,p3")]).unwrap(), "_id=p2&_count=50");
        assert_eq!(written(ResourceType::Patient, &[("_id", "p3")]), None);
        assert_eq!(written(ResourceType::Observation, &[("_id", "a_b")]), None);
    }

    #[test]
    fn nobody_in_context_asks_nothing() {
        let query = Query::everything(ResourceType::Observation, "https://here/fhir");
        for nobody in [Subject::Nobody, Subject::Patients(Vec::new())] {
            assert!(pairs(&query, &nobody, 50).unwrap().is_none());
        }
    }

    #[test]
    fn everyone_is_asked_about_without_narrowing_and_only_where_that_is_said() {
        for kind in [ResourceType::Observation, ResourceType::Patient] {
            let query = Query::everything(kind, "https://here/fhir");
            let asked = pairs(&query, &Subject::Everyone, 50).unwrap();
            assert_eq!(asked, Some(vec![pair("_count", "50")]), "{kind}");
        }
    }

    #[test]
    fn the_callers_own_narrowing_stands_beside_ours() {
        let written = written(ResourceType::Observation, &[("patient", "p9"), ("code", "http://loinc.org|2339-0,x")]);
        let expected = "patient=Patient/p1,Patient/p2&patient=Patient/p9&code=http://loinc.org|2339-0,x&_count=50";
        assert_eq!(written.unwrap(), expected);
    }

    #[test]
    fn dates_are_asked_by_days_with_a_day_to_spare() {
        let date = |value: &str| {
            let written = written(ResourceType::Encounter, &[("date", value)]).unwrap();
            written.replace("patient=Patient/p1,Patient/p2", "").replace("&_count=50", "")
        };
        assert_eq!(date("2020-03-01"), "&date=ge2020-02-29&date=le2020-03-02");
        assert_eq!(date("ge2020"), "&date=ge2019-12-31");
        assert_eq!(date("gt2020"), "&date=ge2020-12-30");
        assert_eq!(date("lt2020-01-01T12:00:00Z"), "&date=le2020-01-02");
        assert_eq!(date("ne2020"), "");
        assert_eq!(date("2020,2022"), "&date=ge2019-12-31&date=le2023-01-01");
        assert_eq!(date("lt2020,gt2022"), "");
    }

    #[test]
    fn texts_are_asked_by_their_first_word_and_us_cores_own_not_at_all() {
        let name = |name: &str, value: &str| written(ResourceType::Patient, &[(name, value)]).unwrap();
        assert_eq!(name("name", "John Smith"), "_id=p1,p2&name=John&_count=50");
        assert_eq!(name("name:exact", "O'Hara"), "_id=p1,p2&name=O&_count=50");
        assert_eq!(name("name:contains", "mit"), "_id=p1,p2&_count=50");
        assert_eq!(name("name", "-x"), "_id=p1,p2&_count=50");
        let role = written(ResourceType::CareTeam, &[("role", "x")]).unwrap();
        assert_eq!(role, "patient=Patient/p1,Patient/p2&_count=50");
    }

    #[test]
    fn order_and_companions_are_passed_on() {
        let asked = [
            ("_sort", "-authoredon,_id"),
            ("_include", "MedicationRequest:medication"),
            ("_revinclude", "Provenance:target"),
        ];
        let written = written(ResourceType::MedicationRequest, &asked).unwrap();
        let expected =
            "&_sort=-authoredon,_id&_include=MedicationRequest:medication&_revinclude=Provenance:target&_count=50";
        assert!(written.ends_with(expected), "{written}");
    }

    #[test]
    fn parts_of_a_type_are_asked_for_where_parameters_can_say_so() {
        let narrowing = |parts: &[&str]| {
            let read = |part: &&str| Constraint::parse(ResourceType::Observation, part).unwrap();
            let parts: Vec<Constraint> = parts.iter().map(read).collect();
            let pairs = super::narrowing(&parts.iter().collect::<Vec<_>>());
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(narrowing(&["category=http://c|labs&status=final"]), "category=http://c|labs&status=final");
        assert_eq!(narrowing(&["category=http://c|labs", "category=a,b"]), "category=http://c|labs,a,b");
        assert_eq!(narrowing(&["category=labs", "status=final"]), "");
        assert_eq!(narrowing(&["category=labs", "category=a&status=final"]), "");
    }

    #[test]
    fn provenance_is_never_walked_as_a_whole() {
        let all = Query::everything(ResourceType::Provenance, "https://here/fhir");
        assert_eq!(pairs(&all, &Subject::Patient(id("p1")), 50).unwrap_err().kind(), Kind::TooCostly);
        assert_eq!(
            written(ResourceType::Provenance, &[("target", "Observation/1")]).unwrap(),
            "target=Observation/1&_count=50"
        );
    }
}
