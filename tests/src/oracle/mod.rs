//! The permission oracle: who may see what, said a second time, slowly and plainly.
//!
//! Written from the law (45 CFR 164.502, 164.524), SMART's text and this product's published rules. It imports nothing of
//! the product: its own JSON, subject paths, scope grammar and search. Where the rules leave room it says so ([`Word::May`]),
//! and then neither showing nor withholding is held against the product.

pub mod answer;
pub mod ask;
pub mod care;
pub mod moment;
pub mod parameters;
pub mod purpose;
pub mod scope;

use scope::Scopes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A resource's type and id.
pub type Name = (String, String);

/// What the rules say of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It must be given.
    Due,
    /// It may be given or withheld.
    May,
    /// It must be as if it were not there.
    Hidden,
}

/// Who asks at one level of scopes: about whom, who signed in, and what was granted at that level.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// Under `patient/` scopes the one in context; under `user/` scopes all whom the person may see.
    pub patients: BTreeSet<String>,
    /// Whether it is a backend service, which may ask about every patient (45 CFR 164.502(a)(1)(ii): for treatment, say).
    pub everyone: bool,
    /// The person who signed in.
    pub own: Option<Name>,
    /// The granted scopes.
    pub scopes: Scopes,
    /// Whether they ask in order to pay.
    pub pays: bool,
}

/// How the records of a type say whom they are about.
enum Whose {
    Itself,
    Element(&'static str),
    Shared,
    Targets,
    Attached,
    Nobody,
}

fn whose(kind: &str) -> Whose {
    match kind {
        "Patient" => Whose::Itself,
        "CarePlan" | "CareTeam" | "Condition" | "DiagnosticReport" | "DocumentReference" | "Encounter" | "Goal"
        | "MedicationDispense" | "MedicationRequest" | "Observation" | "Procedure" | "ServiceRequest" | "Specimen" => {
            Whose::Element("subject")
        }
        "AllergyIntolerance" | "Device" | "Immunization" | "RelatedPerson" => Whose::Element("patient"),
        "Coverage" => Whose::Element("beneficiary"),
        "Practitioner" | "PractitionerRole" | "Organization" | "Location" | "Medication" => Whose::Shared,
        "Provenance" => Whose::Targets,
        "Binary" => Whose::Attached,
        _ => Whose::Nobody,
    }
}

/// The types that can be asked for at all.
pub fn is_served(kind: &str) -> bool {
    !matches!(whose(kind), Whose::Nobody)
}

/// What an asker can see so far: records of the patient, and the shared ones that these lead to.
pub struct Seen<'a> {
    rows: BTreeMap<Name, &'a Value>,
    asker: &'a Asker,
    /// The patient's own records, as far as scopes reach: what may speak for others.
    visible: Vec<&'a Value>,
    /// What they refer to, themselves or through one shared record.
    near: BTreeSet<Name>,
    /// What they refer to through any number of shared records.
    far: BTreeSet<Name>,
}

impl Asker {
    /// Whether they may ask about this patient.
    fn may_ask_about(&self, patient: &str) -> bool {
        self.everyone || self.patients.contains(patient)
    }

    /// A record as it is given to them.
    pub fn given(&self, row: &Value) -> Value {
        if self.pays { purpose::for_payment(row) } else { row.clone() }
    }

    /// Whether their purpose has no place for a record.
    fn is_kept_from(&self, row: &Value) -> bool {
        self.pays && (!purpose::pays_for(kind(row)) || purpose::is_kept_from_payers(row))
    }

    /// Whether they may ask about anyone.
    pub fn has_someone(&self) -> bool {
        self.everyone || !self.patients.is_empty()
    }
}

impl<'a> Seen<'a> {
    /// From the current version of every record.
    pub fn of(rows: &[&'a Value], asker: &'a Asker) -> Seen<'a> {
        let named = rows.iter().map(|row| (name(row), *row)).collect();
        let visible = rows.iter().filter(|row| is_own(row, asker) && asker.scopes.see(row)).copied().collect();
        let mut seen = Seen { rows: named, asker, visible, near: BTreeSet::new(), far: BTreeSet::new() };
        let mut step: BTreeSet<Name> = seen.visible.iter().flat_map(|row| references(row)).collect();
        for depth in 0.. {
            let fresh: Vec<Name> = step.difference(&seen.far).cloned().collect();
            if fresh.is_empty() {
                return seen;
            }
            seen.far.extend(fresh.iter().cloned());
            if depth < 2 {
                seen.near.extend(fresh.iter().cloned());
            }
            step = fresh.iter().filter_map(|name| seen.shared(name)).flat_map(references).collect();
        }
        seen
    }

    /// A shared record that may itself be seen, given that something leads to it.
    fn shared(&self, name: &Name) -> Option<&'a Value> {
        let row = self.rows.get(name)?;
        let fit = matches!(whose(kind(row)), Whose::Shared) && !is_barred(row) && self.asker.scopes.see(row);
        fit.then_some(*row)
    }

    /// Whether a record is the patient's own and within the scopes.
    fn is_visible(&self, name: &Name) -> bool {
        self.visible.iter().any(|row| self::name(row) == *name)
    }

    /// What the rules say of one version of one record.
    pub fn word(&self, row: &Value) -> Word {
        let named = name(row);
        if self.asker.is_kept_from(row) {
            return Word::Hidden;
        }
        match whose(kind(row)) {
            Whose::Itself | Whose::Element(_) if is_own(row, self.asker) => Word::Due,
            Whose::Itself | Whose::Element(_) | Whose::Nobody => Word::Hidden,
            _ if is_barred(row) || !contained_is_harmless(row, None) => Word::Hidden,
            Whose::Shared if self.near.contains(&named) => Word::Due,
            // That what is further away may be seen is not promised.
            Whose::Shared if self.far.contains(&named) => Word::May,
            Whose::Shared => Word::Hidden,
            Whose::Targets => self.telling(row),
            Whose::Attached => self.attached(row, &named),
        }
    }

    /// Provenance: seen when everything that it tells of is. Where it tells of shared records too, nothing is promised.
    fn telling(&self, row: &Value) -> Word {
        let targets: Option<Vec<Name>> = list(row, "target").iter().map(reference).collect();
        let targets = targets.unwrap_or_default();
        let shared = |name: &Name| self.far.contains(name) && self.shared(name).is_some();
        match &targets {
            targets if targets.is_empty() => Word::Hidden,
            targets if targets.iter().all(|name| self.is_visible(name)) => Word::Due,
            targets if targets.iter().all(|name| self.is_visible(name) || shared(name)) => Word::May,
            _ => Word::Hidden,
        }
    }

    /// Binary: seen through the record that it names as its owner, or else through one that has it attached.
    fn attached(&self, row: &Value, named: &Name) -> Word {
        // Where documents lend their scopes, one must itself be such that it may be read.
        let lends = self.asker.scopes.lends("Binary");
        let speaks = |record: &Value| !lends || kind(record) != "DocumentReference" || self.asker.scopes.reads(record);
        let has_it = |record: &&Value| references(record).contains(named) && speaks(record);
        let owner = row.get("securityContext").map(reference);
        match owner {
            None if self.visible.iter().any(&has_it) => Word::Due,
            None | Some(None) => Word::Hidden,
            Some(Some((kind, id))) if kind == "Patient" => {
                // A record of that very patient must have it attached, whoever else's does.
                let mut own = self.visible.iter().filter(|record| about(record).as_ref() == Some(&id));
                if own.any(has_it) { Word::Due } else { Word::Hidden }
            }
            Some(Some(owner)) => {
                if self.is_visible(&owner) && self.rows.get(&owner).is_some_and(|record| speaks(record)) {
                    Word::Due
                } else {
                    Word::Hidden
                }
            }
        }
    }
}

/// Whether a record is about a patient that the asker may ask about, and nothing bars it.
fn is_own(row: &Value, asker: &Asker) -> bool {
    let Some(patient) = about(row) else { return false };
    asker.may_ask_about(&patient) && !is_barred(row) && contained_is_harmless(row, Some(&patient))
}

/// The patient that a record says it is about.
fn about(row: &Value) -> Option<String> {
    match whose(kind(row)) {
        Whose::Itself => row["id"].as_str().map(str::to_owned),
        Whose::Element(element) => patient_of(&row[element]),
        Whose::Shared | Whose::Targets | Whose::Attached | Whose::Nobody => None,
    }
}

/// Psychotherapy notes are withheld from everyone (45 CFR 164.524(a)(1)(i), 164.508(a)(2)), and what cannot be read as a
/// label counts as the strictest; what is contained lends its labels to the whole.
pub fn is_barred(row: &Value) -> bool {
    let of = |row: &Value| {
        let labels = list(&row["meta"], "security");
        labels.iter().any(|label| label["code"].as_str().is_none_or(|code| code == "PSYTHPN"))
    };
    of(row) || list(row, "contained").iter().any(of)
}

/// Whether everything contained may travel inside a record of this patient.
fn contained_is_harmless(row: &Value, patient: Option<&str>) -> bool {
    list(row, "contained").iter().all(|inner| match whose(kind(inner)) {
        Whose::Shared => true,
        Whose::Element(element) => match (inner.get(element), patient) {
            (None, Some(_)) => true,
            (Some(subject), Some(patient)) => patient_of(subject).as_deref() == Some(patient),
            (_, None) => false,
        },
        Whose::Nobody => matches!(kind(inner), "Endpoint" | "Substance"),
        Whose::Itself | Whose::Targets | Whose::Attached => false,
    })
}

/// Everything that a record refers to, attachments included.
pub fn references(row: &Value) -> BTreeSet<Name> {
    fn walk(value: &Value, found: &mut BTreeSet<Name>) {
        match value {
            Value::Object(members) => {
                found.extend(reference(value));
                let url = members.get("url").and_then(Value::as_str).filter(|url| url.starts_with("Binary/"));
                found.extend(url.and_then(local));
                members.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(row, &mut found);
    found
}

/// The resource on this server that a Reference names.
pub fn reference(value: &Value) -> Option<Name> {
    local(value.get("reference")?.as_str()?)
}

/// `Type/id`, or a version of it.
fn local(text: &str) -> Option<Name> {
    let (kind, rest) = text.split_once('/')?;
    let id = rest.split_once("/_history/").map_or(rest, |(id, _)| id);
    let plain =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (plain(id) && kind.starts_with(|letter: char| letter.is_ascii_uppercase()) && plain(kind))
        .then(|| (kind.to_owned(), id.to_owned()))
}

fn patient_of(subject: &Value) -> Option<String> {
    reference(subject).filter(|(kind, _)| kind == "Patient").map(|(_, id)| id)
}

/// A record's type.
pub fn kind(row: &Value) -> &str {
    row["resourceType"].as_str().unwrap_or("")
}

/// A record's type and id.
pub fn name(row: &Value) -> Name {
    (kind(row).to_owned(), row["id"].as_str().unwrap_or("").to_owned())
}

/// The items of a member that repeats; none where it is absent.
pub fn list<'a>(row: &'a Value, member: &str) -> &'a [Value] {
    row.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
