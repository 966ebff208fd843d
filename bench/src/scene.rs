//! What the events, the ledger and the rest of AWS agree on, so that each event leads to a whole
//! pass: a release that is assigned to a target and not there yet.

use std::collections::BTreeMap;

use anyhow::Result;
use funade::facts::names::{Digest, EnvironmentName, Tag, TargetId};
use funade::facts::record::ServiceRecord;
use funade::facts::release::{AssignedBy, Assignment, Release};
use funade::facts::stored::Stored;
use funade::facts::subject::{Subject, Wake};
use serde_json::json;

use crate::fleet;

/// The functions' account: that of the registry.
pub(crate) const ACCOUNT: &str = fleet::REGISTRY_ACCOUNT;

pub(crate) const REGION: &str = "ap-northeast-1";

pub(crate) const SERVICE: &str = "order-api";

const ENVIRONMENT: &str = "acme";

/// The assigned release: its tag and its digest.
pub(crate) const ASSIGNED: (&str, &str) =
    ("1.4.2", "sha256:74b28c5b6a8d8f0c4d3ad6c9a4f1e7f2b3c4d5e6f708192a3b4c5d6e7f809101");

/// The event by which the release came.
const CAUSE: &str = "24fe433b-462c-4d9e-a5bf-a6b7f5d6b4a5";

/// The service's record, which assigns the release.
pub(crate) fn service_record() -> Result<ServiceRecord> {
    let at = "2026-11-20T01:54:40Z".parse()?;
    let (tag, digest) = (Tag::parse(ASSIGNED.0)?, Digest::parse(ASSIGNED.1)?);
    let release = Release { tag, digest, pushed_at: at, noted_at: at, cause: "bench".to_owned() };
    let assignment = Assignment { number: 1, release, by: AssignedBy::Selection, at };
    Ok(ServiceRecord {
        generation: 1,
        assignments: BTreeMap::from([(1, assignment)]),
        assigned: BTreeMap::from([(EnvironmentName::parse(ENVIRONMENT)?, 1)]),
        last_request: None,
        ..ServiceRecord::default()
    })
}

/// What Lambda gives to `deploy`: a batch with one message of the queue, about the target.
pub(crate) fn deploy_event() -> Result<String> {
    let target: TargetId = format!("{ENVIRONMENT}/{SERVICE}").parse()?;
    let wake =
        Wake::new(Subject::Target(target), CAUSE.to_owned(), "1.4.2 is assigned to 6 targets");
    let message = json!({
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": wake.to_json(),
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": wake.subject.to_string()},
        "messageAttributes": {},
        "md5OfBody": "0",
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:funade-wake.fifo"),
        "awsRegion": REGION,
    });
    Ok(json!({"Records": [message]}).to_string())
}
