//! One target: placeholders filled in, and nobody else in its place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use super::repeated::Repeated;
use super::service::{Common, Variant};
use super::settings::Settings;
use crate::config::decode::At;
use crate::config::problem::{Problem, Spot};
use crate::config::types::{Environment, Parameters, Secret, Target, Verify, Wave};
use crate::facts::names::{
    AlarmName, BadName, ClusterName, EcsServiceName, Place, ServiceName, TargetId,
};
use crate::facts::parameter::{ParameterPath, SecretName};

pub(super) use crate::config::template::Template;

/// What targets of all services share, and may be in each other's way with. The maps are asked
/// and never walked, so their order is nobody's concern; comparing keys that begin alike took
/// most of the time of a large fleet.
#[derive(Default)]
pub(super) struct Shared<'files> {
    ecs_services: HashMap<(&'files Place, &'files ClusterName, EcsServiceName), Owner<'files>>,
    paths: HashMap<(&'files Place, ParameterPath), Owner<'files>>,
    repeated: Repeated,
}

/// A target, and where what it claims is written.
#[derive(Clone, Copy)]
struct Owner<'files> {
    environment: &'files Environment,
    service: &'files ServiceName,
    spot: &'files Spot,
}

impl Shared<'_> {
    /// Logs what was found.
    pub(super) fn finish(self, problems: &mut Vec<Problem>) {
        problems.extend(self.repeated.finish());
    }
}

/// Resolves a service in one environment. None if a template gives no name there.
pub(super) fn target<'files>(
    common: &Common<'files>,
    variant: &Variant<'files>,
    environment: &'files Environment,
    wave: &Wave,
    shared: &mut Shared<'files>,
) -> Option<Target> {
    let service = &common.name.value;
    let id = TargetId { environment: environment.name.clone(), service: service.clone() };
    let mut filler = Filler { environment, service, repeated: &mut shared.repeated };
    let ecs_service = match variant.ecs_service {
        Some(template) => filler.fill(template, EcsServiceName::parse),
        None => EcsServiceName::parse(service.as_str()).ok(),
    };
    let settings = &variant.settings;
    let parameters = parameters(settings, &mut filler);
    let secrets = secrets(settings, &mut filler);
    let alarms =
        settings.alarms.iter().filter_map(|alarm| filler.fill(alarm, AlarmName::parse)).collect();

    let ecs_service = ecs_service?;
    let spot = variant.ecs_service.map_or(&common.name.spot, |template| &template.spot);
    claim(shared, Owner { environment, service, spot }, &ecs_service);
    for (read, spot) in parameters.iter().filter(|(read, _)| !read.shared) {
        read_path(shared, Owner { environment, service, spot }, &read.path);
    }
    Some(Target {
        id,
        place: environment.place.clone(),
        cluster: environment.cluster.clone(),
        ecs_service,
        container: variant.container.clone(),
        repository: common.repository.clone(),
        pulls_from: environment.registry.as_ref().unwrap_or(&common.registry).clone(),
        selection: common.selection.clone(),
        wave: wave.name.clone(),
        parameters: parameters.into_iter().map(|(read, _)| read).collect(),
        secrets,
        on_parameter_change: settings.on_parameter_change,
        verify: Verify { alarms, ..settings.verify.clone() },
        rollback: settings.rollback,
        overwrites_changes: common.overwrites_changes,
    })
}

/// The parameters with the places of their paths.
fn parameters<'files>(
    settings: &Settings<'files>,
    filler: &mut Filler<'_>,
) -> Vec<(Parameters, &'files Spot)> {
    let read = settings.parameters.iter().filter_map(|written| {
        let read = Parameters {
            path: filler.fill(written.path, ParameterPath::parse)?.closed(),
            into: written.into.clone(),
            names: written.names,
            include: written.include.clone(),
            exclude: written.exclude.clone(),
            shared: written.shared,
        };
        Some((read, &written.path.spot))
    });
    read.collect()
}

fn secrets(settings: &Settings<'_>, filler: &mut Filler<'_>) -> Vec<Secret> {
    let read = settings.secrets.iter().filter_map(|written| {
        Some(Secret {
            secret: filler.fill(written.secret, SecretName::parse)?,
            into: written.into.clone(),
            name: written.name.clone(),
            json_key: written.json_key.cloned(),
        })
    });
    read.collect()
}

/// Fills templates in for one target.
struct Filler<'target> {
    environment: &'target Environment,
    service: &'target ServiceName,
    repeated: &'target mut Repeated,
}

impl Filler<'_> {
    /// The name that a template gives, or logs why it gives none.
    fn fill<T>(
        &mut self,
        template: &At<Template>,
        parse: fn(String) -> Result<T, BadName>,
    ) -> Option<T> {
        let (spot, source) = (&template.spot, &template.value.source);
        let environment = &self.environment.name;
        let problem = match template.value.render(self.environment, self.service).map(parse) {
            Ok(Ok(name)) => return Some(name),
            Ok(Err(bad)) => {
                let message = if bad.given == *source {
                    format!("`{source}` is not {}", bad.kind)
                } else {
                    format!(
                        "`{source}` is `{}` in {environment}, which is not {}",
                        bad.given, bad.kind
                    )
                };
                spot.error("bad-name", message).instead(bad.allowed)
            }
            Err(label) => {
                let message = format!(
                    "{{label.{label}}} is nothing in {environment}, which has no such label"
                );
                let instead = format!("label {environment}, or override this there");
                spot.error("missing-label", message).instead(instead)
            }
        };
        self.repeated.push(spot, problem.value(source));
        None
    }
}

/// Takes an ECS service for a target, or logs that another has it.
fn claim<'files>(shared: &mut Shared<'files>, owner: Owner<'files>, ecs_service: &EcsServiceName) {
    let Environment { place, cluster, .. } = owner.environment;
    match shared.ecs_services.entry((place, cluster, ecs_service.clone())) {
        Entry::Vacant(entry) => {
            entry.insert(owner);
        }
        Entry::Occupied(entry) => {
            let (other, spot) = (entry.get(), entry.get().spot);
            let message = format!(
                "{owner} and {other} ({spot}) are both the ECS service `{ecs_service}` \
                 in cluster `{cluster}` of {place}"
            );
            let problem = owner.spot.error("same-ecs-service", message).value(ecs_service.as_str());
            let instead = "write another `ecs_service` for one of them";
            shared.repeated.push(owner.spot, problem.instead(instead));
        }
    }
}

/// Notes that a target reads a path, and logs that another environment reads it too.
fn read_path<'files>(shared: &mut Shared<'files>, owner: Owner<'files>, path: &ParameterPath) {
    let place = &owner.environment.place;
    let first = *shared.paths.entry((place, path.clone())).or_insert(owner);
    if first.environment.name != owner.environment.name {
        let message = format!("{owner} and {first} both read `{path}` in {place}");
        let problem = owner.spot.warning("shared-path", message).value(path.as_str());
        let instead = "put {environment} into it, or write shared: true if that is meant";
        shared.repeated.push(owner.spot, problem.instead(instead));
    }
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.environment.name, self.service)
    }
}
