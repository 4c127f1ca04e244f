//! Where records came from: who wrote them, and who passed them on.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::concept;
use super::shared;

const AGENT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const US_CORE_AGENT: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type";

/// One Provenance for the person's own record, one for medications, one for laboratory reports.
pub(super) fn write(chart: &mut Chart) {
    let patient = vec![format!("Patient/{}", chart.facts.id)];
    one(chart, patient);
    let medications = chart.written("MedicationRequest");
    one(chart, medications);
    let reports = chart.written("DiagnosticReport");
    one(chart, reports);
}

fn one(chart: &mut Chart, targets: Vec<String>) {
    let author = chart.facts.seen_by;
    let targets: Vec<Value> = targets.iter().map(|at| json!({ "reference": at })).collect();
    let employer = json!({ "reference": format!("Organization/{}", shared::employer(author)) });
    let body = json!({
        "target": targets,
        "recorded": chart.facts.last.at(20 * 60),
        "agent": [
            {
                "type": concept(AGENT, "author", "Author"),
                "who": { "reference": format!("Practitioner/{author}") },
                "onBehalfOf": employer,
            },
            { "type": concept(US_CORE_AGENT, "transmitter", "Transmitter"), "who": employer },
        ],
    });
    let profile = Some("us-core-provenance");
    chart.add(&Entry { kind: "Provenance", tag: "prov", profile, summary: "Origin of records" }, body);
}
