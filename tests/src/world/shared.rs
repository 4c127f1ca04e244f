//! What is nobody's own: practitioners, roles, organizations, locations, medications. Some are led to by many, some by one
//! step more, some by strangers alone, some by hidden records alone, some by nothing.

use super::{Maker, Side, concept, to};
use serde_json::{Value, json};

/// Ids of what is shared, by place.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// 0 to 3 are led to by records, 4 through a role, 5 by hidden records, 6 by strangers, 7 by nothing.
    pub practitioners: Vec<String>,
    /// 0 and 1 are led to by records, 2 is doctor 2's, 3 is a stranger's.
    pub roles: Vec<String>,
    /// 0 and 1 are led to by records, 2 to 4 through another shared record, 5 by strangers.
    pub organizations: Vec<String>,
    /// 0 and 1 are led to by records, 2 through a role, 3 by strangers.
    pub locations: Vec<String>,
    /// 0 to 3 are led to by records, 4 is an ingredient, 5 is strangers'.
    pub medications: Vec<String>,
}

/// Owners of shared records' canaries begin here, one for each record.
const OWNERS: u16 = 0x4000;

impl Shared {
    /// Makes them all. In the second world, what only strangers lead to differs, and what nothing leads to is gone.
    pub(super) fn grow(seed: u64, side: Side, rows: &mut Vec<Value>) -> Shared {
        let mut owner = OWNERS;
        let mut maker = |strange: bool| {
            owner += 1;
            let mut maker = Maker::new(seed, owner);
            maker.strange = strange && side == Side::Two;
            maker
        };
        let mut shared = Shared::default();
        let mut all = Vec::new();
        for at in 0..8 {
            let mut maker = maker(at >= 5);
            let id = maker.canary();
            let family = format!("{} {}", ["Roe", "Bär", "Núñez", "Kim", "Ito", "Ox", "Ash", "Lee"][at], maker.word());
            let made = json!({
                "identifier": maker.identifier(), "active": at != 3, "gender": if at % 2 == 0 { "female" } else { "male" },
                "name": [{"family": family, "given": [maker.word()]}],
                "telecom": [{"system": "phone", "value": maker.word()}, {"system": "email", "value": maker.word()}],
                "address": [{"line": [maker.word()], "city": "Ulm", "state": "BW", "postalCode": format!("8907{at}")}],
            });
            all.push(maker.resource("Practitioner", &id, &[], made));
            shared.practitioners.push(id);
        }
        for at in 0..6 {
            let mut maker = maker(at == 5);
            let id = maker.canary();
            let mut made = json!({
                "identifier": maker.identifier(), "active": true, "name": format!("Clinic {}", maker.word()),
                "alias": [maker.word()], "type": [concept("prov")],
                "address": [{"line": [maker.word()], "city": "Graz", "state": "ST", "postalCode": "8010"}],
            });
            // 0 is part of 4.
            if at == 4 {
                all.iter_mut()
                    .filter(|row: &&mut Value| row["id"] == shared.organizations[0])
                    .for_each(|row| row["partOf"] = to("Organization", &id));
            }
            made["telecom"] = json!([{"system": "phone", "value": maker.word()}]);
            all.push(maker.resource("Organization", &id, &[], made));
            shared.organizations.push(id);
        }
        for at in 0..4 {
            let mut maker = maker(at == 3);
            let id = maker.canary();
            let made = json!({
                "identifier": maker.identifier(), "status": "active", "name": format!("Ward {}", maker.word()),
                "address": {"line": [maker.word()], "city": "Bern", "state": "BE", "postalCode": "3000"}, "type": [concept("HOSP")],
                "managingOrganization": to("Organization", &shared.organizations[if at == 0 { 2 } else { 1 }]),
            });
            all.push(maker.resource("Location", &id, &[], made));
            shared.locations.push(id);
        }
        for at in 0..6 {
            let mut maker = maker(at == 5);
            let id = maker.canary();
            let mut made = json!({
                "identifier": maker.identifier(), "code": concept(["aspirin", "ibuprofen"][at % 2]), "status": "active", "form": concept("tablet"),
                "manufacturer": to("Organization", &shared.organizations[if at == 2 { 3 } else { 1 }]), "batch": {"lotNumber": maker.word()},
            });
            if at == 4 {
                all.iter_mut().filter(|row: &&mut Value| row["id"] == shared.medications[1]).for_each(|row| {
                    row["ingredient"] =
                        json!([{"itemReference": to("Medication", &id)}, {"itemCodeableConcept": concept("salt")}]);
                });
            }
            made["extension"] = json!([{"url": "urn:proof:extension", "valueString": maker.word()}]);
            all.push(maker.resource("Medication", &id, &[], made));
            shared.medications.push(id);
        }
        for at in 0..4 {
            let mut maker = maker(at == 3);
            let id = maker.canary();
            let practitioner = [4, 1, 2, 6][at];
            let made = json!({
                "identifier": maker.identifier(), "active": true, "practitioner": to("Practitioner", &shared.practitioners[practitioner]),
                "organization": to("Organization", &shared.organizations[[1, 1, 0, 5][at]]), "code": [concept("doctor")], "specialty": [concept("cardio")],
                "location": [to("Location", &shared.locations[[2, 1, 1, 3][at]])],
            });
            all.push(maker.resource("PractitionerRole", &id, &[], made));
            shared.roles.push(id);
        }
        if side == Side::Two {
            all.retain(|row| row["id"] != shared.practitioners[7]);
        }
        rows.extend(all);
        shared
    }
}
