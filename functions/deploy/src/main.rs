//! `deploy`: woken by the queue, one subject at a time. Reconciles a service or a target.
//!
//! The second queue only delays: its messages are passed on to the first, whose groups see to it
//! that a subject has one pass at a time.

#![recursion_limit = "256"] // The SDK's futures are deep, and a batch holds several.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use funade::facts::stored::Stored;
use funade::facts::subject::{Subject, Wake};
use funade::shell::{ConfigCache, deliver};
use funade::world::{CallError, Queue, World};
use funade_aws::{AwsWorld, Settings};
use lambda_runtime::tracing::error;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let cache = ConfigCache::default();
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        handle(&world, &cache, event.payload.records).await
    }))
    .await
}

/// Names the messages that should come again; all others are done with.
async fn handle(
    world: &AwsWorld,
    cache: &ConfigCache,
    messages: Vec<SqsMessage>,
) -> Result<SqsBatchResponse, Error> {
    let (now, later): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_of_fifo);
    let (now, later) = (read(now), read(later));
    let later: Vec<Wake> = later.into_values().collect();
    if !later.is_empty() {
        world.queue().wake(&later).await?;
    }
    if now.is_empty() {
        return Ok(SqsBatchResponse::default());
    }
    Ok(answer(&now, &again(world, cache, &now).await?))
}

async fn again(
    world: &AwsWorld,
    cache: &ConfigCache,
    messages: &BTreeMap<String, Wake>,
) -> Result<BTreeSet<Subject>, CallError> {
    let wakes: Vec<Wake> = messages.values().cloned().collect();
    let delivered = deliver(world, cache, &wakes).await?.into_iter();
    Ok(delivered.filter(|delivered| delivered.again).map(|delivered| delivered.subject).collect())
}

fn answer(messages: &BTreeMap<String, Wake>, again: &BTreeSet<Subject>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = messages
        .iter()
        .filter(|(_, wake)| again.contains(&wake.subject))
        .map(|(id, _)| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier.clone_from(id);
            failure
        })
        .collect();
    response
}

#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "it is no file: a FIFO queue's name ends in exactly this"
)]
fn is_of_fifo(message: &SqsMessage) -> bool {
    message.event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(".fifo"))
}

/// Reads the messages, by id. One that cannot be read is reported and does not come again: it
/// would hold up its group and be no more readable.
fn read(messages: Vec<SqsMessage>) -> BTreeMap<String, Wake> {
    let mut wakes = BTreeMap::new();
    for message in messages {
        let id = message.message_id.unwrap_or_default();
        let body = message.body.unwrap_or_default();
        match Wake::from_json(&body) {
            Ok(wake) => {
                wakes.insert(id, wake);
            }
            Err(problem) => {
                error!(message_id = id, body, "dropped: the message cannot be read: {problem:?}");
            }
        }
    }
    wakes
}
