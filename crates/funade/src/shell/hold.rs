//! Holds: what an operator writes so that automation leaves something alone, and takes back.

use crate::config::Config;
use crate::facts::hold::{Hold, Lifted};
use crate::facts::subject::{Subject, Wake};
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

/// Lifts the hold on a target or a service, and wakes it. Lifting again wakes it again.
pub async fn lift_hold<W: World>(world: &W, on: &Subject, by: &str) -> Result<Hold, HoldError> {
    let found = world.ledger().holds(std::slice::from_ref(on)).await?.pop();
    let Some(mut hold) = found else { return Err(HoldError::NotHeld(on.clone())) };
    let now = world.now();
    if hold.stands(now) {
        hold.lifted = Some(Lifted { by: by.to_owned(), at: now });
        world.ledger().write_hold(&hold).await?;
    } else if hold.lifted.is_none() {
        return Err(HoldError::NotHeld(on.clone()));
    }
    let wake = Wake {
        subject: on.clone(),
        cause: format!("unhold-{}", now.as_millisecond()),
        reason: format!("{by} lifted the hold"),
        failed_before: 0,
    };
    let woken = world.queue().wake(&[wake]).await;
    woken.map_err(|error| HoldError::NotWoken(on.clone(), error))?;
    Ok(hold)
}

/// The holds that stand, in the order of what they are on.
pub async fn standing_holds<W: World>(world: &W) -> Result<Vec<Hold>, CallError> {
    let now = world.now();
    let mut holds = world.ledger().all_holds().await?;
    holds.retain(|hold| hold.stands(now));
    holds.sort_by(|a, b| a.on.cmp(&b.on));
    Ok(holds)
}
