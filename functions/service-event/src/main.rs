//! `service-event`: woken by events of ECS services and of alarms. Wakes the target concerned, and
//! decides nothing.

use funade::shell::{ConfigCache, Handled, handle_event};
use funade_aws::{AwsWorld, Settings};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let cache = ConfigCache::default();
    run(service_fn(async |event: LambdaEvent<Value>| handle(&world, &cache, &event.payload).await))
        .await
}

/// Answers with what became of the event, for whoever invokes the function by hand.
async fn handle(world: &AwsWorld, cache: &ConfigCache, envelope: &Value) -> Result<Value, Error> {
    Ok(match handle_event(world, cache, envelope).await? {
        Handled::Routed(routing) => json!({
            "woken": routing.intents.iter().map(|i| i.subject.to_string()).collect::<Vec<_>>(),
            "ignored": routing.ignored.iter().map(|i| i.rule.to_string()).collect::<Vec<_>>(),
        }),
        Handled::Malformed(malformed) => json!({"malformed": malformed.to_string()}),
        Handled::NoConfig => json!({"woken": [], "ignored": ["no configuration is applied"]}),
    })
}
