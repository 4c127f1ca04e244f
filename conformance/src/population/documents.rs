//! Notes: a progress note for all, and for some what was said in psychotherapy, labelled PSYTHPN.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{LOINC, US_CORE_CATEGORY, base64, coding, concept};
use super::encounters::Visit;

pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.last() else { return };
    let name = chart.facts.full_name();
    let mrn = chart.facts.mrn.clone();
    let words = format!("Progress note. {name}, record {mrn}, was seen and is doing well.");
    let binary = chart.add(&BINARY, binary(chart, &words));
    let document = document(chart, visit, ("11506-3", "Progress note"), &binary, &words);
    chart.add(&entry("Progress note"), document);
    if let Some(first) = visits.first().filter(|_| chart.facts.index.is_multiple_of(3)) {
        let words = format!("Discharge summary. {name}, record {mrn}, went home in good health.");
        let binary = chart.add(&BINARY, self::binary(chart, &words));
        let document = self::document(chart, first, ("18842-5", "Discharge summary"), &binary, &words);
        chart.add(&entry("Discharge summary"), document);
    }
    if chart.facts.index % 5 < 2 {
        psychotherapy(chart, visit);
    }
}

fn psychotherapy(chart: &mut Chart, visit: &Visit) {
    let words =
        format!("Psychotherapy session. {}, record {}, spoke about grief.", chart.facts.full_name(), chart.facts.mrn,);
    let binary = chart.add_psychotherapy(&BINARY, binary(chart, &words));
    let code = ("34788-0", "Psychiatry Consult note");
    let document = document(chart, visit, code, &binary, &words);
    chart.add_psychotherapy(&entry("Psychotherapy note"), document);
    let body = json!({
        "status": "final",
        "category": [{ "coding": [coding(US_CORE_CATEGORY, "cognitive-status", "Cognitive Status")] }],
        "code": concept(LOINC, "8693-4", "Mental status"),
        "subject": chart.subject(),
        "effectiveDateTime": visit.at(32),
        "performer": [{ "reference": format!("Practitioner/{}", chart.facts.seen_by) }],
        "valueString": words,
    });
    let profile = Some("us-core-simple-observation");
    let summary = "Psychotherapy, mental status";
    chart.add_psychotherapy(&Entry { kind: "Observation", tag: "psy", profile, summary }, body);
}

const BINARY: Entry<'static> = Entry { kind: "Binary", tag: "bin", profile: None, summary: "" };

fn entry(summary: &str) -> Entry<'_> {
    let profile = Some("us-core-documentreference");
    Entry { kind: "DocumentReference", tag: "doc", profile, summary }
}

fn binary(chart: &Chart, words: &str) -> Value {
    json!({
        "contentType": "text/plain",
        "securityContext": { "reference": format!("Patient/{}", chart.facts.id) },
        "data": base64(words.as_bytes()),
    })
}

/// A document twice: in place, and by the address of its Binary.
fn document(chart: &Chart, visit: &Visit, code: (&str, &str), binary: &str, words: &str) -> Value {
    let format = json!({
        "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
        "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
        "display": "mimeType Sufficient",
    });
    let number = binary.trim_start_matches("Binary/");
    json!({
        "identifier": [{ "system": "https://hospital.example/document", "value": format!("N-{}-{number}", chart.facts.mrn) }],
        "status": "current",
        "type": concept(LOINC, code.0, code.1),
        "category": [concept(
            "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
            "clinical-note", "Clinical Note",
        )],
        "subject": chart.subject(),
        "date": visit.at(35),
        "author": [{ "reference": format!("Practitioner/{}", chart.facts.seen_by) }],
        "description": format!("{} of {}", code.1, chart.facts.full_name()),
        "content": [
            { "attachment": { "contentType": "text/plain", "data": base64(words.as_bytes()) }, "format": format },
            { "attachment": { "contentType": "text/plain", "url": binary }, "format": format },
        ],
        "context": {
            "encounter": [{ "reference": visit.encounter }],
            "period": { "start": visit.at(0), "end": visit.at(40) },
        },
    })
}
