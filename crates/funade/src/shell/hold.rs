//! Holds: what an operator writes so that automation leaves something alone, and takes back.

use futures_util::try_join;
use jiff::Timestamp;

use crate::config::Config;
use crate::decisions::hold::hold_after_rollback;
use crate::facts::hold::{Hold, LetAgain, Lifted};
use crate::facts::names::TargetId;
use crate::facts::subject::{Subject, Wake};
use crate::shell::{ServiceStatus, status};
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

/// A hold that was lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftedHold {
    /// The hold.
    pub hold: Hold,
    /// What rollbacks have left on the target, or on the service's targets, that stands still. Each
    /// is lifted by itself.
    pub stand: Vec<Hold>,
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

/// Lifts the hold on a target or a service, and wakes it. Lifting again wakes it again. What a
/// rollback has left on a target is lifted where no person holds that target; what a person has set
/// is lifted by itself.
pub async fn lift_hold<W: World>(
    world: &W,
    config: &Config,
    on: &Subject,
    by: &str,
) -> Result<LiftedHold, HoldError> {
    let found = world.ledger().holds(std::slice::from_ref(on)).await?.pop();
    let now = world.now();
    let stands = found.clone().filter(|hold| hold.stands(now));
    let mut stand = after_rollbacks(world, config, on).await?;
    let stands = match (stands, on) {
        (None, Subject::Target(_)) => stand.pop(),
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
    Ok(LiftedHold { hold, stand })
}

/// What a person has let be tried again on a target, by its holds. A service's hold says nothing of
/// a target's rollback.
pub(super) fn let_again(id: &TargetId, holds: &[Hold]) -> Option<LetAgain> {
    let on = Subject::Target(id.clone());
    holds.iter().find(|hold| hold.on == on)?.lets_again()
}

/// The holds that rollbacks have left on a target, or on a service's targets.
async fn after_rollbacks<W: World>(
    world: &W,
    config: &Config,
    on: &Subject,
) -> Result<Vec<Hold>, CallError> {
    match on {
        Subject::Target(id) => Ok(after_rollback(world, config, id).await?.into_iter().collect()),
        Subject::Service(name) => {
            let services = status(world, config, Some(name)).await?;
            let targets = services.iter().flat_map(|service| &service.targets);
            let targets: Vec<Subject> =
                targets.map(|state| Subject::Target(state.id.clone())).collect();
            let written = world.ledger().holds(&targets).await?;
            Ok(left_by_rollbacks(config, &services, &written, world.now()))
        }
    }
}

fn left_by_rollbacks(
    config: &Config,
    services: &[ServiceStatus],
    written: &[Hold],
    now: Timestamp,
) -> Vec<Hold> {
    let states = services.iter().flat_map(|service| &service.targets);
    let left = states.filter_map(|state| {
        let (target, again) = (config.target(&state.id)?, let_again(&state.id, written));
        let assigned = state.assigned.as_ref();
        hold_after_rollback(target, &state.record, assigned, again.as_ref(), now)
    });
    left.collect()
}

/// The hold that a rollback has left on a target.
pub(super) async fn after_rollback<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<Hold>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let on = [Subject::Target(id.clone())];
    let ledger = world.ledger();
    let (record, service, holds) =
        try_join!(ledger.target(id), ledger.service(&id.service), ledger.holds(&on))?;
    let (assigned, again) = (service.assignment(&id.environment), let_again(id, &holds));
    Ok(hold_after_rollback(target, &record, assigned, again.as_ref(), world.now()))
}

/// The holds that stand, in the order of what they are on: those of people, and those that
/// rollbacks have left.
pub async fn standing_holds<W: World>(world: &W, config: &Config) -> Result<Vec<Hold>, CallError> {
    let (written, services) =
        try_join!(async { world.ledger().all_holds().await }, status(world, config, None))?;
    let now = world.now();
    let left = left_by_rollbacks(config, &services, &written, now);
    let mut holds: Vec<Hold> = written.into_iter().filter(|hold| hold.stands(now)).collect();
    holds.extend(left);
    holds.sort_by(|a, b| a.on.cmp(&b.on));
    Ok(holds)
}
