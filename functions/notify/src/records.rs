//! The stream's records: which of them are notices, and the answer that says where the stream should
//! go on.

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use funade::facts::notice::Notice;
use funade::facts::stored::Stored;
use lambda_runtime::tracing::error;
use serde::Deserialize;

/// What the partitions of notices begin with.
const NOTICE: &str = "notice#";

/// A notice, and where it stands in the stream.
#[derive(Debug)]
pub(crate) struct Told {
    sequence_number: String,
    pub(crate) notice: Notice,
}

/// What a notice's item must have.
#[derive(Deserialize)]
struct Item {
    pk: String,
    body: String,
}

/// The notices among the records. The mapping's filter leaves out all else; should that be missing, so
/// does this. A notice that cannot be read is reported and does not come again: it would hold up all
/// that come after it for as long as the stream keeps it, and be no more readable.
pub(crate) fn read(event: Event) -> Vec<Told> {
    event.records.into_iter().filter(is_new_notice).filter_map(told).collect()
}

/// The stream goes back to the lowest number that it is told, and hands over all from there:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>.
/// So the first is all that it needs to know.
pub(crate) fn answer(told: &[Told], again: &[String]) -> DynamoDbEventResponse {
    let first = told.iter().find(|Told { notice, .. }| again.contains(&notice.id));
    let failure = first.map(|Told { sequence_number, .. }| {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(sequence_number.clone());
        failure
    });
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures.extend(failure);
    response
}

fn is_new_notice(record: &EventRecord) -> bool {
    use serde_dynamo::AttributeValue::S;
    let pk = record.change.keys.get("pk");
    record.event_name == "INSERT" && matches!(pk, Some(S(pk)) if pk.starts_with(NOTICE))
}

fn told(record: EventRecord) -> Option<Told> {
    let (id, change) = (record.event_id, record.change);
    let Item { pk, body } = serde_dynamo::from_item(change.new_image)
        .inspect_err(|problem| error!(id, "dropped: the record is no notice: {problem}"))
        .ok()?;
    let notice = Notice::from_json(&body)
        .inspect_err(|problem| error!(id, pk, body, "dropped: cannot be read: {problem:?}"))
        .ok()?;
    // Each record has one. Lambda takes an empty one for a failure of the whole batch, which is right.
    let sequence_number = change.sequence_number.unwrap_or_default();
    Some(Told { sequence_number, notice })
}

#[cfg(test)]
mod tests {
    use funade::facts::finding::{Finding, FindingKind};
    use funade::facts::notice::Told as What;
    use serde_json::{Value, json};

    use super::*;

    fn notice(id: &str) -> Notice {
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
            told: What::FindingOpened(finding),
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

    fn told_in(records: &[Value]) -> Vec<Told> {
        read(serde_json::from_value(json!({ "Records": records })).expect("a stream's event"))
    }

    #[test]
    fn only_new_notices_that_can_be_read_are_told() {
        let body = notice("one").to_json();
        let pk = "notice#acme/order-api";
        let mut without_item = record("INSERT", "6", pk, &body);
        without_item["dynamodb"].as_object_mut().expect("a record").remove("NewImage");
        let told = told_in(&[
            record("MODIFY", "1", pk, &body),
            record("REMOVE", "2", pk, &body),
            record("INSERT", "3", "target#acme/order-api", &body),
            record("INSERT", "4", pk, "{}"),
            record("INSERT", "5", pk, "no JSON"),
            without_item,
            record("INSERT", "7", pk, &body),
        ]);
        let [told] = told.as_slice() else { panic!("one of them: {told:?}") };
        assert_eq!((told.sequence_number.as_str(), &told.notice), ("7", &notice("one")));
    }

    #[test]
    fn the_stream_goes_on_from_the_first_notice_that_was_not_taken() {
        let pk = "notice#acme/order-api";
        let records = ["one", "two", "three"].map(|id| (id, notice(id).to_json()));
        let records = records.map(|(id, body)| record("INSERT", &format!("9{id}"), pk, &body));
        let told = told_in(&records);
        let check = |again: &[&str], expected: Value| {
            let again: Vec<String> = again.iter().map(|id| (*id).to_owned()).collect();
            let response = serde_json::to_value(answer(&told, &again)).expect("JSON");
            assert_eq!(response, json!({ "batchItemFailures": expected }));
        };
        check(&[], json!([]));
        check(&["three", "two"], json!([{ "itemIdentifier": "9two" }]));
        check(&["one", "two", "three"], json!([{ "itemIdentifier": "9one" }]));
    }
}
