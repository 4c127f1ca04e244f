//! What must not compile, with what the compiler says of it: `tests/compile_fail`.
//!
//! The compiler is called with the very crates that this test was built with: they are built once, and nothing else is. With
//! `OVERWRITE=1` its words are written anew when they change; read them before keeping them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn what_the_gate_forbids_does_not_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compile_fail");
    let mut sources: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    sources.sort();
    assert!(sources.len() > 10, "the programs are not where they are looked for");
    let mut wrong = String::new();
    for source in &sources {
        let (said, expected) = (errors(source), source.with_extension("stderr"));
        if env::var_os("OVERWRITE").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let due = fs::read_to_string(&expected).unwrap_or_default();
        if said.is_empty() || said != due {
            wrong += &format!("{}\nthe compiler says:\n{said}and was to say:\n{due}\n", source.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The errors of a program, a line each; none where it compiles.
fn errors(source: &Path) -> String {
    let own = env::current_exe().unwrap();
    let built = own.parent().unwrap();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--error-format=short", "-Awarnings"]);
    rustc.arg("-o").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("not_compiled"));
    rustc.arg("-L").arg(format!("dependency={}", built.display()));
    for name in ["privacy", "fhir"] {
        rustc.arg("--extern").arg(format!("{name}={}", newest(built, name).display()));
    }
    let told = rustc.arg(source.file_name().unwrap()).current_dir(source.parent().unwrap()).output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    let errors = told.lines().filter(|line| line.contains(": error") && !line.contains("aborting due to"));
    errors.map(|line| format!("{line}\n")).collect()
}

/// The crate of this name that was built last.
fn newest(built: &Path, name: &str) -> PathBuf {
    let begin = format!("lib{name}-");
    let is_it = |path: &PathBuf| {
        let file = path.file_name().unwrap().to_string_lossy();
        file.starts_with(&begin) && file.ends_with(".rlib")
    };
    let found = fs::read_dir(built).unwrap().map(|entry| entry.unwrap().path()).filter(is_it);
    found.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap()).unwrap()
}
