//! Visits: an Encounter each, and the diagnosis made there.

use serde_json::{Value, json};

use super::calendar::Day;
use super::chart::{Chart, Entry};
use super::codes::{ACT_CODE, SNOMED, coding, concept, reference, set};
use super::conditions::{self, Finding, Illness};
use super::facts::Stage;

const ACUTE: [Illness; 6] = [
    ("54150009", "J06.9", "Upper respiratory infection"),
    ("10509002", "J20.9", "Acute bronchitis"),
    ("36971009", "J32.9", "Sinusitis"),
    ("25374005", "K52.9", "Gastroenteritis"),
    ("44465007", "S93.409A", "Sprain of ankle"),
    ("161891005", "M54.9", "Backache"),
];

/// A visit, for what is measured, ordered and written there.
pub(super) struct Visit {
    pub(super) day: Day,
    /// Start, in minutes after midnight.
    pub(super) minute: i64,
    /// Reference to the Encounter.
    pub(super) encounter: String,
}

impl Visit {
    /// A moment this many minutes into the visit.
    pub(super) fn at(&self, minutes: i64) -> String {
        self.day.at(self.minute + minutes)
    }
}

/// Writes the visits of a chart, oldest first.
pub(super) fn write(chart: &mut Chart) -> Vec<Visit> {
    let infant = chart.facts.stage == Stage::Infant;
    let count = if infant { 4 } else { chart.facts.dice.between(3, 5) };
    let (least, most) = if infant { (60, 85) } else { (70, 230) };
    let mut days = vec![chart.facts.last.plus(-chart.facts.dice.between(2, 50))];
    for _ in 1..count {
        let gap = chart.facts.dice.between(least, most);
        days.push(days[days.len() - 1].plus(-gap));
    }
    days.reverse();
    let mut visits: Vec<Visit> = Vec::new();
    let mut last_diagnosis: Option<String> = None;
    for (nth, day) in days.into_iter().enumerate() {
        let minute = chart.facts.dice.between(8 * 4, 15 * 4) * 15;
        let illness = *chart.facts.dice.pick(&ACUTE);
        let encounter = encounter(chart, nth, day, minute, illness, last_diagnosis.take());
        last_diagnosis = (nth % 2 == 0).then(|| diagnosis(chart, day, illness, &encounter));
        visits.push(Visit { day, minute, encounter });
    }
    visits
}

/// The first visit of every third person is a stay in hospital, the second of every fourth by video.
fn class(index: u32, nth: usize) -> (&'static str, &'static str, Value) {
    match nth {
        0 if index.is_multiple_of(3) => {
            ("IMP", "inpatient encounter", concept(SNOMED, "32485007", "Hospital admission"))
        }
        1 if index % 4 == 3 => ("VR", "virtual", concept(SNOMED, "185317003", "Telephone encounter")),
        _ => ("AMB", "ambulatory", concept(SNOMED, "185349003", "Encounter for check up")),
    }
}

fn encounter(
    chart: &mut Chart,
    nth: usize,
    day: Day,
    minute: i64,
    illness: Illness,
    last_diagnosis: Option<String>,
) -> String {
    let facts = &chart.facts;
    let (code, display, kind) = class(facts.index, nth);
    let inpatient = code == "IMP";
    let (length, place, provider) = if inpatient {
        (8 * 60, "Location/loc-hospital", "Organization/org-hospital")
    } else {
        (40, "Location/loc-clinic", "Organization/org-clinic")
    };
    let period = json!({ "start": day.at(minute), "end": day.at(minute + length) });
    let mut body = json!({
        "identifier": [{ "system": "https://hospital.example/visit", "value": format!("V-{}-{}", facts.mrn, nth + 1) }],
        "status": "finished",
        "class": coding(ACT_CODE, code, display),
        "type": [kind],
        "subject": chart.subject(),
        "participant": [{
            "type": [concept(
                "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "PPRF", "primary performer",
            )],
            "period": period,
            "individual": { "reference": format!("Practitioner/{}", facts.seen_by) },
        }],
        "period": period,
        "reasonCode": [conditions::reason(illness)],
        "location": [{ "location": { "reference": place }, "status": "completed" }],
        "serviceProvider": { "reference": provider },
    });
    let reasons = match last_diagnosis {
        Some(diagnosis) => vec![reference(&diagnosis, "Diagnosis of the visit before")],
        None if nth > 0 => vec![],
        None => vec![reference(&conditions::first_problem(chart), "From the problem list")],
    };
    if !reasons.is_empty() {
        set(&mut body, "reasonReference", json!(reasons));
    }
    if inpatient {
        let home = concept("http://terminology.hl7.org/CodeSystem/discharge-disposition", "home", "Home");
        set(&mut body, "hospitalization", json!({ "dischargeDisposition": home }));
    }
    let profile = Some("us-core-encounter");
    chart.add(&Entry { kind: "Encounter", tag: "enc", profile, summary: "Visit" }, body)
}

fn diagnosis(chart: &mut Chart, day: Day, illness: Illness, encounter: &str) -> String {
    let category = coding(
        "http://terminology.hl7.org/CodeSystem/condition-category",
        "encounter-diagnosis",
        "Encounter Diagnosis",
    );
    let finding = Finding {
        illness,
        onset: day,
        resolved: Some(day.plus(14).min(chart.facts.last)),
        categories: vec![category],
        encounter: Some(encounter),
    };
    conditions::add(chart, "us-core-condition-encounter-diagnosis", "dx", &finding)
}
