//! When to look again at a target that nobody wakes.
//!
//! Events make things fast; these looks make them happen when an event is lost. A look costs some
//! calls, so they grow rarer the longer a target stands as it does, but are never later than what
//! is due: the end of a bake, a deadline, the end of a hold.

use jiff::{SignedDuration, Timestamp};

use crate::decisions::report::Report;
use crate::facts::deploy::Deploy;
use crate::facts::record::{StandingKind, TargetRecord};
use crate::facts::subject::WAKE_DELAY_MAX;

/// The first time to look again at something that passes by itself. Soon, since a replica or a
/// small service is often ready within seconds.
const LOOK_AGAIN_MIN: SignedDuration = SignedDuration::from_secs(15);

/// The longest time between two looks.
const LOOK_AGAIN_MAX: SignedDuration = WAKE_DELAY_MAX;

/// How long until the next look; `None` if nothing but an event or a person can change anything.
pub(crate) fn next_look_at(
    report: &Report,
    record: &TargetRecord,
    due: Option<Timestamp>,
    now: Timestamp,
) -> Option<SignedDuration> {
    let since = record.standing.as_ref().map_or(now, |standing| standing.since);
    let stood = now.duration_since(since);
    // Whatever else is reported, a deploy that is under way is watched.
    let under_way = record.deploy.as_ref().is_some_and(Deploy::is_under_way);
    let watched = under_way.then(|| next_look(stood));
    let due = due.filter(|_| under_way).map(|due| due.duration_since(now).max(LOOK_AGAIN_SOONEST));
    let looks = [for_report(report, stood), watched, due];
    looks.into_iter().flatten().min().map(|delay| delay.min(LOOK_AGAIN_MAX))
}

/// The shortest delay: a message without one would be received before the record is written.
const LOOK_AGAIN_SOONEST: SignedDuration = SignedDuration::from_secs(1);

fn for_report(report: &Report, stood: SignedDuration) -> Option<SignedDuration> {
    if let Some(left) = report.left() {
        return Some(left);
    }
    if matches!(report, Report::Held { .. } | Report::RolledBack { .. }) {
        return None;
    }
    // Whose turn comes is woken by its service; an alarm's end is an event. These are for wakes
    // and events that were lost. And a role or a container is given to a service without any
    // event that we hear of.
    let is_rare = matches!(
        report,
        Report::AwaitsTurn { .. }
            | Report::AlarmRaised { .. }
            | Report::AlarmMissing { .. }
            | Report::Stuck { .. }
            | Report::ConfigurationUnusable { .. }
            | Report::CallRefused { .. }
    );
    if is_rare {
        return Some(next_rare_look(stood));
    }
    (report.kind() == StandingKind::Waiting).then(|| next_look(stood))
}

/// The next look at what seldom changes by itself: due every quarter of an hour.
fn next_rare_look(stood: SignedDuration) -> SignedDuration {
    let period = LOOK_AGAIN_MAX.as_secs();
    SignedDuration::from_secs(period - stood.as_secs().rem_euclid(period))
}

/// How long until the next look at something that has stood like this for a while. Looks are due
/// at fixed times since it began, so that a subject woken by several messages is looked at
/// together again, and has not several series of looks ever after.
fn next_look(stood: SignedDuration) -> SignedDuration {
    let mut due = LOOK_AGAIN_MIN;
    while due <= stood {
        due = if due < LOOK_AGAIN_MAX { due * 2 } else { due + LOOK_AGAIN_MAX };
    }
    due - stood
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_due_at_fixed_times() {
        let due_after = |stood| {
            let next = next_look(SignedDuration::from_secs(stood));
            stood + next.as_secs()
        };
        for (stood, due) in [(0, 15), (1, 15), (14, 15), (15, 30), (16, 30), (59, 60), (480, 960)] {
            assert_eq!(due_after(stood), due, "after {stood} s");
        }
        for stood in 0..10_000 {
            let next = next_look(SignedDuration::from_secs(stood)).min(LOOK_AGAIN_MAX);
            assert!(next.is_positive(), "after {stood} s: {next}");
        }
    }
}
