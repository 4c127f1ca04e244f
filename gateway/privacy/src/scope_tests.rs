//! The grammar, branch by branch; what covers what; and what a granular scope reaches.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::fixtures::document;
use proptest::prelude::*;

fn text(scope: &str) -> Option<String> {
    scope.parse::<Scope>().ok().map(|scope| scope.to_string())
}

#[test]
fn a_scope_is_written_back_as_it_was_asked_for() {
    for scope in [
        "openid",
        "fhirUser",
        "profile",
        "offline_access",
        "online_access",
        "launch",
        "launch/patient",
        "patient/Observation.rs",
        "patient/Observation.read",
        "patient/*.read",
        "patient/*.cruds",
        "patient/*.*",
        "patient/Patient.r",
        "user/Encounter.s",
        "system/Patient.write",
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        "patient/Condition.r?category=http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern",
        "patient/Observation.s?category=laboratory,vital-signs&status=final",
        "patient/Observation.s?status=final&category=laboratory",
        "patient/DocumentReference.rs?category=|x&type=http://loinc.org|",
        "user/ServiceRequest.cruds?category=sdoh",
    ] {
        assert_eq!(text(scope).as_deref(), Some(scope));
    }
}

#[test]
fn what_the_grammar_does_not_hold_is_no_scope() {
    for scope in [
        "",
        "patient/Observation.",
        "patient/Observation.sr",
        "patient/Observation.dus",
        "patient/Observation.rr",
        "patient/observation.rs",
        "patient/Observations.rs",
        "patient%2fObservation.rs",
        "patient/Observation.reads",
        "patient/Observation.read ",
        "Patient/Observation.rs",
        "patient/*.r*",
        "patient/.rs",
        "/Observation.rs",
        "openId",
        "launch/patient/",
        "launch/encounter",
        "Launch",
        "patient/Observation.rs\u{a0}",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?category=a,",
        "patient/Observation.rs?category=|",
        "patient/Observation.rs?category=a|b|c",
        "patient/Observation.rs?category=a&",
        "patient/Observation.rs?&category=a",
        "patient/Observation.rs?category=a?status=final",
        "patient/Observation.rs?category=a#b",
        "patient/Observation.rs?category=a%7Cb",
        "patient/Observation.rs?category=a\\|b",
        "patient/Observation.rs?category=\u{e9}",
        "patient/Observation.rs?category:not=a",
        "patient/Observation.rs?category:in=http://x",
        "patient/Observation.rs?Category=a",
        "patient/Observation.rs?patient.active=true",
        "patient/Observation.rs?_id=a",
        "patient/Observation.rs?_lastUpdated=2020",
        "patient/Observation.rs?_count=1",
        "patient/Observation.rs?_tag=a",
        "patient/Observation.rs?date=2020",
        "patient/Observation.rs?subject=Patient/p",
        "patient/Observation.rs?clinical-status=active",
        "patient/Observation.rs?status=a&status=b&status=c&status=d&status=e",
        "patient/Observation.read?category=a",
        "patient/Observation.*?category=a",
        "patient/*.rs?category=a",
        "patient/Binary.r?category=a",
        "patient/Account.r?type=a",
    ] {
        assert_eq!(text(scope), None, "{scope}");
    }
}

#[test]
fn search_is_not_read_and_user_is_not_patient() {
    let scopes = Scopes::parse("patient/Observation.s user/Condition.rs");
    assert!(scopes.allow(Level::Patient, ResourceType::Observation, Letter::Search));
    assert!(!scopes.allow(Level::Patient, ResourceType::Observation, Letter::Read));
    assert!(!scopes.allow(Level::Patient, ResourceType::Condition, Letter::Read));
}

#[test]
fn no_scope_allows_nothing() {
    assert!(!Scopes::parse("  nonsense ").allow(Level::Patient, ResourceType::Patient, Letter::Read));
}

#[test]
fn a_smaller_set_is_covered_and_a_larger_one_is_not() {
    let granted = Scopes::parse("launch/patient offline_access patient/*.rs");
    assert!(granted.cover(&Scopes::parse("patient/Observation.read patient/Patient.r")));
    assert!(!granted.cover(&Scopes::parse("patient/Observation.cruds")));
    assert!(!granted.cover(&Scopes::parse("openid")));
}

#[test]
fn a_scope_that_is_too_long_is_none_and_a_set_ends_at_its_bounds() {
    let long = |bytes: usize| format!("patient/Observation.rs?code={}", "x".repeat(bytes));
    assert!(text(&long(251)).is_some() && text(&long(252)).is_none());
    let many = |bytes: usize| (0..SCOPES_MAX + 9).map(|n| long(bytes) + &n.to_string()).collect::<Vec<_>>().join(" ");
    let [few, most] = [200, 1].map(|bytes| Scopes::parse(&many(bytes)));
    assert!(few.to_string().len() <= SCOPES_BYTES_MAX && few.iter().count() > 30);
    assert_eq!(most.iter().count(), SCOPES_MAX);
}

#[test]
fn the_whole_covers_its_parts_and_a_part_covers_itself_and_less() {
    let covers = |one: &str, other: &str| Scopes::parse(one).cover(&Scopes::parse(other));
    let (whole, labs) = ("patient/Observation.rs", "patient/Observation.rs?category=laboratory");
    let final_labs = "patient/Observation.rs?status=final&category=laboratory";
    assert!(covers(whole, labs) && covers("patient/*.read", labs) && covers(labs, labs) && covers(labs, final_labs));
    assert!(covers("patient/Observation.r?category=laboratory,survey", "patient/Observation.r?category=survey"));
    for more in [
        whole,
        "patient/Observation.read",
        "patient/*.rs",
        "patient/Observation.rs?category=survey",
        "patient/Observation.rs?category=laboratory,survey",
        "patient/Observation.rs?category=x|laboratory",
        "patient/Observation.rs?status=final",
        "patient/Observation.cruds?category=laboratory",
        "patient/Condition.rs?category=laboratory",
        "user/Observation.rs?category=laboratory",
    ] {
        assert!(!covers(labs, more), "{more}");
    }
    assert!(!covers(final_labs, labs));
    assert!(!covers("patient/Observation.r?category=laboratory", labs));
}

/// An Observation of these categories, all of one system.
fn observation(categories: &[&str]) -> json::Document {
    let category = |code: &&str| format!(r#"{{"coding":[{{"system":"http://c","code":"{code}"}}]}}"#);
    let categories = categories.iter().map(category).collect::<Vec<_>>().join(",");
    document(format!(r#"{{"resourceType":"Observation","id":"o","status":"final","category":[{categories}]}}"#))
}

fn reads(scopes: &str, of: &json::Document, letter: Letter) -> bool {
    Scopes::parse(scopes).allow_on(Level::Patient, &Resource::of(of.root()).unwrap(), letter)
}

#[test]
fn a_part_reaches_what_says_so_of_itself_and_several_parts_are_a_union() {
    let (labs, both, none) = (observation(&["labs"]), observation(&["vitals", "labs"]), observation(&[]));
    let reads = |scopes: &str, of: &json::Document| reads(scopes, of, Letter::Read);
    for scope in ["category=labs", "category=http://c|labs", "category=http://c|", "category=x,labs", "status=final"] {
        let scope = format!("patient/Observation.r?{scope}");
        assert!(reads(&scope, &labs) && reads(&scope, &both), "{scope}");
    }
    for scope in ["category=|labs", "category=http://d|labs", "category=Labs", "category=labs&status=amended"] {
        assert!(!reads(&format!("patient/Observation.r?{scope}"), &labs), "{scope}");
    }
    assert!(!reads("patient/Observation.r?category=labs", &none));
    let union = "patient/Observation.r?category=vitals patient/Observation.r?category=labs";
    assert!(reads(union, &labs) && reads(union, &observation(&["vitals"])) && !reads(union, &none));
    assert!(reads(&format!("{union} patient/Observation.r"), &none));
    assert!(!reads("patient/Observation.r?category=labs&category=vitals", &labs));
    assert!(reads("patient/Observation.r?category=labs&category=vitals", &both));
}

#[test]
fn the_letters_of_each_part_stand_for_themselves() {
    let scopes = "patient/Observation.r patient/Observation.s?category=labs";
    let (labs, other) = (observation(&["labs"]), observation(&["other"]));
    assert!(reads(scopes, &other, Letter::Read) && !reads(scopes, &other, Letter::Search));
    assert!(reads(scopes, &labs, Letter::Read) && reads(scopes, &labs, Letter::Search));
    assert!(Scopes::parse(scopes).allow(Level::Patient, ResourceType::Observation, Letter::Search));
    let parts = |letters: &[Letter]| {
        let parts = Scopes::parse(scopes);
        parts.parts(Level::Patient, ResourceType::Observation, letters).map(|parts| parts.len())
    };
    assert_eq!(parts(&[Letter::Search]), Some(1));
    assert_eq!(
        (parts(&[Letter::Read]), parts(&[Letter::Read, Letter::Search]), parts(&[Letter::Create])),
        (None, None, None)
    );
}

fn part() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec!["a", "b", "http://c|a", "http://c|", "|b", "a,b", "b,http://c|a"]);
    let category = value.prop_map(|value| format!("category={value}"));
    let status = prop::sample::select(vec!["status=final", "status=amended", "status=final,amended"]);
    let pair = prop_oneof![3 => category, 1 => status.prop_map(str::to_owned)];
    prop::collection::vec(pair, 1..3).prop_map(|pairs| pairs.join("&"))
}

fn scopes() -> impl Strategy<Value = String> {
    let query =
        prop::option::weighted(0.8, part()).prop_map(|part| part.map(|part| format!("?{part}")).unwrap_or_default());
    let letters = prop::sample::select(vec!["r", "s", "rs"]);
    let scope = (letters, query).prop_map(|(letters, query)| format!("patient/Observation.{letters}{query}"));
    prop::collection::vec(scope, 0..4).prop_map(|scopes| scopes.join(" "))
}

proptest! {
    #[test]
    fn what_is_covered_reaches_nothing_that_is_not_reached(
        one in scopes(),
        other in scopes(),
        categories in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..3),
    ) {
        let observation = observation(&categories);
        if Scopes::parse(&one).cover(&Scopes::parse(&other)) {
            for letter in [Letter::Read, Letter::Search] {
                prop_assert!(reads(&one, &observation, letter) || !reads(&other, &observation, letter));
            }
        }
    }

    #[test]
    fn what_was_read_is_written_as_it_was_and_covers_itself(written in scopes()) {
        let scopes = Scopes::parse(&written);
        prop_assert_eq!(&Scopes::parse(&scopes.to_string()), &scopes);
        prop_assert!(scopes.cover(&scopes));
    }
}
