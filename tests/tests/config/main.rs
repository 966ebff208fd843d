//! The configuration: what is read from the files, and what each mistake is answered with.

mod findings;

mod fleet;

mod notices;

mod service;

mod targets;

mod yaml;

use funade::config::{Checked, SourceFile, Sources};

/// Three environments, one of them without a replica of its own.
const FLEET: &str = r#"
registry: {account: "999999999999", region: ap-northeast-1}
environments:
  internal: {account: "111111111111", region: ap-northeast-1, cluster: internal, labels: {stage: canary}}
  acme: {account: "222222222222", region: ap-northeast-1, cluster: acme, labels: {stage: prod, size: small}}
  globex: {account: "333333333333", region: us-east-1, cluster: globex, labels: {stage: prod, size: large}}
"#;

const SERVICE: &str = r#"
service: order-api
image: {repository: shop/order-api, container: app, select: {semver: "^1"}}
environments: all
"#;

/// Reads a fleet, and services in files `services/1.yaml` and so on.
fn read(fleet: &str, services: &[&str]) -> Checked {
    let file = |path: String, text: &str| SourceFile { path, text: text.to_owned() };
    let services =
        services.iter().zip(1..).map(|(text, n)| file(format!("services/{n}.yaml"), text));
    let files = services.chain([file("fleet.yaml".to_owned(), fleet)]);
    funade::config::check(&Sources::new(files))
}

/// Checks what is said of the files, settings without effect left aside.
#[track_caller]
fn check(fleet: &str, services: &[&str], expected: &[&str]) {
    let checked = read(fleet, services);
    let said = checked.problems.iter().filter(|problem| problem.rule != "no-effect-yet");
    let said: Vec<String> = said.map(ToString::to_string).collect();
    assert_eq!(said, expected);
    let errors = checked.problems.iter().any(funade::config::Problem::is_error);
    assert_eq!(checked.config.is_some(), !errors);
}
