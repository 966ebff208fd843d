//! `fleet.yaml` as written.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema};

use super::{RawRoute, RawSelector, choices, mapping};
use crate::config::decode::{At, List, Must, Table};
use crate::config::quantity::{Share, SomeShare};
use crate::config::scalar::{
    LabelName, LabelValue, Scalar, WaveName, Wrong, choice, choice_schema,
};
use crate::config::types::FreezeExemption;
use crate::config::weekly::WeeklyTime;
use crate::facts::finding::{FindingKind, Policy};
use crate::facts::names::{AccountId, ClusterName, EnvironmentName, Region};

/// The fleet: where images are pushed, the environments that run them, and the order in which
/// the environments get a release.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, title = "Funade fleet", rename = "fleet")]
pub(in crate::config) struct RawFleet {
    /// The registry that images are pushed to, unless their service says otherwise.
    pub(in crate::config) registry: Must<RawRegistry>,
    /// The environments by name.
    pub(in crate::config) environments: Must<Table<EnvironmentName, RawEnvironment>>,
    /// The waves in their order. An environment belongs to the first that selects it. Without
    /// any there is one wave, named `all`.
    pub(in crate::config) waves: Option<List<RawWave>>,
    /// The times of the week in which no deploy starts.
    pub(in crate::config) freezes: Option<List<RawFreeze>>,
    /// What is done about what the sweep finds, by the kind of finding.
    pub(in crate::config) findings: Option<Table<FindingKind, At<Policy>>>,
    /// Who is told of what; nobody of anything if left out.
    pub(in crate::config) notices: Option<List<RawRoute>>,
}

mapping!(RawFleet, "a mapping with `registry` and `environments`", {
    required registry,
    required environments,
    optional waves,
    optional freezes,
    optional findings,
    optional notices,
});

/// An ECR registry.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "registry")]
pub(in crate::config) struct RawRegistry {
    /// The registry's account.
    pub(in crate::config) account: Must<At<AccountId>>,
    /// The registry's region.
    pub(in crate::config) region: Must<At<Region>>,
}

mapping!(RawRegistry, r#"a mapping such as {account: "999999999999", region: ap-northeast-1}"#, {
    required account,
    required region,
});

/// One tenant's home.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "environment")]
pub(in crate::config) struct RawEnvironment {
    /// The account that it is in.
    pub(in crate::config) account: Must<At<AccountId>>,
    /// The region that it is in.
    pub(in crate::config) region: Must<At<Region>>,
    /// Its ECS cluster's name.
    pub(in crate::config) cluster: Must<At<ClusterName>>,
    /// Labels for selections and templates to speak of.
    pub(in crate::config) labels: Option<Table<LabelName, At<LabelValue>>>,
    /// The registry that it pulls from, if not the one that images are pushed to: a replica,
    /// such as one in its own region.
    pub(in crate::config) registry: Option<RawRegistry>,
}

mapping!(RawEnvironment, "a mapping with `account`, `region` and `cluster`", {
    required account,
    required region,
    required cluster,
    optional labels,
    optional registry,
});

/// A group of environments that are moved together.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "wave")]
pub(in crate::config) struct RawWave {
    /// Its name.
    pub(in crate::config) name: Must<At<WaveName>>,
    /// The environments that it takes, of those that no earlier wave has taken.
    pub(in crate::config) select: Must<RawSelector>,
    /// How long it is watched after its last target has succeeded, before the next wave; 0s if
    /// left out.
    pub(in crate::config) bake: Option<At<SignedDuration>>,
    /// How many of its targets may deploy at once; 100% if left out.
    pub(in crate::config) max_concurrent: Option<At<SomeShare>>,
    /// How many of its targets may fail before the rollout stops; 0 if left out.
    pub(in crate::config) max_failures: Option<At<Share>>,
    /// How many people must approve before it opens; 0 if left out.
    pub(in crate::config) approvals: Option<At<u32>>,
}

mapping!(RawWave, "a mapping with `name` and `select`", {
    required name,
    required select,
    optional bake,
    optional max_concurrent,
    optional max_failures,
    optional approvals,
});

/// A time of the week in which no deploy starts.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "freeze")]
pub(in crate::config) struct RawFreeze {
    /// When it begins, as in "Fri 18:00".
    pub(in crate::config) from: Must<At<WeeklyTime>>,
    /// When it ends, as in "Mon 08:00".
    pub(in crate::config) until: Must<At<WeeklyTime>>,
    /// The time zone of both, as in Asia/Tokyo.
    pub(in crate::config) time_zone: Must<At<TimeZone>>,
    /// What may start in spite of it; nothing if left out.
    pub(in crate::config) allow: Option<List<At<FreezeExemption>>>,
}

mapping!(RawFreeze, "a mapping with `from`, `until` and `time_zone`", {
    required from,
    required until,
    required time_zone,
    optional allow,
});

choices!(Policy, "`heal`, `notify` or `ignore`", {
    "heal" => Heal,
    "notify" => Notify,
    "ignore" => Ignore,
});

impl Scalar for FindingKind {
    const WANTED: &'static str = "a kind of finding";

    fn read(text: &str) -> Result<Self, Wrong> {
        choice(text, &Self::ALL.map(|kind| (kind.as_str(), kind)))
    }

    fn schema() -> Schema {
        choice_schema(&Self::ALL.map(|kind| (kind.as_str(), kind)))
    }
}

choices!(FreezeExemption, "`rollback`", { "rollback" => Rollback });
