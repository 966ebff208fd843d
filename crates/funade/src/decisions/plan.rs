//! What to do next for one target.
//!
//! In: the target, what is assigned to it, its record, what was observed. Out: the record as it
//! should be before the first step, the steps, and a report. Printing it is the dry run.
//!
//! Invariants: a plan holds at most one `UpdateService`, and none for a deploy whose deployment
//! ECS shows; an assignment with its variables is tried once; nothing begins while a service goes
//! back; at the fixed point there are no steps and the record stays as it is.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::config::Target;
use crate::decisions::back::{Ask, ask, going_back, take_up_request};
use crate::decisions::hold::{forget_let_again, is_let_again, keep_undone, tried};
use crate::decisions::look_again::next_look_at;
use crate::decisions::observation::{Lack, Observation, Seen};
use crate::decisions::progress::{end, ended};
use crate::decisions::report::{Report, done_with, stand};
use crate::decisions::restraint::{Case, is_quiet, quiet_period, running_tag};
use crate::decisions::settle::{SHOWN_WITHIN, deadline, rebind, settle};
use crate::decisions::wanted::{self, Unusable, Wanted};
use crate::facts::cause::Trigger;
use crate::facts::configuration::Configuration;
use crate::facts::deploy::{Deploy, DeployId, Ending, Good, Phase, Progress};
use crate::facts::ecs::{Controller, EcsService, RolloutState};
use crate::facts::hold::LetAgain;
use crate::facts::names::{AlarmName, RevisionArn, ServiceDeploymentArn};
use crate::facts::record::{Standing, StandingKind, TargetRecord, Turn, TurnsForTarget};
use crate::facts::release::{AssignedBy, Assignment};
use crate::facts::task_definition::{Registration, Revision};

/// The decision for one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The record as it should be before the first step.
    pub record: TargetRecord,
    /// A deploy that this one replaces in the record, as it ended: for the history.
    pub closed: Option<Deploy>,
    /// What to call, in this order.
    pub steps: Vec<Step>,
    /// What was found, or what is begun.
    pub report: Report,
    /// What should run and how it differs from what does, as far as it came to that: for whoever
    /// asks.
    pub wanted: Option<Wanted>,
    /// When to look again, if not sooner woken.
    pub look_again: Option<SignedDuration>,
    /// Whether the target's service is to be woken: it asks for a turn, or has had it.
    pub wake_service: bool,
}

/// One call that changes the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `RegisterTaskDefinition`.
    Register(Registration),
    /// `UpdateService` with this revision and nothing else.
    Update(NewRevision),
    /// `UpdateService` with a revision that served before.
    UpdateBack(RevisionArn),
    /// `StopServiceDeployment`, so that ECS rolls the deployment back.
    RollBack(ServiceDeploymentArn),
}

/// The revision that `UpdateService` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewRevision {
    /// The one that the step before has registered.
    JustRegistered,
    /// One that an earlier pass has registered.
    Known(RevisionArn),
}

/// What to do next for one target. Pure: same inputs, same plan. An observation that is not enough
/// is answered with what it lacks; each thing that it lacks is asked for once.
pub fn plan(
    target: &Target,
    assigned: Option<&Assignment>,
    record: &TargetRecord,
    observed: &Observation,
    now: Timestamp,
) -> Result<Plan, Lack> {
    let (service, running) = match running(target, observed) {
        Ok(found) => found,
        Err(report) => {
            let draft = Draft::report(record.clone(), *report);
            return Ok(draft.finish(target, assigned, observed, None, now));
        }
    };
    let seen = Seen { target, assigned, service, running, observed, now };
    let record = settle(rebind(record.clone(), assigned), &seen)?;
    let record = take_up_request(record, &seen)?;
    let record = forget_let_again(record, observed.let_again.as_ref());
    let due = record.deploy.as_ref().and_then(|deploy| deadline(deploy, &seen));
    let draft = decide(record, &seen)?;
    Ok(draft.finish(target, assigned, observed, due, now))
}

/// A plan before its standing is known.
struct Draft {
    record: TargetRecord,
    closed: Option<Deploy>,
    steps: Vec<Step>,
    report: Report,
    wanted: Option<Wanted>,
}

/// The service and what it runs, or why there is nothing to plan from.
fn running<'a>(
    target: &Target,
    observed: &'a Observation,
) -> Result<(&'a EcsService, &'a Revision), Box<Report>> {
    let missing = || {
        Box::new(Report::ServiceMissing {
            service: target.ecs_service.to_string(),
            cluster: target.cluster.to_string(),
            place: target.place.to_string(),
        })
    };
    let service = observed.service.as_ref().ok_or_else(missing)?;
    match (service.status.as_str(), &service.controller) {
        // A deleted service is still described for a while.
        ("INACTIVE", _) => Err(missing()),
        ("ACTIVE", Controller::Ecs) => {
            let running = observed.running.as_ref().ok_or(Box::new(Report::NothingRuns))?;
            Ok((service, running))
        }
        ("ACTIVE", Controller::Other(controller)) => {
            Err(Box::new(Report::OtherController { controller: controller.clone() }))
        }
        (status, _) => Err(Box::new(Report::ServiceNotActive { status: status.to_owned() })),
    }
}

/// What to do, with the last deploy's progress known.
fn decide(record: TargetRecord, seen: &Seen<'_>) -> Result<Draft, Lack> {
    if let Some((deploy, going)) = going_back(&record) {
        let report = Report::under_way(deploy);
        let steps = ask(deploy, going, seen)?.map(|ask| match ask {
            Ask::RollBack(deployment) => Step::RollBack(deployment),
            Ask::Update(revision) => Step::UpdateBack(revision),
        });
        return Ok(Draft { steps: steps.into_iter().collect(), ..Draft::report(record, report) });
    }
    let Some(assigned) = seen.assigned else {
        return Ok(Draft::report(record, Report::NothingAssigned));
    };
    let under_way = record.deploy.as_ref().filter(|deploy| {
        let deployed =
            matches!(deploy.progress, Progress::Updated { .. } | Progress::Completed { .. });
        deployed && deploy.assignment.number == assigned.number
    });
    if let Some(deploy) = under_way {
        let report = Report::under_way(deploy);
        return Ok(Draft::report(record, report));
    }
    let Seen { target, running, observed, now, .. } = *seen;
    let image = wanted::image(target, &assigned.release.digest);
    let stores = observed.stores.as_ref().ok_or(Lack::Stores)?;
    let wanted = match wanted::wanted(target, &running.document, &image, stores) {
        Ok(wanted) => wanted,
        Err(unusable) => {
            let report = cannot_be_written(target, running, unusable);
            // It may be so only because somebody is in the middle of changing it.
            let quiet = quiet_period(target, assigned, &record, observed, now);
            return Ok(Draft::report(record, quiet.unwrap_or(report)));
        }
    };
    if !wanted.is_new() {
        if let Some(report) = runs_though_failed(assigned, &record, seen) {
            return Ok(Draft::report(record, report).of(wanted));
        }
        if !is_tried_again(&record, seen) {
            let record = abandoned(record, now);
            return Ok(Draft::report(record, same_document(assigned, seen)).of(wanted));
        }
    }
    let case = Case { seen: *seen, assigned, record: &record, image: &image, wanted: &wanted };
    if let Some(report) = case.restraint()? {
        return Ok(Draft::report(record, report).of(wanted));
    }
    Ok(begin(assigned, record, seen, wanted))
}

/// Ends a deploy that has come no further than a registered revision, and that nobody wants any
/// more: what it should change is so already.
fn abandoned(record: TargetRecord, now: Timestamp) -> TargetRecord {
    let starting = record.deploy.as_ref().is_some_and(|deploy| deploy.phase() == Phase::Starting);
    if starting { ended(record, Ending::Superseded, now) } else { record }
}

fn cannot_be_written(target: &Target, running: &Revision, unusable: Unusable) -> Report {
    match unusable {
        Unusable::ContainerMissing { has } => Report::ContainerMissing {
            container: target.container.clone(),
            revision: running.arn.clone(),
            has,
        },
        Unusable::Configuration(problems) => Report::ConfigurationUnusable { problems },
    }
}

/// What is wanted is the PRIMARY's, brought by a deploy of ours that failed and was not rolled back.
/// It is said until a person acts, or until ECS completes it after all.
fn runs_though_failed(
    assigned: &Assignment,
    record: &TargetRecord,
    seen: &Seen<'_>,
) -> Option<Report> {
    let deploy = tried(seen.target, record, assigned)?;
    let Progress::Ended { revision, ending: Ending::Failed { cause, stays }, .. } =
        &deploy.progress
    else {
        return None;
    };
    let complete = seen.primary().rollout == RolloutState::Completed;
    // That it is complete is no answer to an alarm, nor to a person who wanted it undone.
    let proves = match cause.trigger {
        Trigger::GivenUp | Trigger::Deadline => complete,
        Trigger::Alarm | Trigger::Person => false,
    };
    let accepted = proves || revision.as_ref() != Some(&seen.running.arn);
    (!accepted).then(|| Report::DeployFailed {
        deploy: deploy.id.clone(),
        release: deploy.assignment.release.tag.clone(),
        cause: cause.clone(),
        stays: stays.clone(),
        mend: Vec::new(),
        stay: Vec::new(),
    })
}

/// Our deploy of it failed and was left where it is, and a person has asked for it once more. ECS
/// starts no tasks of a deployment that it gave up: it takes a new one.
fn is_tried_again(record: &TargetRecord, seen: &Seen<'_>) -> bool {
    let failed = record.deploy.as_ref().is_some_and(|last| match &last.progress {
        Progress::Ended { ending: Ending::Failed { .. }, revision, .. } => {
            revision.as_ref() == Some(&seen.running.arn)
        }
        // A pass was cut off when it had begun to.
        Progress::Begun | Progress::Registered { .. } => last.again,
        Progress::Ended { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::GoingBack { .. } => false,
    });
    failed && seen.primary().rollout != RolloutState::Completed
}

/// The PRIMARY's revision is what we want, whoever brought it. It runs once its deployment has
/// completed; until then ECS may still go back.
fn same_document(assigned: &Assignment, seen: &Seen<'_>) -> Report {
    let primary = seen.primary();
    let release = assigned.release.tag.clone();
    let deployment = primary.id.clone();
    match primary.rollout {
        RolloutState::Completed => {
            Report::AlreadyRuns { release, revision: seen.running.arn.clone() }
        }
        RolloutState::InProgress => {
            let may_take = seen.may_take();
            let takes = primary.updated_at.map(|at| seen.now.duration_since(at));
            if takes.is_some_and(|takes| takes >= may_take) {
                Report::Stuck { release, deployment, may_take }
            } else {
                Report::Settling { release, deployment }
            }
        }
        RolloutState::Failed => {
            let reason = primary.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
            Report::GivenUp { release, deployment, reason }
        }
    }
}

/// Begins a deploy, or goes on with the one that an earlier pass began. One that is still deployed
/// for an older decision is superseded only now: until then it was watched.
fn begin(
    assigned: &Assignment,
    mut record: TargetRecord,
    seen: &Seen<'_>,
    wanted: Wanted,
) -> Draft {
    let Seen { target, running, observed, now, .. } = *seen;
    let changed = observed.changed.as_ref().filter(|_| !wanted.new_image);
    let cause = changed.map_or(&assigned.release.cause, |change| &change.cause);
    // One whose revision has other variables was made for what is not wanted any more.
    let goes_on = |deploy: &Deploy| {
        let goes_on = match deploy.progress {
            Progress::Begun => true,
            Progress::Registered { .. } => deploy.fingerprint == wanted.fingerprint,
            Progress::Updated { .. }
            | Progress::Completed { .. }
            | Progress::GoingBack { .. }
            | Progress::Ended { .. } => false,
        };
        goes_on && deploy.assignment.number == assigned.number
    };
    // Only by what was the last deploy then is it known what its revision is worth.
    if !record.deploy.as_ref().is_some_and(goes_on) {
        note_good(&mut record, seen);
    }
    let attempt = attempt(tried(target, &record, assigned), observed.let_again.as_ref());
    let (unfinished, mut closed) = match record.deploy.take() {
        Some(deploy) if goes_on(&deploy) => (Some(deploy), None),
        other => (None, other),
    };
    keep_undone(&mut record, closed.as_ref(), seen, assigned);
    if let Some(replaced) = closed.as_mut().filter(|deploy| !deploy.has_ended()) {
        end(replaced, Ending::Superseded, now);
    }
    let mut deploy = unfinished.unwrap_or_else(|| {
        record.deploys_begun += 1;
        Deploy {
            id: DeployId { target: target.id.clone(), number: record.deploys_begun },
            assignment: assigned.clone(),
            from: running.arn.clone(),
            cause: cause.clone(),
            configuration: Configuration::default(),
            fingerprint: String::new(),
            disregards: disregarded(assigned, seen),
            attempt,
            again: !wanted.is_new(),
            begun_at: now,
            progress: Progress::Begun,
            phases: vec![(Phase::Starting, now)],
        }
    });
    let release = assigned.release.tag.clone();
    let report = Report::Deploys {
        deploy: deploy.id.clone(),
        release: release.clone(),
        new_image: wanted.new_image,
        variables: wanted.changes.iter().map(|change| change.variable.clone()).collect(),
        from: running.arn.clone(),
    };
    let steps = if let Progress::Registered { revision, at } = &deploy.progress {
        if now.duration_since(*at) < SHOWN_WITHIN {
            let report = Report::Starts { deploy: deploy.id.clone(), release };
            record.deploy = Some(deploy);
            return Draft { closed, wanted: Some(wanted), ..Draft::report(record, report) };
        }
        // Whoever comes after this pass, should it be cut off, waits as well.
        let revision = revision.clone();
        deploy.progress = Progress::Registered { revision: revision.clone(), at: now };
        vec![Step::Update(NewRevision::Known(revision))]
    } else {
        // Also of one that was begun before: what is registered is what was read now.
        deploy.configuration = wanted.configuration.clone();
        deploy.fingerprint.clone_from(&wanted.fingerprint);
        let (id, tags) = (deploy.id.to_string(), &running.tags);
        let document = wanted.document.clone();
        let registration = wanted::registration(document, tags, release.as_str(), &id);
        vec![Step::Register(registration), Step::Update(NewRevision::JustRegistered)]
    };
    record.deploy = Some(deploy);
    Draft { record, closed, steps, report, wanted: Some(wanted) }
}

/// Whether the target has just done with what is assigned: its service tells when all have.
pub(crate) fn is_done(before: Option<&Standing>, next: Option<&Standing>) -> bool {
    let next = next.and_then(done_with);
    next.is_some() && before.and_then(done_with) != next
}

/// What failed or was rolled back and is tried once more counts on, unless a person wants it tried.
fn attempt(tried: Option<&Deploy>, let_again: Option<&LetAgain>) -> u32 {
    match tried.map(|last| (last, &last.progress)) {
        Some((
            last,
            Progress::Ended {
                ending: Ending::Failed { .. } | Ending::RolledBack { .. }, at, ..
            },
        )) if !is_let_again(last, *at, let_again) => last.attempt.saturating_add(1),
        Some(_) | None => 1,
    }
}

/// Whatever serves steadily when a deploy begins is where a rollback goes, whoever brought it; but
/// not a revision of a deploy of ours that did not succeed.
fn note_good(record: &mut TargetRecord, seen: &Seen<'_>) {
    let running = &seen.running.arn;
    let known = record.good.as_ref().is_some_and(|good| &good.revision == running);
    let last = record.deploy.as_ref();
    let unproven = last.is_some_and(|deploy| {
        deploy.progress.revision() == Some(running) && deploy.phase() != Phase::Succeeded
    });
    if !known && !unproven && seen.primary().rollout == RolloutState::Completed {
        let release = running_tag(seen, record);
        record.good = Some(Good { revision: running.clone(), deploy: None, release });
    }
}

/// The alarms that are raised already when a person wants to deploy all the same.
fn disregarded(assigned: &Assignment, seen: &Seen<'_>) -> BTreeSet<AlarmName> {
    match assigned.by {
        AssignedBy::Selection => BTreeSet::new(),
        AssignedBy::Request { .. } => {
            let raised = seen.raised().expect("what stands against it was asked before");
            raised.into_iter().cloned().collect()
        }
    }
}

impl Draft {
    fn report(record: TargetRecord, report: Report) -> Self {
        Self { record, closed: None, steps: Vec::new(), report, wanted: None }
    }

    fn of(self, wanted: Wanted) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    fn finish(
        mut self,
        target: &Target,
        assigned: Option<&Assignment>,
        observed: &Observation,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Plan {
        if let Some(running) = &observed.running {
            self.record.last_seen = Some(running.arn.clone());
        }
        let before = self.record.standing.clone();
        let takes_turn = self.take_turn(observed.turns.as_ref());
        let held = self.record.quiet_since.take();
        self.record.quiet_since = if matches!(self.report, Report::QuietPeriod { .. }) {
            held.or(Some(now))
        } else {
            // Something else keeps it for the moment; but a deploy that begins has had its wait.
            held.filter(|_| self.steps.is_empty() && is_quiet(target, observed, now))
        };
        self.record.standing =
            Some(stand(self.record.standing.take(), &self.report, assigned, now));
        self.record.due = due.or_else(|| self.report.left().map(|left| now + left));
        let wake_service = takes_turn || is_done(before.as_ref(), self.record.standing.as_ref());
        let look_again = next_look_at(&self.report, &self.record, due, now);
        let Self { record, closed, steps, report, wanted } = self;
        Plan { record, closed, steps, report, wanted, look_again, wake_service }
    }

    /// Notes that the target has had its turn, and says whether its service should hear of
    /// something. It is woken until it knows: a target that was cut off is woken again.
    fn take_turn(&mut self, turns: Option<&TurnsForTarget>) -> bool {
        let awaits = matches!(self.report, Report::AwaitsTurn { .. });
        // Who is to come in turns that are being given need not ask.
        let Some(turns) = turns else { return awaits };
        // Who is held lets the others pass, and asks again once it is not.
        let held = matches!(self.report, Report::Held { .. });
        let kind = if held { StandingKind::Settled } else { self.report.kind() };
        match (kind, turns.turn) {
            (StandingKind::Settled, Some(_)) => {
                self.record.had_turn = turns.number;
                true
            }
            (StandingKind::Blocked, Some(Turn::Given)) => true,
            (_, _) => awaits && turns.had,
        }
    }
}
