//! House rules that no type can hold: which crate may lean on which, name which dependency, say which words.
//!
//! Reads manifests and sources, never builds anything. Lists of exceptions here may shrink and not grow: a line that is no
//! longer needed fails as loudly as one that is missing, so what stands here is what is so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate depends only on crates of lower rank.
const RANKS: [(&str, u8); 16] = [
    ("json", 0),
    ("certs", 0),
    ("one-build", 0),
    ("fhir", 1),
    ("privacy", 2),
    ("conformance", 2),
    ("smart", 3),
    ("bridge", 3),
    ("portal", 4),
    ("store", 4),
    ("hl7v2", 4),
    ("server", 5),
    ("cli", 6),
    ("tests", 7),
    ("benches", 7),
    ("engines", 7),
];

/// Dependencies that belong to someone, and to whom. `tests` and `benches` stand outside and may speak over sockets.
const OWNED: [(&str, &[&str]); 36] = [
    ("openssl", &["certs"]),
    ("rustls", &["certs"]),
    ("aws-lc-rs", &["certs", "one-build"]),
    ("jsonwebtoken", &["certs", "tests"]),
    ("argon2", &["certs"]),
    ("subtle", &["certs"]),
    ("tokio-rustls", &["server", "tests", "benches"]),
    ("hyper-rustls", &["tests"]),
    ("httparse", &["server"]),
    ("socket2", &["server"]),
    ("hyper", &["server", "tests", "benches", "one-build"]),
    ("hyper-util", &["server", "tests", "benches"]),
    ("http", &["server", "tests", "benches"]),
    ("http-body-util", &["server", "tests", "benches"]),
    ("governor", &["server"]),
    ("moka", &["server"]),
    ("matchit", &["server"]),
    ("mimalloc", &["server"]),
    ("cookie", &["server"]),
    ("form_urlencoded", &["server", "tests"]),
    ("tokio", &["store", "server", "cli", "tests", "benches"]),
    ("sqlx", &["store"]),
    ("fhirbolt", &["fhir"]),
    ("fhirbolt-shared", &["fhir"]),
    ("wiremock", &["server", "tests"]),
    ("askama", &["portal"]),
    ("clap", &["cli"]),
    ("rustix", &["benches", "cli", "engines"]),
    ("tower-service", &["server"]),
    ("indicatif", &["cli"]),
    ("console", &["cli"]),
    ("annotate-snippets", &["cli"]),
    ("tracing-subscriber", &["server", "cli"]),
    ("encoding_rs", &["hl7v2"]),
    ("cargo_metadata", &["tests"]),
    ("ring", &[]),
];

/// Dependencies of tests alone.
const TESTS_ALONE: [&str; 5] = ["proptest", "tempfile", "wiremock", "jsonwebtoken", "cargo_metadata"];

/// Crates without sockets, files, clock, threads or chance: all of that arrives as an argument or a port.
const PURE: [&str; 8] = ["json", "fhir", "privacy", "smart", "portal", "conformance", "bridge", "hl7v2"];

/// What a pure crate never says, and what it does instead.
const IMPURE: [(&str, &str); 14] = [
    ("std::net", "sockets belong to server"),
    ("std::fs", "files arrive as bytes"),
    ("std::env", "settings arrive as arguments"),
    ("std::process", "a library neither starts nor ends a process"),
    ("std::thread", "concurrency belongs to server and store"),
    ("SystemTime", "time arrives as fhir::Instant"),
    ("Instant::now", "time arrives as fhir::Instant"),
    ("Timestamp::now", "time arrives as fhir::Instant"),
    ("Zoned::now", "time arrives as fhir::Instant"),
    ("tokio", "a pure function does not wait"),
    ("getrandom", "chance arrives through a port"),
    ("Uuid::new_v4", "chance arrives through a port"),
    ("Uuid::new_v7", "chance and time arrive through a port"),
    ("Uuid::now_v7", "chance and time arrive through a port"),
];

/// SPDX names that may stand among our dependencies: permissive, and compatible with Apache-2.0.
const LICENCES: [&str; 12] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Where bare health data is taken out of its wrapping. Only files that hold it anyway: the gate, the store's columns, what
/// a laboratory's message writes (here and to the server behind us).
const EXPOSING: [&str; 5] = [
    "gateway/privacy/src/judge.rs",
    "gateway/privacy/src/phi.rs",
    "gateway/server/src/inbound/apply.rs",
    "gateway/server/src/upstream/keep.rs",
    "gateway/store/src/column.rs",
];

/// Where a disclosure's bytes and address come apart: where bytes are sent, over HTTP or to an operator.
const DELIVERING: [&str; 2] = ["gateway/server/src/admin/reveal.rs", "gateway/server/src/respond.rs"];

/// Where a kept message is shown whole: the one thing that leaves without a policy, by name, with a reason, on the ledger.
const SHOWING: [&str; 2] = ["gateway/privacy/src/gate.rs", "gateway/server/src/admin/reveal.rs"];

/// Types that say nothing of any person, by file.
const IMPERSONAL: [(&str, &[&str]); 20] = [
    ("adapters/bridge/src/correction.rs", &["Apply", "Reason"]),
    ("adapters/bridge/src/heading.rs", &["Heading"]),
    ("adapters/bridge/src/loss.rs", &["Loss"]),
    ("adapters/bridge/src/matching.rs", &["Reason"]),
    ("adapters/bridge/src/verdict.rs", &["Code", "Defect", "Position", "Severity", "Verdict"]),
    ("adapters/hl7v2/src/lib.rs", &["Digest", "Facts"]),
    ("gateway/portal/src/app_read.rs", &["AppReadForm"]),
    ("gateway/portal/src/apps.rs", &["AppsForm"]),
    ("gateway/portal/src/choose.rs", &["ChooseForm"]),
    ("gateway/portal/src/consent.rs", &["ConsentForm"]),
    ("gateway/portal/src/launch.rs", &["LaunchForm"]),
    ("gateway/portal/src/seen.rs", &["SeenForm"]),
    ("gateway/portal/src/try_it.rs", &["TriedForm"]),
    ("gateway/portal/src/whose.rs", &["WhoseForm"]),
    ("gateway/privacy/src/impersonal.rs", &["()", "Option<T>", "Result<T, E>", "Vec<T>", "bool", "u64", "usize"]),
    ("gateway/server/src/inbound/worker.rs", &["Unwritable"]),
    ("gateway/server/src/interaction/content.rs", &["Native"]),
    ("gateway/server/src/interaction/read.rs", &["Condition"]),
    ("gateway/server/src/interaction/search.rs", &["Frame<'_>"]),
    ("gateway/server/src/interaction/seen.rs", &["Links<'_>"]),
];

/// Who makes entries durable.
const LEDGERS: [(&str, &[&str]); 1] = [("gateway/store/src/ledger/mod.rs", &["Ledger"])];

/// Where health records come from.
const SOURCES: [(&str, &[&str]); 3] = [
    ("gateway/server/src/records.rs", &["Records"]),
    ("gateway/server/src/upstream.rs", &["Upstream"]),
    ("gateway/store/src/search/mod.rs", &["Store"]),
];

/// Where `unsafe` is: a way of looking at bytes, held by properties against a twin without it.
const UNSAFE: [&str; 1] = ["gateway/json/src/lanes.rs"];

/// The only maker of HTTP responses.
const RESPONDING: &str = "gateway/server/src/respond.rs";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The workspace as cargo sees it; with `deps`, everything it is built from on this machine.
fn metadata(deps: bool) -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    if deps {
        command.other_options(["--filter-platform".to_owned(), host()]);
    } else {
        command.no_deps();
    }
    command.exec().unwrap()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn host() -> String {
    let told = output("rustc", &["-vV"]);
    told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn members() -> Vec<Package> {
    metadata(false).packages
}

fn rank(name: &str) -> Option<u8> {
    RANKS.iter().find(|(known, _)| *known == name).map(|(_, rank)| *rank)
}

/// One source file: its path from the root, and its code without comments and without the tests at its foot.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let of_tests = name.ends_with("_tests.rs") || ["tests.rs", "fixtures.rs", "trial.rs"].contains(&name);
        of_tests || self.path.split('/').any(|part| ["tests", "examples", "benches", "fuzz"].contains(&part))
    }
}

/// Every Rust file under the folders of the product's crates that is no test.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["gateway", "adapters", "conformance", "certs"] {
        walk(&root().join(folder), "rs", &mut found);
    }
    let read = found.into_iter().map(|path| {
        let code = code_of(&fs::read_to_string(&path).unwrap());
        Source { path: path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"), code }
    });
    let sources: Vec<Source> = read.filter(|source| !source.is_test()).collect();
    assert!(sources.len() > 60, "the sources were not found");
    sources
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found.sort();
}

/// The code without comment lines, and without each item behind a `#[cfg(test)]`: up to its `;`, or to the brace that
/// closes it at the same indent.
fn code_of(text: &str) -> String {
    let mut kept = Vec::new();
    let mut gated: Option<(usize, bool)> = None;
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let indent = line.len() - line.trim_start().len();
        gated = match (gated, line.trim()) {
            (None, "#[cfg(test)]") => Some((indent, false)),
            (None, _) => {
                kept.push(line);
                None
            }
            (Some((own, true)), closing) if indent == own && closing.starts_with('}') => None,
            (Some((_, false)), whole) if whole.ends_with(';') || (whole.ends_with('}') && !whole.starts_with('#')) => {
                None
            }
            (Some((own, open)), part) => Some((own, open || part.ends_with('{'))),
        };
    }
    kept.join("\n")
}

/// Files that say one of these words.
fn saying(words: &[&str]) -> Vec<String> {
    let sources = sources();
    let saying = sources.iter().filter(|source| words.iter().any(|word| source.code.contains(word)));
    saying.map(|source| source.path.clone()).collect()
}

/// `impl … NAME for TYPE`, by file.
fn implementations(name: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (plain, path) = (format!(" {name} for "), format!("::{name} for "));
    for source in sources() {
        let lines = source.code.lines().map(str::trim_start).filter(|line| line.starts_with("impl"));
        let types = lines.filter_map(|line| line.split_once(&plain).or_else(|| line.split_once(&path)));
        let mut types: Vec<String> =
            types.map(|(_, of)| of.trim_end_matches(|end| " {}".contains(end)).to_owned()).collect();
        types.sort();
        if !types.is_empty() {
            found.insert(source.path, types);
        }
    }
    found
}

fn listed(list: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let own = |types: &[&str]| types.iter().map(|of| (*of).to_owned()).collect();
    list.iter().map(|(path, types)| ((*path).to_owned(), own(types))).collect()
}

#[test]
fn every_crate_has_a_rank_and_leans_only_on_lower_ones() {
    let members = members();
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(
        names,
        RANKS.iter().map(|(name, _)| *name).collect(),
        "a crate without a rank, or a rank without a crate"
    );
    for member in &members {
        let own = rank(&member.name).unwrap();
        for dependency in &member.dependencies {
            if let Some(theirs) = rank(&dependency.name) {
                assert!(theirs < own, "{} [{own}] may not depend on {} [{theirs}]", member.name, dependency.name);
            }
        }
    }
}

#[test]
fn a_dependency_is_named_only_by_those_it_belongs_to() {
    for member in members() {
        for dependency in &member.dependencies {
            if let Some((name, owners)) = OWNED.iter().find(|(name, _)| *name == dependency.name) {
                assert!(owners.contains(&member.name.as_str()), "{} names {name}; only {owners:?} may", member.name);
            }
        }
    }
}

#[test]
fn what_tests_need_is_not_in_the_product() {
    for member in members() {
        for dependency in &member.dependencies {
            let alone = TESTS_ALONE.contains(&dependency.name.as_str());
            let outside = ["tests", "benches"].contains(&member.name.as_str());
            assert!(
                !alone || outside || dependency.kind == DependencyKind::Development,
                "{} needs {} outside its tests",
                member.name,
                dependency.name
            );
        }
    }
}

#[test]
fn every_crate_inherits_the_lints_the_licence_and_its_versions() {
    for member in members() {
        let manifest = fs::read_to_string(&member.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", member.name);
        assert_eq!(member.license.as_deref(), Some("Apache-2.0"), "{}", member.name);
        assert_eq!(member.publish.as_deref(), Some(&[][..]), "{} could be published", member.name);
        let own = manifest.lines().find(|line| line.starts_with("version =") || line.contains("version = \""));
        assert_eq!(own, None, "{}: versions stand in the root's [workspace.dependencies]", member.name);
    }
}

#[test]
fn each_dependency_is_compiled_once_for_the_program_and_for_its_tests() {
    let tree = |of: &[&str]| -> BTreeSet<String> {
        let asked = [&["tree", "--locked", "--prefix", "none", "-f", "{p}|{f}"], of].concat();
        output("cargo", &asked).lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let program = tree(&["-p", "cli", "-e", "normal,build"]);
    let all = tree(&["--workspace", "-e", "normal,build,dev"]);
    let twice: Vec<&String> = program.difference(&all).collect();
    assert!(
        program.len() > 100 && twice.is_empty(),
        "gateway/one-build/Cargo.toml lacks features that tests ask for: {twice:?}"
    );
}

#[test]
fn pure_crates_have_no_sockets_files_clock_or_chance() {
    for member in members().iter().filter(|member| PURE.contains(&member.name.as_str())) {
        let folder = member.manifest_path.parent().unwrap().strip_prefix(root()).unwrap().to_string();
        let own = sources().into_iter().filter(|source| source.path.starts_with(&format!("{folder}/src/")));
        for source in own {
            for (word, instead) in IMPURE {
                assert!(!source.code.contains(word), "{}: {word}; {instead}", source.path);
            }
        }
    }
}

#[test]
fn unsafe_code_is_denied_everywhere_but_in_one_file_where_each_use_says_why_it_is_sound() {
    assert_eq!(saying(&["allow(unsafe_code", "expect(unsafe_code"]), UNSAFE);
    for path in UNSAFE {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let bare = lines.windows(2).find(|two| two[1].contains("unsafe {") && !two[0].starts_with("// SAFETY: "));
        assert_eq!(bare, None, "{path}");
    }
}

#[test]
fn every_licence_is_one_we_may_carry() {
    let metadata = metadata(true);
    let resolved: BTreeSet<_> = metadata.resolve.unwrap().nodes.into_iter().map(|node| node.id).collect();
    let packages = metadata.packages.into_iter().filter(|package| resolved.contains(&package.id));
    let mut seen = 0;
    for package in packages {
        seen += 1;
        let licence = package.license.unwrap_or_else(|| panic!("{} names no licence", package.name));
        assert!(may_carry(&licence), "{}: {licence}", package.name);
    }
    assert!(seen > 100, "only {seen} packages were looked at");
}

/// Whether an SPDX expression can be met by licences of the list. An old `/` is an OR.
fn may_carry(licence: &str) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest);
    met && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut met = all_of(rest);
    while let Some(("OR", after)) = rest.split_first().map(|(word, after)| (*word, after)) {
        *rest = after;
        met |= all_of(rest);
    }
    met
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut met = one(rest);
    while let Some(("AND", after)) = rest.split_first().map(|(word, after)| (*word, after)) {
        *rest = after;
        met &= one(rest);
    }
    met
}

fn one(rest: &mut &[&str]) -> bool {
    match **rest {
        ["(", ref inner @ ..] => {
            *rest = inner;
            let met = any_of(rest);
            let closed = rest.split_first().is_some_and(|(word, _)| *word == ")");
            *rest = rest.get(1..).unwrap_or_default();
            met && closed
        }
        [name, "WITH", exception, ref after @ ..] => {
            *rest = after;
            LICENCES.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, ref after @ ..] => {
            *rest = after;
            LICENCES.contains(&name)
        }
        [] => false,
    }
}

#[test]
fn a_licence_expression_is_read_as_it_is_meant() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        "ISC AND (GPL-2.0 OR (MIT AND Zlib))",
    ] {
        assert!(may_carry(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Apache-2.0) AND GPL-3.0",
        "GPL-2.0 WITH LLVM-exception",
        "(MIT",
        "MIT MIT",
    ] {
        assert!(!may_carry(bad), "{bad}");
    }
}

#[test]
fn cargo_deny_is_told_the_same_licences() {
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    let (_, after) = deny.split_once("\nallow = [").unwrap();
    let (list, _) = after.split_once(']').unwrap();
    let named: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(named, LICENCES);
}

#[test]
fn one_library_does_the_cryptography() {
    let cargo = env!("CARGO");
    let tree = output(cargo, &["tree", "--workspace", "--target", "all", "--prefix", "none", "--format", "{p}"]);
    assert!(tree.lines().any(|line| line.starts_with("aws-lc-rs ")), "the tree was not read");
    assert!(
        !tree.lines().any(|line| line.starts_with("ring ")),
        "ring is built; leave out the feature that asks for it"
    );
}

#[test]
fn no_test_is_switched_off() {
    let mut files = Vec::new();
    for folder in ["gateway", "adapters", "conformance", "certs", "tests", "benches"] {
        walk(&root().join(folder), "rs", &mut files);
    }
    let off = concat!("#[", "ignore");
    for path in files {
        assert!(!fs::read_to_string(&path).unwrap().contains(off), "{}: mend the test or take it out", path.display());
    }
}

#[test]
fn bare_health_data_is_handled_where_it_must_be_and_nowhere_else() {
    assert_eq!(saying(&[".expose()", "into_exposed("]), EXPOSING, "map, derive or inspect it inside its Phi instead");
}

#[test]
fn a_disclosure_is_taken_apart_only_where_it_is_sent() {
    assert_eq!(saying(&[".deliver("]), DELIVERING, "give the Disclosure on, whole");
}

#[test]
fn a_kept_message_is_shown_whole_in_one_place() {
    assert_eq!(
        saying(&["gate.show_message(", "fn show_message(&self, look"]),
        SHOWING,
        "ask by the admin socket instead"
    );
}

#[test]
fn the_types_that_say_nothing_of_a_person_are_known_one_by_one() {
    assert_eq!(implementations("Impersonal"), listed(&IMPERSONAL), "each is a way out of Phi: look at every field");
}

#[test]
fn ledgers_and_sources_are_known_one_by_one() {
    assert_eq!(implementations("Ledger"), listed(&LEDGERS));
    assert_eq!(implementations("Source"), listed(&SOURCES));
}

#[test]
fn only_respond_makes_http_responses() {
    // `httparse::Response` is a head that is being read.
    let others = saying(&["http::Response::new", " Response::new", "(Response::new", "Response::builder"]);
    assert!(others.iter().all(|path| path == RESPONDING), "{others:?}: give a Reply to {RESPONDING}");
}

#[test]
fn nothing_that_is_shipped_serves_without_tls() {
    let own = "gateway/server/src/start.rs";
    assert_eq!(saying(&["serve_plainly_to_loopback", "PlainFromLoopback"]), ["gateway/server/src/listen.rs", own]);
}

#[test]
fn pages_say_only_what_stands_in_the_catalogue() {
    let mut templates = Vec::new();
    walk(&root().join("gateway/portal/templates"), "html", &mut templates);
    assert!(!templates.is_empty(), "the templates were not found");
    for path in templates {
        let page = fs::read_to_string(&path).unwrap();
        let said = without(&without(&without(&page, "{#", "#}"), "{%", "%}"), "{{", "}}");
        let said = without(
            &without(&without(&without(&said, "<style", "</style>"), "<code", "</code>"), "<!--", "-->"),
            "<",
            ">",
        );
        let bare = said.split(|letter: char| !letter.is_alphabetic()).find(|word| word.chars().count() > 1);
        assert_eq!(bare, None, "{}: a text in one language only; give it a row in the catalogue", path.display());
    }
}

/// The text without everything between two marks.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(open) {
        left.push_str(before);
        left.push(' ');
        rest = inside.split_once(close).map_or("", |(_, after)| after);
    }
    left + rest
}

#[test]
fn code_is_told_from_comments_and_from_tests() {
    let text = "
//! tokio
use a;
#[cfg(test)]
mod fixtures;
use b;
#[cfg(test)]
#[path = \"x.rs\"]
mod tests;
impl X {
    // tokio
    #[cfg(test)]
    fn x() {
        tokio();
        if y {
        }
    }
    use c;
}
#[cfg(test)]
#[expect(tokio, reason = \"x\")]
mod more {
    use tokio;

    fn tokio() {}
}
use d;
";
    assert_eq!(code_of(text).replace('\n', " ").trim(), "use a; use b; impl X {     use c; } use d;");
}
