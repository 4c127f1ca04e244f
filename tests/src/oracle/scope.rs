//! SMART's scopes, as far as they are granted here: `patient/Type.rs` to an app that a person uses, `system/Type.rs` to a
//! backend service, their v1 spelling, and a few words.

/// Granted scopes.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    resources: Vec<(String, bool, bool)>,
    /// Whether `fhirUser`, or the older `profile`, is among them.
    pub own: bool,
}

impl Scopes {
    /// Reads what a token answer says was granted by a person.
    pub fn read(text: &str) -> Scopes {
        Scopes::at("patient/", text)
    }

    /// Reads what a token answer says a service was granted for itself.
    pub fn of_a_service(text: &str) -> Scopes {
        Scopes { own: false, ..Scopes::at("system/", text) }
    }

    fn at(level: &str, text: &str) -> Scopes {
        let mut scopes = Scopes::default();
        for word in text.split(' ') {
            scopes.own |= matches!(word, "fhirUser" | "profile");
            let Some((kind, access)) = word.strip_prefix(level).and_then(|rest| rest.split_once('.')) else {
                continue;
            };
            let (read, search) = match access {
                "read" | "*" => (true, true),
                "write" => (false, false),
                letters => (letters.contains('r'), letters.contains('s')),
            };
            scopes.resources.push((kind.to_owned(), read, search));
        }
        scopes
    }

    fn any(&self, kind: &str, allows: impl Fn(&(String, bool, bool)) -> bool) -> bool {
        self.resources.iter().any(|scope| (scope.0 == "*" || scope.0 == kind) && allows(scope))
    }

    /// Whether one resource of the type may be read. A Binary goes with the document that it is.
    pub fn read_one(&self, kind: &str) -> bool {
        self.any(kind, |scope| scope.1) || (kind == "Binary" && self.any("DocumentReference", |scope| scope.1))
    }

    /// Whether the type may be searched.
    pub fn search(&self, kind: &str) -> bool {
        self.any(kind, |scope| scope.2) || (kind == "Binary" && self.any("DocumentReference", |scope| scope.2))
    }

    /// Whether records of the type may be seen in one way or the other.
    pub fn see(&self, kind: &str) -> bool {
        self.read_one(kind) || self.search(kind)
    }
}
