//! What a container's `image` says: registry, repository, and a tag, a digest or both.
//!
//! Read from task definitions, which people and other tools write too; whatever does not parse
//! is simply an image that we do not know. Written by us always as `repository@digest`.

use std::fmt;

use jiff::Timestamp;

use crate::facts::names::{Digest, RepositoryName, Tag};

/// An image in a registry, as a container names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// The registry's host, such as `999999999999.dkr.ecr.ap-northeast-1.amazonaws.com`.
    pub registry: String,
    /// The repository within the registry.
    pub repository: RepositoryName,
    /// The tag, where one is written.
    pub tag: Option<Tag>,
    /// The digest, where one is written; it wins over the tag, as it does for Docker.
    pub digest: Option<Digest>,
}

/// An image in a repository, with the tags that stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its tags; at least one.
    pub tags: Vec<Tag>,
    /// When it was pushed, by the registry's clock.
    pub pushed_at: Timestamp,
}

impl ImageReference {
    /// An image by its digest: the only form that we deploy.
    #[must_use]
    pub fn pinned(registry: impl Into<String>, repository: RepositoryName, digest: Digest) -> Self {
        Self { registry: registry.into(), repository, tag: None, digest: Some(digest) }
    }

    /// Reads a container's image. `None` where it is not of the form
    /// `HOST/REPOSITORY[:TAG][@DIGEST]`; an image of Docker Hub without a host is such a one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (registry, rest) = text.split_once('/')?;
        if !registry.contains(['.', ':']) {
            return None;
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).ok()?)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(Tag::parse(tag).ok()?)),
            None => (rest, None),
        };
        Some(Self {
            registry: registry.to_owned(),
            repository: RepositoryName::parse(repository).ok()?,
            tag,
            digest,
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "999999999999.dkr.ecr.ap-northeast-1.amazonaws.com";

    #[test]
    fn every_form_reads_back_as_written() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in [
            format!("{HOST}/shop/order-api:1.4.2"),
            format!("{HOST}/shop/order-api@{digest}"),
            format!("{HOST}/shop/order-api:1.4.2@{digest}"),
            "localhost:5000/order-api".to_owned(),
        ] {
            let image = ImageReference::parse(&text).expect("it has a host and a repository");
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_in_a_registry_is_not_known() {
        for text in ["nginx", "nginx:1.27", "library/nginx", "", "/", "host.example/UPPER"] {
            assert_eq!(ImageReference::parse(text), None, "{text}");
        }
    }
}
