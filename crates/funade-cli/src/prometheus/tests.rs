//! What Prometheus reads, by its own words and by a parser that is not ours.

use funade::facts::deploy::{Ending, Phase};
use funade::facts::record::{Standing, StandingKind, TargetRecord};
use openmetrics_parser::prometheus::parse_prometheus;
use openmetrics_parser::{PrometheusType, PrometheusValue};

use super::*;
use crate::samples::{assignment, at, deploying, ended};

fn target(id: &str, kind: Option<StandingKind>, deploy: Option<Deploy>) -> TargetState {
    let standing = kind.map(|kind| Standing {
        assignment: 3,
        release: None,
        kind,
        code: "already-runs".to_owned(),
        sentence: "it stands so".to_owned(),
        since: at(200),
    });
    let record = TargetRecord { standing, deploy, ..TargetRecord::default() };
    let assigned = kind.map(|_| assignment(3, "1.4.3"));
    TargetState { id: id.parse().expect("a target"), assigned, record }
}

fn services() -> Vec<ServiceStatus> {
    let succeeded = ended(Ending::Succeeded, Phase::Succeeded);
    let targets = vec![
        target("acme/order-api", Some(StandingKind::Settled), Some(succeeded)),
        target("globex/order-api", Some(StandingKind::Waiting), Some(deploying())),
        target("stark/order-api", None, None),
    ];
    vec![ServiceStatus { service: "order-api".parse().expect("a service"), targets }]
}

fn findings() -> Vec<Finding> {
    let about = || "acme/order-api".parse().expect("well-formed");
    let finding = |kind, is_open| {
        let said = (String::new(), String::new());
        Finding { is_open, ..Finding::new(about(), kind, said, at(0)) }
    };
    vec![finding(FindingKind::NoBrake, true), finding(FindingKind::Unhealthy, false)]
}

fn text(release: &str) -> String {
    let runs = BTreeMap::from([("acme/order-api".parse().expect("a target"), release.to_owned())]);
    let (services, findings) = (services(), findings());
    to_text(&Fleet {
        configuration: 12,
        services: &services,
        runs: &runs,
        findings: &findings,
        holds: 2,
    })
}

/// The values of a metric by their labels, as the parser reads them.
fn read(text: &str, name: &str) -> Vec<(Vec<(String, String)>, f64)> {
    let exposition = parse_prometheus(text).unwrap_or_else(|error| panic!("{error:?}: {text}"));
    let family = exposition.families.get(name).expect("the metric is there");
    assert_eq!(family.family_type, PrometheusType::Gauge);
    let sample = |sample: &openmetrics_parser::Sample<PrometheusValue>| {
        let labels = sample.get_labelset().expect("labels");
        let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let PrometheusValue::Gauge(value) = &sample.value else { panic!("no gauge: {sample:?}") };
        (labels, value.as_f64())
    };
    family.iter_samples().map(sample).collect()
}

#[test]
fn a_fleet_is_told_metric_by_metric() {
    insta::assert_snapshot!(text("1.4.3"));
    assert_eq!(text("1.4.3"), text("1.4.3"));
}

#[test]
fn another_parser_reads_the_same() {
    let text = text("1.4.3");
    let value = |name, labels: &[(&str, &str)]| {
        let has = |all: &[(String, String)]| {
            labels.iter().all(|(name, value)| all.iter().any(|l| l.0 == *name && l.1 == *value))
        };
        let values = read(&text, name);
        values.into_iter().filter(|(all, _)| has(all)).map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(value("funade_configuration_version", &[]), [12.0]);
    assert_eq!(value("funade_holds", &[]), [2.0]);
    assert_eq!(value("funade_targets", &[("state", "unknown")]), [1.0]);
    assert_eq!(value("funade_targets", &[("state", "blocked")]), [0.0]);
    assert_eq!(value("funade_findings", &[("kind", "no-brake")]), [1.0]);
    assert_eq!(value("funade_findings", &[("kind", "unhealthy")]), [0.0]);
    assert_eq!(value("funade_target_info", &[]), [1.0; 3]);
    assert_eq!(value("funade_target_since_seconds", &[]).len(), 2);
    assert_eq!(value("funade_deploys_last_duration_seconds", &[]), [190.0]);
}

/// No tag looks like this; the format's text must stay whole all the same.
#[test]
fn hostile_text_stays_within_its_label() {
    for hostile in [
        "1.0\"} 1\nfunade_holds 99",
        "\\",
        "\\\"",
        "a\nb",
        "{x=\"y\"}",
        "# TYPE funade_holds counter",
        "ü, 発",
        "",
    ] {
        let text = text(hostile);
        let info = read(&text, "funade_target_info");
        let has = |labels: &[(String, String)], name: &str, value: &str| {
            labels.iter().any(|label| label.0 == name && label.1 == value)
        };
        let mut of_acme = info.iter().filter(|(labels, _)| has(labels, "environment", "acme"));
        let (labels, _) = of_acme.next().expect("it is told of");
        // The parser gives values as they are written.
        let written = hostile.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        assert!(has(labels, "release", &written), "{labels:?} {text}");
        assert_eq!(read(&text, "funade_holds"), [(Vec::new(), 2.0)]);
        assert_eq!(text.lines().count(), self::text("1.4.3").lines().count(), "{text}");
    }
}

/// A textfile collector reads version 0.0.4, which has no end's line, no units and fewer types.
#[test]
fn there_is_nothing_that_only_openmetrics_has() {
    let text = text("1.4.3");
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    for line in text.lines().filter(|line| line.starts_with('#')) {
        assert!(line.starts_with("# HELP funade_") || line.ends_with(" gauge"), "{line}");
    }
}
