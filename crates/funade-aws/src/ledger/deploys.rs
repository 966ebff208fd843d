//! A target's deploys: one item for each, written with the target's record.

use funade::facts::deploy::Deploy;
use funade::facts::names::TargetId;
use funade::facts::notice::Notice;
use funade::facts::record::TargetRecord;
use funade::world::CallError;
use jiff::SignedDuration;

use super::findings::DUE;
use super::items::{self, Item, after, last, n, read_body, record_item, s, with_body};
use super::{outbox, target_key};
use crate::world::AwsWorld;

/// What the keys of deploys begin with.
const DEPLOY: &str = "deploy#";

/// Deploys that are read: a service that is deployed to every working day has as many in most of a
/// year, and no list for people is longer.
const DEPLOYS_READ_MAX: usize = 200;

/// Writes a target's record, and with it what has become of its deploys and what is told of it: all
/// or none.
pub(super) async fn write(
    world: &AwsWorld,
    target: &TargetId,
    record: &TargetRecord,
    deploys: &[Deploy],
    notices: &[Notice],
) -> Result<(), CallError> {
    let pk = target_key(target);
    let item = item_of_record(&pk, record);
    let kept = world.settings().history_kept();
    let others = deploys.iter().map(|deploy| deploy_item(&pk, deploy, kept));
    let others = others.chain(outbox::items(notices, kept)).collect();
    items::write(world, &pk, record.generation, item, others).await
}

/// A target's deploys, the newest first.
pub(super) async fn read(world: &AwsWorld, target: &TargetId) -> Result<Vec<Deploy>, CallError> {
    let pk = target_key(target);
    let items = last(world, &pk, DEPLOY, DEPLOYS_READ_MAX).await?;
    items.iter().map(|item| read_body(&pk, item)).collect()
}

/// A record's item. It stands in the index while something is due, and is taken out of it by a write
/// without these attributes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-general-sparse-indexes.html>
fn item_of_record(pk: &str, record: &TargetRecord) -> Item {
    let mut item = record_item(pk, record.generation, record);
    if let Some(due) = record.due {
        item.insert("due".to_owned(), s(DUE));
        item.insert("due_at".to_owned(), n(due.as_millisecond()));
    }
    item
}

fn deploy_item(pk: &str, deploy: &Deploy, kept: SignedDuration) -> Item {
    let mut item = with_body(pk, &deploy_key(deploy.id.number), deploy);
    item.insert("expires_at".to_owned(), n(after(deploy.begun_at, kept)));
    item
}

/// Keys are compared as text.
fn deploy_key(number: u64) -> String {
    format!("{DEPLOY}{number:010}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::items::{moment, text};

    #[test]
    fn a_record_stands_in_the_index_while_something_is_due() {
        let due = "2026-11-22T01:54:00.25Z".parse().expect("a timestamp");
        let mut record = TargetRecord { due: Some(due), ..TargetRecord::default() };
        let item = item_of_record("target#acme/order-api", &record);
        assert_eq!(text(&item, "due"), Some(DUE));
        assert_eq!(moment(&item, "due_at"), Some(due));

        record.due = None;
        let item = item_of_record("target#acme/order-api", &record);
        assert!(!item.contains_key("due") && !item.contains_key("due_at"), "{item:?}");
    }

    #[test]
    fn the_newest_deploy_has_the_last_key() {
        let mut keys: Vec<_> = [2, 10, 100, 9, 1].map(deploy_key).into();
        keys.sort();
        assert_eq!(keys.first().map(String::as_str), Some("deploy#0000000001"));
        assert_eq!(keys.last().map(String::as_str), Some("deploy#0000000100"));
    }
}
