//! The ledger: one DynamoDB table, keys `pk` and `sk`.
//!
//! | `pk` | `sk` | What |
//! |---|---|---|
//! | `config` | `head`, `version#…` | which configuration is in force; the files, packed |
//! | `service#NAME` | `record`, `request` | a service's record; a person's request |
//! | `target#ENV/NAME` | `record` | a target's record |
//! | `release#NAME` | `TAG#DIGEST` | a release that was noted |
//! | `change#PLACE#PATH` | `path#FILTER`, `secret` | when something that is read has changed |
//! | `hold` | `target/ENV/NAME`, `service/NAME` | what is to be left alone |
//! | `event#ID` | `note` | what an event led to |
//!
//! Records are JSON in `body`, with their `generation` beside it for the condition of the next
//! write. All reads are consistent.

mod changes;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use funade::config::{Sources, pack, unpack};
use funade::facts::hold::Hold;
use funade::facts::names::{ServiceName, TargetId};
use funade::facts::parameter::{Change, Watched};
use funade::facts::record::{ServiceRecord, TargetRecord};
use funade::facts::release::{Release, Request};
use funade::facts::stored::Stored;
use funade::facts::subject::Subject;
use funade::world::{CallError, CallProblem, ConfigHead, EventNote, Ledger};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use crate::errors::call_error;
use crate::world::AwsWorld;

type Item = HashMap<String, AttributeValue>;

/// The partition of the holds: few, small, and read together.
const HOLD: &str = "hold";

/// Items in one `BatchGetItem`.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
const BATCH_MAX: usize = 100;

/// How often the unprocessed part of a batch is asked for again before the pass is given up.
const BATCH_ROUNDS_MAX: usize = 5;

/// The largest packed configuration: an item may have 400 KB, its keys and numbers included.
const CONFIG_BYTES_MAX: usize = 390_000;

/// How long the note of an event is kept: long enough to ask after a month's holidays.
const EVENT_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How long a release is kept after its last push. A release older than this that is not assigned
/// yet is not going to be; the one that is assigned lives on in the service's record.
const RELEASE_KEPT: SignedDuration = SignedDuration::from_hours(24 * 180);

impl Ledger for AwsWorld {
    async fn config_head(&self) -> Result<Option<ConfigHead>, CallError> {
        let Some(item) = get(self, "config", "head").await? else { return Ok(None) };
        let head = || {
            Some(ConfigHead {
                version: number(&item, "version")?.try_into().ok()?,
                by: text(&item, "by")?.to_owned(),
                at: moment(&item, "at")?,
            })
        };
        head().map(Some).ok_or_else(|| unreadable("config", &"an attribute is missing"))
    }

    async fn config_sources(&self, version: u64) -> Result<Sources, CallError> {
        let item = get(self, "config", &version_key(version)).await?;
        let packed = item.as_ref().and_then(|item| item.get("body")?.as_b().ok());
        let packed = packed.ok_or_else(|| unreadable("config", &"this version is not there"))?;
        unpack(packed.as_ref()).map_err(|error| unreadable("config", &error))
    }

    async fn apply_config(&self, head: &ConfigHead, sources: &Sources) -> Result<(), CallError> {
        let packed = pack(sources);
        if packed.len() > CONFIG_BYTES_MAX {
            return Err(CallError {
                operation: "TransactWriteItems",
                subject: "config".to_owned(),
                problem: CallProblem::Refused,
                source: Some(
                    format!(
                        "the configuration is {} bytes when packed, and at most \
                         {CONFIG_BYTES_MAX} fit into an item; split the fleet over two hubs",
                        packed.len()
                    )
                    .into(),
                ),
            });
        }
        let mut body = key("config", &version_key(head.version));
        body.insert("body".to_owned(), AttributeValue::B(Blob::new(packed)));
        let mut pointer = key("config", "head");
        pointer.insert("version".to_owned(), n(head.version));
        pointer.insert("by".to_owned(), s(&head.by));
        pointer.insert("at".to_owned(), n(head.at.as_millisecond()));

        let put = |item, condition: &str| {
            let put = Put::builder().table_name(&self.settings().table).set_item(Some(item));
            put.condition_expression(condition)
        };
        let pointer = if head.version == 1 {
            put(pointer, "attribute_not_exists(pk)")
        } else {
            put(pointer, "#version = :before")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":before", n(head.version - 1))
        };
        let write = |put: aws_sdk_dynamodb::types::builders::PutBuilder| {
            let put = put.build().expect("a table and an item are all that is required");
            TransactWriteItem::builder().put(put).build()
        };
        self.dynamodb
            .transact_write_items()
            .transact_items(write(put(body, "attribute_not_exists(pk)")))
            .transact_items(write(pointer))
            .send()
            .await
            .map_err(|error| call_error("TransactWriteItems", "config", &error))?;
        Ok(())
    }

    async fn note_release(
        &self,
        service: &ServiceName,
        release: &Release,
    ) -> Result<(), CallError> {
        let pk = format!("release#{service}");
        let noted = self
            .dynamodb
            .update_item()
            .table_name(&self.settings().table)
            .set_key(Some(key(&pk, &format!("{}#{}", release.tag, release.digest))))
            .update_expression(
                "SET tag = :tag, digest = :digest, pushed_at = :pushed, cause = :cause, \
                 expires_at = :expires, \
                 noted_at = if_not_exists(noted_at, :noted)",
            )
            .condition_expression("attribute_not_exists(pk) OR pushed_at < :pushed")
            .expression_attribute_values(":tag", s(release.tag.as_str()))
            .expression_attribute_values(":digest", s(release.digest.as_str()))
            .expression_attribute_values(":cause", s(&release.cause))
            .expression_attribute_values(":pushed", n(release.pushed_at.as_millisecond()))
            .expression_attribute_values(":noted", n(release.noted_at.as_millisecond()))
            .expression_attribute_values(":expires", n(after(release.noted_at, RELEASE_KEPT)))
            .send()
            .await;
        match noted {
            Ok(_) => Ok(()),
            // The same push, or a later one, is noted already.
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(call_error("UpdateItem", pk, &error)),
        }
    }

    async fn releases(&self, service: &ServiceName) -> Result<Vec<Release>, CallError> {
        let pk = format!("release#{service}");
        let items = query(self, &pk).await?;
        let malformed = || unreadable(&pk, &"an attribute is missing or malformed");
        items.iter().map(|item| read_release(item).ok_or_else(malformed)).collect()
    }

    async fn request(&self, service: &ServiceName) -> Result<Option<Request>, CallError> {
        read(self, &service_key(service), "request").await
    }

    async fn write_request(
        &self,
        service: &ServiceName,
        request: &Request,
    ) -> Result<(), CallError> {
        let pk = service_key(service);
        let mut item = key(&pk, "request");
        item.insert("body".to_owned(), s(&request.to_json()));
        put(self, &pk, item).await
    }

    async fn service(&self, service: &ServiceName) -> Result<ServiceRecord, CallError> {
        Ok(read(self, &service_key(service), "record").await?.unwrap_or_default())
    }

    async fn write_service(
        &self,
        service: &ServiceName,
        record: &ServiceRecord,
    ) -> Result<(), CallError> {
        write(self, &service_key(service), record.generation, record).await
    }

    async fn target(&self, target: &TargetId) -> Result<TargetRecord, CallError> {
        Ok(read(self, &target_key(target), "record").await?.unwrap_or_default())
    }

    async fn targets(
        &self,
        targets: &[TargetId],
    ) -> Result<BTreeMap<TargetId, TargetRecord>, CallError> {
        let batches = targets.chunks(BATCH_MAX).map(|batch| read_batch(self, batch));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn write_target(
        &self,
        target: &TargetId,
        record: &TargetRecord,
    ) -> Result<(), CallError> {
        write(self, &target_key(target), record.generation, record).await
    }

    async fn changes(&self, watched: &[Watched]) -> Result<BTreeMap<Watched, Change>, CallError> {
        changes::read(self, watched).await
    }

    async fn note_change(
        &self,
        watched: &Watched,
        change: &Change,
    ) -> Result<Option<Timestamp>, CallError> {
        changes::note(self, watched, change).await
    }

    async fn promise_look(&self, watched: &Watched, at: Timestamp) -> Result<(), CallError> {
        changes::promise(self, watched, at).await
    }

    async fn holds(&self, on: &[Subject]) -> Result<Vec<Hold>, CallError> {
        let keys: Vec<Item> = on.iter().map(|subject| key(HOLD, &subject.to_string())).collect();
        let items = batch_get(self, "holds", &keys).await?;
        items.iter().map(|item| read_body(HOLD, item)).collect()
    }

    async fn all_holds(&self) -> Result<Vec<Hold>, CallError> {
        query(self, HOLD).await?.iter().map(|item| read_body(HOLD, item)).collect()
    }

    async fn write_hold(&self, hold: &Hold) -> Result<(), CallError> {
        let mut item = key(HOLD, &hold.on.to_string());
        item.insert("body".to_owned(), s(&hold.to_json()));
        if let Some(end) = hold.lifted.as_ref().map(|lifted| lifted.at).or(hold.until) {
            item.insert("expires_at".to_owned(), n(after(end, EVENT_KEPT)));
        }
        put(self, HOLD, item).await
    }

    async fn note_event(&self, note: &EventNote) -> Result<(), CallError> {
        let pk = format!("event#{}", note.id);
        let mut item = key(&pk, "note");
        item.insert("at".to_owned(), n(note.at.as_millisecond()));
        item.insert("expires_at".to_owned(), n(after(note.at, EVENT_KEPT)));
        let outcome = note.outcome.iter().map(|line| s(line)).collect();
        item.insert("outcome".to_owned(), AttributeValue::L(outcome));
        put(self, &pk, item).await
    }
}

/// All items of a partition, page by page.
async fn query(world: &AwsWorld, pk: &str) -> Result<Vec<Item>, CallError> {
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

async fn get(world: &AwsWorld, pk: &str, sk: &str) -> Result<Option<Item>, CallError> {
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

async fn put(world: &AwsWorld, pk: &str, item: Item) -> Result<(), CallError> {
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

async fn read<T: Stored>(world: &AwsWorld, pk: &str, sk: &str) -> Result<Option<T>, CallError> {
    let item = get(world, pk, sk).await?;
    item.map(|item| read_body(pk, &item)).transpose()
}

fn read_body<T: Stored>(pk: &str, item: &Item) -> Result<T, CallError> {
    let body = text(item, "body").ok_or_else(|| unreadable(pk, &"it has no body"))?;
    T::from_json(body).map_err(|error| unreadable(pk, &error))
}

/// Writes a record if the one in the table is of the generation before.
async fn write<T: Stored>(
    world: &AwsWorld,
    pk: &str,
    generation: u64,
    record: &T,
) -> Result<(), CallError> {
    let mut item = key(pk, "record");
    item.insert("generation".to_owned(), n(generation));
    item.insert("body".to_owned(), s(&record.to_json()));
    let put = world.dynamodb.put_item().table_name(&world.settings().table).set_item(Some(item));
    let put = if generation == 1 {
        put.condition_expression("attribute_not_exists(pk)")
    } else {
        put.condition_expression("generation = :before")
            .expression_attribute_values(":before", n(generation - 1))
    };
    put.send().await.map_err(|error| call_error("PutItem", pk, &error))?;
    Ok(())
}

async fn read_batch(
    world: &AwsWorld,
    targets: &[TargetId],
) -> Result<Vec<(TargetId, TargetRecord)>, CallError> {
    let keys: Vec<Item> = targets.iter().map(|t| key(&target_key(t), "record")).collect();
    let items = batch_get(world, "targets", &keys).await?.into_iter();
    let read = items.map(|item| {
        let pk = text(&item, "pk").unwrap_or_default();
        let id = pk.strip_prefix("target#").and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| unreadable(pk, &"its key is no target's"))?;
        Ok((id, read_body(pk, &item)?))
    });
    read.collect()
}

/// The items with these keys, at most [`BATCH_MAX`]; those that are not there are left out.
async fn batch_get(
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
    Err(CallError {
        operation: "BatchGetItem",
        subject: what.to_owned(),
        problem: CallProblem::Throttled,
        source: None,
    })
}

fn read_release(item: &Item) -> Option<Release> {
    Some(Release {
        tag: text(item, "tag")?.parse().ok()?,
        digest: text(item, "digest")?.parse().ok()?,
        pushed_at: moment(item, "pushed_at")?,
        noted_at: moment(item, "noted_at")?,
        cause: text(item, "cause")?.to_owned(),
    })
}

fn service_key(service: &ServiceName) -> String {
    format!("service#{service}")
}

fn target_key(target: &TargetId) -> String {
    format!("target#{target}")
}

fn version_key(version: u64) -> String {
    format!("version#{version:010}")
}

fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn moment(item: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(number(item, name)?).ok()
}

/// Seconds since 1970: the form of a TTL attribute.
fn after(moment: Timestamp, kept: SignedDuration) -> i64 {
    moment.as_second() + kept.as_secs()
}

fn unreadable(pk: &str, why: &dyn ToString) -> CallError {
    CallError {
        operation: "read",
        subject: pk.to_owned(),
        problem: CallProblem::Refused,
        source: Some(why.to_string().into()),
    }
}
