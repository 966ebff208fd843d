//! Putting a configuration in force.

use tracing::info;

use crate::config::{self, Config, Problem, Severity, Sources, Target};
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
    /// It is in force, and the services could not be woken. Applying it again wakes them.
    #[error("it is in force, but the services were not woken; apply it again")]
    NotWoken(#[source] CallError),
}

/// The configuration that is in force, as the team wrote it.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Which version, whose, since when.
    pub head: ConfigHead,
    /// Its files.
    pub sources: Sources,
}

/// Reads the configuration that is in force. `None` before the first `funade apply`.
pub async fn in_force<W: World>(world: &W) -> Result<Option<InForce>, CallError> {
    let Some(head) = world.ledger().config_head().await? else { return Ok(None) };
    let sources = world.ledger().config_sources(head.version).await?;
    Ok(Some(InForce { head, sources }))
}

/// Checks a configuration, puts it in force if nobody has put another in force since `before` was
/// read, and wakes every service to take it up.
pub async fn apply<W: World>(
    world: &W,
    sources: &Sources,
    before: Option<&InForce>,
    by: &str,
) -> Result<Applied, ApplyError> {
    let checked = config::check(sources);
    let Some(config) = checked.config else { return Err(ApplyError::Problems(checked.problems)) };
    let warnings =
        checked.problems.into_iter().filter(|p| p.severity == Severity::Warning).collect();
    let applied = match before {
        Some(before) if before.sources == *sources => {
            Applied { version: before.head.version, unchanged: true, warnings }
        }
        Some(_) | None => {
            let version = before.map_or(1, |before| before.head.version + 1);
            let head = ConfigHead { version, by: by.to_owned(), at: world.now() };
            world.ledger().apply_config(&head, sources).await?;
            info!(version, "applied");
            Applied { version, unchanged: false, warnings }
        }
    };
    let before = replaced(world, before, &applied).await?;
    let before = before.and_then(|sources| config::check(&sources).config);
    let wakes = wakes(&config, before.as_ref(), applied.version);
    world.queue().wake(&wakes).await.map_err(ApplyError::NotWoken)?;
    Ok(applied)
}

/// The files that the version in force has replaced. For files that were in force already these are
/// those before them: whoever applies them again may do so since the first time woke nobody.
async fn replaced<W: World>(
    world: &W,
    before: Option<&InForce>,
    applied: &Applied,
) -> Result<Option<Sources>, CallError> {
    match before {
        Some(_) if applied.unchanged && applied.version > 1 => {
            world.ledger().config_sources(applied.version - 1).await.map(Some)
        }
        before => Ok(before.map(|before| before.sources.clone())),
    }
}

/// What a settled target depends on besides its release and what Parameter Store says. How a deploy
/// is verified, and whether it is rolled back, matters only to those that the services wake anyway.
fn where_and_what(target: &Target) -> impl PartialEq {
    let Target { place, cluster, ecs_service, container, repository, pulls_from, .. } = target;
    let Target { parameters, secrets, on_parameter_change, .. } = target;
    let place = (place, cluster, ecs_service, container, repository, pulls_from);
    (place, parameters, secrets, on_parameter_change)
}

/// Every service, to take up new environments, and each target whose own configuration changed.
/// Services are woken even if nothing changed: an earlier `apply` may have failed to do so.
fn wakes(config: &Config, before: Option<&Config>, version: u64) -> Vec<Wake> {
    let services = config.services.keys().cloned().map(Subject::Service);
    let changed = config.targets().filter(|target| {
        let known = before.and_then(|before| before.target(&target.id));
        known.is_some_and(|known| where_and_what(known) != where_and_what(target))
    });
    let targets = changed.map(|target| Subject::Target(target.id.clone()));
    let wake = |subject| {
        Wake::new(
            subject,
            format!("apply-{version}"),
            format!("version {version} of the configuration was applied"),
        )
    };
    services.chain(targets).map(wake).collect()
}
