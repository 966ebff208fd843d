//! The hold that a rollback leaves: automation does not bring back what was just undone.
//!
//! It is not stored anywhere: it follows from the end of the last deploy, the team's setting, and
//! a person's word. A newer release ends it, since it is about one release only.

use jiff::Timestamp;

use crate::config::Target;
use crate::facts::deploy::{Deploy, Ending, Progress};
use crate::facts::hold::{Hold, LetAgain};
use crate::facts::record::TargetRecord;
use crate::facts::release::{AssignedBy, Assignment};
use crate::facts::subject::Subject;

/// How often automation tries a decision that is rolled back: once more when its hold is over, and
/// then never again by itself. A bad release would come back for ever.
const ATTEMPTS_MAX: u32 = 2;

/// The hold that the last deploy has left, if it was rolled back, is about what is assigned, and
/// nobody has lifted it.
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

/// The last deploy, if it was an attempt at what is assigned: the same decision, or, where it
/// failed, another by which automation would bring the same image.
pub(super) fn tried<'a>(
    target: &Target,
    record: &'a TargetRecord,
    assigned: &Assignment,
) -> Option<&'a Deploy> {
    record.deploy.as_ref().filter(|deploy| {
        let same_decision = deploy.assignment.number == assigned.number;
        let undone = matches!(
            deploy.progress,
            Progress::Ended { ending: Ending::Failed { .. } | Ending::RolledBack { .. }, .. }
        );
        let same_image = undone
            && deploy.assignment.release.digest == assigned.release.digest
            && assigned.by == AssignedBy::Selection;
        // In another account or region it was another ECS service.
        (same_decision || same_image) && deploy.from.is_in(&target.place)
    })
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
