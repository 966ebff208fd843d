//! Events of the registry, read from EventBridge's envelope.
//!
//! The envelope's `account` and `region` are set by EventBridge; the rest is what the sender
//! wrote. Unknown fields are passed over, since AWS adds some; what we need and do not find makes
//! the event malformed, which is reported with its id and never tried again.
//!
//! Form: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::names::{AccountId, Digest, Place, Region, RepositoryName, Tag};

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
}

/// What both kinds of event say of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageEvent {
    /// The repository, to be compared exactly.
    pub repository: RepositoryName,
    /// `None` for an untagged image: a platform's manifest, an attestation.
    pub tag: Option<Tag>,
    /// Not in every action.
    pub digest: Option<Digest>,
    /// What was done.
    pub action: Action,
    /// Whether it succeeded.
    pub result: Outcome,
}

/// What was done to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Pushed, or a tag put on an image that was there.
    Push,
    /// Copied to a replica.
    Replicate,
    /// Deleted.
    Delete,
    /// Archived or restored.
    UpdateStorageClass,
    /// An action that AWS has added since.
    Other(String),
}

/// Whether it succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `SUCCESS`.
    Success,
    /// `FAILURE`, or a word that AWS has added since.
    Other(String),
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
    detail: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawImage {
    result: String,
    repository_name: String,
    image_digest: Option<String>,
    action_type: String,
    image_tag: Option<String>,
    source_account: Option<String>,
    source_region: Option<String>,
}

impl RawEnvelope {
    fn into_event(self) -> Result<Event, String> {
        if self.source != "aws.ecr" {
            return Err(format!("its source is `{}`, not `aws.ecr`", self.source));
        }
        let place = place(self.account, self.region)?;
        let raw = RawImage::deserialize(&self.detail).map_err(|e| format!("detail: {e}"))?;
        let occurrence = match self.detail_type.as_str() {
            "ECR Image Action" => Occurrence::ImageAction(raw.into_image()?),
            "ECR Replication Action" => Occurrence::ReplicationAction {
                pushed_to: place_of_source(&raw)?,
                image: raw.into_image()?,
            },
            other => {
                return Err(format!(
                    "its detail-type is `{other}`, neither `ECR Image Action` nor `ECR Replication Action`"
                ));
            }
        };
        Ok(Event { id: self.id, at: self.time, place, occurrence })
    }
}

impl RawImage {
    fn into_image(self) -> Result<ImageEvent, String> {
        // An untagged push has no `image-tag`, or an empty one.
        let tag = self.image_tag.filter(|tag| !tag.is_empty());
        Ok(ImageEvent {
            repository: RepositoryName::parse(self.repository_name).map_err(|e| e.to_string())?,
            tag: tag.map(Tag::parse).transpose().map_err(|e| e.to_string())?,
            digest: self.image_digest.map(Digest::parse).transpose().map_err(|e| e.to_string())?,
            action: match self.action_type.as_str() {
                "PUSH" => Action::Push,
                "REPLICATE" => Action::Replicate,
                "DELETE" => Action::Delete,
                "UPDATE_STORAGE_CLASS" => Action::UpdateStorageClass,
                _ => Action::Other(self.action_type),
            },
            result: match self.result.as_str() {
                "SUCCESS" => Outcome::Success,
                _ => Outcome::Other(self.result),
            },
        })
    }
}

fn place(account: String, region: String) -> Result<Place, String> {
    Ok(Place {
        account: AccountId::parse(account).map_err(|e| e.to_string())?,
        region: Region::parse(region).map_err(|e| e.to_string())?,
    })
}

fn place_of_source(raw: &RawImage) -> Result<Place, String> {
    match (&raw.source_account, &raw.source_region) {
        (Some(account), Some(region)) => place(account.clone(), region.clone()),
        (None, _) => Err("detail: missing field `source-account`".to_owned()),
        (_, None) => Err("detail: missing field `source-region`".to_owned()),
    }
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
