//! The image registries.

use aws_sdk_ecr::error::ProvideErrorMetadata;
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use funade::config::Registry;
use funade::facts::names::{Digest, RepositoryName, Tag};
use funade::world::{CallError, CallProblem, Ecr};

use crate::errors::call_error;
use crate::world::AwsWorld;

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
