//! Problems and health concerns; diagnoses of encounters are written with their encounters.

use serde_json::{Value, json};

use super::calendar::Day;
use super::chart::{Chart, Entry};
use super::codes::{ASSERTED_DATE, ICD10, SNOMED, US_CORE_CATEGORY, coding, concept, set};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

/// A code in SNOMED CT and in ICD-10-CM, and how people say it.
pub(super) type Illness = (&'static str, &'static str, &'static str);

const LASTING: [Illness; 8] = [
    ("59621000", "I10", "Essential hypertension"),
    ("44054006", "E11.9", "Type 2 diabetes mellitus"),
    ("55822004", "E78.5", "Hyperlipidemia"),
    ("195967001", "J45.909", "Asthma"),
    ("396275006", "M19.90", "Osteoarthritis"),
    ("37796009", "G43.909", "Migraine"),
    ("40930008", "E03.9", "Hypothyroidism"),
    ("235595009", "K21.9", "Gastroesophageal reflux disease"),
];

const OF_CHILDREN: [Illness; 3] = [
    ("24079001", "L20.9", "Atopic dermatitis"),
    ("195967001", "J45.909", "Asthma"),
    ("65363002", "H66.90", "Otitis media"),
];

/// What a Condition says besides whom it is about.
pub(super) struct Finding<'a> {
    pub(super) illness: Illness,
    pub(super) onset: Day,
    pub(super) resolved: Option<Day>,
    /// The codings of Condition.category, each a concept of its own.
    pub(super) categories: Vec<Value>,
    pub(super) encounter: Option<&'a str>,
}

/// Writes one Condition and returns the reference to it.
pub(super) fn add(chart: &mut Chart, profile: &str, tag: &str, finding: &Finding<'_>) -> String {
    let (snomed, icd, text) = finding.illness;
    let status = if finding.resolved.is_some() { "resolved" } else { "active" };
    let mut body = json!({
        "extension": [{ "url": ASSERTED_DATE, "valueDateTime": finding.onset.plus(3).min(chart.facts.last).date() }],
        "clinicalStatus": { "coding": [{ "system": CLINICAL, "code": status }] },
        "verificationStatus": { "coding": [{ "system": VERIFICATION, "code": "confirmed" }] },
        "category": finding.categories.iter().map(|one| json!({ "coding": [one] })).collect::<Vec<_>>(),
        "code": {
            "coding": if icd.is_empty() {
                vec![coding(SNOMED, snomed, text)]
            } else {
                vec![coding(SNOMED, snomed, text), json!({ "system": ICD10, "code": icd })]
            },
            "text": text
        },
        "subject": chart.subject(),
        "onsetDateTime": finding.onset.date(),
        "recordedDate": finding.onset.plus(3).min(chart.facts.last).date(),
        "note": [{ "text": format!("About {}.", chart.facts.full_name()) }],
    });
    if let Some(encounter) = finding.encounter {
        set(&mut body, "encounter", json!({ "reference": encounter }));
    }
    if let Some(day) = finding.resolved {
        set(&mut body, "abatementDateTime", json!(day.date()));
    }
    chart.add(&Entry { kind: "Condition", tag, profile: Some(profile), summary: text }, body)
}

/// The problem list, and for some a health concern of social life.
pub(super) fn write_problems(chart: &mut Chart) {
    let (all, count) = if chart.facts.is_adult() {
        let many = chart.facts.years() / 22 + chart.facts.dice.between(1, 2);
        (&LASTING[..], usize::try_from(many).unwrap_or(1))
    } else {
        (&OF_CHILDREN[..], 2)
    };
    let shift = usize::try_from(chart.facts.dice.below(8)).unwrap_or(0);
    for nth in 0..count {
        let onset = chart.facts.dice.between(60, 2_400);
        let onset = chart.facts.ago(onset);
        // The last of several is over.
        let resolved = (nth > 0 && nth + 1 == count).then(|| onset.plus(45).min(chart.facts.last));
        let item = coding(
            "http://terminology.hl7.org/CodeSystem/condition-category",
            "problem-list-item",
            "Problem List Item",
        );
        let finding = Finding {
            illness: all[(shift + nth) % all.len()],
            onset,
            resolved,
            categories: vec![item],
            encounter: None,
        };
        add(chart, "us-core-condition-problems-health-concerns", "prob", &finding);
    }
    if chart.facts.index.is_multiple_of(3) {
        let concern =
            coding("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern", "Health Concern");
        let finding = Finding {
            illness: ("733423003", "", "Food insecurity"),
            onset: chart.facts.ago(240),
            resolved: None,
            categories: vec![concern, coding(US_CORE_CATEGORY, "sdoh", "SDOH")],
            encounter: None,
        };
        add(chart, "us-core-condition-problems-health-concerns", "concern", &finding);
    }
}

/// Reference to the first problem of the list; everybody has one.
pub(super) fn first_problem(chart: &Chart) -> String {
    format!("Condition/{}-prob-1", chart.facts.id)
}

/// What brought a person to an encounter, as a reason code.
pub(super) fn reason(illness: Illness) -> Value {
    concept(SNOMED, illness.0, illness.2)
}
