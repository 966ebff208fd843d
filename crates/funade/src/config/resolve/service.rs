//! A service's file: its targets, and the overrides of some.

use std::collections::{BTreeMap, BTreeSet};

use super::fleet::Fleet;
use super::settings::{Settings, Written};
use super::target::{Shared, Template, target};
use super::{registry, selection};
use crate::config::decode::{At, Table};
use crate::config::problem::{Problem, Spot};
use crate::config::raw::{RawOverride, RawService};
use crate::config::types::{Registry, Service};
use crate::facts::finding::{FindingKind, Policy};
use crate::facts::names::{ContainerName, EnvironmentName, RepositoryName, ServiceName};
use crate::facts::selection::Selection;

/// What all targets of a service have in common.
pub(super) struct Common<'raw> {
    pub(super) name: &'raw At<ServiceName>,
    pub(super) registry: Registry,
    pub(super) repository: &'raw RepositoryName,
    pub(super) selection: &'raw Selection,
    pub(super) overwrites_changes: bool,
}

/// What may be different in a target.
pub(super) struct Variant<'raw> {
    pub(super) ecs_service: Option<&'raw At<Template>>,
    pub(super) container: &'raw ContainerName,
    pub(super) settings: Settings<'raw>,
}

/// The services, but for those whose name another has taken.
pub(super) fn named_once<'raw>(
    services: &'raw [RawService],
    problems: &mut Vec<Problem>,
) -> Vec<&'raw RawService> {
    let mut first: BTreeMap<&ServiceName, &Spot> = BTreeMap::new();
    let mut kept = Vec::new();
    for service in services {
        if let Some(name) = &service.service.0 {
            if let Some(other) = first.get(&name.value) {
                let message = format!("`{}` is also the service of {other}", name.value);
                let problem =
                    name.spot.error("duplicate-service", message).value(name.value.as_str());
                problems.push(problem.instead("give one of them another name"));
                continue;
            }
            first.insert(&name.value, &name.spot);
        }
        kept.push(service);
    }
    kept
}

/// Resolves one service. None if something that every target needs could not be read.
pub(super) fn resolve<'files>(
    raw: &'files RawService,
    fleet: &'files Fleet,
    shared: &mut Shared<'files>,
    problems: &mut Vec<Problem>,
) -> Option<Service> {
    let selected = raw
        .environments
        .0
        .as_ref()
        .and_then(|selector| selection::select(selector, fleet, problems));
    check_overrides(raw, selected.as_ref(), fleet, problems);
    written(raw).check(problems);

    let image = raw.image.0.as_ref()?;
    let own = image.registry.as_ref().and_then(registry);
    let common = Common {
        name: raw.service.0.as_ref()?,
        registry: own.or_else(|| fleet.registry.clone())?,
        repository: &image.repository.0.as_ref()?.value,
        selection: &image.select.0.as_ref()?.0,
        overwrites_changes: fleet.policies.of(FindingKind::ChangedByHand) == Policy::Heal,
    };
    let container = &image.container.0.as_ref()?.value;
    let overrides = overrides(raw);
    let usual = variant(raw, None, container);
    let mut targets = BTreeMap::new();
    for name in selected? {
        let member = fleet.members.get(&name).and_then(|member| member.environment.as_ref());
        let (Some(environment), Some(wave)) = (member, fleet.wave_of(&name)) else { continue };
        let own = overrides.get(&name).map(|different| variant(raw, Some(different), container));
        let target = target(&common, own.as_ref().unwrap_or(&usual), environment, wave, shared);
        targets.extend(target.map(|target| (name, target)));
    }
    Some(Service {
        name: common.name.value.clone(),
        repository: common.repository.clone(),
        selection: common.selection.clone(),
        registry: common.registry,
        targets,
    })
}

fn overrides(raw: &RawService) -> BTreeMap<&EnvironmentName, &RawOverride> {
    let entries = raw.overrides.iter().flat_map(Table::whole);
    entries.map(|(name, different)| (&name.value, different)).collect()
}

fn variant<'raw>(
    raw: &'raw RawService,
    different: Option<&'raw RawOverride>,
    container: &'raw ContainerName,
) -> Variant<'raw> {
    let usual = written(raw);
    let own_container =
        different.and_then(|raw| raw.container.as_ref()).map(|container| &container.value);
    Variant {
        ecs_service: different
            .and_then(|raw| raw.ecs_service.as_ref())
            .or(raw.ecs_service.as_ref()),
        container: own_container.unwrap_or(container),
        settings: different.map_or(usual, |raw| written_different(raw).or(usual)).settings(),
    }
}

fn written(raw: &RawService) -> Written<'_> {
    Written {
        parameters: raw.parameters.as_ref(),
        secrets: raw.secrets.as_ref(),
        on_parameter_change: raw.on_parameter_change.as_ref(),
        verify: raw.verify.as_ref(),
        rollback: raw.rollback.as_ref(),
    }
}

fn written_different(raw: &RawOverride) -> Written<'_> {
    Written {
        parameters: raw.parameters.as_ref(),
        secrets: raw.secrets.as_ref(),
        on_parameter_change: raw.on_parameter_change.as_ref(),
        verify: raw.verify.as_ref(),
        rollback: raw.rollback.as_ref(),
    }
}

/// Logs overrides of environments that do not exist, or that the service is not in.
fn check_overrides(
    raw: &RawService,
    selected: Option<&BTreeSet<EnvironmentName>>,
    fleet: &Fleet,
    problems: &mut Vec<Problem>,
) {
    for (name, different) in raw.overrides.iter().flat_map(Table::whole) {
        if !fleet.members.contains_key(&name.value) {
            selection::unknown_environment(name, fleet, problems);
        } else if selected.is_some_and(|selected| !selected.contains(&name.value)) {
            let message = format!("the service is not in `{}`", name.value);
            let problem =
                name.spot.error("override-without-target", message).value(name.value.as_str());
            problems.push(
                problem.instead("remove the override, or add the environment to `environments`"),
            );
        }
        written_different(different).check(problems);
    }
}
