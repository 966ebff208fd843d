//! What is counted and measured, for dashboards and alarms.
//!
//! In: notices as they are sent, and what a sweep leaves in the ledger. Out: metrics, and the lines by
//! which a function tells them to `CloudWatch`: whatever stands in its log in the embedded metric
//! format becomes a metric, without a call of any API. Invariant: no dimension grows with the fleet's
//! environments or with time, since each value of a dimension is a metric of its own that is paid for.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::facts::cause::Trigger;
use crate::facts::deploy::{Deploy, Ending, Phase, Progress, UndoneBy};
use crate::facts::finding::{Finding, FindingKind};
use crate::facts::names::ServiceName;
use crate::facts::notice::{DeployTold, Notice, Told};
use crate::facts::record::StandingKind;
use crate::facts::release::AssignedBy;

/// Whose metrics they are, in `CloudWatch`.
pub const NAMESPACE: &str = "Funade";

/// Values of one metric in one document, by the specification.
const VALUES_MAX: usize = 100;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Of what.
    pub name: MetricName,
    /// A number, or milliseconds.
    pub value: u64,
    /// What it is about.
    pub dimensions: Vec<Dimension>,
}

/// What is counted or measured. Each has the same kinds of dimensions, whenever it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricName {
    /// Deploys that were begun, or came to an end.
    Deploys,
    /// From a deploy's beginning to its success.
    DeployDuration,
    /// From the push of a release to its success on a target.
    LeadTime,
    /// Findings that stand.
    Findings,
    /// Findings by which a target runs something else than it should.
    Drift,
    /// Targets, by how they stand.
    Targets,
}

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration.
    Milliseconds,
}

/// What a value is about. Neither a target nor a release: of those there are too many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The service of which something was deployed.
    Service(ServiceName),
    /// What became of a deploy.
    Outcome(Outcome),
    /// The kind of finding.
    Kind(FindingKind),
    /// How a target stands.
    State(State),
}

/// What becomes of a deploy. One that fails and is rolled back is counted under both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was begun.
    Started,
    /// It serves, and was found good.
    Succeeded,
    /// It failed, wherever it goes from there.
    Failed,
    /// What ran before runs again.
    RolledBack,
    /// Something newer took its place.
    Superseded,
}

/// How a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing is left to do.
    Settled,
    /// It passes by itself.
    Waiting,
    /// It needs a person.
    Blocked,
    /// No pass has looked at it yet.
    Unknown,
}

/// What a notice counts and measures. A notice that comes twice counts twice.
#[must_use]
pub fn metrics_of_notice(notice: &Notice) -> Vec<Metric> {
    match &notice.told {
        Told::DeployStarted(told) => vec![deploys(told, Outcome::Started)],
        Told::DeploySucceeded(told) => succeeded(told, notice.at),
        Told::DeployFailed(told) if was_told_to_fail(&told.deploy) => Vec::new(),
        Told::DeployFailed(told) => vec![deploys(told, Outcome::Failed)],
        Told::RolledBack(told) => {
            let failed = failed_untold(&told.deploy).then(|| deploys(told, Outcome::Failed));
            failed.into_iter().chain([deploys(told, Outcome::RolledBack)]).collect()
        }
        Told::Superseded(told) => vec![deploys(told, Outcome::Superseded)],
        Told::ReleaseAssigned { .. }
        | Told::RolloutEnded { .. }
        | Told::Held { .. }
        | Told::Blocked { .. }
        | Told::FindingOpened(_)
        | Told::FindingClosed(_) => Vec::new(),
    }
}

/// What the ledger says of the whole fleet: the findings that stand, and how its targets do, where
/// they were read. What there is none of is said too, so that an alarm for it ends.
#[must_use]
pub fn metrics_of_fleet(
    findings: &[Finding],
    targets: Option<&[Option<StandingKind>]>,
) -> Vec<Metric> {
    let open = || findings.iter().filter(|finding| finding.is_open);
    let of_kind = FindingKind::ALL.into_iter().map(|kind| {
        let number = open().filter(|finding| finding.kind == kind).count();
        count(MetricName::Findings, number, vec![Dimension::Kind(kind)])
    });
    let drifted = open().filter(|finding| is_drift(finding.kind)).count();
    let of_state = State::ALL.into_iter().filter_map(|state| {
        let number = targets?.iter().filter(|standing| State::from(**standing) == state).count();
        Some(count(MetricName::Targets, number, vec![Dimension::State(state)]))
    });
    of_kind.chain([count(MetricName::Drift, drifted, Vec::new())]).chain(of_state).collect()
}

/// Whether the targets are counted in this minute, where everything is looked at once in so many:
/// in the last of them. Their records are all read for it, and once in a while is enough for a gauge.
#[must_use]
pub fn are_targets_counted(minute: i64, of: i64) -> bool {
    let of = of.max(1);
    minute.rem_euclid(of) == of - 1
}

/// The lines by which a function's log tells these metrics to `CloudWatch`.
#[must_use]
pub fn to_emf(metrics: &[Metric], at: Timestamp) -> Vec<String> {
    let mut documents: BTreeMap<&[Dimension], BTreeMap<MetricName, Vec<u64>>> = BTreeMap::new();
    for Metric { name, value, dimensions } in metrics {
        documents.entry(dimensions).or_default().entry(*name).or_default().push(*value);
    }
    let lines = documents.into_iter().flat_map(|(dimensions, values)| {
        let most = values.values().map(Vec::len).max().unwrap_or_default();
        (0..most.div_ceil(VALUES_MAX)).map(move |part| document(dimensions, &values, part, at))
    });
    lines.map(|document| document.to_string()).collect()
}

/// One document: what is about the same, with at most [`VALUES_MAX`] values of each metric.
fn document(
    dimensions: &[Dimension],
    values: &BTreeMap<MetricName, Vec<u64>>,
    part: usize,
    at: Timestamp,
) -> Value {
    let mut root = Map::new();
    let mut directives = Vec::new();
    for (name, values) in values {
        let Some(values) = values.chunks(VALUES_MAX).nth(part) else { continue };
        directives.push(json!({
            "Namespace": NAMESPACE,
            "Dimensions": name.dimension_sets(),
            "Metrics": [{"Name": name.as_str(), "Unit": name.unit().as_str()}],
        }));
        let value = if let [value] = values { json!(value) } else { json!(values) };
        root.insert(name.as_str().to_owned(), value);
    }
    for dimension in dimensions {
        root.insert(dimension.name().to_owned(), dimension.value().into());
    }
    let told = json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": directives});
    root.insert("_aws".to_owned(), told);
    Value::Object(root)
}

fn deploys(told: &DeployTold, outcome: Outcome) -> Metric {
    count(MetricName::Deploys, 1, vec![service(told), Dimension::Outcome(outcome)])
}

fn succeeded(told: &DeployTold, at: Timestamp) -> Vec<Metric> {
    let deploy = &told.deploy;
    let at = ended_at(deploy).unwrap_or(at);
    let lasted = |name: MetricName, since: Timestamp| {
        let value = milliseconds(at.duration_since(since));
        Metric { name, value, dimensions: vec![service(told)] }
    };
    let took = lasted(MetricName::DeployDuration, deploy.begun_at);
    let release = &deploy.assignment.release;
    // What is deployed again for a parameter, or at a person's word, was pushed long ago, and nobody
    // has waited for it since.
    let is_new = release.cause == deploy.cause && deploy.assignment.by == AssignedBy::Selection;
    let waited = is_new.then(|| lasted(MetricName::LeadTime, release.pushed_at));
    [deploys(told, Outcome::Succeeded), took].into_iter().chain(waited).collect()
}

fn service(told: &DeployTold) -> Dimension {
    Dimension::Service(told.deploy.id.target.service.clone())
}

fn count(name: MetricName, number: usize, dimensions: Vec<Dimension>) -> Metric {
    Metric { name, value: number.try_into().unwrap_or(u64::MAX), dimensions }
}

/// The registry's clock and ours may differ: nothing takes less than no time.
fn milliseconds(duration: SignedDuration) -> u64 {
    duration.as_millis().try_into().unwrap_or_default()
}

fn ended_at(deploy: &Deploy) -> Option<Timestamp> {
    match &deploy.progress {
        Progress::Ended { at, .. } => Some(*at),
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::GoingBack { .. } => None,
    }
}

/// Whether a deploy that has failed for good was told to have failed when it began to go back. What a
/// person undoes has not failed until that does.
fn was_told_to_fail(deploy: &Deploy) -> bool {
    let Progress::Ended { ending: Ending::Failed { .. }, at, .. } = &deploy.progress else {
        return false;
    };
    let Some((_, went_back)) = last_way_back(deploy) else { return false };
    went_back < at && !was_undone_by_a_person(deploy)
}

/// Whether a deploy that was rolled back turned back and arrived within one write, so that no notice
/// has told that it failed.
fn failed_untold(deploy: &Deploy) -> bool {
    let Some((_, went_back)) = last_way_back(deploy) else { return false };
    ended_at(deploy) == Some(*went_back) && !was_undone_by_a_person(deploy)
}

fn last_way_back(deploy: &Deploy) -> Option<&(Phase, Timestamp)> {
    deploy.phases.iter().rev().find(|(phase, _)| *phase == Phase::RollingBack)
}

fn was_undone_by_a_person(deploy: &Deploy) -> bool {
    let Progress::Ended { ending, .. } = &deploy.progress else { return false };
    match ending {
        Ending::RolledBack { by: UndoneBy::Person(_), .. } => true,
        Ending::Failed { cause, .. } => cause.trigger == Trigger::Person,
        Ending::Succeeded
        | Ending::Superseded
        | Ending::Replaced { .. }
        | Ending::RolledBack { by: UndoneBy::Ecs | UndoneBy::Funade, .. } => false,
    }
}

fn is_drift(kind: FindingKind) -> bool {
    match kind {
        FindingKind::ChangedByHand | FindingKind::Behind | FindingKind::StaleConfiguration => true,
        FindingKind::MissedImage
        | FindingKind::Unhealthy
        | FindingKind::Stuck
        | FindingKind::Blocked
        | FindingKind::NoWayBack
        | FindingKind::ImageGone
        | FindingKind::NoBrake
        | FindingKind::MutableTag
        | FindingKind::Unreachable => false,
    }
}

impl MetricName {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Deploys,
        Self::DeployDuration,
        Self::LeadTime,
        Self::Findings,
        Self::Drift,
        Self::Targets,
    ];

    /// Its name in `CloudWatch`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploys => "Deploys",
            Self::DeployDuration => "DeployDuration",
            Self::LeadTime => "LeadTime",
            Self::Findings => "Findings",
            Self::Drift => "Drift",
            Self::Targets => "Targets",
        }
    }

    /// What it is measured in.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Deploys | Self::Findings | Self::Drift | Self::Targets => Unit::Count,
            Self::DeployDuration | Self::LeadTime => Unit::Milliseconds,
        }
    }

    /// The sets of dimensions under which it is kept, each a metric of its own.
    #[must_use]
    pub fn dimension_sets(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Deploys => &[&["Outcome"], &["Service", "Outcome"]],
            Self::DeployDuration | Self::LeadTime => &[&[], &["Service"]],
            Self::Findings => &[&["Kind"]],
            Self::Drift => &[&[]],
            Self::Targets => &[&["State"]],
        }
    }
}

impl Unit {
    /// Its name in `CloudWatch`.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

impl Dimension {
    /// Its name in `CloudWatch`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Service(_) => "Service",
            Self::Outcome(_) => "Outcome",
            Self::Kind(_) => "Kind",
            Self::State(_) => "State",
        }
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Service(name) => name.as_str(),
            Self::Outcome(outcome) => outcome.as_str(),
            Self::Kind(kind) => kind.as_str(),
            Self::State(state) => state.as_str(),
        }
    }
}

impl Outcome {
    /// Its name, for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Superseded => "superseded",
        }
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Settled, Self::Waiting, Self::Blocked, Self::Unknown];

    /// Its name, for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
        }
    }
}

impl From<Option<StandingKind>> for State {
    fn from(kind: Option<StandingKind>) -> Self {
        match kind {
            Some(StandingKind::Settled) => Self::Settled,
            Some(StandingKind::Waiting) => Self::Waiting,
            Some(StandingKind::Blocked) => Self::Blocked,
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
