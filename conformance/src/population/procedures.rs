//! Procedures, each with the order it followed, and an order that still waits.

use serde_json::json;

use super::chart::{Chart, Entry};
use super::codes::{SNOMED, US_CORE_CATEGORY, absent, coding, concept};
use super::encounters::Visit;
use super::{conditions, devices};

pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.first() else { return };
    let (code, name) = match (chart.facts.is_adult(), devices::carries(chart), chart.facts.index % 8) {
        (false, _, _) => ("268556000", "Hearing test"),
        (true, true, 1) => ("307280005", "Implantation of cardiac pacemaker"),
        (true, true, _) => ("52734007", "Total replacement of hip"),
        (true, false, _) => ("73761001", "Colonoscopy"),
    };
    let order = order(chart, visit, (code, name), "387713003", "Surgical procedure");
    let seen_by = format!("Practitioner/{}", chart.facts.seen_by);
    // For every eleventh person the code of an old procedure is not known.
    let known = chart.facts.index % 11 != 5;
    let body = json!({
        "basedOn": [{ "reference": order }],
        "status": "completed",
        "code": if known { concept(SNOMED, code, name) } else { absent("unknown") },
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "performedDateTime": visit.at(30),
        "performer": [{ "actor": { "reference": seen_by } }],
        "reasonReference": [{ "reference": conditions::first_problem(chart) }],
        "note": [{ "text": format!("Done for {}.", chart.facts.full_name()) }],
    });
    let profile = Some("us-core-procedure");
    chart.add(&Entry { kind: "Procedure", tag: "proc", profile, summary: name }, body);
    if chart.facts.index.is_multiple_of(3) {
        pantry(chart, visit);
    }
}

fn order(chart: &mut Chart, visit: &Visit, what: (&str, &str), category: &str, category_name: &str) -> String {
    let body = json!({
        "status": "completed",
        "intent": "order",
        "category": [concept(SNOMED, category, category_name)],
        "code": concept(SNOMED, what.0, what.1),
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "occurrencePeriod": { "start": visit.at(20), "end": visit.at(40) },
        "authoredOn": visit.at(2),
        "requester": { "reference": format!("Practitioner/{}", chart.facts.seen_by) },
        "reasonCode": [{ "text": "A known problem" }],
        "reasonReference": [{ "reference": conditions::first_problem(chart) }],
    });
    let profile = Some("us-core-servicerequest");
    chart.add(&Entry { kind: "ServiceRequest", tag: "order", profile, summary: what.1 }, body)
}

/// Help for those who worry about food.
fn pantry(chart: &mut Chart, visit: &Visit) {
    let name = "Assistance with application for food pantry program";
    let body = json!({
        "status": "active",
        "intent": "order",
        "category": [{ "coding": [coding(US_CORE_CATEGORY, "sdoh", "SDOH")] }],
        "code": concept(SNOMED, "467771000124109", name),
        "subject": chart.subject(),
        "occurrencePeriod": { "start": visit.day.date() },
        "authoredOn": visit.at(9),
        "requester": { "reference": format!("Practitioner/{}", chart.facts.seen_by) },
    });
    let profile = Some("us-core-servicerequest");
    chart.add(&Entry { kind: "ServiceRequest", tag: "order", profile, summary: name }, body);
}
