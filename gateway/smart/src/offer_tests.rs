//! Offering and narrowing: always within what was asked for and what is allowed, and never less than what was kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

const SERVED: [ResourceType; 4] =
    [ResourceType::Patient, ResourceType::Observation, ResourceType::Condition, ResourceType::Encounter];

const LABS: &str = "?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory";
const SURVEYS: &str = "?category=http://terminology.hl7.org/CodeSystem/observation-category|survey";

fn offered(requested: &str, allowed: &str) -> String {
    offer(&Scopes::parse(requested), &Scopes::parse(allowed), &SERVED).to_string()
}

fn narrowed(scopes: &str, kept: &[Item]) -> String {
    narrow(&Scopes::parse(scopes), kept, &SERVED, Role::Clinician).to_string()
}

#[test]
fn what_cannot_be_granted_is_left_out_and_the_rest_stays_as_it_was_written() {
    let allowed = "openid launch/patient patient/*.rs";
    assert_eq!(
        offered("openid nonsense patient/Observation.read fhirUser", allowed),
        "openid patient/Observation.read"
    );
    assert_eq!(offered("patient/*.rs user/*.rs system/*.rs", allowed), "patient/*.rs");
    assert_eq!(offered("user/*.read user/Patient.cruds", "user/*.rs patient/*.rs"), "user/*.read user/Patient.rs");
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
fn a_registered_whole_holds_its_parts_and_a_registered_part_caps_the_whole() {
    let labs = |letters: &str| format!("patient/Observation.{letters}{LABS}");
    assert_eq!(offered(&labs("rs"), "patient/*.rs"), labs("rs"));
    assert_eq!(offered(&labs("cruds"), "patient/Observation.r"), labs("r"));
    for asked in ["patient/Observation.rs", "patient/Observation.read", "patient/*.rs", "patient/*.read", &labs("rs")] {
        assert_eq!(offered(asked, &labs("rs")), labs("rs"), "{asked}");
    }
    let both = format!("{} patient/Observation.rs{SURVEYS}", labs("rs"));
    assert_eq!(offered("patient/Observation.rs", &both), both);
    assert_eq!(offered(&format!("patient/Observation.rs{SURVEYS}"), &labs("rs")), "");
    assert_eq!(offered("patient/Condition.rs", &labs("rs")), "");
    let narrower = format!("patient/Observation.rs{LABS}&status=final");
    assert_eq!(offered(&narrower, &labs("rs")), narrower);
    assert_eq!(offered(&labs("rs"), &narrower), narrower);
}

#[test]
fn a_part_can_be_allowed_in_place_of_the_whole() {
    let part = |kind: &str, part: &str| Item::of(&format!("{kind}{part}")).unwrap();
    let labs = part("Observation", LABS);
    let kept = [Item::Records(ResourceType::Patient), labs.clone()];
    let expected = format!("launch/patient patient/Patient.rs patient/Observation.rs{LABS}");
    for asked in ["launch/patient patient/*.rs", "launch/patient patient/Patient.rs patient/Observation.rs"] {
        assert_eq!(narrowed(asked, &kept), expected);
    }
    let spelled = "patient/Observation.read patient/Condition.r";
    let problems =
        part("Condition", "?category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item");
    let problems_scope =
        "patient/Condition.r?category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item";
    assert_eq!(narrowed(spelled, &[labs.clone(), problems]), format!("patient/Observation.rs{LABS} {problems_scope}"));
    let whole = [Item::Records(ResourceType::Observation), labs.clone()];
    assert_eq!(narrowed("patient/Observation.rs", &whole), "patient/Observation.rs");
    assert_eq!(
        narrowed("launch/patient patient/Observation.rs", &[part("Observation", "?status=final")]),
        "",
        "nobody was shown it"
    );
    let offered = Scopes::parse("patient/*.rs");
    assert_eq!(
        instead(&offered, &SERVED).len(),
        parts(ResourceType::Observation).count() + parts(ResourceType::Condition).count()
    );
    assert!(instead(&offered, &SERVED).contains(&labs) && !items(&offered, &SERVED, Role::Clinician).contains(&labs));
}

#[test]
fn parts_that_are_asked_for_are_allowed_and_taken_away_one_by_one() {
    let asked = format!("launch/patient patient/Observation.rs{LABS} patient/Observation.r{SURVEYS}");
    let scopes = Scopes::parse(&asked);
    let parts = [LABS, SURVEYS].map(|part| Item::of(&format!("Observation{part}")).unwrap());
    assert_eq!(items(&scopes, &SERVED, Role::Clinician), parts);
    assert_eq!(instead(&scopes, &SERVED), []);
    assert_eq!(narrowed(&asked, &parts), asked);
    assert_eq!(narrowed(&asked, &parts[1..]), format!("launch/patient patient/Observation.r{SURVEYS}"));
    let mixed = format!("patient/Observation.r patient/Observation.s{LABS}");
    let items = items(&Scopes::parse(&mixed), &SERVED, Role::Clinician);
    assert_eq!(items, [Item::Records(ResourceType::Observation), parts[0].clone()]);
    assert_eq!(narrowed(&mixed, &parts[..1]), format!("patient/Observation.r{LABS} patient/Observation.s{LABS}"));
}

#[test]
fn the_value_of_an_item_leads_back_to_it() {
    for value in ["Observation", "identity", "in-care", "which-patient", "offline", &format!("Observation{LABS}")] {
        assert_eq!(Item::of(value).unwrap().to_string(), value);
    }
    for value in ["", "Nothing", "Observation?", "Observation?date=2020", "?category=x", "identity?category=x"] {
        assert_eq!(Item::of(value), None, "{value}");
    }
}

#[test]
fn a_clinician_allows_or_refuses_everyone_in_their_care_at_once() {
    let asked = "launch/patient patient/Observation.rs user/Observation.rs user/Patient.r";
    let (scopes, observations) = (Scopes::parse(asked), Item::Records(ResourceType::Observation));
    let patients = Item::Records(ResourceType::Patient);
    let all = [patients.clone(), observations.clone(), Item::InCare];
    assert_eq!(items(&scopes, &SERVED, Role::Clinician), all);
    assert_eq!(others_in_care(&scopes, &SERVED, Role::Clinician), all[..2]);
    assert_eq!(narrowed(asked, &all), asked);
    assert_eq!(narrowed(asked, &all[..2]), "launch/patient patient/Observation.rs");
    assert_eq!(narrowed(asked, &[patients, Item::InCare]), "launch/patient user/Patient.r");
    assert_eq!(narrowed("user/*.rs offline_access", &[observations, Item::Offline]), "offline_access");
}

#[test]
fn a_patient_is_not_asked_about_others() {
    let asked = "openid user/Observation.rs patient/Patient.r";
    let kept = items(&Scopes::parse(asked), &SERVED, Role::Patient);
    assert!(!kept.contains(&Item::InCare) && others_in_care(&Scopes::parse(asked), &SERVED, Role::Patient).is_empty());
    assert_eq!(narrow(&Scopes::parse(asked), &kept, &SERVED, Role::Patient).to_string(), asked);
}

#[test]
fn user_scopes_alone_put_no_patient_in_context() {
    assert!(!needs_patient(&Scopes::parse("openid user/*.rs user/Observation.r")));
    for context in ["launch/patient", "patient/Patient.r"] {
        assert!(needs_patient(&Scopes::parse(&format!("user/*.rs {context}"))));
    }
}

#[test]
fn the_launch_context_goes_with_the_last_record() {
    assert_eq!(narrowed("openid launch/patient patient/Patient.rs", &[Item::Identity]), "openid");
}

#[test]
fn the_patient_alone_can_be_asked_for_and_taken_away() {
    let scopes = Scopes::parse("openid launch/patient");
    assert_eq!(items(&scopes, &SERVED, Role::Clinician), [Item::WhichPatient, Item::Identity]);
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
    let part = prop::sample::select(vec!["", "", LABS, SURVEYS, "?category=x&status=final", "?status=final"]);
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
        4 => (level, kind, access, part).prop_map(|(level, kind, access, part)| format!("{level}/{kind}.{access}{part}")),
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
        Just(Item::InCare),
        Just(Item::Records(ResourceType::Patient)),
        Just(Item::Records(ResourceType::Observation)),
        Just(Item::Records(ResourceType::Condition)),
        Just(Item::Records(ResourceType::Account)),
        prop::sample::select(vec![LABS, SURVEYS, "?status=final"])
            .prop_map(|part| Item::of(&format!("Observation{part}")).unwrap()),
        Just(
            Item::of("Condition?category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item")
                .unwrap()
        ),
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
        let may = Scopes::parse("openid fhirUser offline_access launch/patient patient/*.cruds user/*.cruds");
        let offered = offer(&Scopes::parse(&asked), &may, &SERVED);
        let kept = narrow(&offered, &few, &SERVED, Role::Clinician);
        prop_assert!(offered.cover(&kept));
        let all: Vec<Item> = few.iter().chain(&more).cloned().collect();
        prop_assert!(narrow(&offered, &all, &SERVED, Role::Clinician).cover(&kept));
    }

    #[test]
    fn ticking_everything_takes_nothing_away(asked in words()) {
        let may = Scopes::parse("openid fhirUser offline_access launch/patient patient/*.cruds user/*.cruds");
        let offered = offer(&Scopes::parse(&asked), &may, &SERVED);
        for role in [Role::Clinician, Role::Patient] {
            let own = items(&offered, &SERVED, role);
            prop_assert_eq!(&narrow(&offered, &own, &SERVED, role), &offered);
            let all = [own, instead(&offered, &SERVED)].concat();
            prop_assert_eq!(&narrow(&offered, &all, &SERVED, role), &offered);
        }
    }
}
