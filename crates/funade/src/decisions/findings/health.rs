//! Whether a target's tasks run and go on running.
//!
//! In: what ECS says of the service, and the tasks that stopped lately. Out: a finding where they
//! are too few, stop again and again, or are said to fail.

use jiff::{SignedDuration, Timestamp};

use super::{Found, Looked};
use crate::decisions::diagnosis;
use crate::facts::cause::{Diagnosis, StoppedTask};
use crate::facts::ecs::{Deployment, EcsService, RolloutState, ServiceMessage};
use crate::facts::finding::FindingKind;

/// How far back a stopped task or a message tells of the service as it is now.
const LATELY: SignedDuration = SignedDuration::from_mins(20);

/// ECS's words once all tasks run and pass their checks.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>
const STEADY: &str = "has reached a steady state";

/// How many tasks may stop by themselves within that time. One is a bad day of one machine.
const STOPS_MAX: usize = 2;

/// Whether tasks that stopped should be read, too: something that ECS says of the service hints at
/// it. Most services are quiet, and are not asked about.
#[must_use]
pub fn hints_at_stops(service: &EcsService, now: Timestamp) -> bool {
    let lately = |message: &&ServiceMessage| now.duration_since(message.at) < LATELY;
    let says = |message: &ServiceMessage| {
        let text = message.text.to_lowercase();
        ["has started", "unable to", "unhealthy", "health check"].iter().any(|w| text.contains(w))
    };
    is_steady(service)
        && (service.running_count < service.desired_count
            || service.messages.iter().filter(lately).any(says))
}

/// Its deployment is complete, so that its tasks should run and go on running.
fn is_steady(service: &EcsService) -> bool {
    service.primary().is_some_and(|primary| primary.rollout == RolloutState::Completed)
}

pub(super) fn unhealthy(looked: &Looked<'_>) -> Option<Found> {
    let Looked { observed, now, target, .. } = *looked;
    let service = observed.service.as_ref().filter(|service| is_steady(service))?;
    let primary = service.primary()?;
    let lately = |at: Timestamp| now.duration_since(at) < LATELY;
    // What a deployment before it has left behind tells nothing of what runs now.
    let stopped: Vec<&StoppedTask> = observed
        .stopped
        .iter()
        .flatten()
        .filter(|task| task.started_by.as_ref() == Some(&primary.id))
        .filter(|task| task.stopped_at.is_some_and(lately) && task.stopped_by_itself())
        .collect();
    let messages = messages(service, primary, now);
    let (running, desired) = (service.running_count, service.desired_count);
    let mut parts = Vec::new();
    if running < desired {
        parts.push(format!("{running} of {desired} tasks run"));
    }
    if stopped.len() > STOPS_MAX {
        parts.push(format!("{} tasks stopped by themselves within {LATELY:#}", stopped.len()));
    }
    let says = messages.iter().find(|message| diagnosis::diagnose(&message.text).is_some());
    if parts.is_empty() && says.is_none() {
        return None;
    }
    let last = stopped.iter().max_by_key(|task| task.stopped_at);
    parts.extend(last.map(|task| format!("the last: {}", diagnosis::line(task))));
    parts.extend(says.map(|message| format!("ECS says: {}", message.text)));
    let remedy = diagnosis::found(&stopped, &messages)
        .map_or("look at its tasks and their logs", Diagnosis::remedy);
    let next = format!("{remedy}; funade explain {}", target.id);
    Some((FindingKind::Unhealthy, parts.join("; "), next))
}

/// What ECS has said lately of the tasks as they are now: since the PRIMARY is that, and, where all
/// tasks run, since it last said that all is well.
fn messages<'a>(
    service: &'a EcsService,
    primary: &Deployment,
    now: Timestamp,
) -> Vec<&'a ServiceMessage> {
    let steady = service.messages.iter().filter(|message| message.text.contains(STEADY));
    let steady = steady.map(|message| message.at).max();
    let steady = steady.filter(|_| service.running_count >= service.desired_count);
    let tells = |message: &&ServiceMessage| {
        now.duration_since(message.at) < LATELY
            && primary.updated_at.is_none_or(|since| message.at >= since)
            && steady.is_none_or(|steady| message.at > steady)
    };
    service.messages.iter().filter(tells).collect()
}
