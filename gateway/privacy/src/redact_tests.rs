//! Redaction, held against a slow oracle that builds trees and knows nothing of spans.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::fixtures::{document, policy, within};
use crate::policy::Policy;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// What a policy allows, as the oracle reads it: a type without elements is whole.
type Rules = BTreeMap<&'static str, Option<Vec<&'static str>>>;

const KEPT: [&str; 6] = ["resourceType", "id", "meta", "implicitRules", "language", "modifierExtension"];

fn policy_of(rules: &Rules) -> Policy {
    let mut text = "purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\n[allow]\n".to_owned();
    for (kind, elements) in rules {
        let allowed = match elements {
            None => "\"every element\"".to_owned(),
            Some(elements) => {
                format!("[{}]", elements.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(","))
            }
        };
        text += &format!("{kind} = {allowed}\n");
    }
    policy(&text)
}

fn rules() -> Rules {
    BTreeMap::from([
        (
            "Encounter",
            Some(vec![
                "status",
                "class",
                "subject.reference",
                "period.start",
                "type.coding.code",
                "identifier.use",
                "identifier.value",
                "contained",
            ]),
        ),
        ("Observation", Some(vec!["status", "code"])),
        ("Procedure", Some(vec!["status", "contained"])),
        ("Condition", None),
        ("Device", None),
    ])
}

/// What is left of a resource's bytes.
fn left(text: &str, policy: &Policy) -> Option<String> {
    let document = document(text.to_owned());
    match redact(&Resource::of(document.root()).unwrap(), policy) {
        Left::Whole => Some(text.to_owned()),
        Left::Cut(bytes) => Some(String::from_utf8(bytes).unwrap()),
        Left::Nothing => None,
    }
}

fn tree(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

mod oracle {
    //! What should be left, by trees.

    use super::*;

    pub(super) fn left(value: &Json, rules: &Rules) -> Option<Json> {
        let object = readable(value)?;
        let rule = rules.get(object.get("resourceType")?.as_str()?)?;
        if rule.is_none() && untouched(value, rules) {
            return Some(value.clone());
        }
        let mut out = Map::new();
        for (name, value) in object {
            let stem = name.strip_prefix('_').unwrap_or(name);
            match (name.as_str(), rule) {
                ("_contained", _) => {}
                ("contained", rule) => {
                    if rule.as_ref().is_none_or(|elements| elements.contains(&"contained")) {
                        let inner: Vec<Json> = each(value).iter().filter_map(|one| left(one, rules)).collect();
                        if !inner.is_empty() {
                            out.insert(name.clone(), Json::Array(inner));
                        }
                    }
                }
                (_, None) => drop(out.insert(name.clone(), value.clone())),
                ("meta", Some(_)) => drop(out.insert(name.clone(), marked(value))),
                (_, Some(_)) if KEPT.contains(&stem) => drop(out.insert(name.clone(), value.clone())),
                (_, Some(elements)) => {
                    if let Some(kept) = below(stem, value, elements) {
                        out.insert(name.clone(), kept);
                    }
                }
            }
        }
        if rule.is_some() && !out.contains_key("meta") {
            out.insert("meta".to_owned(), marked(&Json::Null));
        }
        Some(Json::Object(out))
    }

    /// An object that says a type, and whose id, if it has one, is an id.
    fn readable(value: &Json) -> Option<&Map<String, Json>> {
        let object = value.as_object()?;
        let id = object.get("id").is_none_or(|id| id.as_str().is_some_and(|id| id != "not an id"));
        let kind = object.get("resourceType").and_then(Json::as_str).is_some_and(|kind| kind != "Nothing");
        (id && kind).then_some(object)
    }

    fn each(value: &Json) -> Vec<Json> {
        value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
    }

    fn untouched(value: &Json, rules: &Rules) -> bool {
        let whole = |inner: &Json| {
            let kind = readable(inner).and_then(|inner| inner.get("resourceType")).and_then(Json::as_str);
            kind.is_some_and(|kind| rules.get(kind) == Some(&None)) && untouched(inner, rules)
        };
        value.get("_contained").is_none()
            && value.get("contained").is_none_or(|contained| each(contained).iter().all(whole))
    }

    fn below(name: &str, value: &Json, elements: &[&'static str]) -> Option<Json> {
        if elements.contains(&name) {
            return Some(value.clone());
        }
        let prefix = format!("{name}.");
        let further: Vec<&'static str> =
            elements.iter().filter_map(|path| path.strip_prefix(prefix.as_str())).collect();
        (!further.is_empty()).then(|| children(value, &further))
    }

    fn children(value: &Json, elements: &[&'static str]) -> Json {
        match value {
            Json::Array(items) => items.iter().map(|item| children(item, elements)).collect(),
            Json::Object(members) => {
                let kept = members.iter().filter_map(|(name, value)| match name.as_str() {
                    "modifierExtension" => Some((name.clone(), value.clone())),
                    _ => Some((name.clone(), below(name.strip_prefix('_').unwrap_or(name), value, elements)?)),
                });
                Json::Object(kept.collect())
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Json::Null,
        }
    }

    fn marked(meta: &Json) -> Json {
        let mut meta = meta.as_object().cloned().unwrap_or_default();
        let mut tags = meta.get("tag").and_then(Json::as_array).cloned().unwrap_or_default();
        tags.retain(|tag| tag.get("code").and_then(Json::as_str) != Some("SUBSETTED"));
        tags.push(json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}));
        meta.insert("tag".to_owned(), Json::Array(tags));
        Json::Object(meta)
    }
}

/// JSON text of any shape over the names that matter, numbers and escapes in odd spellings.
fn any_value() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "reference",
        "start",
        "end",
        "coding",
        "code",
        "system",
        "use",
        "value",
        "modifierExtension",
        "tag",
        "_start",
        "_code",
        "url",
        "div",
        "extension",
        "status",
        "security",
    ]);
    let leaf = prop::sample::select(vec![
        "1.50",
        "1.0e2",
        "-0",
        "12345678901234567890",
        "true",
        "null",
        "\"x\"",
        "\"\\u0053ecret\"",
        "\"SUBSETTED\"",
        "\"é\\n\"",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::btree_map(names.clone(), inner, 0..4).prop_map(object),
        ]
    })
}

fn object(members: BTreeMap<&'static str, String>) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{} : {value}", spelled(name, value))).collect();
    format!("{{ {} }}", members.join(", "))
}

/// The key as it is, or with an escape in it.
fn spelled(name: &str, value: &str) -> String {
    match (value.len() % 3, name.split_at_checked(1)) {
        (0, Some((first, rest))) => format!("\"\\u{:04x}{rest}\"", first.chars().next().map_or(0, u32::from)),
        (_, _) => format!("\"{name}\""),
    }
}

/// A resource of any shape: its members by chance, with others contained to some depth.
fn any_resource() -> impl Strategy<Value = String> {
    let kinds = vec!["Encounter", "Observation", "Procedure", "Condition", "Device", "Practitioner", "Nothing"];
    let flat = resource_of(kinds.clone(), Just(None).boxed());
    let once = resource_of(kinds.clone(), prop::option::weighted(0.5, contained_of(flat)).boxed());
    resource_of(kinds, prop::option::weighted(0.7, contained_of(once)).boxed())
}

fn contained_of(inner: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![
        6 => prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
        1 => inner,
        1 => any_value(),
    ]
    .boxed()
}

fn resource_of(kinds: Vec<&'static str>, contained: BoxedStrategy<Option<String>>) -> BoxedStrategy<String> {
    let names = prop::sample::select(vec![
        "status",
        "_status",
        "class",
        "subject",
        "period",
        "_period",
        "type",
        "identifier",
        "text",
        "note",
        "extension",
        "modifierExtension",
        "meta",
        "_meta",
        "language",
        "_id",
        "code",
        "valueQuantity",
        "_contained",
        "secret",
    ]);
    let id = prop::sample::select(vec!["", "\"a1\"", "\"not an id\""]);
    (prop::sample::select(kinds), id, prop::collection::btree_map(names, any_value(), 0..8), contained)
        .prop_map(|(kind, id, mut members, contained)| {
            members.insert("resourceType", format!("\"{kind}\""));
            if !id.is_empty() {
                members.insert("id", id.to_owned());
            }
            if let Some(contained) = contained {
                members.insert("contained", contained);
            }
            object(members)
        })
        .boxed()
}

/// The raw text of every scalar, in order.
fn scalars(value: Value<'_>, found: &mut Vec<Vec<u8>>) {
    match value.kind() {
        Kind::Array => value.items().for_each(|item| scalars(item, found)),
        Kind::Object => value.members().for_each(|member| scalars(member.value, found)),
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => found.push(value.raw().to_vec()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_left_is_what_a_slow_reader_would_leave(text in any_resource()) {
        let rules = rules();
        let expected = oracle::left(&tree(&text), &rules);
        let readable = Resource::of(document(text.clone()).root()).is_ok();
        prop_assume!(readable);
        prop_assert_eq!(left(&text, &policy_of(&rules)).map(|left| tree(&left)), expected);
    }

    #[test]
    fn what_is_left_can_be_read_strictly_and_cutting_it_again_changes_nothing(text in any_resource()) {
        prop_assume!(Resource::of(document(text.clone()).root()).is_ok());
        let policy = policy_of(&rules());
        if let Some(once) = left(&text, &policy) {
            prop_assert_eq!(left(&once, &policy), Some(once));
        }
    }

    /// Nothing is written that was not read, but for the mark: each scalar keeps its spelling and its place in the row.
    #[test]
    fn what_is_left_is_copied_digit_by_digit(text in any_resource()) {
        prop_assume!(Resource::of(document(text.clone()).root()).is_ok());
        if let Some(left) = left(&text, &policy_of(&rules())) {
            let (mut before, mut after) = (Vec::new(), Vec::new());
            scalars(document(text).root(), &mut before);
            scalars(document(left).root(), &mut after);
            let mut rest = before.iter();
            for scalar in after {
                let ours = scalar == b"\"SUBSETTED\"" || scalar.ends_with(b"v3-ObservationValue\"") || scalar == b"null";
                prop_assert!(ours || rest.any(|known| *known == scalar), "{:?}", String::from_utf8_lossy(&scalar));
            }
        }
    }

    /// Taking an element or a type out of a policy never lets anything more leave.
    #[test]
    fn a_smaller_policy_lets_no_more_leave(text in any_resource(), kind in 0usize..5, element in prop::option::of(0usize..8)) {
        prop_assume!(Resource::of(document(text.clone()).root()).is_ok());
        let (rules, mut fewer) = (rules(), rules());
        let name = *rules.keys().nth(kind).unwrap();
        match (element, fewer.get_mut(name)) {
            (Some(at), Some(Some(elements))) if at < elements.len() && !["status", "identifier.use"].contains(&elements[at]) => {
                elements.remove(at);
            }
            (Some(_), Some(whole @ None)) => *whole = Some(match name { "Device" => vec!["status"], _ => vec!["clinicalStatus", "verificationStatus"] }),
            (_, _) => drop(fewer.remove(name)),
        }
        let (less, all) = (left(&text, &policy_of(&fewer)), left(&text, &policy_of(&rules)));
        if let Some(less) = less {
            let (mut less, all) = (tree(&less), tree(&all.unwrap()));
            unmark(&mut less);
            let mut bare = all.clone();
            unmark(&mut bare);
            prop_assert!(within(&less, &bare), "{} {}", less, bare);
        }
    }
}

/// Takes out what only says that something may have been cut, and what stood in its place before.
fn unmark(value: &mut Json) {
    match value {
        Json::Object(members) => {
            members.remove("meta");
            members.values_mut().for_each(unmark);
            if let Some(single @ Json::Object(_)) = members.get_mut("contained") {
                *single = Json::Array(vec![single.take()]);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(unmark),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn numbers_keep_their_digits_and_strings_their_escapes() {
    let text = r#"{"resourceType":"Encounter","status":"\u0066inished","class":{"a":1.50,"b":1.0e2,"c":1E-7},"period":{"start":"\u0032026"}}"#;
    let left = left(text, &policy_of(&rules())).unwrap();
    for kept in [r#""status":"\u0066inished""#, r#"{"a":1.50,"b":1.0e2,"c":1E-7}"#, r#""start":"\u0032026""#] {
        assert!(left.contains(kept), "{left}");
    }
}

#[test]
fn a_key_is_judged_by_what_it_says_and_not_by_its_spelling() {
    let text = r#"{"resourceType":"Encounter","\u0074ext":{"div":"x"},"\u0073tatus":"finished","not\u0065":[1],"period":{"st\u0061rt":"1","e\u006ed":"2"}}"#;
    let left = tree(&left(text, &policy_of(&rules())).unwrap());
    assert_eq!((left.get("status"), left.get("text"), left.get("note")), (Some(&json!("finished")), None, None));
    assert_eq!(left["period"], json!({"start": "1"}));
}

#[test]
fn a_primitives_twin_goes_and_stays_with_it() {
    let text = r#"{"resourceType":"Encounter","_status":{"id":"s"},"_note":{"id":"n"},"period":{"_start":{"id":"a"},"_end":{"id":"b"}}}"#;
    let left = tree(&left(text, &policy_of(&rules())).unwrap());
    assert_eq!((&left["_status"], left.get("_note")), (&json!({"id": "s"}), None));
    assert_eq!(left["period"], json!({"_start": {"id": "a"}}));
}

#[test]
fn the_mark_depends_on_the_policy_and_the_type_alone() {
    let policy = policy_of(&rules());
    let cut_nothing = left(r#"{"resourceType":"Observation","status":"final"}"#, &policy).unwrap();
    let cut_much = left(r#"{"resourceType":"Observation","status":"final","note":[{"text":"x"}]}"#, &policy).unwrap();
    assert_eq!(cut_nothing, cut_much);
    assert_eq!(cut_nothing.matches("SUBSETTED").count(), 1);
    let whole = r#"{"resourceType":"Device","note":[{"text":"x"}]}"#;
    assert_eq!(left(whole, &policy).as_deref(), Some(whole));
}

#[test]
fn meta_and_its_tags_are_written_once_whatever_they_were() {
    let policy = policy_of(&rules());
    for meta in [
        r#""text""#,
        "null",
        "[]",
        r#"{"tag":{"code":"x"}}"#,
        r#"{"tag":"SUBSETTED"}"#,
        r#"{"tag":[{"code":"SUBSETTED"},{"code":"SUBSETTED"}]}"#,
    ] {
        let left = left(&format!(r#"{{"resourceType":"Observation","meta":{meta}}}"#), &policy).unwrap();
        let mark = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;
        assert_eq!(left, format!(r#"{{"resourceType":"Observation","meta":{{"tag":[{mark}]}}}}"#), "{meta}");
    }
}

#[test]
fn what_is_contained_is_cut_by_the_policy_of_its_own_type() {
    let policy = policy_of(&rules());
    let text = r#"{"resourceType":"Condition","contained":[{"resourceType":"Observation","status":"final","note":[1]},
        {"resourceType":"Device","note":[1]},{"resourceType":"Practitioner","name":[1]},{"x":1}],"note":[{"text":"kept"}]}"#;
    let kept = tree(&left(text, &policy).unwrap());
    let contained = kept["contained"].as_array().unwrap();
    assert_eq!((contained.len(), contained[0].get("note"), &contained[1]["note"]), (2, None, &json!([1])));
    assert_eq!(kept["note"], json!([{"text": "kept"}]));
    let alone = r#"{"resourceType":"Condition","contained":{"resourceType":"Practitioner","name":[1]}}"#;
    assert_eq!(left(alone, &policy).as_deref(), Some(r#"{"resourceType":"Condition"}"#));
    let twin = r#"{"resourceType":"Condition","_contained":[{"resourceType":"Practitioner","name":[1]}]}"#;
    assert_eq!(left(twin, &policy).as_deref(), Some(r#"{"resourceType":"Condition"}"#));
}

#[test]
fn what_modifies_the_meaning_is_kept_at_any_depth() {
    let text = r#"{"resourceType":"Encounter","modifierExtension":[{"url":"a"}],"period":{"modifierExtension":[{"url":"b"}],"end":"x"}}"#;
    let left = tree(&left(text, &policy_of(&rules())).unwrap());
    assert_eq!(left["modifierExtension"], json!([{"url": "a"}]));
    assert_eq!(left["period"], json!({"modifierExtension": [{"url": "b"}]}));
}
