//! Events of the registry, as EventBridge sends them.

use funade::facts::names::{Digest, Place, RepositoryName, Tag};
use jiff::Timestamp;
use serde_json::{Value, json};

/// "ECR Image Action" of a push.
#[must_use]
pub fn push_event(
    id: &str,
    at: Timestamp,
    registry: &Place,
    repository: &RepositoryName,
    tag: &Tag,
    digest: &Digest,
) -> Value {
    let detail = json!({
        "result": "SUCCESS",
        "repository-name": repository.as_str(),
        "image-digest": digest.as_str(),
        "action-type": "PUSH",
        "image-tag": tag.as_str(),
    });
    envelope(id, "ECR Image Action", at, registry, &detail)
}

/// "ECR Replication Action": the image of a push has arrived in a replica.
#[must_use]
pub fn replication_event(
    id: &str,
    at: Timestamp,
    replica: &Place,
    pushed_to: &Place,
    repository: &RepositoryName,
    tag: &Tag,
    digest: &Digest,
) -> Value {
    let detail = json!({
        "result": "SUCCESS",
        "repository-name": repository.as_str(),
        "image-digest": digest.as_str(),
        "source-account": pushed_to.account.as_str(),
        "source-region": pushed_to.region.as_str(),
        "action-type": "REPLICATE",
        "image-tag": tag.as_str(),
    });
    envelope(id, "ECR Replication Action", at, replica, &detail)
}

fn envelope(id: &str, detail_type: &str, at: Timestamp, place: &Place, detail: &Value) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": detail_type,
        "source": "aws.ecr",
        "account": place.account.as_str(),
        // The sender's clock tells whole seconds.
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": place.region.as_str(),
        "resources": [],
        "detail": detail,
    })
}
