//! What we claim of certification kits and of known attacks, and which tests say that it is so: `claims/*.toml`, read.
//!
//! A claim that stands names tests; one that does not stand yet says why, and names none. Whether the tests are there is
//! looked up by `tests/tests/claims.rs`, since files are not read here.

use serde::Deserialize;
use std::collections::BTreeSet;

/// One file of claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Whose checks these are.
    pub of: String,
    /// The claims.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// One check, and how it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its number there.
    pub id: String,
    /// What it demands.
    pub demands: String,
    /// How it stands.
    #[serde(default)]
    pub state: State,
    /// Why it does not stand yet.
    pub reason: Option<String>,
    /// Tests of what must go.
    #[serde(default)]
    pub holds: Vec<Proof>,
    /// Tests of what must not go.
    #[serde(default)]
    pub refuses: Vec<Proof>,
}

/// How a claim stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its tests say that it is so.
    #[default]
    Stands,
    /// It is not built, or not tested.
    #[serde(rename = "not yet")]
    NotYet,
}

/// A test: `path/from/the/root.rs its_name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Proof {
    /// The file.
    pub file: String,
    /// The function.
    pub test: String,
}

impl TryFrom<String> for Proof {
    type Error = String;

    fn try_from(text: String) -> Result<Proof, String> {
        match text.split_once(' ') {
            Some((file, test)) if file.ends_with(".rs") && !test.is_empty() && !test.contains(' ') => {
                Ok(Proof { file: file.to_owned(), test: test.to_owned() })
            }
            Some(_) | None => {
                Err(format!("`{text}` names no test; write the path of a .rs file, a space, and its name"))
            }
        }
    }
}

/// Why a file of claims is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("{0}")]
    Form(String),
    /// Two claims have one number.
    #[error("{0} is claimed twice")]
    Twice(String),
    /// It says nothing.
    #[error("{0} does not say what it demands")]
    Empty(String),
    /// It stands on nothing.
    #[error("{0} names no test; name one, or say `state = \"not yet\"` and the reason")]
    Unproven(String),
    /// It is said not to stand, without a reason or with tests.
    #[error("{0} does not stand yet: give the reason, and no test")]
    Unexplained(String),
}

impl Claim {
    /// All of its tests.
    pub fn proofs(&self) -> impl Iterator<Item = &Proof> {
        self.holds.iter().chain(&self.refuses)
    }

    fn fault(&self) -> Option<Fault> {
        let (id, proven) = (self.id.clone(), self.proofs().next().is_some());
        if id.is_empty() || self.demands.is_empty() {
            return Some(Fault::Empty(id));
        }
        match self.state {
            State::Stands if !proven => Some(Fault::Unproven(id)),
            State::NotYet if proven || self.reason.as_ref().is_none_or(String::is_empty) => {
                Some(Fault::Unexplained(id))
            }
            State::Stands | State::NotYet => None,
        }
    }
}

/// Reads a file of claims.
///
/// # Errors
/// [`Fault`].
pub fn read(text: &str) -> Result<List, Fault> {
    let list: List = toml::from_str(text).map_err(|why| Fault::Form(why.to_string()))?;
    let mut seen = BTreeSet::new();
    for claim in &list.claims {
        if !seen.insert(claim.id.as_str()) {
            return Err(Fault::Twice(claim.id.clone()));
        }
        if let Some(fault) = claim.fault() {
            return Err(fault);
        }
    }
    Ok(list)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn one(more: &str) -> Result<List, Fault> {
        read(&format!("of = \"a kit\"\n[[claim]]\nid = \"1\"\ndemands = \"something\"\n{more}"))
    }

    #[test]
    fn a_claim_stands_on_tests_or_says_why_it_does_not_stand() {
        let list = one("holds = [\"a/b.rs x\"]\nrefuses = [\"c.rs y\"]").unwrap();
        let proofs: Vec<&str> = list.claims[0].proofs().map(|proof| proof.test.as_str()).collect();
        assert_eq!(proofs, ["x", "y"]);
        assert_eq!(one("state = \"not yet\"\nreason = \"it is not built\"").unwrap().claims[0].state, State::NotYet);
        assert_eq!(one("").unwrap_err(), Fault::Unproven("1".to_owned()));
        for more in ["state = \"not yet\"", "state = \"not yet\"\nreason = \"x\"\nholds = [\"a.rs x\"]"] {
            assert_eq!(one(more).unwrap_err(), Fault::Unexplained("1".to_owned()), "{more}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for more in ["holds = [\"a.rs\"]", "holds = [\"a.toml x\"]", "holds = [\"a.rs x y\"]", "hold = [\"a.rs x\"]"] {
            assert!(matches!(one(more), Err(Fault::Form(_))), "{more}");
        }
        let again = "holds = [\"a.rs x\"]\n[[claim]]\nid = \"1\"\ndemands = \"more\"\nholds = [\"a.rs x\"]";
        assert_eq!(one(again).unwrap_err(), Fault::Twice("1".to_owned()));
    }
}
