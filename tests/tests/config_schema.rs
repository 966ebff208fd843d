//! The JSON Schemas: they are the committed ones, they accept what is right, and they refuse
//! what the decoder refuses.

use std::fs;
use std::path::{Path, PathBuf};

use funade::config::{SourceFile, Sources, check, fleet_schema, service_schema};
use serde_json::Value;

#[path = "config/files.rs"]
mod files;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schema_of(path: &str) -> Value {
    if path == "fleet.yaml" { fleet_schema() } else { service_schema() }
}

/// Whether the schema accepts a document, as an editor would say.
fn accepts(path: &str, text: &str) -> bool {
    let document: Value = serde_saphyr::from_str(text).expect("YAML");
    jsonschema::is_valid(&schema_of(path), &document)
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (name, schema) in [("fleet", fleet_schema()), ("service", service_schema())] {
        let path = repository().join(format!("docs/schema/{name}.schema.json"));
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let current = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        assert!(
            committed == current,
            "docs/schema/{name}.schema.json is stale: run `cargo run -p funade-cli -- schema --write docs/schema`"
        );
    }
}

#[test]
fn the_schemas_are_schemas() {
    for schema in [fleet_schema(), service_schema()] {
        jsonschema::meta::validate(&schema).expect("a schema");
        assert!(!schema.to_string().contains("null"), "a key that is written empty is refused");
    }
}

#[test]
fn the_example_fleet_is_accepted_by_both() {
    let sources = files::read(&repository().join("examples/fleet"));
    for file in &sources.files {
        assert!(accepts(&file.path, &file.text), "{}", file.path);
    }
    let checked = check(&sources);
    assert!(checked.config.is_some(), "{:#?}", checked.problems);
}

const FLEET: &str = r#"
registry: {account: "999999999999", region: ap-northeast-1}
environments:
  acme: {account: "222222222222", region: ap-northeast-1, cluster: acme, labels: {stage: prod}}
waves: [{name: all, select: {stage: prod}, bake: 1h, max_concurrent: 25%, max_failures: 1, approvals: 1}]
freezes: [{from: "Fri 18:00", until: "Mon 08:00", time_zone: Asia/Tokyo, allow: [rollback]}]
findings: {changed-by-hand: heal, unhealthy: notify}
notices:
- {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:deploys"}, format: amazon-q, environments: {stage: prod}, services: [order-api], kinds: [blocked], severity: warning}
- {to: {webhook: "https://hooks.example.com/funade", key: funade/webhook}}
"#;

const SERVICE: &str = r#"
service: order-api
image: {repository: shop/order-api, container: app, select: {semver: ">=1.4, <2"}}
ecs_service: "{environment}-order-api"
environments: [acme]
parameters: [{path: "/{environment}/order-api/", into: [app], names: as-is, exclude: ["debug/*"], shared: true}]
secrets: [{secret: "{label.stage}/db", into: app, name: DATABASE_URL, json_key: url}]
on_parameter_change: {action: redeploy, quiet: 60s}
verify: {deadline: 20m, alarms: ["{environment}-5xx"], bake: 5m}
rollback: automatic
overrides: {acme: {container: web, rollback: manual}}
"#;

/// Checks that decoder and schema say the same of a file after one change.
#[track_caller]
fn check_both(path: &str, from: &str, to: &str, valid: bool) {
    let change =
        |own: &str, text: &str| if own == path { text.replace(from, to) } else { text.to_owned() };
    let file =
        |path: &str, text: &str| SourceFile { path: path.to_owned(), text: change(path, text) };
    let sources =
        Sources::new([file("fleet.yaml", FLEET), file("services/order-api.yaml", SERVICE)]);
    let changed = sources.files.iter().find(|file| file.path == path).expect("the file");
    let checked = check(&sources);
    assert_eq!(checked.config.is_some(), valid, "decoder, {to}: {:#?}", checked.problems);
    assert_eq!(accepts(path, &changed.text), valid, "schema, {to}");
}

#[test]
fn schema_and_decoder_agree_on_a_fleet() {
    let changes = [
        ("", "", true),
        ("acme: {", "acme: {zone: a, ", false),
        ("cluster: acme, ", "", false),
        ("cluster: acme", "cluster:", false),
        ("\"222222222222\"", "222222222222", true),
        ("\"222222222222\"", "\"22222222222\"", false),
        ("region: ap-northeast-1, cluster", "region: Tokyo, cluster", false),
        ("acme: {account", "Acme: {account", false),
        ("labels: {stage: prod}", "labels: [prod]", false),
        ("select: {stage: prod}", "select: all", true),
        ("select: {stage: prod}", "select: {stage: [prod]}", true),
        ("select: {stage: prod}", "select: {}", false),
        ("select: {stage: prod}", "select: []", false),
        ("select: {stage: prod}", "select: some", false),
        ("bake: 1h", "bake: 1h30m", true),
        ("bake: 1h", "bake: 1", false),
        ("bake: 1h", "bake: 30m1h", false),
        ("max_concurrent: 25%", "max_concurrent: 3", true),
        ("max_concurrent: 25%", "max_concurrent: 0", false),
        ("max_concurrent: 25%", "max_concurrent: 0%", false),
        ("max_failures: 1", "max_failures: 0", true),
        ("max_failures: 1", "max_failures: 101%", false),
        ("approvals: 1", "approvals: -1", false),
        ("Fri 18:00", "Fri 24:00", false),
        ("[rollback]", "[deploy]", false),
        ("changed-by-hand: heal", "changed-by-hand: ignore", true),
        ("changed-by-hand: heal", "changed-by-hand: repair", false),
        ("changed-by-hand: heal", "changed-by-hand:", false),
        ("changed-by-hand: heal", "changed: heal", false),
        ("{changed-by-hand: heal, unhealthy: notify}", "{}", true),
        ("{changed-by-hand: heal, unhealthy: notify}", "heal", false),
        ("{changed-by-hand: heal, unhealthy: notify}", "[changed-by-hand]", false),
    ];
    for (from, to, valid) in changes {
        check_both("fleet.yaml", from, to, valid);
    }
}

#[test]
fn schema_and_decoder_agree_on_notices() {
    let changes = [
        (":deploys", ":deploys.fifo", false),
        (":deploys", "", false),
        ("arn:aws:sns", "arn:aws-cn:sns", true),
        ("arn:aws:sns", "arn:aws:sqs", false),
        ("ap-northeast-1:999999999999", "ap-northeast-1:99", false),
        (":deploys\"}", ":deploys\", key: funade/key}", false),
        ("format: amazon-q", "format: json", true),
        ("format: amazon-q", "format: html", false),
        ("environments: {stage: prod}", "environments: all", true),
        ("environments: {stage: prod}", "environments: []", false),
        ("services: [order-api]", "services: []", false),
        ("services: [order-api]", "services: order-api", false),
        ("kinds: [blocked]", "kinds: [blocked, rolled-back]", true),
        ("kinds: [blocked]", "kinds: [broken]", false),
        ("kinds: [blocked]", "kinds: []", false),
        ("severity: warning", "severity: fatal", false),
        ("https://hooks.example.com/funade", "http://hooks.example.com/funade", false),
        ("https://hooks.example.com/funade", "http://127.0.0.1:8080/funade", true),
        ("https://hooks.example.com/funade", "http://localhost/funade", true),
        ("https://hooks.example.com/funade", "https://dana:x@hooks.example.com", false),
        ("https://hooks.example.com/funade", "https://hooks.example.com/a b", false),
        ("{webhook: ", "{datadog: ", true),
        ("{webhook: ", "{mail: ", false),
        (", key: funade/webhook", "", false),
        ("key: funade/webhook", "key: \"fun ade\"", false),
    ];
    for (from, to, valid) in changes {
        check_both("fleet.yaml", from, to, valid);
    }
}

#[test]
fn schema_and_decoder_agree_on_a_service() {
    let changes = [
        ("", "", true),
        ("service: order-api", "service: Order API", false),
        ("repository: shop/order-api", "repository: shop/order-api:1", false),
        ("{semver: \">=1.4, <2\"}", "{glob: '*', order: numerical}", true),
        ("{semver: \">=1.4, <2\"}", "{semver: '*', order: numerical}", false),
        ("{semver: \">=1.4, <2\"}", "{glob: '*', order_by: x}", false),
        ("{semver: \">=1.4, <2\"}", "{glob: '*', semver: '*'}", false),
        ("{semver: \">=1.4, <2\"}", "{}", false),
        ("\"{environment}-order-api\"", "\"{tenant}-order-api\"", false),
        ("\"{environment}-order-api\"", "\"{environment-order-api\"", false),
        ("environments: [acme]", "environments: all", true),
        ("into: [app]", "into: app", true),
        ("into: [app]", "into: []", false),
        ("names: as-is", "names: snake", false),
        ("name: DATABASE_URL", "name: DATABASE-URL", false),
        ("{action: redeploy, quiet: 60s}", "notify", true),
        ("{action: redeploy, quiet: 60s}", "restart", false),
        ("{action: redeploy, quiet: 60s}", "{quiet: 60s}", false),
        ("deadline: 20m", "deadline:", false),
        ("alarms: [\"{environment}-5xx\"]", "alarms: x", false),
        ("rollback: manual", "rollback: never", false),
        ("rollback: manual", "rollback: [manual]", false),
        ("rollback: manual", "rollback: {action: manual}", true),
        ("rollback: manual", "rollback: {action: automatic, hold: 24h}", true),
        ("rollback: manual", "rollback: {action: never, hold: 24h}", false),
        ("rollback: manual", "rollback: {hold: 24h}", false),
        ("rollback: manual", "rollback: {action: automatic, hold: 24}", false),
        ("rollback: manual", "rollback: {action: automatic, hold:}", false),
        ("rollback: manual", "rollback: {action: automatic, quiet: 60s}", false),
        ("container: web", "image: web", false),
    ];
    for (from, to, valid) in changes {
        check_both("services/order-api.yaml", from, to, valid);
    }
}
