//! Which scopes can be granted: what was asked for, within what the app is registered for and this server serves; and
//! what is left of them when the person takes something away.
//!
//! The result is always within all of these (threats: scope tricks). People grant `patient/` scopes, a backend service gets
//! `system/` scopes. Scopes for users, and letters that write, are not granted: nothing here enforces them yet.

use fhir::ResourceType;
use privacy::Scopes;
use privacy::scope::{Letters, Level, ResourceScope, Scope};

/// One thing that an app asks for, as a person can allow it or take it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Item {
    /// To read one kind of record.
    Records(ResourceType),
    /// To learn who signed in: `openid`, `fhirUser`, `profile`.
    Identity,
    /// To learn which patient it is about, where no record is asked for with it.
    WhichPatient,
    /// To come back later without the person: `offline_access`.
    Offline,
}

impl Item {
    /// The value in a form.
    pub fn as_str(self) -> &'static str {
        match self {
            Item::Records(kind) => kind.as_str(),
            Item::Identity => "identity",
            Item::WhichPatient => "which-patient",
            Item::Offline => "offline",
        }
    }

    /// The item with this value in a form.
    pub fn of(value: &str) -> Option<Item> {
        match value {
            "identity" => Some(Item::Identity),
            "which-patient" => Some(Item::WhichPatient),
            "offline" => Some(Item::Offline),
            kind => kind.parse().ok().map(Item::Records),
        }
    }
}

/// What can be granted of what was asked for, in the order and spelling it was asked in.
pub fn offer(requested: &Scopes, allowed: &Scopes, served: &[ResourceType]) -> Scopes {
    requested
        .iter()
        .flat_map(|scope| match scope {
            Scope::Resource(wanted) => match wanted.level {
                Level::Patient => within(wanted, allowed, served),
                Level::User | Level::System => Vec::new(),
            },
            Scope::OpenId | Scope::FhirUser | Scope::Profile | Scope::OfflineAccess | Scope::LaunchPatient => {
                if allowed.has(*scope) { vec![*scope] } else { Vec::new() }
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
    let parts = allowed.resources().filter(|allowed| allowed.level == wanted.level).filter_map(|allowed| {
        let kind = match (wanted.kind, allowed.kind) {
            (Some(wanted), Some(allowed)) if wanted != allowed => return None,
            (Some(kind), _) | (None, Some(kind)) => Some(kind),
            (None, None) => None,
        };
        if kind.is_some_and(|kind| !served.contains(&kind)) {
            return None;
        }
        let letters = wanted.letters.both(allowed.letters)?.both(Letters::READ)?;
        Some(Scope::Resource(ResourceScope { kind, letters, ..*wanted }))
    });
    parts.collect()
}

/// What a person can allow or take away, one by one.
pub fn items(offered: &Scopes, served: &[ResourceType]) -> Vec<Item> {
    let mut items: Vec<Item> =
        served.iter().filter(|kind| reaches(offered, **kind)).map(|kind| Item::Records(*kind)).collect();
    if items.is_empty() && offered.has(Scope::LaunchPatient) {
        items.push(Item::WhichPatient);
    }
    if offered.iter().any(is_identity) {
        items.push(Item::Identity);
    }
    if offered.has(Scope::OfflineAccess) {
        items.push(Item::Offline);
    }
    items
}

/// What is left when only these items are kept. A wildcard unfolds into types only where something was taken from it.
pub fn narrow(offered: &Scopes, kept: &[Item], served: &[ResourceType]) -> Scopes {
    let keeps = |kind: &ResourceType| kept.contains(&Item::Records(*kind));
    let unfold = |scope: &ResourceScope| -> Vec<Scope> {
        match scope.kind {
            Some(kind) if keeps(&kind) => vec![Scope::Resource(*scope)],
            Some(_) => Vec::new(),
            None if served.iter().all(keeps) => vec![Scope::Resource(*scope)],
            None => served
                .iter()
                .filter(|kind| keeps(kind))
                .map(|kind| Scope::Resource(ResourceScope { kind: Some(*kind), ..*scope }))
                .collect(),
        }
    };
    let records = offered.resources().flat_map(unfold).count() > 0;
    let which_patient = kept.contains(&Item::WhichPatient) && offered.resources().next().is_none();
    offered
        .iter()
        .flat_map(|scope| match scope {
            Scope::Resource(resource) => unfold(resource),
            Scope::OpenId | Scope::FhirUser | Scope::Profile => keep_if(*scope, kept.contains(&Item::Identity)),
            Scope::OfflineAccess => keep_if(*scope, kept.contains(&Item::Offline)),
            Scope::LaunchPatient => keep_if(*scope, records || which_patient),
        })
        .collect()
}

/// Whether the scopes let an app learn anything: leave to come back is nothing by itself.
pub fn is_nothing(scopes: &Scopes) -> bool {
    scopes.iter().all(|scope| match scope {
        Scope::OfflineAccess => true,
        Scope::OpenId | Scope::FhirUser | Scope::Profile | Scope::LaunchPatient | Scope::Resource(_) => false,
    })
}

/// Whether a patient must be in context: any `patient/` scope makes it so, asked for or not (SMART App Launch).
pub fn needs_patient(scopes: &Scopes) -> bool {
    scopes.has(Scope::LaunchPatient) || scopes.resources().any(|scope| scope.level == Level::Patient)
}

fn reaches(offered: &Scopes, kind: ResourceType) -> bool {
    offered.resources().any(|scope| scope.kind.is_none_or(|of| of == kind))
}

fn is_identity(scope: &Scope) -> bool {
    match scope {
        Scope::OpenId | Scope::FhirUser | Scope::Profile => true,
        Scope::OfflineAccess | Scope::LaunchPatient | Scope::Resource(_) => false,
    }
}

fn keep_if(scope: Scope, kept: bool) -> Vec<Scope> {
    if kept { vec![scope] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVED: [ResourceType; 4] =
        [ResourceType::Patient, ResourceType::Observation, ResourceType::Condition, ResourceType::Encounter];

    fn offered(requested: &str, allowed: &str) -> String {
        offer(&Scopes::parse(requested), &Scopes::parse(allowed), &SERVED).to_string()
    }

    fn narrowed(scopes: &str, kept: &[Item]) -> String {
        narrow(&Scopes::parse(scopes), kept, &SERVED).to_string()
    }

    #[test]
    fn what_cannot_be_granted_is_left_out_and_the_rest_stays_as_it_was_written() {
        let allowed = "openid launch/patient patient/*.rs";
        assert_eq!(
            offered("openid nonsense patient/Observation.read fhirUser", allowed),
            "openid patient/Observation.read"
        );
        assert_eq!(offered("patient/*.rs user/*.rs system/*.rs", allowed), "patient/*.rs");
        assert_eq!(offered("patient/Account.rs patient/Patient.r", allowed), "patient/Patient.r");
        assert_eq!(offered("patient/Observation.c", allowed), "");
    }

    #[test]
    fn letters_that_write_are_cut_off() {
        assert_eq!(offered("patient/*.cruds", "patient/*.cruds"), "patient/*.rs");
        assert_eq!(offered("patient/*.*", "patient/*.cruds"), "patient/*.read");
        assert_eq!(offered("patient/*.write", "patient/*.cruds"), "");
    }

    #[test]
    fn a_wildcard_is_cut_to_the_types_an_app_is_registered_for() {
        assert_eq!(
            offered("patient/*.rs", "patient/Condition.r patient/Observation.rs"),
            "patient/Condition.r patient/Observation.rs"
        );
    }

    #[test]
    fn a_wildcard_unfolds_only_when_something_is_taken_away() {
        let all = SERVED.map(Item::Records);
        assert_eq!(narrowed("launch/patient patient/*.rs", &all), "launch/patient patient/*.rs");
        assert_eq!(
            narrowed("launch/patient patient/*.read", &all[..2]),
            "launch/patient patient/Patient.read patient/Observation.read"
        );
    }

    #[test]
    fn the_launch_context_goes_with_the_last_record() {
        assert_eq!(narrowed("openid launch/patient patient/Patient.rs", &[Item::Identity]), "openid");
    }

    #[test]
    fn the_patient_alone_can_be_asked_for_and_taken_away() {
        let scopes = Scopes::parse("openid launch/patient");
        assert_eq!(items(&scopes, &SERVED), [Item::WhichPatient, Item::Identity]);
        assert_eq!(narrowed("openid launch/patient", &[Item::WhichPatient]), "launch/patient");
        assert_eq!(narrowed("openid launch/patient", &[Item::Identity]), "openid");
    }

    #[test]
    fn leave_to_come_back_is_nothing_by_itself() {
        assert!(is_nothing(&Scopes::parse("offline_access")));
        assert!(is_nothing(&Scopes::default()));
        assert!(!is_nothing(&Scopes::parse("openid")));
    }

    fn word() -> impl Strategy<Value = String> {
        let kind = prop_oneof![Just("*"), Just("Patient"), Just("Observation"), Just("Condition"), Just("Account")];
        let access = prop_oneof![
            Just("r"),
            Just("s"),
            Just("rs"),
            Just("cruds"),
            Just("cud"),
            Just("read"),
            Just("write"),
            Just("*"),
            Just("sr")
        ];
        let level = prop_oneof![4 => Just("patient"), 1 => Just("user"), 1 => Just("system")];
        prop_oneof![
            4 => (level, kind, access).prop_map(|(level, kind, access)| format!("{level}/{kind}.{access}")),
            1 => Just("openid".to_owned()),
            1 => Just("fhirUser".to_owned()),
            1 => Just("offline_access".to_owned()),
            1 => Just("launch/patient".to_owned()),
        ]
    }

    fn words() -> impl Strategy<Value = String> {
        proptest::collection::vec(word(), 0..8).prop_map(|words| words.join(" "))
    }

    fn item() -> impl Strategy<Value = Item> {
        prop_oneof![
            Just(Item::Identity),
            Just(Item::Offline),
            Just(Item::WhichPatient),
            Just(Item::Records(ResourceType::Patient)),
            Just(Item::Records(ResourceType::Observation)),
            Just(Item::Records(ResourceType::Condition)),
            Just(Item::Records(ResourceType::Account)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_offered_is_within_what_was_asked_for_and_within_what_is_allowed(asked in words(), may in words()) {
            let (asked, may) = (Scopes::parse(&asked), Scopes::parse(&may));
            let offered = offer(&asked, &may, &SERVED);
            prop_assert!(asked.cover(&offered));
            prop_assert!(may.cover(&offered));
        }

        #[test]
        fn a_service_is_offered_system_scopes_alone(asked in words(), may in words()) {
            let (asked, may) = (Scopes::parse(&asked), Scopes::parse(&may));
            let offered = offer_to_service(&asked, &may, &SERVED);
            prop_assert!(asked.cover(&offered) && may.cover(&offered));
            prop_assert!(offered.resources().count() == offered.iter().count());
            prop_assert!(offered.resources().all(|scope| scope.level == Level::System));
        }

        #[test]
        fn what_is_kept_is_within_what_was_offered_and_grows_with_what_is_ticked(
            asked in words(),
            few in proptest::collection::vec(item(), 0..6),
            more in proptest::collection::vec(item(), 0..3),
        ) {
            let may = Scopes::parse("openid fhirUser offline_access launch/patient patient/*.cruds");
            let offered = offer(&Scopes::parse(&asked), &may, &SERVED);
            let kept = narrow(&offered, &few, &SERVED);
            prop_assert!(offered.cover(&kept));
            let all: Vec<Item> = few.iter().chain(&more).copied().collect();
            prop_assert!(narrow(&offered, &all, &SERVED).cover(&kept));
        }

        #[test]
        fn ticking_everything_takes_nothing_away(asked in words()) {
            let may = Scopes::parse("openid fhirUser offline_access launch/patient patient/*.cruds");
            let offered = offer(&Scopes::parse(&asked), &may, &SERVED);
            prop_assert_eq!(narrow(&offered, &items(&offered, &SERVED), &SERVED), offered);
        }
    }
}
