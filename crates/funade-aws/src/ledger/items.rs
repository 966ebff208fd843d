//! The table's items: what every part of the ledger is read and written with.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use funade::facts::stored::Stored;
use funade::world::{CallError, CallProblem};
use jiff::{SignedDuration, Timestamp};

use super::outbox::Transaction;
use crate::errors::call_error;
use crate::world::AwsWorld;

pub(super) type Item = HashMap<String, AttributeValue>;

/// Items in one `BatchGetItem`.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub(super) const BATCH_GET_MAX: usize = 100;

/// Items in one `BatchWriteItem`.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
pub(super) const BATCH_WRITE_MAX: usize = 25;

/// How often the unprocessed part of a batch is asked for again before the pass is given up.
const BATCH_ROUNDS_MAX: usize = 5;

/// All items of a partition, page by page.
pub(super) async fn query(world: &AwsWorld, pk: &str) -> Result<Vec<Item>, CallError> {
    let mut items = Vec::new();
    let mut pages = world
        .dynamodb
        .query()
        .table_name(&world.settings().table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", s(pk))
        .consistent_read(true)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| call_error("Query", pk, &error))?;
        items.extend(page.items.unwrap_or_default());
    }
    Ok(items)
}

/// The last items of a partition whose `sk` begins like this, the last first, so many at the most.
pub(super) async fn last(
    world: &AwsWorld,
    pk: &str,
    beginning: &str,
    count_max: usize,
) -> Result<Vec<Item>, CallError> {
    let mut query = world
        .dynamodb
        .query()
        .table_name(&world.settings().table)
        .expression_attribute_values(":pk", s(pk))
        .scan_index_forward(false)
        .limit(i32::try_from(count_max).expect("a limit of some hundreds"))
        .consistent_read(true);
    // A key's condition may not compare with an empty text.
    query = if beginning.is_empty() {
        query.key_condition_expression("pk = :pk")
    } else {
        query
            .key_condition_expression("pk = :pk AND begins_with(sk, :beginning)")
            .expression_attribute_values(":beginning", s(beginning))
    };
    let mut items = Vec::new();
    let mut pages = query.into_paginator().send();
    while items.len() < count_max {
        // A page ends after a megabyte, too.
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|error| call_error("Query", pk, &error))?;
        items.extend(page.items.unwrap_or_default());
    }
    items.truncate(count_max);
    Ok(items)
}

pub(super) async fn get(world: &AwsWorld, pk: &str, sk: &str) -> Result<Option<Item>, CallError> {
    let output = world
        .dynamodb
        .get_item()
        .table_name(&world.settings().table)
        .set_key(Some(key(pk, sk)))
        .consistent_read(true)
        .send()
        .await
        .map_err(|error| call_error("GetItem", pk, &error))?;
    Ok(output.item)
}

pub(super) async fn put(world: &AwsWorld, pk: &str, item: Item) -> Result<(), CallError> {
    world
        .dynamodb
        .put_item()
        .table_name(&world.settings().table)
        .set_item(Some(item))
        .send()
        .await
        .map_err(|error| call_error("PutItem", pk, &error))?;
    Ok(())
}

pub(super) async fn read<T: Stored>(
    world: &AwsWorld,
    pk: &str,
    sk: &str,
) -> Result<Option<T>, CallError> {
    let item = get(world, pk, sk).await?;
    item.map(|item| read_body(pk, &item)).transpose()
}

pub(super) fn read_body<T: Stored>(pk: &str, item: &Item) -> Result<T, CallError> {
    let body = text(item, "body").ok_or_else(|| unreadable(pk, &"it has no body"))?;
    T::from_json(body).map_err(|error| unreadable(pk, &error))
}

/// An item with a stored form as its body.
pub(super) fn with_body<T: Stored>(pk: &str, sk: &str, stored: &T) -> Item {
    let mut item = key(pk, sk);
    item.insert("body".to_owned(), s(&stored.to_json()));
    item
}

/// Writes a record if the one in the table is of the generation before, and the other items with it,
/// all or none.
pub(super) async fn write(
    world: &AwsWorld,
    pk: &str,
    generation: u64,
    item: Item,
    others: Vec<Item>,
) -> Result<(), CallError> {
    let (condition, values) = after_the_one_before(generation);
    if !others.is_empty() {
        let transaction = Transaction::new(world).put_if(item, condition, values);
        return transaction.put_all(others).write(pk).await;
    }
    world
        .dynamodb
        .put_item()
        .table_name(&world.settings().table)
        .set_item(Some(item))
        .condition_expression(condition)
        .set_expression_attribute_values(values)
        .send()
        .await
        .map_err(|error| call_error("PutItem", pk, &error))?;
    Ok(())
}

/// A record's item.
pub(super) fn record_item<T: Stored>(pk: &str, generation: u64, record: &T) -> Item {
    let mut item = with_body(pk, "record", record);
    item.insert("generation".to_owned(), n(generation));
    item
}

/// The condition under which a record of this generation may be written, and its values.
fn after_the_one_before(generation: u64) -> (&'static str, Option<Item>) {
    if generation == 1 {
        ("attribute_not_exists(pk)", None)
    } else {
        let values = HashMap::from([(":before".to_owned(), n(generation - 1))]);
        ("generation = :before", Some(values))
    }
}

/// The items with these keys, at most [`BATCH_GET_MAX`]; those that are not there are left out.
pub(super) async fn batch_get(
    world: &AwsWorld,
    what: &'static str,
    keys: &[Item],
) -> Result<Vec<Item>, CallError> {
    let table = &world.settings().table;
    let wanted = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).consistent_read(true);
    let wanted = wanted.build().expect("keys are all that is required");
    let mut left = Some(HashMap::from([(table.clone(), wanted)]));
    let mut items = Vec::new();
    for _ in 0..BATCH_ROUNDS_MAX {
        let Some(request) = left.take().filter(|left| !left.is_empty()) else {
            return Ok(items);
        };
        let output = world
            .dynamodb
            .batch_get_item()
            .set_request_items(Some(request))
            .send()
            .await
            .map_err(|error| call_error("BatchGetItem", what, &error))?;
        items.extend(output.responses.into_iter().flat_map(HashMap::into_values).flatten());
        left = output.unprocessed_keys;
    }
    Err(never_processed("BatchGetItem", what))
}

/// Writes items, at most [`BATCH_WRITE_MAX`]. Where that fails, some of them may be written.
pub(super) async fn batch_put(
    world: &AwsWorld,
    what: &str,
    items: &[Item],
) -> Result<(), CallError> {
    let writes = items.iter().map(|item| {
        let put = PutRequest::builder().set_item(Some(item.clone()));
        let put = put.build().expect("an item is all that is required");
        WriteRequest::builder().put_request(put).build()
    });
    let mut left = HashMap::from([(world.settings().table.clone(), writes.collect())]);
    for _ in 0..BATCH_ROUNDS_MAX {
        let output = world
            .dynamodb
            .batch_write_item()
            .set_request_items(Some(left))
            .send()
            .await
            .map_err(|error| call_error("BatchWriteItem", what, &error))?;
        left = output.unprocessed_items.unwrap_or_default();
        if left.is_empty() {
            return Ok(());
        }
    }
    Err(never_processed("BatchWriteItem", what))
}

fn never_processed(operation: &'static str, what: &str) -> CallError {
    CallError { operation, subject: what.to_owned(), problem: CallProblem::Throttled, source: None }
}

pub(super) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

pub(super) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn n(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

pub(super) fn texts<'a>(lines: impl IntoIterator<Item = &'a str>) -> AttributeValue {
    AttributeValue::L(lines.into_iter().map(s).collect())
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn moment(item: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(number(item, name)?).ok()
}

/// Seconds since 1970: the form of a TTL attribute.
pub(super) fn after(moment: Timestamp, kept: SignedDuration) -> i64 {
    moment.as_second() + kept.as_secs()
}

pub(super) fn unreadable(pk: &str, why: &dyn ToString) -> CallError {
    CallError {
        operation: "read",
        subject: pk.to_owned(),
        problem: CallProblem::Refused,
        source: Some(why.to_string().into()),
    }
}
