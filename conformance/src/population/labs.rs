//! Laboratory work: order, specimen, results and report, panel by panel.

use serde_json::{Value, json};

use super::chart::{Chart, Entry};
use super::codes::{LOINC, OBSERVATION_CATEGORY, SNOMED, absent, coding, concept, quantity, reference, set};
use super::conditions;
use super::encounters::Visit;

/// A result: LOINC code, name, lowest and highest likely value in tenths, unit as read and in UCUM.
type Analyte = (&'static str, &'static str, i64, i64, &'static str, &'static str);

struct Panel {
    code: &'static str,
    name: &'static str,
    /// SNOMED CT code and display of the specimen.
    specimen: (&'static str, &'static str),
    analytes: &'static [Analyte],
}

const BLOOD_COUNT: Panel = Panel {
    code: "58410-2",
    name: "CBC panel - Blood by Automated count",
    specimen: ("119297000", "Blood specimen"),
    analytes: &[
        ("718-7", "Hemoglobin [Mass/volume] in Blood", 118, 172, "g/dL", "g/dL"),
        ("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", 350, 510, "%", "%"),
        ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", 39, 112, "10*3/uL", "10*3/uL"),
        ("777-3", "Platelets [#/volume] in Blood by Automated count", 1_500, 4_000, "10*3/uL", "10*3/uL"),
    ],
};

const METABOLIC: Panel = Panel {
    code: "51990-0",
    name: "Basic metabolic panel - Blood",
    specimen: ("119364003", "Serum specimen"),
    analytes: &[
        ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", 700, 1_400, "mg/dL", "mg/dL"),
        ("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", 70, 220, "mg/dL", "mg/dL"),
        ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", 6, 13, "mg/dL", "mg/dL"),
        ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", 1_350, 1_450, "mmol/L", "mmol/L"),
        ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", 35, 51, "mmol/L", "mmol/L"),
        ("2075-0", "Chloride [Moles/volume] in Serum or Plasma", 970, 1_070, "mmol/L", "mmol/L"),
    ],
};

const LIPIDS: Panel = Panel {
    code: "57698-3",
    name: "Lipid panel with direct LDL - Serum or Plasma",
    specimen: ("119364003", "Serum specimen"),
    analytes: &[
        ("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", 1_400, 2_600, "mg/dL", "mg/dL"),
        ("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", 600, 2_200, "mg/dL", "mg/dL"),
        ("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", 350, 800, "mg/dL", "mg/dL"),
    ],
};

/// Writes the blood count for all, more for adults, a swab and a look at urine for some.
pub(super) fn write(chart: &mut Chart, visits: &[Visit]) {
    let Some(visit) = visits.last() else { return };
    panel(chart, visit, &BLOOD_COUNT);
    if !chart.facts.is_adult() {
        swab(chart, visit);
        return;
    }
    panel(chart, visit, &METABOLIC);
    match chart.facts.index % 3 {
        0 => panel(chart, visit, &LIPIDS),
        1 => swab(chart, visit),
        _ => urine(chart, visit),
    }
}

fn panel(chart: &mut Chart, visit: &Visit, panel: &Panel) {
    let order = order(chart, visit, panel.code, panel.name);
    let specimen = specimen(chart, visit, panel.specimen, &order);
    let mut results = Vec::new();
    for (nth, analyte) in panel.analytes.iter().enumerate() {
        let (code, name, low, high, unit, ucum) = *analyte;
        // Every fourth person's last result could not be measured.
        let spoilt = chart.facts.index.is_multiple_of(4) && nth + 1 == panel.analytes.len();
        let value = if spoilt {
            ("dataAbsentReason", absent("error"))
        } else {
            let tenths = i32::try_from(chart.facts.dice.between(low, high)).unwrap_or(0);
            ("valueQuantity", quantity(f64::from(tenths) / 10.0, unit, ucum))
        };
        results.push(result(chart, visit, (code, name), &specimen, value));
    }
    report(chart, visit, panel, &order, &specimen, &results);
}

fn swab(chart: &mut Chart, visit: &Visit) {
    let panel = Panel {
        code: "94500-6",
        name: "SARS-CoV-2 RNA [Presence] in Respiratory system specimen by NAA",
        specimen: ("258500001", "Nasopharyngeal swab"),
        analytes: &[],
    };
    let value = ("valueCodeableConcept", concept(SNOMED, "260415000", "Not detected"));
    single(chart, visit, &panel, (panel.code, panel.name), value);
}

fn urine(chart: &mut Chart, visit: &Visit) {
    let panel = Panel {
        code: "24356-8",
        name: "Urinalysis complete panel - Urine",
        specimen: ("122575003", "Urine specimen"),
        analytes: &[],
    };
    let words = json!(format!("Clear, straw-coloured ({})", chart.facts.mrn));
    single(chart, visit, &panel, ("5767-9", "Appearance of Urine"), ("valueString", words));
}

fn single(chart: &mut Chart, visit: &Visit, panel: &Panel, code: (&str, &str), value: (&str, Value)) {
    let order = order(chart, visit, panel.code, panel.name);
    let specimen = specimen(chart, visit, panel.specimen, &order);
    let result = result(chart, visit, code, &specimen, value);
    report(chart, visit, panel, &order, &specimen, &[result]);
}

fn order(chart: &mut Chart, visit: &Visit, code: &str, name: &str) -> String {
    let problem = conditions::first_problem(chart);
    let body = json!({
        "identifier": [{ "system": "https://hospital.example/order", "value": number(chart, "O", code) }],
        "status": "completed",
        "intent": "order",
        "category": [concept(SNOMED, "108252007", "Laboratory procedure")],
        "code": concept(LOINC, code, name),
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "occurrencePeriod": { "start": visit.at(25), "end": visit.at(35) },
        "authoredOn": visit.at(22),
        "requester": { "reference": format!("Practitioner/{}", chart.facts.seen_by) },
        "reasonCode": [{ "text": "Follow-up of a known problem" }],
        "reasonReference": [{ "reference": problem }],
    });
    let profile = Some("us-core-servicerequest");
    chart.add(&Entry { kind: "ServiceRequest", tag: "order", profile, summary: name }, body)
}

fn specimen(chart: &mut Chart, visit: &Visit, kind: (&str, &str), order: &str) -> String {
    // Every twelfth person has a specimen of a type nobody wrote down.
    let unknown = chart.facts.index % 12 == 6;
    let body = json!({
        "accessionIdentifier": { "system": "https://lab.example/accession", "value": number(chart, "A", kind.0) },
        "status": "available",
        "type": if unknown { absent("unknown") } else { concept(SNOMED, kind.0, kind.1) },
        "subject": chart.subject(),
        "receivedTime": visit.at(60),
        "request": [{ "reference": order }],
        "collection": { "collectedDateTime": visit.at(30) },
    });
    let profile = Some("us-core-specimen");
    chart.add(&Entry { kind: "Specimen", tag: "spec", profile, summary: kind.1 }, body)
}

fn result(chart: &mut Chart, visit: &Visit, code: (&str, &str), specimen: &str, value: (&str, Value)) -> String {
    let mut body = json!({
        "identifier": [{ "system": "https://lab.example/result", "value": number(chart, "R", code.0) }],
        "status": "final",
        "category": [concept(OBSERVATION_CATEGORY, "laboratory", "Laboratory")],
        "code": { "coding": [coding(LOINC, code.0, code.1)], "text": code.1 },
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "effectiveDateTime": visit.at(30),
        "issued": visit.at(120),
        "performer": [reference("Organization/org-lab", "Example Valley Laboratory")],
        "specimen": { "reference": specimen },
    });
    set(&mut body, value.0, value.1);
    let profile = Some("us-core-observation-lab");
    chart.add(&Entry { kind: "Observation", tag: "lab", profile, summary: code.1 }, body)
}

fn report(chart: &mut Chart, visit: &Visit, panel: &Panel, order: &str, specimen: &str, results: &[String]) {
    let results: Vec<Value> = results.iter().map(|at| json!({ "reference": at })).collect();
    let body = json!({
        "identifier": [{ "system": "https://lab.example/report", "value": number(chart, "D", panel.code) }],
        "basedOn": [{ "reference": order }],
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory")],
        "code": concept(LOINC, panel.code, panel.name),
        "subject": chart.subject(),
        "encounter": { "reference": visit.encounter },
        "effectiveDateTime": visit.at(30),
        "issued": visit.at(121),
        "performer": [
            reference("Organization/org-lab", "Example Valley Laboratory"),
            { "reference": "Practitioner/pr-08" },
        ],
        "specimen": [{ "reference": specimen }],
        "result": results,
        "conclusion": format!("Reported for {}.", chart.facts.full_name()),
    });
    let profile = Some("us-core-diagnosticreport-lab");
    chart.add(&Entry { kind: "DiagnosticReport", tag: "labreport", profile, summary: panel.name }, body);
}

/// A business number of the person's own: prefix, record number, code.
fn number(chart: &Chart, prefix: &str, code: &str) -> String {
    format!("{prefix}-{}-{code}", chart.facts.mrn)
}
