//! Where the last deploy stands, found by looking.
//!
//! In: the record and what was observed. Out: the record with the deploy's progress brought up to
//! what is seen: what a lost response or a death did not let us write, and how a deploy ended.
//! Invariant: success is said only of our deployment, as the PRIMARY, completed.

use jiff::{SignedDuration, Timestamp};

use crate::decisions::plan::Observation;
use crate::decisions::progress::{ended, registered, updated};
use crate::facts::ecs::{DeploymentStatus, EcsService, RolloutState};
use crate::facts::names::{DeploymentId, RevisionArn};
use crate::facts::record::{Ending, Progress, TargetRecord};
use crate::facts::release::Assignment;
use crate::facts::task_definition::Revision;

/// How soon after `UpdateService` a deployment is sure to be shown: ECS's reads are eventually
/// consistent, usually within a second. An older deployment that is not shown is over.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// A newer assignment of the image that is being deployed, by another of its tags or by a person
/// who asks once more, goes on with that deploy.
pub(super) fn rebind(mut record: TargetRecord, assigned: Option<&Assignment>) -> TargetRecord {
    if let (Some(deploy), Some(assigned)) = (&mut record.deploy, assigned)
        && !matches!(deploy.progress, Progress::Ended { .. })
        && deploy.assignment.release.digest == assigned.release.digest
    {
        deploy.assignment = assigned.clone();
    }
    record
}

/// Brings the last deploy's progress up to what is seen: found by looking, what a lost response
/// or a death did not let us write.
pub(super) fn settle(
    record: TargetRecord,
    service: &EcsService,
    running: &Revision,
    observed: &Observation,
    assigned: Option<&Assignment>,
    now: Timestamp,
) -> TargetRecord {
    let Some(deploy) = &record.deploy else { return record };
    let wanted_still = assigned.is_some_and(|a| a.number == deploy.assignment.number);
    match &deploy.progress {
        Progress::Ended { .. } => record,
        Progress::Updated { revision, deployment, at } => {
            let fresh = now.duration_since(*at) < SHOWN_WITHIN;
            match ending(service, running, revision, deployment, fresh) {
                Some(end) => ended(record, end, now),
                None if wanted_still => record,
                None => ended(record, Ending::Superseded, now),
            }
        }
        Progress::Begun | Progress::Registered { .. } => {
            let revision = deploy.progress.revision().or(observed.registered.as_ref()).cloned();
            let shown = revision.as_ref().and_then(|revision| deployment_of(service, revision));
            match (revision, shown) {
                // `UpdateService` was called, and its response never reached the ledger.
                (Some(revision), Some(deployment)) => {
                    let record = updated(record, revision, deployment, now);
                    settle(record, service, running, observed, assigned, now)
                }
                // It was called too, but so long ago that the deployment is over and drained.
                (Some(_), None) if observed.deployed_before => {
                    let reason = format!(
                        "its deployment was over before we saw it, and {} runs",
                        running.arn.short()
                    );
                    ended(record, Ending::Failed { reason }, now)
                }
                // What it was made from has been replaced since, or it is not wanted any more.
                (_, None) if !wanted_still || deploy.from != running.arn => {
                    ended(record, Ending::Superseded, now)
                }
                (Some(revision), None) => registered(record, revision),
                (None, _) => record,
            }
        }
    }
}

fn deployment_of(service: &EcsService, revision: &RevisionArn) -> Option<DeploymentId> {
    let shown = service.deployments.iter().find(|deployment| &deployment.revision == revision);
    shown.map(|deployment| deployment.id.clone())
}

/// How a deploy whose deployment we know has ended; `None` while it goes on.
fn ending(
    service: &EcsService,
    running: &Revision,
    revision: &RevisionArn,
    deployment: &DeploymentId,
    fresh: bool,
) -> Option<Ending> {
    let failed = |reason: String| Some(Ending::Failed { reason });
    let Some(ours) = service.deployment(deployment) else {
        if fresh {
            return None;
        }
        return failed(format!(
            "ECS shows our deployment {deployment} no more, and {} runs",
            running.arn.short()
        ));
    };
    match (ours.status, ours.rollout) {
        (_, RolloutState::Failed) => failed(match &ours.reason {
            Some(reason) => format!("ECS gave up: {reason}"),
            None => "ECS gave up without a reason".to_owned(),
        }),
        (DeploymentStatus::Primary, RolloutState::Completed) if &ours.revision == revision => {
            Some(Ending::Succeeded)
        }
        (DeploymentStatus::Primary, RolloutState::InProgress) => None,
        (
            DeploymentStatus::Primary | DeploymentStatus::Active | DeploymentStatus::Inactive,
            RolloutState::Completed | RolloutState::InProgress,
        ) => failed(format!("another deployment, of {}, has replaced ours", running.arn.short())),
    }
}
