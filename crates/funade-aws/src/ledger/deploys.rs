//! A target's deploys: one item for each, written with the target's record.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use funade::facts::deploy::Deploy;
use funade::facts::names::TargetId;
use funade::facts::record::TargetRecord;
use funade::world::CallError;
use jiff::SignedDuration;

use super::findings::DUE;
use super::items::{
    self, Item, after, after_the_one_before, last, n, read_body, record_item, s, with_body,
};
use super::target_key;
use crate::errors::call_error;
use crate::world::AwsWorld;

/// What the keys of deploys begin with.
const DEPLOY: &str = "deploy#";

/// How long a deploy is remembered: a year, for whoever looks at a year, and a month to do it.
const DEPLOY_KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Deploys that are read: a service that is deployed to every working day has as many in most of a
/// year, and no list for people is longer.
const DEPLOYS_READ_MAX: usize = 200;

/// Writes a target's record, and with it what has become of its deploys: both or neither.
pub(super) async fn write(
    world: &AwsWorld,
    target: &TargetId,
    record: &TargetRecord,
    deploys: &[Deploy],
) -> Result<(), CallError> {
    let pk = target_key(target);
    let mut item = record_item(&pk, record.generation, record);
    if let Some(due) = record.due {
        item.insert("due".to_owned(), s(DUE));
        item.insert("due_at".to_owned(), n(due.as_millisecond()));
    }
    if deploys.is_empty() {
        return items::write(world, &pk, record.generation, item).await;
    }
    let (condition, values) = after_the_one_before(record.generation);
    let put = |item: Item| {
        let put = Put::builder().table_name(&world.settings().table);
        put.set_item(Some(item))
    };
    let of_record =
        put(item).condition_expression(condition).set_expression_attribute_values(values);
    let puts = deploys.iter().map(|deploy| put(deploy_item(&pk, deploy)));
    let writes = std::iter::once(of_record).chain(puts).map(|put| {
        let put = put.build().expect("a table and an item are all that is required");
        TransactWriteItem::builder().put(put).build()
    });
    world
        .dynamodb
        .transact_write_items()
        .set_transact_items(Some(writes.collect()))
        .send()
        .await
        .map_err(|error| call_error("TransactWriteItems", &pk, &error))?;
    Ok(())
}

/// A target's deploys, the newest first.
pub(super) async fn read(world: &AwsWorld, target: &TargetId) -> Result<Vec<Deploy>, CallError> {
    let pk = target_key(target);
    let items = last(world, &pk, DEPLOY, DEPLOYS_READ_MAX).await?;
    items.iter().map(|item| read_body(&pk, item)).collect()
}

fn deploy_item(pk: &str, deploy: &Deploy) -> Item {
    let mut item = with_body(pk, &deploy_key(deploy.id.number), deploy);
    item.insert("expires_at".to_owned(), n(after(deploy.begun_at, DEPLOY_KEPT)));
    item
}

/// Keys are compared as text.
fn deploy_key(number: u64) -> String {
    format!("{DEPLOY}{number:010}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_deploy_has_the_last_key() {
        let mut keys: Vec<_> = [2, 10, 100, 9, 1].map(deploy_key).into();
        keys.sort();
        assert_eq!(keys.first().map(String::as_str), Some("deploy#0000000001"));
        assert_eq!(keys.last().map(String::as_str), Some("deploy#0000000100"));
    }
}
