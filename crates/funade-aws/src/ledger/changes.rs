//! When parameters and secrets have changed: one item for each path or secret that is read.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::ReturnValue;
use funade::facts::parameter::{Watched, WatchedName};
use funade::world::CallError;
use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::{BATCH_MAX, batch_get, key, moment, n, text};
use crate::errors::call_error;
use crate::world::AwsWorld;

/// When each has last changed.
pub(super) async fn read(
    world: &AwsWorld,
    watched: &[Watched],
) -> Result<BTreeMap<Watched, Timestamp>, CallError> {
    let by_key: BTreeMap<(String, String), &Watched> =
        watched.iter().map(|watched| (keys(watched), watched)).collect();
    let keys: Vec<_> = by_key.keys().map(|(pk, sk)| key(pk, sk)).collect();
    let batches = keys.chunks(BATCH_MAX).map(|batch| batch_get(world, "changes", batch));
    let items = try_join_all(batches).await?.into_iter().flatten();
    let noted = items.filter_map(|item| {
        let keys = (text(&item, "pk")?.to_owned(), text(&item, "sk")?.to_owned());
        let watched: &Watched = by_key.get(&keys)?;
        Some((watched.clone(), moment(&item, "changed_at")?))
    });
    Ok(noted.collect())
}

/// Notes a change; gives back until when those who read it are known to be woken.
pub(super) async fn note(
    world: &AwsWorld,
    watched: &Watched,
    at: Timestamp,
) -> Result<Option<Timestamp>, CallError> {
    let item = set(world, watched, "changed_at", at).await?;
    Ok(item.as_ref().and_then(|item| moment(item, "look_at")))
}

/// Notes when those who read it are woken.
pub(super) async fn promise(
    world: &AwsWorld,
    watched: &Watched,
    at: Timestamp,
) -> Result<(), CallError> {
    set(world, watched, "look_at", at).await.map(drop)
}

/// Sets a moment, and gives back the whole item.
async fn set(
    world: &AwsWorld,
    watched: &Watched,
    name: &str,
    at: Timestamp,
) -> Result<Option<super::Item>, CallError> {
    let (pk, sk) = keys(watched);
    let output = world
        .dynamodb
        .update_item()
        .table_name(&world.settings().table)
        .set_key(Some(key(&pk, &sk)))
        .update_expression("SET #name = :at")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":at", n(at.as_millisecond()))
        .return_values(ReturnValue::AllNew)
        .send()
        .await
        .map_err(|error| call_error("UpdateItem", &pk, &error))?;
    Ok(output.attributes)
}

fn keys(watched: &Watched) -> (String, String) {
    let place = &watched.place;
    match &watched.what {
        WatchedName::Path { path, filter } => {
            (format!("change#{place}#{path}"), format!("path#{filter}"))
        }
        WatchedName::Secret(secret) => (format!("change#{place}#{secret}"), "secret".to_owned()),
    }
}
