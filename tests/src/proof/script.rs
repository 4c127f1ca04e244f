//! Scripts: a request that failed, made as small as it stays failing, and kept to be tried first on every run.
//!
//! Ids are written as whose they are and which, so that a script means the same in a world of any seed.

use super::request::Step;
use super::stage::Stage;
use crate::world::canary;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Where scripts are kept.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// Kinds of steps, as they are written.
const KINDS: [&str; 8] =
    ["public", "authorization", "read", "version read", "path vector", "search", "search vector", "page of another"];

/// Every script, by its name.
pub fn all(stage: &Stage) -> Vec<(String, Step)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .map(|files| files.filter_map(|file| Some(file.ok()?.path())).collect())
        .unwrap_or_default();
    files.sort();
    let scripts = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    scripts
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(path).unwrap();
            let step = read(stage, &serde_json::from_str(&text).unwrap());
            (name.clone(), step.unwrap_or_else(|| panic!("tests/seeds/{name}.json is no script of this cast")))
        })
        .collect()
}

/// Writes a step down under a name, with what went wrong.
pub fn keep(stage: &Stage, name: &str, step: &Step, why: &str) -> PathBuf {
    fs::create_dir_all(folder()).unwrap();
    let path = folder().join(format!("{name}.json"));
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| json!([symbolic(name), symbolic(value)])).collect::<Vec<_>>()
    };
    let script = json!({
        "why": symbolic(why),
        "kind": step.kind,
        "who": stage.actors[step.actor].part.name,
        "method": step.method,
        "path": symbolic(&step.path),
        "query": pairs(&step.query),
        "form": step.form.as_ref().map(|form| pairs(form)),
        "headers": pairs(&step.headers),
    });
    fs::write(&path, format!("{:#}\n", script)).unwrap();
    path
}

fn read(stage: &Stage, script: &Value) -> Option<Step> {
    let text = |name: &str| script[name].as_str().map(|text| real(stage.seed, text));
    let pairs = |value: &Value| {
        let pair = |pair: &Value| Some((real(stage.seed, pair[0].as_str()?), real(stage.seed, pair[1].as_str()?)));
        value.as_array()?.iter().map(pair).collect::<Option<Vec<_>>>()
    };
    Some(Step {
        kind: KINDS.into_iter().find(|kind| script["kind"] == *kind)?,
        actor: stage.actors.iter().position(|actor| script["who"] == actor.part.name)?,
        method: text("method")?,
        path: text("path")?,
        query: pairs(&script["query"])?,
        form: pairs(&script["form"]),
        headers: pairs(&script["headers"])?,
    })
}

/// `cnry` with owner and number, and a star for the bits that the seed gives.
fn symbolic(text: &str) -> String {
    replace(text, 32, |digits| digits.get(..8).map(|known| format!("cnry{known}*")))
}

fn real(seed: u64, text: &str) -> String {
    let number = |digits: &str| u16::from_str_radix(digits, 16).ok();
    replace(text, 9, |digits| {
        let known = digits.strip_suffix('*')?;
        Some(canary(seed, number(known.get(..4)?)?, number(known.get(4..)?)?))
    })
}

fn replace(text: &str, length: usize, with: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("cnry") {
        out.push_str(before);
        match after.get(..length).and_then(&with) {
            Some(found) => {
                out.push_str(&found);
                rest = &after[length..];
            }
            None => {
                out.push_str("cnry");
                rest = after;
            }
        }
    }
    out + rest
}

/// Every step that is smaller than this one by one thing.
pub fn smaller(step: &Step) -> Vec<Step> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut Step)| {
        let mut smaller = step.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    for at in 0..step.headers.len() {
        without(&|step| drop(step.headers.remove(at)));
    }
    for at in 0..step.query.len() {
        without(&|step| drop(step.query.remove(at)));
    }
    for at in 0..step.form.as_ref().map_or(0, Vec::len) {
        without(&|step| drop(step.form.as_mut().map(|form| form.remove(at))));
    }
    if step.method == "HEAD" {
        without(&|step| "GET".clone_into(&mut step.method));
    }
    for at in 0..step.query.len() {
        if let Some((first, _)) = step.query[at].1.split_once(',') {
            let first = first.to_owned();
            without(&|step| step.query[at].1.clone_from(&first));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_means_the_same_in_another_world() {
        let (one, two) = (canary(1, 2, 3), canary(9, 2, 3));
        let text = format!("/fhir/Patient/{one}?x={one}&y=cnry");
        assert_eq!(real(9, &symbolic(&text)), format!("/fhir/Patient/{two}?x={two}&y=cnry"));
    }
}
