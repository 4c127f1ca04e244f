//! SMART scopes: the version 2 grammar, version 1 answered as version 1, and which scope covers which.
//!
//! Source: SMART App Launch 2.2.0, "Scopes for requesting FHIR Resources". The grammar is exact: a scope is understood
//! whole or not granted at all. Several scopes of one type reach whatever one of them reaches.

mod constraint;

pub use constraint::Constraint;

use crate::faults::{self, Bug};
use fhir::{Resource, ResourceType};
use std::fmt;
use std::str::FromStr;

/// Scopes in one request or token. More than any launch needs, and few enough to read.
pub const SCOPES_MAX: usize = 200;
/// Bytes of all of them together: a token that holds them must fit into a header with room to spare.
pub const SCOPES_BYTES_MAX: usize = 8 * 1024;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceScope {
    /// Whose data.
    pub level: Level,
    /// The type; `None` is `*`, every type.
    pub kind: Option<ResourceType>,
    /// What may be done.
    pub letters: Letters,
    /// How it was written.
    pub spelling: Spelling,
    /// What a resource must say of itself, in a granular scope; only one of version 2 that names its type has it.
    pub constraint: Option<Constraint>,
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
        let whole = |letters, spelling| Some(ResourceScope { level, kind, letters, spelling, constraint: None });
        match access {
            "read" => return whole(Letters::READ, Spelling::V1),
            "write" => return whole(Letters(1 | 4 | 8), Spelling::V1),
            "*" => return whole(Letters(31), Spelling::V1),
            _ => {}
        }
        let Some((letters, query)) = access.split_once('?') else {
            return whole(Letters::parse(access)?, Spelling::V2);
        };
        let constraint = Some(Constraint::parse(kind?, query)?);
        Some(ResourceScope { level, kind, letters: Letters::parse(letters)?, spelling: Spelling::V2, constraint })
    }

    /// Whether everything the other allows is allowed by this one.
    pub fn covers(&self, other: &ResourceScope) -> bool {
        let within = match (&self.constraint, &other.constraint) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own.covers(other),
        };
        within
            && self.level == other.level
            && (self.kind.is_none() || self.kind == other.kind)
            && other.letters.within(self.letters)
    }

    /// What both allow, written as this one is where that can be. Of two parts of one type it is the one within the other:
    /// two that merely overlap have nothing in common that either side asked for or was registered for.
    pub fn both(&self, other: &ResourceScope) -> Option<ResourceScope> {
        let kind = match (self.kind, other.kind) {
            (Some(own), Some(other)) if own != other => return None,
            (kind, None) | (None, kind) | (kind, Some(_)) => kind,
        };
        let letters = self.letters.both(other.letters).filter(|_| self.level == other.level)?;
        let common = ResourceScope { kind, letters, ..self.clone() };
        match (&self.constraint, &other.constraint) {
            (_, None) => Some(common),
            (Some(own), Some(part)) if part.covers(own) => Some(common),
            (Some(own), Some(part)) if !own.covers(part) => None,
            (_, Some(part)) => Some(common.narrowed(kind?, part.clone())),
        }
    }

    /// The same for the part of one type that meets a constraint. Version 1 cannot say it, so it is said in version 2.
    #[must_use]
    pub fn narrowed(&self, kind: ResourceType, constraint: Constraint) -> ResourceScope {
        let constraint = Some(constraint);
        ResourceScope { kind: Some(kind), spelling: Spelling::V2, constraint, ..self.clone() }
    }

    /// Whether it allows a letter on resources of a type, on all of them or some.
    fn reaches(&self, level: Level, kind: ResourceType, letter: Letter) -> bool {
        self.level == level && self.kind.is_none_or(|of| of == kind) && self.letters.has(letter)
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
        }?;
        match &self.constraint {
            Some(constraint) => write!(f, "?{constraint}"),
            None => Ok(()),
        }
    }
}

/// One scope that this gateway understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// `openid`: an id_token.
    OpenId,
    /// `fhirUser`: who signed in, as a resource.
    FhirUser,
    /// `profile`: the older way to ask for `fhirUser`.
    Profile,
    /// `offline_access`: a refresh token that outlives the session.
    OfflineAccess,
    /// `online_access`: a refresh token that lives as long as the session.
    OnlineAccess,
    /// `launch`: the context that an EHR opened the app with.
    Launch,
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
            "online_access" => Ok(Scope::OnlineAccess),
            "launch" => Ok(Scope::Launch),
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
            Scope::OnlineAccess => f.write_str("online_access"),
            Scope::Launch => f.write_str("launch"),
            Scope::LaunchPatient => f.write_str("launch/patient"),
            Scope::Resource(scope) => scope.fmt(f),
        }
    }
}

/// A set of scopes in the order they were asked for, within [`SCOPES_MAX`] and [`SCOPES_BYTES_MAX`]. Empty allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads a space-separated list (RFC 6749 section 3.3). What is not understood is left out; past [`SCOPES_MAX`] words
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
            Scope::OpenId
            | Scope::FhirUser
            | Scope::Profile
            | Scope::OfflineAccess
            | Scope::OnlineAccess
            | Scope::Launch
            | Scope::LaunchPatient => None,
        })
    }

    /// Whether some scope at the level allows the letter on the type, on all its resources or some.
    pub fn allow(&self, level: Level, kind: ResourceType, letter: Letter) -> bool {
        self.means_all() || self.resources().any(|scope| scope.reaches(level, kind, letter))
    }

    /// Whether some scope at the level allows the letter on this very resource.
    pub fn allow_on(&self, level: Level, resource: &Resource<'_>, letter: Letter) -> bool {
        let holds = |scope: &ResourceScope| scope.constraint.as_ref().is_none_or(|part| part.holds(resource));
        let mut reaching = self.resources().filter(|scope| scope.reaches(level, resource.kind(), letter));
        self.means_all() || reaching.any(holds)
    }

    /// The parts of a type on which one of the letters is allowed, where none is allowed on all of it; `None` where one
    /// is, or none on anything.
    pub fn parts(&self, level: Level, kind: ResourceType, letters: &[Letter]) -> Option<Vec<&Constraint>> {
        let reaching = self.resources().filter(|scope| letters.iter().any(|own| scope.reaches(level, kind, *own)));
        let parts: Option<Vec<&Constraint>> = reaching.map(|scope| scope.constraint.as_ref()).collect();
        parts.filter(|parts| !parts.is_empty())
    }

    fn means_all(&self) -> bool {
        faults::seeded(Bug::EmptyMeansAll) && self.resources().next().is_none()
    }

    /// Whether every scope of the other is covered by one of these: what a refresh may ask for.
    pub fn cover(&self, other: &Scopes) -> bool {
        other.iter().all(|wanted| match wanted {
            Scope::Resource(wanted) => self.resources().any(|scope| scope.covers(wanted)),
            Scope::OpenId
            | Scope::FhirUser
            | Scope::Profile
            | Scope::OfflineAccess
            | Scope::OnlineAccess
            | Scope::Launch
            | Scope::LaunchPatient => self.0.contains(wanted),
        })
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        let (mut seen, mut bytes) = (Vec::new(), 0);
        for scope in scopes {
            if seen.contains(&scope) {
                continue;
            }
            bytes += scope.to_string().len() + 1;
            if seen.len() == SCOPES_MAX || bytes > SCOPES_BYTES_MAX {
                break;
            }
            seen.push(scope);
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
#[path = "scope_tests.rs"]
mod tests;
