//! What sweeps have found, and what is due: read whole, since both are short in a healthy fleet.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use funade::facts::finding::Finding;
use funade::facts::names::TargetId;
use funade::world::CallError;
use jiff::{SignedDuration, Timestamp};

use super::items::{
    BATCH_WRITE_MAX, Item, batch_put, batch_write, key, n, query, read_body, s, text, with_body,
};
use crate::errors::call_error;
use crate::world::AwsWorld;

/// The partition of the findings that stand.
const FINDING: &str = "finding";

/// The index by which due targets are found: records that say when something is due, and no others.
pub(super) const DUE_INDEX: &str = "due";

/// The index's one partition: what is due at one time is a small part of any fleet.
pub(super) const DUE: &str = "due";

/// How long a target is woken for what is due. Its pass sets the next; one that cannot be made is
/// left to the sweep over everything.
const DUE_FOR: SignedDuration = SignedDuration::from_mins(10);

/// What a finding's item is found by.
fn finding_key(finding: &Finding) -> String {
    format!("{}#{}", finding.about, finding.kind)
}

pub(super) async fn read_all(world: &AwsWorld) -> Result<Vec<Finding>, CallError> {
    query(world, FINDING).await?.iter().map(|item| read_body(FINDING, item)).collect()
}

pub(super) async fn write(world: &AwsWorld, findings: &[Finding]) -> Result<(), CallError> {
    for batch in findings.chunks(BATCH_WRITE_MAX) {
        let items: Vec<Item> = batch
            .iter()
            .map(|finding| with_body(FINDING, &finding_key(finding), finding))
            .collect();
        batch_put(world, FINDING, &items).await?;
    }
    Ok(())
}

pub(super) async fn close(world: &AwsWorld, findings: &[Finding]) -> Result<(), CallError> {
    for batch in findings.chunks(BATCH_WRITE_MAX) {
        let deletes = batch.iter().map(|finding| {
            let delete =
                DeleteRequest::builder().set_key(Some(key(FINDING, &finding_key(finding))));
            let delete = delete.build().expect("a key is all that is required");
            WriteRequest::builder().delete_request(delete).build()
        });
        batch_write(world, FINDING, deletes.collect()).await?;
    }
    Ok(())
}

/// The targets for which something is due. Read from an index, so a moment late.
pub(super) async fn due(
    world: &AwsWorld,
    now: Timestamp,
    count_max: usize,
) -> Result<Vec<TargetId>, CallError> {
    let mut found = Vec::new();
    let mut pages = world
        .dynamodb
        .query()
        .table_name(&world.settings().table)
        .index_name(DUE_INDEX)
        .key_condition_expression("due = :due AND due_at BETWEEN :from AND :now")
        .set_expression_attribute_values(Some(HashMap::from([
            (":due".to_owned(), s(DUE)),
            (":from".to_owned(), n((now - DUE_FOR).as_millisecond())),
            (":now".to_owned(), n(now.as_millisecond())),
        ])))
        .limit(i32::try_from(count_max).expect("some thousands"))
        .into_paginator()
        .send();
    while found.len() < count_max {
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|error| call_error("Query", DUE_INDEX, &error))?;
        let ids = page.items.unwrap_or_default();
        let id = |item: &Item| text(item, "pk")?.strip_prefix("target#")?.parse().ok();
        found.extend(ids.iter().filter_map(id));
    }
    found.truncate(count_max);
    Ok(found)
}
