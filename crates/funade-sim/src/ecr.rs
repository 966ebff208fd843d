//! Simulated image registries.

use std::collections::BTreeMap;

use funade::config::Registry;
use funade::facts::image::PushedImage;
use funade::facts::names::{Digest, Place, RepositoryName, Tag};
use funade::world::{CallError, Ecr};
use jiff::Timestamp;

use crate::state::Sim;

/// The tags and images of every repository of every registry.
#[derive(Debug, Default)]
pub(crate) struct Images(BTreeMap<(Place, RepositoryName), Repository>);

#[derive(Debug, Default)]
struct Repository {
    tags: BTreeMap<Tag, Digest>,
    /// When each image was pushed.
    digests: BTreeMap<Digest, Timestamp>,
}

impl Sim {
    /// Puts an image into a registry, or another tag onto one that is there.
    pub fn put_image(
        &self,
        place: &Place,
        repository: &RepositoryName,
        tag: &Tag,
        digest: &Digest,
    ) {
        let state = &mut *self.state_mut();
        let repository = state.images.0.entry((place.clone(), repository.clone())).or_default();
        repository.tags.insert(tag.clone(), digest.clone());
        repository.digests.entry(digest.clone()).or_insert(state.now);
    }

    /// Deletes an image with its tags.
    pub fn delete_image(&self, place: &Place, repository: &RepositoryName, digest: &Digest) {
        let images = &mut self.state_mut().images;
        if let Some(repository) = images.0.get_mut(&(place.clone(), repository.clone())) {
            repository.tags.retain(|_, kept| kept != digest);
            repository.digests.remove(digest);
        }
    }
}

impl Repository {
    fn tags_of(&self, digest: &Digest) -> Vec<Tag> {
        let tags = self.tags.iter().filter(|(_, of)| *of == digest);
        tags.map(|(tag, _)| tag.clone()).collect()
    }
}

impl Images {
    fn repository(&self, registry: &Registry, name: &RepositoryName) -> Option<&Repository> {
        self.0.get(&(registry.place.clone(), name.clone()))
    }
}

impl Ecr for Sim {
    async fn has_image(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, CallError> {
        self.call_in(
            &registry.place,
            "DescribeImages",
            format!("{registry}/{repository}@{digest}"),
            |state| {
                let repository = state.images.repository(registry, repository);
                Ok(repository.is_some_and(|repository| repository.digests.contains_key(digest)))
            },
        )
        .await
    }

    async fn digest_of(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Digest>, CallError> {
        self.call_in(
            &registry.place,
            "DescribeImages",
            format!("{registry}/{repository}:{tag}"),
            |state| {
                let repository = state.images.repository(registry, repository);
                Ok(repository.and_then(|repository| repository.tags.get(tag).cloned()))
            },
        )
        .await
    }

    async fn images(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
    ) -> Result<Vec<PushedImage>, CallError> {
        self.call_in(
            &registry.place,
            "DescribeImages",
            format!("{registry}/{repository}"),
            |state| {
                let Some(repository) = state.images.repository(registry, repository) else {
                    return Ok(Vec::new());
                };
                let pushed = repository.digests.iter().map(|(digest, pushed_at)| PushedImage {
                    digest: digest.clone(),
                    tags: repository.tags_of(digest),
                    pushed_at: *pushed_at,
                });
                Ok(pushed.filter(|image| !image.tags.is_empty()).collect())
            },
        )
        .await
    }
}
