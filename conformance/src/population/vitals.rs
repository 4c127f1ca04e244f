//! Vital signs: every kind that US Core profiles, measured in one of three manners.
//!
//! Plainly; in parts, where components tell how the value came about and one of them is missing; or not at
//! all, where the reason stands in place of the value. Heights and weights grow with the person.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{LOINC, OBSERVATION_CATEGORY, absent, coding, concept, quantity, reference, set};
use super::encounters::Visit;
use super::facts::Stage;

/// How a visit's signs are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    InParts,
    NotAtAll,
}

/// A number with its unit as people read it and as UCUM writes it.
type Amount = (f64, &'static str, &'static str);

/// A component of a sign: LOINC code, display, and the amount if it is known.
type Part = (&'static str, &'static str, Option<Amount>);

/// One kind of sign.
struct Sign {
    profile: &'static str,
    /// LOINC codes with displays; the first names the sign.
    codes: Vec<(&'static str, &'static str)>,
    amount: Option<Amount>,
    /// Components that only the manner "in parts" shows.
    parts: Vec<Part>,
    /// Components that every manner shows, without their amounts when nothing was measured.
    always: Vec<Part>,
}

/// Writes the signs of some visits of a chart: the first three at most.
pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let index = chart.facts.index;
    for (nth, visit) in visits.iter().take(3).enumerate() {
        let manner = match nth {
            0 if index.is_multiple_of(5) || index % 5 == 3 => Manner::NotAtAll,
            1 if index % 5 == 1 || index % 5 == 3 => Manner::InParts,
            1 => continue, // at most people's second visit nobody measures
            _ => Manner::Plain,
        };
        let signs = signs(chart, visit);
        let members: Vec<String> = signs.iter().map(|sign| add(chart, visit, manner, sign)).collect();
        panel(chart, visit, &members);
    }
}

fn signs(chart: &mut Chart, visit: &Visit) -> Vec<Sign> {
    let years = visit.day.since(chart.facts.born) / 365;
    let facts = &mut chart.facts;
    let (tall, heavy) = match facts.stage {
        Stage::Infant => (facts.dice.between(620, 800), facts.dice.between(65, 115)),
        Stage::Child => (1_000 + facts.dice.between(100, 350), facts.dice.between(190, 360)),
        Stage::Teenager => (facts.dice.between(1_550, 1_800), facts.dice.between(480, 750)),
        Stage::Adult => (facts.dice.between(1_520, 1_930), facts.dice.between(520, 1_080)),
    };
    let (height, weight) = (tenths(tall), tenths(heavy));
    let mass_index = (weight / (height / 100.0).powi(2) * 10.0).round() / 10.0;
    let (upper, lower) = if facts.is_adult() {
        (facts.dice.between(108, 148), facts.dice.between(64, 92))
    } else {
        (facts.dice.between(88, 112), facts.dice.between(50, 70))
    };
    let mean = whole((upper + 2 * lower) / 3);
    let pulse = whole(facts.dice.between(58, 104));
    let warmth = tenths(facts.dice.between(362, 384));
    let saturation = whole(facts.dice.between(94, 100));
    let pressures = vec![
        ("8480-6", "Systolic blood pressure", Some((whole(upper), "mmHg", "mm[Hg]"))),
        ("8462-4", "Diastolic blood pressure", Some((whole(lower), "mmHg", "mm[Hg]"))),
    ];
    let body: Vec<Part> = vec![("29463-7", "Body weight", Some((weight, "kg", "kg"))), ("8302-2", "Body height", None)];
    let mut all = vec![
        Sign {
            profile: "us-core-blood-pressure",
            codes: vec![("85354-9", "Blood pressure panel with all children optional")],
            // The monitor's own mean, where it reports one: shown in parts only (see `add`).
            amount: Some((mean, "mmHg", "mm[Hg]")),
            parts: vec![],
            always: pressures.clone(),
        },
        sign(
            "us-core-vital-signs",
            ("8478-0", "Mean blood pressure"),
            (mean, "mmHg", "mm[Hg]"),
            vec![pressures[0], ("8462-4", "Diastolic blood pressure", None)],
        ),
        sign(
            "us-core-heart-rate",
            ("8867-4", "Heart rate"),
            (pulse, "beats/minute", "/min"),
            vec![
                ("40443-4", "Heart rate --resting", Some((pulse, "beats/minute", "/min"))),
                ("8478-0", "Mean blood pressure", None),
            ],
        ),
        sign(
            "us-core-respiratory-rate",
            ("9279-1", "Respiratory rate"),
            (whole(facts.dice.between(12, 24)), "breaths/minute", "/min"),
            vec![
                ("8867-4", "Heart rate", Some((pulse, "beats/minute", "/min"))),
                ("2708-6", "Oxygen saturation in Arterial blood", None),
            ],
        ),
        sign(
            "us-core-body-temperature",
            ("8310-5", "Body temperature"),
            (warmth, "C", "Cel"),
            vec![("8331-1", "Oral temperature", Some((warmth, "C", "Cel"))), ("8867-4", "Heart rate", None)],
        ),
        sign(
            "us-core-body-height",
            ("8302-2", "Body height"),
            (height, "cm", "cm"),
            vec![("8308-9", "Body height --standing", Some((height, "cm", "cm"))), ("29463-7", "Body weight", None)],
        ),
        sign(
            "us-core-body-weight",
            ("29463-7", "Body weight"),
            (weight, "kg", "kg"),
            vec![("3141-9", "Body weight Measured", Some((weight, "kg", "kg"))), ("8302-2", "Body height", None)],
        ),
        sign("us-core-bmi", ("39156-5", "Body mass index (BMI) [Ratio]"), (mass_index, "kg/m2", "kg/m2"), body.clone()),
        Sign {
            profile: "us-core-pulse-oximetry",
            codes: vec![
                ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
                ("2708-6", "Oxygen saturation in Arterial blood"),
            ],
            amount: Some((saturation, "%", "%")),
            parts: vec![],
            always: vec![
                ("3151-8", "Inhaled oxygen flow rate", Some((2.0, "L/min", "L/min"))),
                ("3150-0", "Inhaled oxygen concentration", Some((28.0, "%", "%"))),
            ],
        },
    ];
    let percentile = whole(facts.dice.between(5, 95));
    if (2..20).contains(&years) {
        all.push(sign(
            "pediatric-bmi-for-age",
            ("59576-9", "Body mass index (BMI) [Percentile] Per age and sex"),
            (percentile, "%", "%"),
            vec![("39156-5", "Body mass index (BMI) [Ratio]", Some((mass_index, "kg/m2", "kg/m2"))), body[1]],
        ));
    }
    if facts.stage == Stage::Infant {
        let around = tenths(facts.dice.between(400, 490));
        let by_tape = ("8287-5", "Head Occipital-frontal circumference by Tape measure", Some((around, "cm", "cm")));
        all.push(sign(
            "us-core-head-circumference",
            ("9843-4", "Head Occipital-frontal circumference"),
            (around, "cm", "cm"),
            vec![by_tape, body[1]],
        ));
        all.push(sign(
            "head-occipital-frontal-circumference-percentile",
            ("8289-1", "Head Occipital-frontal circumference Percentile"),
            (percentile, "%", "%"),
            vec![("9843-4", "Head Occipital-frontal circumference", Some((around, "cm", "cm"))), body[1]],
        ));
        all.push(sign(
            "pediatric-weight-for-height",
            ("77606-2", "Weight-for-length Per age and sex"),
            (percentile, "%", "%"),
            body,
        ));
    }
    all
}

fn sign(profile: &'static str, code: (&'static str, &'static str), amount: Amount, parts: Vec<Part>) -> Sign {
    Sign { profile, codes: vec![code], amount: Some(amount), parts, always: vec![] }
}

fn base(chart: &Chart, visit: &Visit, codes: &[(&str, &str)]) -> Value {
    json!({
        "status": "final",
        "category": [concept(OBSERVATION_CATEGORY, "vital-signs", "Vital Signs")],
        "code": {
            "coding": codes.iter().map(|(code, display)| coding(LOINC, code, display)).collect::<Vec<_>>(),
            "text": codes[0].1,
        },
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "effectiveDateTime": visit.at(5),
        "performer": [{ "reference": format!("Practitioner/{}", chart.facts.seen_by) }],
    })
}

fn add(chart: &mut Chart, visit: &Visit, manner: Manner, sign: &Sign) -> String {
    let mut body = base(chart, visit, &sign.codes);
    let pressure = sign.profile == "us-core-blood-pressure";
    match (manner, sign.amount) {
        (Manner::NotAtAll, _) | (_, None) => set(&mut body, "dataAbsentReason", absent("not-performed")),
        (Manner::Plain, Some(_)) if pressure => {} // its components are its value
        (_, Some((value, unit, code))) => set(&mut body, "valueQuantity", quantity(value, unit, code)),
    }
    if pressure && manner == Manner::InParts {
        set(&mut body, "note", json!([{ "text": "The value is the mean arterial pressure by the monitor." }]));
    }
    let mut parts: Vec<Value> = sign.always.iter().map(|part| component(*part, manner == Manner::NotAtAll)).collect();
    if manner == Manner::InParts {
        parts.extend(sign.parts.iter().map(|part| component(*part, false)));
    }
    if !parts.is_empty() {
        set(&mut body, "component", json!(parts));
    }
    let entry = Entry { kind: "Observation", tag: "vital", profile: Some(sign.profile), summary: sign.codes[0].1 };
    chart.add(&entry, body)
}

fn component(part: Part, unmeasured: bool) -> Value {
    let (code, display, amount) = part;
    let mut body = json!({ "code": concept(LOINC, code, display) });
    match amount {
        Some((value, unit, ucum)) if !unmeasured => {
            set(&mut body, "valueQuantity", quantity(value, unit, ucum));
        }
        Some(_) | None => set(&mut body, "dataAbsentReason", absent("not-performed")),
    }
    body
}

/// The panel that holds a visit's signs together.
fn panel(chart: &mut Chart, visit: &Visit, members: &[String]) {
    let codes = [("85353-1", "Vital signs, weight, height, head circumference, oxygen saturation and BMI panel")];
    let mut body = base(chart, visit, &codes);
    let members: Vec<Value> = members.iter().map(|at| reference(at, "Vital sign")).collect();
    set(&mut body, "hasMember", json!(members));
    let profile = Some("us-core-vital-signs");
    chart.add(&Entry { kind: "Observation", tag: "vital", profile, summary: "Vital signs panel" }, body);
}

#[allow(clippy::cast_precision_loss, reason = "measures of people are small")]
fn whole(number: i64) -> f64 {
    number as f64
}

fn tenths(number: i64) -> f64 {
    whole(number) / 10.0
}
