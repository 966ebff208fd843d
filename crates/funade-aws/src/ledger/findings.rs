//! What sweeps have found, and what is due: read whole, since both are short in a healthy fleet.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use funade::facts::finding::Finding;
use funade::facts::names::TargetId;
use funade::facts::notice::Notice;
use funade::world::CallError;
use jiff::{SignedDuration, Timestamp};

use super::items::{Item, key, n, query, read_body, s, text, with_body};
use super::outbox::{self, Transaction};
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

/// Writes a finding, if none stands in its place, or the same, seen first at the same time; and, where
/// it is told now, if it was not told before.
pub(super) async fn write(
    world: &AwsWorld,
    finding: &Finding,
    notice: Option<&Notice>,
) -> Result<(), CallError> {
    let since = (":since".to_owned(), n(finding.since.as_millisecond()));
    let told = (":told".to_owned(), AttributeValue::Bool(true));
    let (condition, values) = match notice {
        Some(_) => (
            "attribute_not_exists(pk) OR (since = :since AND is_open <> :told)",
            HashMap::from([since, told]),
        ),
        None => ("attribute_not_exists(pk) OR since = :since", HashMap::from([since])),
    };
    let notices = notice.map(std::slice::from_ref).unwrap_or_default();
    Transaction::new(world)
        .put_if(item(finding), condition, Some(values))
        .put_all(outbox::items(notices, world.settings().history_kept()))
        .write(FINDING)
        .await
}

/// Takes a finding away, if it is the one that was seen first at that time.
pub(super) async fn close(
    world: &AwsWorld,
    finding: &Finding,
    notice: Option<&Notice>,
) -> Result<(), CallError> {
    let values = HashMap::from([(":since".to_owned(), n(finding.since.as_millisecond()))]);
    let notices = notice.map(std::slice::from_ref).unwrap_or_default();
    Transaction::new(world)
        .delete_if(key(FINDING, &finding_key(finding)), "since = :since", values)
        .put_all(outbox::items(notices, world.settings().history_kept()))
        .write(FINDING)
        .await
}

fn item(finding: &Finding) -> Item {
    let mut item = with_body(FINDING, &finding_key(finding), finding);
    item.insert("since".to_owned(), n(finding.since.as_millisecond()));
    item.insert("is_open".to_owned(), AttributeValue::Bool(finding.is_open));
    item
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
        found.extend(page.items.unwrap_or_default().iter().filter_map(target_of));
    }
    found.truncate(count_max);
    Ok(found)
}

/// Whose record an item of the index is: it has the keys, and nothing else.
fn target_of(item: &Item) -> Option<TargetId> {
    text(item, "pk")?.strip_prefix("target#")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use funade::facts::finding::{About, FindingKind};

    use super::*;

    fn finding(about: &str, kind: FindingKind) -> Finding {
        let about: About = about.parse().expect("well-formed");
        let told = ("it is so".to_owned(), "do this".to_owned());
        Finding::new(about, kind, told, "2026-11-22T01:54:00Z".parse().expect("a timestamp"))
    }

    #[test]
    fn a_finding_is_found_by_whom_it_is_about_and_its_kind() {
        let keys = [
            ("acme/order-api", FindingKind::ChangedByHand),
            ("order-api", FindingKind::MissedImage),
            ("222222222222/ap-northeast-1", FindingKind::Unreachable),
        ]
        .map(|(about, kind)| finding_key(&finding(about, kind)));
        let expected = [
            "acme/order-api#changed-by-hand",
            "order-api#missed-image",
            "222222222222/ap-northeast-1#unreachable",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn a_finding_reads_back_as_written() {
        let written = finding("acme/order-api", FindingKind::Unhealthy);
        let item = super::item(&written);
        assert_eq!(read_body::<Finding>(FINDING, &item).expect("it is readable"), written);
    }

    #[test]
    fn a_target_is_read_from_the_keys_alone() {
        let target = target_of(&key("target#acme/order-api", "record")).expect("it is a target's");
        assert_eq!(target.to_string(), "acme/order-api");
        assert_eq!(target_of(&key("service#order-api", "record")), None);
        assert_eq!(target_of(&key("target#acme", "record")), None);
        assert_eq!(target_of(&Item::new()), None);
    }
}
