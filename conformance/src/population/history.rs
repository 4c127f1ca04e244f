//! Social history: smoking, occupation, sexual orientation, pregnancy and the wish for it.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{LOINC, NULL_FLAVOR, OBSERVATION_CATEGORY, SNOMED, absent, concept, set};
use super::encounters::Visit;

const SMOKING: [(&str, &str); 4] = [
    ("266919005", "Never smoked tobacco"),
    ("8517006", "Ex-smoker"),
    ("449868002", "Smokes tobacco daily"),
    ("428041000124106", "Occasional tobacco smoker"),
];

const ORIENTATION: [(&str, &str); 5] = [
    ("20430005", "Heterosexual"),
    ("20430005", "Heterosexual"),
    ("20430005", "Heterosexual"),
    ("38628009", "Homosexual"),
    ("42035005", "Bisexual"),
];

/// Occupation and industry (Occupational Data for Health).
const OCCUPATION: (&str, &str) = ("31-1014.00.007136", "Certified Nursing Assistant (CNA) [Nursing Assistants]");
const INDUSTRY: (&str, &str) = ("621610.008495", "Home nursing services");
const ODH: &str = "http://terminology.hl7.org/CodeSystem/PHOccupationalDataForHealthODH";

const TRADES: [&str; 6] = ["Baker", "Bus driver", "Carpenter", "Librarian", "Shop assistant", "Teacher"];

pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.last() else { return };
    if chart.facts.years() < 13 {
        return;
    }
    smoking(chart, visit);
    if !chart.facts.is_adult() {
        return;
    }
    occupation(chart);
    orientation(chart, visit);
    if chart.facts.may_be_pregnant() {
        pregnancy(chart, visit);
    }
}

fn smoking(chart: &mut Chart, visit: &Visit) {
    let (code, display) = *chart.facts.dice.pick(&SMOKING);
    let value = concept(SNOMED, code, display);
    let body = base(chart, ("72166-2", "Tobacco smoking status"), &visit.at(10), value);
    add(chart, "us-core-smokingstatus", "Tobacco smoking status", body);
}

fn occupation(chart: &mut Chart) {
    let start = chart.facts.ago(3_000).date();
    let (value, industry) = match chart.facts.index % 3 {
        0 => (concept(ODH, OCCUPATION.0, OCCUPATION.1), concept(ODH, INDUSTRY.0, INDUSTRY.1)),
        1 => (json!({ "text": *chart.facts.dice.pick(&TRADES) }), absent("asked-unknown")),
        _ => (absent("asked-declined"), absent("asked-declined")),
    };
    let mut body = base(chart, ("11341-5", "History of Occupation"), &start, value);
    if let Value::Object(members) = &mut body {
        members.remove("effectiveDateTime");
    }
    set(&mut body, "effectivePeriod", json!({ "start": start }));
    let code = concept(LOINC, "86188-0", "History of Occupation Industry");
    set(&mut body, "component", json!([{ "code": code, "valueCodeableConcept": industry }]));
    add(chart, "us-core-observation-occupation", "Occupation", body);
}

fn orientation(chart: &mut Chart, visit: &Visit) {
    let value = if chart.facts.index % 6 == 4 {
        concept(NULL_FLAVOR, "ASKU", "asked but unknown")
    } else {
        let (code, display) = *chart.facts.dice.pick(&ORIENTATION);
        concept(SNOMED, code, display)
    };
    let body = base(chart, ("76690-7", "Sexual orientation"), &visit.at(12), value);
    add(chart, "us-core-observation-sexual-orientation", "Sexual orientation", body);
}

fn pregnancy(chart: &mut Chart, visit: &Visit) {
    let status = if chart.facts.index.is_multiple_of(2) {
        concept(SNOMED, "77386006", "Pregnant")
    } else {
        concept(SNOMED, "60001007", "Not pregnant")
    };
    let body = base(chart, ("82810-3", "Pregnancy status"), &visit.at(14), status);
    add(chart, "us-core-observation-pregnancystatus", "Pregnancy status", body);
    let wish = concept(SNOMED, "454381000124105", "Not sure of desire to become pregnant");
    let code = ("86645-9", "Pregnancy intention in the next year - Reported");
    let body = base(chart, code, &visit.at(15), wish);
    add(chart, "us-core-observation-pregnancyintent", "Pregnancy intention", body);
}

fn base(chart: &Chart, code: (&str, &str), when: &str, value: Value) -> Value {
    json!({
        "status": "final",
        "category": [concept(OBSERVATION_CATEGORY, "social-history", "Social History")],
        "code": concept(LOINC, code.0, code.1),
        "subject": chart.subject(),
        "effectiveDateTime": when,
        "performer": [{ "reference": format!("Practitioner/{}", chart.facts.seen_by) }],
        "valueCodeableConcept": value,
    })
}

fn add(chart: &mut Chart, profile: &str, summary: &str, body: Value) {
    chart.add(&Entry { kind: "Observation", tag: "social", profile: Some(profile), summary }, body);
}
