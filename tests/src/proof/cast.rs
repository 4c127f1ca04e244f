//! Who asks: patients with full and narrowed scopes, clinicians for one patient and for all in their care, apps that an EHR
//! opened, backend services, and those who may ask nothing.

use crate::gateway::{Other, Person, Registered};
use crate::oracle::care::in_care_of;
use crate::oracle::{Asker, Seen, Word};
use crate::proof::scan::{Canary, canaries};
use crate::service::Service;
use crate::world::{COMPARED, World};
use privacy::Role;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// The apps: one public, one with a secret.
pub fn apps() -> Vec<Registered> {
    let scopes = "openid fhirUser profile offline_access launch launch/patient patient/*.rs patient/*.read user/*.rs \
         user/*.read";
    let app = |client_id: &str, secret: Option<&str>| Registered {
        client_id: client_id.to_owned(),
        secret: secret.map(str::to_owned),
        scopes: scopes.to_owned(),
    };
    vec![app("public", None), app("confidential", Some("a secret of the tests"))]
}

/// What becomes of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It holds.
    Alive,
    /// It was revoked.
    Revoked,
    /// Its token was changed on the way.
    Broken,
    /// No token is sent.
    Absent,
}

/// One who asks, before signing in.
#[derive(Debug, Clone)]
pub struct Part {
    /// For messages.
    pub name: String,
    /// The account.
    pub username: String,
    /// The person as a resource.
    pub fhir_user: (String, String),
    /// About whom, by place in the world.
    pub patient: u16,
    /// And by id.
    pub patient_id: String,
    /// What is asked for.
    pub scope: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Whether it is the backend service, which has neither person nor patient.
    pub is_service: bool,
    /// The purpose of use that the service asserts.
    pub purpose: &'static str,
    /// About whom else, by place in the world: who is in a clinician's care, where `user/` scopes are asked for.
    pub in_care: Vec<u16>,
    /// Whether an EHR opens the app for them, with the patient.
    pub by_ehr: bool,
    /// Whom a representative acts for, by place in the world; none of anyone else.
    pub acts_for: Vec<u16>,
}

impl Part {
    /// Whether what they see is the same in both worlds.
    pub fn is_compared(&self) -> bool {
        let mut others = self.in_care.iter().chain(&self.acts_for);
        !self.is_service && self.patient < COMPARED && others.all(|patient| *patient < COMPARED)
    }
}

/// Everybody.
pub fn parts(world: &World) -> Vec<Part> {
    let full = "openid fhirUser launch/patient offline_access patient/*.rs";
    let of = |number: u16, scope: &str, fate: Fate| Part {
        name: format!("patient {number} with {scope}"),
        username: format!("person{number}"),
        fhir_user: ("Patient".to_owned(), world.people[usize::from(number)].id.clone()),
        patient: number,
        patient_id: world.people[usize::from(number)].id.clone(),
        scope: scope.to_owned(),
        fate,
        is_service: false,
        purpose: "",
        in_care: Vec::new(),
        by_ehr: false,
        acts_for: Vec::new(),
    };
    let doctor = |place: usize, patient: u16, scope: &str| Part {
        name: format!("doctor {place} for patient {patient} with {scope}"),
        username: format!("doctor{place}"),
        fhir_user: ("Practitioner".to_owned(), world.shared.practitioners[place].clone()),
        patient,
        patient_id: world.people[usize::from(patient)].id.clone(),
        scope: scope.to_owned(),
        fate: Fate::Alive,
        is_service: false,
        purpose: "",
        in_care: Vec::new(),
        by_ehr: false,
        acts_for: Vec::new(),
    };
    let current = world.current();
    let of_all = |place: usize, patient: u16, scope: &str| {
        let care = in_care_of(&world.shared.practitioners[place], &current);
        let in_care = world.people.iter().filter(|person| care.contains(&person.id)).map(|person| person.number);
        Part {
            name: format!("doctor {place} for all in care with {scope}"),
            in_care: in_care.collect(),
            ..doctor(place, patient, scope)
        }
    };
    let opened = |part: Part| Part { name: format!("{} by an EHR", part.name), by_ehr: true, ..part };
    let representative = |acts_for: &[u16], patient: u16, scope: &str| Part {
        name: format!("representative of {acts_for:?} for patient {patient} with {scope}"),
        username: format!("representative{acts_for:?}").replace([' ', '[', ']', ','], "-"),
        fhir_user: (String::new(), String::new()),
        acts_for: acts_for.to_vec(),
        ..of(patient, scope, Fate::Alive)
    };
    let service = |scope: &str| Part {
        name: format!("service with {scope}"),
        purpose: "TREAT",
        username: String::new(),
        fhir_user: (String::new(), String::new()),
        patient: u16::MAX,
        patient_id: String::new(),
        scope: scope.to_owned(),
        fate: Fate::Alive,
        is_service: true,
        in_care: Vec::new(),
        by_ehr: false,
        acts_for: Vec::new(),
    };
    let payer = |scope: &str| Part { name: format!("payer with {scope}"), purpose: "HPAYMT", ..service(scope) };
    let mut parts: Vec<Part> =
        (0..11).filter(|number| *number != 7).map(|number| of(number, full, Fate::Alive)).collect();
    let narrowed = [
        (0, "launch/patient patient/*.read"),
        (1, "launch/patient patient/Observation.rs patient/Patient.r"),
        (2, "launch/patient patient/Observation.s patient/Provenance.rs"),
        (3, "launch/patient patient/Condition.r patient/Binary.rs patient/DiagnosticReport.r"),
        (4, "launch/patient patient/DocumentReference.rs patient/Encounter.read"),
        (
            5,
            "launch/patient patient/MedicationRequest.rs patient/Medication.rs patient/Provenance.rs patient/Observation.r",
        ),
        (6, "openid fhirUser"),
        (0, "openid profile launch/patient patient/Coverage.rs"),
        (
            3,
            "launch/patient patient/PractitionerRole.rs patient/Practitioner.rs patient/Encounter.rs patient/Organization.rs",
        ),
        (1, "launch/patient patient/Location.rs patient/Procedure.r patient/Organization.r patient/Medication.s"),
        (
            0,
            "launch/patient patient/Observation.rs?category=urn:proof:codes|laboratory patient/Patient.r \
             patient/Condition.rs?category=problem patient/Provenance.rs patient/Practitioner.rs",
        ),
        (
            1,
            "launch/patient patient/Observation.s?category=vital-signs&status=amended patient/Observation.r \
             patient/Condition.s patient/Condition.r?category=|visit,urn:proof:codes|visit patient/Provenance.s \
             patient/PractitionerRole.rs?specialty=cardio patient/Organization.rs patient/Practitioner.r",
        ),
        (
            2,
            "openid fhirUser launch/patient patient/Patient.rs?active=false patient/Encounter.rs?class=AMB&status=finished \
             patient/DocumentReference.r?category=clinical-note&status=current patient/DocumentReference.s \
             patient/Practitioner.rs patient/Location.s patient/Procedure.rs?code=biopsy patient/Procedure.r?code=urn:none|",
        ),
        (
            3,
            "launch/patient patient/MedicationRequest.rs?status=active patient/MedicationRequest.r?status=stopped \
             patient/Medication.rs patient/Provenance.rs patient/Observation.rs?category=laboratory,vital-signs",
        ),
    ];
    parts.extend(narrowed.map(|(number, scope)| of(number, scope, Fate::Alive)));
    parts.extend([
        doctor(0, 0, full),
        doctor(0, 4, full),
        doctor(1, 1, full),
        doctor(1, 5, "launch/patient patient/*.read"),
    ]);
    parts.extend([
        doctor(2, 2, full),
        doctor(2, 6, "launch/patient fhirUser patient/Observation.rs patient/CareTeam.rs"),
        doctor(6, 8, full),
    ]);
    parts.extend([of(4, full, Fate::Revoked), of(5, full, Fate::Broken), of(6, full, Fate::Absent)]);
    parts.extend([
        service("system/*.rs"),
        service("system/*.read"),
        service("system/Observation.rs system/Practitioner.r system/Provenance.rs system/Patient.s"),
        service("system/DocumentReference.rs system/Binary.r"),
        payer("system/*.rs"),
        payer("system/Encounter.rs system/Patient.r system/Observation.rs system/Coverage.s"),
    ]);
    parts.extend([
        of(3, "openid fhirUser user/*.rs", Fate::Alive),
        of(1, "launch/patient patient/Observation.rs patient/Patient.rs user/Condition.rs user/*.s", Fate::Alive),
        of_all(0, 0, "openid fhirUser user/*.rs"),
        of_all(
            0,
            4,
            "openid fhirUser launch/patient patient/*.rs user/Observation.rs user/Patient.s user/Provenance.rs",
        ),
        of_all(1, 1, "openid fhirUser user/*.read"),
        of_all(
            2,
            2,
            "user/Observation.rs?category=urn:proof:codes|laboratory user/Patient.rs user/Practitioner.rs \
             user/Condition.s?category=problem user/Provenance.rs user/DocumentReference.r user/MedicationRequest.rs",
        ),
        of_all(
            3,
            3,
            "launch/patient patient/Encounter.rs patient/Binary.rs user/Encounter.s user/DocumentReference.rs",
        ),
        of_all(6, 8, "user/*.rs"),
        opened(doctor(0, 4, "launch openid fhirUser patient/*.rs")),
        opened(doctor(2, 5, "launch patient/Observation.rs patient/Encounter.rs patient/Practitioner.rs")),
        opened(of_all(0, 0, "launch fhirUser patient/Condition.rs user/Observation.rs user/Binary.rs user/*.s")),
        opened(of(2, "launch openid fhirUser patient/*.read", Fate::Alive)),
        representative(&[3], 3, full),
        representative(&[0, 4], 0, full),
        representative(&[0, 4], 4, "openid fhirUser user/*.rs"),
        representative(
            &[1, 8],
            1,
            "launch/patient patient/Observation.rs patient/Patient.r user/Condition.rs user/*.s",
        ),
        opened(representative(&[1, 8], 1, "launch patient/*.read")),
    ]);
    parts
}

/// The backend service, the same in both worlds.
pub fn service() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| Service::new("service"))
}

/// The accounts of these parts.
pub fn accounts(parts: &[Part]) -> Vec<Person> {
    let mut accounts: Vec<Person> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_service && part.acts_for.is_empty()) {
        if accounts.iter().all(|account| account.username != part.username) {
            let fhir_user = format!("{}/{}", part.fhir_user.0, part.fhir_user.1);
            accounts.push(Person { username: part.username.clone(), fhir_user });
        }
    }
    accounts
}

/// The representatives among these parts.
pub fn others(world: &World, parts: &[Part]) -> Vec<Other> {
    let mut others: Vec<Other> = Vec::new();
    for part in parts.iter().filter(|part| !part.acts_for.is_empty()) {
        if others.iter().all(|other| other.username != part.username) {
            let patients = part.acts_for.iter().map(|patient| world.people[usize::from(*patient)].id.clone()).collect();
            others.push(Other { username: part.username.clone(), role: Role::Representative, patients });
        }
    }
    others
}

/// What is asked at one level of scopes, and what may be seen there.
pub struct View {
    /// What the rules need to know of who asks.
    pub asker: Asker,
    /// What they may see.
    pub sight: Sight,
}

/// What one of them may see, worked out once.
pub struct Sight {
    /// The rules' word on the current version of each record, in the stage's order.
    pub words: Vec<Word>,
    /// And on every version, by type, id and version.
    pub versions: HashMap<(String, String, String), Word>,
    /// The canaries that may reach them.
    pub allowed: HashSet<Canary>,
}

impl Sight {
    /// What an asker may see of these records.
    pub fn of(asker: &Asker, current: &[&Value], all: &[Value]) -> Sight {
        let seen = Seen::of(current, asker);
        let mut allowed = HashSet::new();
        let mut allow = |row: &Value| {
            canaries(row.to_string().as_bytes(), &mut |canary| {
                allowed.extend(canary.ok());
            });
        };
        let words: Vec<Word> = current.iter().map(|row| seen.word(row)).collect();
        for (row, word) in current.iter().zip(&words) {
            let own = asker.scopes.own && asker.own.as_ref() == Some(&crate::oracle::name(row));
            if own || (*word != Word::Hidden && asker.scopes.see(row)) {
                allow(&asker.given(row));
            }
        }
        let mut versions = HashMap::new();
        for row in all {
            let word = if asker.scopes.reads(row) { seen.word(row) } else { Word::Hidden };
            let (kind, id) = crate::oracle::name(row);
            if word != Word::Hidden {
                allow(&asker.given(row));
            }
            let version = row["meta"]["versionId"].as_str().unwrap_or("").to_owned();
            versions.insert((kind, id, version), word);
        }
        Sight { words, versions, allowed }
    }
}
