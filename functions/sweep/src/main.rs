//! `sweep`: woken every minute by a schedule. Wakes the targets for which something is due, looks at
//! the minute's share of the fleet, and writes what the ledger says of all of it into the log, as
//! metrics. Once everything was looked at, it puts the fleet's page into a bucket, if there is one.

#![recursion_limit = "256"] // The SDK's futures are deep, and a sweep holds several.

mod overview;

use funade::shell::{ConfigCache, Scheduled, handle_schedule};
use funade_aws::{AwsWorld, Settings, report_bucket, sweep_minutes};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let (cache, of, bucket) = (ConfigCache::default(), sweep_minutes()?, report_bucket());
    run(service_fn(async |event: LambdaEvent<Value>| {
        let scheduled = handle_schedule(&world, &cache, &event.payload, of).await?;
        match &scheduled {
            Scheduled::Swept { .. } => {
                let told = overview::tell(&world, &cache, &event.payload, of, bucket.as_deref());
                // That it cannot be told is no reason to sweep again.
                if let Err(error) = told.await {
                    tracing::error!("the fleet's overview was not made: {}", error.in_full());
                }
            }
            Scheduled::Malformed(_) | Scheduled::NoConfig => {}
        }
        Ok::<_, Error>(scheduled.to_value())
    }))
    .await
}
