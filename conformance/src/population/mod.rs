//! A synthetic population: people who never lived, grown from a seed.
//!
//! It exists so that a demo has something to show and a test something to find. Every resource claims its
//! US Core 6.1 profile, carries the label HTEST, and names its own person, so that a row which reaches the
//! wrong eyes is recognised at sight. The same seed and index give the same bytes on any machine and on any
//! day: nothing here reads a clock, a file or a random source. It never holds a real person's data.
//!
//! What a person has depends partly on dice and partly on `index % 25`, so that any 25 people in a row from
//! 0 show every must-support element: 3 is an infant, 8 a child, 16 a teenager, 9 and 19 have died.
//! Persons with `index % 5` of 0 or 1 have psychotherapy notes, labelled PSYTHPN.
//!
//! Care relationships: the clinician `pr-01` knows those with an even index, each by one way alone or by all
//! (`index % 6`: 0 all ways, 2 by Encounter.participant, 4 by CareTeam), and `pr-02` those with `index % 4 == 1`.

mod allergies;
mod calendar;
mod care;
mod chart;
mod codes;
mod conditions;
mod coverage;
mod devices;
mod dice;
mod documents;
mod encounters;
mod facts;
mod history;
mod immunizations;
mod kin;
mod labs;
mod medications;
mod names;
mod origin;
mod patient;
mod procedures;
mod reports;
mod shared;
mod surveys;
mod vitals;

#[cfg(test)]
mod must_support;
#[cfg(test)]
mod tests;

/// One FHIR resource, ready to be stored.
pub struct Resource {
    /// The resource type, such as `Observation`.
    pub kind: &'static str,
    /// The id, unique among resources of its type in the population.
    pub id: String,
    /// The whole resource as compact JSON, without `meta.versionId` and `meta.lastUpdated`.
    pub json: String,
}

/// One person, with everything the record holds about them.
pub struct Person {
    /// Id of the Patient, such as `p-0007`.
    pub patient: String,
    /// First given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Date of birth, `YYYY-MM-DD`.
    pub birth_date: String,
    /// `male` or `female`, as in Patient.gender.
    pub sex: &'static str,
    /// Medical record number, unique in the population.
    pub mrn: String,
    /// The system of `mrn`.
    pub mrn_system: &'static str,
    /// Name to sign in with: `given.family` in lower-case ASCII, unique in the population.
    pub username: String,
    /// The Patient first, then the rest, so that references point only to what came before or is shared.
    pub resources: Vec<Resource>,
}

/// A clinician who may sign in.
pub struct Clinician {
    /// Id of the Practitioner.
    pub practitioner: String,
    /// Full name with title, for people to read.
    pub name: String,
    /// Name to sign in with.
    pub username: String,
}

/// Everything that all people share: organizations, locations, practitioners, their roles, medications.
pub fn shared(seed: u64) -> Vec<Resource> {
    shared::all(seed)
}

/// Everything about the person with this index in the population grown from `seed`.
pub fn person(seed: u64, index: u32) -> Person {
    let mut chart = chart::Chart::open(facts::Facts::of(seed, index));
    patient::write(&mut chart);
    kin::write(&mut chart);
    coverage::write(&mut chart);
    care::write_team(&mut chart);
    conditions::write_problems(&mut chart);
    allergies::write(&mut chart);
    let visits = encounters::write(&mut chart);
    vitals::write(&mut chart, &visits);
    history::write(&mut chart, &visits);
    surveys::write(&mut chart, &visits);
    labs::write(&mut chart, &visits);
    reports::write(&mut chart, &visits);
    medications::write(&mut chart, &visits);
    immunizations::write(&mut chart);
    devices::write(&mut chart);
    procedures::write(&mut chart, &visits);
    care::write_plans(&mut chart);
    documents::write(&mut chart, &visits);
    origin::write(&mut chart);
    chart.close()
}

/// The clinicians who may sign in, each with a care relationship to some of the people.
pub fn clinicians(seed: u64) -> Vec<Clinician> {
    shared::clinicians(seed)
}
