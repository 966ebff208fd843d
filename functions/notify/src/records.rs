//! The stream's records: which of them are notices.

use std::error::Error;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use funade::facts::notice::Notice;
use funade::facts::stored::{Stored, Unreadable};
use lambda_runtime::tracing::error;
use serde::Deserialize;

/// What the partitions of notices begin with.
const NOTICE: &str = "notice#";

/// A record of a notice, and where it stands in the stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) sequence_number: String,
    pub(crate) read: Read,
}

/// What it holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    Notice(Box<Notice>),
    /// While the stack is updated, a newer function may have written it.
    Unreadable {
        body: String,
        why: String,
    },
}

/// What a notice's item must have.
#[derive(Deserialize)]
struct Item {
    pk: String,
    body: String,
}

/// The notices among the records. The mapping's filter leaves out all else; should that be missing, so
/// does this.
pub(crate) fn read(event: Event) -> Vec<Record> {
    event.records.into_iter().filter(is_new_notice).filter_map(read_one).collect()
}

fn is_new_notice(record: &EventRecord) -> bool {
    use serde_dynamo::AttributeValue::S;
    let pk = record.change.keys.get("pk");
    record.event_name == "INSERT" && matches!(pk, Some(S(pk)) if pk.starts_with(NOTICE))
}

fn read_one(record: EventRecord) -> Option<Record> {
    let (id, change) = (record.event_id, record.change);
    let Item { pk, body } = serde_dynamo::from_item(change.new_image)
        .inspect_err(|problem| error!(id, "dropped: the record is no notice: {problem}"))
        .ok()?;
    let read = match Notice::from_json(&body) {
        Ok(notice) => Read::Notice(Box::new(notice)),
        Err(problem) => {
            error!(id, pk, body, "cannot be read: {problem:?}");
            Read::Unreadable { body, why: why(&problem) }
        }
    };
    // Each record has one. Lambda takes an empty one for a failure of the whole batch, which is right.
    let sequence_number = change.sequence_number.unwrap_or_default();
    Some(Record { sequence_number, read })
}

fn why(problem: &Unreadable) -> String {
    problem.source().map_or_else(|| problem.to_string(), ToString::to_string)
}

#[cfg(test)]
pub(crate) mod tests {
    use funade::facts::finding::{Finding, FindingKind};
    use funade::facts::notice::Told;
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn notice(id: &str) -> Notice {
        let finding = Finding {
            about: "acme/order-api".parse().expect("well-formed"),
            kind: FindingKind::Behind,
            sentence: "it runs 1.3.0 and should run 1.4.0".to_owned(),
            next: "look at its deploys".to_owned(),
            since: "2026-11-20T09:00:00Z".parse().expect("a time"),
            is_open: true,
        };
        Notice {
            id: id.to_owned(),
            at: finding.since,
            about: finding.about.clone(),
            told: Told::FindingOpened(finding),
        }
    }

    /// A record as Lambda hands it over:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.
    fn record(event: &str, number: &str, pk: &str, body: &str) -> Value {
        let keys = json!({ "pk": { "S": pk }, "sk": { "S": format!("1795330000000#{number}") } });
        let mut item = keys.clone();
        item["body"] = json!({ "S": body });
        item["kind"] = json!({ "S": "finding-opened" });
        item["expires_at"] = json!({ "N": "1829890000" });
        json!({
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_330_000.0,
                "Keys": keys,
                "NewImage": item,
                "SequenceNumber": number,
                "SizeBytes": 26,
                "StreamViewType": "NEW_IMAGE"
            },
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:999999999999:table/funade/stream/2026"
        })
    }

    #[test]
    fn new_notices_are_read_and_what_cannot_be_read_is_kept_as_it_is() {
        let body = notice("one").to_json();
        let pk = "notice#acme/order-api";
        let mut without_item = record("INSERT", "6", pk, &body);
        without_item["dynamodb"].as_object_mut().expect("a record").remove("NewImage");
        let newer = r#"{"id":"two","told":{"kind":"of-tomorrow"}}"#;
        let records = [
            record("MODIFY", "1", pk, &body),
            record("REMOVE", "2", pk, &body),
            record("INSERT", "3", "target#acme/order-api", &body),
            record("INSERT", "4", pk, newer),
            record("INSERT", "5", pk, "no JSON"),
            without_item,
            record("INSERT", "7", pk, &body),
        ];
        let event = serde_json::from_value(json!({ "Records": records }));
        let read = read(event.expect("a stream's event"));
        let [later, none, good] = read.as_slice() else { panic!("three of them: {read:?}") };
        for (record, number, expected) in [(later, "4", newer), (none, "5", "no JSON")] {
            let Read::Unreadable { body, why } = &record.read else { panic!("{record:?}") };
            assert_eq!((record.sequence_number.as_str(), body.as_str()), (number, expected));
            assert!(!why.is_empty());
        }
        let expected = Read::Notice(Box::new(notice("one")));
        assert_eq!((good.sequence_number.as_str(), &good.read), ("7", &expected));
    }
}
