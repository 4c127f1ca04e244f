//! What a purpose of use leaves of a record: for payment the minimum that is necessary (45 CFR 164.502(b), 164.514(d)), said a
//! second time. A patient's request and treatment leave everything that is left of it elsewhere (164.502(b)(2)).

use super::{kind, list};
use serde_json::{Value, json};

/// What a claim is decided by: whom it is for, who covers them, when and for what they came, what was ordered and done. Of
/// coverage, everything.
const LEFT: [(&str, &[&str]); 5] = [
    ("Patient", &["active", "identifier", "name", "birthDate", "gender", "address", "deceased[x]", "link"]),
    ("Coverage", &[]),
    ("Encounter", &["subject", "status", "class", "type", "period", "diagnosis"]),
    ("Procedure", &["subject", "status", "code", "performed[x]", "encounter"]),
    (
        "ServiceRequest",
        &[
            "subject",
            "status",
            "intent",
            "doNotPerform",
            "code",
            "occurrence[x]",
            "authoredOn",
            "requester",
            "insurance",
        ],
    ),
];
/// What makes a resource one, or says how the rest is to be read.
const ALWAYS: [&str; 6] = ["resourceType", "id", "meta", "implicitRules", "language", "modifierExtension"];
/// Labels that no payer is shown: restricted and very restricted, psychiatry, substance use.
const BARRED: [&str; 4] = ["R", "V", "PSY", "ETH"];

/// Whether payment includes a type at all.
pub fn pays_for(kind: &str) -> bool {
    LEFT.iter().any(|(own, _)| *own == kind)
}

/// Whether a label keeps a record from a payer.
pub fn is_kept_from_payers(row: &Value) -> bool {
    let of =
        |row: &Value| list(&row["meta"], "security").iter().any(|label| BARRED.iter().any(|own| label["code"] == *own));
    of(row) || list(row, "contained").iter().any(of)
}

/// A record as a payer is given it.
pub fn for_payment(row: &Value) -> Value {
    let left = LEFT.iter().find(|(own, _)| *own == kind(row)).map_or(&[][..], |(_, left)| left);
    if left.is_empty() {
        return row.clone();
    }
    let is_left = |name: &str| {
        // What stands beside a primitive goes where it goes.
        let name = name.strip_prefix('_').unwrap_or(name);
        let choice = |own: &str| own.strip_suffix("[x]").is_some_and(|stem| name.starts_with(stem));
        ALWAYS.contains(&name) || left.iter().any(|own| *own == name || choice(own))
    };
    let mut cut = row.clone();
    if let Some(members) = cut.as_object_mut() {
        members.retain(|name, _| is_left(name));
    }
    let tag = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" });
    match cut["meta"]["tag"].as_array_mut() {
        Some(tags) => tags.push(tag),
        None => cut["meta"]["tag"] = json!([tag]),
    }
    cut
}
