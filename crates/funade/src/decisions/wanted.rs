//! The task definition that a target should run: the one it runs now, with our image.
//!
//! In: the running revision's document, an image. Out: the input of `RegisterTaskDefinition`.
//! Invariant: everything that we do not manage stays as it was, in value and in position.

use std::collections::BTreeMap;

use crate::config::Target;
use crate::facts::image::ImageReference;
use crate::facts::names::Digest;
use crate::facts::task_definition::{DEPLOY_TAG, Document, RELEASE_TAG, Registration};

/// The target's container is not in the task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerMissing {
    /// The containers that it has.
    pub has: Vec<String>,
}

/// The image that a target should run, where it pulls from.
#[must_use]
pub fn image(target: &Target, digest: &Digest) -> ImageReference {
    ImageReference::pinned(target.pulls_from.to_string(), target.repository.clone(), digest.clone())
}

/// The document with the image in the target's container.
pub fn document(
    target: &Target,
    running: &Document,
    image: &ImageReference,
) -> Result<Document, ContainerMissing> {
    running.with_image(&target.container, image).ok_or_else(|| ContainerMissing {
        has: running.container_names().map(str::to_owned).collect(),
    })
}

/// What to register for a deploy. The running revision's tags stay; ours are set anew.
#[must_use]
pub fn registration(
    document: Document,
    running_tags: &BTreeMap<String, String>,
    release: &str,
    deploy: &str,
) -> Registration {
    let mut tags = running_tags.clone();
    // AWS keeps the prefix `aws:` to itself and refuses a registration that names it.
    tags.retain(|key, _| !key.to_ascii_lowercase().starts_with("aws:"));
    tags.insert(RELEASE_TAG.to_owned(), release.to_string());
    tags.insert(DEPLOY_TAG.to_owned(), deploy.to_owned());
    Registration { document, tags }
}
