//! The fleet's `notices`: who is told of what.

use std::collections::BTreeSet;

use funade::config::{Format, Route, RouteTo};
use funade::facts::finding::Severity;
use funade::facts::names::EnvironmentName;
use funade::facts::notice::NoticeKind;

use crate::{FLEET, SERVICE, check, read};

fn fleet(notices: &str) -> String {
    format!("{FLEET}notices:\n{notices}\n")
}

/// The only route of a fleet that is right.
#[track_caller]
fn route(route: &str) -> Route {
    let checked = read(&fleet(&format!("- {route}")), &[SERVICE]);
    assert!(checked.problems.is_empty(), "{:#?}", checked.problems);
    let config = checked.config.expect("valid");
    let [route] = <[Route; 1]>::try_from(config.notices).expect("one route");
    route
}

const TOPIC: &str = r#"to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:deploys"}"#;

#[test]
fn without_a_word_nobody_is_told() {
    assert_eq!(read(FLEET, &[SERVICE]).config.expect("valid").notices, []);
}

#[test]
fn what_is_left_out_matches_everything() {
    let route = route(&format!("{{{TOPIC}}}"));
    assert_eq!((&route.environments, &route.services), (&None, &None));
    assert_eq!(route.kinds, BTreeSet::from(NoticeKind::ALL));
    assert_eq!(route.severity, Severity::Notice);
    let RouteTo::Topic { arn, format } = &route.to else { panic!("a topic") };
    assert_eq!(arn.as_str(), "arn:aws:sns:ap-northeast-1:999999999999:deploys");
    assert_eq!(*format, Format::Text);
}

#[test]
fn a_route_takes_what_it_names() {
    let route = route(&format!(
        "{{{TOPIC}, format: amazon-q, environments: {{stage: prod}}, services: [order-api], \
         kinds: [blocked, rolled-back], severity: warning}}"
    ));
    let environments = route.environments.expect("some");
    let environments: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
    assert_eq!(environments, ["acme", "globex"]);
    assert_eq!(route.services.expect("one").len(), 1);
    assert_eq!(route.kinds, BTreeSet::from([NoticeKind::RolledBack, NoticeKind::Blocked]));
    assert_eq!(route.severity, Severity::Warning);
    assert!(matches!(route.to, RouteTo::Topic { format: Format::AmazonQ, .. }));
}

#[test]
fn webhooks_and_datadog_have_an_address_and_a_key() {
    let hook = route(r#"{to: {webhook: "http://127.0.0.1:8080/hook", key: funade/webhook}}"#);
    let RouteTo::Webhook { url, key } = hook.to else { panic!("a webhook") };
    assert_eq!((url.as_str(), key.as_str()), ("http://127.0.0.1:8080/hook", "funade/webhook"));
    let datadog = route(r#"{to: {datadog: "https://api.datadoghq.eu", key: funade/datadog}}"#);
    assert!(matches!(datadog.to, RouteTo::Datadog { .. }));
}

#[test]
fn every_wrong_destination_is_told() {
    check(
        &fleet(
            r#"- {to: {topic: deploys}}
- {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:deploys.fifo"}}
- {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:deploys", key: funade/key}}
- {to: {webhook: "http://hooks.example.com", key: funade/webhook}}
- {to: {webhook: "https://hooks.example.com"}, format: json}
- {to: {webhook: "https://hooks.example.com", key: funade/webhook}, format: json}
- {to: {datadog: "api.datadoghq.eu", key: funade/datadog}, format: json}
- {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:a", webhook: "https://hooks.example.com"}}
- {to: {key: funade/webhook}}
- {to: ops@example.com}
- {format: text}"#,
        ),
        &[SERVICE],
        &[
            "fleet.yaml:8:16: error: notices[0].to.topic: `deploys` is not an SNS topic's ARN; write arn:aws:sns:REGION:ACCOUNT:NAME, as in arn:aws:sns:ap-northeast-1:999999999999:deploys [bad-topic]",
            "fleet.yaml:9:16: error: notices[1].to.topic: `arn:aws:sns:ap-northeast-1:999999999999:deploys.fifo` is a FIFO topic, which neither mail nor chat can read; write a standard topic's ARN [fifo-topic]",
            "fleet.yaml:10:72: error: notices[2].to.key: a topic takes no `key`; remove `key`; Funade's role may publish to the topic [bad-route]",
            "fleet.yaml:11:18: error: notices[3].to.webhook: `http://hooks.example.com` is not an address to post to; write https://HOST/PATH, without a user, a password or a fragment; http:// only goes to 127.0.0.1 and localhost [bad-url]",
            "fleet.yaml:12:8: error: notices[4].to: `key` is missing; add `key`: a secret's name in Secrets Manager, as in funade/webhook [missing-key]",
            "fleet.yaml:13:77: error: notices[5].format: `format` has no meaning here: a webhook always gets signed JSON; remove `format` [bad-route]",
            "fleet.yaml:14:18: error: notices[6].to.datadog: `api.datadoghq.eu` is not an address to post to; write https://HOST/PATH, without a user, a password or a fragment; http:// only goes to 127.0.0.1 and localhost [bad-url]",
            "fleet.yaml:15:8: error: notices[7].to: exactly one of `topic`, `webhook` and `datadog` must be written; write one of {topic: \"arn:aws:sns:…\"}, {webhook: \"https://…\", key: SECRET} and {datadog: \"https://api.…\", key: SECRET} [bad-route]",
            "fleet.yaml:16:8: error: notices[8].to: exactly one of `topic`, `webhook` and `datadog` must be written; write one of {topic: \"arn:aws:sns:…\"}, {webhook: \"https://…\", key: SECRET} and {datadog: \"https://api.…\", key: SECRET} [bad-route]",
            "fleet.yaml:17:8: error: notices[9].to: a single value stands here; write one of {topic: \"arn:aws:sns:…\"}, {webhook: \"https://…\", key: SECRET} and {datadog: \"https://api.…\", key: SECRET} [wrong-type]",
            "fleet.yaml:18:3: error: notices[10]: `to` is missing; add `to`: one of {topic: \"arn:aws:sns:…\"}, {webhook: \"https://…\", key: SECRET} and {datadog: \"https://api.…\", key: SECRET} [missing-key]",
        ],
    );
}

#[test]
fn every_wrong_condition_is_told() {
    check(
        &fleet(&format!(
            "- {{{TOPIC}, format: html, severity: fatal}}
- {{{TOPIC}, kinds: [deploy-fails], services: [order-apy]}}
- {{{TOPIC}, kinds: [], services: []}}
- {{{TOPIC}, kinds: [held, held], services: [order-api, order-api]}}
- {{{TOPIC}, environments: {{stage: production}}}}
- {{{TOPIC}, environments: []}}
- {{{TOPIC}, environment: all}}"
        )),
        &[SERVICE],
        &[
            "fleet.yaml:8:76: error: notices[0].format: `html` is not a choice here; the choices are text, amazon-q, json [bad-choice]",
            "fleet.yaml:8:92: error: notices[0].severity: `fatal` is not a choice here; the choices are notice, warning, error [bad-choice]",
            "fleet.yaml:9:76: error: notices[1].kinds[0]: `deploy-fails` is not a choice here; did you mean `deploy-failed`? [bad-choice]",
            "fleet.yaml:9:102: error: notices[1].services[0]: there is no service `order-apy`; did you mean `order-api`? [unknown-service]",
            "fleet.yaml:10:75: error: notices[2].kinds: an empty list matches no notice; name at least one, or remove the key to match all [empty-list]",
            "fleet.yaml:10:89: error: notices[2].services: an empty list matches no notice; name at least one, or remove the key to match all [empty-list]",
            "fleet.yaml:11:82: error: notices[3].kinds[1]: `held` is named twice; name it once [duplicate-item]",
            "fleet.yaml:11:111: error: notices[3].services[1]: `order-api` is named twice; name it once [duplicate-item]",
            "fleet.yaml:12:90: error: notices[4].environments.stage: no environment has stage: production; the values are canary, prod [unknown-label]",
            "fleet.yaml:13:82: error: notices[5].environments: this selects no environment; write all, labels that some environment has, or names [empty-selection]",
            "fleet.yaml:14:68: error: notices[6].environment: there is no key `environment` here; did you mean `environments`? [unknown-key]",
        ],
    );
}

#[test]
fn a_route_that_can_never_say_anything_is_told() {
    let service = SERVICE.replace("environments: all", "environments: [internal]");
    check(
        &fleet(&format!("- {{{TOPIC}, environments: {{stage: prod}}, services: [order-api]}}")),
        &[&service],
        &[
            "fleet.yaml:8:107: error: notices[0].services: none of these services is in any of the route's `environments`; name services that are, or leave one of the two out [empty-selection]",
        ],
    );
}

#[test]
fn a_service_that_could_not_be_read_is_not_unknown() {
    let checked = read(&fleet(&format!("- {{{TOPIC}, services: [storefront]}}")), &["service: [x"]);
    let rules: Vec<&str> = checked.problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, ["yaml-syntax"]);
}
