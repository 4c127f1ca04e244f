//! Screenings and assessments: hunger, mood, language; and simple statements about daily life.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{LOINC, OBSERVATION_CATEGORY, SNOMED, US_CORE_CATEGORY, absent, concept, quantity, set};
use super::encounters::Visit;
use super::kin;

const SCREENING: &str = "us-core-observation-screening-assessment";
const SIMPLE: &str = "us-core-simple-observation";

/// The two questions of the Hunger Vital Sign, by LOINC code and short name.
const HUNGER: [(&str, &str); 2] = [("88122-7", "Worried food would run out"), ("88123-5", "Food did not last")];

const ANSWERS: [(&str, &str); 3] =
    [("LA28397-0", "Often true"), ("LA6729-3", "Sometimes true"), ("LA28398-8", "Never true")];

pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.first() else { return };
    hunger(chart, visit);
    if chart.facts.is_adult() {
        mood(chart, visit);
        daily_life(chart, visit);
    }
}

fn hunger(chart: &mut Chart, visit: &Visit) {
    let mut items = Vec::new();
    for (code, name) in HUNGER {
        let answer = *chart.facts.dice.pick(&ANSWERS);
        let mut body = survey(chart, visit, "sdoh", (code, name));
        // Every seventh person left the questions open.
        if chart.facts.index % 7 == 4 {
            set(&mut body, "dataAbsentReason", absent("asked-declined"));
        } else {
            set(&mut body, "valueCodeableConcept", concept(LOINC, answer.0, answer.1));
        }
        items.push(add(chart, SCREENING, "survey", name, body));
    }
    let mut risk = survey(chart, visit, "sdoh", ("88124-3", "Food insecurity risk"));
    set(&mut risk, "valueCodeableConcept", concept(LOINC, "LA19952-3", "At risk"));
    set(&mut risk, "derivedFrom", references(&items));
    items.push(add(chart, SCREENING, "survey", "Food insecurity risk", risk));
    let mut panel = survey(chart, visit, "sdoh", ("88121-9", "Hunger Vital Sign [HVS]"));
    set(&mut panel, "hasMember", references(&items));
    // The form as filled in is kept elsewhere: QuestionnaireResponse is not served here.
    let form = json!({
        "type": "QuestionnaireResponse",
        "identifier": { "system": "https://hospital.example/form", "value": format!("F-{}", chart.facts.mrn) },
        "display": "Hunger Vital Sign as filled in",
    });
    set(&mut panel, "derivedFrom", json!([form]));
    add(chart, SCREENING, "survey", "Hunger Vital Sign", panel);
}

fn mood(chart: &mut Chart, visit: &Visit) {
    let code = ("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]");
    let mut score = survey(chart, visit, "cognitive-status", code);
    let points = u32::try_from(chart.facts.dice.between(0, 19)).unwrap_or(0);
    set(&mut score, "valueQuantity", quantity(f64::from(points), "{score}", "{score}"));
    add(chart, SCREENING, "survey", "PHQ-9 total score", score);
    let mut language = survey(chart, visit, "sdoh", ("54899-0", "Preferred language"));
    set(&mut language, "valueString", json!("English, Spanish at home"));
    add(chart, SCREENING, "survey", "Preferred language", language);
}

fn daily_life(chart: &mut Chart, visit: &Visit) {
    let sight = concept(LOINC, "69858-9", "Are you blind or do you have serious difficulty seeing");
    let answer = json!(["valueCodeableConcept", concept(LOINC, "LA32-8", "No")]);
    let first = simple(chart, visit, "disability-status", sight, &answer, None);
    let mind = concept(LOINC, "11332-4", "History of Cognitive function Narrative");
    let words = format!("{} is oriented and keeps her or his own household.", chart.facts.full_name());
    match chart.facts.index % 3 {
        0 => {
            simple(chart, visit, "cognitive-status", mind, &json!(["valueString", words]), Some(&first));
        }
        1 => {
            let fare = concept(SNOMED, "160695008", "Transport too expensive");
            simple(chart, visit, "sdoh", fare, &json!(["valueBoolean", true]), Some(&first));
        }
        _ => {
            let days = concept(LOINC, "89555-7", "Days per week of moderate to strenuous physical activity");
            let value = json!(["valueQuantity", quantity(3.0, "d/wk", "d/wk")]);
            simple(chart, visit, "functional-status", days, &value, None);
        }
    }
}

/// A simple observation; `value` is the pair of its element's name and content.
fn simple(
    chart: &mut Chart,
    visit: &Visit,
    category: &str,
    code: Value,
    value: &Value,
    from: Option<&String>,
) -> String {
    let summary = code["text"].as_str().unwrap_or_default().to_owned();
    let mut body = json!({
        "status": "final",
        "category": [{ "coding": [{ "system": US_CORE_CATEGORY, "code": category }] }],
        "code": code,
        "subject": chart.subject(),
        "effectiveDateTime": visit.at(20),
        "performer": [
            { "reference": format!("Practitioner/{}", chart.facts.seen_by) },
            { "reference": kin::of(chart) },
        ],
    });
    set(&mut body, value[0].as_str().unwrap_or_default(), value[1].clone());
    if let Some(from) = from {
        set(&mut body, "derivedFrom", json!([{ "reference": from }]));
    }
    add(chart, SIMPLE, "daily", &summary, body)
}

fn survey(chart: &Chart, visit: &Visit, category: &str, code: (&str, &str)) -> Value {
    json!({
        "status": "final",
        "category": [
            concept(OBSERVATION_CATEGORY, "survey", "Survey"),
            { "coding": [{ "system": US_CORE_CATEGORY, "code": category }] },
        ],
        "code": concept(LOINC, code.0, code.1),
        "subject": chart.subject(),
        "effectiveDateTime": visit.at(8),
        "performer": [{ "reference": format!("Practitioner/{}", chart.facts.seen_by) }],
    })
}

fn references(to: &[String]) -> Value {
    to.iter().map(|at| json!({ "reference": at })).collect()
}

fn add(chart: &mut Chart, profile: &str, tag: &str, summary: &str, body: Value) -> String {
    chart.add(&Entry { kind: "Observation", tag, profile: Some(profile), summary }, body)
}
