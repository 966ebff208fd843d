//! What tasks do: become healthy after a while, fail in one of the ways that ECS has words for, or
//! never come to anything.

use funade::facts::cause::{StoppedContainer, StoppedTask};
use funade::facts::names::DeploymentId;
use jiff::{SignedDuration, Timestamp};

/// How long a failing task lives, and until the next is started.
const TASK_LIVES: SignedDuration = SignedDuration::from_secs(45);

/// What tasks with some image or variable do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// They become healthy, and the deployment takes this long.
    Healthy(SignedDuration),
    /// They exit, and the circuit breaker, if there is one, gives up after this long.
    Crashes(SignedDuration),
    /// They fail in another way, likewise.
    Fails(Failure, SignedDuration),
    /// They fail, and the circuit breaker does not count it: the deployment goes on for ever.
    Never(Failure),
}

/// How tasks fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The container exits with a code.
    Exits(i32),
    /// The container is killed for its memory.
    OutOfMemory,
    /// The registry does not give the image.
    CannotPull,
    /// There is no room.
    NoRoom,
    /// The health check fails.
    Unhealthy,
    /// A secret cannot be read.
    NoSecret,
}

impl Behaviour {
    /// How long until the deployment is over; `None` if it never is by itself.
    pub(super) fn takes(self) -> Option<SignedDuration> {
        match self {
            Self::Healthy(takes) | Self::Crashes(takes) | Self::Fails(_, takes) => Some(takes),
            Self::Never(_) => None,
        }
    }

    /// How its tasks fail, if they do.
    pub(super) fn failure(self) -> Option<Failure> {
        match self {
            Self::Healthy(_) => None,
            Self::Crashes(_) => Some(Failure::Exits(1)),
            Self::Fails(failure, _) | Self::Never(failure) => Some(failure),
        }
    }

    pub(super) fn paced(self, percent: i32) -> Self {
        let paced = |takes: SignedDuration| takes * percent / 100;
        match self {
            Self::Healthy(takes) => Self::Healthy(paced(takes)),
            Self::Crashes(takes) => Self::Crashes(paced(takes)),
            Self::Fails(failure, takes) => Self::Fails(failure, paced(takes)),
            Self::Never(failure) => Self::Never(failure),
        }
    }
}

impl Failure {
    /// The tasks that have stopped since a deployment began, the last first.
    pub(super) fn stopped(
        self,
        deployment: &DeploymentId,
        began: Timestamp,
        now: Timestamp,
    ) -> Vec<StoppedTask> {
        let (Some((code, reason)), elapsed) = (self.words(), now.duration_since(began)) else {
            return Vec::new();
        };
        let count = (elapsed.as_secs() / TASK_LIVES.as_secs()).clamp(0, 5);
        let container = |exit_code, reason: Option<&str>| StoppedContainer {
            name: "app".to_owned(),
            exit_code,
            reason: reason.map(str::to_owned),
        };
        let container = match self {
            Self::Exits(code) => container(Some(code), None),
            Self::OutOfMemory => {
                container(Some(137), Some("OutOfMemoryError: Container killed due to memory usage"))
            }
            Self::Unhealthy => container(Some(143), None),
            Self::CannotPull | Self::NoSecret | Self::NoRoom => container(None, None),
        };
        let task = |number: i64| StoppedTask {
            id: format!("{deployment}-task-{number}").replace("ecs-svc/", ""),
            started_by: Some(deployment.clone()),
            stop_code: Some(code.to_owned()),
            reason: Some(reason.to_owned()),
            stopped_at: Some(began + TASK_LIVES * i32::try_from(number).unwrap_or(1)),
            containers: vec![container.clone()],
        };
        (1..=count).rev().map(task).collect()
    }

    /// What ECS says of the service itself.
    pub(super) fn message(self) -> Option<&'static str> {
        match self {
            Self::NoRoom => Some(
                "(service web) was unable to place a task. Reason: Capacity is unavailable at this \
                 time. Please try again later or in a different availability zone.",
            ),
            Self::Exits(_)
            | Self::OutOfMemory
            | Self::CannotPull
            | Self::Unhealthy
            | Self::NoSecret => None,
        }
    }

    /// A stopped task's code and reason; `None` where no task was ever started.
    fn words(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Exits(_) | Self::OutOfMemory => {
                Some(("EssentialContainerExited", "Essential container in task exited"))
            }
            Self::CannotPull => Some((
                "TaskFailedToStart",
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed \
                 to resolve ref: not found",
            )),
            Self::Unhealthy => Some((
                "ServiceSchedulerInitiated",
                "Task failed ELB health checks in (target-group web)",
            )),
            Self::NoSecret => Some((
                "TaskFailedToStart",
                "ResourceInitializationError: unable to pull secrets or registry auth: execution \
                 resource retrieval failed: unable to retrieve secret from asm",
            )),
            Self::NoRoom => None,
        }
    }
}
