//! Simulated image registries.

use std::collections::BTreeMap;

use funade::config::Registry;
use funade::facts::names::{Digest, Place, RepositoryName, Tag};
use funade::world::{CallError, Ecr};

use crate::state::Sim;

/// The tags and images of every repository of every registry.
#[derive(Debug, Default)]
pub(crate) struct Images(BTreeMap<(Place, RepositoryName), Repository>);

#[derive(Debug, Default)]
struct Repository {
    tags: BTreeMap<Tag, Digest>,
    digests: Vec<Digest>,
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
        let images = &mut self.state_mut().images;
        let repository = images.0.entry((place.clone(), repository.clone())).or_default();
        repository.tags.insert(tag.clone(), digest.clone());
        if !repository.digests.contains(digest) {
            repository.digests.push(digest.clone());
        }
    }

    /// Deletes an image with its tags.
    pub fn delete_image(&self, place: &Place, repository: &RepositoryName, digest: &Digest) {
        let images = &mut self.state_mut().images;
        if let Some(repository) = images.0.get_mut(&(place.clone(), repository.clone())) {
            repository.tags.retain(|_, kept| kept != digest);
            repository.digests.retain(|kept| kept != digest);
        }
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
        self.call("DescribeImages", format!("{registry}/{repository}@{digest}"), |state| {
            let repository = state.images.repository(registry, repository);
            Ok(repository.is_some_and(|repository| repository.digests.contains(digest)))
        })
        .await
    }

    async fn digest_of(
        &self,
        registry: &Registry,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Digest>, CallError> {
        self.call("DescribeImages", format!("{registry}/{repository}:{tag}"), |state| {
            let repository = state.images.repository(registry, repository);
            Ok(repository.and_then(|repository| repository.tags.get(tag).cloned()))
        })
        .await
    }
}
