//! Why a deploy failed: what was seen, and what that points to.

use jiff::Timestamp;

use crate::facts::names::DeploymentId;

/// A task that stopped, as long as ECS remembers it: about an hour.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its id, the last part of its ARN.
    pub id: String,
    /// The deployment that started it, if a deployment did.
    pub started_by: Option<DeploymentId>,
    /// ECS's code: `TaskFailedToStart`, `EssentialContainerExited`, ….
    pub stop_code: Option<String>,
    /// ECS's words.
    pub reason: Option<String>,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a task that stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// What it exited with, if it ever ran.
    pub exit_code: Option<i32>,
    /// ECS's words about it.
    pub reason: Option<String>,
}

impl StoppedTask {
    /// Whether it stopped for a reason of its own, and not since somebody wanted fewer, or others.
    /// The scheduler stops tasks of a healthy service too, whose containers then exit with 143 or
    /// 137. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>
    #[must_use]
    pub fn stopped_by_itself(&self) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default().to_lowercase();
        match self.stop_code.as_deref() {
            Some("UserInitiated" | "SpotInterruption" | "TerminationNotice") => false,
            Some("ServiceSchedulerInitiated") => reason.contains("health check"),
            Some(_) | None => !reason.starts_with("scaling activity initiated by"),
        }
    }
}

/// What a failed deploy points to. Small on purpose: a person acts differently for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Diagnosis {
    /// The registry refuses the image, or does not have it.
    ImageCannotBePulled,
    /// A parameter or a secret is not there, or the execution role may not read it.
    ConfigurationUnreadable,
    /// There is no room for the tasks.
    CannotBePlaced,
    /// A container was killed for its memory.
    OutOfMemory,
    /// A container exits, or cannot be started.
    ContainerExits,
    /// A container runs, and a health check fails.
    HealthCheckFails,
    /// An alarm was raised.
    Alarm,
    /// The time that it may take is over.
    Deadline,
    /// A person wanted it undone.
    Unwanted,
    /// Nothing that was seen tells.
    Unknown,
}

impl Diagnosis {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ImageCannotBePulled,
        Self::ConfigurationUnreadable,
        Self::CannotBePlaced,
        Self::OutOfMemory,
        Self::ContainerExits,
        Self::HealthCheckFails,
        Self::Alarm,
        Self::Deadline,
        Self::Unwanted,
        Self::Unknown,
    ];

    /// Its name, for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageCannotBePulled => "image-cannot-be-pulled",
            Self::ConfigurationUnreadable => "configuration-unreadable",
            Self::CannotBePlaced => "cannot-be-placed",
            Self::OutOfMemory => "out-of-memory",
            Self::ContainerExits => "container-exits",
            Self::HealthCheckFails => "health-check-fails",
            Self::Alarm => "alarm",
            Self::Deadline => "deadline",
            Self::Unwanted => "unwanted",
            Self::Unknown => "unknown",
        }
    }
}

impl Trigger {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GivenUp, Self::Deadline, Self::Alarm, Self::Person];

    /// Its name, for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GivenUp => "given-up",
            Self::Deadline => "deadline",
            Self::Alarm => "alarm",
            Self::Person => "person",
        }
    }
}

/// What ended a deploy before it succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// ECS gave its deployment up.
    GivenUp,
    /// The time that it may take was over.
    Deadline,
    /// An alarm was raised.
    Alarm,
    /// A person wanted it undone.
    Person,
}

/// Why a deploy failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What ended it.
    pub trigger: Trigger,
    /// What it points to.
    pub diagnosis: Diagnosis,
    /// What ended it, as a sentence's part: "ECS gave up: …", "it took longer than 20m".
    pub what: String,
    /// The last tasks that stopped, each told in a line: where, with what, why.
    pub tasks: Vec<String>,
    /// The last that ECS said of the service.
    pub messages: Vec<String>,
}
