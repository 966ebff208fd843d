//! What the fleet file says: registries, environments, waves and freezes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::config::quantity::Share;
use crate::config::weekly::WeeklyTime;
use crate::facts::names::{ClusterName, EnvironmentName, Place};

/// An ECR registry: there is one in each account and region. Displayed as the host that images
/// are pulled from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registry {
    /// The account and region that it is in.
    pub place: Place,
}

/// One tenant's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// The account and region that it is in.
    pub place: Place,
    /// Its ECS cluster.
    pub cluster: ClusterName,
    /// Its labels, which selections and templates speak of.
    pub labels: BTreeMap<String, String>,
    /// The registry that it pulls from, if not the one that images are pushed to: a replica.
    pub registry: Option<Registry>,
}

/// A group of environments that are moved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Its name.
    pub name: String,
    /// The environments in it: those that it selects and no earlier wave does.
    pub environments: BTreeSet<EnvironmentName>,
    /// How long its targets are watched after the last has succeeded, before the next wave.
    pub bake: SignedDuration,
    /// How many of a service's targets in it may deploy at once; at least one.
    pub max_concurrent: Share,
    /// How many of a service's targets in it may fail before the rollout stops.
    pub max_failures: Share,
    /// How many people must approve before it opens.
    pub approvals: u32,
}

/// A time of the week in which no deploy starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// When it begins.
    pub from: WeeklyTime,
    /// When it ends; earlier in the week than `from` if it goes over Sunday night.
    pub until: WeeklyTime,
    /// The time zone of both.
    pub time_zone: TimeZone,
    /// What may start in spite of it.
    pub allow: BTreeSet<FreezeExemption>,
}

/// What may start in a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FreezeExemption {
    /// Deploys back to the last succeeded revision.
    Rollback,
}

impl fmt::Display for Registry {
    /// The host, with the domain of the region's partition:
    /// <https://docs.aws.amazon.com/general/latest/gr/ecr.html>.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { account, region } = &self.place;
        let domain = match region.as_str().split('-').next() {
            Some("cn") => "amazonaws.com.cn",
            Some("eusc") => "amazonaws.eu",
            Some(_) | None => "amazonaws.com",
        };
        write!(f, "{account}.dkr.ecr.{region}.{domain}")
    }
}
