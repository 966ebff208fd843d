//! From raw types to the configuration: whatever takes more than one value to judge.
//!
//! Input: the files as decoded, perhaps with holes where problems have been logged. Output: the
//! configuration, and the problems of names that name nothing, selections that select nothing,
//! and targets that are in each other's way. A hole makes no second problem: where what is
//! missing could have been the answer, nothing is said.

mod fleet;

mod notices;

mod repeated;

mod selection;

mod service;

mod settings;

mod target;

use std::collections::BTreeMap;

use super::problem::Problem;
use super::raw::{RawFleet, RawRegistry, RawService};
use super::types::{Config, Registry};
use crate::facts::names::Place;

/// Resolves everything; `services_complete` says that no file or document of the services is missing
/// because it could not be read. There is a configuration only if the fleet and its registry could be
/// read; whether it can be used is for the caller to judge, by the problems.
pub(super) fn resolve(
    fleet: Option<&RawFleet>,
    services: &[RawService],
    services_complete: bool,
    problems: &mut Vec<Problem>,
) -> Option<Config> {
    let known = fleet.map(|fleet| fleet::resolve(fleet, problems));
    let mut shared = target::Shared::default();
    let mut resolved = BTreeMap::new();
    for raw in service::named_once(services, problems) {
        let service =
            known.as_ref().and_then(|fleet| service::resolve(raw, fleet, &mut shared, problems));
        resolved.extend(service.map(|service| (service.name.clone(), service)));
    }
    shared.finish(problems);
    let known_services = notices::Known {
        raw: services,
        complete: services_complete && services.iter().all(|raw| raw.service.0.is_some()),
        resolved: &resolved,
    };
    let raw_notices = fleet.and_then(|fleet| fleet.notices.as_ref());
    let fleet = known?;
    let notices = notices::routes(raw_notices, &fleet, known_services, problems);
    let environments =
        fleet.members.into_iter().filter_map(|(name, member)| Some((name, member.environment?)));
    Some(Config::new(
        fleet.registry?,
        environments.collect(),
        resolved,
        fleet.waves,
        fleet.freezes,
        fleet.policies,
        notices,
    ))
}

/// The registry, if both its parts could be read.
fn registry(raw: &RawRegistry) -> Option<Registry> {
    let account = raw.account.0.as_ref()?.value.clone();
    let region = raw.region.0.as_ref()?.value.clone();
    Some(Registry { place: Place { account, region } })
}
