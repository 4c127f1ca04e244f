//! SMART scopes: the version 2 grammar, version 1 answered as version 1, and which scope covers which.
//!
//! Source: SMART App Launch 2.2.0, "Scopes for requesting FHIR Resources". The grammar is exact: a scope is understood
//! whole or not granted at all. Granular scopes (`?param=value`) are not enforced yet and so are never granted.

use crate::faults::{self, Bug};
use fhir::ResourceType;
use std::fmt;
use std::str::FromStr;

/// Scopes in one request or token. More than any launch needs, and few enough to read.
pub const SCOPES_MAX: usize = 200;

/// Whose data a resource scope reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// `patient/`: the patient in context.
    Patient,
    /// `user/`: what the user may see.
    User,
    /// `system/`: what the client may see by itself.
    System,
}

impl Level {
    /// The word before the slash.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Patient => "patient",
            Level::User => "user",
            Level::System => "system",
        }
    }
}

/// One letter of a version 2 scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Letter {
    /// `c`
    Create,
    /// `r`: read, vread, history of one resource.
    Read,
    /// `u`: update, patch, update as create.
    Update,
    /// `d`
    Delete,
    /// `s`: search, history of a type.
    Search,
}

const LETTERS: [(Letter, char, u8); 5] = [
    (Letter::Create, 'c', 1),
    (Letter::Read, 'r', 2),
    (Letter::Update, 'u', 4),
    (Letter::Delete, 'd', 8),
    (Letter::Search, 's', 16),
];

/// The letters of a scope, in the order `cruds`, each at most once, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Letters(u8);

impl Letters {
    /// Reading and searching.
    pub const READ: Letters = Letters(2 | 16);

    fn parse(text: &str) -> Option<Letters> {
        let mut letters = 0u8;
        let mut rest = text;
        for (_, letter, bit) in LETTERS {
            if let Some(after) = rest.strip_prefix(letter) {
                letters |= bit;
                rest = after;
            }
        }
        (rest.is_empty() && letters != 0).then_some(Letters(letters))
    }

    /// Whether the letter is among them.
    pub fn has(self, letter: Letter) -> bool {
        LETTERS.iter().any(|(known, _, bit)| *known == letter && self.0 & bit != 0)
    }

    /// The letters in both.
    pub fn both(self, other: Letters) -> Option<Letters> {
        let common = self.0 & other.0;
        (common != 0).then_some(Letters(common))
    }

    fn within(self, other: Letters) -> bool {
        self.0 & !other.0 == 0
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LETTERS.iter().filter(|(_, _, bit)| self.0 & bit != 0).try_for_each(|(_, letter, _)| write!(f, "{letter}"))
    }
}

/// How a resource scope was written, so that it is answered the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spelling {
    /// `patient/Observation.read`
    V1,
    /// `patient/Observation.rs`
    V2,
}

/// Leave to interact with resources of one type, or of every type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceScope {
    /// Whose data.
    pub level: Level,
    /// The type; `None` is `*`, every type.
    pub kind: Option<ResourceType>,
    /// What may be done.
    pub letters: Letters,
    /// How it was written.
    pub spelling: Spelling,
}

impl ResourceScope {
    fn parse(text: &str) -> Option<ResourceScope> {
        let (level, rest) = text.split_once('/')?;
        let level = [Level::Patient, Level::User, Level::System].into_iter().find(|known| known.as_str() == level)?;
        let (kind, access) = rest.split_once('.')?;
        let kind = match kind {
            "*" => None,
            named => Some(named.parse().ok()?),
        };
        let (letters, spelling) = match access {
            "read" => (Letters::READ, Spelling::V1),
            "write" => (Letters(1 | 4 | 8), Spelling::V1),
            "*" => (Letters(31), Spelling::V1),
            letters => (Letters::parse(letters)?, Spelling::V2),
        };
        Some(ResourceScope { level, kind, letters, spelling })
    }

    /// Whether everything the other allows is allowed by this one.
    pub fn covers(&self, other: &ResourceScope) -> bool {
        self.level == other.level
            && (self.kind.is_none() || self.kind == other.kind)
            && other.letters.within(self.letters)
    }
}

impl fmt::Display for ResourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.", self.level.as_str(), self.kind.map_or("*", ResourceType::as_str))?;
        match (self.spelling, self.letters) {
            (Spelling::V1, Letters::READ) => f.write_str("read"),
            (Spelling::V1, Letters(13)) => f.write_str("write"),
            (Spelling::V1, Letters(31)) => f.write_str("*"),
            (Spelling::V1 | Spelling::V2, letters) => write!(f, "{letters}"),
        }
    }
}

/// One scope that this gateway understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `openid`: an id_token.
    OpenId,
    /// `fhirUser`: who signed in, as a resource.
    FhirUser,
    /// `profile`: the older way to ask for `fhirUser`.
    Profile,
    /// `offline_access`: a refresh token that outlives the session.
    OfflineAccess,
    /// `launch/patient`: a patient in context.
    LaunchPatient,
    /// `patient/Observation.rs` and its like.
    Resource(ResourceScope),
}

/// The text is no scope this gateway understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a scope this server understands")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Scope, UnknownScope> {
        match text {
            "openid" => Ok(Scope::OpenId),
            "fhirUser" => Ok(Scope::FhirUser),
            "profile" => Ok(Scope::Profile),
            "offline_access" => Ok(Scope::OfflineAccess),
            "launch/patient" => Ok(Scope::LaunchPatient),
            resource => ResourceScope::parse(resource).map(Scope::Resource).ok_or(UnknownScope),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::OpenId => f.write_str("openid"),
            Scope::FhirUser => f.write_str("fhirUser"),
            Scope::Profile => f.write_str("profile"),
            Scope::OfflineAccess => f.write_str("offline_access"),
            Scope::LaunchPatient => f.write_str("launch/patient"),
            Scope::Resource(scope) => scope.fmt(f),
        }
    }
}

/// A set of scopes in the order they were asked for. Empty allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads a space-separated list (RFC 6749 section 3.3). What is not understood is left out; past [`SCOPES_MAX`]
    /// nothing is read.
    pub fn parse(text: &str) -> Scopes {
        text.split(' ').filter(|word| !word.is_empty()).take(SCOPES_MAX).filter_map(|word| word.parse().ok()).collect()
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this very scope is among them.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// The resource scopes among them.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceScope> {
        self.0.iter().filter_map(|scope| match scope {
            Scope::Resource(resource) => Some(resource),
            Scope::OpenId | Scope::FhirUser | Scope::Profile | Scope::OfflineAccess | Scope::LaunchPatient => None,
        })
    }

    /// Whether some scope at the level allows the letter on the type.
    pub fn allow(&self, level: Level, kind: ResourceType, letter: Letter) -> bool {
        if faults::seeded(Bug::EmptyMeansAll) && self.resources().next().is_none() {
            return true;
        }
        self.resources()
            .any(|scope| scope.level == level && scope.kind.is_none_or(|of| of == kind) && scope.letters.has(letter))
    }

    /// Whether every scope of the other is covered by one of these: what a refresh may ask for.
    pub fn cover(&self, other: &Scopes) -> bool {
        other.iter().all(|wanted| match wanted {
            Scope::Resource(wanted) => self.resources().any(|scope| scope.covers(wanted)),
            Scope::OpenId | Scope::FhirUser | Scope::Profile | Scope::OfflineAccess | Scope::LaunchPatient => {
                self.has(*wanted)
            }
        })
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        let mut seen = Vec::new();
        for scope in scopes {
            if !seen.contains(&scope) {
                seen.push(scope);
            }
        }
        Scopes(seen)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "launch/patient",
            "patient/Observation.rs",
            "patient/Observation.read",
            "patient/*.read",
            "patient/*.cruds",
            "patient/*.*",
            "patient/Patient.r",
            "user/Encounter.s",
            "system/Patient.write",
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
            "patient/Observation.rs?category=laboratory",
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
            "patient/Observation.rs\u{a0}",
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
}
