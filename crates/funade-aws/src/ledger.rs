//! The ledger: one DynamoDB table, keys `pk` and `sk`.
//!
//! | `pk` | `sk` | What |
//! |---|---|---|
//! | `config` | `head`, `version#…` | which configuration is in force; the files, packed |
//! | `service#NAME` | `record`, `request` | a service's record; a person's request |
//! | `target#ENV/NAME` | `record`, `rollback` | a target's record; a person's request to go back |
//! | `target#ENV/NAME` | `deploy#NUMBER` | what became of a deploy |
//! | `release#NAME` | `TAG#DIGEST` | a release that was noted |
//! | `change#PLACE#PATH` | `path#FILTER`, `secret` | when something that is read has changed |
//! | `hold` | `target/ENV/NAME`, `service/NAME` | what is to be left alone |
//! | `finding` | `WHOM#KIND` | what a sweep has found and not seen gone |
//! | `notice#WHOM` | `MILLIS#ID` | what is told: the table's stream hands it to `notify` |
//! | `event#ID` | `note` | what an event led to |
//! | `about#SUBJECT` | `MILLIS#ID` | the same, for each whom it concerned |
//!
//! Records are JSON in `body`, with their `generation` beside it for the condition of the next
//! write. All reads are consistent, but for the index `due`: of the records that have `due_at`, by
//! that time.

mod changes;
mod deploys;
mod events;
mod findings;
mod items;
mod outbox;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use funade::config::{Sources, pack, unpack};
use funade::facts::deploy::Deploy;
use funade::facts::finding::Finding;
use funade::facts::hold::Hold;
use funade::facts::names::{ServiceName, TargetId};
use funade::facts::notice::Notice;
use funade::facts::parameter::{Change, Watched};
use funade::facts::record::{ServiceRecord, TargetRecord};
use funade::facts::release::{Release, Request, RollbackRequest};
use funade::facts::subject::Subject;
use funade::world::{CallError, CallProblem, ConfigHead, EventNote, Ledger};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use self::items::{
    BATCH_GET_MAX, Item, after, batch_get, get, key, moment, n, number, put, query, read,
    read_body, record_item, s, text, unreadable, with_body, write,
};
use crate::errors::call_error;
use crate::world::AwsWorld;

/// The partition of the holds: few, small, and read together.
const HOLD: &str = "hold";

/// The largest packed configuration: an item may have 400 KB, its keys and numbers included.
const CONFIG_BYTES_MAX: usize = 390_000;

/// How long a hold that is over is kept: long enough to ask after a month's holidays.
const HOLD_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

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
        put(self, &pk, with_body(&pk, "request", request)).await
    }

    async fn service(&self, service: &ServiceName) -> Result<ServiceRecord, CallError> {
        Ok(read(self, &service_key(service), "record").await?.unwrap_or_default())
    }

    async fn write_service(
        &self,
        service: &ServiceName,
        record: &ServiceRecord,
        notices: &[Notice],
    ) -> Result<(), CallError> {
        let pk = service_key(service);
        let item = record_item(&pk, record.generation, record);
        let others = outbox::items(notices, self.settings().history_kept()).collect();
        write(self, &pk, record.generation, item, others).await
    }

    async fn target(&self, target: &TargetId) -> Result<TargetRecord, CallError> {
        Ok(read(self, &target_key(target), "record").await?.unwrap_or_default())
    }

    async fn targets(
        &self,
        targets: &[TargetId],
    ) -> Result<BTreeMap<TargetId, TargetRecord>, CallError> {
        let batches = targets.chunks(BATCH_GET_MAX).map(|batch| read_batch(self, batch));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn write_target(
        &self,
        target: &TargetId,
        record: &TargetRecord,
        deploys: &[Deploy],
        notices: &[Notice],
    ) -> Result<(), CallError> {
        deploys::write(self, target, record, deploys, notices).await
    }

    async fn deploys(&self, target: &TargetId) -> Result<Vec<Deploy>, CallError> {
        deploys::read(self, target).await
    }

    async fn rollback_request(
        &self,
        target: &TargetId,
    ) -> Result<Option<RollbackRequest>, CallError> {
        read(self, &target_key(target), "rollback").await
    }

    async fn write_rollback_request(
        &self,
        target: &TargetId,
        request: &RollbackRequest,
    ) -> Result<(), CallError> {
        let pk = target_key(target);
        put(self, &pk, with_body(&pk, "rollback", request)).await
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
        let mut item = with_body(HOLD, &hold.on.to_string(), hold);
        if let Some(end) = hold.lifted.as_ref().map(|lifted| lifted.at).or(hold.until) {
            item.insert("expires_at".to_owned(), n(after(end, HOLD_KEPT)));
        }
        put(self, HOLD, item).await
    }

    async fn due(&self, now: Timestamp, count_max: usize) -> Result<Vec<TargetId>, CallError> {
        findings::due(self, now, count_max).await
    }

    async fn findings(&self) -> Result<Vec<Finding>, CallError> {
        findings::read_all(self).await
    }

    async fn write_finding(
        &self,
        finding: &Finding,
        notice: Option<&Notice>,
    ) -> Result<(), CallError> {
        findings::write(self, finding, notice).await
    }

    async fn close_finding(
        &self,
        finding: &Finding,
        notice: Option<&Notice>,
    ) -> Result<(), CallError> {
        findings::close(self, finding, notice).await
    }

    async fn note_event(&self, note: &EventNote) -> Result<(), CallError> {
        events::note(self, note).await
    }

    async fn events_about(&self, subject: &Subject) -> Result<Vec<EventNote>, CallError> {
        events::about(self, subject).await
    }
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
