//! Which scopes can be granted: what was asked for, within what the app is registered for and this server serves; and
//! what is left of them when the person takes something away.
//!
//! The result is always within all of these. People grant `patient/` and `user/` scopes, a backend
//! service gets `system/` scopes. Letters that write are not granted: nothing here enforces them yet.
//!
//! A person allows kinds of records, for both levels at once, and whether the app may see everyone in their care at all: that
//! is one item of its own. A patient sees nobody but themselves, and is not asked about others.

use crate::parts::parts;
use fhir::ResourceType;
use privacy::scope::{Constraint, Letters, Level, ResourceScope, Scope};
use privacy::{Role, Scopes};
use std::fmt;

/// One thing that an app asks for, as a person can allow it or take it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// To read one kind of record.
    Records(ResourceType),
    /// To read a part of one kind of record: what a granular scope reaches.
    Part(ResourceType, Constraint),
    /// To learn who signed in: `openid`, `fhirUser`, `profile`.
    Identity,
    /// To see the records of every patient in a clinician's care: what `user/` scopes reach.
    InCare,
    /// To learn which patient it is about, where no record is asked for with it.
    WhichPatient,
    /// To come back later without the person: `offline_access`.
    Offline,
    /// To go on while the person is signed in: `online_access`.
    Online,
}

impl Item {
    /// The item with this value in a form.
    pub fn of(value: &str) -> Option<Item> {
        match value {
            "identity" => Some(Item::Identity),
            "in-care" => Some(Item::InCare),
            "which-patient" => Some(Item::WhichPatient),
            "offline" => Some(Item::Offline),
            "online" => Some(Item::Online),
            records => match records.split_once('?') {
                Some((kind, part)) => {
                    let kind = kind.parse().ok()?;
                    Constraint::parse(kind, part).map(|part| Item::Part(kind, part))
                }
                None => records.parse().ok().map(Item::Records),
            },
        }
    }
}

/// The value in a form.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Records(kind) => f.write_str(kind.as_str()),
            Item::Part(kind, part) => write!(f, "{}?{part}", kind.as_str()),
            Item::Identity => f.write_str("identity"),
            Item::InCare => f.write_str("in-care"),
            Item::WhichPatient => f.write_str("which-patient"),
            Item::Offline => f.write_str("offline"),
            Item::Online => f.write_str("online"),
        }
    }
}

/// What can be granted of what was asked for, in the order and spelling it was asked in.
pub fn offer(requested: &Scopes, allowed: &Scopes, served: &[ResourceType]) -> Scopes {
    requested
        .iter()
        .flat_map(|scope| match scope {
            Scope::Resource(wanted) => match wanted.level {
                Level::Patient | Level::User => within(wanted, allowed, served),
                Level::System => Vec::new(),
            },
            Scope::OpenId
            | Scope::FhirUser
            | Scope::Profile
            | Scope::OfflineAccess
            | Scope::OnlineAccess
            | Scope::Launch
            | Scope::LaunchPatient => {
                if allowed.has(scope.clone()) {
                    vec![scope.clone()]
                } else {
                    Vec::new()
                }
            }
        })
        .collect()
}

/// What a client that acts for itself can be granted of what it asked for: `system/` scopes alone.
pub fn offer_to_service(requested: &Scopes, allowed: &Scopes, served: &[ResourceType]) -> Scopes {
    let own = requested.resources().filter(|wanted| wanted.level == Level::System);
    own.flat_map(|wanted| within(wanted, allowed, served)).collect()
}

/// The parts of one resource scope that the app is registered for.
fn within(wanted: &ResourceScope, allowed: &Scopes, served: &[ResourceType]) -> Vec<Scope> {
    let read = |scope: ResourceScope| Some(ResourceScope { letters: scope.letters.both(Letters::READ)?, ..scope });
    let common = allowed.resources().filter_map(|allowed| wanted.both(allowed)).filter_map(read);
    let is_served = |scope: &ResourceScope| scope.kind.is_none_or(|kind| served.contains(&kind));
    common.filter(is_served).map(Scope::Resource).collect()
}

/// What is asked for, as a person of this role can allow or take it away, one by one.
pub fn items(offered: &Scopes, served: &[ResourceType], role: Role) -> Vec<Item> {
    let mut items: Vec<Item> = served.iter().flat_map(|kind| records(offered, *kind)).collect();
    if !others_in_care(offered, served, role).is_empty() {
        items.push(Item::InCare);
    }
    if items.is_empty() && (offered.has(Scope::LaunchPatient) || offered.has(Scope::Launch)) {
        items.push(Item::WhichPatient);
    }
    if offered.iter().any(is_identity) {
        items.push(Item::Identity);
    }
    if offered.has(Scope::OfflineAccess) {
        items.push(Item::Offline);
    }
    if offered.has(Scope::OnlineAccess) {
        items.push(Item::Online);
    }
    items
}

/// The records that are asked for of everyone in a person's care; none for who has nobody in it.
pub fn others_in_care(offered: &Scopes, served: &[ResourceType], role: Role) -> Vec<Item> {
    match role {
        Role::Clinician => {
            let of_all: Scopes = offered.iter().filter(|scope| is_of_user(scope)).cloned().collect();
            served.iter().flat_map(|kind| records(&of_all, *kind)).collect()
        }
        Role::Patient
        | Role::Representative
        | Role::PrivacyOfficer
        | Role::Administrator
        | Role::Integrator
        | Role::System => Vec::new(),
    }
}

/// The parts of a kind of record that a person can allow in place of the whole that is asked for (US Core's sub-resource
/// scopes).
pub fn instead(offered: &Scopes, served: &[ResourceType]) -> Vec<Item> {
    let of = |kind: ResourceType| {
        let asked = records(offered, kind);
        let whole = asked.contains(&Item::Records(kind));
        parts(kind).map(move |part| Item::Part(kind, part)).filter(move |part| whole && !asked.contains(part))
    };
    served.iter().copied().flat_map(of).collect()
}

/// What is asked for of one kind of record: the whole, parts of it, or both.
fn records(offered: &Scopes, kind: ResourceType) -> Vec<Item> {
    let reaching = || offered.resources().filter(move |scope| scope.kind.is_none_or(|of| of == kind));
    let mut items = Vec::new();
    if reaching().any(|scope| scope.constraint.is_none()) {
        items.push(Item::Records(kind));
    }
    for part in reaching().filter_map(|scope| scope.constraint.clone()).map(|part| Item::Part(kind, part)) {
        if !items.contains(&part) {
            items.push(part);
        }
    }
    items
}

/// What is left when a person of this role keeps only these items. A wildcard unfolds into types only where something was
/// taken from it, and a type into parts only where it was taken away and some of them are wanted instead.
pub fn narrow(offered: &Scopes, kept: &[Item], served: &[ResourceType], role: Role) -> Scopes {
    let which_patient = kept.contains(&Item::WhichPatient) && offered.resources().next().is_none();
    let everyone = kept.contains(&Item::InCare) || role != Role::Clinician;
    let offered: Scopes = offered.iter().filter(|scope| everyone || !is_of_user(scope)).cloned().collect();
    let keeps = |kind: &ResourceType| kept.contains(&Item::Records(*kind));
    let of_kind = |scope: &ResourceScope, kind: ResourceType| -> Vec<ResourceScope> {
        let keeps_part = |part: &Constraint| kept.contains(&Item::Part(kind, part.clone()));
        match &scope.constraint {
            None if keeps(&kind) => vec![ResourceScope { kind: Some(kind), ..scope.clone() }],
            None => parts(kind).filter(keeps_part).map(|part| scope.narrowed(kind, part)).collect(),
            Some(part) if keeps(&kind) || keeps_part(part) => vec![scope.clone()],
            Some(_) => Vec::new(),
        }
    };
    let unfold = |scope: &ResourceScope| -> Vec<Scope> {
        let left = match scope.kind {
            Some(kind) => of_kind(scope, kind),
            None if served.iter().all(keeps) => vec![scope.clone()],
            None => served.iter().flat_map(|kind| of_kind(scope, *kind)).collect(),
        };
        left.into_iter().map(Scope::Resource).collect()
    };
    let records = offered.resources().flat_map(unfold).count() > 0;
    offered
        .iter()
        .flat_map(|scope| match scope {
            Scope::Resource(resource) => unfold(resource),
            Scope::OpenId | Scope::FhirUser | Scope::Profile => keep_if(scope, kept.contains(&Item::Identity)),
            Scope::OfflineAccess => keep_if(scope, kept.contains(&Item::Offline)),
            Scope::OnlineAccess => keep_if(scope, kept.contains(&Item::Online)),
            Scope::Launch | Scope::LaunchPatient => keep_if(scope, records || which_patient),
        })
        .collect()
}

/// Whether the scopes let an app learn anything: leave to come back is nothing by itself.
pub fn is_nothing(scopes: &Scopes) -> bool {
    scopes.iter().all(|scope| match scope {
        Scope::OfflineAccess | Scope::OnlineAccess => true,
        Scope::OpenId
        | Scope::FhirUser
        | Scope::Profile
        | Scope::Launch
        | Scope::LaunchPatient
        | Scope::Resource(_) => false,
    })
}

/// Whether a patient must be in context: any `patient/` scope makes it so, asked for or not (SMART App Launch).
pub fn needs_patient(scopes: &Scopes) -> bool {
    scopes.has(Scope::LaunchPatient) || scopes.resources().any(|scope| scope.level == Level::Patient)
}

/// The same for a person of this role: what a representative asks is about one patient at a time, under `user/` scopes too.
pub(crate) fn needs_patient_of(role: Role, scopes: &Scopes) -> bool {
    needs_patient(scopes) || (role == Role::Representative && scopes.resources().next().is_some())
}

fn is_of_user(scope: &Scope) -> bool {
    match scope {
        Scope::Resource(resource) => resource.level == Level::User,
        Scope::OpenId
        | Scope::FhirUser
        | Scope::Profile
        | Scope::OfflineAccess
        | Scope::OnlineAccess
        | Scope::Launch
        | Scope::LaunchPatient => false,
    }
}

fn is_identity(scope: &Scope) -> bool {
    match scope {
        Scope::OpenId | Scope::FhirUser | Scope::Profile => true,
        Scope::OfflineAccess | Scope::OnlineAccess | Scope::Launch | Scope::LaunchPatient | Scope::Resource(_) => false,
    }
}

fn keep_if(scope: &Scope, kept: bool) -> Vec<Scope> {
    if kept { vec![scope.clone()] } else { Vec::new() }
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
