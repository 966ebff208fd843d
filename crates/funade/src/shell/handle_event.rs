//! An event: note what it says, and wake the subjects that it concerns.
//!
//! Notes come before wakes, so that whoever is woken finds them; a function that dies in between
//! is invoked again with the same event.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, try_join_all};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tracing::{Instrument, error, info, info_span, warn};

use crate::config::Config;
use crate::decisions::route::{Intent, Note, Routing, about, route};
use crate::facts::event::{Event, MalformedEvent};
use crate::facts::names::{Digest, ServiceName, Tag};
use crate::facts::parameter::{Change, Watched};
use crate::facts::release::Release;
use crate::facts::subject::{Subject, WAKE_DELAY_MAX, Wake};
use crate::shell::ConfigCache;
use crate::world::{CallError, EventNote, Ledger, Queue, World};

/// How much of a malformed envelope is logged: enough to see what sent it.
const ENVELOPE_LOGGED_BYTES_MAX: usize = 2_000;

/// How much of an event's id is kept. EventBridge's have 36 bytes; a key in the table has a limit,
/// and no id that is made up may make the note of it fail.
const EVENT_ID_BYTES_MAX: usize = 128;

/// How much later than now a promised look must be to take this change along: clocks differ, and
/// Parameter Store may answer with what was so a moment ago.
const PROMISE_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// How many lines of what an event led to are noted; a path that thousands of targets read would
/// outgrow an item of the table.
const LINES_NOTED_MAX: usize = 200;

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

impl Handled {
    /// The answer of a function, for whoever invokes it by hand.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Routed(routing) => json!({
                "woken": routing.intents.iter().map(|i| i.subject.to_string()).collect::<Vec<_>>(),
                "ignored": routing.ignored.iter().map(|i| i.rule.to_string()).collect::<Vec<_>>(),
            }),
            Self::Malformed(malformed) => json!({"malformed": malformed.to_string()}),
            Self::NoConfig => json!({"woken": [], "ignored": ["no configuration is applied"]}),
        }
    }
}

/// Handles an envelope of EventBridge. An error means that the same event should come again.
pub async fn handle_event<W: World>(
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
            note(world, id, vec![malformed.to_string()], BTreeSet::new()).await?;
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
    for intent in &routing.intents {
        info!(subject = %intent.subject, "wakes: {}", intent.reason);
    }
    let about = about(config, event, &routing);
    let noted = note(world, event.id.clone(), outcome(&routing), about);
    let (carried_out, noted) = join(carry_out(world, event, &routing.intents), noted).await;
    carried_out?;
    noted?;
    Ok(Handled::Routed(routing))
}

async fn carry_out<W: World>(
    world: &W,
    event: &Event,
    intents: &[Intent],
) -> Result<(), CallError> {
    let mut changes: BTreeMap<&Watched, Vec<(Wake, SignedDuration)>> = BTreeMap::new();
    let mut releases = Vec::new();
    let mut wakes = Vec::new();
    for intent in intents {
        match &intent.note {
            Some(Note::Release { service, tag, digest }) => {
                releases.push(note_release(world, event, service, tag, digest));
                wakes.push(wake(event, intent));
            }
            Some(Note::Change { watched, quiet }) => {
                changes.entry(watched).or_default().push((wake(event, intent), *quiet));
            }
            None => wakes.push(wake(event, intent)),
        }
    }
    try_join_all(releases).await?;
    if !wakes.is_empty() {
        world.queue().wake(&wakes).await?;
    }
    let cause = event.id.as_str();
    let changes =
        changes.into_iter().map(|(watched, readers)| change(world, watched, cause, readers));
    try_join_all(changes).await?;
    Ok(())
}

async fn note_release<W: World>(
    world: &W,
    event: &Event,
    service: &ServiceName,
    tag: &Tag,
    digest: &Digest,
) -> Result<(), CallError> {
    let release = Release {
        tag: tag.clone(),
        digest: digest.clone(),
        pushed_at: event.at,
        noted_at: world.now(),
        cause: event.id.clone(),
    };
    world.ledger().note_release(service, &release).await
}

/// Notes a change, and wakes its readers after their quiet periods, unless messages that do so are
/// known to be on their way: forty changes in a row send one. A pass that is woken looks when the
/// last change was, and, if that is too recent, asks to be woken again.
async fn change<W: World>(
    world: &W,
    watched: &Watched,
    cause: &str,
    readers: Vec<(Wake, SignedDuration)>,
) -> Result<(), CallError> {
    let now = world.now();
    let change = Change { at: now, cause: cause.to_owned() };
    let promised = world.ledger().note_change(watched, &change).await?;
    if promised.is_some_and(|at| at > now + PROMISE_MARGIN) {
        info!("{watched}: noted; a look is on its way already");
        return Ok(());
    }
    let soonest = readers.iter().map(|(_, quiet)| *quiet).min().unwrap_or_default();
    let mut by_quiet: BTreeMap<SignedDuration, Vec<Wake>> = BTreeMap::new();
    for (wake, quiet) in readers {
        by_quiet.entry(quiet).or_default().push(wake);
    }
    let queue = world.queue();
    let sent = by_quiet.iter().map(|(quiet, wakes)| queue.wake_later(wakes, *quiet));
    try_join_all(sent).await?;
    // Only now: were it written before, and the function died, nobody would ever be woken.
    world.ledger().promise_look(watched, now + soonest.min(WAKE_DELAY_MAX)).await
}

fn wake(event: &Event, intent: &Intent) -> Wake {
    Wake::new(intent.subject.clone(), event.id.clone(), intent.reason.clone())
}

fn outcome(routing: &Routing) -> Vec<String> {
    let woken = routing.intents.iter().map(|i| format!("wakes {}: {}", i.subject, i.reason));
    let ignored = routing.ignored.iter().map(|i| format!("ignored by {}: {}", i.rule, i.reason));
    let mut lines: Vec<String> = woken.chain(ignored).take(LINES_NOTED_MAX).collect();
    let all = routing.intents.len() + routing.ignored.len();
    if all > lines.len() {
        lines.push(format!("and {} more", all - lines.len()));
    }
    lines
}

async fn note<W: World>(
    world: &W,
    id: String,
    outcome: Vec<String>,
    about: BTreeSet<Subject>,
) -> Result<(), CallError> {
    world.ledger().note_event(&EventNote { id, at: world.now(), outcome, about }).await
}

/// The text, cut to a number of bytes at the end of a character.
fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}
