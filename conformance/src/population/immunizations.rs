//! Immunizations given, refused, and given on a day nobody remembers.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{ABSENT_EXTENSION, ACT_REASON, CVX, concept, set};

const OF_ADULTS: [(&str, &str); 4] = [
    ("140", "Influenza, split virus, trivalent, PF"),
    ("115", "Tdap"),
    ("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    ("33", "pneumococcal polysaccharide PPV23"),
];

const OF_CHILDREN: [(&str, &str); 6] = [
    ("08", "Hep B, adolescent or pediatric"),
    ("20", "DTaP"),
    ("10", "IPV"),
    ("48", "Hib (PRP-T)"),
    ("133", "Pneumococcal conjugate PCV 13"),
    ("03", "MMR"),
];

pub(super) fn write(chart: &mut Chart) {
    let (vaccines, gap) = if chart.facts.is_adult() { (&OF_ADULTS[..], 190) } else { (&OF_CHILDREN[..], 55) };
    for (nth, vaccine) in vaccines.iter().enumerate() {
        let day = chart.facts.ago(40 + gap * i64::try_from(nth).unwrap_or(0)).date();
        let refused = nth == 2 && chart.facts.index.is_multiple_of(4);
        let mut body = json!({
            "status": if refused { "not-done" } else { "completed" },
            "vaccineCode": concept(CVX, vaccine.0, vaccine.1),
            "patient": chart.subject(),
            "occurrenceDateTime": day,
            "primarySource": nth != 1,
            "note": [{ "text": format!("Record of {}.", chart.facts.full_name()) }],
        });
        if refused {
            set(&mut body, "statusReason", concept(ACT_REASON, "PATOBJ", "patient objection"));
        } else {
            let lot = format!("L-{}-{}", chart.facts.mrn, vaccine.0);
            set(&mut body, "lotNumber", json!(lot));
        }
        if nth == 1 && chart.facts.index % 5 == 2 {
            forget_day(&mut body);
        }
        let profile = Some("us-core-immunization");
        chart.add(&Entry { kind: "Immunization", tag: "imm", profile, summary: vaccine.1 }, body);
    }
}

/// The day is unknown: its element stays, with the reason in place of the value.
fn forget_day(body: &mut Value) {
    if let Value::Object(members) = body {
        members.remove("occurrenceDateTime");
    }
    let why = json!([{ "url": ABSENT_EXTENSION, "valueCode": "unknown" }]);
    set(body, "_occurrenceDateTime", json!({ "extension": why }));
}
