//! The configuration as the rest of Funade sees it: checked, resolved, every default filled in.
//!
//! Input: what `resolve` makes of the files. Nothing here is text to be interpreted again, and
//! nothing refers to anything that does not exist.

mod environment;

mod service;

mod policies;

mod notices;

mod words;

use std::collections::BTreeMap;

use crate::facts::names::{EnvironmentName, RepositoryName, ServiceName, TargetId};

pub use environment::{Environment, Freeze, FreezeExemption, Registry, Wave};
pub use notices::{Format, PostUrl, Route, RouteTo, TopicArn};
pub use policies::Policies;
pub use service::{
    Parameters, QuietPeriod, Reaction, Rollback, RolledBackBy, Secret, Service, Target,
    VariableNames, Verify,
};
pub use words::NamePattern;

/// A whole configuration: consistent, with every target resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The registry that images are pushed to, unless their service says otherwise.
    pub registry: Registry,
    /// The environments.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// The services.
    pub services: BTreeMap<ServiceName, Service>,
    /// The waves in their order, each with at least one environment; together they hold every
    /// environment once.
    pub waves: Vec<Wave>,
    /// The times of the week in which no deploy starts.
    pub freezes: Vec<Freeze>,
    /// What is done about each kind of finding.
    pub policies: Policies,
    /// Who is told of what.
    pub notices: Vec<Route>,
    by_repository: BTreeMap<RepositoryName, Vec<ServiceName>>,
}

impl Config {
    /// Takes the parts, and notes which services use which repository.
    pub(super) fn new(
        registry: Registry,
        environments: BTreeMap<EnvironmentName, Environment>,
        services: BTreeMap<ServiceName, Service>,
        waves: Vec<Wave>,
        freezes: Vec<Freeze>,
        policies: Policies,
        notices: Vec<Route>,
    ) -> Self {
        let mut by_repository: BTreeMap<RepositoryName, Vec<ServiceName>> = BTreeMap::new();
        for service in services.values() {
            let users = by_repository.entry(service.repository.clone()).or_default();
            users.push(service.name.clone());
        }
        Self { registry, environments, services, waves, freezes, policies, notices, by_repository }
    }

    /// The services whose images lie in repositories of this name, in order of their names.
    /// Which registry each takes them from is for the caller to compare.
    pub fn services_using(&self, repository: &RepositoryName) -> impl Iterator<Item = &Service> {
        let names = self.by_repository.get(repository).map_or(&[][..], Vec::as_slice);
        names.iter().filter_map(|name| self.services.get(name))
    }

    /// A target, if it is configured.
    #[must_use]
    pub fn target(&self, id: &TargetId) -> Option<&Target> {
        self.services.get(&id.service)?.targets.get(&id.environment)
    }

    /// All targets, by service, then by environment.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.services.values().flat_map(|service| service.targets.values())
    }
}
