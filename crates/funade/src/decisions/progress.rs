//! How a target's record goes on after a step: straight-line, so that a plan's steps leave
//! nothing to decide to whoever carries them out.

use jiff::Timestamp;

use crate::decisions::report::{Report, stand};
use crate::facts::names::{DeploymentId, RevisionArn};
use crate::facts::record::{Ending, Progress, TargetRecord};

/// After `RegisterTaskDefinition`.
#[must_use]
pub fn registered(mut record: TargetRecord, revision: RevisionArn) -> TargetRecord {
    set(&mut record, Progress::Registered { revision });
    record
}

/// After `UpdateService`, or once it is seen that it was called.
#[must_use]
pub fn updated(
    mut record: TargetRecord,
    revision: RevisionArn,
    deployment: DeploymentId,
    now: Timestamp,
) -> TargetRecord {
    record.last_seen = Some(revision.clone());
    if let Some(deploy) = &record.deploy {
        let report = Report::InProgress {
            deploy: deploy.id.clone(),
            release: deploy.assignment.release.tag.clone(),
            deployment: deployment.clone(),
        };
        let assignment = deploy.assignment.number;
        record.standing = Some(stand(record.standing.take(), &report, assignment, now));
    }
    set(&mut record, Progress::Updated { revision, deployment, at: now });
    record
}

/// After the end of the last deploy was seen.
#[must_use]
pub fn ended(mut record: TargetRecord, ending: Ending, at: Timestamp) -> TargetRecord {
    let revision = record.deploy.as_ref().and_then(|deploy| deploy.progress.revision().cloned());
    set(&mut record, Progress::Ended { revision, ending, at });
    record
}

fn set(record: &mut TargetRecord, progress: Progress) {
    record.deploy.as_mut().expect("steps belong to a deploy, which was written first").progress =
        progress;
}
