//! The outbox: what is told, written with the change that it tells of, all or none. The table's stream
//! hands it on to `notify`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use funade::facts::notice::Notice;
use funade::world::CallError;
use jiff::SignedDuration;

use super::items::{Item, after, n, s, with_body};
use crate::errors::call_error;
use crate::world::AwsWorld;

/// What the partitions of notices begin with: the stream's filter asks for it.
pub(super) const NOTICE: &str = "notice#";

/// One write of several, all or none.
pub(super) struct Transaction<'a> {
    world: &'a AwsWorld,
    writes: Vec<TransactWriteItem>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(world: &'a AwsWorld) -> Self {
        Self { world, writes: Vec::new() }
    }

    /// Puts an item, if the condition holds for the one in its place.
    pub(super) fn put_if(
        mut self,
        item: Item,
        condition: &str,
        values: Option<HashMap<String, AttributeValue>>,
    ) -> Self {
        let put = Put::builder()
            .table_name(&self.world.settings().table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values);
        let put = put.build().expect("a table and an item are all that is required");
        self.writes.push(TransactWriteItem::builder().put(put).build());
        self
    }

    /// Puts items, whatever is in their place.
    pub(super) fn put_all(mut self, items: impl IntoIterator<Item = Item>) -> Self {
        self.writes.extend(items.into_iter().map(|item| {
            let put = Put::builder().table_name(&self.world.settings().table);
            let put = put.set_item(Some(item)).build();
            let put = put.expect("a table and an item are all that is required");
            TransactWriteItem::builder().put(put).build()
        }));
        self
    }

    /// Deletes an item, if the condition holds for it.
    pub(super) fn delete_if(
        mut self,
        key: Item,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Self {
        let delete = Delete::builder()
            .table_name(&self.world.settings().table)
            .set_key(Some(key))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values));
        let delete = delete.build().expect("a table and a key are all that is required");
        self.writes.push(TransactWriteItem::builder().delete(delete).build());
        self
    }

    pub(super) async fn write(self, pk: &str) -> Result<(), CallError> {
        self.world
            .dynamodb
            .transact_write_items()
            .set_transact_items(Some(self.writes))
            .send()
            .await
            .map_err(|error| call_error("TransactWriteItems", pk, &error))?;
        Ok(())
    }
}

/// The items of notices.
pub(super) fn items(notices: &[Notice], kept: SignedDuration) -> impl Iterator<Item = Item> {
    notices.iter().map(move |notice| {
        let pk = format!("{NOTICE}{}", notice.about);
        let sk = format!("{:013}#{}", notice.at.as_millisecond(), notice.id);
        let mut item = with_body(&pk, &sk, notice);
        item.insert("expires_at".to_owned(), n(after(notice.at, kept)));
        item.insert("kind".to_owned(), s(notice.kind().as_str()));
        item
    })
}
