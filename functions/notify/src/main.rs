//! `notify`: woken by the stream of the ledger's table, with notices in the order in which they were
//! written. Sends each to whoever wants it.

mod records;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use funade::decisions::metrics::{metrics_of_notice, to_emf};
use funade::facts::notice::Notice;
use funade::shell::{ConfigCache, notify};
use funade_aws::{AwsWorld, Settings, history_topic};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};

use crate::records::{Told, answer, read};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let (cache, history) = (ConfigCache::default(), history_topic());
    run(service_fn(async |event: LambdaEvent<Event>| {
        handle(&world, &cache, event.payload, history.as_deref()).await
    }))
    .await
}

/// Names the first record that should come again; with it come all after it.
async fn handle(
    world: &AwsWorld,
    cache: &ConfigCache,
    event: Event,
    history: Option<&str>,
) -> Result<DynamoDbEventResponse, Error> {
    let told = read(event);
    if told.is_empty() {
        return Ok(DynamoDbEventResponse::default());
    }
    let notices: Vec<Notice> = told.iter().map(|Told { notice, .. }| notice.clone()).collect();
    let again = notify(world, cache, &notices, history).await?;
    // Those from the first that comes again are counted when they come again.
    for notice in notices.iter().take_while(|notice| !again.contains(&notice.id)) {
        for line in to_emf(&metrics_of_notice(notice), notice.at) {
            println!("{line}");
        }
    }
    Ok(answer(&told, &again))
}
