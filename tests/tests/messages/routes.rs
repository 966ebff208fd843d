//! Who is told of what.

use std::fmt::Write as _;

use std::collections::BTreeSet;

use funade::config::{Config, SourceFile, Sources, check};
use funade::decisions::messages::messages;
use funade::facts::finding::About;
use funade::facts::message::Destination;
use funade::facts::notice::{DeployTold, Notice, NoticeKind, Told};
use jiff::SignedDuration;
use serde_json::Value;

use crate::examples::{all, assignment, at, config, environment, finding, notice, target};

/// Checks which of the examples go to a route that says this.
#[track_caller]
fn check_kinds(says: &str, expected: &[&str]) {
    let config = route(says);
    let notices = all();
    let told = notices.iter().filter(|notice| !messages(&config, notice).is_empty());
    let told: Vec<&str> = told.map(|notice| notice.kind().as_str()).collect();
    assert_eq!(told, expected, "{says}");
}

fn route(says: &str) -> Config {
    let topic = "arn:aws:sns:ap-northeast-1:999999999999:all";
    config(&format!("notices:\n  - {{to: {{topic: \"{topic}\"}}{says}}}\n"))
}

const EVERYTHING: [&str; 11] = [
    "release-assigned",
    "rollout-ended",
    "deploy-started",
    "deploy-succeeded",
    "deploy-failed",
    "rolled-back",
    "superseded",
    "held",
    "blocked",
    "finding-opened",
    "finding-closed",
];

#[test]
fn without_conditions_everything_goes() {
    check_kinds("", &EVERYTHING);
    check_kinds(", environments: all, services: [order-api, nightly-report]", &EVERYTHING);
}

#[test]
fn all_conditions_must_hold() {
    check_kinds(", kinds: [held, blocked]", &["held", "blocked"]);
    let errors = ["rollout-ended", "deploy-failed", "rolled-back", "blocked", "finding-opened"];
    check_kinds(", severity: error", &errors);
    check_kinds(", severity: warning, kinds: [held, superseded]", &["held"]);
    check_kinds(", services: [nightly-report]", &[]);
}

#[test]
fn what_is_of_a_service_concerns_all_environments_that_it_is_in() {
    let globex = ["release-assigned", "rollout-ended", "finding-opened", "finding-closed"];
    check_kinds(", environments: [globex]", &globex);
    check_kinds(", environments: {stage: canary}", &["release-assigned", "rollout-ended"]);
}

#[test]
fn a_place_concerns_the_environments_in_it() {
    let mut about_place =
        notice("f", 0, "555555555555/us-east-1", Told::FindingOpened(finding("x")));
    let told = |says: &str, notice: &Notice| !messages(&route(says), notice).is_empty();
    assert!(told("", &about_place));
    assert!(told(", environments: {stage: prod}", &about_place));
    assert!(told(", environments: {stage: prod}, services: [order-api]", &about_place));
    assert!(!told(", environments: {stage: canary}", &about_place));
    assert!(!told(", services: [nightly-report]", &about_place));
    about_place.about = "777777777777/us-east-1".parse().expect("a place");
    assert!(
        told("", &about_place),
        "what the configuration does not know is told to who hears all"
    );
    assert!(!told(", environments: {stage: prod}", &about_place));
}

#[test]
fn two_routes_to_one_place_say_it_once() {
    let to = r#"to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:all"}"#;
    let twice = format!("notices:\n  - {{{to}, severity: error}}\n  - {{{to}}}\n");
    let twice = config(&twice);
    assert!(all().iter().all(|notice| messages(&twice, notice).len() == 1));
}

/// A fleet of thirty, with a chat and a machine that hear everything.
fn thirty() -> Config {
    let mut fleet =
        "registry: {account: \"999999999999\", region: ap-northeast-1}\nenvironments:\n".to_owned();
    for number in 1..=30 {
        let _ = writeln!(
            fleet,
            "  e{number}: {{account: \"222222222222\", region: ap-northeast-1, cluster: e{number}}}"
        );
    }
    fleet += r#"notices:
  - {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:chat"}, format: amazon-q}
  - {to: {webhook: "https://hooks.example.com/funade", key: funade/webhook}}
"#;
    let service = r#"
service: order-api
image: {repository: shop/order-api, container: app, select: {semver: "^1"}}
environments: all
"#;
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let files = [file("fleet.yaml", &fleet), file("services/order-api.yaml", service)];
    let checked = check(&Sources::new(files));
    checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

/// What a rollout to thirty targets tells, one of which is rolled back.
fn rollout() -> Vec<Notice> {
    let example = |kind: NoticeKind| {
        all().into_iter().find(|notice| notice.kind() == kind).expect("one of each")
    };
    let of = |number: usize, kind: NoticeKind| {
        let mut notice = example(kind);
        let id = target(&format!("e{number}/order-api"));
        (notice.id, notice.about) = (format!("{kind}/{number}"), About::Target(id.clone()));
        match &mut notice.told {
            Told::DeployStarted(DeployTold { deploy, in_rollout, .. })
            | Told::DeploySucceeded(DeployTold { deploy, in_rollout, .. })
            | Told::DeployFailed(DeployTold { deploy, in_rollout, .. })
            | Told::RolledBack(DeployTold { deploy, in_rollout, .. }) => {
                (deploy.id.target, *in_rollout) = (id, true);
            }
            Told::ReleaseAssigned { .. }
            | Told::RolloutEnded { .. }
            | Told::Superseded(_)
            | Told::Held { .. }
            | Told::Blocked { .. }
            | Told::FindingOpened(_)
            | Told::FindingClosed(_) => panic!("{kind} is not of a deploy that goes on"),
        }
        notice
    };
    let mut notices = vec![example(NoticeKind::ReleaseAssigned)];
    notices.extend((1..=30).map(|number| of(number, NoticeKind::DeployStarted)));
    notices.extend((1..=29).map(|number| of(number, NoticeKind::DeploySucceeded)));
    notices.extend([of(30, NoticeKind::DeployFailed), of(30, NoticeKind::RolledBack)]);
    let ended = Told::RolloutEnded {
        assignment: assignment(),
        succeeded: (1..=29).map(|number| environment(&format!("e{number}"))).collect(),
        failed: vec![(environment("e30"), "a container exits".to_owned())],
        took: SignedDuration::from_mins(12),
        superseded: None,
    };
    notices.push(Notice { told: ended, at: at(800), ..example(NoticeKind::RolloutEnded) });
    notices
}

#[test]
fn a_rollout_to_thirty_targets_is_one_thread_of_four_messages_and_machines_hear_all() {
    let (config, notices) = (thirty(), rollout());
    let all: Vec<_> = notices.iter().flat_map(|notice| messages(&config, notice)).collect();
    let (chat, machines): (Vec<_>, Vec<_>) =
        all.iter().partition(|message| matches!(message.to, Destination::Topic(_)));
    assert_eq!(machines.len(), notices.len());
    let kinds: Vec<&str> = chat.iter().map(|message| message.kind.as_str()).collect();
    assert_eq!(kinds, ["release-assigned", "deploy-failed", "rolled-back", "rollout-ended"]);
    let threads: BTreeSet<String> = chat
        .iter()
        .map(|message| serde_json::from_str::<Value>(&message.body).expect("JSON"))
        .map(|body| body["metadata"]["threadId"].as_str().expect("a thread").to_owned())
        .collect();
    assert_eq!(threads, BTreeSet::from(["order-api-1.4.3-3".to_owned()]));
}
