//! The stored form of a deploy: in its target's record while it is the last, and in the history.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AssignmentV1;
use crate::facts::cause::{Cause, Diagnosis, Trigger};
use crate::facts::configuration::{
    Configuration, PARAMETERS_LABEL, SECRETS_LABEL, from_labels, to_labels,
};
use crate::facts::deploy::{Deploy, DeployId, Ending, GoingBack, Good, Phase, Progress, UndoneBy};
use crate::facts::names::{AlarmName, ContainerName, DeploymentId, RevisionArn, Tag, TargetId};

#[derive(Serialize, Deserialize)]
pub(super) struct DeployV1 {
    id: DeployIdV1,
    assignment: AssignmentV1,
    from: RevisionArn,
    #[serde(default)]
    cause: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    configuration: BTreeMap<ContainerName, BTreeMap<String, String>>,
    #[serde(default)]
    fingerprint: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    disregards: BTreeSet<AlarmName>,
    #[serde(default = "first")]
    attempt: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
    begun_at: Timestamp,
    progress: ProgressV1,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    phases: Vec<(String, Timestamp)>,
}

#[derive(Serialize, Deserialize)]
struct DeployIdV1 {
    target: TargetId,
    number: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct GoodV1 {
    revision: RevisionArn,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deploy: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<Tag>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
enum ProgressV1 {
    Begun,
    Registered {
        revision: RevisionArn,
        #[serde(default)]
        at: Timestamp,
    },
    Updated {
        revision: RevisionArn,
        deployment: Option<DeploymentId>,
        at: Timestamp,
    },
    Completed {
        revision: RevisionArn,
        deployment: Option<DeploymentId>,
        at: Timestamp,
    },
    GoingBack {
        revision: Option<RevisionArn>,
        deployment: Option<DeploymentId>,
        cause: CauseV1,
        by: UndoneByV1,
        leaves: RevisionArn,
        to: Option<GoodV1>,
        since: Timestamp,
        asked_at: Option<Timestamp>,
    },
    Succeeded {
        revision: Option<RevisionArn>,
        at: Timestamp,
    },
    Failed {
        revision: Option<RevisionArn>,
        /// What releases before rollbacks wrote in place of the cause.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<CauseV1>,
        #[serde(default)]
        stays: String,
        at: Timestamp,
    },
    RolledBack {
        revision: Option<RevisionArn>,
        cause: CauseV1,
        by: UndoneByV1,
        to: RevisionArn,
        at: Timestamp,
    },
    Superseded {
        revision: Option<RevisionArn>,
        at: Timestamp,
    },
    Replaced {
        revision: Option<RevisionArn>,
        by: RevisionArn,
        at: Timestamp,
    },
}

#[derive(Serialize, Deserialize)]
struct CauseV1 {
    trigger: String,
    diagnosis: String,
    what: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    messages: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UndoneByV1 {
    Ecs,
    Funade,
    Person(String),
}

fn first() -> u32 {
    1
}

impl From<Deploy> for DeployV1 {
    fn from(deploy: Deploy) -> Self {
        let Deploy { id, assignment, from, cause, fingerprint, disregards, begun_at, .. } = deploy;
        let DeployId { target, number } = id;
        let phases = deploy.phases.into_iter();
        Self {
            id: DeployIdV1 { target, number },
            assignment: assignment.into(),
            from,
            cause,
            configuration: labels(&deploy.configuration),
            fingerprint,
            disregards,
            attempt: deploy.attempt,
            again: deploy.again,
            begun_at,
            progress: deploy.progress.into(),
            phases: phases.map(|(phase, at)| (phase.as_str().to_owned(), at)).collect(),
        }
    }
}

impl From<DeployV1> for Deploy {
    fn from(stored: DeployV1) -> Self {
        let DeployV1 { id, assignment, from, cause, fingerprint, disregards, begun_at, .. } =
            stored;
        let DeployIdV1 { target, number } = id;
        let known = |(name, at): (String, Timestamp)| {
            Some((Phase::ALL.into_iter().find(|phase| phase.as_str() == name)?, at))
        };
        Self {
            id: DeployId { target, number },
            assignment: assignment.into(),
            from,
            cause,
            configuration: configuration(&stored.configuration),
            fingerprint,
            disregards,
            attempt: stored.attempt,
            again: stored.again,
            begun_at,
            progress: stored.progress.into(),
            phases: stored.phases.into_iter().filter_map(known).collect(),
        }
    }
}

/// The labels that a revision has of them: they leave nothing out, and take little room.
fn labels(configuration: &Configuration) -> BTreeMap<ContainerName, BTreeMap<String, String>> {
    let of_container = |sources| {
        let labels = to_labels(sources).into_iter();
        labels.filter_map(|(name, text)| Some((name.to_owned(), text?))).collect()
    };
    configuration.0.iter().map(|(name, sources)| (name.clone(), of_container(sources))).collect()
}

fn configuration(labels: &BTreeMap<ContainerName, BTreeMap<String, String>>) -> Configuration {
    let of_container = |labels: &BTreeMap<String, String>| {
        let label = |name: &str| labels.get(name).map(String::as_str);
        from_labels(label(PARAMETERS_LABEL), label(SECRETS_LABEL))
    };
    Configuration(
        labels.iter().map(|(name, labels)| (name.clone(), of_container(labels))).collect(),
    )
}

impl From<Good> for GoodV1 {
    fn from(Good { revision, deploy, release }: Good) -> Self {
        Self { revision, deploy, release }
    }
}

impl From<GoodV1> for Good {
    fn from(GoodV1 { revision, deploy, release }: GoodV1) -> Self {
        Self { revision, deploy, release }
    }
}

impl From<Cause> for CauseV1 {
    fn from(Cause { trigger, diagnosis, what, tasks, messages }: Cause) -> Self {
        let (trigger, diagnosis) = (trigger.as_str().to_owned(), diagnosis.as_str().to_owned());
        Self { trigger, diagnosis, what, tasks, messages }
    }
}

impl From<CauseV1> for Cause {
    fn from(CauseV1 { trigger, diagnosis, what, tasks, messages }: CauseV1) -> Self {
        let of_name = Trigger::ALL.into_iter().find(|known| known.as_str() == trigger);
        let trigger = of_name.unwrap_or(Trigger::GivenUp);
        let of_name = Diagnosis::ALL.into_iter().find(|known| known.as_str() == diagnosis);
        let diagnosis = of_name.unwrap_or(Diagnosis::Unknown);
        Self { trigger, diagnosis, what, tasks, messages }
    }
}

impl From<UndoneBy> for UndoneByV1 {
    fn from(by: UndoneBy) -> Self {
        match by {
            UndoneBy::Ecs => Self::Ecs,
            UndoneBy::Funade => Self::Funade,
            UndoneBy::Person(by) => Self::Person(by),
        }
    }
}

impl From<UndoneByV1> for UndoneBy {
    fn from(by: UndoneByV1) -> Self {
        match by {
            UndoneByV1::Ecs => Self::Ecs,
            UndoneByV1::Funade => Self::Funade,
            UndoneByV1::Person(by) => Self::Person(by),
        }
    }
}

impl From<Progress> for ProgressV1 {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Begun => Self::Begun,
            Progress::Registered { revision, at } => Self::Registered { revision, at },
            Progress::Updated { revision, deployment, at } => {
                Self::Updated { revision, deployment, at }
            }
            Progress::Completed { revision, deployment, at } => {
                Self::Completed { revision, deployment, at }
            }
            Progress::GoingBack { revision, deployment, going } => {
                let GoingBack { cause, by, leaves, to, since, asked_at } = going;
                let (cause, by, to) = (cause.into(), by.into(), to.map(GoodV1::from));
                Self::GoingBack { revision, deployment, cause, by, leaves, to, since, asked_at }
            }
            Progress::Ended { revision, ending, at } => match ending {
                Ending::Succeeded => Self::Succeeded { revision, at },
                Ending::Failed { cause, stays } => {
                    let cause = Some(cause.into());
                    Self::Failed { revision, reason: String::new(), cause, stays, at }
                }
                Ending::RolledBack { cause, by, to } => {
                    Self::RolledBack { revision, cause: cause.into(), by: by.into(), to, at }
                }
                Ending::Superseded => Self::Superseded { revision, at },
                Ending::Replaced { by } => Self::Replaced { revision, by, at },
            },
        }
    }
}

impl From<ProgressV1> for Progress {
    fn from(stored: ProgressV1) -> Self {
        let (revision, ending, at) = match stored {
            ProgressV1::Begun => return Self::Begun,
            ProgressV1::Registered { revision, at } => return Self::Registered { revision, at },
            ProgressV1::Updated { revision, deployment, at } => {
                return Self::Updated { revision, deployment, at };
            }
            ProgressV1::Completed { revision, deployment, at } => {
                return Self::Completed { revision, deployment, at };
            }
            ProgressV1::GoingBack {
                revision,
                deployment,
                cause,
                by,
                leaves,
                to,
                since,
                asked_at,
            } => {
                let (cause, by, to) = (cause.into(), by.into(), to.map(Good::from));
                let going = GoingBack { cause, by, leaves, to, since, asked_at };
                return Self::GoingBack { revision, deployment, going };
            }
            ProgressV1::Succeeded { revision, at } => (revision, Ending::Succeeded, at),
            ProgressV1::Failed { revision, reason, cause, stays, at } => {
                let cause = cause.map_or_else(|| without_cause(reason), Cause::from);
                (revision, Ending::Failed { cause, stays }, at)
            }
            ProgressV1::RolledBack { revision, cause, by, to, at } => {
                let ending = Ending::RolledBack { cause: cause.into(), by: by.into(), to };
                (revision, ending, at)
            }
            ProgressV1::Superseded { revision, at } => (revision, Ending::Superseded, at),
            ProgressV1::Replaced { revision, by, at } => (revision, Ending::Replaced { by }, at),
        };
        Self::Ended { revision, ending, at }
    }
}

fn without_cause(what: String) -> Cause {
    let (trigger, diagnosis) = (Trigger::GivenUp, Diagnosis::Unknown);
    Cause { trigger, diagnosis, what, tasks: Vec::new(), messages: Vec::new() }
}
