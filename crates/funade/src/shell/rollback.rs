//! A person's request to roll a target back. It is written to the ledger and the target is woken;
//! what follows is the functions' work, as with any rollback.

use futures_util::try_join;

use crate::config::{Config, Target};
use crate::facts::deploy::{Deploy, Good, Phase};
use crate::facts::names::{RevisionArn, TargetId};
use crate::facts::release::RollbackRequest;
use crate::facts::subject::{Subject, Wake};
use crate::shell::observe::way_back;
use crate::world::{CallError, Ecs, Ledger, Queue, World};

/// Why a request was not written.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// There is no such target.
    #[error("the configuration has no target {0}; funade status lists what it has")]
    UnknownTarget(TargetId),
    /// Funade has never deployed there.
    #[error("Funade has not deployed anything to {0}, so there is nothing to roll back")]
    NothingDeployed(TargetId),
    /// No deploy before the present one succeeded.
    #[error("no deploy to {0} before this one has succeeded; funade history {0} lists them")]
    NothingBefore(TargetId),
    /// That deploy did not succeed, or is not remembered.
    #[error("{0} has no deploy {1} that succeeded; funade history {0} lists them")]
    NoSuchDeploy(TargetId, u64),
    /// It runs already.
    #[error("{0} runs {1} already")]
    RunsAlready(TargetId, Good),
    /// The revision was deregistered.
    #[error(
        "{0} was deregistered, and ECS deploys it no more; deploy its release instead: \
         funade deploy"
    )]
    Deregistered(Good),
    /// The image is gone.
    #[error("the image of {0} is in the registry no more; choose another with --to")]
    ImageGone(Good),
    /// A call failed before anything was written.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The request is written, and its target could not be woken. Asking again wakes it.
    #[error("the request is written, but its target was not woken; ask again")]
    NotWoken(#[source] CallError),
}

/// What a person asks for.
#[derive(Debug, Clone, Copy)]
pub struct RollbackWish<'a> {
    /// Where.
    pub target: &'a TargetId,
    /// The number of the deploy to go back to; the last before this one that succeeded if left out.
    pub to: Option<u64>,
    /// Who asks.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Tells two requests apart.
    pub id: &'a str,
}

/// Asks that a target go back to a revision that served before.
pub async fn request_rollback<W: World>(
    world: &W,
    config: &Config,
    wish: &RollbackWish<'_>,
) -> Result<RollbackRequest, RollbackError> {
    let id = wish.target;
    let known = config.target(id);
    let target = known.ok_or_else(|| RollbackError::UnknownTarget(id.clone()))?;
    let ledger = world.ledger();
    let Target { place, cluster, ecs_service, .. } = target;
    let (record, deploys, service) = try_join!(
        ledger.target(id),
        ledger.deploys(id),
        world.ecs().service(place, cluster, ecs_service),
    )?;
    let last = record.deploy.ok_or_else(|| RollbackError::NothingDeployed(id.clone()))?;
    let primary = service.as_ref().and_then(|service| service.primary());
    let running = primary.map(|primary| primary.revision.clone());
    let to = match wish.to {
        Some(number) => {
            let found = deploys.iter().find(|deploy| deploy.id.number == number);
            found.and_then(good).ok_or_else(|| RollbackError::NoSuchDeploy(id.clone(), number))?
        }
        None => before(&last, record.good, &deploys, running.as_ref())
            .ok_or_else(|| RollbackError::NothingBefore(id.clone()))?,
    };
    if running.as_ref() == Some(&to.revision) {
        return Err(RollbackError::RunsAlready(id.clone(), to));
    }
    let way = way_back(world, target, &to.revision).await?;
    match (way.active, way.image_present) {
        (true, true) => {}
        (false, _) => return Err(RollbackError::Deregistered(to)),
        (true, false) => return Err(RollbackError::ImageGone(to)),
    }
    let request = RollbackRequest {
        id: wish.id.to_owned(),
        to,
        by: wish.by.to_owned(),
        reason: wish.reason.to_owned(),
        at: world.now(),
    };
    ledger.write_rollback_request(id, &request).await?;
    let wake = Wake::new(
        Subject::Target(id.clone()),
        request.id.clone(),
        format!("{} asked for a rollback", wish.by),
    );
    world.queue().wake(&[wake]).await.map_err(RollbackError::NotWoken)?;
    Ok(request)
}

/// What served before what runs now: the newest of what is known to have been good and was not
/// undone.
fn before(
    last: &Deploy,
    known_good: Option<Good>,
    deploys: &[Deploy],
    running: Option<&RevisionArn>,
) -> Option<Good> {
    let other = |good: &Good| Some(&good.revision) != running;
    let brought = |revision: &RevisionArn| {
        deploys.iter().find(|deploy| deploy.progress.revision() == Some(revision))
    };
    // Further back than what runs, should that be a rollback's work already.
    let number = running.and_then(brought).map_or(u64::MAX, |deploy| deploy.id.number);
    let stays = |deploy: &&Deploy| deploy.phase() == Phase::Succeeded && deploy.id.number < number;
    let older = || deploys.iter().filter(stays).filter_map(good).find(other);
    let ran = Good { revision: last.from.clone(), deploy: None, release: None };
    let ran = Some(ran).filter(|ran| brought(&ran.revision).is_none());
    known_good.filter(other).or_else(older).or_else(|| ran.filter(other))
}

/// What a deploy brought, if it was found good, be it undone since.
fn good(deploy: &Deploy) -> Option<Good> {
    let succeeded = deploy.phases.iter().any(|(phase, _)| *phase == Phase::Succeeded);
    let revision = deploy.progress.revision().filter(|_| succeeded)?;
    Some(Good {
        revision: revision.clone(),
        deploy: Some(deploy.id.number),
        release: Some(deploy.assignment.release.tag.clone()),
    })
}
