//! Sends what the outbox holds: each notice to every route that wants it, at least once.
//!
//! In: notices, in the order in which they were written. Out: those that some route did not take; they
//! come again, and then go to all of their routes once more, under the same id. Invariant: a notice
//! is done with only when every message about it was taken.

use futures_util::future::join_all;
use tracing::{info, warn};

use crate::config::Config;
use crate::decisions::messages::{for_history, messages};
use crate::facts::message::Message;
use crate::facts::notice::Notice;
use crate::shell::ConfigCache;
use crate::world::{CallError, Messenger, World};

/// Sends notices, and all of them to the history's topic besides, where there is one. Gives back the
/// ids of those that should come again: the first that was not taken, and all after it, which were
/// not tried, so that they are told in their order. An error means that all should come again.
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
    let mut left = notices.iter();
    while let Some(notice) = left.as_slice().first() {
        if !sent(world, &applied.config, notice, history).await {
            break;
        }
        left.next();
    }
    Ok(left.map(|notice| notice.id.clone()).collect())
}

/// Whether every message about a notice was taken.
async fn sent<W: World>(
    world: &W,
    config: &Config,
    notice: &Notice,
    history: Option<&str>,
) -> bool {
    let mut messages = messages(config, notice);
    messages.extend(history.map(|topic| for_history(config, notice, topic)));
    let sent = join_all(messages.iter().map(|message| send(world, message))).await;
    let (id, kind) = (notice.id.as_str(), notice.kind());
    info!(id, %kind, messages = messages.len(), "told");
    sent.into_iter().all(|sent| sent)
}

async fn send<W: World>(world: &W, message: &Message) -> bool {
    match world.messenger().send(message).await {
        Ok(()) => true,
        Err(error) => {
            warn!(id = message.notice, "not taken: {}", error.in_full());
            false
        }
    }
}
