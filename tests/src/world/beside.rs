//! What lies beside: records that are withheld from everybody, records of two people, and people who appear in each other's
//! records. In the second world the hidden ones are others, and more.

use super::{COMPARED, Maker, Person, Shared, Side, concept, to};
use serde_json::{Value, json};

/// Owners of hidden records' canaries: this and the person's number.
const HIDDEN: u16 = 0x8000;
/// Hidden records that the second world has more, of each type and person: enough to change pages, if they could.
const MORE: usize = 30;

/// Adds them all.
pub(super) fn hidden(seed: u64, side: Side, people: &[Person], shared: &Shared, rows: &mut Vec<Value>) {
    for person in people {
        let mut maker = Maker::new(seed, HIDDEN + person.number);
        maker.strange = side == Side::Two;
        withheld(&mut maker, side, person, shared, rows);
    }
    let mut maker = Maker::new(seed, 0xfffe);
    between(&mut maker, people, rows);
    let mut maker = Maker::new(seed, 0xffff);
    maker.strange = side == Side::Two;
    strangers(&mut maker, side, people, rows);
}

fn observation(maker: &mut Maker, subject: Value) -> Value {
    json!({"status": "final", "category": [concept("laboratory")], "code": concept("glucose"), "subject": subject,
        "effectiveDateTime": "2025-03-03", "valueString": maker.word(), "identifier": maker.identifier()})
}

/// Psychotherapy notes, and what cannot be told whose it is, in one person's records.
fn withheld(maker: &mut Maker, side: Side, person: &Person, shared: &Shared, rows: &mut Vec<Value>) {
    let me = to("Patient", &person.id);
    let count = if side == Side::One { 3 } else { MORE };
    for n in 0..count {
        let id = maker.canary();
        // The first is gone in the second world, the second has changed, the rest are new.
        if n == 0 && side == Side::Two {
            continue;
        }
        let mut note = observation(maker, me.clone());
        note["performer"] = json!([to("Practitioner", &shared.practitioners[5])]);
        rows.push(maker.resource("Observation", &id, &["PSYTHPN"], note));
    }
    for kind in ["Condition", "DocumentReference", "Encounter", "Procedure"] {
        let id = maker.canary();
        let made = json!({"status": "current", "subject": me, "code": concept("asthma"), "identifier": maker.identifier(), "note": maker.note()});
        rows.push(maker.resource(kind, &id, &["R", "PSYTHPN"], made));
    }
    let (inside, unread, telling) = (maker.canary(), maker.canary(), maker.canary());
    let mut made = observation(maker, me.clone());
    made["contained"] = json!([{"resourceType": "Observation", "id": "c", "meta": {"security": [{"code": "PSYTHPN"}]}, "valueString": maker.word()}]);
    rows.push(maker.resource("Observation", &inside, &[], made));
    let made = observation(maker, me);
    let mut row = maker.resource("Observation", &unread, &["x"], made);
    row["meta"]["security"] = json!([{"display": "secret"}]);
    rows.push(row);
    // Of a hidden record nothing is told either.
    let made = json!({"target": [to("Observation", &inside)], "recorded": "2025-06-06T00:00:00Z", "agent": [{"who": {"display": maker.word()}}]});
    rows.push(maker.resource("Provenance", &telling, &[], made));
}

/// Where compared people meet: the same in both worlds.
fn between(maker: &mut Maker, people: &[Person], rows: &mut Vec<Value>) {
    let patient = |at: usize| to("Patient", &people[at].id);
    let mut ids = (0..8).map(|_| maker.canary()).collect::<Vec<_>>().into_iter();
    let mut id = || ids.next().unwrap();
    // A mother tells of her newborn's allergy, and holds the policy.
    let made = json!({"patient": patient(1), "asserter": patient(0), "code": concept("milk"), "note": maker.note()});
    rows.push(maker.resource("AllergyIntolerance", &id(), &[], made));
    let made = json!({"beneficiary": patient(1), "subscriber": patient(0), "status": "active", "payor": [patient(0)], "identifier": maker.identifier()});
    rows.push(maker.resource("Coverage", &id(), &[], made));
    let mut made = observation(maker, patient(1));
    made["focus"] = json!([patient(0)]);
    made["performer"] = json!([patient(0)]);
    rows.push(maker.resource("Observation", &id(), &[], made));
    // Two in one encounter, which is the first one's.
    let shared = id();
    let made = json!({"status": "finished", "subject": patient(2), "class": {"code": "IMP"}, "identifier": maker.identifier()});
    rows.push(maker.resource("Encounter", &shared, &[], made));
    let mut made = observation(maker, patient(3));
    made["encounter"] = to("Encounter", &shared);
    let theirs = id();
    rows.push(maker.resource("Observation", &theirs, &[], made));
    // Told of two people at once: neither's.
    let made = json!({"target": [to("Observation", &theirs), to("Encounter", &shared)], "recorded": "2025-06-06T00:00:00Z", "agent": [{"who": patient(2)}]});
    rows.push(maker.resource("Provenance", &id(), &[], made));
    // A subject that was corrected: each version is whose it says.
    let corrected = id();
    let made = observation(maker, patient(6));
    rows.push(maker.version("Observation", &corrected, &[], made, (1, 2)));
    let made = observation(maker, patient(5));
    rows.push(maker.version("Observation", &corrected, &[], made, (2, 12)));
}

/// Strangers' records in which compared people appear, and records of nobody; in the second world others.
fn strangers(maker: &mut Maker, side: Side, people: &[Person], rows: &mut Vec<Value>) {
    let stranger = &people[usize::from(COMPARED)];
    for person in &people[..usize::from(COMPARED)] {
        let known = to("Patient", &person.id);
        let (allergy, coverage, seen, group, missing, elsewhere, number, told) = (
            maker.canary(),
            maker.canary(),
            maker.canary(),
            maker.canary(),
            maker.canary(),
            maker.canary(),
            maker.canary(),
            maker.canary(),
        );
        if side == Side::Two && person.number % 2 == 0 {
            continue;
        }
        let them = to("Patient", &stranger.id);
        let made = json!({"patient": them, "asserter": known, "recorder": known, "code": concept("nuts"), "note": maker.note()});
        rows.push(maker.resource("AllergyIntolerance", &allergy, &[], made));
        let made = json!({"beneficiary": them, "subscriber": known, "policyHolder": known, "payor": [known], "status": "active", "identifier": maker.identifier()});
        rows.push(maker.resource("Coverage", &coverage, &[], made));
        let mut made = observation(maker, them);
        made["performer"] = json!([known]);
        made["focus"] = json!([known]);
        rows.push(maker.resource("Observation", &seen, &[], made));
        let subjects = [
            (group, json!({"reference": "Group/g", "identifier": {"value": person.mrn}})),
            (missing, Value::Null),
            (elsewhere, json!({"reference": format!("https://elsewhere.example/fhir/Patient/{}", person.id)})),
            (number, json!({"identifier": {"system": "urn:proof:mrn", "value": person.mrn}})),
        ];
        for (id, subject) in subjects {
            let mut made = observation(maker, subject);
            if made["subject"].is_null() {
                made.as_object_mut().unwrap().remove("subject");
            }
            rows.push(maker.resource("Observation", &id, &[], made));
        }
        let made = json!({"target": [known, to("Observation", &seen)], "recorded": "2025-06-06T00:00:00Z", "agent": [{"who": known}]});
        rows.push(maker.resource("Provenance", &told, &[], made));
    }
}
