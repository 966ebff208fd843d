//! Where the last deploy stands, found by looking.
//!
//! In: the record and what was observed. Out: the record with the deploy's progress brought up to
//! what is seen: what a lost response or a death did not let us write, and how a deploy ended.
//! Invariant: success is said only of our deployment, as the PRIMARY, completed, with its alarms
//! quiet.

use jiff::{SignedDuration, Timestamp};

use crate::decisions::back::{arrived, fail, goes_back};
use crate::decisions::diagnosis::cause;
use crate::decisions::observation::{Lack, Seen};
use crate::decisions::progress::{completed, ended, registered, succeeded, updated};
use crate::facts::cause::Trigger;
use crate::facts::deploy::{Deploy, Ending, GoingBack, Phase, Progress, UndoneBy};
use crate::facts::ecs::{
    Deployment, DeploymentStatus, RolloutState, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::facts::names::{AlarmName, RevisionArn};
use crate::facts::record::TargetRecord;
use crate::facts::release::Assignment;

/// How soon after `UpdateService` a deployment is sure to be shown: ECS's reads are eventually
/// consistent, usually within a second. An older deployment that is not shown is over.
pub(super) const SHOWN_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How long ECS is asked again and again to go back, should it refuse.
const ASKS_FOR: SignedDuration = SignedDuration::from_hours(2);

/// What has become of our deployment.
enum Fate {
    GoesOn,
    Completed,
    GivenUp(String),
    Replaced,
}

/// A newer assignment of the image that is being deployed, by another of its tags or by a person
/// who asks once more, goes on with that deploy.
pub(super) fn rebind(mut record: TargetRecord, assigned: Option<&Assignment>) -> TargetRecord {
    if let (Some(deploy), Some(assigned)) = (&mut record.deploy, assigned)
        && matches!(
            deploy.progress,
            Progress::Begun
                | Progress::Registered { .. }
                | Progress::Updated { .. }
                | Progress::Completed { .. }
        )
        && deploy.assignment.release.digest == assigned.release.digest
    {
        deploy.assignment = assigned.clone();
    }
    record
}

/// Brings the last deploy's progress up to what is seen.
pub(super) fn settle(record: TargetRecord, seen: &Seen<'_>) -> Result<TargetRecord, Lack> {
    let Some(deploy) = &record.deploy else { return Ok(record) };
    match &deploy.progress {
        Progress::Ended { .. } => Ok(record),
        Progress::Begun | Progress::Registered { .. } => found_again(record, seen),
        Progress::Updated { .. } | Progress::Completed { .. } => follow(record, seen),
        Progress::GoingBack { .. } => arrived(record, seen),
    }
}

/// A deploy of which we do not know whether `UpdateService` was called.
fn found_again(record: TargetRecord, seen: &Seen<'_>) -> Result<TargetRecord, Lack> {
    let Seen { observed, service, running, now, .. } = *seen;
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    let wanted_still = seen.assigned.is_some_and(|a| a.number == deploy.assignment.number);
    let over = !wanted_still || deploy.from != running.arn;
    let revision = deploy.progress.revision().or(observed.registered.as_ref()).cloned();
    let Some(revision) = revision else {
        return Ok(if over { ended(record, Ending::Superseded, now) } else { record });
    };
    let shown = service.deployments.iter().find(|deployment| deployment.revision == revision);
    let began = entry(seen, &revision)?.map(|entry| entry.began_at);
    // It was called, and the response never reached the ledger; maybe so long ago that the
    // deployment is over and forgotten by all but the history.
    if let Some(at) = shown.map(|_| now).or(began) {
        let deployment = shown.map(|deployment| deployment.id.clone());
        return follow(updated(record, revision, deployment, at, now), seen);
    }
    // What it was made from has been replaced since, or it is not wanted any more.
    if over {
        return Ok(ended(record, Ending::Superseded, now));
    }
    // What was found by its tag counts from when it was found.
    let known = deploy.progress.revision().is_some();
    Ok(if known { record } else { registered(record, revision, now) })
}

/// A deploy whose deployment was begun.
fn follow(record: TargetRecord, seen: &Seen<'_>) -> Result<TargetRecord, Lack> {
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    match fate(deploy, seen)? {
        Fate::GoesOn if deploy.phase() == Phase::Deploying => watch(record, seen),
        // It was complete once. It is shown late, goes on again since ECS has gone back to it, or is
        // about to be replaced: that is no success.
        Fate::GoesOn => verify(record, seen, false),
        Fate::Completed => verify(record, seen, true),
        Fate::GivenUp(reason) => given_up(record, seen, &reason),
        Fate::Replaced => {
            let by = seen.running.arn.clone();
            Ok(ended(record, Ending::Replaced { by }, seen.now))
        }
    }
}

/// What has become of a deploy's deployment. The history is believed first: it alone tells the
/// end of a deployment from that of its rollback, and knows of bake times.
fn fate(deploy: &Deploy, seen: &Seen<'_>) -> Result<Fate, Lack> {
    let revision = deploy.progress.revision().expect("it was registered before it was deployed");
    let shown = shown(deploy, seen);
    let is_primary = shown.is_some_and(|shown| shown.status == DeploymentStatus::Primary);
    let Some(entry) = entry(seen, revision)? else {
        return Ok(shown.map_or_else(|| not_shown(deploy, seen), fate_shown));
    };
    let fresh = is_fresh(deploy, seen.now);
    Ok(match entry.status {
        ServiceDeploymentStatus::RollingBack
        | ServiceDeploymentStatus::RolledBack
        | ServiceDeploymentStatus::RollbackFailed => Fate::GivenUp(given_up_for(entry)),
        ServiceDeploymentStatus::Stopped => {
            let is_newest = seen.history()?.first() == Some(entry);
            if is_primary && is_newest {
                Fate::GivenUp(given_up_for(entry))
            } else {
                Fate::Replaced
            }
        }
        ServiceDeploymentStatus::Successful => match shown {
            Some(shown) if is_primary && shown.rollout == RolloutState::Completed => {
                Fate::Completed
            }
            Some(_) if is_primary => Fate::GoesOn,
            Some(_) | None if fresh => Fate::GoesOn,
            Some(_) | None => Fate::Replaced,
        },
        ServiceDeploymentStatus::InProgress => match shown {
            Some(shown) if shown.rollout == RolloutState::Failed => Fate::GivenUp(words(shown)),
            Some(_) if !is_primary => Fate::Replaced,
            Some(_) | None => Fate::GoesOn,
        },
    })
}

fn fate_shown(shown: &Deployment) -> Fate {
    match (shown.status, shown.rollout) {
        (_, RolloutState::Failed) => Fate::GivenUp(words(shown)),
        (DeploymentStatus::Primary, RolloutState::Completed) => Fate::Completed,
        (DeploymentStatus::Primary, RolloutState::InProgress) => Fate::GoesOn,
        (
            DeploymentStatus::Active | DeploymentStatus::Inactive,
            RolloutState::Completed | RolloutState::InProgress,
        ) => Fate::Replaced,
    }
}

/// Neither the service nor its history shows our deployment. What ran before runs again: ECS has
/// gone back and forgotten it, unless it is too early to tell.
fn not_shown(deploy: &Deploy, seen: &Seen<'_>) -> Fate {
    let running = &seen.running.arn;
    if is_fresh(deploy, seen.now) {
        Fate::GoesOn
    } else if running == &deploy.from {
        Fate::GivenUp(format!("ECS shows its deployment no more, and {} runs", running.short()))
    } else {
        Fate::Replaced
    }
}

/// Our deployment as the service shows it: by its id, so that another of the same revision, which
/// somebody has forced, is not taken for it.
fn shown<'a>(deploy: &Deploy, seen: &Seen<'a>) -> Option<&'a Deployment> {
    if let Some(id) = deploy.progress.deployment() {
        return seen.service.deployment(id);
    }
    let ours = |shown: &&Deployment| Some(&shown.revision) == deploy.progress.revision();
    seen.service.deployments.iter().find(ours)
}

/// The history's entry of the deployment that brought a revision first: each deploy registers a
/// revision of its own.
pub(super) fn entry<'a>(
    seen: &Seen<'a>,
    revision: &RevisionArn,
) -> Result<Option<&'a ServiceDeployment>, Lack> {
    Ok(seen.history()?.iter().rev().find(|entry| &entry.revision == revision))
}

fn is_fresh(deploy: &Deploy, now: Timestamp) -> bool {
    let (Progress::Updated { at, .. } | Progress::Completed { at, .. }) = &deploy.progress else {
        return false;
    };
    now.duration_since(*at) < SHOWN_WITHIN
}

fn words(shown: &Deployment) -> String {
    match &shown.reason {
        Some(reason) => format!("ECS gave up: {reason}"),
        None => "ECS gave up without a reason".to_owned(),
    }
}

fn given_up_for(entry: &ServiceDeployment) -> String {
    let what = match entry.status {
        ServiceDeploymentStatus::Stopped => "it was stopped",
        ServiceDeploymentStatus::RollbackFailed => "ECS gave up, and could not go back",
        ServiceDeploymentStatus::InProgress
        | ServiceDeploymentStatus::Successful
        | ServiceDeploymentStatus::RollingBack
        | ServiceDeploymentStatus::RolledBack => "ECS gave up",
    };
    match &entry.reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what.to_owned(),
    }
}

/// While ECS replaces tasks: the deadline, and the alarms.
fn watch(mut record: TargetRecord, seen: &Seen<'_>) -> Result<TargetRecord, Lack> {
    let deploy = record.deploy.as_mut().expect("the caller has seen it");
    let found = shown(deploy, seen).map(|shown| shown.id.clone());
    let deadline = deadline(deploy, seen);
    if let Progress::Updated { deployment: unknown @ None, .. } = &mut deploy.progress {
        *unknown = found;
    }
    if let Some(alarm) = raised(&mut record, seen)? {
        return failed(record, seen, Trigger::Alarm, &alarm);
    }
    if deadline.is_some_and(|deadline| seen.now >= deadline) {
        let may_take = seen.may_take();
        let what = format!("ECS has not completed its deployment within {may_take:#}");
        return failed(record, seen, Trigger::Deadline, &what);
    }
    Ok(record)
}

/// Once ECS is done: the alarms, until the bake ends and the deployment is complete.
fn verify(record: TargetRecord, seen: &Seen<'_>, is_complete: bool) -> Result<TargetRecord, Lack> {
    let mut record = completed(record, seen.now);
    if let Some(alarm) = raised(&mut record, seen)? {
        return failed(record, seen, Trigger::Alarm, &alarm);
    }
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    let Progress::Completed { at, .. } = &deploy.progress else { return Ok(record) };
    let baked = *at + seen.target.verify.bake;
    if is_complete && seen.now >= baked {
        return Ok(succeeded(record, seen.now));
    }
    if !is_complete && seen.now >= baked + seen.may_take() {
        let may_take = seen.may_take();
        let what = format!("its deployment goes on again, and is not complete after {may_take:#}");
        return failed(record, seen, Trigger::Deadline, &what);
    }
    Ok(record)
}

/// When the present phase is to be over: the deployment by its deadline, the bake by its end.
pub(super) fn deadline(deploy: &Deploy, seen: &Seen<'_>) -> Option<Timestamp> {
    let may_take = seen.may_take();
    match &deploy.progress {
        Progress::Updated { at, .. } => Some(*at + may_take),
        Progress::Completed { at, .. } => {
            let baked = *at + seen.target.verify.bake;
            // What is not complete by then has its time once more.
            Some(if seen.now < baked { baked } else { baked + may_take })
        }
        Progress::GoingBack { going, .. } => match (&going.by, going.asked_at) {
            (UndoneBy::Ecs, _) => Some(going.since + may_take),
            (UndoneBy::Funade | UndoneBy::Person(_), Some(at)) => Some(at + may_take),
            // A pass was cut off before it asked, or ECS refuses: it is asked again.
            (UndoneBy::Funade | UndoneBy::Person(_), None) => Some(going.since + ASKS_FOR),
        },
        Progress::Begun | Progress::Registered { .. } | Progress::Ended { .. } => None,
    }
}

/// The first alarm that was raised since the deploy began, as a sentence's part. One that was
/// raised before, and that a person disregards, counts again once it has been quiet.
fn raised(record: &mut TargetRecord, seen: &Seen<'_>) -> Result<Option<String>, Lack> {
    let raised = seen.raised()?;
    let deploy = record.deploy.as_mut().expect("the caller has seen it");
    deploy.disregards.retain(|alarm| raised.contains(&alarm));
    let counts = raised.iter().find(|alarm| !deploy.disregards.contains(**alarm));
    Ok(counts.map(|alarm| format!("the alarm {alarm} was raised")))
}

/// It fails by our own judgement.
fn failed(
    record: TargetRecord,
    seen: &Seen<'_>,
    trigger: Trigger,
    what: &str,
) -> Result<TargetRecord, Lack> {
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    let cause = cause(deploy, seen, trigger, what)?;
    fail(record, seen, cause)
}

/// ECS gave it up. Whether it goes back, has gone back, or leaves it at that, is seen from what is
/// the PRIMARY.
fn given_up(record: TargetRecord, seen: &Seen<'_>, reason: &str) -> Result<TargetRecord, Lack> {
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    let revision = deploy.progress.revision().expect("it was deployed");
    let entry = entry(seen, revision)?;
    let alarms = entry.map(|entry| entry.alarms.as_slice()).unwrap_or_default();
    let cause = match names(alarms) {
        None => cause(deploy, seen, Trigger::GivenUp, reason)?,
        Some(raised) => cause(deploy, seen, Trigger::Alarm, &format!("{reason}; {raised}"))?,
    };
    let goes_back_itself = entry.is_some_and(|entry| match entry.status {
        ServiceDeploymentStatus::RollingBack | ServiceDeploymentStatus::RolledBack => true,
        ServiceDeploymentStatus::InProgress
        | ServiceDeploymentStatus::Successful
        | ServiceDeploymentStatus::Stopped
        | ServiceDeploymentStatus::RollbackFailed => false,
    });
    if !goes_back_itself && &seen.running.arn == revision {
        return fail(record, seen, cause);
    }
    let going = GoingBack {
        cause,
        by: UndoneBy::Ecs,
        leaves: revision.clone(),
        to: None,
        since: seen.now,
        asked_at: None,
    };
    arrived(goes_back(record, going, seen.now), seen)
}

/// ECS's own deployment alarms that were raised, as a sentence's part.
fn names(alarms: &[AlarmName]) -> Option<String> {
    let names: Vec<&str> = alarms.iter().map(AlarmName::as_str).collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("the alarm {name} was raised")),
        _ => Some(format!("the alarms {} were raised", names.join(", "))),
    }
}
