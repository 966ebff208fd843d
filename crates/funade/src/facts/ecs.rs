//! What ECS says of a service.

use crate::facts::names::{DeploymentId, RevisionArn};

/// An ECS service, as `DescribeServices` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsService {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Who carries out its deployments.
    pub controller: Controller,
    /// Its deployments, the PRIMARY among them.
    pub deployments: Vec<Deployment>,
}

/// Who carries out a service's deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controller {
    /// ECS itself: takes a task definition by `UpdateService`.
    Ecs,
    /// `CODE_DEPLOY`, `EXTERNAL`, or one that AWS has added since: `UpdateService` refuses a
    /// task definition.
    Other(String),
}

/// An ECS deployment: one task definition being brought to a service's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Whether it is the one that should win.
    pub status: DeploymentStatus,
    /// What it runs.
    pub revision: RevisionArn,
    /// How far it has come.
    pub rollout: RolloutState,
    /// ECS's words about that.
    pub reason: Option<String>,
}

/// A deployment's place among the service's deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    /// The newest.
    Primary,
    /// Older, still with tasks.
    Active,
    /// Fully replaced.
    Inactive,
}

/// How far a deployment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutState {
    /// Going on. Also a service that reports no state.
    InProgress,
    /// Reached its steady state.
    Completed,
    /// Given up: by the circuit breaker or an alarm.
    Failed,
}

impl EcsService {
    /// The deployment that should win. ECS gives every active service of its own controller one.
    #[must_use]
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == DeploymentStatus::Primary)
    }

    /// The deployment with this id, while ECS still lists it.
    #[must_use]
    pub fn deployment(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| &deployment.id == id)
    }
}
