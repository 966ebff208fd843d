//! When parameters and secrets have changed: one item for each path or secret that is read.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use funade::facts::parameter::{Change, Watched, WatchedName};
use funade::world::CallError;
use futures_util::future::try_join_all;
use jiff::Timestamp;

use super::items::{BATCH_GET_MAX, Item, batch_get, key, moment, n, s, text};
use crate::errors::call_error;
use crate::world::AwsWorld;

/// The last change of each.
pub(super) async fn read(
    world: &AwsWorld,
    watched: &[Watched],
) -> Result<BTreeMap<Watched, Change>, CallError> {
    let by_key: BTreeMap<(String, String), &Watched> =
        watched.iter().map(|watched| (keys(watched), watched)).collect();
    let keys: Vec<_> = by_key.keys().map(|(pk, sk)| key(pk, sk)).collect();
    let batches = keys.chunks(BATCH_GET_MAX).map(|batch| batch_get(world, "changes", batch));
    let items = try_join_all(batches).await?.into_iter().flatten();
    let noted = items.filter_map(|item| {
        let keys = (text(&item, "pk")?.to_owned(), text(&item, "sk")?.to_owned());
        let watched: &Watched = by_key.get(&keys)?;
        let cause = text(&item, "cause").unwrap_or_default().to_owned();
        Some((watched.clone(), Change { at: moment(&item, "changed_at")?, cause }))
    });
    Ok(noted.collect())
}

/// Notes a change; gives back until when those who read it are known to be woken.
pub(super) async fn note(
    world: &AwsWorld,
    watched: &Watched,
    change: &Change,
) -> Result<Option<Timestamp>, CallError> {
    let values = [("changed_at", n(change.at.as_millisecond())), ("cause", s(&change.cause))];
    let item = set(world, watched, values).await?;
    Ok(item.as_ref().and_then(|item| moment(item, "look_at")))
}

/// Notes when those who read it are woken.
pub(super) async fn promise(
    world: &AwsWorld,
    watched: &Watched,
    at: Timestamp,
) -> Result<(), CallError> {
    set(world, watched, [("look_at", n(at.as_millisecond()))]).await.map(drop)
}

/// Sets some attributes, and gives back the whole item.
async fn set<const COUNT: usize>(
    world: &AwsWorld,
    watched: &Watched,
    values: [(&str, AttributeValue); COUNT],
) -> Result<Option<Item>, CallError> {
    let (pk, sk) = keys(watched);
    let mut update = world
        .dynamodb
        .update_item()
        .table_name(&world.settings().table)
        .set_key(Some(key(&pk, &sk)))
        .return_values(ReturnValue::AllNew);
    let mut assignments = Vec::new();
    for (name, value) in values {
        assignments.push(format!("{name} = :{name}"));
        update = update.expression_attribute_values(format!(":{name}"), value);
    }
    let output = update
        .update_expression(format!("SET {}", assignments.join(", ")))
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
