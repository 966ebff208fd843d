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
use crate::facts::notice::{DeployTold, Notice, SupersededBy, Told};
use crate::facts::record::{ServiceRecord, Standing, StandingKind, TargetRecord, ToldOfStanding};
use crate::facts::release::Assignment;
use crate::facts::subject::Subject;

/// What a target's passes know besides its records.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The target.
    pub id: &'a TargetId,
    /// How many targets its service has.
    pub targets: usize,
    /// The hold that stands on it.
    pub hold: Option<&'a Hold>,
    /// The number of the last assignment with which all of them were done.
    pub ended: u64,
}

impl Around<'_> {
    /// Whether what becomes of an assignment here is told with others, when all are done with it.
    fn is_in_rollout(self, assignment: u64) -> bool {
        self.targets > 1 && assignment > self.ended
    }
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
        let told = told_of(around, (before, next), closed);
        notices.extend(ended(closed, told).map(|told| notice("closed", told)));
    }
    if let Some(deploy) = &next.deploy {
        let last = last.filter(|last| last.id == deploy.id);
        let told = || told_of(around, (before, next), deploy);
        if last.is_none() {
            notices.push(notice("started", Told::DeployStarted(told())));
        }
        // It may have gone through several within one write, and come back to the one that it was in.
        let was = last.map_or(1, |last| last.phases.len());
        if deploy.phases.len() > was {
            notices.extend(gone_on(deploy, told()).map(|told| notice("deploy", told)));
        }
    }
    let (stood, told) = (before.standing.as_ref(), told_already(before, next));
    let new = |next: &&Standing| !stands_as(stood, next) && !told.codes.contains(&next.code);
    if let Some(standing) = next.standing.as_ref().filter(new) {
        notices.extend(stands(standing, around).map(|told| notice("stands", told)));
    }
    notices
}

/// What will have been told of how a target stands once its record is written. It is forgotten when
/// the target has come to what is assigned, or is on its way there: AWS may refuse the same call each
/// quarter of an hour, with a hopeful beginning in between, and nobody wants to hear of it each time.
#[must_use]
pub fn told_of_standing(before: &TargetRecord, next: &TargetRecord) -> ToldOfStanding {
    let told = told_already(before, next);
    let Some(standing) = &next.standing else { return told };
    if standing.kind == StandingKind::Settled
        || next.deploy.as_ref().is_some_and(Deploy::is_under_way)
    {
        return ToldOfStanding::default();
    }
    if !is_told(standing) {
        return told;
    }
    let code = standing.code.clone();
    let codes = told.codes.into_iter().chain([code]).collect();
    ToldOfStanding { assignment: standing.assignment, codes }
}

/// What was told before about the same assignment.
fn told_already(before: &TargetRecord, next: &TargetRecord) -> ToldOfStanding {
    let assignment = next.standing.as_ref().map_or(0, |standing| standing.assignment);
    let told = Some(&before.told).filter(|told| told.assignment == assignment);
    told.cloned().unwrap_or_default()
}

fn told_of(
    around: Around<'_>,
    (before, next): (&TargetRecord, &TargetRecord),
    deploy: &Deploy,
) -> DeployTold {
    let new_image = deploy.assignment.release.cause == deploy.cause;
    let (_, to, _) = deploy.progress.undone();
    let goods = [next.good.as_ref(), before.good.as_ref()].into_iter().flatten();
    DeployTold {
        deploy: Box::new(deploy.clone()),
        in_rollout: new_image && around.is_in_rollout(deploy.assignment.number),
        before: before.good.as_ref().and_then(|good| good.release.clone()),
        back_to: goods.filter(|good| to == Some(&good.revision)).find_map(|g| g.release.clone()),
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

/// Whether people are told that a target stands like this.
fn is_told(standing: &Standing) -> bool {
    let by_the_deploy = TOLD_BY_THE_DEPLOY.contains(&standing.code.as_str());
    standing.code == HELD || (standing.kind == StandingKind::Blocked && !by_the_deploy)
}

fn stands(standing: &Standing, around: Around<'_>) -> Option<Told> {
    if !is_told(standing) {
        return None;
    }
    let standing = standing.clone();
    Some(match around.hold.filter(|_| standing.code == HELD) {
        Some(hold) => {
            let all = matches!(hold.on, Subject::Service(_));
            let in_rollout = all && around.is_in_rollout(standing.assignment);
            Told::Held { hold: hold.clone(), standing, in_rollout }
        }
        None => Told::Blocked { standing },
    })
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
        let about = About::Service(name.clone());
        let mut notice = Notice { id: String::new(), at: now, about, told };
        let number = notice.assigned().map_or(0, |(_, number)| number);
        notice.id = format!("service/{name}/{}/{}/{number}", next.generation, notice.kind());
        notice
    };
    let assigned = (before.newest() != Some(newest)).then(|| Told::ReleaseAssigned {
        assignment: newest.clone(),
        before: before.newest().map(|before| before.release.tag.clone()),
        targets: next.assigned.len(),
    });
    // Of what was never told to have ended something is told when another takes its place.
    let old = before.newest().filter(|old| old.number > before.ended && old.number < newest.number);
    let superseded = old.map(|old| {
        let release = newest.release.tag.clone();
        let left = targets.values().filter(|status| status.done_with != Some(old.number)).count();
        ended_rollout(old, targets, Some(SupersededBy { release, left }), now)
    });
    let ended = (next.ended != before.ended).then(|| ended_rollout(newest, targets, None, now));
    superseded.into_iter().chain(assigned).chain(ended).map(notice).collect()
}

fn ended_rollout(
    assignment: &Assignment,
    targets: &BTreeMap<TargetId, TargetStatus>,
    superseded: Option<SupersededBy>,
    now: Timestamp,
) -> Told {
    let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
    let done = targets.iter().filter(|(_, status)| status.done_with == Some(assignment.number));
    for (id, status) in done {
        match &status.stays_without {
            Some(why) => failed.push((id.environment.clone(), why.clone())),
            None => succeeded.push(id.environment.clone()),
        }
    }
    let took = now.duration_since(assignment.at);
    Told::RolloutEnded { assignment: assignment.clone(), succeeded, failed, took, superseded }
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

/// The thread of what is told of one decision to run a release: a tag may be decided for again, weeks
/// later or for another image, and that is another story.
#[must_use]
pub fn thread(service: &ServiceName, release: &Tag, decision: u64) -> String {
    format!("{service}-{release}-{decision}")
}
