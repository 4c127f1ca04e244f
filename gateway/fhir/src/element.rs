//! Finding elements in a resource by path, through arrays and choices.

use crate::path::{ElementPath, Step};
use json::{Kind, Value};

/// Every value at `path` in a resource, in document order; arrays on the way are walked through, none is returned.
pub fn walk<'a>(resource: Value<'a>, path: &ElementPath) -> Vec<Value<'a>> {
    let mut found = vec![resource];
    for step in path.steps() {
        found = found.into_iter().flat_map(|value| children(value, step)).flat_map(each).collect();
    }
    found
}

fn children<'a>(value: Value<'a>, step: &Step) -> impl Iterator<Item = Value<'a>> {
    // Most steps have one name, and keys stand once in a document: no other key need be looked at.
    let (one, several) = match step.names() {
        [name] => (value.get(name), None),
        names => (None, Some(value.members().filter(move |member| names.iter().any(|name| *name == member.key)))),
    };
    one.into_iter().chain(several.into_iter().flatten().map(|member| member.value))
}

/// The items of an array, or the value itself when it is none.
pub fn each(value: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let single = (value.kind() != Kind::Array).then_some(value);
    single.into_iter().chain(value.items())
}

/// Calls `visit` with key and value of every member at any depth, in document order.
pub(crate) fn members<'a>(value: Value<'a>, visit: &mut impl FnMut(&str, Value<'a>)) {
    for item in value.items() {
        members(item, visit);
    }
    for member in value.members() {
        visit(&member.key, member.value);
        members(member.value, visit);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::tests::document;

    fn found(text: &str, path: &str) -> Vec<String> {
        let path = ElementPath::check(path).unwrap();
        walk(document(text).root(), &path).iter().map(|v| String::from_utf8_lossy(v.raw()).into_owned()).collect()
    }

    #[test]
    fn arrays_on_the_way_are_walked_through() {
        let text =
            r#"{"component":[{"code":{"coding":[{"code":"a"},{"code":"b"}]}},{"code":{"coding":[{"code":"c"}]}}]}"#;
        assert_eq!(found(text, "Observation.component.code.coding.code"), ["\"a\"", "\"b\"", "\"c\""]);
        assert_eq!(found(text, "Observation.component").len(), 2);
        assert!(found(text, "Observation.category").is_empty());
    }

    #[test]
    fn a_choice_finds_whichever_is_there_and_a_typed_name_that_alone() {
        let text = r#"{"valueQuantity":{"value":1.10,"unit":"mg"},"valueSetOfNothing":1}"#;
        assert_eq!(found(text, "Observation.value[x]").len(), 1);
        assert_eq!(found(text, "Observation.value[x].value"), ["1.10"]);
        assert_eq!(found(text, "Observation.valueQuantity.unit"), ["\"mg\""]);
        assert!(found(text, "Observation.valueString").is_empty());
    }
}
