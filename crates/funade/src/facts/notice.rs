//! Facts worth telling: each is written with the change of state that it tells of, both or neither.
//!
//! A notice says what happened, with all that any form of it needs; how it reads, and who gets it, is
//! decided when it is sent. Its id is that of the change: however often it is delivered, whoever
//! receives it can tell that it is the same.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts::deploy::Deploy;
use crate::facts::finding::{About, Finding, Severity};
use crate::facts::hold::Hold;
use crate::facts::names::{EnvironmentName, Tag};
use crate::facts::record::Standing;
use crate::facts::release::Assignment;

/// Something that happened and that somebody may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same whenever it is delivered, and another's for no other.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// Whom it is about.
    pub about: About,
    /// What happened.
    pub told: Told,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A release was found, or asked for, and assigned to a service's targets.
    ReleaseAssigned {
        /// The decision.
        assignment: Assignment,
        /// What was assigned before.
        before: Option<Tag>,
        /// To how many targets.
        targets: usize,
    },
    /// Every target of a service has done with an assignment, or needs a person.
    RolloutEnded {
        /// The decision.
        assignment: Assignment,
        /// The targets that run it.
        succeeded: Vec<EnvironmentName>,
        /// The targets that do not, and why, as a sentence.
        failed: Vec<(EnvironmentName, String)>,
        /// From the assignment to the last target's end, or to what took its place.
        took: SignedDuration,
        /// What took its place before all targets had done with it, if something did.
        superseded: Option<SupersededBy>,
    },
    /// A deploy was begun.
    DeployStarted(DeployTold),
    /// A deploy serves, and was found good.
    DeploySucceeded(DeployTold),
    /// A deploy failed. Whether it goes back or stays, it says itself.
    DeployFailed(DeployTold),
    /// What ran before runs again.
    RolledBack(DeployTold),
    /// A newer decision, or somebody else's deployment, took a deploy's place.
    Superseded(DeployTold),
    /// A target is held, and does not take what is assigned to it.
    Held {
        /// By what.
        hold: Hold,
        /// How it stands.
        standing: Standing,
        /// Whether it is one of several that a hold on their service keeps from a release: they are
        /// told together, at the rollout's end.
        in_rollout: bool,
    },
    /// A target needs a person.
    Blocked {
        /// How it stands.
        standing: Standing,
    },
    /// A sweep has found something.
    FindingOpened(Finding),
    /// What a sweep had found is so no more.
    FindingClosed(Finding),
}

/// The release that took the place of another before all targets had done with that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupersededBy {
    /// Which.
    pub release: Tag,
    /// How many targets had not yet done with the one before.
    pub left: usize,
}

/// A deploy, as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployTold {
    /// The deploy as it then was.
    pub deploy: Box<Deploy>,
    /// Whether it is one of several that bring the same release: then its ordinary steps are told
    /// together, at the rollout's end.
    pub in_rollout: bool,
    /// The release that ran before, where that is known.
    pub before: Option<Tag>,
    /// The release that runs again, where it was undone and that is known.
    pub back_to: Option<Tag>,
}

/// What kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A release was assigned.
    ReleaseAssigned,
    /// All targets are done with it.
    RolloutEnded,
    /// A deploy was begun.
    DeployStarted,
    /// A deploy succeeded.
    DeploySucceeded,
    /// A deploy failed.
    DeployFailed,
    /// What ran before runs again.
    RolledBack,
    /// Something newer took a deploy's place.
    Superseded,
    /// A target is held.
    Held,
    /// A target needs a person.
    Blocked,
    /// A sweep has found something.
    FindingOpened,
    /// What was found is so no more.
    FindingClosed,
}

impl Notice {
    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> NoticeKind {
        match &self.told {
            Told::ReleaseAssigned { .. } => NoticeKind::ReleaseAssigned,
            Told::RolloutEnded { .. } => NoticeKind::RolloutEnded,
            Told::DeployStarted(_) => NoticeKind::DeployStarted,
            Told::DeploySucceeded(_) => NoticeKind::DeploySucceeded,
            Told::DeployFailed(_) => NoticeKind::DeployFailed,
            Told::RolledBack(_) => NoticeKind::RolledBack,
            Told::Superseded(_) => NoticeKind::Superseded,
            Told::Held { .. } => NoticeKind::Held,
            Told::Blocked { .. } => NoticeKind::Blocked,
            Told::FindingOpened(_) => NoticeKind::FindingOpened,
            Told::FindingClosed(_) => NoticeKind::FindingClosed,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.told {
            Told::DeployFailed(_) | Told::RolledBack(_) | Told::Blocked { .. } => Severity::Error,
            Told::RolloutEnded { failed, .. } if !failed.is_empty() => Severity::Error,
            Told::FindingOpened(finding) => finding.kind.severity(),
            Told::Held { .. } => Severity::Warning,
            Told::ReleaseAssigned { .. }
            | Told::RolloutEnded { .. }
            | Told::DeployStarted(_)
            | Told::DeploySucceeded(_)
            | Told::Superseded(_)
            | Told::FindingClosed(_) => Severity::Notice,
        }
    }

    /// Whether people are told of it together with others, at the end of the rollout.
    #[must_use]
    pub fn is_told_in_summary(&self) -> bool {
        match &self.told {
            Told::DeployStarted(told) | Told::DeploySucceeded(told) | Told::Superseded(told) => {
                told.in_rollout
            }
            Told::Held { in_rollout, .. } => *in_rollout,
            Told::ReleaseAssigned { .. }
            | Told::RolloutEnded { .. }
            | Told::DeployFailed(_)
            | Told::RolledBack(_)
            | Told::Blocked { .. }
            | Told::FindingOpened(_)
            | Told::FindingClosed(_) => false,
        }
    }

    /// The release that it is about, where it is about one, and the number of the decision that
    /// assigned it: the same tag may be assigned again, and may then be another image.
    #[must_use]
    pub fn assigned(&self) -> Option<(&Tag, u64)> {
        match &self.told {
            Told::ReleaseAssigned { assignment, .. } | Told::RolloutEnded { assignment, .. } => {
                Some((&assignment.release.tag, assignment.number))
            }
            Told::Held { standing, .. } | Told::Blocked { standing } => {
                Some((standing.release.as_ref()?, standing.assignment))
            }
            Told::DeployStarted(_)
            | Told::DeploySucceeded(_)
            | Told::DeployFailed(_)
            | Told::RolledBack(_)
            | Told::Superseded(_)
            | Told::FindingOpened(_)
            | Told::FindingClosed(_) => {
                let assignment = &self.deploy()?.assignment;
                Some((&assignment.release.tag, assignment.number))
            }
        }
    }

    /// The release that it is about, where it is about one.
    #[must_use]
    pub fn release(&self) -> Option<&Tag> {
        self.assigned().map(|(release, _)| release)
    }

    /// The deploy that it is about, where it is about one.
    #[must_use]
    pub fn deploy(&self) -> Option<&Deploy> {
        match &self.told {
            Told::DeployStarted(told)
            | Told::DeploySucceeded(told)
            | Told::DeployFailed(told)
            | Told::RolledBack(told)
            | Told::Superseded(told) => Some(&told.deploy),
            Told::ReleaseAssigned { .. }
            | Told::RolloutEnded { .. }
            | Told::Held { .. }
            | Told::Blocked { .. }
            | Told::FindingOpened(_)
            | Told::FindingClosed(_) => None,
        }
    }
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ReleaseAssigned,
        Self::RolloutEnded,
        Self::DeployStarted,
        Self::DeploySucceeded,
        Self::DeployFailed,
        Self::RolledBack,
        Self::Superseded,
        Self::Held,
        Self::Blocked,
        Self::FindingOpened,
        Self::FindingClosed,
    ];

    /// Its name, in the configuration and for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReleaseAssigned => "release-assigned",
            Self::RolloutEnded => "rollout-ended",
            Self::DeployStarted => "deploy-started",
            Self::DeploySucceeded => "deploy-succeeded",
            Self::DeployFailed => "deploy-failed",
            Self::RolledBack => "rolled-back",
            Self::Superseded => "superseded",
            Self::Held => "held",
            Self::Blocked => "blocked",
            Self::FindingOpened => "finding-opened",
            Self::FindingClosed => "finding-closed",
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
