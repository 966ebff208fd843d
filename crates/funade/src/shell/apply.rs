//! Putting a configuration in force.

use tracing::info;

use crate::config::{self, Problem, Severity, Sources};
use crate::facts::subject::{Subject, Wake};
use crate::world::{CallError, ConfigHead, Ledger, Queue, World};

/// A configuration that is in force.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Its version.
    pub version: u64,
    /// Whether the same files were in force already, so that nothing was written.
    pub unchanged: bool,
    /// What to know about it: the warnings.
    pub warnings: Vec<Problem>,
}

/// Why a configuration is not in force.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It has errors; all problems are listed.
    #[error("the configuration has problems")]
    Problems(Vec<Problem>),
    /// The ledger could not be reached, or somebody else applied another one meanwhile.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Checks a configuration, puts it in force if nobody has put another in force since `before` was
/// read, and wakes every service to take it up.
pub async fn apply<W: World>(
    world: &W,
    sources: &Sources,
    before: Option<&ConfigHead>,
    by: &str,
) -> Result<Applied, ApplyError> {
    let checked = config::check(sources);
    let Some(config) = checked.config else { return Err(ApplyError::Problems(checked.problems)) };
    let warnings =
        checked.problems.into_iter().filter(|p| p.severity == Severity::Warning).collect();
    if let Some(head) = before
        && world.ledger().config_sources(head.version).await? == *sources
    {
        return Ok(Applied { version: head.version, unchanged: true, warnings });
    }
    let version = before.map_or(1, |head| head.version + 1);
    let head = ConfigHead { version, by: by.to_owned(), at: world.now() };
    world.ledger().apply_config(&head, sources).await?;
    info!(version, "applied");
    let wakes: Vec<Wake> = config
        .services
        .keys()
        .map(|service| Wake {
            subject: Subject::Service(service.clone()),
            cause: format!("apply-{version}"),
            reason: format!("version {version} of the configuration was applied"),
        })
        .collect();
    world.queue().wake(&wakes).await?;
    Ok(Applied { version, unchanged: false, warnings })
}
