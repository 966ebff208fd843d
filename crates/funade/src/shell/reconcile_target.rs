//! A pass over one target: observe, plan, write down, act, write down.
//!
//! The ledger holds the intention before any call that changes the world. Wherever a pass is cut
//! off, the next one finds the intention, looks, and goes on: so each deploy calls
//! `UpdateService` once.

use futures_util::try_join;
use tracing::{info, warn};

use crate::config::{Config, Target};
use crate::decisions::look_again::next_look_at;
use crate::decisions::notices::{Around, of_target, told_of_standing};
use crate::decisions::plan::{NewRevision, Plan, Step, is_done};
use crate::decisions::progress::{asked, registered, updated};
use crate::decisions::report::{Report, stand};
use crate::facts::deploy::Deploy;
use crate::facts::names::TargetId;
use crate::facts::parameter::Change;
use crate::facts::record::TargetRecord;
use crate::facts::release::Assignment;
use crate::facts::subject::{Subject, Wake};
use crate::shell::observe::{Described, Known, known, observe};
use crate::world::{CallError, CallProblem, Ecs, Ledger, Queue, World};

/// What a pass did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// How the target stands.
    pub sentence: String,
    /// How many calls were made that change the world.
    pub steps: usize,
}

/// Brings a target to what it should run. `None` where the configuration has no such target.
pub async fn reconcile_target<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<Pass>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let targets = config.services.get(&id.service).map_or(1, |service| service.targets.len());
    let passed = pass(world, target, targets).await;
    let error = match passed {
        Err(error) if is_told(error.problem) => error,
        other => return other.map(Some),
    };
    turned_away(world, id, targets, &error).await.map(Some)
}

/// Whether a failed call says something about the target that a person should read there.
fn is_told(problem: CallProblem) -> bool {
    match problem {
        CallProblem::Refused | CallProblem::NoRole | CallProblem::LimitReached => true,
        CallProblem::Throttled | CallProblem::NoAnswer | CallProblem::Conflict => false,
    }
}

async fn pass<W: World>(world: &W, target: &Target, targets: usize) -> Result<Pass, CallError> {
    let known = known(world, target).await?;
    let now = world.now();
    let (observed, plan) = observe(world, target, &known, Described::NotYet, now).await?;
    let Known { record: before, assigned, hold, ended, .. } = known;
    let around = Around { id: &target.id, targets, hold: hold.as_ref(), ended };
    let assigned = assigned.as_ref();
    let cause = cause(&plan, assigned, observed.changed.as_ref());
    info!(cause, code = plan.report.code(), steps = plan.steps.len(), "{}", plan.report);

    let closed = plan.closed.clone();
    let record = write(world, around, before, plan.record.clone(), closed).await?;
    let record = act(world, target, around, record, &plan).await?;
    if plan.wake_service {
        let wake = Wake::new(
            Subject::Service(target.id.service.clone()),
            cause.unwrap_or_default().to_owned(),
            format!("{} takes turns: {}", target.id, plan.report.code()),
        );
        world.queue().wake(&[wake]).await?;
    }
    if let Some(delay) = plan.look_again {
        let wake = Wake::new(
            Subject::Target(target.id.clone()),
            cause.unwrap_or_default().to_owned(),
            format!("to look again: {}", plan.report.code()),
        );
        world.queue().wake_later(&[wake], delay).await?;
    }
    let sentence = record.standing.map_or_else(|| plan.report.to_string(), |s| s.sentence);
    Ok(Pass { sentence, steps: plan.steps.len() })
}

/// The id of what the plan goes back to: the same from the event to `UpdateService`.
fn cause<'a>(
    plan: &'a Plan,
    assigned: Option<&'a Assignment>,
    changed: Option<&'a Change>,
) -> Option<&'a str> {
    let only_variables = plan.wanted.as_ref().is_some_and(|w| w.is_new() && !w.new_image);
    let begun = plan
        .record
        .deploy
        .as_ref()
        .filter(|deploy| !deploy.has_ended() && !deploy.cause.is_empty());
    let changed = changed.filter(|_| only_variables).map(|change| change.cause.as_str());
    let released = || assigned.map(|assigned| assigned.release.cause.as_str());
    begun.map(|deploy| deploy.cause.as_str()).or(changed).or_else(released)
}

/// Carries out the plan's steps, and writes down the outcome of each before the next.
async fn act<W: World>(
    world: &W,
    target: &Target,
    around: Around<'_>,
    mut record: TargetRecord,
    plan: &Plan,
) -> Result<TargetRecord, CallError> {
    let ecs = world.ecs();
    let deploy = record.deploy.as_ref();
    let cause = deploy.map(|deploy| deploy.cause.clone());
    for step in &plan.steps {
        let next = match step {
            Step::Register(registration) => {
                let revision = ecs.register(&target.place, registration).await?;
                info!(cause, revision = revision.short(), "registered");
                registered(record.clone(), revision, world.now())
            }
            Step::Update(new) => {
                let revision = match new {
                    NewRevision::Known(revision) => revision.clone(),
                    NewRevision::JustRegistered => {
                        let deploy = record.deploy.as_ref();
                        let revision = deploy.and_then(|deploy| deploy.progress.revision());
                        revision.expect("the step before registered it").clone()
                    }
                };
                let deployment = ecs
                    .update_service(&target.place, &target.cluster, &target.ecs_service, &revision)
                    .await?;
                info!(cause, revision = revision.short(), %deployment, "UpdateService called");
                let now = world.now();
                updated(record.clone(), revision, Some(deployment), now, now)
            }
            Step::UpdateBack(revision) => {
                let Target { place, cluster, ecs_service, .. } = target;
                let deployment = ecs.update_service(place, cluster, ecs_service, revision).await?;
                info!(cause, revision = revision.short(), %deployment, "going back");
                asked(record.clone(), world.now())
            }
            Step::RollBack(deployment) => {
                ecs.roll_back_deployment(&target.place, deployment).await?;
                info!(cause, %deployment, "ECS is asked to roll back");
                asked(record.clone(), world.now())
            }
        };
        record = write(world, around, record, next, None).await?;
    }
    Ok(record)
}

/// Writes the record if it has changed, with what has become of its deploys, and gives it back with
/// its new generation.
async fn write<W: World>(
    world: &W,
    around: Around<'_>,
    before: TargetRecord,
    mut next: TargetRecord,
    closed: Option<Deploy>,
) -> Result<TargetRecord, CallError> {
    next.told = told_of_standing(&before, &next);
    if next == before {
        return Ok(before);
    }
    next.generation = before.generation + 1;
    let changed = next.deploy.as_ref().filter(|_| next.deploy != before.deploy);
    let notices = of_target(around, &before, &next, closed.as_ref(), world.now());
    let deploys: Vec<Deploy> = closed.into_iter().chain(changed.cloned()).collect();
    world.ledger().write_target(around.id, &next, &deploys, &notices).await?;
    Ok(next)
}

/// AWS refuses. The target says so in the ledger, and looks again by and by: rights may be given,
/// and a limit passes.
async fn turned_away<W: World>(
    world: &W,
    id: &TargetId,
    targets: usize,
    error: &CallError,
) -> Result<Pass, CallError> {
    let error_in_full = error.in_full();
    let report = if error.problem == CallProblem::LimitReached {
        Report::LimitReached { error: error_in_full }
    } else {
        Report::CallRefused { error: error_in_full }
    };
    warn!(code = report.code(), "{report}");
    let ledger = world.ledger();
    let (before, service) = try_join!(ledger.target(id), ledger.service(&id.service))?;
    let (mut next, now) = (before.clone(), world.now());
    let assigned = service.assignment(&id.environment);
    next.standing = Some(stand(next.standing.take(), &report, assigned, now));
    let delay = next_look_at(&report, &next, None, now);
    let around = Around { id, targets, hold: None, ended: service.ended };
    // Once: the service wakes whom it waits for, and that may be refused again.
    let is_done = is_done(before.standing.as_ref(), next.standing.as_ref())
        && told_of_standing(&before, &next) != before.told;
    write(world, around, before, next, None).await?;
    let wake = |subject, why| Wake::new(subject, "a refused call", why);
    if is_done {
        let why = format!("{id} is done with what is assigned: {}", report.code());
        world.queue().wake(&[wake(Subject::Service(id.service.clone()), why)]).await?;
    }
    if let Some(delay) = delay {
        let why = format!("to look again: {}", report.code());
        let wake = wake(Subject::Target(id.clone()), why);
        world.queue().wake_later(&[wake], delay).await?;
    }
    Ok(Pass { sentence: report.to_string(), steps: 0 })
}
