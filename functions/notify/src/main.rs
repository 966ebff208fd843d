//! `notify`: woken by the stream of the ledger's table, with notices in the order in which they were
//! written. Sends each to whoever wants it. What some place did not take comes once more from a
//! queue, until it is taken or given up.

mod records;
mod retries;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::sqs::SqsEvent;
use funade::decisions::metrics::{metrics_of_notice, to_emf};
use funade::facts::notice::Notice;
use funade::shell::{ConfigCache, notify, send_again};
use funade_aws::{AwsWorld, Settings, history_topic};
use lambda_runtime::tracing::warn;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::{Value, json};

use crate::records::{Read, Record};
use crate::retries::Waiting;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let (cache, history) = (ConfigCache::default(), history_topic());
    run(service_fn(async |event: LambdaEvent<Value>| {
        let again = if is_of_queue(&event.payload) {
            let event = serde_json::from_value(event.payload)?;
            send_waiting(&world, &cache, event, history.as_deref()).await
        } else {
            let event = serde_json::from_value(event.payload)?;
            tell(&world, &cache, event, history.as_deref()).await?.into_iter().collect()
        };
        Ok::<Value, Error>(answer(&again))
    }))
    .await
}

/// Both sources hand over `Records`, each of which says where it is from.
fn is_of_queue(payload: &Value) -> bool {
    payload["Records"][0]["eventSource"] == "aws:sqs"
}

/// What both sources ask for: the stream goes on from the lowest number that it is told, with all
/// after it; the queue hands over again what it is told.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
fn answer(again: &[String]) -> Value {
    let failures: Vec<Value> = again.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// Tells what is new. Gives back the first record that should come again; with it come all after it.
async fn tell(
    world: &AwsWorld,
    cache: &ConfigCache,
    event: Event,
    history: Option<&str>,
) -> Result<Option<String>, Error> {
    let (mut notices, mut numbers, mut stuck) = (Vec::new(), Vec::new(), None);
    for Record { sequence_number, read } in records::read(event) {
        match read {
            Read::Notice(notice) => {
                notices.push(*notice);
                numbers.push(sequence_number);
            }
            Read::Unreadable { body, why } => {
                if let Err(error) = world.give_up_notice(&body, &why).await {
                    warn!("comes again, unreadable as it is: {}", error.in_full());
                    stuck = Some(sequence_number);
                    break;
                }
            }
        }
    }
    if notices.is_empty() {
        return Ok(stuck);
    }
    let again = notify(world, cache, &notices, history).await?;
    // Those from the first that comes again are counted when they come again.
    let done = notices.iter().take_while(|notice| !again.contains(&notice.id)).count();
    notices[..done].iter().for_each(count);
    Ok(numbers.into_iter().nth(done).or(stuck))
}

/// Sends what was not taken before, and tells what could not be read before. Gives back which of the
/// queue's messages should come again.
async fn send_waiting(
    world: &AwsWorld,
    cache: &ConfigCache,
    event: SqsEvent,
    history: Option<&str>,
) -> Vec<String> {
    let (mut again, mut ids, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (id, waiting) in retries::read(event.records) {
        match waiting {
            Waiting::Message(message) => {
                ids.push(id);
                messages.push(*message);
            }
            Waiting::Notice(notice) => {
                let told = notify(world, cache, std::slice::from_ref(&notice), history).await;
                if told.is_ok_and(|left| left.is_empty()) {
                    count(&notice);
                } else {
                    again.push(id);
                }
            }
            Waiting::Unreadable => again.push(id),
        }
    }
    let taken = send_again(world, &messages).await;
    let untaken = ids.into_iter().zip(taken).filter(|(_, taken)| !taken);
    again.extend(untaken.map(|(id, _)| id));
    again
}

fn count(notice: &Notice) {
    for line in to_emf(&metrics_of_notice(notice), notice.at) {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_should_come_again_is_named_as_lambda_asks() {
        assert_eq!(answer(&[]), json!({ "batchItemFailures": [] }));
        let expected = json!({ "batchItemFailures": [{ "itemIdentifier": "91" }] });
        assert_eq!(answer(&["91".to_owned()]), expected);
    }

    #[test]
    fn the_queue_and_the_stream_are_told_apart() {
        let of = |source: &str| is_of_queue(&json!({ "Records": [{ "eventSource": source }] }));
        assert!(of("aws:sqs") && !of("aws:dynamodb"));
        assert!(!is_of_queue(&json!({})));
    }
}
