//! A service's settings, or an override's in their place, made ready for every target.
//!
//! What is the same in all targets is worked out once here; what has placeholders is filled in
//! by `target`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::decode::{At, List, OneOrMany};
use crate::config::problem::{Problem, Spot};
use crate::config::raw::{RawParameters, RawReaction, RawRollback, RawSecret, RawVerify};
use crate::config::template::Template;
use crate::config::types::{NamePattern, Reaction, Rollback, VariableNames, Verify};
use crate::facts::names::ContainerName;
use crate::facts::parameter::{JsonKey, VariableName};

/// The settings that an override may replace.
pub(super) struct Settings<'raw> {
    pub(super) parameters: Vec<ParametersOf<'raw>>,
    pub(super) secrets: Vec<SecretOf<'raw>>,
    pub(super) on_parameter_change: Reaction,
    pub(super) verify: Verify,
    pub(super) alarms: &'raw [At<Template>],
    pub(super) rollback: Rollback,
}

pub(super) struct ParametersOf<'raw> {
    pub(super) path: &'raw At<Template>,
    pub(super) into: Arc<BTreeSet<ContainerName>>,
    pub(super) names: VariableNames,
    pub(super) include: Arc<[NamePattern]>,
    pub(super) exclude: Arc<[NamePattern]>,
    pub(super) shared: bool,
}

pub(super) struct SecretOf<'raw> {
    pub(super) secret: &'raw At<Template>,
    pub(super) into: Arc<BTreeSet<ContainerName>>,
    pub(super) name: &'raw VariableName,
    pub(super) json_key: Option<&'raw JsonKey>,
}

/// The settings as written in one place; each may be left out.
#[derive(Clone, Copy)]
pub(super) struct Written<'raw> {
    pub(super) parameters: Option<&'raw List<RawParameters>>,
    pub(super) secrets: Option<&'raw List<RawSecret>>,
    pub(super) on_parameter_change: Option<&'raw RawReaction>,
    pub(super) verify: Option<&'raw RawVerify>,
    pub(super) rollback: Option<&'raw RawRollback>,
}

impl<'raw> Written<'raw> {
    /// These settings, and the others for those that are left out here.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            parameters: self.parameters.or(other.parameters),
            secrets: self.secrets.or(other.secrets),
            on_parameter_change: self.on_parameter_change.or(other.on_parameter_change),
            verify: self.verify.or(other.verify),
            rollback: self.rollback.or(other.rollback),
        }
    }

    /// Fills in the defaults.
    pub(super) fn settings(self) -> Settings<'raw> {
        let default = Verify::default();
        let verify =
            |take: fn(&RawVerify) -> Option<&At<_>>| self.verify.and_then(take).map(|at| at.value);
        Settings {
            parameters: self
                .parameters
                .iter()
                .flat_map(|raw| &raw.items)
                .filter_map(parameters)
                .collect(),
            secrets: self.secrets.iter().flat_map(|raw| &raw.items).filter_map(secret).collect(),
            on_parameter_change: self
                .on_parameter_change
                .map_or_else(Reaction::default, |raw| raw.0),
            verify: Verify {
                deadline: verify(|raw| raw.deadline.as_ref()).unwrap_or(default.deadline),
                alarms: Vec::new(),
                bake: verify(|raw| raw.bake.as_ref()).unwrap_or(default.bake),
            },
            alarms: self
                .verify
                .and_then(|raw| raw.alarms.as_ref())
                .map_or(&[], |alarms| &alarms.items),
            rollback: self.rollback.map_or_else(Rollback::default, |raw| raw.0),
        }
    }

    /// Logs what is wrong with these settings wherever they are used.
    pub(super) fn check(self, problems: &mut Vec<Problem>) {
        let of_parameters = self.parameters.iter().flat_map(|raw| &raw.items).map(|raw| &raw.into);
        let of_secrets = self.secrets.iter().flat_map(|raw| &raw.items).map(|raw| &raw.into);
        for into in of_parameters.chain(of_secrets).filter_map(|into| into.0.as_ref()) {
            if into.0.items.is_empty() && into.0.complete {
                problems.push(no_container(&into.0.spot));
            }
        }
        problems.extend(self.secrets.iter().flat_map(|raw| same_variables(&raw.items)));
    }
}

/// Two secrets that give one container one variable: of parameters the later wins, but of secrets
/// each is named for itself.
fn same_variables(secrets: &[RawSecret]) -> Vec<Problem> {
    let mut seen: BTreeMap<(&ContainerName, &VariableName), &Spot> = BTreeMap::new();
    let mut problems = Vec::new();
    for raw in secrets {
        let (Some(name), Some(into)) = (&raw.name.0, &raw.into.0) else { continue };
        for container in &into.0.items {
            let Some(first) = seen.insert((&container.value, &name.value), &name.spot) else {
                continue;
            };
            let (variable, container) = (&name.value, &container.value);
            let message =
                format!("`{container}` gets {variable} from the secret on line {} too", first.line);
            let problem = name.spot.error("duplicate-variable", message).value(variable.as_str());
            problems.push(problem.instead("write another `name` for one of them"));
        }
    }
    problems
}

fn no_container(spot: &Spot) -> Problem {
    spot.error("empty-list", "no container is named").instead("name at least one")
}

fn parameters(raw: &RawParameters) -> Option<ParametersOf<'_>> {
    let patterns = |raw: &Option<List<At<NamePattern>>>| {
        raw.iter().flat_map(|raw| &raw.items).map(|pattern| pattern.value.clone()).collect()
    };
    Some(ParametersOf {
        path: raw.path.0.as_ref()?,
        into: containers(raw.into.0.as_ref()?),
        names: raw.names.as_ref().map_or_else(VariableNames::default, |names| names.value),
        include: patterns(&raw.include),
        exclude: patterns(&raw.exclude),
        shared: raw.shared.as_ref().is_some_and(|shared| shared.value),
    })
}

fn secret(raw: &RawSecret) -> Option<SecretOf<'_>> {
    Some(SecretOf {
        secret: raw.secret.0.as_ref()?,
        into: containers(raw.into.0.as_ref()?),
        name: &raw.name.0.as_ref()?.value,
        json_key: raw.json_key.as_ref().map(|key| &key.value),
    })
}

fn containers(into: &OneOrMany<At<ContainerName>>) -> Arc<BTreeSet<ContainerName>> {
    Arc::new(into.0.items.iter().map(|name| name.value.clone()).collect())
}
