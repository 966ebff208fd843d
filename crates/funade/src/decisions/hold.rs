//! The hold that a rollback leaves: automation does not bring back what was just undone.
//!
//! It is not stored anywhere: it follows from how the last deploys of an image ended, the team's
//! setting, and a person's word. A newer release ends it, since it is about one image only; but the
//! same image under a higher tag is held as before, whatever was deployed in between.

use jiff::Timestamp;

use crate::config::Target;
use crate::decisions::observation::Seen;
use crate::facts::configuration::Configuration;
use crate::facts::deploy::{Deploy, Ending, Progress};
use crate::facts::hold::{Hold, LetAgain};
use crate::facts::record::TargetRecord;
use crate::facts::release::{AssignedBy, Assignment};
use crate::facts::subject::Subject;

/// How often automation tries a decision that is rolled back: once more when its hold is over, and
/// then never again by itself. A bad release would come back for ever.
const ATTEMPTS_MAX: u32 = 2;

/// How many images a target's record keeps in mind that were undone before its last deploy. An
/// image comes back under another tag within a few releases, if it does; and each takes a kilobyte
/// of an item that may have 400.
const UNDONE_MAX: usize = 10;

/// The hold that the last deploy of what is assigned has left, if it was rolled back and nobody has
/// lifted it.
#[must_use]
pub fn hold_after_rollback(
    target: &Target,
    record: &TargetRecord,
    assigned: Option<&Assignment>,
    let_again: Option<&LetAgain>,
    now: Timestamp,
) -> Option<Hold> {
    let deploy = tried(target, record, assigned?)?;
    let Progress::Ended { ending: Ending::RolledBack { cause, by, .. }, at, .. } = &deploy.progress
    else {
        return None;
    };
    let until = target.rollback.hold.filter(|_| deploy.attempt < ATTEMPTS_MAX);
    let until = until.map(|hold| *at + hold);
    let over = until.is_some_and(|until| now >= until) || is_let_again(deploy, *at, let_again);
    let (id, release) = (&deploy.id, &deploy.assignment.release.tag);
    (!over).then(|| Hold {
        on: Subject::Target(target.id.clone()),
        release: Some(release.clone()),
        reason: format!(
            "{by} rolled back deploy {id} of {release}: {}: {}",
            cause.diagnosis.sentence(),
            cause.what
        ),
        by: "the rollback".to_owned(),
        since: *at,
        until,
        lifted: None,
    })
}

/// The last attempt at what is assigned: the last deploy, if it carried out the same decision; or,
/// where it failed, another by which automation would bring the same image, however long ago.
pub(super) fn tried<'a>(
    target: &Target,
    record: &'a TargetRecord,
    assigned: &Assignment,
) -> Option<&'a Deploy> {
    let same_decision = |deploy: &&Deploy| deploy.assignment.number == assigned.number;
    let same_image = |deploy: &&Deploy| {
        undone_at(deploy).is_some()
            && deploy.assignment.release.digest == assigned.release.digest
            && assigned.by == AssignedBy::Selection
    };
    let last = record.deploy.iter().filter(|deploy| same_decision(deploy) || same_image(deploy));
    let before = record.undone.iter().rev().filter(same_image);
    // In another account or region it was another ECS service.
    last.chain(before).find(|deploy| deploy.from.is_in(&target.place))
}

/// When a deploy failed or was undone, if it did not stay.
fn undone_at(deploy: &Deploy) -> Option<Timestamp> {
    match &deploy.progress {
        Progress::Ended { ending, at, .. } => match ending {
            Ending::Failed { .. } | Ending::RolledBack { .. } => Some(*at),
            Ending::Succeeded | Ending::Superseded | Ending::Replaced { .. } => None,
        },
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::GoingBack { .. } => None,
    }
}

/// Keeps in mind that a deploy which gives way to the next one was undone. A person who asks for an
/// image, as who lets it be tried again, has the last word on what was before. And an image that
/// serves now without that deploy's variables was not what failed.
pub(super) fn keep_undone(
    record: &mut TargetRecord,
    closed: Option<&Deploy>,
    seen: &Seen<'_>,
    next: &Assignment,
) {
    let (running, let_again) = (seen.running, seen.observed.let_again.as_ref());
    let serves = seen.target.image_in(&running.document).and_then(|image| image.digest);
    let digest = |deploy: &Deploy| deploy.assignment.release.digest.clone();
    let serves_still = |deploy: &Deploy| {
        serves.as_ref() == Some(&deploy.assignment.release.digest)
            && deploy.progress.revision() != Some(&running.arn)
    };
    let undone = closed.filter(|closed| {
        undone_at(closed).is_some_and(|at| !is_let_again(closed, at, let_again))
            && !serves_still(closed)
    });
    if let Some(closed) = undone {
        record.undone.retain(|before| digest(before) != digest(closed));
        record.undone.push(outline(closed.clone()));
        let too_many = record.undone.len().saturating_sub(UNDONE_MAX);
        record.undone.drain(..too_many);
    }
    match next.by {
        AssignedBy::Selection => {}
        AssignedBy::Request { .. } => {
            record.undone.retain(|before| digest(before) != next.release.digest);
        }
    }
}

/// Forgets what a person lets be tried again: the word may be replaced by the next hold.
pub(super) fn forget_let_again(
    mut record: TargetRecord,
    let_again: Option<&LetAgain>,
) -> TargetRecord {
    let stays =
        |deploy: &Deploy| undone_at(deploy).is_some_and(|at| !is_let_again(deploy, at, let_again));
    record.undone.retain(stays);
    record
}

/// What is kept of a deploy that was undone: why, whose decision it was, and when.
fn outline(mut deploy: Deploy) -> Deploy {
    deploy.configuration = Configuration::default();
    deploy.phases.clear();
    if let Progress::Ended {
        ending: Ending::Failed { cause, .. } | Ending::RolledBack { cause, .. },
        ..
    } = &mut deploy.progress
    {
        // What a standing's sentence tells of.
        cause.tasks.truncate(1);
        cause.messages.truncate(1);
    }
    deploy
}

/// Whether a person has let a deploy's release be tried again since the deploy was undone.
pub(super) fn is_let_again(
    deploy: &Deploy,
    undone_at: Timestamp,
    let_again: Option<&LetAgain>,
) -> bool {
    let release = &deploy.assignment.release.tag;
    let_again.is_some_and(|again| again.release == *release && again.at >= undone_at)
}
