//! What YAML makes of a file, before it has a meaning.

use funade::config::{SourceFile, Sources};

use crate::{FLEET, SERVICE, check, read};

#[test]
fn a_syntax_error_is_one_problem_and_the_other_files_are_still_read() {
    let broken = "service: [order-api\nimage: x\n";
    let unknown = &format!("{SERVICE}colour: red\n");
    let said = read(FLEET, &[broken, unknown]).problems;
    let said: Vec<(&str, &str)> = said.iter().map(|said| (said.file.as_str(), said.rule)).collect();
    assert_eq!(said, [("services/1.yaml", "yaml-syntax"), ("services/2.yaml", "unknown-key")]);
}

#[test]
fn an_empty_file_is_said_to_be_empty() {
    let empty = "error: the file is empty; write something in it, or remove it [empty-file]";
    check(
        "",
        &["# only a comment\n"],
        &[&format!("fleet.yaml: {empty}"), &format!("services/1.yaml: {empty}")],
    );
}

#[test]
fn the_fleet_file_is_there_and_other_files_are_read_by_name_only() {
    let file = |path: &str| SourceFile { path: path.to_owned(), text: SERVICE.to_owned() };
    let checked =
        funade::config::check(&Sources::new([file("services/a/b.yaml"), file("fleet.yml")]));
    let said: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    let stray = "error: nothing reads a file of this name; name it fleet.yaml or services/NAME.yaml, or remove it [stray-file]";
    assert_eq!(
        said,
        [
            "fleet.yaml: error: there is no such file; write one, with `registry` and `environments` [no-fleet]",
            &format!("fleet.yml: {stray}"),
            &format!("services/a/b.yaml: {stray}"),
        ]
    );
}

#[test]
fn a_file_may_hold_several_services_but_only_one_fleet() {
    let services = "service: a\nimage: {repository: aa, container: app, select: {semver: '*'}}\nenvironments: all\n---\n\
                    service: b\nimage: {repository: bb, container: app, select: {semver: '*'}}\nenvironments: [acme]\n";
    let config = read(FLEET, &[services]).config.expect("valid");
    assert_eq!(config.targets().count(), 4);
    check(
        &format!("{FLEET}---\nservice: a\n"),
        &[],
        &[
            "fleet.yaml:8:1: error: the fleet is one document; put services into files of services/ [second-document]",
        ],
    );
}

#[test]
fn keys_written_twice_are_told_with_the_first_place() {
    let fleet = &format!(
        "{FLEET}  acme: {{account: \"444444444444\", region: us-east-1, cluster: other}}\nregistry: x\n"
    );
    check(
        fleet,
        &[],
        &[
            "fleet.yaml:7:3: error: environments.acme: `acme` is written twice, first on line 5; keep one of the two [duplicate-key]",
            "fleet.yaml:8:1: error: registry: `registry` is written twice, first on line 2; keep one of the two [duplicate-key]",
        ],
    );
}

#[test]
fn anchors_aliases_and_merge_keys_stand_for_what_they_name() {
    let fleet = r#"
registry: &registry {account: "999999999999", region: ap-northeast-1}
environments:
  acme: &usual {account: "222222222222", region: ap-northeast-1, cluster: acme, labels: {stage: prod}}
  globex: {<<: *usual, cluster: globex, registry: *registry}
"#;
    let config = read(fleet, &[]).config.expect("valid");
    let globex = config
        .environments
        .values()
        .find(|environment| environment.name.as_str() == "globex")
        .expect("globex");
    assert_eq!(globex.cluster.as_str(), "globex");
    assert_eq!(globex.labels["stage"], "prod");
    assert_eq!(globex.registry.as_ref(), Some(&config.registry));
}

#[test]
fn aliases_of_aliases_do_not_fill_the_memory() {
    let levels = (1..30).map(|n| format!("  a{n}: &a{n} [*a{}, *a{}]", n - 1, n - 1));
    let levels = levels.collect::<Vec<_>>().join("\n");
    let bomb = format!("registry:\n  a0: &a0 [x, x]\n{levels}");
    check(
        &bomb,
        &[],
        &["fleet.yaml:17:20: error: the file has more than 200000 values [too-large]"],
    );
}

#[test]
fn deep_nesting_tags_and_strange_keys_are_refused() {
    let deep = "[".repeat(60) + &"]".repeat(60);
    check(
        &deep,
        &[],
        &["fleet.yaml:1:34: error: collections nest deeper than 32 levels [too-deep]"],
    );
    check(
        "registry: !secret x\n",
        &[],
        &[
            "fleet.yaml:1:19: error: the tag `secret` has no meaning here; write the value alone [yaml-tag]",
        ],
    );
    check(
        "[a, b]: x\n",
        &[],
        &["fleet.yaml:1:1: error: a collection stands for a key; write a word [bad-key]"],
    );
    check(
        "a: &a [*a]\n",
        &[],
        &[
            "fleet.yaml:1:8: error: an alias stands in its own anchor; write the value out [bad-alias]",
        ],
    );
    check(
        "<<: a\n",
        &[],
        &[
            "fleet.yaml:1:5: error: `<<` takes a mapping; write an alias of one, such as *defaults [bad-merge]",
        ],
    );
}

#[test]
fn words_that_yaml_takes_for_something_else_stay_words() {
    let fleet =
        FLEET.replace("\"111111111111\"", "012345678901").replace("stage: canary", "stage: no");
    let config = read(&fleet, &[]).config.expect("valid");
    let internal = config
        .environments
        .values()
        .find(|environment| environment.name.as_str() == "internal")
        .expect("internal");
    assert_eq!(internal.place.account.as_str(), "012345678901");
    assert_eq!(internal.labels["stage"], "no");
}
