//! `sweep`: woken every minute by a schedule. Wakes the targets for which something is due, and
//! looks at the minute's share of the fleet.

#![recursion_limit = "256"] // The SDK's futures are deep, and a sweep holds several.

use funade::shell::{ConfigCache, handle_schedule};
use funade_aws::{AwsWorld, Settings, sweep_minutes};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let (cache, of) = (ConfigCache::default(), sweep_minutes()?);
    run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Error>(handle_schedule(&world, &cache, &event.payload, of).await?.to_value())
    }))
    .await
}
