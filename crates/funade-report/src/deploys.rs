//! A deploy in a line: what led to it, how long it took, and why it did not stay.

use funade::facts::cause::{Cause, Trigger};
use funade::facts::deploy::{Deploy, Ending, Progress};
use funade::facts::release::AssignedBy;
use funade::shell::TargetState;
use jiff::{SignedDuration, Timestamp};

/// A target's deploys, newest first. The record's is newer than the history, or newly read.
pub(crate) fn deploys<'a>(
    target: &'a TargetState,
    history: &'a [Deploy],
) -> impl Iterator<Item = &'a Deploy> {
    let last = target.record.deploy.as_ref();
    let number = last.map_or(u64::MAX, |deploy| deploy.id.number);
    last.into_iter().chain(history.iter().filter(move |deploy| deploy.id.number < number))
}

/// What led to it: a person's request, or an event.
#[must_use]
pub fn led_by(deploy: &Deploy) -> String {
    match &deploy.assignment.by {
        AssignedBy::Request { id, by } if *id == deploy.cause => format!("{by}, by {id}"),
        AssignedBy::Request { .. } | AssignedBy::Selection => format!("event {}", deploy.cause),
    }
}

/// How long it took from its first phase to its last, or takes already.
#[must_use]
pub fn took(deploy: &Deploy, now: Timestamp) -> SignedDuration {
    let last = deploy.phases.last().map_or(deploy.begun_at, |(_, at)| *at);
    let end = if deploy.has_ended() { last } else { now };
    end.duration_since(deploy.phases.first().map_or(deploy.begun_at, |(_, at)| *at))
}

/// Why it did not stay; `None` if it did, or is on its way.
#[must_use]
pub fn why(deploy: &Deploy) -> Option<String> {
    match &deploy.progress {
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. } => None,
        Progress::GoingBack { going, .. } => Some(of_cause(&going.cause)),
        Progress::Ended { ending, .. } => match ending {
            Ending::Succeeded => None,
            Ending::Failed { cause, .. } | Ending::RolledBack { cause, .. } => {
                Some(of_cause(cause))
            }
            Ending::Superseded => Some("a newer decision took its place".to_owned()),
            Ending::Replaced { by } => {
                Some(format!("somebody else put {} in its place", by.short()))
            }
        },
    }
}

fn of_cause(cause: &Cause) -> String {
    match cause.trigger {
        Trigger::Person => cause.what.clone(),
        Trigger::GivenUp | Trigger::Deadline | Trigger::Alarm => {
            format!("{}: {}", cause.diagnosis.sentence(), cause.what.trim_end_matches('.'))
        }
    }
}
