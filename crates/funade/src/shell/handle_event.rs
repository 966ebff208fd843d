//! An event of the registry: note the release, wake the service.

use futures_util::future::{join, try_join_all};
use serde_json::Value;
use tracing::{Instrument, error, info, info_span, warn};

use crate::config::Config;
use crate::decisions::route::{Intent, Routing, route};
use crate::facts::event::{Event, MalformedEvent};
use crate::facts::release::Release;
use crate::facts::subject::Wake;
use crate::shell::ConfigCache;
use crate::world::{CallError, EventNote, Ledger, Queue, World};

/// How much of a malformed envelope is logged: enough to see what sent it.
const ENVELOPE_LOGGED_BYTES_MAX: usize = 2_000;

/// How much of an event's id is kept. EventBridge's have 36 bytes; a key in the table has a limit,
/// and no id that is made up may make the note of it fail.
const EVENT_ID_BYTES_MAX: usize = 128;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// It was routed.
    Routed(Routing),
    /// It cannot be read. It is recorded and does not come back.
    Malformed(MalformedEvent),
    /// No configuration is applied, so nothing can be said of it.
    NoConfig,
}

/// Handles an envelope of EventBridge. An error means that the same event should come again.
pub async fn image_push<W: World>(
    world: &W,
    cache: &ConfigCache,
    envelope: &Value,
) -> Result<Handled, CallError> {
    let event = match Event::parse(envelope) {
        Ok(event) => event,
        Err(malformed) => {
            let id = malformed.id.as_deref().unwrap_or("without-an-id");
            let id = cut(id.to_owned(), EVENT_ID_BYTES_MAX);
            let beginning = cut(envelope.to_string(), ENVELOPE_LOGGED_BYTES_MAX);
            error!(cause = id, envelope = beginning, "{malformed}");
            note(world, id, vec![malformed.to_string()]).await?;
            return Ok(Handled::Malformed(malformed));
        }
    };
    let span = info_span!("event", cause = %event.id);
    routed(world, cache, &event).instrument(span).await
}

async fn routed<W: World>(
    world: &W,
    cache: &ConfigCache,
    event: &Event,
) -> Result<Handled, CallError> {
    let Some(applied) = cache.current(world.ledger()).await? else {
        warn!("no configuration is applied, so nothing is done: funade apply DIR");
        return Ok(Handled::NoConfig);
    };
    let config: &Config = &applied.config;
    let routing = route(config, event);
    for ignored in &routing.ignored {
        info!(rule = %ignored.rule, "ignored: {}", ignored.reason);
    }
    let releases = routing.intents.iter().map(|intent| note_release(world, event, intent));
    try_join_all(releases).await?;

    let wakes: Vec<Wake> = routing.intents.iter().map(|intent| wake(event, intent)).collect();
    let woken = async { if wakes.is_empty() { Ok(()) } else { world.queue().wake(&wakes).await } };
    let (woken, noted) = join(woken, note(world, event.id.clone(), outcome(&routing))).await;
    woken?;
    noted?;
    Ok(Handled::Routed(routing))
}

async fn note_release<W: World>(
    world: &W,
    event: &Event,
    intent: &Intent,
) -> Result<(), CallError> {
    info!(subject = %intent.subject, tag = %intent.tag, "wakes: {}", intent.reason);
    let release = Release {
        tag: intent.tag.clone(),
        digest: intent.digest.clone(),
        pushed_at: event.at,
        noted_at: world.now(),
        cause: event.id.clone(),
    };
    world.ledger().note_release(&intent.service, &release).await
}

fn wake(event: &Event, intent: &Intent) -> Wake {
    Wake {
        subject: intent.subject.clone(),
        cause: event.id.clone(),
        reason: intent.reason.clone(),
        failed_before: 0,
    }
}

fn outcome(routing: &Routing) -> Vec<String> {
    let woken = routing.intents.iter().map(|i| format!("wakes {}: {}", i.subject, i.reason));
    let ignored = routing.ignored.iter().map(|i| format!("ignored by {}: {}", i.rule, i.reason));
    woken.chain(ignored).collect()
}

async fn note<W: World>(world: &W, id: String, outcome: Vec<String>) -> Result<(), CallError> {
    world.ledger().note_event(&EventNote { id, at: world.now(), outcome }).await
}

/// The text, cut to a number of bytes at the end of a character.
fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}
