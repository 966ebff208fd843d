//! The verbs that need no AWS: what they print, and their exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const DIGEST: &str = "sha256:74b28c5b6a8d8f0c4d3ad6c9a4f1e7f2b3c4d5e6f708192a3b4c5d6e7f809101";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs `funade` in the repository's root.
fn funade(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_funade"));
    command.current_dir(root()).args(arguments).output().expect("it starts")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))
}

fn scratch_file(name: &str, text: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(dir.parent().expect("it has one")).expect("writable");
    std::fs::write(&dir, text).expect("writable");
    dir
}

#[test]
fn the_example_is_valid_and_what_has_no_effect_yet_is_said() {
    let output = funade(&["validate", "examples/fleet"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("3 services in 6 environments make 13 targets."), "{text}");
    assert!(text.contains("warning"), "{text}");
    let problems = json_of(&funade(&["validate", "examples/fleet", "--format", "json"]));
    let problems = problems.as_array().expect("a list");
    assert!(problems.iter().all(|problem| problem["severity"] == "warning"), "{problems:#?}");
}

#[test]
fn an_invalid_configuration_exits_with_1_and_lists_every_problem() {
    let fleet = "registry: {account: 12, region: nowhere}\nenvironments: {}\nwave: []\n";
    let dir = scratch_file("invalid/fleet.yaml", fleet);
    let dir = dir.parent().expect("it has one").to_str().expect("UTF-8");
    let output = funade(&["validate", dir, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let problems = json_of(&output);
    let rules: Vec<&str> = problems
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|problem| problem["rule"].as_str())
        .collect();
    for rule in ["bad-account-id", "bad-region", "unknown-key"] {
        assert!(rules.contains(&rule), "{rule} is not in {rules:?}");
    }
}

#[test]
fn a_directory_that_is_not_there_exits_with_3_and_is_named() {
    let output = funade(&["validate", "no/such/directory"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no/such/directory"));
}

#[test]
fn an_unknown_word_exits_with_2() {
    assert_eq!(funade(&["sail"]).status.code(), Some(2));
}

#[test]
fn route_gives_intents_and_what_was_ignored() {
    let woken = funade(&["route", "examples/fleet", "events/ecr-push.json", "--format", "json"]);
    assert_eq!(woken.status.code(), Some(0));
    let woken = json_of(&woken);
    assert_eq!(woken["intents"][0]["subject"], "service/order-api");
    assert_eq!(woken["ignored"], json!([]));
    let ignored =
        funade(&["route", "examples/fleet", "events/ecr-delete.json", "--format", "json"]);
    let ignored = json_of(&ignored);
    assert_eq!(ignored["intents"], json!([]));
    assert_eq!(ignored["ignored"][0]["rule"], "delete");
}

#[test]
fn a_malformed_event_exits_with_1_and_says_what_is_wrong() {
    let event = scratch_file("malformed.json", r#"{"id": "x-1", "source": "aws.ecr"}"#);
    let event = event.to_str().expect("UTF-8");
    let output = funade(&["route", "examples/fleet", event]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("event x-1 is malformed"), "{output:?}");
}

/// Row 17, from outside: everything but the image and our tags is as it was.
#[test]
fn render_changes_the_image_and_adds_two_tags() {
    let described = json!({
        "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:ap-northeast-1:222222222222:task-definition/o:7",
            "family": "o", "revision": 7, "status": "ACTIVE", "registeredAt": 1.5,
            "fieldOfTomorrow": {"a": [1, null]},
            "containerDefinitions": [
                {"name": "sidecar", "image": "public.ecr.aws/x/y:1"},
                {"name": "app", "image": "example.com/old:1", "environment": []},
            ],
        },
        "tags": [{"key": "team", "value": "shop"}],
    });
    let file = scratch_file("described.json", &described.to_string());
    let file = file.to_str().expect("UTF-8");
    let image = format!("shop/order-api@{DIGEST}");
    let arguments = ["render", "examples/fleet", "acme/order-api", "--task-definition", file];
    let output = funade(&[&arguments[..], &["--image", &image, "--tag", "1.4.2"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let wanted = format!("999999999999.dkr.ecr.ap-northeast-1.amazonaws.com/{image}");
    assert_eq!(
        json_of(&output),
        json!({
            "family": "o",
            "fieldOfTomorrow": {"a": [1, null]},
            "containerDefinitions": [
                {"name": "sidecar", "image": "public.ecr.aws/x/y:1"},
                {"name": "app", "image": wanted, "environment": []},
            ],
            "tags": [
                {"key": "funade:deploy", "value": "offline"},
                {"key": "funade:release", "value": "1.4.2"},
                {"key": "team", "value": "shop"},
            ],
        })
    );
}

#[test]
fn render_refuses_an_image_of_another_repository() {
    let file = scratch_file("bare.json", r#"{"family": "o", "containerDefinitions": []}"#);
    let file = file.to_str().expect("UTF-8");
    let arguments = ["render", "examples/fleet", "acme/order-api", "--task-definition", file];
    for (image, word) in [
        (format!("shop/storefront@{DIGEST}"), "shop/storefront"),
        ("shop/order-api:1.4.2".to_owned(), "DIGEST"),
        (format!("shop/order-api@{DIGEST}"), "no container `app`"),
    ] {
        let output = funade(&[&arguments[..], &["--image", &image]].concat());
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{output:?}");
    }
}

#[test]
fn a_missing_setting_is_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_funade"));
    let output = command.env_remove("FUNADE_TABLE").arg("status").output().expect("it starts");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("FUNADE_TABLE"));
}

/// The story reads the same each time: the simulator has no chance in it.
#[test]
fn the_demo_tells_its_story() {
    let output = funade(&["demo", "--speed", "0"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let story = stdout(&output);
    for line in [
        "6 calls of RegisterTaskDefinition and 6 of UpdateService",
        "waits for the replica",
        "0 calls that change anything",
        "`2.0.0` is outside >=1.4, <2",
        "1.4.1 is older than 1.4.2",
    ] {
        assert!(story.contains(line), "{line} is not in:\n{story}");
    }
    assert_eq!(story, stdout(&funade(&["demo", "--speed", "0"])));
}
