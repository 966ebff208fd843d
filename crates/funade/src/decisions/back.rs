//! Going back: who does it, where to, and whether it has arrived.
//!
//! ECS goes back by itself where its circuit breaker or its alarms say so. Otherwise Funade does,
//! to what served last and was found good, image and variables together. Invariants: nothing is
//! deployed while a service goes back; one decision to go back leads to one place; what cannot be
//! brought back is left as it is, and said.

use crate::config::RolledBackBy;
use crate::decisions::observation::{Lack, Seen};
use crate::decisions::progress::{ended, set};
use crate::decisions::settle::{SHOWN_WITHIN, deadline, entry};
use crate::facts::cause::{Cause, Diagnosis, Trigger};
use crate::facts::deploy::{Deploy, Ending, GoingBack, Good, Phase, Progress, UndoneBy};
use crate::facts::ecs::{RolloutState, ServiceDeployment, ServiceDeploymentStatus};
use crate::facts::names::{RevisionArn, ServiceDeploymentArn};
use crate::facts::record::TargetRecord;
use crate::facts::release::{RollbackRequest, stands};

/// What is asked of ECS so that it goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// To roll the deployment back that is under way.
    RollBack(ServiceDeploymentArn),
    /// To deploy this revision.
    Update(RevisionArn),
}

/// A deploy that failed and was not brought back by ECS: Funade does it, or says why not.
pub(super) fn fail(
    record: TargetRecord,
    seen: &Seen<'_>,
    cause: Cause,
) -> Result<TargetRecord, Lack> {
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    let leaves = deploy.progress.revision().unwrap_or(&deploy.from).clone();
    match way_back(&record, seen, &leaves)? {
        Ok(good) => {
            let (by, since) = (UndoneBy::Funade, seen.now);
            let going = GoingBack { cause, by, leaves, to: Some(good), since, asked_at: None };
            arrived(goes_back(record, going, seen.now), seen)
        }
        Err(stays) => Ok(ended(record, Ending::Failed { cause, stays }, seen.now)),
    }
}

/// Where to go back, or why that cannot be.
fn way_back(
    record: &TargetRecord,
    seen: &Seen<'_>,
    leaves: &RevisionArn,
) -> Result<Result<Good, String>, Lack> {
    let id = &seen.target.id;
    match seen.target.rollback.by {
        RolledBackBy::Automatic => {}
        RolledBackBy::Manual => {
            return Ok(Err(format!("`rollback` says manual: funade rollback {id}")));
        }
    }
    let usable = |good: &&Good| &good.revision != leaves && good.revision.is_in(&seen.target.place);
    let Some(good) = record.good.as_ref().filter(usable) else {
        return Ok(Err("nothing has served here before that it could go back to".to_owned()));
    };
    let way = seen.observed.way_back.ok_or_else(|| Lack::WayBack(good.revision.clone()))?;
    Ok(match (way.active, way.image_present) {
        (true, true) => Ok(good.clone()),
        (false, _) => Err(format!("{good}, which served before, was deregistered")),
        (true, false) => {
            Err(format!("the image of {good}, which served before, is in the registry no more"))
        }
    })
}

/// Writes down that it goes back.
pub(super) fn goes_back(
    mut record: TargetRecord,
    going: GoingBack,
    now: jiff::Timestamp,
) -> TargetRecord {
    let deploy = record.deploy.as_ref().expect("the caller has seen it");
    let revision = deploy.progress.revision().cloned();
    let deployment = deploy.progress.deployment().cloned();
    set(&mut record, Progress::GoingBack { revision, deployment, going }, now);
    record
}

/// Ends a rollback that has arrived, or never will.
pub(super) fn arrived(record: TargetRecord, seen: &Seen<'_>) -> Result<TargetRecord, Lack> {
    let Some((deploy, going)) = going_back(&record) else { return Ok(record) };
    let (primary, now) = (seen.primary(), seen.now);
    let cause = going.cause.clone();
    let stays = |stays: String| Ending::Failed { cause: cause.clone(), stays };
    let there = match &going.to {
        Some(good) => primary.revision == good.revision,
        None => primary.revision != going.leaves,
    };
    let ending = if there {
        match primary.rollout {
            // Where we never saw a deployment of ours, one may yet be shown.
            RolloutState::Completed if is_early(deploy, going, now) => None,
            RolloutState::Completed => Some(Ending::RolledBack {
                cause: cause.clone(),
                by: going.by.clone(),
                to: primary.revision.clone(),
            }),
            RolloutState::Failed => {
                Some(stays(format!("ECS gave up the way back to {} too", primary.revision.short())))
            }
            RolloutState::InProgress => None,
        }
    } else if primary.revision != going.leaves {
        Some(Ending::Replaced { by: primary.revision.clone() })
    } else if rollback_failed(deploy, going, seen)? {
        Some(stays("ECS could not go back".to_owned()))
    } else {
        way_given_up(going, seen)?.map(stays)
    };
    let late = deadline(deploy, seen).filter(|deadline| now >= *deadline);
    let late = late.map(|_| stays("the way back has not come to its end in time".to_owned()));
    let Some(ending) = ending.or(late) else { return Ok(record) };
    // A person may go further back than to what was found good last.
    let to = going.to.clone().filter(|_| matches!(ending, Ending::RolledBack { .. }));
    let mut record = ended(record, ending, now);
    record.good = to.or(record.good);
    Ok(record)
}

/// What must be asked of ECS so that it goes back; `None` once it does, or once it has tried.
pub(super) fn ask(
    deploy: &Deploy,
    going: &GoingBack,
    seen: &Seen<'_>,
) -> Result<Option<Ask>, Lack> {
    let Some(good) = &going.to else { return Ok(None) };
    let asked_lately = going.asked_at.is_some_and(|at| seen.now.duration_since(at) < SHOWN_WITHIN);
    if seen.primary().revision == good.revision || asked_lately {
        return Ok(None);
    }
    // Where ECS keeps no history, what came of an answered call is not to be known: asking again
    // could start what fails over and over.
    let unknown = going.asked_at.is_some() && seen.history()?.is_empty();
    if unknown || way(going, seen)?.is_some() {
        return Ok(None);
    }
    let ours = left(deploy, going, seen)?;
    Ok(match ours.map(|ours| (ours.status, &ours.arn)) {
        Some((ServiceDeploymentStatus::RollingBack | ServiceDeploymentStatus::RolledBack, _)) => {
            None
        }
        // ECS goes back to what it completed last. That is where we want to go only if it ran when
        // the deploy began.
        Some((ServiceDeploymentStatus::InProgress, arn)) if deploy.from == good.revision => {
            Some(Ask::RollBack(arn.clone()))
        }
        Some(_) | None => Some(Ask::Update(good.revision.clone())),
    })
}

/// Takes up a person's request to roll back: the last deploy, whatever has become of it, is undone.
/// Not while the service goes back already.
pub(super) fn take_up_request(
    mut record: TargetRecord,
    seen: &Seen<'_>,
) -> Result<TargetRecord, Lack> {
    let Some(RollbackRequest { id, to, by, reason, at }) = &seen.observed.rollback else {
        return Ok(record);
    };
    let taken_up = record.last_rollback.as_ref() == Some(id);
    let stale = !stands(*at, seen.now);
    if taken_up || stale || record.deploy.is_none() || going_back(&record).is_some() {
        return Ok(record);
    }
    record.last_rollback = Some(id.clone());
    let going = GoingBack {
        cause: Cause {
            trigger: Trigger::Person,
            diagnosis: Diagnosis::Unwanted,
            what: format!("{by} rolled it back: {reason}"),
            tasks: Vec::new(),
            messages: Vec::new(),
        },
        by: UndoneBy::Person(by.clone()),
        leaves: seen.running.arn.clone(),
        to: Some(to.clone()),
        since: seen.now,
        asked_at: None,
    };
    arrived(goes_back(record, going, seen.now), seen)
}

/// The rollback that is under way.
pub(super) fn going_back(record: &TargetRecord) -> Option<(&Deploy, &GoingBack)> {
    let deploy = record.deploy.as_ref()?;
    match &deploy.progress {
        Progress::GoingBack { going, .. } => Some((deploy, going)),
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::Ended { .. } => None,
    }
}

fn is_early(deploy: &Deploy, going: &GoingBack, now: jiff::Timestamp) -> bool {
    let registered = deploy.progress.revision().is_some();
    let deployed = deploy.phases.iter().any(|(phase, _)| *phase == Phase::Deploying);
    registered && !deployed && now.duration_since(going.since) < SHOWN_WITHIN
}

fn rollback_failed(deploy: &Deploy, going: &GoingBack, seen: &Seen<'_>) -> Result<bool, Lack> {
    // What ECS could not do before a person, or Funade, asks is no answer to them.
    if going.by != UndoneBy::Ecs && going.asked_at.is_none() {
        return Ok(false);
    }
    let left = left(deploy, going, seen)?;
    Ok(left.is_some_and(|ours| ours.status == ServiceDeploymentStatus::RollbackFailed))
}

/// Why ECS has given up the deployment that should have brought back what served before: it has
/// gone back in its turn, to what was completed last, which is what is left. `None` while it goes on,
/// or where the history does not tell.
fn way_given_up(going: &GoingBack, seen: &Seen<'_>) -> Result<Option<String>, Lack> {
    let Some(way) = way(going, seen)? else { return Ok(None) };
    Ok(match way.status {
        ServiceDeploymentStatus::RollingBack
        | ServiceDeploymentStatus::RolledBack
        | ServiceDeploymentStatus::RollbackFailed
        | ServiceDeploymentStatus::Stopped => {
            let (back, runs) = (way.revision.short(), going.leaves.short());
            Some(format!("ECS gave up the way back to {back} too, and {runs} runs"))
        }
        ServiceDeploymentStatus::InProgress | ServiceDeploymentStatus::Successful => None,
    })
}

/// The history's entry of the deployment that brings back what served before, once it was begun:
/// after the one that is left, and after the decision, as far as the clocks agree.
fn way<'a>(going: &GoingBack, seen: &Seen<'a>) -> Result<Option<&'a ServiceDeployment>, Lack> {
    let Some(good) = &going.to else { return Ok(None) };
    let history = seen.history()?;
    let left_at = entry(seen, &going.leaves)?.map(|left| left.began_at);
    let since = going.since - SHOWN_WITHIN;
    Ok(history.iter().find(|entry| {
        let is_later = left_at.is_none_or(|left_at| entry.began_at > left_at);
        entry.revision == good.revision && is_later && entry.began_at >= since
    }))
}

/// The history's entry of the deployment that is left, if it is the deploy's own: a person may undo
/// once more what was undone already.
fn left<'a>(
    deploy: &Deploy,
    going: &GoingBack,
    seen: &Seen<'a>,
) -> Result<Option<&'a ServiceDeployment>, Lack> {
    let ours = deploy.progress.revision() == Some(&going.leaves);
    if ours { entry(seen, &going.leaves) } else { Ok(None) }
}
