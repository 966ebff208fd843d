//! A deploy's life: one attempt to bring one release and configuration to one target.
//!
//! Its progress is written before the call that leads out of it. What a person is told is its
//! phase, which follows from the progress.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::facts::cause::{Cause, Trigger};
use crate::facts::configuration::Configuration;
use crate::facts::names::{AlarmName, DeploymentId, RevisionArn, Tag, TargetId};
use crate::facts::release::Assignment;

/// One attempt to bring one release and configuration to one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Its id.
    pub id: DeployId,
    /// The decision that it carries out.
    pub assignment: Assignment,
    /// The revision that ran when it began, from which the new one is made.
    pub from: RevisionArn,
    /// The id of what led to it: of a release's event or request, of a parameter's event.
    pub cause: String,
    /// The variables that it brings.
    pub configuration: Configuration,
    /// What tells those variables from others, texts included.
    pub fingerprint: String,
    /// The alarms that were raised when a person began it all the same. Each counts again once it
    /// has been quiet.
    pub disregards: BTreeSet<AlarmName>,
    /// The how manieth attempt of automation to carry out its decision, from 1.
    pub attempt: u32,
    /// Whether it brings once more what runs already, since that had failed and a person asked.
    pub again: bool,
    /// When it was written down.
    pub begun_at: Timestamp,
    /// How far it has come.
    pub progress: Progress,
    /// The phases that it has gone through, and when each began.
    pub phases: Vec<(Phase, Timestamp)>,
}

/// A deploy's id: the target and a number that counts its deploys, `acme/order-api/7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeployId {
    /// Where.
    pub target: TargetId,
    /// The how manieth of this target, from 1.
    pub number: u64,
}

impl fmt::Display for DeployId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.target, self.number)
    }
}

/// How far a deploy has come. Each state is written before the call that leads out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Written down; the new revision may or may not be registered.
    Begun,
    /// The revision is registered; `UpdateService` may or may not have been called.
    Registered {
        /// The new revision.
        revision: RevisionArn,
        /// When we heard of it.
        at: Timestamp,
    },
    /// `UpdateService` was called, and ECS began a deployment.
    Updated {
        /// The new revision.
        revision: RevisionArn,
        /// The deployment; `None` until ECS shows it, where we never had an answer.
        deployment: Option<DeploymentId>,
        /// When we heard of it.
        at: Timestamp,
    },
    /// ECS has completed the deployment, and the alarms are watched for a while.
    Completed {
        /// The new revision.
        revision: RevisionArn,
        /// The deployment.
        deployment: Option<DeploymentId>,
        /// When we saw that.
        at: Timestamp,
    },
    /// It is being undone.
    GoingBack {
        /// The new revision, if one was registered.
        revision: Option<RevisionArn>,
        /// The deployment, if there ever was one.
        deployment: Option<DeploymentId>,
        /// By whom, why, and where to.
        going: GoingBack,
    },
    /// It is over.
    Ended {
        /// The new revision, if one was registered.
        revision: Option<RevisionArn>,
        /// How it ended.
        ending: Ending,
        /// When we saw that.
        at: Timestamp,
    },
}

/// A rollback that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoingBack {
    /// Why.
    pub cause: Cause,
    /// Whose decision it was.
    pub by: UndoneBy,
    /// The revision that is left.
    pub leaves: RevisionArn,
    /// Where to; `None` where ECS chooses.
    pub to: Option<Good>,
    /// When it was decided, or seen.
    pub since: Timestamp,
    /// When ECS was first asked for it, if it has answered.
    pub asked_at: Option<Timestamp>,
}

/// Who undoes a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoneBy {
    /// ECS, by its circuit breaker or its alarms, or since somebody asked it to.
    Ecs,
    /// Funade.
    Funade,
    /// A person, by `funade rollback`.
    Person(String),
}

/// A revision that served and was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// The revision.
    pub revision: RevisionArn,
    /// The number of the deploy that brought it, if one of ours did.
    pub deploy: Option<u64>,
    /// The release that it runs, if that is known.
    pub release: Option<Tag>,
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Our revision is the PRIMARY's, that deployment completed, and no alarm was raised.
    Succeeded,
    /// It failed, and the service was not brought back.
    Failed {
        /// Why it failed.
        cause: Cause,
        /// Why the service was not brought back, as a sentence's part.
        stays: String,
    },
    /// It failed or was not wanted, and what ran before runs again.
    RolledBack {
        /// Why.
        cause: Cause,
        /// Whose decision that was.
        by: UndoneBy,
        /// What runs again.
        to: RevisionArn,
    },
    /// A newer decision came before it ended.
    Superseded,
    /// Somebody else deployed before it ended.
    Replaced {
        /// What ran then.
        by: RevisionArn,
    },
}

/// Where a deploy is in its life, in the words that people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Its revision is being registered and `UpdateService` called.
    Starting,
    /// ECS replaces tasks.
    Deploying,
    /// ECS is done; the alarms are watched.
    Verifying,
    /// What ran before is being brought back.
    RollingBack,
    /// The new revision serves.
    Succeeded,
    /// It failed, and the service was not brought back.
    Failed,
    /// It took too long, and the service was not brought back.
    TimedOut,
    /// What ran before runs again.
    RolledBack,
    /// Something newer took its place.
    Superseded,
}

impl Deploy {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.progress.phase()
    }

    /// Whether ECS is at work on it, forth or back.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        match self.phase() {
            Phase::Deploying | Phase::Verifying | Phase::RollingBack => true,
            Phase::Starting
            | Phase::Succeeded
            | Phase::Failed
            | Phase::TimedOut
            | Phase::RolledBack
            | Phase::Superseded => false,
        }
    }

    /// Whether this revision runs by our doing: the deploy's own, or until ECS is asked for that,
    /// the one that it was begun from.
    #[must_use]
    pub fn is_what_runs(&self, revision: &RevisionArn) -> bool {
        let not_asked = self.phase() == Phase::Starting;
        self.progress.revision() == Some(revision) || (not_asked && self.from == *revision)
    }

    /// Whether it is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.progress, Progress::Ended { .. })
    }
}

impl Progress {
    /// The revision that the deploy registered, as far as the ledger knows.
    #[must_use]
    pub fn revision(&self) -> Option<&RevisionArn> {
        match self {
            Self::Begun => None,
            Self::Registered { revision, .. }
            | Self::Updated { revision, .. }
            | Self::Completed { revision, .. } => Some(revision),
            Self::GoingBack { revision, .. } | Self::Ended { revision, .. } => revision.as_ref(),
        }
    }

    /// The deployment, as far as the ledger knows.
    #[must_use]
    pub fn deployment(&self) -> Option<&DeploymentId> {
        match self {
            Self::Updated { deployment, .. }
            | Self::Completed { deployment, .. }
            | Self::GoingBack { deployment, .. } => deployment.as_ref(),
            Self::Begun | Self::Registered { .. } | Self::Ended { .. } => None,
        }
    }

    /// Who undid the deploy or does, where to, and why it was not undone, as far as each is so.
    #[must_use]
    pub fn undone(&self) -> (Option<&UndoneBy>, Option<&RevisionArn>, Option<&str>) {
        match self {
            Self::GoingBack { going, .. } => {
                (Some(&going.by), going.to.as_ref().map(|good| &good.revision), None)
            }
            Self::Ended { ending, .. } => match ending {
                Ending::RolledBack { by, to, .. } => (Some(by), Some(to), None),
                Ending::Failed { stays, .. } => (None, None, Some(stays.as_str())),
                Ending::Succeeded | Ending::Superseded | Ending::Replaced { .. } => {
                    (None, None, None)
                }
            },
            Self::Begun
            | Self::Registered { .. }
            | Self::Updated { .. }
            | Self::Completed { .. } => (None, None, None),
        }
    }

    /// Why the deploy failed or was undone, where it was.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::GoingBack { going, .. } => Some(&going.cause),
            Self::Ended { ending, .. } => match ending {
                Ending::Failed { cause, .. } | Ending::RolledBack { cause, .. } => Some(cause),
                Ending::Succeeded | Ending::Superseded | Ending::Replaced { .. } => None,
            },
            Self::Begun
            | Self::Registered { .. }
            | Self::Updated { .. }
            | Self::Completed { .. } => None,
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Self::Begun | Self::Registered { .. } => Phase::Starting,
            Self::Updated { .. } => Phase::Deploying,
            Self::Completed { .. } => Phase::Verifying,
            Self::GoingBack { .. } => Phase::RollingBack,
            Self::Ended { ending, .. } => match ending {
                Ending::Succeeded => Phase::Succeeded,
                Ending::Failed { cause, .. } if cause.trigger == Trigger::Deadline => {
                    Phase::TimedOut
                }
                Ending::Failed { .. } => Phase::Failed,
                Ending::RolledBack { .. } => Phase::RolledBack,
                Ending::Superseded | Ending::Replaced { .. } => Phase::Superseded,
            },
        }
    }
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Starting,
        Self::Deploying,
        Self::Verifying,
        Self::RollingBack,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::RolledBack,
        Self::Superseded,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Deploying => "deploying",
            Self::Verifying => "verifying",
            Self::RollingBack => "rolling-back",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::RolledBack => "rolled-back",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for UndoneBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecs => f.write_str("ECS"),
            Self::Funade => f.write_str("Funade"),
            Self::Person(by) => f.write_str(by),
        }
    }
}

impl fmt::Display for Good {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.release {
            Some(release) => write!(f, "{release} ({})", self.revision.short()),
            None => f.write_str(self.revision.short()),
        }
    }
}
