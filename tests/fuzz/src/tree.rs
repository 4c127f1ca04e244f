//! A policy applied to a tree, plainly: what should be left of a resource, and whether it was.
//!
//! Reads a policy file by itself, knows nothing of spans, and asks crate `fhir` only which types, ids and paths R4 has.

use crate::plain::{Plain, What};
use fhir::{ElementPath, Id, ResourceType};
use std::collections::BTreeMap;

/// Elements that make a resource one, or say how to read the others: no cut takes them.
const KEPT: [&str; 6] = ["resourceType", "id", "meta", "implicitRules", "language", "modifierExtension"];

/// What a policy allows: a type without paths is whole.
pub struct Rules {
    types: BTreeMap<ResourceType, Option<Vec<Vec<Vec<&'static str>>>>>,
    every: bool,
}

/// What should be left.
pub enum Left<'a> {
    /// These very bytes of the source.
    Copy(&'a [u8]),
    /// An object of these.
    Object(Vec<(String, Left<'a>)>),
    /// A list of these.
    List(Vec<Left<'a>>),
    /// `null`, where a scalar stood for an object.
    Null,
    /// The tag that says that something may have been cut.
    Mark,
}

impl Rules {
    /// Reads the table `allow` of a policy file that crate `privacy` has taken.
    pub fn read(policy: &str) -> Rules {
        let file: toml::Table = policy.parse().expect("a policy is TOML");
        let mut rules = Rules { types: BTreeMap::new(), every: false };
        for (name, allowed) in file["allow"].as_table().expect("a policy allows something") {
            if name == "*" {
                rules.every = true;
                continue;
            }
            let paths = allowed.as_array().map(|paths| {
                let paths = paths.iter().filter_map(toml::Value::as_str);
                paths.map(|path| steps(&format!("{name}.{path}"))).collect()
            });
            rules.types.insert(name.parse().expect("a type of R4"), paths);
        }
        rules
    }

    /// What should be left of a resource; `None` is nothing.
    pub fn left<'a>(&self, value: &Plain, bytes: &'a [u8]) -> Option<Left<'a>> {
        let kind = readable(value)?;
        let whole = Rules::whole(self.every);
        let rule = self.types.get(&kind).or(whole.as_ref())?;
        if rule.is_none() && self.untouched(value) {
            return Some(Left::Copy(value.raw(bytes)));
        }
        let What::Object(members) = &value.what else { return None };
        let mut out = Vec::new();
        for (name, at, member) in members {
            let copy = || (name.clone(), Left::Copy(member.raw(bytes)));
            let stem = name.strip_prefix('_').unwrap_or(name);
            match (name.as_str(), rule) {
                ("_contained", _) => {}
                ("contained", rule) => {
                    let named =
                        |paths: &Vec<Vec<Vec<&str>>>| paths.iter().any(|path| path.as_slice() == [["contained"]]);
                    let inner: Vec<Left<'a>> = member.each().iter().filter_map(|one| self.left(one, bytes)).collect();
                    if rule.as_ref().is_none_or(named) && !inner.is_empty() {
                        out.push((name.clone(), Left::List(inner)));
                    }
                }
                (_, None) => out.push(copy()),
                ("meta", Some(_)) => out.push((name.clone(), marked(Some(member), bytes))),
                (_, Some(_)) if KEPT.contains(&stem) => out.push(copy()),
                (_, Some(paths)) => {
                    let paths: Vec<&[Vec<&str>]> = paths.iter().map(Vec::as_slice).collect();
                    out.extend(below(stem, member, &paths, bytes).map(|left| (name.clone(), left)));
                }
            }
            assert!(bytes[*at] == b'"');
        }
        if rule.is_some() && value.get("meta").is_none() {
            out.push(("meta".to_owned(), marked(None, bytes)));
        }
        Some(Left::Object(out))
    }

    fn whole(every: bool) -> Option<Option<Vec<Vec<Vec<&'static str>>>>> {
        every.then_some(None)
    }

    /// Whether nothing contained asks for a cut.
    fn untouched(&self, value: &Plain) -> bool {
        let whole = |inner: &Plain| {
            let kind = readable(inner);
            kind.is_some_and(|kind| self.types.get(&kind).map_or(self.every, Option::is_none)) && self.untouched(inner)
        };
        value.get("_contained").is_none()
            && value.get("contained").is_none_or(|contained| contained.each().iter().all(whole))
    }
}

/// A path, each step by every name that it may have.
fn steps(path: &str) -> Vec<Vec<&'static str>> {
    let path = ElementPath::check(path).expect("a path of R4");
    path.steps().iter().map(|step| step.names().to_vec()).collect()
}

/// The type of an object that says one, and whose id, if it has one, is an id.
fn readable(value: &Plain) -> Option<ResourceType> {
    let id = value.get("id").is_none_or(|id| id.text().is_some_and(|id| Id::parse(id).is_ok()));
    value.get("resourceType")?.text()?.parse().ok().filter(|_| id)
}

fn below<'a>(name: &str, value: &Plain, paths: &[&[Vec<&'static str>]], bytes: &'a [u8]) -> Option<Left<'a>> {
    let mut further = Vec::new();
    for path in paths.iter().filter(|path| path.first().is_some_and(|step| step.contains(&name))) {
        if path.len() == 1 {
            return Some(Left::Copy(value.raw(bytes)));
        }
        further.push(&path[1..]);
    }
    (!further.is_empty()).then(|| children(value, &further, bytes))
}

fn children<'a>(value: &Plain, paths: &[&[Vec<&'static str>]], bytes: &'a [u8]) -> Left<'a> {
    match &value.what {
        What::List(items) => Left::List(items.iter().map(|item| children(item, paths, bytes)).collect()),
        What::Object(members) => {
            let kept = members.iter().filter_map(|(name, _, value)| match name.as_str() {
                "modifierExtension" => Some((name.clone(), Left::Copy(value.raw(bytes)))),
                _ => Some((name.clone(), below(name.strip_prefix('_').unwrap_or(name), value, paths, bytes)?)),
            });
            Left::Object(kept.collect())
        }
        What::Word | What::Number | What::Text(_) => Left::Null,
    }
}

/// `meta` with the mark among its tags, once.
fn marked<'a>(meta: Option<&Plain>, bytes: &'a [u8]) -> Left<'a> {
    let mut out = Vec::new();
    let mut tags = Vec::new();
    if let Some(What::Object(members)) = meta.map(|meta| &meta.what) {
        for (name, _, value) in members {
            if name != "tag" {
                out.push((name.clone(), Left::Copy(value.raw(bytes))));
            } else if let What::List(all) = &value.what {
                let others = all.iter().filter(|tag| tag.get("code").and_then(Plain::text) != Some("SUBSETTED"));
                tags.extend(others.map(|tag| Left::Copy(tag.raw(bytes))));
            }
        }
    }
    tags.push(Left::Mark);
    out.push(("tag".to_owned(), Left::List(tags)));
    Left::Object(out)
}

impl Left<'_> {
    /// Whether this is what stands in an output: the same members, in any order, and copies to the byte.
    pub fn is(&self, value: &Plain, bytes: &[u8]) -> bool {
        match (self, &value.what) {
            (Left::Copy(source), _) => *source == value.raw(bytes),
            (Left::Object(wanted), What::Object(members)) => {
                let there =
                    |(name, left): &(String, Left<'_>)| value.get(name).is_some_and(|value| left.is(value, bytes));
                wanted.len() == members.len() && wanted.iter().all(there)
            }
            (Left::List(wanted), What::List(items)) => {
                wanted.len() == items.len() && wanted.iter().zip(items).all(|(left, item)| left.is(item, bytes))
            }
            (Left::Null, What::Word) => value.raw(bytes) == b"null",
            (Left::Mark, What::Object(members)) => {
                let says = |name, text| value.get(name).and_then(Plain::text) == Some(text);
                let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
                members.len() == 2 && says("system", system) && says("code", "SUBSETTED")
            }
            (Left::Object(_) | Left::List(_) | Left::Null | Left::Mark, _) => false,
        }
    }
}
