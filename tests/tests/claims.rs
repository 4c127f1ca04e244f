//! What we claim of certification kits and attacks (`conformance/claims`) is held against the tests that there are.
#![allow(clippy::string_slice, clippy::print_stdout, reason = "a test fails by panicking, and says what it counted")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use conformance::claim::{self, List, Proof, State};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files whose every test is there for a claim.
const FOR_CLAIMS: [&str; 2] = ["tests/tests/attacks.rs", "tests/tests/certification.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of claims, by name.
fn lists() -> Vec<(String, List)> {
    let folder = root().join("conformance/claims");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no claims in {}", folder.display());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let list = claim::read(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"));
        (name, list)
    };
    paths.into_iter().map(read).collect()
}

/// The tests that a file holds: functions behind `#[test]` or `#[tokio::test]`, with other attributes between or not.
fn tests_of(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(name) = line.trim_start_matches("async ").strip_prefix("fn ").filter(|_| marked) {
            found.insert(name.split(['(', '<']).next().unwrap().to_owned());
            marked = false;
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            marked = false;
        }
    }
    found
}

fn is_there(proof: &Proof) -> bool {
    fs::read_to_string(root().join(&proof.file)).is_ok_and(|text| tests_of(&text).contains(&proof.test))
}

#[test]
fn every_claim_names_tests_that_are_there_or_says_why_it_does_not_stand_yet() {
    let (mut standing, mut open) = (0, Vec::new());
    for (name, list) in lists() {
        assert!(!list.of.is_empty() && !list.claims.is_empty(), "{name} claims nothing");
        for claim in list.claims {
            for proof in claim.proofs() {
                assert!(is_there(proof), "{name}, {}: there is no test {} in {}", claim.id, proof.test, proof.file);
            }
            match claim.state {
                State::Stands => standing += 1,
                State::NotYet => open.push(format!("{name}, {}: {}", claim.id, claim.reason.unwrap_or_default())),
            }
        }
    }
    println!("{standing} claims stand; {} do not yet:\n{}", open.len(), open.join("\n"));
    assert!(standing > 0);
}

#[test]
fn every_test_that_is_there_for_a_claim_is_named_by_one() {
    let named: BTreeSet<Proof> = lists()
        .into_iter()
        .flat_map(|(_, list)| list.claims)
        .flat_map(|claim| claim.proofs().cloned().collect::<Vec<_>>())
        .collect();
    for file in FOR_CLAIMS {
        for test in tests_of(&fs::read_to_string(root().join(file)).unwrap()) {
            let proof = Proof { file: file.to_owned(), test };
            assert!(named.contains(&proof), "no claim names {} of {file}", proof.test);
        }
    }
}

#[test]
fn a_test_is_told_from_any_other_function() {
    let text = "
#[test]
fn one() {}
#[tokio::test(flavor = \"multi_thread\")]
// Why.
#[expect(x, reason = \"y\")]
async fn two(at in 0..3) {}
fn three() {}
#[test]
const X: u8 = 0;
fn four() {}
";
    assert_eq!(tests_of(text).into_iter().collect::<Vec<_>>(), ["one", "two"]);
}
