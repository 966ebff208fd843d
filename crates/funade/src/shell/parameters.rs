//! Which variables a target should have, and whether its tasks have them: read from Parameter
//! Store, Secrets Manager and ECS, for whoever asks.

use futures_util::try_join;

use crate::config::Config;
use crate::decisions::differences::{Side, says, side};
use crate::decisions::problem::ConfigurationProblem;
use crate::decisions::variables::{Override, variables};
use crate::facts::configuration::{Configuration, Source};
use crate::facts::ecs::RolloutState;
use crate::facts::names::{ContainerName, DeploymentId, RevisionArn, TargetId};
use crate::facts::parameter::VariableName;
use crate::shell::observe::{Described, known, look};
use crate::shell::read_stores::read_stores;
use crate::world::{CallError, World};

/// A target's variables.
#[derive(Debug, Clone)]
pub struct TargetVariables {
    /// What runs, if anything does.
    pub revision: Option<RevisionArn>,
    /// The variables, by name and container.
    pub variables: Vec<VariableState>,
    /// Which took another's place.
    pub overrides: Vec<Override>,
    /// Why they cannot be used.
    pub problems: Vec<ConfigurationProblem>,
}

/// A variable of a container.
#[derive(Debug, Clone)]
pub struct VariableState {
    /// The variable.
    pub variable: VariableName,
    /// The container.
    pub container: ContainerName,
    /// Where it comes from now; `None` where that is gone.
    pub source: Option<Source>,
    /// Where what runs has it from; `None` where what runs does not have it from us.
    pub running: Option<Source>,
    /// Whether the running tasks have it.
    pub runs: Runs,
}

/// Whether the running tasks have a variable as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// They have.
    Yes,
    /// A deployment that brings it goes on.
    With(DeploymentId),
    /// ECS gave up the deployment that brings it.
    GivenUp(DeploymentId),
    /// They have it as it was.
    Older,
    /// They do not have it from us.
    No,
    /// They have it, and it should be gone.
    Gone,
}

/// Reads a target's variables. `None` where the configuration has no such target.
pub async fn target_variables<W: World>(
    world: &W,
    config: &Config,
    id: &TargetId,
) -> Result<Option<TargetVariables>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let known = known(world, target).await?;
    let (observed, stores) =
        try_join!(look(world, target, &known, Described::NotYet), read_stores(world, target))?;
    let merged = variables(target, &stores);
    let running = observed.running.as_ref();
    let primary = observed.service.as_ref().and_then(|service| service.primary());
    let brings = primary.map(|primary| (primary.rollout, primary.id.clone()));
    let ours = running.map(|running| running.document.configuration()).unwrap_or_default();
    let mut states = Vec::new();
    for (container, variables) in &merged.variables {
        for (name, variable) in variables {
            let nothing = Side { value: None, source: None };
            let before =
                running.map_or(nothing, |running| side(&running.document, &ours, container, name));
            let runs = match (&brings, says(&before, variable), &before.source) {
                (Some((RolloutState::InProgress, id)), true, _) => Runs::With(id.clone()),
                (Some((RolloutState::Failed, id)), true, _) => Runs::GivenUp(id.clone()),
                (Some((RolloutState::Completed, _)) | None, true, _) => Runs::Yes,
                (_, false, Some(_)) => Runs::Older,
                (_, false, None) => Runs::No,
            };
            states.push(VariableState {
                variable: name.clone(),
                container: container.clone(),
                source: Some(variable.source.clone()),
                running: before.source,
                runs,
            });
        }
    }
    states.extend(gone(ours, &states));
    states.sort_by(|a, b| (&a.variable, &a.container).cmp(&(&b.variable, &b.container)));
    let revision = running.map(|running| running.arn.clone());
    let (overrides, problems) = (merged.overrides, merged.problems);
    Ok(Some(TargetVariables { revision, variables: states, overrides, problems }))
}

/// What runs with a variable that nothing gives any more.
fn gone(ours: Configuration, states: &[VariableState]) -> Vec<VariableState> {
    let all = ours.0.into_iter().flat_map(|(container, sources)| {
        sources.into_iter().map(move |(name, source)| (container.clone(), name, source))
    });
    let known = |container: &ContainerName, name: &VariableName| {
        states.iter().any(|state| &state.container == container && &state.variable == name)
    };
    let gone = all.filter(|(container, name, _)| !known(container, name));
    gone.map(|(container, variable, source)| VariableState {
        variable,
        container,
        source: None,
        running: Some(source),
        runs: Runs::Gone,
    })
    .collect()
}
