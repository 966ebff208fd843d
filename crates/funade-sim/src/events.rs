//! Events of AWS, as EventBridge sends them.

use funade::facts::ecs::AlarmState;
use funade::facts::names::{
    AlarmName, ClusterName, Digest, EcsServiceName, Place, RepositoryName, Tag,
};
use funade::facts::parameter::{ParameterName, SecretName};
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
    envelope(id, "aws.ecr", "ECR Image Action", at, registry, &detail)
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
    envelope(id, "aws.ecr", "ECR Replication Action", at, replica, &detail)
}

/// "Parameter Store Change".
#[must_use]
pub fn parameter_event(
    id: &str,
    at: Timestamp,
    place: &Place,
    name: &ParameterName,
    operation: &str,
) -> Value {
    let detail = json!({"operation": operation, "name": name.as_str(), "type": "String"});
    envelope(id, "aws.ssm", "Parameter Store Change", at, place, &detail)
}

/// "Secret Label Updated".
#[must_use]
pub fn secret_event(
    id: &str,
    at: Timestamp,
    place: &Place,
    secret: &SecretName,
    label: &str,
) -> Value {
    let detail = json!({"name": secret.as_str(), "labelUpdated": label, "versionId": "a-version"});
    envelope(id, "aws.secretsmanager", "Secret Label Updated", at, place, &detail)
}

/// "ECS Deployment State Change".
#[must_use]
pub fn deployment_event(
    id: &str,
    at: Timestamp,
    place: &Place,
    cluster: &ClusterName,
    service: &EcsServiceName,
    name: &str,
) -> Value {
    let Place { account, region } = place;
    let detail = json!({"eventType": "INFO", "eventName": name, "deploymentId": "ecs-svc/1"});
    let mut event = envelope(id, "aws.ecs", "ECS Deployment State Change", at, place, &detail);
    event["resources"] =
        json!([format!("arn:aws:ecs:{region}:{account}:service/{cluster}/{service}")]);
    event
}

/// "CloudWatch Alarm State Change".
#[must_use]
pub fn alarm_event(
    id: &str,
    at: Timestamp,
    place: &Place,
    alarm: &AlarmName,
    state: AlarmState,
) -> Value {
    let value = match state {
        AlarmState::Quiet => "OK",
        AlarmState::Raised => "ALARM",
    };
    let detail = json!({"alarmName": alarm.as_str(), "state": {"value": value}});
    envelope(id, "aws.cloudwatch", "CloudWatch Alarm State Change", at, place, &detail)
}

fn envelope(
    id: &str,
    source: &str,
    detail_type: &str,
    at: Timestamp,
    place: &Place,
    detail: &Value,
) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": detail_type,
        "source": source,
        "account": place.account.as_str(),
        // The sender's clock tells whole seconds.
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": place.region.as_str(),
        "resources": [],
        "detail": detail,
    })
}
