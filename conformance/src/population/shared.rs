//! What all people share: two organizations of care, a laboratory, a pharmacy, a payer, and who works there.

use serde_json::{Value, json};

use super::chart::{Entry, resource};
use super::codes::{NPI, RXNORM, SNOMED, concept, reference, set};
use super::dice::Dice;
use super::names::{FORMER, KIN, folded};
use super::{Clinician, Resource};

/// Id, name, NPI (valid by its check digit), type code and display.
const ORGANIZATIONS: [(&str, &str, &str, &str, &str); 5] = [
    ("org-hospital", "Example Valley Hospital", "1234567893", "prov", "Healthcare Provider"),
    ("org-clinic", "Example Valley Family Clinic", "1000000012", "prov", "Healthcare Provider"),
    ("org-lab", "Example Valley Laboratory", "1000000020", "prov", "Healthcare Provider"),
    ("org-pharmacy", "Example Valley Pharmacy", "1000000038", "prov", "Healthcare Provider"),
    ("org-payer", "Example Health Plan", "1000000046", "pay", "Payer"),
];

const LOCATIONS: [(&str, &str, &str); 3] = [
    ("loc-hospital", "Example Valley Hospital, main building", "org-hospital"),
    ("loc-clinic", "Example Valley Family Clinic, Elm Street", "org-clinic"),
    ("loc-lab", "Example Valley Laboratory, collection room", "org-lab"),
];

/// Practitioner, organization, location, specialty (SNOMED CT code and display), role.
const PRACTITIONERS: [(&str, &str, &str, &str, &str); 8] = [
    ("pr-01", "org-clinic", "loc-clinic", "419772000", "Family practice"),
    ("pr-02", "org-clinic", "loc-clinic", "394802001", "General medicine"),
    ("pr-03", "org-clinic", "loc-clinic", "419772000", "Family practice"),
    ("pr-04", "org-hospital", "loc-hospital", "394802001", "General medicine"),
    ("pr-05", "org-clinic", "loc-clinic", "394537008", "Pediatric specialty"),
    ("pr-06", "org-hospital", "loc-hospital", "394579002", "Cardiology"),
    ("pr-07", "org-pharmacy", "loc-clinic", "394802001", "General medicine"),
    ("pr-08", "org-lab", "loc-lab", "394595002", "Pathology"),
];

/// NPIs of the practitioners, valid by their check digits.
const NPIS: [&str; 8] =
    ["1000000053", "1000000061", "1000000079", "1000000087", "1000000095", "1000000103", "1000000111", "1000000129"];

/// Medications that prescriptions refer to: id, RxNorm code, display.
pub(super) const MEDICATIONS: [(&str, &str, &str); 4] = [
    ("med-lisinopril", "314076", "lisinopril 10 MG Oral Tablet"),
    ("med-amlodipine", "197361", "amlodipine 5 MG Oral Tablet"),
    ("med-atorvastatin", "617310", "atorvastatin 20 MG Oral Tablet"),
    ("med-amoxicillin", "308191", "amoxicillin 500 MG Oral Capsule"),
];

pub(super) fn all(seed: u64) -> Vec<Resource> {
    let mut rows: Vec<Resource> = Vec::new();
    rows.extend(ORGANIZATIONS.iter().enumerate().map(|(nth, row)| organization(nth, *row)));
    rows.extend(LOCATIONS.iter().map(|row| location(*row)));
    rows.extend((0..PRACTITIONERS.len()).map(|nth| practitioner(seed, nth)));
    rows.extend((0..PRACTITIONERS.len()).map(|nth| role(seed, nth)));
    rows.extend(MEDICATIONS.iter().map(|row| medication(*row)));
    rows
}

pub(super) fn clinicians(seed: u64) -> Vec<Clinician> {
    let one = |nth: usize| {
        let (given, family) = name(seed, nth);
        Clinician {
            practitioner: PRACTITIONERS[nth].0.to_owned(),
            name: format!("Dr. {given} {family}"),
            username: format!("dr.{}.{}", folded(given), folded(family)),
        }
    };
    vec![one(0), one(1)]
}

/// The organization a practitioner works for.
pub(super) fn employer(practitioner: &str) -> &'static str {
    PRACTITIONERS.iter().find(|row| row.0 == practitioner).map_or("org-hospital", |row| row.1)
}

/// Given and family name of a practitioner, each of them different.
fn name(seed: u64, nth: usize) -> (&'static str, &'static str) {
    let mut dice = Dice::new(seed, u64::MAX);
    let shift = usize::try_from(dice.below(48)).unwrap_or(0);
    // The first half of each list is for practitioners, the second for relatives and former names.
    (KIN[(shift + nth * 5) % 12], FORMER[(shift + nth) % 8])
}

fn address(nth: usize) -> Value {
    json!({
        "use": "work", "line": [format!("{} Elm Street", 100 + nth)], "city": "Springfield", "state": "MA",
        "postalCode": "01103", "country": "US"
    })
}

fn phone(nth: usize) -> Value {
    json!({ "system": "phone", "value": format!("+1-555-010-{:04}", 100 + nth), "use": "work" })
}

fn entry<'a>(kind: &'static str, profile: &'a str, summary: &'a str) -> Entry<'a> {
    Entry { kind, tag: "", profile: Some(profile), summary }
}

fn organization(nth: usize, row: (&str, &str, &str, &str, &str)) -> Resource {
    let (id, name, npi, code, display) = row;
    let system = "http://terminology.hl7.org/CodeSystem/organization-type";
    let mut identifiers = vec![json!({ "system": NPI, "value": npi })];
    match id {
        "org-lab" => {
            identifiers.push(json!({ "system": "urn:oid:2.16.840.1.113883.4.7", "value": "99D1234567" }));
        }
        "org-payer" => {
            identifiers.push(json!({ "system": "urn:oid:2.16.840.1.113883.6.300", "value": "99999" }));
        }
        _ => {} // no second identifier
    }
    let body = json!({
        "identifier": identifiers,
        "active": true,
        "type": [concept(system, code, display)],
        "name": name,
        "telecom": [phone(nth), { "system": "email", "value": format!("{id}@hospital.example"), "use": "work" }],
        "address": [address(nth)],
    });
    let entry = entry("Organization", "us-core-organization", "Organization");
    resource(&entry, id.to_owned(), name, &[], body)
}

fn location(row: (&str, &str, &str)) -> Resource {
    let (id, name, organization) = row;
    let body = json!({
        "status": "active",
        "name": name,
        "mode": "instance",
        "telecom": [phone(20)],
        "address": address(0),
        "managingOrganization": { "reference": format!("Organization/{organization}") },
    });
    resource(&entry("Location", "us-core-location", "Location"), id.to_owned(), name, &[], body)
}

fn practitioner(seed: u64, nth: usize) -> Resource {
    let (given, family) = name(seed, nth);
    let id = PRACTITIONERS[nth].0;
    let degree = if nth == 6 { "PharmD" } else { "MD" };
    let body = json!({
        "identifier": [
            { "system": NPI, "value": NPIS[nth] },
            { "system": "https://hospital.example/staff", "value": id },
        ],
        "active": true,
        "name": [{ "use": "official", "family": family, "given": [given], "suffix": [degree] }],
        "telecom": [phone(40 + nth), { "system": "email", "value": format!("{id}@hospital.example"), "use": "work" }],
        "address": [address(nth)],
        "gender": if nth.is_multiple_of(2) { "female" } else { "male" },
    });
    let who = format!("{given} {family}, {degree}");
    resource(&entry("Practitioner", "us-core-practitioner", "Practitioner"), id.to_owned(), &who, &[], body)
}

fn role(seed: u64, nth: usize) -> Resource {
    let (id, organization, location, code, display) = PRACTITIONERS[nth];
    let (given, family) = name(seed, nth);
    let who = format!("{given} {family}");
    let role = if nth == 6 {
        concept(SNOMED, "46255001", "Pharmacist")
    } else {
        concept(SNOMED, "158965000", "Medical practitioner")
    };
    let mut body = json!({
        "active": true,
        "practitioner": reference(&format!("Practitioner/{id}"), &who),
        "organization": { "reference": format!("Organization/{organization}") },
        "code": [role],
        "specialty": [concept(SNOMED, code, display)],
        "location": [{ "reference": format!("Location/{location}") }],
        "telecom": [phone(60 + nth)],
        "endpoint": [{ "reference": "#direct" }],
    });
    let contained = json!([{
        "resourceType": "Endpoint",
        "id": "direct",
        "status": "test",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "direct-project"
        },
        "name": "Direct messaging",
        "payloadType": [{ "text": "Any" }],
        "address": format!("mailto:{id}@direct.hospital.example"),
    }]);
    set(&mut body, "contained", contained);
    let entry = entry("PractitionerRole", "us-core-practitionerrole", "Role of a practitioner");
    resource(&entry, format!("role-{}", id.trim_start_matches("pr-")), &who, &[], body)
}

fn medication(row: (&str, &str, &str)) -> Resource {
    let (id, code, display) = row;
    let body = json!({ "code": concept(RXNORM, code, display), "status": "active" });
    resource(&entry("Medication", "us-core-medication", "Medication"), id.to_owned(), display, &[], body)
}
