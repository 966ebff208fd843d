//! What ECS says of a service.

use jiff::{SignedDuration, Timestamp};

use crate::facts::names::{AlarmName, DeploymentId, RevisionArn, ServiceDeploymentArn};

/// An ECS service, as `DescribeServices` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsService {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Who carries out its deployments.
    pub controller: Controller,
    /// Its deployments, the PRIMARY among them.
    pub deployments: Vec<Deployment>,
    /// How long its strategy lets a healthy deployment wait: bake times, steps of a canary.
    pub strategy_waits: SignedDuration,
    /// What ECS has said of it lately, the newest first.
    pub messages: Vec<ServiceMessage>,
    /// How many tasks should run.
    pub desired_count: u32,
    /// How many do.
    pub running_count: u32,
    /// Whether anything stops a bad deployment: a circuit breaker, or alarms.
    pub has_brake: bool,
}

/// One of a service's events, as `DescribeServices` lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMessage {
    /// When.
    pub at: Timestamp,
    /// ECS's words.
    pub text: String,
}

/// An entry of ECS's history of a service. It says of a deployment what `DescribeServices` does
/// not: whether it was rolled back.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDeployment {
    /// Its ARN.
    pub arn: ServiceDeploymentArn,
    /// The revision that it brings.
    pub revision: RevisionArn,
    /// How far it has come.
    pub status: ServiceDeploymentStatus,
    /// ECS's words about that.
    pub reason: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// The alarms that ECS itself watches for it and that were raised while it went on.
    pub alarms: Vec<AlarmName>,
}

/// How far an entry of the history has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceDeploymentStatus {
    /// `PENDING`, `IN_PROGRESS`, and what AWS may add.
    InProgress,
    /// `SUCCESSFUL`.
    Successful,
    /// `STOP_REQUESTED`, `STOPPED`: by somebody, or by a newer one.
    Stopped,
    /// `ROLLBACK_REQUESTED`, `ROLLBACK_IN_PROGRESS`.
    RollingBack,
    /// `ROLLBACK_SUCCESSFUL`.
    RolledBack,
    /// `ROLLBACK_FAILED`.
    RollbackFailed,
}

/// What an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmState {
    /// `OK`, or `INSUFFICIENT_DATA`.
    Quiet,
    /// `ALARM`.
    Raised,
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
    /// When ECS last changed it: begun, or made the PRIMARY again.
    pub updated_at: Option<Timestamp>,
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
    /// Going on.
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
