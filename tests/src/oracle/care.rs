//! Who is in whose care: the patients whose Encounter, CareTeam or general practitioner names a practitioner, themselves or
//! in one of their roles. What was entered in error is no care.

use super::{kind, list, reference};
use serde_json::Value;
use std::collections::BTreeSet;

/// The patients in a practitioner's care, by the current version of every record.
pub fn in_care_of(practitioner: &str, rows: &[&Value]) -> BTreeSet<String> {
    let mut names = BTreeSet::from([("Practitioner".to_owned(), practitioner.to_owned())]);
    let own = names.clone();
    let roles = rows.iter().filter(|row| kind(row) == "PractitionerRole" && names_one(&row["practitioner"], &own));
    names.extend(roles.filter_map(|row| Some(("PractitionerRole".to_owned(), row["id"].as_str()?.to_owned()))));
    let known: BTreeSet<&str> =
        rows.iter().filter(|row| kind(row) == "Patient").filter_map(|row| row["id"].as_str()).collect();
    let cared = rows.iter().filter_map(|row| {
        let sound = row["status"] != "entered-in-error";
        let named = |member: &str, of: &str| list(row, member).iter().any(|one| names_one(&one[of], &names));
        match kind(row) {
            "Patient" => {
                let own = list(row, "generalPractitioner").iter().any(|one| names_one(one, &names));
                row["id"].as_str().filter(|_| own).map(str::to_owned)
            }
            "Encounter" if sound && named("participant", "individual") => patient_of(row),
            "CareTeam" if sound && named("participant", "member") => patient_of(row),
            _ => None,
        }
    });
    cared.filter(|patient| known.contains(patient.as_str())).collect()
}

fn names_one(value: &Value, names: &BTreeSet<(String, String)>) -> bool {
    reference(value).is_some_and(|name| names.contains(&name))
}

fn patient_of(row: &Value) -> Option<String> {
    reference(&row["subject"]).filter(|(of, _)| of == "Patient").map(|(_, id)| id)
}
