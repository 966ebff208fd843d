//! `image-push`: woken by events of the image registry. Notes the release and wakes the services
//! that use the repository.

use funade::shell::{ConfigCache, handle_event};
use funade_aws::{AwsWorld, Settings};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let world = AwsWorld::of_function(Settings::of_function()?);
    let cache = ConfigCache::default();
    run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Error>(handle_event(&world, &cache, &event.payload).await?.to_value())
    }))
    .await
}
