//! The Patient: names now and before, numbers, addresses, and the six extensions of US Core.

use serde_json::{Value, json};

use super::chart::{Chart, Entry, US_CORE};
use super::codes::{ABSENT_EXTENSION, IDENTIFIER_TYPE, NULL_FLAVOR, SNOMED, concept, set};
use super::facts::Facts;
use super::names::{FORMER, MRN_SYSTEM};

const OMB: &str = "urn:oid:2.16.840.1.113883.6.238";

/// OMB categories of race, each with a detailed code (CDC Race and Ethnicity).
const RACES: [[(&str, &str); 2]; 5] = [
    [("2106-3", "White"), ("2108-9", "European")],
    [("2054-5", "Black or African American"), ("2058-6", "African American")],
    [("2028-9", "Asian"), ("2036-2", "Filipino")],
    [("1002-5", "American Indian or Alaska Native"), ("1586-7", "Shoshone")],
    [("2076-8", "Native Hawaiian or Other Pacific Islander"), ("2080-0", "Samoan")],
];

const STREETS: [&str; 10] = [
    "Alder Lane",
    "Birch Road",
    "Cedar Avenue",
    "Dogwood Court",
    "Fir Street",
    "Hazel Way",
    "Juniper Drive",
    "Linden Place",
    "Maple Street",
    "Willow Terrace",
];

/// City, state, postal code.
const CITIES: [(&str, &str, &str); 6] = [
    ("Springfield", "MA", "01104"),
    ("Amherst", "MA", "01002"),
    ("Hartford", "CT", "06103"),
    ("Albany", "NY", "12207"),
    ("Providence", "RI", "02903"),
    ("Burlington", "VT", "05401"),
];

const LANGUAGES: [(&str, &str); 5] =
    [("en", "English"), ("es", "Spanish"), ("zh", "Chinese"), ("ar", "Arabic"), ("fr", "French")];

pub(super) fn write(chart: &mut Chart) {
    let facts = &mut chart.facts;
    let mut body = json!({
        "extension": extensions(facts),
        "identifier": [{
            "use": "usual",
            "type": concept(IDENTIFIER_TYPE, "MR", "Medical record number"),
            "system": MRN_SYSTEM,
            "value": facts.mrn,
        }],
        "active": true,
        "name": names(facts),
        "telecom": telecom(facts),
        "gender": facts.sex,
        "birthDate": facts.born.date(),
        "address": addresses(facts),
        "communication": [communication(facts)],
        "generalPractitioner": [{ "reference": format!("Practitioner/{}", facts.general_practitioner) }],
        "managingOrganization": { "reference": "Organization/org-hospital" },
    });
    if let Some(day) = facts.died {
        let (key, value) = match facts.index % 25 {
            9 => ("deceasedDateTime", json!(day.date())),
            _ => ("deceasedBoolean", json!(true)),
        };
        set(&mut body, key, value);
    }
    let entry = Entry { kind: "Patient", tag: "", profile: Some("us-core-patient"), summary: "Patient" };
    chart.add(&entry, body);
}

fn extensions(facts: &mut Facts) -> Value {
    let mut all = vec![race(facts), ethnicity(facts)];
    if facts.is_nth(&[3, 6, 21]) {
        all.push(tribe());
    }
    let (letter, snomed) = if facts.sex == "female" { ("F", "248152002") } else { ("M", "248153007") };
    all.push(json!({ "url": format!("{US_CORE}us-core-birthsex"), "valueCode": letter }));
    all.push(json!({ "url": format!("{US_CORE}us-core-sex"), "valueCode": snomed }));
    if facts.is_adult() {
        all.push(gender_identity(facts));
    }
    json!(all)
}

fn race(facts: &mut Facts) -> Value {
    let [(code, display), (detailed, detail)] = *facts.dice.pick(&RACES);
    let category = |code: &str, display: &str| json!({ "system": OMB, "code": code, "display": display });
    let mut parts = Vec::new();
    match facts.index % 9 {
        // Some would rather not say.
        8 => parts.push(json!({
            "url": "ombCategory",
            "valueCoding": { "system": NULL_FLAVOR, "code": "ASKU", "display": "asked but unknown" }
        })),
        other => {
            parts.push(json!({ "url": "ombCategory", "valueCoding": category(code, display) }));
            if other < 4 {
                parts.push(json!({ "url": "detailed", "valueCoding": category(detailed, detail) }));
            }
        }
    }
    let text = if facts.index % 9 == 8 { "Asked but unknown" } else { display };
    parts.push(json!({ "url": "text", "valueString": text }));
    json!({ "url": format!("{US_CORE}us-core-race"), "extension": parts })
}

fn ethnicity(facts: &mut Facts) -> Value {
    let hispanic = facts.index % 4 == 2;
    let (code, display) =
        if hispanic { ("2135-2", "Hispanic or Latino") } else { ("2186-5", "Not Hispanic or Latino") };
    let mut parts = vec![json!({
        "url": "ombCategory", "valueCoding": { "system": OMB, "code": code, "display": display }
    })];
    if hispanic {
        let mexican = json!({ "system": OMB, "code": "2148-5", "display": "Mexican" });
        parts.push(json!({ "url": "detailed", "valueCoding": mexican }));
    }
    parts.push(json!({ "url": "text", "valueString": display }));
    json!({ "url": format!("{US_CORE}us-core-ethnicity"), "extension": parts })
}

fn tribe() -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/v3-TribalEntityUS";
    let display = "Paiute-Shoshone Tribe of the Fallon Reservation and Colony, Nevada";
    json!({
        "url": format!("{US_CORE}us-core-tribal-affiliation"),
        "extension": [
            { "url": "tribalAffiliation", "valueCodeableConcept": concept(system, "187", display) },
            { "url": "isEnrolled", "valueBoolean": true },
        ],
    })
}

fn gender_identity(facts: &Facts) -> Value {
    let identity = match (facts.index % 25, facts.sex) {
        (12, _) => concept(SNOMED, "33791000087105", "Identifies as nonbinary gender"),
        (20, _) => concept(NULL_FLAVOR, "ASKU", "asked but unknown"),
        (_, "female") => concept(SNOMED, "446141000124107", "Identifies as female gender"),
        (_, _) => concept(SNOMED, "446151000124109", "Identifies as male gender"),
    };
    json!({ "url": format!("{US_CORE}us-core-genderIdentity"), "valueCodeableConcept": identity })
}

fn names(facts: &mut Facts) -> Value {
    let mut current = json!({
        "use": "official", "family": facts.family, "given": [facts.given, facts.middle]
    });
    if facts.is_nth(&[1, 11, 18]) {
        set(&mut current, "suffix", json!(["Jr."]));
    }
    if !(facts.is_adult() && facts.index.is_multiple_of(5)) {
        return json!([current]);
    }
    let married = facts.born.plus(facts.dice.between(19 * 366, 23 * 366)).min(facts.last);
    set(&mut current, "period", json!({ "start": married.date() }));
    let former = *facts.dice.pick(&FORMER[8..]);
    let period = json!({ "start": facts.born.date(), "end": married.date() });
    json!([
        current,
        { "use": "old", "family": former, "given": [facts.given, facts.middle], "period": period },
    ])
}

fn telecom(facts: &Facts) -> Value {
    let phone = json!({ "system": "phone", "value": format!("+1-555-{:07}", facts.index), "use": "home" });
    if !facts.is_nth(&[7, 22]) {
        let email = format!("{}@people.example", facts.username);
        return json!([phone, { "system": "email", "value": email, "use": "home" }]);
    }
    // A value nobody knows: the element is there and says why it is empty.
    let why = json!([{ "url": ABSENT_EXTENSION, "valueCode": "asked-unknown" }]);
    json!([phone, { "system": "email", "_value": { "extension": why }, "use": "home" }])
}

fn addresses(facts: &mut Facts) -> Value {
    let mut one = |what: &str, start: i64, end: Option<i64>| {
        let street = *facts.dice.pick(&STREETS);
        let (city, state, postal_code) = *facts.dice.pick(&CITIES);
        let number = facts.dice.between(1, 980);
        let mut period = json!({ "start": facts.ago(start).date() });
        if let Some(end) = end {
            set(&mut period, "end", json!(facts.ago(end).date()));
        }
        json!({
            "use": what, "line": [format!("{number} {street}"), format!("Box {}", facts.mrn)], "city": city,
            "state": state, "postalCode": postal_code, "country": "US", "period": period
        })
    };
    let now = one("home", 900, None);
    let before = one("old", 3_000, Some(901));
    json!([now, before])
}

fn communication(facts: &mut Facts) -> Value {
    let (code, display) = if facts.index.is_multiple_of(3) { LANGUAGES[0] } else { *facts.dice.pick(&LANGUAGES) };
    json!({ "language": concept("urn:ietf:bcp:47", code, display), "preferred": true })
}
