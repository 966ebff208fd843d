//! The stored form of notices.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deploy::DeployV1;
use super::{AssignmentV1, FindingV1, HoldV1, StandingV1};
use crate::facts::finding::About;
use crate::facts::names::{EnvironmentName, Tag};
use crate::facts::notice::{DeployTold, Notice, SupersededBy, Told};

#[derive(Serialize, Deserialize)]
pub(super) struct NoticeV1 {
    id: String,
    at: Timestamp,
    about: About,
    told: ToldV1,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum ToldV1 {
    ReleaseAssigned {
        assignment: AssignmentV1,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Tag>,
        targets: usize,
    },
    RolloutEnded {
        assignment: AssignmentV1,
        succeeded: Vec<EnvironmentName>,
        failed: Vec<(EnvironmentName, String)>,
        took: SignedDuration,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded: Option<SupersededByV1>,
    },
    DeployStarted(DeployToldV1),
    DeploySucceeded(DeployToldV1),
    DeployFailed(DeployToldV1),
    RolledBack(DeployToldV1),
    Superseded(DeployToldV1),
    Held {
        hold: HoldV1,
        standing: StandingV1,
        #[serde(default)]
        in_rollout: bool,
    },
    Blocked {
        standing: StandingV1,
    },
    FindingOpened {
        finding: FindingV1,
    },
    FindingClosed {
        finding: FindingV1,
    },
}

#[derive(Serialize, Deserialize)]
struct SupersededByV1 {
    release: Tag,
    left: usize,
}

#[derive(Serialize, Deserialize)]
struct DeployToldV1 {
    deploy: Box<DeployV1>,
    in_rollout: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back_to: Option<Tag>,
}

impl From<DeployTold> for DeployToldV1 {
    fn from(DeployTold { deploy, in_rollout, before, back_to }: DeployTold) -> Self {
        Self { deploy: Box::new((*deploy).into()), in_rollout, before, back_to }
    }
}

impl From<DeployToldV1> for DeployTold {
    fn from(DeployToldV1 { deploy, in_rollout, before, back_to }: DeployToldV1) -> Self {
        Self { deploy: Box::new((*deploy).into()), in_rollout, before, back_to }
    }
}

impl From<SupersededBy> for SupersededByV1 {
    fn from(SupersededBy { release, left }: SupersededBy) -> Self {
        Self { release, left }
    }
}

impl From<SupersededByV1> for SupersededBy {
    fn from(SupersededByV1 { release, left }: SupersededByV1) -> Self {
        Self { release, left }
    }
}

impl From<Notice> for NoticeV1 {
    fn from(Notice { id, at, about, told }: Notice) -> Self {
        let told = match told {
            Told::ReleaseAssigned { assignment, before, targets } => {
                ToldV1::ReleaseAssigned { assignment: assignment.into(), before, targets }
            }
            Told::RolloutEnded { assignment, succeeded, failed, took, superseded } => {
                let (assignment, superseded) = (assignment.into(), superseded.map(Into::into));
                ToldV1::RolloutEnded { assignment, succeeded, failed, took, superseded }
            }
            Told::DeployStarted(told) => ToldV1::DeployStarted(told.into()),
            Told::DeploySucceeded(told) => ToldV1::DeploySucceeded(told.into()),
            Told::DeployFailed(told) => ToldV1::DeployFailed(told.into()),
            Told::RolledBack(told) => ToldV1::RolledBack(told.into()),
            Told::Superseded(told) => ToldV1::Superseded(told.into()),
            Told::Held { hold, standing, in_rollout } => {
                ToldV1::Held { hold: hold.into(), standing: standing.into(), in_rollout }
            }
            Told::Blocked { standing } => ToldV1::Blocked { standing: standing.into() },
            Told::FindingOpened(finding) => ToldV1::FindingOpened { finding: finding.into() },
            Told::FindingClosed(finding) => ToldV1::FindingClosed { finding: finding.into() },
        };
        Self { id, at, about, told }
    }
}

impl From<NoticeV1> for Notice {
    fn from(NoticeV1 { id, at, about, told }: NoticeV1) -> Self {
        let told = match told {
            ToldV1::ReleaseAssigned { assignment, before, targets } => {
                Told::ReleaseAssigned { assignment: assignment.into(), before, targets }
            }
            ToldV1::RolloutEnded { assignment, succeeded, failed, took, superseded } => {
                let (assignment, superseded) = (assignment.into(), superseded.map(Into::into));
                Told::RolloutEnded { assignment, succeeded, failed, took, superseded }
            }
            ToldV1::DeployStarted(told) => Told::DeployStarted(told.into()),
            ToldV1::DeploySucceeded(told) => Told::DeploySucceeded(told.into()),
            ToldV1::DeployFailed(told) => Told::DeployFailed(told.into()),
            ToldV1::RolledBack(told) => Told::RolledBack(told.into()),
            ToldV1::Superseded(told) => Told::Superseded(told.into()),
            ToldV1::Held { hold, standing, in_rollout } => {
                Told::Held { hold: hold.into(), standing: standing.into(), in_rollout }
            }
            ToldV1::Blocked { standing } => Told::Blocked { standing: standing.into() },
            ToldV1::FindingOpened { finding } => Told::FindingOpened(finding.into()),
            ToldV1::FindingClosed { finding } => Told::FindingClosed(finding.into()),
        };
        Self { id, at, about, told }
    }
}
