//! The queue that starts passes: SQS FIFO, one group for each subject, and a standard queue whose
//! messages are delayed, since FIFO messages cannot be.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use funade::facts::stored::Stored;
use funade::facts::subject::{WAKE_DELAY_MAX, Wake};
use funade::world::{CallError, CallProblem, Queue, World};
use futures_util::future::try_join_all;
use jiff::SignedDuration;

use crate::errors::call_error;
use crate::world::AwsWorld;

/// Messages in one `SendMessageBatch`.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const BATCH_MAX: usize = 10;

/// Batches that are under way at once: a path that ten thousand targets read makes a thousand.
const BATCHES_AT_ONCE_MAX: usize = 16;

/// Tells apart the messages of one process.
static SENT: AtomicU64 = AtomicU64::new(0);

impl Queue for AwsWorld {
    async fn wake(&self, wakes: &[Wake]) -> Result<(), CallError> {
        let url = &self.settings().wake_queue_url;
        let entry = |wake: &Wake, entry: SendMessageBatchRequestEntryBuilder| {
            entry
                .message_group_id(wake.subject.to_string())
                .message_deduplication_id(deduplication_id(self))
        };
        send_all(self, url, wakes, entry).await
    }

    async fn wake_later(&self, wakes: &[Wake], delay: SignedDuration) -> Result<(), CallError> {
        // Rounded up: a look that comes too early only asks for another.
        let millis = delay.min(WAKE_DELAY_MAX).as_millis().max(1);
        let seconds = i32::try_from((millis + 999) / 1_000).expect("at most 900");
        let url = &self.settings().later_queue_url;
        let entry =
            |_: &Wake, entry: SendMessageBatchRequestEntryBuilder| entry.delay_seconds(seconds);
        send_all(self, url, wakes, entry).await
    }
}

/// Sends all wakes, some batches at a time.
async fn send_all(
    world: &AwsWorld,
    queue_url: &str,
    wakes: &[Wake],
    complete: impl Fn(&Wake, SendMessageBatchRequestEntryBuilder) -> SendMessageBatchRequestEntryBuilder
    + Copy,
) -> Result<(), CallError> {
    for some in wakes.chunks(BATCH_MAX * BATCHES_AT_ONCE_MAX) {
        let batches = some.chunks(BATCH_MAX).map(|batch| send(world, queue_url, batch, complete));
        try_join_all(batches).await?;
    }
    Ok(())
}

/// Sends one batch; `complete` adds to each entry what its queue asks for.
async fn send(
    world: &AwsWorld,
    queue_url: &str,
    batch: &[Wake],
    complete: impl Fn(&Wake, SendMessageBatchRequestEntryBuilder) -> SendMessageBatchRequestEntryBuilder,
) -> Result<(), CallError> {
    let entries: Vec<_> = batch
        .iter()
        .enumerate()
        .map(|(index, wake)| {
            let entry = SendMessageBatchRequestEntry::builder();
            let entry = entry.id(index.to_string()).message_body(wake.to_json());
            complete(wake, entry).build().expect("an id and a body are all that is required")
        })
        .collect();
    let subject = batch.first().map_or_else(String::new, |wake| wake.subject.to_string());
    let output = world
        .sqs()
        .send_message_batch()
        .queue_url(queue_url)
        .set_entries(Some(entries))
        .send()
        .await
        .map_err(|error| call_error("SendMessageBatch", &subject, &error))?;
    match output.failed().first() {
        None => Ok(()),
        Some(failed) => Err(CallError {
            operation: "SendMessageBatch",
            subject,
            problem: CallProblem::NoAnswer,
            source: Some(
                format!("{}: {}", failed.code(), failed.message().unwrap_or_default()).into(),
            ),
        }),
    }
}

/// Unique for each message: within five minutes SQS swallows a second message of the same id,
/// even when the first was handled long before what the second is to make us look at.
fn deduplication_id(world: &AwsWorld) -> String {
    let count = SENT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{count}", world.now().as_nanosecond(), std::process::id())
}
