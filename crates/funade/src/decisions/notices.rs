//! Which notices a change of state makes.
//!
//! In: a record before and after one write. Out: a notice for each change that is worth telling, with
//! an id made from the record's generation. Since a write of a generation succeeds once, so does each
//! notice: exactly one for each change, whoever dies.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::decisions::advance::TargetStatus;
use crate::decisions::report::{DEPLOY_FAILED, HELD, ROLLED_BACK};
use crate::facts::deploy::{Deploy, Ending, Progress, UndoneBy};
use crate::facts::finding::{About, Finding};
use crate::facts::hold::Hold;
use crate::facts::names::{ServiceName, Tag, TargetId};
use crate::facts::notice::{DeployTold, Notice, Told};
use crate::facts::record::{ServiceRecord, Standing, StandingKind, TargetRecord};
use crate::facts::release::Assignment;

/// What a target's passes know besides its records.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The target.
    pub id: &'a TargetId,
    /// How many targets its service has.
    pub targets: usize,
    /// The hold that stands on it.
    pub hold: Option<&'a Hold>,
}

/// The codes of standings that are told when the deploy ends, and not once more.
const TOLD_BY_THE_DEPLOY: [&str; 2] = [DEPLOY_FAILED, ROLLED_BACK];

/// What is told of a target's record when it is written.
#[must_use]
pub fn of_target(
    around: Around<'_>,
    before: &TargetRecord,
    next: &TargetRecord,
    closed: Option<&Deploy>,
    now: Timestamp,
) -> Vec<Notice> {
    let id = around.id;
    let notice = |what: &str, told: Told| Notice {
        id: format!("target/{id}/{}/{what}", next.generation),
        at: now,
        about: About::Target(id.clone()),
        told,
    };
    let mut notices = Vec::new();
    let last = before.deploy.as_ref();
    // A deploy that another has replaced in the record ended in this very write.
    if let Some(closed) = closed
        && last.is_some_and(|last| last.id == closed.id && !last.has_ended())
    {
        let told = told_of(around, before, closed);
        notices.extend(ended(closed, told).map(|told| notice("closed", told)));
    }
    if let Some(deploy) = &next.deploy {
        let last = last.filter(|last| last.id == deploy.id);
        let told = || told_of(around, before, deploy);
        if last.is_none() {
            notices.push(notice("started", Told::DeployStarted(told())));
        }
        // It may have gone through several within one write, and come back to the one that it was in.
        let was = last.map_or(1, |last| last.phases.len());
        if deploy.phases.len() > was {
            notices.extend(gone_on(deploy, told()).map(|told| notice("deploy", told)));
        }
    }
    let stood = before.standing.as_ref();
    if let Some(standing) = next.standing.as_ref().filter(|next| !stands_as(stood, next)) {
        notices.extend(stands(standing, around.hold).map(|told| notice("stands", told)));
    }
    notices
}

fn told_of(around: Around<'_>, before: &TargetRecord, deploy: &Deploy) -> DeployTold {
    let new_image = deploy.assignment.release.cause == deploy.cause;
    DeployTold {
        deploy: Box::new(deploy.clone()),
        in_rollout: new_image && around.targets > 1,
        before: before.good.as_ref().and_then(|good| good.release.clone()),
    }
}

/// What is told when a deploy's phase is another.
fn gone_on(deploy: &Deploy, told: DeployTold) -> Option<Told> {
    match &deploy.progress {
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. } => None,
        // What a person undoes has not failed.
        Progress::GoingBack { going, .. } => match going.by {
            UndoneBy::Person(_) => None,
            UndoneBy::Ecs | UndoneBy::Funade => Some(Told::DeployFailed(told)),
        },
        Progress::Ended { .. } => ended(deploy, told),
    }
}

fn ended(deploy: &Deploy, told: DeployTold) -> Option<Told> {
    let Progress::Ended { ending, .. } = &deploy.progress else { return None };
    Some(match ending {
        Ending::Succeeded => Told::DeploySucceeded(told),
        Ending::Failed { .. } => Told::DeployFailed(told),
        Ending::RolledBack { .. } => Told::RolledBack(told),
        Ending::Superseded | Ending::Replaced { .. } => Told::Superseded(told),
    })
}

/// Whether it stood like this before: the same report about the same assignment. Its words may change
/// while it does.
fn stands_as(before: Option<&Standing>, next: &Standing) -> bool {
    before.is_some_and(|before| before.code == next.code && before.assignment == next.assignment)
}

fn stands(standing: &Standing, hold: Option<&Hold>) -> Option<Told> {
    if let Some(hold) = hold.filter(|_| standing.code == HELD) {
        return Some(Told::Held { hold: hold.clone(), standing: standing.clone() });
    }
    let told = TOLD_BY_THE_DEPLOY.contains(&standing.code.as_str());
    (standing.kind == StandingKind::Blocked && !told)
        .then(|| Told::Blocked { standing: standing.clone() })
}

/// What is told of a service's record when it is written: that a release was assigned, and that all
/// targets are done with one.
#[must_use]
pub fn of_service(
    name: &ServiceName,
    before: &ServiceRecord,
    next: &ServiceRecord,
    targets: &BTreeMap<TargetId, TargetStatus>,
    now: Timestamp,
) -> Vec<Notice> {
    let Some(newest) = next.newest() else { return Vec::new() };
    let notice = |told: Told| {
        let mut notice =
            Notice { id: String::new(), at: now, about: About::Service(name.clone()), told };
        notice.id = format!("service/{name}/{}/{}", next.generation, notice.kind());
        notice
    };
    let assigned = (before.newest() != Some(newest)).then(|| Told::ReleaseAssigned {
        assignment: newest.clone(),
        before: before.newest().map(|before| before.release.tag.clone()),
        targets: next.assigned.len(),
    });
    let ended = (next.ended != before.ended).then(|| ended_rollout(newest, targets, now));
    assigned.into_iter().chain(ended).map(notice).collect()
}

fn ended_rollout(
    newest: &Assignment,
    targets: &BTreeMap<TargetId, TargetStatus>,
    now: Timestamp,
) -> Told {
    let mut succeeded = Vec::new();
    let mut failed = Vec::new();
    for (id, status) in targets {
        match &status.blocked {
            Some(why) => failed.push((id.environment.clone(), why.clone())),
            None => succeeded.push(id.environment.clone()),
        }
    }
    let took = now.duration_since(newest.at);
    Told::RolloutEnded { assignment: newest.clone(), succeeded, failed, took }
}

/// What is told of a finding that was opened.
#[must_use]
pub fn of_opened(finding: &Finding, now: Timestamp) -> Notice {
    of_finding(finding, "opened", Told::FindingOpened(finding.clone()), now)
}

/// What is told of a finding that is so no more.
#[must_use]
pub fn of_closed(finding: &Finding, now: Timestamp) -> Notice {
    of_finding(finding, "closed", Told::FindingClosed(finding.clone()), now)
}

/// A finding is opened once and closed once from the time at which it was first seen.
fn of_finding(finding: &Finding, what: &str, told: Told, now: Timestamp) -> Notice {
    let Finding { about, kind, since, .. } = finding;
    let id = format!("finding/{about}/{kind}/{}/{what}", since.as_millisecond());
    Notice { id, at: now, about: about.clone(), told }
}

/// The tag that a person knows a release by, in what is told of it.
#[must_use]
pub fn thread(service: &ServiceName, release: &Tag) -> String {
    format!("{service}-{release}")
}
