//! Why a deploy failed, from what ECS says of its tasks and of the service.
//!
//! In: the stopped tasks and the service's messages. Out: one of a few diagnoses, and the lines
//! that it rests on. ECS's words are matched, since there are no codes for most of this; what
//! matches nothing is said to be unknown, and shown.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>

use std::collections::BTreeMap;

use crate::decisions::observation::{Lack, Seen};
use crate::facts::cause::{Cause, Diagnosis, StoppedTask, Trigger};
use crate::facts::deploy::Deploy;
use crate::facts::ecs::ServiceMessage;

/// How many different ends of tasks are kept: more say no more.
const TASKS_MAX: usize = 3;

/// How many of the service's messages are kept.
const MESSAGES_MAX: usize = 3;

/// How much of a line is kept. A reason may have 1,024 characters, and a record has many lines.
const LINE_BYTES_MAX: usize = 400;

/// The diagnoses with the words by which ECS tells them, in lower case. The first that matches
/// counts, so what is said of pulling comes before what is said of resources in general.
const WORDS: [(Diagnosis, &[&str]); 6] = [
    (
        Diagnosis::ImageCannotBePulled,
        &[
            "cannotpull",
            "pull image",
            "pull command failed",
            "ecr registry auth",
            "manifest unknown",
        ],
    ),
    (
        Diagnosis::ConfigurationUnreadable,
        &[
            "unable to pull secrets",
            "unable to retrieve secret",
            "secretsmanager",
            "invalid ssm parameters",
            "ssm:getparameters",
            "execution resource retrieval failed",
            "unable to assume the service linked role",
            "unable to assume role",
        ],
    ),
    (
        Diagnosis::CannotBePlaced,
        &[
            "unable to place a task",
            "capacity is unavailable",
            "insufficient capacity",
            "resource:",
            "no container instance",
            "insufficient free addresses",
            "network interface provisioning",
            "limit on the number of tasks",
        ],
    ),
    (Diagnosis::OutOfMemory, &["outofmemory", "out of memory"]),
    (Diagnosis::HealthCheckFails, &["health check", "is unhealthy in", "unhealthy"]),
    (
        Diagnosis::ContainerExits,
        &[
            "essential container in task exited",
            "cannotstartcontainer",
            "cannotcreatecontainer",
            "exec format error",
        ],
    ),
];

/// Why the deploy failed. A person's word needs no evidence.
pub(super) fn cause(
    deploy: &Deploy,
    seen: &Seen<'_>,
    trigger: Trigger,
    what: &str,
) -> Result<Cause, Lack> {
    let stopped = seen.observed.stopped.as_ref().ok_or(Lack::StoppedTasks)?;
    let since = deploy.begun_at;
    let ours = stopped.iter().filter(|task| {
        let of_deployment = match (deploy.progress.deployment(), &task.started_by) {
            (Some(ours), Some(started_by)) => ours == started_by,
            (None, _) | (_, None) => true,
        };
        let lately = task.stopped_at.is_none_or(|at| at >= since);
        of_deployment && lately && task.stopped_by_itself()
    });
    let tasks: Vec<&StoppedTask> = ours.collect();
    let messages: Vec<&ServiceMessage> =
        seen.service.messages.iter().filter(|message| message.at >= since).collect();
    let diagnosis = match trigger {
        Trigger::Alarm => Diagnosis::Alarm,
        Trigger::Person => Diagnosis::Unwanted,
        Trigger::GivenUp => found(&tasks, &messages).unwrap_or(Diagnosis::Unknown),
        Trigger::Deadline => found(&tasks, &messages).unwrap_or(Diagnosis::Deadline),
    };
    let telling = messages.iter().filter(|message| diagnose(&message.text).is_some());
    let mut last: Vec<String> = telling.take(MESSAGES_MAX).map(|m| cut(&m.text)).collect();
    if last.is_empty() {
        last = messages.iter().take(MESSAGES_MAX).map(|message| cut(&message.text)).collect();
    }
    let unread = seen.observed.stopped_unread.iter();
    let unread = unread.map(|why| cut(&format!("the stopped tasks could not be read: {why}")));
    let tasks = lines(&tasks).into_iter().chain(unread).collect();
    Ok(Cause { trigger, diagnosis, what: cut(what), tasks, messages: last })
}

/// What most of the tasks died of; or, where none says, what ECS says of the service.
pub(super) fn found(tasks: &[&StoppedTask], messages: &[&ServiceMessage]) -> Option<Diagnosis> {
    let mut counts: BTreeMap<Diagnosis, usize> = BTreeMap::new();
    for diagnosis in tasks.iter().filter_map(|task| of_task(task)) {
        *counts.entry(diagnosis).or_default() += 1;
    }
    let most = counts.values().copied().max();
    let of_tasks = counts.into_iter().find(|(_, count)| Some(*count) == most);
    let of_messages = || messages.iter().find_map(|message| diagnose(&message.text));
    of_tasks.map(|(diagnosis, _)| diagnosis).or_else(of_messages)
}

/// Nothing of a task that was stopped for another's sake: that its container exited then says
/// nothing of it.
fn of_task(task: &StoppedTask) -> Option<Diagnosis> {
    if !task.stopped_by_itself() {
        return None;
    }
    let mut reasons = task.containers.iter().filter_map(|container| container.reason.as_deref());
    // A container's words are nearer to the cause than the task's.
    let of_containers = reasons.find_map(diagnose);
    let of_reason = || task.reason.as_deref().and_then(diagnose);
    let exited = || {
        let exits = task.containers.iter().any(|c| c.exit_code.is_some_and(|code| code != 0));
        exits.then_some(Diagnosis::ContainerExits)
    };
    of_containers.or_else(of_reason).or_else(exited)
}

pub(super) fn diagnose(words: &str) -> Option<Diagnosis> {
    let words = words.to_lowercase();
    let says = |(_, said): &&(Diagnosis, &[&str])| said.iter().any(|said| words.contains(said));
    WORDS.iter().find(says).map(|(diagnosis, _)| *diagnosis)
}

/// The ends of tasks, each once, with how often it was met.
fn lines(tasks: &[&StoppedTask]) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for line in tasks.iter().map(|task| line(task)) {
        match counts.iter_mut().find(|(known, _)| known == &line) {
            Some((_, count)) => *count += 1,
            None => counts.push((line, 1)),
        }
    }
    let told = counts.into_iter().take(TASKS_MAX).map(|(line, count)| match count {
        1 => line,
        _ => format!("{line} ({count} tasks)"),
    });
    told.collect()
}

/// One task's end: its containers with exit codes and reasons, and ECS's words about it.
pub(super) fn line(task: &StoppedTask) -> String {
    let mut parts = Vec::new();
    for container in &task.containers {
        match (container.exit_code, &container.reason) {
            (Some(code), Some(reason)) => {
                parts.push(format!("{} exited with code {code}: {reason}", container.name));
            }
            (Some(code), None) if code != 0 => {
                parts.push(format!("{} exited with code {code}", container.name));
            }
            (None, Some(reason)) => parts.push(format!("{}: {reason}", container.name)),
            (Some(_) | None, None) => {}
        }
    }
    parts.extend(task.reason.clone());
    if parts.is_empty() {
        parts.push(task.stop_code.clone().unwrap_or_else(|| "stopped without a reason".to_owned()));
    }
    cut(&parts.join("; "))
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(LINE_BYTES_MAX)].to_owned()
}

impl Diagnosis {
    /// What it points to, as a sentence's part.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ImageCannotBePulled => "the image cannot be pulled",
            Self::ConfigurationUnreadable => "a parameter or a secret cannot be read",
            Self::CannotBePlaced => "there is no room for its tasks",
            Self::OutOfMemory => "a container ran out of memory",
            Self::ContainerExits => "a container exits",
            Self::HealthCheckFails => "a health check fails",
            Self::Alarm => "an alarm was raised",
            Self::Deadline => "it took too long",
            Self::Unwanted => "a person wanted it undone",
            Self::Unknown => "nothing that ECS says tells why",
        }
    }

    /// What a person should look at.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::ImageCannotBePulled => {
                "see that the image is in the registry and that the execution role may pull it"
            }
            Self::ConfigurationUnreadable => {
                "see that what `secrets` names is there and that the execution role may read it"
            }
            Self::CannotBePlaced => "add capacity, or take less of it; the image may be fine",
            Self::OutOfMemory => "raise the task's memory, or mend the image",
            Self::ContainerExits => "look at the container's log",
            Self::HealthCheckFails => "look at the container's log and at what the check asks for",
            Self::Alarm => "look at what the alarm watches",
            Self::Deadline | Self::Unknown => "look at the service's events and its tasks' logs",
            Self::Unwanted => "nothing is to be done here",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::cause::StoppedContainer;

    fn task(reason: &str, container: Option<(i32, &str)>) -> StoppedTask {
        let containers = container.into_iter().map(|(code, reason)| StoppedContainer {
            name: "app".to_owned(),
            exit_code: Some(code),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
        });
        StoppedTask {
            id: "t".to_owned(),
            started_by: None,
            stop_code: None,
            reason: Some(reason.to_owned()),
            stopped_at: None,
            containers: containers.collect(),
        }
    }

    /// Row 48 among them: no capacity is told apart from a bad image.
    #[test]
    fn ecs_words_are_told_apart() {
        use Diagnosis::*;
        let essential = "Essential container in task exited";
        for (task, diagnosis) in [
            (
                task(
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s)",
                    None,
                ),
                ImageCannotBePulled,
            ),
            (task("CannotPullImageManifestError: image not found", None), ImageCannotBePulled),
            (
                task(
                    "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth",
                    None,
                ),
                ImageCannotBePulled,
            ),
            (
                task(
                    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm",
                    None,
                ),
                ConfigurationUnreadable,
            ),
            (
                task(
                    "Fetching secret data from SSM Parameter Store in eu-west-1: invalid ssm parameters: /a/b",
                    None,
                ),
                ConfigurationUnreadable,
            ),
            (
                task(
                    essential,
                    Some((137, "OutOfMemoryError: Container killed due to memory usage")),
                ),
                OutOfMemory,
            ),
            (task(essential, Some((1, ""))), ContainerExits),
            (task("Task failed container health checks", None), HealthCheckFails),
            (
                task("Task failed ELB health checks in (target-group arn:aws:x)", Some((143, ""))),
                HealthCheckFails,
            ),
            (
                task("Capacity is unavailable at this time. Please try again later", None),
                CannotBePlaced,
            ),
            (task("CannotStartContainerError: exec format error", None), ContainerExits),
        ] {
            assert_eq!(of_task(&task), Some(diagnosis), "{task:?}");
        }
        let placed = "(service web) was unable to place a task because no container instance met all of its requirements.";
        assert_eq!(diagnose(placed), Some(CannotBePlaced));
        assert_eq!(diagnose("(service web) has reached a steady state."), None);
        let scaled = task("Scaling activity initiated by (deployment ecs-svc/1)", Some((143, "")));
        assert_eq!(of_task(&scaled), None);
        let scheduler = Some("ServiceSchedulerInitiated".to_owned());
        let replaced = StoppedTask { stop_code: scheduler.clone(), ..task("", Some((137, ""))) };
        assert_eq!(of_task(&replaced), None);
        let unhealthy =
            task("Task failed ELB health checks in (target-group web)", Some((143, "")));
        let unhealthy = StoppedTask { stop_code: scheduler, ..unhealthy };
        assert_eq!(of_task(&unhealthy), Some(HealthCheckFails));
    }

    #[test]
    fn equal_ends_are_one_line() {
        let died = task("Essential container in task exited", Some((3, "")));
        let other = task("Capacity is unavailable at this time", None);
        let told = lines(&[&died, &died, &other]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].ends_with("(2 tasks)") && told[0].contains("app exited with code 3"));
        let long = lines(&[&task(&"ü".repeat(1_000), None)]);
        assert!(long[0].len() <= LINE_BYTES_MAX);
    }
}
