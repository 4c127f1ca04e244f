//! Prescriptions and what was handed out for them.

use serde_json::{Value, json};

use super::calendar::Day;
use super::chart::{Chart, Entry};
use super::codes::{ACT_CODE, RXNORM, concept, quantity, reference, set};
use super::conditions;
use super::encounters::Visit;
use super::shared::MEDICATIONS;

/// What is coded in place, without a Medication of its own: RxNorm code, display.
const CODED: [(&str, &str); 4] = [
    ("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"),
    ("198440", "acetaminophen 500 MG Oral Tablet"),
    ("310965", "ibuprofen 200 MG Oral Tablet"),
    ("310798", "hydrochlorothiazide 25 MG Oral Tablet"),
];

pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let count = if chart.facts.is_adult() { 3 } else { 1 };
    for (nth, visit) in visits.iter().rev().take(count).enumerate() {
        let pick = chart.facts.index as usize + nth;
        // Two of three are coded in place, the third refers to a shared Medication.
        let (medication, name) = if pick.is_multiple_of(3) {
            let (id, _, name) = MEDICATIONS[pick % MEDICATIONS.len()];
            (("medicationReference", reference(&format!("Medication/{id}"), name)), name)
        } else {
            let (code, name) = CODED[pick % CODED.len()];
            (("medicationCodeableConcept", concept(RXNORM, code, name)), name)
        };
        let request = prescribe(chart, visit, nth, &medication, name);
        if nth < 2 {
            let last = chart.facts.last;
            dispense(chart, visit.day.plus(1).min(last), &request, &medication, name);
        }
    }
    if chart.facts.is_adult() && chart.facts.index % 3 == 1 {
        told(chart, visits);
    }
}

fn dosage() -> Value {
    json!([{
        "text": "One by mouth, twice a day",
        "timing": { "repeat": { "frequency": 2, "period": 1, "periodUnit": "d" } },
        "doseAndRate": [{ "doseQuantity": quantity(1.0, "tablet", "{tbl}") }],
    }])
}

fn prescribe(chart: &mut Chart, visit: &Visit, nth: usize, medication: &(&str, Value), name: &str) -> String {
    let facts = &chart.facts;
    let seen_by = format!("Practitioner/{}", facts.seen_by);
    let mut body = json!({
        "identifier": [{ "system": "https://hospital.example/prescription", "value": format!("RX-{}-{}", facts.mrn, nth + 1) }],
        "status": if nth == 0 && facts.died.is_none() { "active" } else { "completed" },
        "intent": "order",
        "category": [concept(
            "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "community", "Community",
        )],
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "authoredOn": visit.at(28),
        "requester": { "reference": seen_by },
        "reasonCode": [{ "text": "A known problem" }],
        "reasonReference": [{ "reference": conditions::first_problem(chart) }],
        "note": [{ "text": format!("For {}.", facts.full_name()) }],
        "dosageInstruction": dosage(),
        "dispenseRequest": {
            "numberOfRepeatsAllowed": 2,
            "quantity": quantity(60.0, "tablet", "{tbl}"),
            "performer": { "reference": "Organization/org-pharmacy" },
        },
    });
    set(&mut body, medication.0, medication.1.clone());
    if nth == 0 {
        set(&mut body, "reportedBoolean", json!(false));
    }
    let profile = Some("us-core-medicationrequest");
    chart.add(&Entry { kind: "MedicationRequest", tag: "rx", profile, summary: name }, body)
}

fn dispense(chart: &mut Chart, day: Day, request: &str, medication: &(&str, Value), name: &str) {
    let mut body = json!({
        "status": "completed",
        "subject": chart.subject(),
        "performer": [
            { "actor": { "reference": "Practitioner/pr-07" } },
            { "actor": { "reference": "Organization/org-pharmacy" } },
        ],
        "authorizingPrescription": [{ "reference": request }],
        "type": concept(ACT_CODE, "FFC", "First Fill - Complete"),
        "quantity": quantity(60.0, "tablet", "{tbl}"),
        "whenHandedOver": day.at(17 * 60 + 50),
        "note": [{ "text": format!("Handed to {}.", chart.facts.full_name()) }],
        "dosageInstruction": dosage(),
    });
    set(&mut body, medication.0, medication.1.clone());
    let profile = Some("us-core-medicationdispense");
    chart.add(&Entry { kind: "MedicationDispense", tag: "disp", profile, summary: name }, body);
}

/// Something taken without a prescription, told to the practitioner who wrote it down.
fn told(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.last() else { return };
    let seen_by = format!("Practitioner/{}", chart.facts.seen_by);
    let body = json!({
        "status": "active",
        "intent": "plan",
        "category": [concept(
            "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "community", "Community",
        )],
        "reportedReference": { "reference": seen_by },
        "medicationCodeableConcept": concept(RXNORM, CODED[1].0, CODED[1].1),
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "authoredOn": visit.at(29),
        "requester": { "reference": seen_by },
        "dosageInstruction": [{ "text": "As needed" }],
    });
    let profile = Some("us-core-medicationrequest");
    chart.add(&Entry { kind: "MedicationRequest", tag: "otc", profile, summary: CODED[1].1 }, body);
}
