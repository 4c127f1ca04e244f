//! Who pays: one Coverage now, for some a former one.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{ACT_CODE, IDENTIFIER_TYPE, coding, concept};

const CLASS: &str = "http://terminology.hl7.org/CodeSystem/coverage-class";

pub(super) fn write(chart: &mut Chart) {
    let start = chart.facts.ago(700).date();
    one(chart, "active", json!({ "start": start }));
    if chart.facts.index % 4 == 2 {
        let (start, end) = (chart.facts.ago(1_500).date(), chart.facts.ago(701).date());
        one(chart, "cancelled", json!({ "start": start, "end": end }));
    }
}

fn one(chart: &mut Chart, status: &str, period: Value) {
    let facts = &chart.facts;
    let relationship = if facts.is_adult() { ("self", "Self") } else { ("child", "Child") };
    let member = format!("M-{}-{status}", facts.mrn);
    let body = json!({
        "identifier": [{
            "type": concept(IDENTIFIER_TYPE, "MB", "Member Number"),
            "system": "https://payer.example/member",
            "value": member,
        }],
        "status": status,
        "type": {
            "coding": [coding(ACT_CODE, "PPO", "preferred provider organization policy")],
            "text": "PPO"
        },
        "subscriberId": format!("S-{}", facts.mrn),
        "beneficiary": chart.subject(),
        "relationship": concept(
            "http://terminology.hl7.org/CodeSystem/subscriber-relationship", relationship.0, relationship.1,
        ),
        "period": period,
        "payor": [{ "reference": "Organization/org-payer", "display": "Example Health Plan" }],
        "class": [
            { "type": concept(CLASS, "group", "Group"), "value": "G-100", "name": "Example Employees" },
            { "type": concept(CLASS, "plan", "Plan"), "value": "P-20", "name": "Example Silver" },
        ],
    });
    let entry =
        Entry { kind: "Coverage", tag: "cov", profile: Some("us-core-coverage"), summary: "Insurance coverage" };
    chart.add(&entry, body);
}
