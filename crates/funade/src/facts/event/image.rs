//! Events of the image registry.
//!
//! Form: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>.

use serde::Deserialize;
use serde_json::Value;

use super::{Occurrence, place};
use crate::facts::names::{Digest, Place, RepositoryName, Tag};

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

/// Reads the detail of "ECR Image Action".
pub(super) fn image_action(detail: &Value) -> Result<Occurrence, String> {
    Ok(Occurrence::ImageAction(read(detail)?.into_image()?))
}

/// Reads the detail of "ECR Replication Action".
pub(super) fn replication_action(detail: &Value) -> Result<Occurrence, String> {
    let raw = read(detail)?;
    let pushed_to = place_of_source(&raw)?;
    Ok(Occurrence::ReplicationAction { pushed_to, image: raw.into_image()? })
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

fn read(detail: &Value) -> Result<RawImage, String> {
    RawImage::deserialize(detail).map_err(|error| format!("detail: {error}"))
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

fn place_of_source(raw: &RawImage) -> Result<Place, String> {
    match (&raw.source_account, &raw.source_region) {
        (Some(account), Some(region)) => place(account.clone(), region.clone()),
        (None, _) => Err("detail: missing field `source-account`".to_owned()),
        (_, None) => Err("detail: missing field `source-region`".to_owned()),
    }
}
