//! The shape of the tree: who may import whom, where `async` may stand, and what must not be there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use funade_tests::root;

/// Lines from which a file should be thought over again.
const FILE_LINES_MAX: usize = 500;

/// Which of our crates each crate may use. `funade-aws` and `funade-sim` meet in the command line
/// and the tests only.
const IMPORTS: [(&str, &[&str]); 13] = [
    ("crates/funade", &[]),
    ("crates/funade-aws", &["funade"]),
    ("crates/funade-sim", &["funade"]),
    ("crates/funade-report", &["funade"]),
    ("crates/funade-cli", &["funade", "funade-aws", "funade-report", "funade-sim"]),
    ("functions/deploy", &["funade", "funade-aws"]),
    ("functions/image-push", &["funade", "funade-aws"]),
    ("functions/notify", &["funade", "funade-aws"]),
    ("functions/parameter-change", &["funade", "funade-aws"]),
    ("functions/service-event", &["funade", "funade-aws"]),
    ("functions/sweep", &["funade", "funade-aws", "funade-report"]),
    ("tests", &["funade", "funade-aws", "funade-sim"]),
    ("bench", &["funade", "funade-aws", "funade-sim"]),
];

/// The core's layers, each of which uses only those before it.
const LAYERS: [&str; 5] = ["facts", "config", "decisions", "world", "shell"];

/// The layers in which `async` may stand.
const ASYNC_LAYERS: [&str; 2] = ["world", "shell"];

/// What the core must not know, by the beginning of a crate's name.
const NOT_IN_THE_CORE: [&str; 6] = ["tokio", "aws", "rand", "lambda", "hyper", "reqwest"];

/// A file with what a compiler would read of it: no comments.
struct Source {
    path: PathBuf,
    code: String,
    lines: usize,
}

fn sources_below(dir: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    for entry in dir.read_dir().expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            sources.extend(sources_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join("\n");
            sources.push(Source { lines: text.lines().count(), path, code });
        }
    }
    sources
}

fn all_sources() -> Vec<Source> {
    let dirs = ["crates", "functions", "tests", "bench"].map(|dir| root().join(dir));
    dirs.iter().filter(|dir| dir.is_dir()).flat_map(|dir| sources_below(dir)).collect()
}

/// The names in a manifest's `[dependencies]`.
fn dependencies(manifest: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(manifest).expect("every member has a manifest");
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', '=', ' ']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn crates_import_in_one_direction() {
    let allowed: BTreeMap<_, _> = IMPORTS.into_iter().collect();
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let members = workspace.split("members = [").nth(1).and_then(|rest| rest.split(']').next());
    let members = members.expect("the workspace has members").split('"').skip(1).step_by(2);
    for member in members {
        let allowed = allowed
            .get(member)
            .unwrap_or_else(|| panic!("{member} is new: say in IMPORTS what it may use"));
        for used in dependencies(&root().join(member).join("Cargo.toml")) {
            let ours = used.starts_with("funade");
            assert!(!ours || allowed.contains(&used.as_str()), "{member} must not use {used}");
        }
    }
}

#[test]
fn the_core_knows_no_runtime_and_no_aws() {
    for used in dependencies(&root().join("crates/funade/Cargo.toml")) {
        let unwanted = NOT_IN_THE_CORE.iter().find(|prefix| used.starts_with(*prefix));
        assert_eq!(unwanted, None, "the core must not use {used}");
    }
}

#[test]
fn layers_import_only_those_before_them() {
    let src = root().join("crates/funade/src");
    for (index, layer) in LAYERS.iter().enumerate() {
        for source in sources_below(&src.join(layer)) {
            for later in &LAYERS[index + 1..] {
                let import = format!("crate::{later}");
                let path = source.path.display();
                assert!(!source.code.contains(&import), "{path}: {layer} must not use {later}");
            }
        }
    }
}

#[test]
fn async_stands_only_where_calls_are_made() {
    let src = root().join("crates/funade/src");
    for layer in LAYERS.iter().filter(|layer| !ASYNC_LAYERS.contains(layer)) {
        for source in sources_below(&src.join(layer)) {
            let words = source.code.split(|c: char| !c.is_alphanumeric() && c != '_');
            let found = words.filter(|word| ["async", "await"].contains(word)).count();
            assert_eq!(found, 0, "{} must be synchronous", source.path.display());
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let stubs = ["todo!(", "unimplemented!(", "#[ignore", "#[allow(", "#![allow(", "dbg!("];
    let this = Path::new(file!()).file_name();
    for source in all_sources().iter().filter(|source| source.path.file_name() != this) {
        for stub in stubs {
            assert!(!source.code.contains(stub), "{}: {stub}", source.path.display());
        }
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for source in all_sources() {
        let (path, lines) = (source.path.display(), source.lines);
        assert!(lines <= FILE_LINES_MAX, "{path} has {lines} lines; {FILE_LINES_MAX} at most");
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in all_sources() {
        let text = std::fs::read_to_string(&source.path).expect("readable");
        assert!(text.starts_with("//!"), "{} has no module documentation", source.path.display());
    }
}
