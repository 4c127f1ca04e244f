//! Reports that people write: an electrocardiogram and a chest radiograph, with their findings.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{LOINC, OBSERVATION_CATEGORY, SNOMED, absent, base64, concept, quantity, set};
use super::encounters::Visit;

const RESULT: &str = "us-core-observation-clinical-result";

pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.first() else { return };
    if !chart.facts.is_adult() {
        return;
    }
    if chart.facts.index.is_multiple_of(2) {
        electrocardiogram(chart, visit);
    } else {
        radiograph(chart, visit);
    }
}

fn electrocardiogram(chart: &mut Chart, visit: &Visit) {
    let width = u32::try_from(chart.facts.dice.between(76, 112)).unwrap_or(90);
    let width = ("valueQuantity", quantity(f64::from(width), "ms", "ms"));
    let rhythm = ("valueCodeableConcept", concept(SNOMED, "64730000", "Normal sinus rhythm"));
    let mut results = vec![
        finding(chart, visit, "procedure", ("8633-0", "QRS duration"), width),
        finding(chart, visit, "procedure", ("8601-7", "EKG impression"), rhythm),
    ];
    let unread = ("dataAbsentReason", absent("error"));
    results.push(finding(chart, visit, "procedure", ("8625-6", "P-R Interval"), unread));
    // Read together with the first laboratory result and the first vital sign.
    let others = chart.written("Observation");
    results.extend(others.iter().find(|at| at.contains("-lab-")).cloned());
    results.extend(others.iter().find(|at| at.contains("-vital-")).cloned());
    let mut body =
        report(chart, visit, ("LP29708-2", "Cardiology"), ("11524-6", "EKG study"), &results, "Sinus rhythm.");
    // The strip itself lies in the cardiology archive: Media is not served here, and a contained one of a type
    // that is not served would make the whole report nobody's.
    let strip = json!({
        "type": "Media",
        "identifier": { "system": "https://hospital.example/strip", "value": format!("E-{}", chart.facts.mrn) },
        "display": "Rhythm strip",
    });
    set(&mut body, "media", json!([{ "comment": "Rhythm strip", "link": strip }]));
    add(chart, "EKG study", body);
}

fn radiograph(chart: &mut Chart, visit: &Visit) {
    let words = format!("Lungs clear, heart of normal size ({}).", chart.facts.full_name());
    let result = finding(chart, visit, "imaging", ("36643-5", "XR Chest 2 Views"), ("valueString", json!(words)));
    let body = report(
        chart,
        visit,
        ("LP29684-5", "Radiology"),
        ("36643-5", "XR Chest 2 Views"),
        &[result],
        "No acute disease.",
    );
    add(chart, "XR Chest 2 Views", body);
}

fn finding(chart: &mut Chart, visit: &Visit, category: &str, code: (&str, &str), value: (&str, Value)) -> String {
    let mut body = json!({
        "status": "final",
        "category": [{ "coding": [{ "system": OBSERVATION_CATEGORY, "code": category }] }],
        "code": concept(LOINC, code.0, code.1),
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "effectiveDateTime": visit.at(15),
        "performer": [{ "reference": "Practitioner/pr-06" }],
    });
    set(&mut body, value.0, value.1);
    chart.add(&Entry { kind: "Observation", tag: "result", profile: Some(RESULT), summary: code.1 }, body)
}

fn report(
    chart: &Chart,
    visit: &Visit,
    category: (&str, &str),
    code: (&str, &str),
    results: &[String],
    conclusion: &str,
) -> Value {
    let name = chart.facts.full_name();
    let words = format!("{} of {name}, record {}. {conclusion}", code.1, chart.facts.mrn);
    json!({
        "status": "final",
        "category": [concept(LOINC, category.0, category.1)],
        "code": concept(LOINC, code.0, code.1),
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "effectiveDateTime": visit.at(15),
        "issued": visit.at(180),
        "performer": [
            { "reference": format!("Practitioner/{}", chart.facts.seen_by) },
            { "reference": "Organization/org-hospital" },
        ],
        "result": results.iter().map(|at| json!({ "reference": at })).collect::<Vec<_>>(),
        "conclusion": conclusion,
        "presentedForm": [{ "contentType": "text/plain", "data": base64(words.as_bytes()), "title": code.1 }],
    })
}

fn add(chart: &mut Chart, summary: &str, body: Value) {
    let profile = Some("us-core-diagnosticreport-note");
    chart.add(&Entry { kind: "DiagnosticReport", tag: "report", profile, summary }, body);
}
