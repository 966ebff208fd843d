//! One report of everything: a configuration in which nearly everything is wrong.
//!
//! The snapshot shows what a person sees. When a sentence changes, read it there.

use std::path::Path;

use funade::config::{Sources, check};

#[path = "config/files.rs"]
mod files;

fn problems() -> Sources {
    files::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config/problems"))
}

#[test]
fn every_problem_is_in_one_report() {
    let checked = check(&problems());
    assert!(checked.config.is_none());
    let lines: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_problem_is_also_data() {
    let checked = check(&problems());
    let problem = checked.problems.iter().find(|problem| problem.rule == "bad-time-zone");
    insta::assert_json_snapshot!(problem.expect("a bad time zone"));
}

#[test]
fn the_order_of_the_files_changes_nothing() {
    let mut sources = problems();
    let report = check(&sources).problems;
    sources.files.reverse();
    assert_eq!(check(&sources).problems, report);
}
