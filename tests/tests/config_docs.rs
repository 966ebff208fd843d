//! The configuration reference: its examples are right, and it forgets no key.

use std::fs;
use std::path::Path;

use funade::config::{SourceFile, Sources, check, fleet_schema, service_schema};
use funade::facts::finding::{FindingKind, Policy};
use serde_json::Value;

#[path = "config/files.rs"]
mod files;

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    fs::read_to_string(path).expect("the reference")
}

/// The fenced blocks whose first line names a file.
fn examples(text: &str) -> Vec<SourceFile> {
    let blocks = text.split("```yaml\n# ").skip(1);
    let example = |block: &str| {
        let (path, rest) = block.split_once('\n')?;
        let (text, _) = rest.split_once("```")?;
        let is_file = path == "fleet.yaml" || path.starts_with("services/");
        is_file.then(|| SourceFile { path: path.to_owned(), text: text.to_owned() })
    };
    blocks.filter_map(example).collect()
}

/// Every key that a schema knows, wherever it is.
fn keys(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                found.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| keys(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_examples_are_valid_together() {
    let examples = examples(&reference());
    assert!(examples.len() >= 3, "a fleet and some services");
    let checked = check(&Sources::new(examples));
    let problems: Vec<String> = checked
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(ToString::to_string)
        .collect();
    assert_eq!(problems, [""; 0]);
}

#[test]
fn every_key_has_its_line() {
    let reference = reference();
    let mut all = Vec::new();
    keys(&fleet_schema(), &mut all);
    keys(&service_schema(), &mut all);
    all.sort();
    all.dedup();
    let missing: Vec<&String> =
        all.iter().filter(|key| !reference.contains(&format!("| `{key}` |"))).collect();
    assert!(missing.is_empty(), "docs/configuration.md has no line for {missing:?}");
}

#[test]
fn what_has_no_effect_yet_is_said_in_the_reference_too() {
    let sources = Sources::new(examples(&reference()));
    for problem in check(&sources).problems.iter().filter(|problem| problem.rule == "no-effect-yet")
    {
        let key = problem.path.rsplit('.').next().expect("a path");
        let line = format!("| `{key}` |");
        let said = reference()
            .lines()
            .any(|text| text.starts_with(&line) && text.contains("no effect yet"));
        assert!(said, "docs/configuration.md does not say that `{key}` has no effect yet");
    }
}

#[test]
fn every_rule_is_listed() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config/problems");
    let reference = reference();
    let problems = check(&files::read(&directory)).problems;
    let missing: Vec<&str> = problems
        .iter()
        .map(|problem| problem.rule)
        .filter(|rule| !reference.contains(&format!("`{rule}`")))
        .collect();
    assert!(missing.is_empty(), "docs/configuration.md does not list {missing:?}");
}

/// Each kind's row says what the code says of its severity and its policy.
#[test]
fn every_kind_of_finding_has_its_row() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sweep.md");
    let text = fs::read_to_string(path).expect("what the sweep does");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(" | ").collect()).collect();
    assert_eq!(rows.len(), FindingKind::ALL.len());
    for (kind, row) in FindingKind::ALL.into_iter().zip(rows) {
        let policy = match kind.default_policy() {
            Policy::Heal => "`heal`",
            Policy::Notify => "`notify`",
            Policy::Ignore => "`ignore`",
        };
        let healed = if kind.can_be_healed() { "may be" } else { "no" };
        let expected = (format!("{kind}`"), kind.severity().to_string(), policy, healed);
        assert_eq!((row[0].to_owned(), row[1].to_owned(), row[4], row[5]), expected);
    }
}
