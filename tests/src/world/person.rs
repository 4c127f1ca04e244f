//! One person's records: something of every type, led to each other, with canaries throughout.

use super::{AUTHORITY, COMPARED, Maker, Person, Shared, canary, concept, to};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const FAMILIES: [&str; 8] = ["Müller", "Smith", "García", "Okafor", "Ivanova", "Chen", "Haddad", "Jones"];

/// Who a person is: the same in both worlds, since laboratories know them too.
pub(super) fn who(seed: u64, number: u16) -> Person {
    let own = |at: u16| canary(seed, number, 0xf00 + at);
    // The last four strangers' ids begin as those of four who are compared: an id that is cut short is another's.
    let id = match number {
        12.. => format!("{}{}", &canary(seed, number - 8, 0xf00)[..24], &own(0)[24..]),
        _ => own(0),
    };
    // Laboratories here write plain ASCII.
    let family = if number < COMPARED { FAMILIES[usize::from(number)] } else { "Doe" };
    Person {
        number,
        id,
        mrn: own(1),
        name: (format!("{family} {}", own(2)), format!("Ann{}", own(3))),
        birth_date: format!("19{:02}-0{}-1{}", 40 + 3 * number, 1 + number % 9, number % 10),
    }
}

/// All that is this person's and may be seen by them.
pub(super) fn records(maker: &mut Maker, people: &[Person], shared: &Shared, rows: &mut Vec<Value>) {
    let person = &people[usize::from(maker.owner)];
    let is_stranger = maker.owner >= COMPARED;
    let (me, at) = (to("Patient", &person.id), usize::from(maker.owner));
    // Strangers lead to what the compared do not.
    let doctor = to("Practitioner", &shared.practitioners[if is_stranger && at % 2 == 0 { 6 } else { at % 4 }]);
    let role = to("PractitionerRole", &shared.roles[if is_stranger { 3 } else { at % 3 }]);
    let clinic = to("Organization", &shared.organizations[if is_stranger && at % 2 == 0 { 5 } else { at % 2 }]);
    let ward = to("Location", &shared.locations[if is_stranger { 3 } else { at % 2 }]);
    let drug = to("Medication", &shared.medications[if is_stranger { 5 } else { at % 4 }]);
    let codes = ["glucose", "sodium", "weight", "heart-rate"];
    let mut ids = Ids::of(maker);
    let patient = json!({
        "identifier": [{"system": AUTHORITY.1, "value": person.mrn}, {"system": "urn:proof:ssn", "value": maker.word()}],
        "active": true, "name": [{"family": person.name.0, "given": [person.name.1, maker.word()], "prefix": ["Dr"]}],
        "telecom": [{"system": "phone", "value": maker.word()}, {"system": "email", "value": maker.word()}],
        "gender": if at % 2 == 0 { "female" } else { "male" }, "birthDate": person.birth_date,
        "deceasedDateTime": format!("2025-0{}-03", 1 + at % 9),
        "address": [{"line": [maker.word()], "city": (["Köln", "Ulm"][at % 2]), "state": "NW", "postalCode": format!("50{:03}", at)}],
        "contact": [{"name": {"text": maker.word()}, "telecom": [{"system": "phone", "value": maker.word()}]}],
        "generalPractitioner": [doctor, role], "managingOrganization": clinic,
        "photo": [maker.attachment()], "communication": [{"language": {"text": maker.word()}}],
    });
    rows.push(maker.resource("Patient", &person.id, &[], patient));
    for n in 0..3 {
        let made = json!({
            "identifier": maker.identifier(), "status": (["finished", "planned"][n % 2]), "class": {"system": "urn:proof:class", "code": (["AMB", "IMP"][n % 2])},
            "type": [concept("visit")], "subject": me, "participant": [{"individual": if n == 1 { role.clone() } else { doctor.clone() }}],
            "period": {"start": format!("2024-0{}-01T09:00:00+01:00", n + 1), "end": format!("2024-0{}-02", n + 1)},
            "reasonCode": [concept("cough"), {"text": maker.word()}], "serviceProvider": clinic, "location": [{"location": ward}],
            "hospitalization": {"dischargeDisposition": concept("home")}, "partOf": to("Encounter", &ids.encounters[0]),
        });
        rows.push(maker.resource("Encounter", &ids.encounters[n], &[["R"], ["N"]][n % 2], made));
    }
    for n in 0..ids.observations.len() {
        let mut made = json!({
            "identifier": maker.identifier(), "status": (["final", "amended"][n % 2]), "category": [concept(["laboratory", "vital-signs"][n % 2])],
            "code": concept(codes[n % 4]), "subject": me, "encounter": to("Encounter", &ids.encounters[n % 3]),
            "performer": [([&doctor, &role, &clinic][n % 3])], "valueString": maker.word(), "note": maker.note(),
            "component": [{"code": concept(["systolic", "diastolic"][n % 2]), "valueString": maker.word()}],
            "specimen": to("Specimen", &ids.specimen), "basedOn": [to("ServiceRequest", &ids.request)], "device": to("Device", &ids.device),
            "hasMember": [to("Observation", &ids.observations[(n + 1) % 5])], "derivedFrom": [to("DocumentReference", &ids.documents[0])],
        });
        match n % 3 {
            0 => made["effectiveDateTime"] = json!(format!("2025-0{}-1{}T10:30:00Z", 1 + n % 9, n % 10)),
            1 => made["effectivePeriod"] = json!({"start": format!("2025-0{}-05", 1 + n % 9)}),
            _ => made["effectiveDateTime"] = json!(format!("2025-0{}", 1 + n % 9)),
        }
        match n {
            2 => {
                made["contained"] =
                    json!([{"resourceType": "Practitioner", "id": "c", "name": [{"text": maker.word()}]}])
            }
            3 => {
                made["contained"] =
                    json!([{"resourceType": "Observation", "id": "c", "status": "final", "valueString": maker.word()}])
            }
            4 => {
                made["valueCodeableConcept"] = concept("positive");
                made.as_object_mut().unwrap().remove("valueString");
            }
            _ => {}
        }
        if n < 2 {
            let mut earlier = made.clone();
            earlier["valueString"] = json!(maker.word());
            earlier["category"] = json!([concept(["vital-signs", "laboratory"][n])]);
            rows.push(maker.version("Observation", &ids.observations[n], &[], earlier, (1, 2)));
            rows.push(maker.version("Observation", &ids.observations[n], &["ETH"], made, (2, 12)));
        } else {
            rows.push(maker.resource("Observation", &ids.observations[n], &[], made));
        }
    }
    for n in 0..3 {
        let made = json!({
            "identifier": maker.identifier(), "clinicalStatus": concept("active"), "verificationStatus": concept("confirmed"), "category": [concept(["problem", "visit"][n % 2])],
            "severity": concept("severe"), "code": concept(["asthma", "flu"][n % 2]), "subject": me, "encounter": to("Encounter", &ids.encounters[n]),
            "onsetDateTime": format!("200{n}-05"), "abatementPeriod": {"end": format!("201{n}-05-06")}, "recordedDate": format!("201{n}-01-01"), "asserter": doctor,
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate", "valueDateTime": format!("201{n}-02")}, {"url": "x", "valueString": maker.word()}],
            "note": maker.note(), "stage": [{"summary": {"text": maker.word()}}],
        });
        rows.push(maker.resource("Condition", &ids.conditions[n], &[], made));
    }
    let mut one = |maker: &mut Maker, kind: &str, id: &str, made: Value| {
        let mut made = made;
        made["identifier"] = maker.identifier();
        made["note"] = maker.note();
        rows.push(maker.resource(kind, id, &[], made));
    };
    let id = maker.canary();
    one(
        maker,
        "AllergyIntolerance",
        &id,
        json!({"patient": me, "clinicalStatus": concept("active"), "verificationStatus": concept("confirmed"), "type": "allergy", "category": ["food"], "criticality": "high", "code": concept("nuts"), "recordedDate": "2019-09-09", "asserter": me, "recorder": doctor, "reaction": [{"substance": concept("peanut"), "description": maker_word(&id)}]}),
    );
    one(
        maker,
        "Specimen",
        &ids.specimen,
        json!({"subject": me, "accessionIdentifier": {"value": maker_word(&ids.specimen)}, "status": "available", "type": concept("blood"), "collection": {"collectedDateTime": "2025-01-02T03:04:05Z", "collector": doctor}}),
    );
    one(
        maker,
        "ServiceRequest",
        &ids.request,
        json!({"subject": me, "status": "active", "intent": "order", "category": [concept("lab")], "code": concept("panel"), "authoredOn": "2025-01-01", "occurrencePeriod": {"start": "2025-01-01", "end": "2025-02-01"}, "encounter": to("Encounter", &ids.encounters[0]), "requester": doctor, "performer": [clinic], "specimen": [to("Specimen", &ids.specimen)], "requisition": {"value": maker_word(&ids.request)}}),
    );
    one(
        maker,
        "Device",
        &ids.device,
        json!({"patient": me, "status": "active", "type": concept("pump"), "owner": clinic, "location": ward, "udiCarrier": [{"deviceIdentifier": maker_word(&ids.device)}], "serialNumber": maker_word(&ids.device)}),
    );
    let report = maker.canary();
    one(
        maker,
        "DiagnosticReport",
        &report,
        json!({"subject": me, "status": "final", "category": [concept("LAB")], "code": concept("panel"), "effectiveDateTime": "2025-03-03T08:00:00-05:00", "issued": "2025-03-04T08:00:00Z", "encounter": to("Encounter", &ids.encounters[0]), "performer": [clinic], "resultsInterpreter": [doctor], "result": [to("Observation", &ids.observations[0])], "specimen": [to("Specimen", &ids.specimen)], "basedOn": [to("ServiceRequest", &ids.request)], "conclusion": maker_word(&report), "presentedForm": [{"url": format!("Binary/{}", ids.binaries[1])}]}),
    );
    for n in 0..2 {
        let id = ids.prescriptions[n].clone();
        let mut made = json!({"subject": me, "status": (["active", "stopped"][n]), "intent": "order", "category": [concept("community")], "authoredOn": format!("2025-0{}-01", n + 4), "encounter": to("Encounter", &ids.encounters[n]), "requester": doctor, "performer": doctor, "dispenseRequest": {"performer": clinic}, "dosageInstruction": [{"text": maker_word(&id)}]});
        if n == 0 {
            made["medicationReference"] = drug.clone()
        } else {
            made["medicationCodeableConcept"] = concept("aspirin")
        }
        one(maker, "MedicationRequest", &id, made);
    }
    let id = maker.canary();
    one(
        maker,
        "MedicationDispense",
        &id,
        json!({"subject": me, "status": "completed", "type": concept("fill"), "medicationReference": drug, "authorizingPrescription": [to("MedicationRequest", &ids.prescriptions[0])], "whenPrepared": "2025-05-01", "whenHandedOver": "2025-05-02", "performer": [{"actor": doctor}], "context": to("Encounter", &ids.encounters[0]), "destination": ward}),
    );
    let id = maker.canary();
    one(
        maker,
        "Immunization",
        &id,
        json!({"patient": me, "status": "completed", "vaccineCode": concept("mmr"), "occurrenceDateTime": "2011-11-11", "performer": [{"actor": doctor}], "location": ward, "manufacturer": clinic, "lotNumber": maker_word(&id)}),
    );
    for n in 0..2 {
        let id = maker.canary();
        one(
            maker,
            "Procedure",
            &id,
            json!({"subject": me, "status": "completed", "code": concept(["biopsy", "scan"][n]), "category": concept("surgical"), "performedPeriod": {"start": format!("202{n}-06-01"), "end": format!("202{n}-06-02")}, "encounter": to("Encounter", &ids.encounters[n]), "performer": [{"actor": if n == 0 { doctor.clone() } else { role.clone() }}], "location": ward, "basedOn": [to("ServiceRequest", &ids.request)], "outcome": {"text": maker_word(&id)}}),
        );
    }
    let (team, goal, plan) = (maker.canary(), maker.canary(), maker.canary());
    one(
        maker,
        "CareTeam",
        &team,
        json!({"subject": me, "status": "active", "category": [concept("team")], "name": maker_word(&team), "period": {"start": "2023-01-01"}, "encounter": to("Encounter", &ids.encounters[0]), "participant": [{"role": [concept("lead")], "member": doctor}, {"member": clinic}]}),
    );
    one(
        maker,
        "Goal",
        &goal,
        json!({"subject": me, "lifecycleStatus": "active", "achievementStatus": concept("improving"), "category": [concept("diet")], "description": {"coding": [{"system": "urn:proof:codes", "code": "less-salt"}], "text": maker_word(&goal)}, "startDate": "2024-04-04", "target": [{"dueDate": "2025-04-04"}]}),
    );
    one(
        maker,
        "CarePlan",
        &plan,
        json!({"subject": me, "status": "active", "intent": "plan", "category": [concept("assess-plan")], "title": maker_word(&plan), "period": {"start": "2024-01-01", "end": "2024-12-31"}, "encounter": to("Encounter", &ids.encounters[0]), "careTeam": [to("CareTeam", &team)], "goal": [to("Goal", &goal)], "addresses": [to("Condition", &ids.conditions[0])], "activity": [{"detail": {"status": "completed", "performer": [doctor]}}]}),
    );
    let related = maker.canary();
    one(
        maker,
        "RelatedPerson",
        &related,
        json!({"patient": me, "active": true, "relationship": [concept("N")], "name": [{"family": "Kin", "given": [maker_word(&related)]}], "gender": "other", "birthDate": "1930-03-03", "telecom": [{"system": "phone", "value": maker_word(&related)}]}),
    );
    let id = maker.canary();
    one(
        maker,
        "Coverage",
        &id,
        json!({"beneficiary": me, "status": "active", "type": concept("EHCPOL"), "payor": [clinic], "subscriber": to("RelatedPerson", &related), "policyHolder": me, "subscriberId": maker_word(&id)}),
    );
    for n in 0..2 {
        let made = json!({
            "masterIdentifier": {"value": maker.word()}, "status": "current", "type": concept("note"), "category": [concept("clinical-note")], "subject": me,
            "date": format!("2025-02-0{}T00:00:00Z", n + 1), "author": [doctor], "authenticator": doctor, "custodian": clinic, "description": maker.word(),
            "content": [{"attachment": maker.attachment()}, {"attachment": {"url": format!("Binary/{}", ids.binaries[0])}}],
            "context": {"encounter": [to("Encounter", &ids.encounters[0])], "period": {"start": "2025-02-01"}, "related": [to("Observation", &ids.observations[0])], "practiceSetting": concept("ward"), "facilityType": concept("hospital")},
        });
        rows.push(maker.resource("DocumentReference", &ids.documents[n], &[], made));
    }
    // The first names no owner, the second is owned by a document, the third by the patient, and nothing has the last.
    let owners = [None, Some(to("DocumentReference", &ids.documents[0])), Some(me.clone()), None];
    for (id, owner) in ids.binaries.iter().zip(owners) {
        let mut row = json!({"resourceType": "Binary", "id": id, "meta": {"versionId": "1", "lastUpdated": "2026-01-05T08:00:00.000Z"}, "contentType": "text/plain"});
        if let Some(owner) = owner {
            row["securityContext"] = owner;
        }
        row["data"] = json!(STANDARD.encode(maker.word()));
        rows.push(row);
    }
    for n in 0..3 {
        let id = maker.canary();
        let targets = match n {
            0 => json!([to("Observation", &ids.observations[0])]),
            1 => json!([to("Observation", &ids.observations[1]), to("MedicationRequest", &ids.prescriptions[0])]),
            _ => json!([to("Observation", &ids.observations[2]), doctor]),
        };
        let made = json!({"target": targets, "occurredDateTime": "2025-06-06", "recorded": format!("2025-06-0{}T00:00:00Z", n + 1), "location": ward,
            "agent": [{"who": doctor}], "entity": [{"role": "source", "what": to("DocumentReference", &ids.documents[0])}], "reason": [{"text": maker.word()}]});
        rows.push(maker.resource("Provenance", &id, &[], made));
    }
    ids.observations.clear();
}

/// A second word within one statement: told from the id it stands beside, and as foreign as that.
fn maker_word(id: &str) -> String {
    format!("of {id}")
}

struct Ids {
    encounters: Vec<String>,
    observations: Vec<String>,
    conditions: Vec<String>,
    prescriptions: Vec<String>,
    documents: Vec<String>,
    binaries: Vec<String>,
    specimen: String,
    request: String,
    device: String,
}

impl Ids {
    fn of(maker: &mut Maker) -> Ids {
        let mut some = |count: usize| (0..count).map(|_| maker.canary()).collect::<Vec<_>>();
        let mut single = some(3).into_iter();
        let mut next = || single.next().unwrap();
        let (specimen, request, device) = (next(), next(), next());
        Ids {
            encounters: some(3),
            observations: some(9),
            conditions: some(3),
            prescriptions: some(2),
            documents: some(2),
            binaries: some(4),
            specimen,
            request,
            device,
        }
    }
}
