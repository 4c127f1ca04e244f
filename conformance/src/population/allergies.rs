//! Allergies and intolerances, and for some the statement that there are none.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{RXNORM, SNOMED, absent, concept};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

pub(super) fn write(chart: &mut Chart) {
    let index = chart.facts.index;
    if index % 6 == 5 {
        return add(chart, concept(SNOMED, "716186003", "No known allergy"), "active", None);
    }
    let hives = concept(SNOMED, "247472004", "Hives");
    let anaphylaxis = concept(SNOMED, "39579001", "Anaphylaxis");
    match index % 3 {
        0 => add(chart, concept(RXNORM, "7980", "penicillin G"), "active", Some(hives)),
        1 => add(chart, concept(SNOMED, "762952008", "Peanut"), "active", Some(anaphylaxis)),
        _ => add(chart, concept(SNOMED, "111088007", "Latex"), "resolved", Some(hives)),
    }
    if index % 7 == 2 {
        // A reaction was recorded, what to was not.
        let rash = concept(SNOMED, "271807003", "Eruption of skin");
        add(chart, absent("unknown"), "active", Some(rash));
    }
}

fn add(chart: &mut Chart, code: Value, status: &str, manifestation: Option<Value>) {
    let summary = code["text"].as_str().unwrap_or("unknown substance").to_owned();
    let mut body = json!({
        "clinicalStatus": { "coding": [{ "system": CLINICAL, "code": status }] },
        "verificationStatus": { "coding": [{ "system": VERIFICATION, "code": "confirmed" }] },
        "code": code,
        "patient": chart.subject(),
        "recordedDate": chart.facts.ago(500).date(),
        "note": [{ "text": format!("Told by {}.", chart.facts.full_name()) }],
    });
    if let Some(seen) = manifestation {
        super::codes::set(&mut body, "reaction", json!([{ "manifestation": [seen], "severity": "moderate" }]));
    }
    let profile = Some("us-core-allergyintolerance");
    let summary = format!("Allergy or intolerance, {summary}");
    chart.add(&Entry { kind: "AllergyIntolerance", tag: "allergy", profile, summary: &summary }, body);
}
