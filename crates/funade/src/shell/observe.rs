//! Looking at a target: everything that the plan needs, in one round of parallel reads.

use std::collections::BTreeMap;

use futures_util::try_join;
use jiff::Timestamp;

use crate::config::{Config, Target};
use crate::decisions::plan::{Observation, Plan, needs_stores, plan};
use crate::decisions::wanted;
use crate::facts::hold::Hold;
use crate::facts::names::{RevisionArn, TargetId};
use crate::facts::parameter::Change;
use crate::facts::record::{Deploy, Progress, TargetRecord, TurnsForTarget};
use crate::facts::release::Assignment;
use crate::facts::subject::Subject;
use crate::facts::task_definition::DEPLOY_TAG;
use crate::shell::read_stores::read_stores;
use crate::world::{CallError, Ecr, Ecs, Ledger, World};

/// What would be done for a target, and from what that was concluded. Nothing is changed.
#[derive(Debug, Clone)]
pub struct Preview {
    /// What should run.
    pub assigned: Option<Assignment>,
    /// What was seen.
    pub observation: Observation,
    /// What would be done.
    pub plan: Plan,
}

/// Looks at a target and plans, and leaves it at that: the dry run.
pub async fn preview<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<Preview>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let known = known(world, target).await?;
    let now = world.now();
    let observation = observe(world, target, &known, now).await?;
    let Known { record, assigned, .. } = known;
    let plan = plan(target, assigned.as_ref(), &record, &observation, now);
    Ok(Some(Preview { assigned, observation, plan }))
}

/// What the ledger says of a target.
pub(super) struct Known {
    pub(super) record: TargetRecord,
    pub(super) assigned: Option<Assignment>,
    turns: Option<TurnsForTarget>,
    changed: Option<Change>,
    hold: Option<Hold>,
}

/// Reads what the ledger says of a target, in one round.
pub(super) async fn known<W: World>(world: &W, target: &Target) -> Result<Known, CallError> {
    let held = [Subject::Target(target.id.clone()), Subject::Service(target.id.service.clone())];
    let ledger = world.ledger();
    let (id, watched) = (&target.id, target.watches());
    let changes = async {
        if watched.is_empty() { Ok(BTreeMap::new()) } else { ledger.changes(&watched).await }
    };
    let (record, service, changes, holds) =
        try_join!(ledger.target(id), ledger.service(&id.service), changes, ledger.holds(&held))?;
    let now = world.now();
    Ok(Known {
        record,
        assigned: service.assignment(&id.environment).cloned(),
        turns: service.turns_for(&target.place, &id.environment),
        changed: changes.into_values().max(),
        // Of two the one that stands longer: it is what a deploy would wait for.
        hold: holds
            .into_iter()
            .filter(|hold| hold.stands(now))
            .max_by_key(|hold| (hold.until.is_none(), hold.until)),
    })
}

/// Looks at a target. One round, and one more for each further page of parameters: the running
/// revision is read where it was seen last, or, the first time, in the family of the ECS service's
/// name, and read again only if that guess was wrong. While our deployment goes on, the parameters
/// are read only after it is seen that it has ended.
pub(super) async fn observe<W: World>(
    world: &W,
    target: &Target,
    known: &Known,
    now: Timestamp,
) -> Result<Observation, CallError> {
    let (record, assigned) = (&known.record, known.assigned.as_ref());
    let goes_on = record
        .deploy
        .as_ref()
        .is_some_and(|deploy| matches!(deploy.progress, Progress::Updated { .. }));
    let read_now = assigned.is_some() && !goes_on;
    let stores =
        async { if read_now { read_stores(world, target).await.map(Some) } else { Ok(None) } };
    let (observed, stores) = try_join!(look(world, target, known), stores)?;
    let mut observed = Observation { stores, ..observed };
    if !read_now && needs_stores(target, assigned, record, &observed, now) {
        observed.stores = Some(read_stores(world, target).await?);
    }
    Ok(observed)
}

/// Looks at all but the paths and secrets.
pub(super) async fn look<W: World>(
    world: &W,
    target: &Target,
    known: &Known,
) -> Result<Observation, CallError> {
    let (record, assigned) = (&known.record, known.assigned.as_ref());
    let ecs = world.ecs();
    let seen = record.last_seen.as_ref().filter(|seen| seen.is_in(&target.place));
    let guess = seen.map_or(target.ecs_service.as_str(), RevisionArn::as_str);
    let (service, guessed, image_present, registered, deployed_before) = try_join!(
        ecs.service(&target.place, &target.cluster, &target.ecs_service),
        ecs.task_definition(&target.place, guess),
        image_present(world, target, assigned),
        registered(world, target, record.deploy.as_ref()),
        deployed_before(world, target, record.deploy.as_ref()),
    )?;
    let primary = service.as_ref().and_then(|service| service.primary());
    let running = match (primary, guessed) {
        (None, _) => None,
        (Some(primary), Some(guessed)) if guessed.arn == primary.revision => Some(guessed),
        (Some(primary), _) => ecs.task_definition(&target.place, primary.revision.as_str()).await?,
    };
    Ok(Observation {
        service,
        running,
        image_present,
        registered,
        deployed_before,
        stores: None,
        changed: known.changed.clone(),
        hold: known.hold.clone(),
        turns: known.turns.clone(),
    })
}

async fn image_present<W: World>(
    world: &W,
    target: &Target,
    assigned: Option<&Assignment>,
) -> Result<bool, CallError> {
    let Some(assigned) = assigned else { return Ok(true) };
    let image = wanted::image(target, &assigned.release.digest);
    let digest = image.digest.expect("a wanted image is pinned");
    world.ecr().has_image(&target.pulls_from, &target.repository, &digest).await
}

/// The revision of a deploy whose registration may have happened without our hearing of it. It is
/// the family's latest if it bears the deploy's tag.
async fn registered<W: World>(
    world: &W,
    target: &Target,
    deploy: Option<&Deploy>,
) -> Result<Option<RevisionArn>, CallError> {
    let Some(deploy) = deploy.filter(|deploy| deploy.progress == Progress::Begun) else {
        return Ok(None);
    };
    let latest = world.ecs().task_definition(&target.place, deploy.from.family()).await?;
    let id = deploy.id.to_string();
    Ok(latest.filter(|revision| revision.tags.get(DEPLOY_TAG) == Some(&id)).map(|r| r.arn))
}

/// Whether a deploy that was cut off between registration and our hearing of `UpdateService` has
/// come to a deployment. ECS forgets a deployment that is over within minutes, and a message may
/// come again later than that, so the service's history is asked too.
async fn deployed_before<W: World>(
    world: &W,
    target: &Target,
    deploy: Option<&Deploy>,
) -> Result<bool, CallError> {
    let Some(Deploy { progress: Progress::Registered { revision }, begun_at, .. }) = deploy else {
        return Ok(false);
    };
    let ecs = world.ecs();
    let deployed =
        ecs.deployed_since(&target.place, &target.cluster, &target.ecs_service, *begun_at).await?;
    Ok(deployed.contains(revision))
}
