//! The fleet's state in Prometheus's text format.
//!
//! In: what the ledger says. Out: text of version 0.0.4, as a textfile collector and a scrape read it.
//! Only gauges: for these the library's `OpenMetrics` is that format too, but for its last line, which
//! is left out. Invariants: the same fleet makes the same text, and text from outside stays within its
//! label. <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::fmt;

use funade::decisions::metrics::State;
use funade::facts::deploy::{Deploy, Progress};
use funade::facts::finding::{Finding, FindingKind};
use funade::facts::names::TargetId;
use funade::shell::{ServiceStatus, TargetState};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// All that is told of a fleet.
pub(crate) struct Fleet<'a> {
    /// The version of the configuration in force.
    pub(crate) configuration: u64,
    /// How its targets stand.
    pub(crate) services: &'a [ServiceStatus],
    /// The release that each target runs, as far as that is known.
    pub(crate) runs: &'a BTreeMap<TargetId, String>,
    /// What the sweep has found.
    pub(crate) findings: &'a [Finding],
    /// How many holds stand.
    pub(crate) holds: usize,
}

/// A metric and its values.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<Sample>,
}

/// A value and its labels.
#[derive(Debug)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: i64,
}

/// All metrics of a fleet. A collector, since the library's own families have no order.
#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, samples } in &self.0 {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            // The library would write the braces of no labels.
            if let [Sample { labels, value }] = samples.as_slice()
                && labels.is_empty()
            {
                ConstGauge::new(*value).encode(metric)?;
                continue;
            }
            for Sample { labels, value } in samples {
                ConstGauge::new(*value).encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

/// The fleet's state, as Prometheus reads it.
pub(crate) fn to_text(fleet: &Fleet<'_>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families(fleet))));
    let mut text = String::new();
    encode_registry(&mut text, &registry).expect("a string takes all");
    text
}

fn families(fleet: &Fleet<'_>) -> Vec<Family> {
    let targets = || fleet.services.iter().flat_map(|service| &service.targets);
    let family = |name, help, samples| Family { name, help, samples };
    let one = |value: i64| vec![Sample { labels: Vec::new(), value }];
    let config = fleet.configuration.try_into().unwrap_or(i64::MAX);
    vec![
        family(
            "funade_configuration_version",
            "Version of the configuration in force.",
            one(config),
        ),
        family(
            "funade_targets",
            "Targets of a service that stand like this: settled, waiting, blocked, or unknown before \
             the first look.",
            fleet.services.iter().flat_map(by_state).collect(),
        ),
        family(
            "funade_target_info",
            "Always 1: the release that a target runs, the one assigned to it, and how it stands. \
             Empty where that is not known.",
            targets().map(|target| info(fleet, target)).collect(),
        ),
        family(
            "funade_target_since_seconds",
            "Since when a target stands so, in Unix time.",
            targets().filter_map(since).collect(),
        ),
        family(
            "funade_deploys_last_duration_seconds",
            "How long a target's last deploy took, from its beginning to its end, whatever that was. \
             None while it is under way.",
            targets().filter_map(last_duration).collect(),
        ),
        family(
            "funade_findings",
            "Open findings of the sweep of this kind.",
            FindingKind::ALL.into_iter().map(|kind| of_kind(fleet.findings, kind)).collect(),
        ),
        family(
            "funade_holds",
            "Holds that stand, those of rollbacks included.",
            one(number(fleet.holds)),
        ),
    ]
}

fn by_state(service: &ServiceStatus) -> impl Iterator<Item = Sample> {
    State::ALL.into_iter().map(|state| {
        let stand_so = service.targets.iter().filter(|target| state_of(target) == state).count();
        let labels =
            vec![("service", service.service.to_string()), ("state", state.as_str().to_owned())];
        Sample { labels, value: number(stand_so) }
    })
}

fn info(fleet: &Fleet<'_>, target: &TargetState) -> Sample {
    let mut labels = who(target);
    let assigned = target.assigned.as_ref();
    labels.extend([
        ("release", fleet.runs.get(&target.id).cloned().unwrap_or_default()),
        ("assigned", assigned.map(|assigned| assigned.release.tag.to_string()).unwrap_or_default()),
        ("state", state_of(target).as_str().to_owned()),
    ]);
    Sample { labels, value: 1 }
}

fn since(target: &TargetState) -> Option<Sample> {
    let standing = target.record.standing.as_ref()?;
    Some(Sample { labels: who(target), value: standing.since.as_second() })
}

fn last_duration(target: &TargetState) -> Option<Sample> {
    let Deploy { begun_at, progress, .. } = target.record.deploy.as_ref()?;
    match progress {
        Progress::Ended { at, .. } => {
            let took = at.duration_since(*begun_at).as_secs();
            Some(Sample { labels: who(target), value: took })
        }
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::GoingBack { .. } => None,
    }
}

fn of_kind(findings: &[Finding], kind: FindingKind) -> Sample {
    let open = findings.iter().filter(|finding| finding.is_open && finding.kind == kind).count();
    Sample { labels: vec![("kind", kind.as_str().to_owned())], value: number(open) }
}

fn who(target: &TargetState) -> Vec<(&'static str, String)> {
    vec![
        ("environment", target.id.environment.to_string()),
        ("service", target.id.service.to_string()),
    ]
}

fn state_of(target: &TargetState) -> State {
    State::from(target.record.standing.as_ref().map(|standing| standing.kind))
}

fn number(count: usize) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
