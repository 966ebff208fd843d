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

/// The blocks of the configuration reference that are fenced as this language.
fn reference_blocks(language: &str) -> Vec<String> {
    let path = root().join("docs/configuration.md");
    let text = std::fs::read_to_string(path).expect("the reference");
    let fence = format!("```{language}\n");
    let blocks = text.split(fence.as_str()).skip(1);
    blocks.filter_map(|block| Some(block.split_once("```")?.0.to_owned())).collect()
}

/// The reference's example of variables is what comes out.
#[test]
fn render_writes_the_variables_that_the_reference_shows() {
    for block in reference_blocks("yaml") {
        let (name, text) = block.split_once('\n').expect("its first line names a file");
        scratch_file(&format!("reference/{}", name.trim_start_matches("# ")), text);
    }
    let [parameters, expected] = reference_blocks("json").try_into().expect("two of them");
    let parameters = scratch_file("reference-parameters.json", &parameters);
    let running = json!({"family": "o", "executionRoleArn": "arn:aws:iam::222222222222:role/x",
        "containerDefinitions": [{"name": "app", "image": "x"}, {"name": "worker", "image": "y"}]});
    let running = scratch_file("reference-running.json", &running.to_string());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference");
    let image = format!("shop/order-api@{DIGEST}");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (dir, running, parameters) = (path(&dir), path(&running), path(&parameters));
    let output = funade(&[
        "render",
        &dir,
        "acme/order-api",
        "--task-definition",
        &running,
        "--image",
        &image,
        "--parameters",
        &parameters,
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let rendered = json_of(&output);
    let app = &rendered["containerDefinitions"][0];
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&app[name], value, "{name}");
    }
    let worker = &rendered["containerDefinitions"][1]["environment"];
    assert_eq!(worker.as_array().expect("a list").len(), 2, "it gets what is common");
}

/// Renders acme's order-api of the example with the parameters in a file.
fn render_with(running: &Path, parameters: &Path) -> Output {
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let image = format!("shop/order-api@{DIGEST}");
    let (running, parameters) = (path(running), path(parameters));
    let what = ["render", "examples/fleet", "acme/order-api", "--image", &image];
    let from = ["--task-definition", &running, "--parameters", &parameters];
    funade(&[&what[..], &from].concat())
}

#[test]
fn render_lists_every_problem_of_the_variables() {
    let parameters = scratch_file(
        "bad-parameters.json",
        &json!({"Parameters": [
            {"Name": "/acme/order-api/db.url", "Type": "String", "Value": "x", "Version": 1},
            {"Name": "/acme/order-api/KEY", "Type": "SecureString", "Version": 1},
        ]})
        .to_string(),
    );
    let running = json!({"family": "o", "containerDefinitions": [{"name": "app", "image": "x"}]});
    let running = scratch_file("no-role.json", &running.to_string());
    let output = render_with(&running, &parameters);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(stdout(&output), "", "nothing is registered by mistake");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`/acme/order-api/db.url` would be the variable `db.url`"), "{said}");
    assert!(said.contains("no `executionRoleArn`, without which ECS cannot read KEY"), "{said}");
}

#[test]
fn a_file_without_parameters_is_refused_with_what_it_should_have() {
    let running = scratch_file("some.json", r#"{"family": "o", "containerDefinitions": []}"#);
    for (text, word) in [
        ("{}", "get-parameters-by-path"),
        (r#"{"Parameters": [{"Name": "/a/B", "Type": "String", "Version": 1}]}"#, "no `Value`"),
        (r#"{"Parameters": [{"Name": "/a/B", "Type": "Text", "Version": 1}]}"#, "type `Text`"),
        ("[", "is not JSON"),
    ] {
        let file = scratch_file("strange.json", text);
        let output = render_with(&running, &file);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{output:?}");
    }
}

#[test]
fn route_says_what_a_parameters_event_wakes_and_when() {
    let output = funade(&["route", "examples/fleet", "events/ssm-update.json"]);
    let text = stdout(&output);
    assert!(text.starts_with("wakes target/acme/order-api after 1m: "), "{text}");
    let json = ["route", "examples/fleet", "events/ssm-update.json", "--format", "json"];
    let woken = json_of(&funade(&json));
    assert_eq!(woken["intents"][0]["quiet_seconds"], 60);
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
