//! Holds: what an operator writes so that automation leaves something alone, and takes back.

use futures_util::try_join;

use crate::config::Config;
use crate::decisions::hold::hold_after_rollback;
use crate::facts::hold::{Hold, Lifted};
use crate::facts::names::TargetId;
use crate::facts::subject::{Subject, Wake};
use crate::shell::status;
use crate::world::{CallError, Ledger, Queue, World};

/// Why a hold was not set or lifted.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// There is no such target or service.
    #[error("the configuration has no {0}; funade status lists what it has")]
    Unknown(Subject),
    /// Nothing is held there.
    #[error("{0} is not held; funade holds lists what is")]
    NotHeld(Subject),
    /// A call failed, and nothing was written.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It is lifted, and the subject could not be woken. It looks again by itself, or when this is
    /// asked for again.
    #[error("it is lifted, but {0} was not woken; type this again")]
    NotWoken(Subject, #[source] CallError),
}

/// Holds a target or a service. A hold that stands there already is replaced.
pub async fn set_hold<W: World>(world: &W, config: &Config, hold: &Hold) -> Result<(), HoldError> {
    let known = match &hold.on {
        Subject::Service(name) => config.services.contains_key(name),
        Subject::Target(id) => config.target(id).is_some(),
    };
    if !known {
        return Err(HoldError::Unknown(hold.on.clone()));
    }
    Ok(world.ledger().write_hold(hold).await?)
}

/// Lifts the hold on a target or a service, and wakes it. Lifting again wakes it again. On a target
/// this lifts the hold that a rollback has left too.
pub async fn lift_hold<W: World>(
    world: &W,
    config: &Config,
    on: &Subject,
    by: &str,
) -> Result<Hold, HoldError> {
    let found = world.ledger().holds(std::slice::from_ref(on)).await?.pop();
    let now = world.now();
    let stands = found.clone().filter(|hold| hold.stands(now));
    let stands = match (stands, on) {
        (None, Subject::Target(id)) => after_rollback(world, config, id).await?,
        (stands, _) => stands,
    };
    let hold = match (stands, found) {
        (Some(mut hold), _) => {
            hold.lifted = Some(Lifted { by: by.to_owned(), at: now });
            world.ledger().write_hold(&hold).await?;
            hold
        }
        (None, Some(hold)) if hold.lifted.is_some() => hold,
        (None, _) => return Err(HoldError::NotHeld(on.clone())),
    };
    let wake = Wake::new(
        on.clone(),
        format!("unhold-{}", now.as_millisecond()),
        format!("{by} lifted the hold"),
    );
    let woken = world.queue().wake(&[wake]).await;
    woken.map_err(|error| HoldError::NotWoken(on.clone(), error))?;
    Ok(hold)
}

/// The hold that a rollback has left on a target.
pub(super) async fn after_rollback<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<Hold>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let on = [Subject::Target(id.clone()), Subject::Service(id.service.clone())];
    let ledger = world.ledger();
    let (record, service, lifted) =
        try_join!(ledger.target(id), ledger.service(&id.service), ledger.holds(&on))?;
    let lifted_at = lifted.into_iter().filter_map(|hold| Some(hold.lifted?.at)).max();
    let assigned = service.assignment(&id.environment);
    Ok(hold_after_rollback(target, &record, assigned, lifted_at, world.now()))
}

/// The holds that stand, in the order of what they are on: those of people, and those that
/// rollbacks have left.
pub async fn standing_holds<W: World>(world: &W, config: &Config) -> Result<Vec<Hold>, CallError> {
    let (written, services) =
        try_join!(async { world.ledger().all_holds().await }, status(world, config, None))?;
    let now = world.now();
    let lifted_at = |on: &Subject| {
        let of_subject = written.iter().filter(|hold| &hold.on == on);
        of_subject.filter_map(|hold| Some(hold.lifted.as_ref()?.at)).max()
    };
    let left = services.iter().flat_map(|service| &service.targets).filter_map(|state| {
        let target = config.target(&state.id)?;
        let lifted_at = lifted_at(&Subject::Target(state.id.clone()))
            .max(lifted_at(&Subject::Service(state.id.service.clone())));
        hold_after_rollback(target, &state.record, state.assigned.as_ref(), lifted_at, now)
    });
    let left: Vec<Hold> = left.collect();
    let mut holds: Vec<Hold> = written.into_iter().filter(|hold| hold.stands(now)).collect();
    holds.extend(left);
    holds.sort_by(|a, b| a.on.cmp(&b.on));
    Ok(holds)
}
