//! How a target's record goes on after a step: straight-line, so that a plan's steps leave
//! nothing to decide to whoever carries them out.

use jiff::Timestamp;

use crate::decisions::report::{Report, stand};
use crate::facts::deploy::{Deploy, Ending, Good, Progress};
use crate::facts::names::{DeploymentId, RevisionArn};
use crate::facts::record::TargetRecord;

/// After `RegisterTaskDefinition`.
#[must_use]
pub fn registered(mut record: TargetRecord, revision: RevisionArn, now: Timestamp) -> TargetRecord {
    set(&mut record, Progress::Registered { revision, at: now }, now);
    record
}

/// After `UpdateService`, or once it is seen that it was called. `at` is when ECS began, as far as
/// that is known.
#[must_use]
pub fn updated(
    mut record: TargetRecord,
    revision: RevisionArn,
    deployment: Option<DeploymentId>,
    at: Timestamp,
    now: Timestamp,
) -> TargetRecord {
    record.last_seen = Some(revision.clone());
    set(&mut record, Progress::Updated { revision, deployment, at }, now);
    if let Some(deploy) = &record.deploy {
        let report = Report::under_way(deploy);
        let assigned = Some(&deploy.assignment);
        record.standing = Some(stand(record.standing.take(), &report, assigned, now));
    }
    record
}

/// After ECS was asked to go back. The first time counts: what is asked again has no more time.
#[must_use]
pub fn asked(mut record: TargetRecord, now: Timestamp) -> TargetRecord {
    if let Some(Deploy { progress: Progress::GoingBack { going, .. }, .. }) = &mut record.deploy {
        going.asked_at.get_or_insert(now);
    }
    record
}

/// After ECS has completed the deployment.
#[must_use]
pub(super) fn completed(mut record: TargetRecord, now: Timestamp) -> TargetRecord {
    if let Some(Deploy { progress: Progress::Updated { revision, deployment, .. }, .. }) =
        &record.deploy
    {
        let (revision, deployment) = (revision.clone(), deployment.clone());
        set(&mut record, Progress::Completed { revision, deployment, at: now }, now);
    }
    record
}

/// After it was found good: from now on this is where a rollback goes, and its image is undone no
/// more.
#[must_use]
pub(super) fn succeeded(mut record: TargetRecord, now: Timestamp) -> TargetRecord {
    if let Some(deploy) = &record.deploy {
        let good = &deploy.assignment.release.digest;
        record.undone.retain(|undone| undone.assignment.release.digest != *good);
    }
    record.good = record.deploy.as_ref().and_then(|deploy| {
        Some(Good {
            revision: deploy.progress.revision()?.clone(),
            deploy: Some(deploy.id.number),
            release: Some(deploy.assignment.release.tag.clone()),
        })
    });
    ended(record, Ending::Succeeded, now)
}

/// After the end of the last deploy was seen.
#[must_use]
pub fn ended(mut record: TargetRecord, ending: Ending, now: Timestamp) -> TargetRecord {
    if let Some(deploy) = &mut record.deploy {
        end(deploy, ending, now);
    }
    record
}

/// The same for a deploy by itself.
pub(super) fn end(deploy: &mut Deploy, ending: Ending, now: Timestamp) {
    let revision = deploy.progress.revision().cloned();
    go_on(deploy, Progress::Ended { revision, ending, at: now }, now);
}

/// Sets how far the last deploy has come, and notes its phase if that is another.
pub(super) fn set(record: &mut TargetRecord, progress: Progress, now: Timestamp) {
    let deploy = record.deploy.as_mut();
    go_on(deploy.expect("steps belong to a deploy, which was written first"), progress, now);
}

fn go_on(deploy: &mut Deploy, progress: Progress, now: Timestamp) {
    let before = deploy.phase();
    deploy.progress = progress;
    if deploy.phase() != before {
        deploy.phases.push((deploy.phase(), now));
    }
}
