//! Events of AWS, read from EventBridge's envelope: of the image registry, of Parameter Store, of
//! Secrets Manager, of ECS and of alarms.
//!
//! The envelope's `account` and `region` are set by EventBridge; the rest is what the sender
//! wrote. Unknown fields are passed over, since AWS adds some; what we need and do not find makes
//! the event malformed, which is reported with its id and never tried again.

mod image;

mod service;

pub use image::{Action, ImageEvent, Outcome};
pub use service::ServiceEvent;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::names::{AccountId, AlarmName, Place, Region};
use crate::facts::parameter::{ParameterName, SecretName};

/// An event that we understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The envelope's id: the same for every delivery of one event.
    pub id: String,
    /// When it happened, by the sender's clock, to the second.
    pub at: Timestamp,
    /// The account and region that it comes from, as EventBridge says.
    pub place: Place,
    /// What happened.
    pub occurrence: Occurrence,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occurrence {
    /// "ECR Image Action": something was done to an image in its registry.
    ImageAction(ImageEvent),
    /// "ECR Replication Action": an image arrived in a replica of its registry.
    ReplicationAction {
        /// The image, in the replica.
        image: ImageEvent,
        /// Where it was pushed.
        pushed_to: Place,
    },
    /// "Parameter Store Change": a parameter was created, updated, deleted or labelled. Neither
    /// its value nor its version is told.
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html>
    ParameterChange {
        /// Its full name.
        name: ParameterName,
        /// `Create`, `Update`, `Delete`, `LabelParameterVersion`, or a word added since: for people,
        /// since whatever was done, one looks.
        operation: String,
    },
    /// "Secret Label Updated": a version of a secret got a label.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html>
    SecretLabelUpdated {
        /// The secret's name.
        name: SecretName,
        /// `AWSCURRENT`, `AWSPENDING`, `AWSPREVIOUS` or a label of the customer.
        label: String,
    },
    /// "ECS Deployment State Change", "ECS Service Action", or "ECS Task State Change" of a
    /// service's task.
    Service(ServiceEvent),
    /// "ECS Task State Change" of a task that no service has started.
    TaskOfNoService {
        /// The task's group.
        group: String,
    },
    /// "CloudWatch Alarm State Change".
    AlarmChange {
        /// The alarm.
        alarm: AlarmName,
        /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        state: String,
    },
}

/// An event that we cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {} is malformed: {problem}", .id.as_deref().unwrap_or("without an id"))]
pub struct MalformedEvent {
    /// The envelope's id, where it has one.
    pub id: Option<String>,
    /// What is wrong with it.
    pub problem: String,
}

impl Event {
    /// Reads an envelope.
    pub fn parse(envelope: &Value) -> Result<Self, MalformedEvent> {
        let malformed = |problem: String| MalformedEvent {
            id: envelope.get("id").and_then(Value::as_str).map(str::to_owned),
            problem,
        };
        let raw = RawEnvelope::deserialize(envelope).map_err(|e| malformed(e.to_string()))?;
        raw.into_event().map_err(malformed)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawEnvelope {
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    account: String,
    time: Timestamp,
    region: String,
    #[serde(default)]
    resources: Vec<String>,
    detail: Value,
}

#[derive(Deserialize)]
struct RawParameterChange {
    name: String,
    operation: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSecretLabel {
    name: String,
    label_updated: String,
}

impl RawEnvelope {
    fn into_event(self) -> Result<Event, String> {
        let place = place(self.account, self.region)?;
        let detail = &self.detail;
        let occurrence = match (self.source.as_str(), self.detail_type.as_str()) {
            ("aws.ecr", "ECR Image Action") => image::image_action(detail)?,
            ("aws.ecr", "ECR Replication Action") => image::replication_action(detail)?,
            ("aws.ssm", "Parameter Store Change") => parameter_change(detail)?,
            ("aws.secretsmanager", "Secret Label Updated") => secret_label_updated(detail)?,
            ("aws.ecs", "ECS Deployment State Change" | "ECS Service Action") => {
                service::service(&self.resources, detail)?
            }
            ("aws.ecs", "ECS Task State Change") => service::task(detail)?,
            ("aws.cloudwatch", "CloudWatch Alarm State Change") => service::alarm(detail)?,
            (source, detail_type) => {
                return Err(format!(
                    "its source is `{source}` and its detail-type `{detail_type}`, which is none \
                     that Funade reads"
                ));
            }
        };
        Ok(Event { id: self.id, at: self.time, place, occurrence })
    }
}

fn parameter_change(detail: &Value) -> Result<Occurrence, String> {
    let raw = RawParameterChange::deserialize(detail).map_err(|e| format!("detail: {e}"))?;
    let name = ParameterName::parse(raw.name).map_err(|e| e.to_string())?;
    Ok(Occurrence::ParameterChange { name, operation: raw.operation })
}

fn secret_label_updated(detail: &Value) -> Result<Occurrence, String> {
    let raw = RawSecretLabel::deserialize(detail).map_err(|e| format!("detail: {e}"))?;
    let name = SecretName::parse(raw.name).map_err(|e| e.to_string())?;
    Ok(Occurrence::SecretLabelUpdated { name, label: raw.label_updated })
}

fn place(account: String, region: String) -> Result<Place, String> {
    Ok(Place {
        account: AccountId::parse(account).map_err(|e| e.to_string())?,
        region: Region::parse(region).map_err(|e| e.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope() -> Value {
        json!({
            "version": "0", "id": "13cde686", "detail-type": "ECR Image Action",
            "source": "aws.ecr", "account": "123456789012", "time": "2019-11-16T01:54:34Z",
            "region": "us-west-2", "resources": [], "a-field-of-tomorrow": 1,
            "detail": {"result": "SUCCESS", "repository-name": "shop/order-api",
                "image-digest": format!("sha256:{}", "7f".repeat(32)),
                "action-type": "PUSH", "image-tag": "1.4.2"}
        })
    }

    fn without(path: &str) -> Value {
        let mut value = envelope();
        let (parent, key) = path.rsplit_once('/').expect("a pointer");
        value
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .and_then(|object| object.remove(key))
            .expect("it was there");
        value
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let event = Event::parse(&envelope()).expect("well-formed");
        assert_eq!(event.place.to_string(), "123456789012/us-west-2");
    }

    #[test]
    fn a_missing_or_empty_tag_is_an_untagged_image() {
        let mut empty = envelope();
        empty["detail"]["image-tag"] = json!("");
        for value in [without("/detail/image-tag"), empty] {
            let Occurrence::ImageAction(image) =
                Event::parse(&value).expect("well-formed").occurrence
            else {
                panic!("an image action")
            };
            assert_eq!(image.tag, None);
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_events_id() {
        for (path, word) in [
            ("/account", "account"),
            ("/detail/repository-name", "repository-name"),
            ("/time", "time"),
        ] {
            let error = Event::parse(&without(path)).expect_err("malformed").to_string();
            assert!(error.starts_with("event 13cde686 is malformed"), "{error}");
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn anything_at_all_is_an_event_or_malformed() {
        for value in [json!(null), json!([]), json!("x"), json!({"id": 7}), json!({})] {
            Event::parse(&value).expect_err("malformed");
        }
    }
}
