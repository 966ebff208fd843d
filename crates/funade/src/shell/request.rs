//! A person's request to deploy a release. It is written to the ledger and the service is woken;
//! what follows is the functions' work, as with any event.

use crate::config::Config;
use crate::facts::names::{ServiceName, Tag};
use crate::facts::release::{Release, Request};
use crate::facts::subject::{Subject, Wake};
use crate::world::{CallError, Ecr, Ledger, Queue, World};

/// Why a request was not written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such service.
    #[error("the configuration has no service `{0}`")]
    UnknownService(ServiceName),
    /// There is no such image.
    #[error("the registry {registry} has no image {repository}:{tag}")]
    NoSuchImage {
        /// The registry's host.
        registry: String,
        /// The repository.
        repository: String,
        /// The tag.
        tag: Tag,
    },
    /// A call failed before anything was written.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The request is written, and its service could not be woken. Asking again wakes it.
    #[error("the request is written, but its service was not woken; ask again")]
    NotWoken(#[source] CallError),
}

/// Asks that a service's targets run the release with this tag, older or newer.
pub async fn request_deploy<W: World>(
    world: &W,
    config: &Config,
    service: &ServiceName,
    tag: &Tag,
    by: &str,
    id: &str,
) -> Result<Request, RequestError> {
    let known = config.services.get(service);
    let service = known.ok_or_else(|| RequestError::UnknownService(service.clone()))?;
    let found = world.ecr().digest_of(&service.registry, &service.repository, tag).await?;
    let digest = found.ok_or_else(|| RequestError::NoSuchImage {
        registry: service.registry.to_string(),
        repository: service.repository.to_string(),
        tag: tag.clone(),
    })?;
    let now = world.now();
    let (tag, cause) = (tag.clone(), id.to_owned());
    let release = Release { tag: tag.clone(), digest, pushed_at: now, noted_at: now, cause };
    let request = Request { id: id.to_owned(), release, by: by.to_owned(), at: now };
    world.ledger().write_request(&service.name, &request).await?;
    let wake = Wake::new(
        Subject::Service(service.name.clone()),
        request.id.clone(),
        format!("{by} asked for {tag}"),
    );
    world.queue().wake(&[wake]).await.map_err(RequestError::NotWoken)?;
    Ok(request)
}
