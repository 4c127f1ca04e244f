//! Somebody near: a parent of a child, a spouse or sibling of an adult.

use serde_json::json;

use super::chart::{Chart, Entry};
use super::codes::{ROLE_CODE, concept};
use super::names::KIN;

/// Writes one RelatedPerson, always the first: `{person}-kin-1`.
pub(super) fn write(chart: &mut Chart) {
    let relation = match (chart.facts.is_adult(), chart.facts.index % 3) {
        (false, _) => concept(ROLE_CODE, "MTH", "mother"),
        (true, 0) => concept(ROLE_CODE, "SPS", "spouse"),
        (true, 1) => concept(ROLE_CODE, "SIB", "sibling"),
        (true, _) => concept(ROLE_CODE, "FRND", "unrelated friend"),
    };
    let facts = &mut chart.facts;
    // The second half of the list: the first is for practitioners.
    let given = *facts.dice.pick(&KIN[12..]);
    let id = facts.id.clone();
    let body = json!({
        "identifier": [{ "system": "https://hospital.example/kin", "value": format!("K-{}", facts.mrn) }],
        "active": true,
        "patient": chart.subject(),
        "relationship": [relation],
        "name": [{ "use": "official", "family": chart.facts.family, "given": [given] }],
        "telecom": [{ "system": "phone", "value": format!("+1-555-9{:06}", chart.facts.index), "use": "mobile" }],
        "address": [{ "use": "home", "line": [format!("1 Kin Street, near {id}")], "city": "Springfield",
            "state": "MA", "postalCode": "01104", "country": "US" }],
    });
    let entry = Entry {
        kind: "RelatedPerson",
        tag: "kin",
        profile: Some("us-core-relatedperson"),
        summary: "Somebody near the patient",
    };
    chart.add(&entry, body);
}

/// Reference to the person's RelatedPerson.
pub(super) fn of(chart: &Chart) -> String {
    format!("RelatedPerson/{}-kin-1", chart.facts.id)
}
