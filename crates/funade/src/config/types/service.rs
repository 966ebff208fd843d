//! What a service's file says, resolved for each of its targets.
//!
//! There may be ten thousand targets; what is the same in all targets of a service is shared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::environment::Registry;
use super::words::NamePattern;
use crate::facts::image::ImageReference;
use crate::facts::names::{
    AlarmName, ClusterName, ContainerName, EcsServiceName, EnvironmentName, Place, RepositoryName,
    ServiceName, TargetId,
};
use crate::facts::parameter::{
    JsonKey, ParameterName, ParameterPath, SecretName, VariableName, Watched, WatchedName,
};
use crate::facts::selection::Selection;
use crate::facts::task_definition::Document;

/// A microservice, and the targets that it has.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// The registry that its images are pushed to.
    pub registry: Registry,
    /// The repository of its images.
    pub repository: RepositoryName,
    /// Which of its images are releases, and their order.
    pub selection: Selection,
    /// Its targets; at least one.
    pub targets: BTreeMap<EnvironmentName, Target>,
}

/// A service in an environment: one ECS service, which no other target is.
#[derive(Debug, Clone)]
pub struct Target {
    /// Which service in which environment.
    pub id: TargetId,
    /// The account and region that it is in.
    pub place: Place,
    /// The cluster that it is in.
    pub cluster: ClusterName,
    /// Its name in ECS.
    pub ecs_service: EcsServiceName,
    /// The container whose image is replaced.
    pub container: ContainerName,
    /// The repository of its images.
    pub repository: RepositoryName,
    /// The registry that it pulls them from.
    pub pulls_from: Registry,
    /// Which of them are releases, and their order.
    pub selection: Selection,
    /// The name of the wave that its environment is in.
    pub wave: String,
    /// The parameters that become its environment variables.
    pub parameters: Vec<Parameters>,
    /// The secrets that become its environment variables.
    pub secrets: Vec<Secret>,
    /// What happens when a parameter that it reads changes.
    pub on_parameter_change: Reaction,
    /// What a deploy must show to have succeeded.
    pub verify: Verify,
    /// What happens to a deploy that fails.
    pub rollback: Rollback,
    /// Whether what somebody has changed by hand is put back.
    pub overwrites_changes: bool,
}

/// The parameters below a path of Parameter Store, and the containers that get them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The path, ending in a slash.
    pub path: ParameterPath,
    /// The containers; at least one.
    pub into: Arc<BTreeSet<ContainerName>>,
    /// How a parameter's name becomes a variable's.
    pub names: VariableNames,
    /// If there are any: only parameters whose name below the path matches one of these.
    pub include: Arc<[NamePattern]>,
    /// No parameter whose name below the path matches one of these.
    pub exclude: Arc<[NamePattern]>,
    /// Whether several environments are meant to read this path.
    pub shared: bool,
}

/// How a parameter's name below its path becomes a variable's name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VariableNames {
    /// As it is.
    #[default]
    AsIs,
    /// In capitals, with `_` for whatever is not a letter or digit: `db/read-url` is `DB_READ_URL`.
    UpperSnake,
}

/// A secret of Secrets Manager, and the containers that get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The secret's name.
    pub secret: SecretName,
    /// The containers; at least one.
    pub into: Arc<BTreeSet<ContainerName>>,
    /// The variable that holds it.
    pub name: VariableName,
    /// The key in the secret's JSON whose value is meant; none for the whole secret.
    pub json_key: Option<JsonKey>,
}

/// What happens when a parameter that a target reads changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// The target is deployed again, after a quiet period.
    Redeploy(QuietPeriod),
    /// Somebody is told, after a quiet period.
    Notify(QuietPeriod),
    /// Nothing; the next deploy takes it along.
    Ignore,
}

/// How long no further change must come before the last is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietPeriod(pub SignedDuration);

/// What a deploy must show to have succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// The time that the ECS deployment may take, besides what its strategy lets it wait.
    pub deadline: SignedDuration,
    /// The alarms that must exist and not be in alarm.
    pub alarms: Vec<AlarmName>,
    /// How long the alarms are watched after the ECS deployment has completed.
    pub bake: SignedDuration,
}

/// What happens to a deploy that fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rollback {
    /// Who rolls it back.
    pub by: RolledBackBy,
    /// How long automation leaves alone a release that was rolled back; `None`: until a newer
    /// release or a person.
    pub hold: Option<SignedDuration>,
}

/// Who rolls back a deploy that fails, if ECS does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RolledBackBy {
    /// Funade, at once.
    #[default]
    Automatic,
    /// A person; until then the target is blocked.
    Manual,
}

impl Target {
    /// What its container runs by a task definition, if that is an image of its own repository, from
    /// where it pulls.
    #[must_use]
    pub fn image_in(&self, document: &Document) -> Option<ImageReference> {
        let image = ImageReference::parse(document.image(&self.container)?)?;
        let ours =
            image.repository == self.repository && image.registry == self.pulls_from.to_string();
        ours.then_some(image)
    }

    /// All that it reads, so that it is looked at when one of them has changed.
    #[must_use]
    pub fn watches(&self) -> Vec<Watched> {
        let paths = self.parameters.iter().map(Parameters::watched);
        let secrets = self.secrets.iter().map(|read| WatchedName::Secret(read.secret.clone()));
        let names: BTreeSet<WatchedName> = paths.chain(secrets).collect();
        names.into_iter().map(|what| Watched { place: self.place.clone(), what }).collect()
    }
}

impl Parameters {
    /// What it reads, as a name.
    #[must_use]
    pub fn watched(&self) -> WatchedName {
        let mut filter = String::new();
        if !self.include.is_empty() || !self.exclude.is_empty() {
            let mut hash = Sha256::new();
            for (sign, patterns) in [("+", &self.include), ("-", &self.exclude)] {
                patterns.iter().for_each(|pattern| hash.update(format!("{sign}{pattern}\n")));
            }
            let _ = hash.finalize()[..8].iter().try_for_each(|byte| write!(filter, "{byte:02x}"));
        }
        WatchedName::Path { path: self.path.clone(), filter }
    }

    /// A parameter's name below the path, if it is one of those that are read.
    #[must_use]
    pub fn takes<'name>(&self, name: &'name ParameterName) -> Option<&'name str> {
        let below = self.path.below(name)?;
        let included =
            self.include.is_empty() || self.include.iter().any(|pattern| pattern.matches(below));
        let excluded = self.exclude.iter().any(|pattern| pattern.matches(below));
        (included && !excluded).then_some(below)
    }
}

impl Reaction {
    /// How long no further change must come before anything is done; `None` where nothing is.
    #[must_use]
    pub fn quiet(self) -> Option<QuietPeriod> {
        match self {
            Self::Redeploy(quiet) | Self::Notify(quiet) => Some(quiet),
            Self::Ignore => None,
        }
    }
}

impl QuietPeriod {
    /// Long enough for a script that writes a dozen parameters one by one.
    pub const DEFAULT: Self = Self(SignedDuration::from_secs(60));
}

impl Verify {
    /// Pulling, starting, passing health checks and draining take minutes; much longer means
    /// that tasks keep failing.
    pub const DEADLINE_DEFAULT: SignedDuration = SignedDuration::from_mins(20);
}

impl Default for Reaction {
    fn default() -> Self {
        Self::Redeploy(QuietPeriod::DEFAULT)
    }
}

impl Default for Verify {
    fn default() -> Self {
        Self { deadline: Self::DEADLINE_DEFAULT, alarms: Vec::new(), bake: SignedDuration::ZERO }
    }
}
