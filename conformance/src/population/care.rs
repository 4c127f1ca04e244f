//! The care team, the plan and its goals.

use serde_json::json;

use super::chart::{Chart, Entry};
use super::codes::{SNOMED, absent, concept};
use super::{conditions, kin};

/// Reference to the person's care team.
fn team(chart: &Chart) -> String {
    format!("CareTeam/{}-team-1", chart.facts.id)
}

pub(super) fn write_team(chart: &mut Chart) {
    let lead = chart.facts.team_lead;
    let role = format!("PractitionerRole/role-{}", lead.trim_start_matches("pr-"));
    let physician = concept(SNOMED, "158965000", "Medical practitioner");
    let caregiver = concept(SNOMED, "133932002", "Caregiver");
    // In some teams nobody said what the caregiver's part is.
    let caregiver = if chart.facts.index % 6 == 3 { absent("unknown") } else { caregiver };
    let body = json!({
        "identifier": [{ "system": "https://hospital.example/team", "value": format!("T-{}", chart.facts.mrn) }],
        "status": "active",
        "name": format!("Care team of {}", chart.facts.full_name()),
        "subject": chart.subject(),
        "period": { "start": chart.facts.ago(700).date() },
        "participant": [
            { "role": [physician], "member": { "reference": format!("Practitioner/{lead}") } },
            { "role": [physician], "member": { "reference": role } },
            { "role": [concept(SNOMED, "116154003", "Patient")], "member": chart.subject() },
            { "role": [caregiver], "member": { "reference": kin::of(chart) } },
        ],
    });
    let profile = Some("us-core-careteam");
    chart.add(&Entry { kind: "CareTeam", tag: "team", profile, summary: "Care team" }, body);
}

pub(super) fn write_plans(chart: &mut Chart) {
    let mut goals = vec![goal(chart, "Walk half an hour, five days a week")];
    if chart.facts.index.is_multiple_of(2) {
        goals.push(goal(chart, "Blood pressure below 130/80"));
    }
    let period = json!({ "start": chart.facts.ago(300).date() });
    let body = json!({
        "status": if chart.facts.died.is_some() { "completed" } else { "active" },
        "intent": "plan",
        "category": [concept(
            "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan",
            "Assessment and Plan of Treatment",
        )],
        "title": format!("Plan for {}", chart.facts.full_name()),
        "subject": chart.subject(),
        "period": period,
        "careTeam": [{ "reference": team(chart) }],
        "addresses": [{ "reference": conditions::first_problem(chart) }],
        "goal": goals.iter().map(|at| json!({ "reference": at })).collect::<Vec<_>>(),
    });
    let profile = Some("us-core-careplan");
    chart.add(&Entry { kind: "CarePlan", tag: "plan", profile, summary: "Plan of care" }, body);
}

fn goal(chart: &mut Chart, text: &str) -> String {
    let body = json!({
        "lifecycleStatus": if chart.facts.died.is_some() { "completed" } else { "active" },
        "description": { "text": text },
        "subject": chart.subject(),
        "startDate": chart.facts.ago(300).date(),
        "target": [{ "dueDate": chart.facts.ago(-90).date() }],
        "note": [{ "text": format!("Agreed with {}.", chart.facts.full_name()) }],
    });
    let profile = Some("us-core-goal");
    chart.add(&Entry { kind: "Goal", tag: "goal", profile, summary: text }, body)
}
