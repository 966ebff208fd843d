//! Whether a target's tasks run and go on running.
//!
//! In: what ECS says of the service, and the tasks that stopped lately. Out: a finding where they
//! are too few, stop again and again, or are said to fail.

use jiff::{SignedDuration, Timestamp};

use super::{Found, Looked};
use crate::decisions::diagnosis;
use crate::decisions::plan::Plan;
use crate::decisions::report::Report;
use crate::facts::cause::{Diagnosis, StoppedTask};
use crate::facts::deploy::Deploy;
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
pub fn hints_at_stops(service: &EcsService, plan: &Plan, now: Timestamp) -> bool {
    let lately = |message: &&ServiceMessage| now.duration_since(message.at) < LATELY;
    let says = |message: &ServiceMessage| {
        let text = message.text.to_lowercase();
        ["has started", "unable to", "unhealthy", "health check"].iter().any(|w| text.contains(w))
    };
    are_too_few(service, plan, now)
        || (is_steady(service) && service.messages.iter().filter(lately).any(says))
}

/// Tasks are missing, and no deploy of ours is about to start them.
fn are_too_few(service: &EcsService, plan: &Plan, now: Timestamp) -> bool {
    service.running_count < service.desired_count
        && (is_steady(service) || !is_ours_under_way(plan, now))
}

/// Whether a deploy of ours is under way, and has time left.
fn is_ours_under_way(plan: &Plan, now: Timestamp) -> bool {
    let under_way = plan.record.deploy.as_ref().is_some_and(Deploy::is_under_way);
    under_way && plan.record.due.is_none_or(|due| now < due)
}

/// Its deployment is complete, so that its tasks should run and go on running.
fn is_steady(service: &EcsService) -> bool {
    service.primary().is_some_and(|primary| primary.rollout == RolloutState::Completed)
}

pub(super) fn unhealthy(looked: &Looked<'_>) -> Option<Found> {
    let Looked { observed, now, target, plan, .. } = *looked;
    let service = observed.service.as_ref()?;
    let primary = service.primary()?;
    let too_few = are_too_few(service, plan, now);
    // Before its deployment is complete, tasks that fail are that deployment's matter.
    if !too_few && !is_steady(service) {
        return None;
    }
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
    if too_few {
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

/// A deployment that is not ours, or no longer, and that has been given up or takes too long,
/// whatever else a pass has to say of the target.
pub(super) fn stalled(looked: &Looked<'_>) -> Option<Found> {
    let Looked { observed, now, target, plan, .. } = *looked;
    let under_way = plan.record.deploy.as_ref().is_some_and(Deploy::is_under_way);
    // What is about to be deployed takes its place; and what failed was told when it ended.
    let told = matches!(plan.report, Report::DeployFailed { .. });
    if under_way || told || !plan.steps.is_empty() {
        return None;
    }
    let service = observed.service.as_ref()?;
    let primary = service.primary()?;
    let may_take = target.verify.deadline + service.strategy_waits;
    let (id, short) = (&primary.id, primary.revision.short());
    let sentence = match primary.rollout {
        RolloutState::Completed => return None,
        RolloutState::InProgress => {
            let takes = primary.updated_at.map(|at| now.duration_since(at));
            takes.filter(|takes| *takes >= may_take)?;
            format!("its deployment {id} of {short} has not ended within {may_take:#}")
        }
        RolloutState::Failed => {
            let reason = primary.reason.as_deref().unwrap_or("no reason given");
            format!("ECS has given up its deployment {id} of {short} without going back: {reason}")
        }
    };
    let next = format!("look at its tasks and their logs; funade explain {}", target.id);
    Some((FindingKind::Stuck, sentence, next))
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
