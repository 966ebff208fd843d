//! What is counted of deploys and of the fleet, and that `CloudWatch` can read it.

use std::collections::BTreeSet;

use super::*;
use crate::facts::cause::{Cause, Diagnosis};
use crate::facts::configuration::Configuration;
use crate::facts::deploy::{DeployId, GoingBack};
use crate::facts::finding::About;
use crate::facts::names::{Digest, RevisionArn, Tag, TargetId};
use crate::facts::release::{Assignment, Release};

/// A moment, in seconds after a Monday morning.
fn at(seconds: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-23T01:30:00Z".parse().expect("a moment");
    begin + SignedDuration::from_secs(seconds)
}

fn revision() -> RevisionArn {
    RevisionArn::parse("arn:aws:ecs:eu-west-1:222222222222:task-definition/acme-order-api:7")
        .expect("an ARN")
}

fn cause(trigger: Trigger) -> Cause {
    Cause {
        trigger,
        diagnosis: Diagnosis::Unknown,
        what: "it did not arrive".to_owned(),
        tasks: Vec::new(),
        messages: Vec::new(),
    }
}

/// A deploy of what was pushed at 0 and begun at 10, with the phases that it has gone through.
fn deploy(progress: Progress, phases: &[(Phase, i64)]) -> Deploy {
    let release = Release {
        tag: Tag::parse("1.4.3").expect("a tag"),
        digest: Digest::parse(format!("sha256:{:064}", 3)).expect("a digest"),
        pushed_at: at(0),
        noted_at: at(1),
        cause: "push".to_owned(),
    };
    let target: TargetId = "acme/order-api".parse().expect("a target");
    Deploy {
        id: DeployId { target, number: 7 },
        assignment: Assignment { number: 3, release, by: AssignedBy::Selection, at: at(2) },
        from: revision(),
        cause: "push".to_owned(),
        configuration: Configuration::default(),
        fingerprint: String::new(),
        disregards: BTreeSet::new(),
        attempt: 1,
        again: false,
        begun_at: at(10),
        progress,
        phases: phases.iter().map(|(phase, seconds)| (*phase, at(*seconds))).collect(),
    }
}

fn ended(ending: Ending, phases: &[(Phase, i64)]) -> Deploy {
    let (_, last) = phases.last().expect("it has gone through some");
    deploy(Progress::Ended { revision: None, ending, at: at(*last) }, phases)
}

fn arrived() -> Deploy {
    let phases = [(Phase::Starting, 10), (Phase::Deploying, 13), (Phase::Succeeded, 130)];
    ended(Ending::Succeeded, &phases)
}

fn rolled_back(by: UndoneBy, phases: &[(Phase, i64)]) -> Deploy {
    ended(Ending::RolledBack { cause: cause(Trigger::GivenUp), by, to: revision() }, phases)
}

fn failed(trigger: Trigger, phases: &[(Phase, i64)]) -> Deploy {
    ended(Ending::Failed { cause: cause(trigger), stays: String::new() }, phases)
}

fn notice(of: fn(DeployTold) -> Told, deploy: Deploy) -> Notice {
    let target = deploy.id.target.clone();
    let told =
        of(DeployTold { deploy: Box::new(deploy), in_rollout: true, before: None, back_to: None });
    Notice {
        id: format!("target/{target}/9/deploy"),
        at: at(200),
        about: About::Target(target),
        told,
    }
}

/// The metrics of a notice, as a person would write them down.
fn told(of: fn(DeployTold) -> Told, deploy: Deploy) -> Vec<String> {
    metrics_of_notice(&notice(of, deploy)).iter().map(written).collect()
}

fn written(metric: &Metric) -> String {
    let dimensions: Vec<&str> = metric.dimensions.iter().map(Dimension::value).collect();
    format!("{} {} {}", metric.name.as_str(), metric.value, dimensions.join(" ")).trim().to_owned()
}

fn finding(about: &str, kind: FindingKind, is_open: bool) -> Finding {
    let about = about.parse().expect("well-formed");
    Finding { is_open, ..Finding::new(about, kind, (String::new(), String::new()), at(0)) }
}

fn fleet() -> Vec<Metric> {
    let findings = [
        finding("acme/order-api", FindingKind::Behind, true),
        finding("acme/order-api", FindingKind::StaleConfiguration, true),
        finding("globex/order-api", FindingKind::Behind, true),
        finding("globex/order-api", FindingKind::Unhealthy, false),
        finding("order-api", FindingKind::MissedImage, true),
    ];
    let targets = [Some(StandingKind::Settled), Some(StandingKind::Settled), None];
    metrics_of_fleet(&findings, Some(&targets))
}

#[test]
fn a_success_says_how_long_it_and_its_release_took() {
    assert_eq!(
        told(Told::DeploySucceeded, arrived()),
        [
            "Deploys 1 order-api succeeded",
            "DeployDuration 120000 order-api",
            "LeadTime 130000 order-api"
        ]
    );
}

#[test]
fn nobody_has_waited_for_what_a_parameter_or_a_person_brings_again() {
    let for_a_parameter = Deploy { cause: "parameter".to_owned(), ..arrived() };
    let mut asked_for = arrived();
    asked_for.assignment.by = AssignedBy::Request { id: "r".to_owned(), by: "dana".to_owned() };
    for deploy in [for_a_parameter, asked_for] {
        let told = told(Told::DeploySucceeded, deploy);
        assert_eq!(told, ["Deploys 1 order-api succeeded", "DeployDuration 120000 order-api"]);
    }
}

#[test]
fn a_registry_whose_clock_is_ahead_makes_no_negative_time() {
    let mut ahead = arrived();
    ahead.assignment.release.pushed_at = at(1000);
    assert_eq!(told(Told::DeploySucceeded, ahead)[2], "LeadTime 0 order-api");
}

#[test]
fn a_deploy_has_failed_once_whatever_becomes_of_its_rollback() {
    let turned = [(Phase::Deploying, 13), (Phase::RollingBack, 100)];
    let going = GoingBack {
        cause: cause(Trigger::GivenUp),
        by: UndoneBy::Ecs,
        leaves: revision(),
        to: None,
        since: at(100),
        asked_at: None,
    };
    let turning = deploy(Progress::GoingBack { revision: None, deployment: None, going }, &turned);
    let later = |last: Phase| [turned[0], turned[1], (last, 200)];
    let at_once = |last: Phase| [turned[0], turned[1], (last, 100)];
    let (one, back) = ("Deploys 1 order-api failed", "Deploys 1 order-api rolled-back");
    let none: [&str; 0] = [];

    assert_eq!(told(Told::DeployFailed, turning), [one]);
    let failed_then = failed(Trigger::GivenUp, &later(Phase::Failed));
    assert_eq!(told(Told::DeployFailed, failed_then), none);
    let back_then = rolled_back(UndoneBy::Ecs, &later(Phase::RolledBack));
    assert_eq!(told(Told::RolledBack, back_then), [back]);

    // Within one write, the end is all that is told.
    let failed_at_once = failed(Trigger::GivenUp, &at_once(Phase::Failed));
    assert_eq!(told(Told::DeployFailed, failed_at_once), [one]);
    let back_at_once = rolled_back(UndoneBy::Funade, &at_once(Phase::RolledBack));
    assert_eq!(told(Told::RolledBack, back_at_once), [one, back]);

    // Without a way back it fails where it is.
    let stays = failed(Trigger::Deadline, &[(Phase::Deploying, 13), (Phase::TimedOut, 100)]);
    assert_eq!(told(Told::DeployFailed, stays), [one]);
}

#[test]
fn what_a_person_undoes_has_not_failed_until_that_does() {
    let dana = || UndoneBy::Person("dana".to_owned());
    let undone =
        |last, seconds| [(Phase::Succeeded, 130), (Phase::RollingBack, 500), (last, seconds)];
    for seconds in [500, 600] {
        let back = rolled_back(dana(), &undone(Phase::RolledBack, seconds));
        assert_eq!(told(Told::RolledBack, back), ["Deploys 1 order-api rolled-back"]);
    }
    let stuck = failed(Trigger::Person, &undone(Phase::Failed, 600));
    assert_eq!(told(Told::DeployFailed, stuck), ["Deploys 1 order-api failed"]);
}

#[test]
fn what_begins_and_what_is_superseded_is_counted_and_the_rest_is_not() {
    let begun = deploy(Progress::Begun, &[(Phase::Starting, 10)]);
    assert_eq!(told(Told::DeployStarted, begun), ["Deploys 1 order-api started"]);
    let superseded = ended(Ending::Superseded, &[(Phase::Superseded, 20)]);
    assert_eq!(told(Told::Superseded, superseded), ["Deploys 1 order-api superseded"]);
    let found = finding("acme/order-api", FindingKind::Behind, true);
    let opened = Notice {
        id: String::new(),
        at: at(0),
        about: found.about.clone(),
        told: Told::FindingOpened(found),
    };
    assert_eq!(metrics_of_notice(&opened), []);
}

#[test]
fn a_fleet_is_counted_with_what_it_has_none_of() {
    let written: Vec<String> = fleet().iter().map(written).collect();
    insta::assert_snapshot!(written.join("\n"));
}

#[test]
fn targets_that_were_not_read_are_not_counted() {
    let names = metrics_of_fleet(&[], None).into_iter().map(|metric| metric.name);
    assert!(names.collect::<Vec<_>>().iter().all(|name| *name != MetricName::Targets));
}

#[test]
fn targets_are_counted_once_in_each_whole_sweep() {
    for of in [1, 2, 15, 60] {
        let counted = (-60..60).filter(|minute| are_targets_counted(*minute, of)).count();
        assert_eq!(i64::try_from(counted), Ok(120 / of), "{of}");
    }
    assert!(are_targets_counted(7, 0), "no setting makes it fail");
}

/// What the log's lines say, each checked against the specification: its schema, and what a schema
/// cannot say.
fn read(lines: &[String]) -> Vec<Value> {
    let schema: Value = serde_json::from_str(include_str!("emf.schema.json")).expect("JSON");
    jsonschema::meta::validate(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let read = |line: &String| {
        assert!(!line.contains('\n') && line.len() < 256 * 1024, "{line}");
        let document: Value = serde_json::from_str(line).expect("a line is a document");
        let problems: Vec<String> =
            validator.iter_errors(&document).map(|problem| problem.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new(), "{line}");
        for directive in document["_aws"]["CloudWatchMetrics"].as_array().expect("a list") {
            refers(directive, &document);
        }
        document
    };
    lines.iter().map(read).collect()
}

/// Whatever a directive names must be a member of the root, and of the right kind.
fn refers(directive: &Value, document: &Value) {
    for dimension in directive["Dimensions"].as_array().into_iter().flatten() {
        for name in dimension.as_array().into_iter().flatten() {
            let value = document[name.as_str().expect("a name")].as_str();
            assert!(value.is_some_and(|value| (1..=1024).contains(&value.len())), "{document}");
        }
    }
    for metric in directive["Metrics"].as_array().into_iter().flatten() {
        match &document[metric["Name"].as_str().expect("a name")] {
            Value::Number(_) => {}
            Value::Array(values) => {
                assert!(values.len() <= 100 && values.iter().all(Value::is_number), "{document}");
            }
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => {
                panic!("{metric} has no value: {document}")
            }
        }
    }
}

#[test]
fn the_lines_of_a_success_are_as_cloudwatch_reads_them() {
    let lines = to_emf(&metrics_of_notice(&notice(Told::DeploySucceeded, arrived())), at(130));
    read(&lines);
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_lines_of_a_fleet_are_as_cloudwatch_reads_them() {
    let lines = to_emf(&fleet(), at(0));
    assert_eq!(read(&lines).len(), FindingKind::ALL.len() + 1 + State::ALL.len());
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_document_has_a_hundred_values_of_a_metric_at_the_most() {
    let one = metrics_of_notice(&notice(Told::DeploySucceeded, arrived()));
    let many: Vec<Metric> = (0..250).flat_map(|_| one.clone()).collect();
    let documents = read(&to_emf(&many, at(0)));
    let values = |name: &str| -> usize {
        let of = |document: &Value| document[name].as_array().map_or(0, Vec::len);
        documents.iter().map(of).sum()
    };
    assert_eq!([values("Deploys"), values("DeployDuration"), values("LeadTime")], [250; 3]);
    assert_eq!(documents.len(), 6);
    assert_eq!(to_emf(&[], at(0)), Vec::<String>::new());
}

#[test]
fn no_metric_is_kept_by_target_or_release() {
    let of_deploy = metrics_of_notice(&notice(Told::DeploySucceeded, arrived()));
    for line in to_emf(&[of_deploy, fleet()].concat(), at(0)) {
        assert!(!line.contains("acme") && !line.contains("1.4.3"), "{line}");
    }
}
