//! What was seen of a target: all that a plan is made from besides the configuration and the
//! ledger's records.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::config::Target;
use crate::facts::cause::StoppedTask;
use crate::facts::ecs::{AlarmState, Deployment, EcsService, ServiceDeployment};
use crate::facts::hold::{Hold, LetAgain};
use crate::facts::names::{AlarmName, RevisionArn};
use crate::facts::parameter::{Change, Stores};
use crate::facts::record::TurnsForTarget;
use crate::facts::release::{Assignment, RollbackRequest};
use crate::facts::task_definition::Revision;

/// What was seen of a target, within one round of reads, and what a plan has asked for since.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The ECS service; `None` where there is none of that name.
    pub service: Option<EcsService>,
    /// The PRIMARY deployment's task definition.
    pub running: Option<Revision>,
    /// Whether the assigned image is in the registry that the target pulls from. `true` where
    /// nothing is assigned.
    pub image_present: bool,
    /// The revision that the unfinished deploy has registered, found by its tag. Only looked for
    /// while the record does not know it.
    pub registered: Option<RevisionArn>,
    /// ECS's history of the service since the unfinished deploy was begun, or of the last day where
    /// there is none, the newest first. Empty where ECS keeps none.
    pub deployments: Option<Vec<ServiceDeployment>>,
    /// What the alarms say that the target is verified by; those that do not exist are not in it.
    pub alarms: Option<BTreeMap<AlarmName, AlarmState>>,
    /// The service's tasks that stopped lately.
    pub stopped: Option<Vec<StoppedTask>>,
    /// Why those tasks could not be read, where they could not. They are evidence, and none is
    /// worth waiting for with a rollback.
    pub stopped_unread: Option<String>,
    /// Whether what served before can be brought back.
    pub way_back: Option<WayBack>,
    /// All that the target's paths and secrets hold.
    pub stores: Option<Stores>,
    /// The last change of something that the target reads, as far as we were told.
    pub changed: Option<Change>,
    /// The hold that stands on the target or its service.
    pub hold: Option<Hold>,
    /// What a person last let be tried again after its rollback here.
    pub let_again: Option<LetAgain>,
    /// When a hold on the target or its service was lifted last, whoever had set it.
    pub lifted_at: Option<Timestamp>,
    /// The turns in which a change that many targets share is taken up, if any are being given.
    pub turns: Option<TurnsForTarget>,
    /// The last request of a person to roll back.
    pub rollback: Option<RollbackRequest>,
}

/// Whether a revision can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayBack {
    /// Whether it may be deployed. One that somebody deregistered may not.
    pub active: bool,
    /// Whether its image can still be pulled.
    pub image_present: bool,
}

/// What a plan cannot be made without and was not read, since most plans do not need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// What the target's paths and secrets hold. Not read while our deployment goes on: Parameter
    /// Store's rate is shared with the tasks that start.
    /// <https://docs.aws.amazon.com/general/latest/gr/ssm.html>
    Stores,
    /// ECS's history of the service.
    Deployments,
    /// What the target's alarms say.
    Alarms,
    /// The tasks that stopped.
    StoppedTasks,
    /// Whether this revision can be brought back.
    WayBack(RevisionArn),
}

/// A target whose service is there and runs something, with all that is known of it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) target: &'a Target,
    pub(super) assigned: Option<&'a Assignment>,
    pub(super) service: &'a EcsService,
    pub(super) running: &'a Revision,
    pub(super) observed: &'a Observation,
    pub(super) now: Timestamp,
}

impl<'a> Seen<'a> {
    /// The deployment that should win.
    pub(super) fn primary(&self) -> &'a Deployment {
        self.service.primary().expect("a running revision is the PRIMARY's")
    }

    /// How long a deployment of this service may take.
    pub(super) fn may_take(&self) -> SignedDuration {
        self.target.verify.deadline + self.service.strategy_waits
    }

    /// ECS's history of the service, the newest first.
    pub(super) fn history(&self) -> Result<&'a [ServiceDeployment], Lack> {
        self.observed.deployments.as_deref().ok_or(Lack::Deployments)
    }

    /// The alarms that are raised now.
    pub(super) fn raised(&self) -> Result<Vec<&'a AlarmName>, Lack> {
        if self.target.verify.alarms.is_empty() {
            return Ok(Vec::new());
        }
        let states = self.observed.alarms.as_ref().ok_or(Lack::Alarms)?;
        let raised = states.iter().filter(|(_, state)| **state == AlarmState::Raised);
        Ok(raised.map(|(name, _)| name).collect())
    }
}
