//! SMART's scopes, as far as they are granted here: `patient/Type.rs` and `user/Type.rs` to an app that a person uses,
//! `system/Type.rs` to a backend service, their v1 spelling, parts of a type (`patient/Type.rs?param=value`), and a few words.

use super::{ask, kind};
use serde_json::Value;

/// Granted scopes.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    resources: Vec<Part>,
    /// Whether `fhirUser`, or the older `profile`, is among them.
    pub own: bool,
}

/// What one scope reaches: records of a type (or of all) that have, for each parameter, one of the values.
#[derive(Debug, Clone)]
struct Part {
    of: String,
    read: bool,
    search: bool,
    asks: Vec<(String, Vec<String>)>,
}

impl Part {
    fn is_for(&self, kind: &str) -> bool {
        self.of == "*" || self.of == kind
    }

    fn holds(&self, row: &Value) -> bool {
        let has = |name: &str, value: &String| ask::meets(row, name, None, value) == Some(true);
        self.is_for(kind(row)) && self.asks.iter().all(|(name, values)| values.iter().any(|value| has(name, value)))
    }
}

impl Scopes {
    /// Reads what a token answer says was granted by a person, for the patient in context.
    pub fn read(text: &str) -> Scopes {
        Scopes::at("patient/", text)
    }

    /// Reads what a token answer says was granted by a person, for all whom they may see.
    pub fn of_a_user(text: &str) -> Scopes {
        Scopes::at("user/", text)
    }

    /// Whether there is any for records at all.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Reads what a token answer says a service was granted for itself.
    pub fn of_a_service(text: &str) -> Scopes {
        Scopes { own: false, ..Scopes::at("system/", text) }
    }

    fn at(level: &str, text: &str) -> Scopes {
        let mut scopes = Scopes::default();
        for word in text.split(' ') {
            scopes.own |= matches!(word, "fhirUser" | "profile");
            let Some((of, access)) = word.strip_prefix(level).and_then(|rest| rest.split_once('.')) else {
                continue;
            };
            let (access, query) = access.split_once('?').unwrap_or((access, ""));
            let (read, search) = match access {
                "read" | "*" => (true, true),
                "write" => (false, false),
                letters => (letters.contains('r'), letters.contains('s')),
            };
            let ask = |pair: &str| {
                let (name, values) = pair.split_once('=').unwrap();
                (name.to_owned(), values.split(',').map(str::to_owned).collect())
            };
            let asks = query.split('&').filter(|pair| !pair.is_empty()).map(ask).collect();
            scopes.resources.push(Part { of: of.to_owned(), read, search, asks });
        }
        scopes
    }

    fn any(&self, kind: &str, allows: impl Fn(&Part) -> bool) -> bool {
        self.resources.iter().any(|part| part.is_for(kind) && allows(part))
    }

    /// Whether one resource of the type may be read, of all or of some. A Binary goes with the document that it is.
    pub fn read_one(&self, kind: &str) -> bool {
        self.any(kind, |part| part.read) || self.lends(kind)
    }

    /// Whether a Binary is read by leave of the documents' scopes alone.
    pub fn lends(&self, kind: &str) -> bool {
        kind == "Binary" && !self.any(kind, |part| part.read) && self.any("DocumentReference", |part| part.read)
    }

    /// Whether the type may be searched, in all or in part.
    pub fn search(&self, kind: &str) -> bool {
        self.any(kind, |part| part.search) || (kind == "Binary" && self.any("DocumentReference", |part| part.search))
    }

    /// Whether this record may be read.
    pub fn reads(&self, row: &Value) -> bool {
        self.any(kind(row), |part| part.read && part.holds(row)) || self.lends(kind(row))
    }

    /// Whether a search may find this record.
    pub fn finds(&self, row: &Value) -> bool {
        self.any(kind(row), |part| part.search && part.holds(row))
    }

    /// Whether this record may be seen in one way or the other.
    pub fn see(&self, row: &Value) -> bool {
        self.reads(row) || self.finds(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_is_what_its_parameters_say_and_parts_are_a_union() {
        let of = |code: &str| {
            let category = json!([{"coding": [{"system": "urn:c", "code": code}]}]);
            json!({"resourceType": "Observation", "status": "final", "category": category})
        };
        let scopes = Scopes::read(
            "launch/patient patient/Observation.rs?category=urn:c|a&status=final patient/Observation.s?category=b,c",
        );
        let seen = |code: &str| (scopes.reads(&of(code)), scopes.finds(&of(code)), scopes.see(&of(code)));
        assert_eq!(
            ["a", "b", "c", "d"].map(seen),
            [(true, true, true), (false, true, true), (false, true, true), (false, false, false)]
        );
        assert!(scopes.read_one("Observation") && scopes.search("Observation") && !scopes.read_one("Condition"));
    }
}
