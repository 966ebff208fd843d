//! Sends what the outbox holds: each notice to every route that wants it, at least once.
//!
//! In: notices, in the order in which they were written; and messages that were not taken before. Out:
//! what some place did not take goes, ready as it is, onto a queue, from which it comes again. So
//! whoever takes messages gets each once, and nobody waits for a place that takes none. Invariant: a
//! notice is done with only when every message about it was taken, or is on that queue.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tracing::{info, warn};

use crate::config::Config;
use crate::decisions::messages::{for_history, messages};
use crate::facts::message::{Destination, Message};
use crate::facts::notice::Notice;
use crate::shell::ConfigCache;
use crate::world::{CallError, Messenger, World};

/// Sends notices, and all of them to the history's topic besides, where there is one. Gives back the
/// ids of those that should come again, because the queue for what was not taken is not to be had:
/// the first of them, and all after it, which were not tried. An error means that all should come
/// again.
pub async fn notify<W: World>(
    world: &W,
    cache: &ConfigCache,
    notices: &[Notice],
    history: Option<&str>,
) -> Result<Vec<String>, CallError> {
    let Some(applied) = cache.current(world.ledger()).await? else {
        warn!("no configuration is applied, so nobody is told");
        return Ok(Vec::new());
    };
    let mut closed = BTreeSet::new();
    let mut left = notices.iter();
    while let Some(notice) = left.as_slice().first() {
        if !told(world, &applied.config, notice, history, &mut closed).await {
            break;
        }
        left.next();
    }
    Ok(left.map(|notice| notice.id.clone()).collect())
}

/// Sends messages that were not taken before. Says of each whether it was taken now.
pub async fn send_again<W: World>(world: &W, messages: &[Message]) -> Vec<bool> {
    join_all(messages.iter().map(|message| is_taken(world, message))).await
}

/// Whether every message about a notice was taken, or will come again by itself. A place that has not
/// taken one is not tried again in the same invocation, whose time would be over with a few that give
/// no answer: what else is for it joins the first on the queue.
async fn told<W: World>(
    world: &W,
    config: &Config,
    notice: &Notice,
    history: Option<&str>,
    closed: &mut BTreeSet<Destination>,
) -> bool {
    let mut messages = messages(config, notice);
    messages.extend(history.map(|topic| for_history(config, notice, topic)));
    let count = messages.len();
    let (mut later, now): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| closed.contains(&message.to));
    let taken = send_again(world, &now).await;
    let untaken = now.into_iter().zip(taken).filter(|(_, taken)| !taken);
    later.extend(untaken.map(|(message, _)| message));
    closed.extend(later.iter().map(|message| message.to.clone()));
    let kept = join_all(later.iter().map(|message| is_kept(world, message))).await;
    let (id, kind) = (notice.id.as_str(), notice.kind());
    info!(id, %kind, messages = count, later = later.len(), "told");
    kept.into_iter().all(|kept| kept)
}

async fn is_taken<W: World>(world: &W, message: &Message) -> bool {
    match world.messenger().send(message).await {
        Ok(()) => true,
        Err(error) => {
            warn!(id = message.notice, "not taken: {}", error.in_full());
            false
        }
    }
}

async fn is_kept<W: World>(world: &W, message: &Message) -> bool {
    match world.messenger().send_later(message).await {
        Ok(()) => true,
        Err(error) => {
            warn!(id = message.notice, "the notice comes again: {}", error.in_full());
            false
        }
    }
}
