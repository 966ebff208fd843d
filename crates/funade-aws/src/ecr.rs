//! The image registries.

use aws_sdk_ecr::error::ProvideErrorMetadata;
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageIdentifier, TagStatus};
use funade::config::Registry;
use funade::facts::image::PushedImage;
use funade::facts::names::{Digest, RepositoryName, Tag};
use funade::world::{CallError, CallProblem, Ecr};

use jiff::Timestamp;

use crate::errors::call_error;
use crate::world::AwsWorld;

/// Images in one page, the most that there can be.
/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
const IMAGES_PAGE: i32 = 1000;

impl Ecr for AwsWorld {
    async fn has_image(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, CallError> {
        let id = ImageIdentifier::builder().image_digest(digest.as_str()).build();
        let image = describe(self, registry, repository, id).await?;
        Ok(image.is_some_and(|image| can_be_pulled(&image)))
    }

    async fn digest_of(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Digest>, CallError> {
        let id = ImageIdentifier::builder().image_tag(tag.as_str()).build();
        let image = describe(self, registry, repository, id).await?;
        let digest = image.filter(can_be_pulled).and_then(|image| image.image_digest);
        digest.map(Digest::parse).transpose().map_err(|error| CallError {
            operation: "DescribeImages",
            subject: format!("{registry}/{repository}:{tag}"),
            problem: CallProblem::NoAnswer,
            source: Some(Box::new(error)),
        })
    }

    async fn images(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
    ) -> Result<Vec<PushedImage>, CallError> {
        images(self, registry, repository).await
    }
}

/// The images of a repository that have a tag, page by page.
async fn images(
    world: &AwsWorld,
    registry: &Registry,
    repository: &RepositoryName,
) -> Result<Vec<PushedImage>, CallError> {
    let filter = DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let mut pages = world
        .clients()
        .of(&registry.place)
        .ecr
        .describe_images()
        .registry_id(registry.place.account.as_str())
        .repository_name(repository.as_str())
        .filter(filter)
        .max_results(IMAGES_PAGE)
        .into_paginator()
        .send();
    let mut images = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if error.code() == Some("RepositoryNotFoundException") => break,
            Err(error) => {
                return Err(call_error(
                    "DescribeImages",
                    format!("{registry}/{repository}"),
                    &error,
                ));
            }
        };
        let details = page.image_details.unwrap_or_default();
        images.extend(details.into_iter().filter(can_be_pulled).filter_map(pushed_image));
    }
    Ok(images)
}

/// An image, if its tags, its digest and its date are of the usual form.
fn pushed_image(image: ImageDetail) -> Option<PushedImage> {
    let pushed_at = image.image_pushed_at?.to_millis().ok()?;
    let tags: Vec<Tag> =
        image.image_tags?.into_iter().filter_map(|tag| Tag::parse(tag).ok()).collect();
    Some(PushedImage {
        digest: Digest::parse(image.image_digest?).ok()?,
        tags: Some(tags).filter(|tags| !tags.is_empty())?,
        pushed_at: Timestamp::from_millisecond(pushed_at).ok()?,
    })
}

async fn describe(
    world: &AwsWorld,
    registry: &Registry,
    repository: &RepositoryName,
    id: ImageIdentifier,
) -> Result<Option<ImageDetail>, CallError> {
    let subject = format!("{registry}/{repository}");
    let described = world
        .clients()
        .of(&registry.place)
        .ecr
        .describe_images()
        .registry_id(registry.place.account.as_str())
        .repository_name(repository.as_str())
        .image_ids(id)
        .send()
        .await;
    match described {
        Ok(output) => Ok(output.image_details.unwrap_or_default().into_iter().next()),
        // A replica's repository is made with its first image.
        Err(error)
            if matches!(
                error.code(),
                Some("ImageNotFoundException" | "RepositoryNotFoundException")
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(call_error("DescribeImages", subject, &error)),
    }
}

/// An archived image cannot be pulled; a signature or an SBOM, which names the image that it is
/// about, is none to run.
fn can_be_pulled(image: &ImageDetail) -> bool {
    let active = image.image_status().is_none_or(|status| status.as_str() == "ACTIVE");
    active && image.subject_manifest_digest().is_none()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecr::primitives::DateTime;
    use aws_sdk_ecr::types::ImageStatus;
    use aws_sdk_ecr::types::builders::ImageDetailBuilder;

    use super::*;

    /// Of the 22nd of November 2026, a quarter past two.
    const PUSHED_AT: i64 = 1_795_313_700;

    fn image(tags: &[&str]) -> ImageDetailBuilder {
        ImageDetail::builder()
            .image_digest(format!("sha256:{}", "7".repeat(64)))
            .image_pushed_at(DateTime::from_secs(PUSHED_AT))
            .set_image_tags(Some(tags.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn an_image_has_all_its_tags() {
        let pushed = pushed_image(image(&["1.4.2", "latest"]).build()).expect("it has tags");
        assert_eq!(pushed.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["1.4.2", "latest"]);
        assert_eq!(pushed.pushed_at.as_second(), PUSHED_AT);
    }

    #[test]
    fn what_has_no_usual_form_is_no_release() {
        assert_eq!(pushed_image(image(&[]).build()), None);
        assert_eq!(pushed_image(image(&["not a tag"]).build()), None);
        assert_eq!(pushed_image(image(&["1.4.2"]).image_digest("sha256:7").build()), None);
        assert_eq!(pushed_image(image(&["1.4.2"]).set_image_pushed_at(None).build()), None);
        assert_eq!(pushed_image(ImageDetail::builder().build()), None);
    }

    #[test]
    fn what_is_archived_or_signs_another_image_cannot_be_pulled() {
        assert!(can_be_pulled(&image(&["1.4.2"]).build()));
        assert!(can_be_pulled(&image(&["1.4.2"]).image_status(ImageStatus::Active).build()));
        assert!(!can_be_pulled(&image(&["1.4.2"]).image_status(ImageStatus::Archived).build()));
        assert!(!can_be_pulled(&image(&["sig"]).subject_manifest_digest("sha256:7").build()));
    }
}
