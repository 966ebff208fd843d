//! A pass over one target: observe, plan, write down, act, write down.
//!
//! The ledger holds the intention before any call that changes the world. Wherever a pass is cut
//! off, the next one finds the intention, looks, and goes on: so each deploy calls
//! `UpdateService` once.

use tracing::{info, warn};

use crate::config::{Config, Target};
use crate::decisions::plan::{NewRevision, Plan, Step, next_rare_look, plan};
use crate::decisions::progress::{registered, updated};
use crate::decisions::report::{Report, stand};
use crate::facts::names::TargetId;
use crate::facts::parameter::Change;
use crate::facts::record::{Progress, TargetRecord};
use crate::facts::release::Assignment;
use crate::facts::subject::{Subject, Wake};
use crate::shell::observe::{Known, known, observe};
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
    match pass(world, target).await {
        Err(error) if error.problem == CallProblem::Refused => {
            refused(world, id, &error).await.map(Some)
        }
        other => other.map(Some),
    }
}

async fn pass<W: World>(world: &W, target: &Target) -> Result<Pass, CallError> {
    let known = known(world, target).await?;
    let now = world.now();
    let observed = observe(world, target, &known, now).await?;
    let Known { record: before, assigned, .. } = known;
    let assigned = assigned.as_ref();
    let plan = plan(target, assigned, &before, &observed, now);
    let cause = cause(&plan, assigned, observed.changed.as_ref());
    info!(cause, code = plan.report.code(), steps = plan.steps.len(), "{}", plan.report);

    let record = write(world, target, before, plan.record.clone()).await?;
    let record = act(world, target, record, &plan).await?;
    if plan.wake_service {
        let wake = Wake {
            subject: Subject::Service(target.id.service.clone()),
            cause: cause.unwrap_or_default().to_owned(),
            reason: format!("{} takes turns: {}", target.id, plan.report.code()),
            failed_before: 0,
        };
        world.queue().wake(&[wake]).await?;
    }
    if let Some(delay) = plan.look_again {
        let wake = Wake {
            subject: Subject::Target(target.id.clone()),
            cause: cause.unwrap_or_default().to_owned(),
            reason: format!("to look again: {}", plan.report.code()),
            failed_before: 0,
        };
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
    let begun = plan.record.deploy.as_ref().filter(|deploy| {
        let over = matches!(deploy.progress, Progress::Ended { .. });
        !over && !deploy.cause.is_empty()
    });
    let changed = changed.filter(|_| only_variables).map(|change| change.cause.as_str());
    let released = || assigned.map(|assigned| assigned.release.cause.as_str());
    begun.map(|deploy| deploy.cause.as_str()).or(changed).or_else(released)
}

/// Carries out the plan's steps, and writes down the outcome of each before the next.
async fn act<W: World>(
    world: &W,
    target: &Target,
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
                registered(record.clone(), revision)
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
                updated(record.clone(), revision, deployment, world.now())
            }
        };
        record = write(world, target, record, next).await?;
    }
    Ok(record)
}

/// Writes the record if it has changed, and gives it back with its new generation.
async fn write<W: World>(
    world: &W,
    target: &Target,
    before: TargetRecord,
    mut next: TargetRecord,
) -> Result<TargetRecord, CallError> {
    if next == before {
        return Ok(before);
    }
    next.generation = before.generation + 1;
    world.ledger().write_target(&target.id, &next).await?;
    Ok(next)
}

/// AWS refuses, and trying again would not help: the target is blocked until somebody looks, and
/// says so in the ledger.
async fn refused<W: World>(world: &W, id: &TargetId, error: &CallError) -> Result<Pass, CallError> {
    let report = Report::CallRefused { error: error.in_full() };
    warn!(code = report.code(), "{report}");
    let (before, now) = (world.ledger().target(id).await?, world.now());
    let mut next = before.clone();
    let assignment = before.standing.as_ref().map_or(0, |standing| standing.assignment);
    next.standing = Some(stand(next.standing.take(), &report, assignment, now));
    if next != before {
        next.generation += 1;
        world.ledger().write_target(id, &next).await?;
    }
    let since = next.standing.as_ref().map_or(now, |standing| standing.since);
    let delay = next_rare_look(now.duration_since(since));
    let wake = Wake {
        subject: Subject::Target(id.clone()),
        cause: "a refused call".to_owned(),
        reason: "to look again: rights may have been given meanwhile".to_owned(),
        failed_before: 0,
    };
    world.queue().wake_later(&[wake], delay).await?;
    Ok(Pass { sentence: report.to_string(), steps: 0 })
}
