//! The routes of messages: what each selects, and whether that can ever be told of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::fleet::Fleet;
use super::selection;
use crate::config::decode::{At, List};
use crate::config::nearest::hint;
use crate::config::problem::Problem;
use crate::config::raw::{RawRoute, RawService, RawTo};
use crate::config::types::{Format, Route, RouteTo, Service};
use crate::facts::finding::Severity;
use crate::facts::names::ServiceName;
use crate::facts::notice::NoticeKind;

/// The services, as routes see them.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// As written.
    pub(super) raw: &'a [RawService],
    /// Whether every service's name could be read, so that one that is not found does not exist.
    pub(super) complete: bool,
    /// Those that could be resolved.
    pub(super) resolved: &'a BTreeMap<ServiceName, Service>,
}

/// Resolves the routes.
pub(super) fn routes(
    raw: Option<&List<RawRoute>>,
    fleet: &Fleet,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Route> {
    let raw = raw.into_iter().flat_map(|raw| &raw.items);
    raw.filter_map(|raw| route(raw, fleet, known, problems)).collect()
}

fn route(
    raw: &RawRoute,
    fleet: &Fleet,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Route> {
    let before = problems.len();
    let environments =
        raw.environments.as_ref().map(|selector| selection::select(selector, fleet, problems));
    let services = raw.services.as_ref().map(|raw| services(raw, known, problems));
    let kinds = raw.kinds.as_ref().map(|raw| once(raw, problems));
    let to = raw.to.0.as_ref().map(|to| to_of(to, raw.format.as_ref(), problems));
    let route = Route {
        to: to?,
        // All that there are is all, so that nobody is forgotten who comes later.
        environments: environments
            .map(Option::unwrap_or_default)
            .filter(|selected| selected.len() < fleet.members.len()),
        services,
        kinds: kinds.unwrap_or_else(|| NoticeKind::ALL.into_iter().collect()),
        severity: raw.severity.as_ref().map_or(Severity::Notice, |severity| severity.value),
    };
    if problems.len() == before && known.complete {
        problems.extend(meets_nothing(raw, &route, known));
    }
    Some(route)
}

fn to_of(raw: &RawTo, format: Option<&At<Format>>, problems: &mut Vec<Problem>) -> RouteTo {
    let (to, has_its_own) = match raw {
        RawTo::Topic(arn) => {
            let format = format.map_or_else(Format::default, |format| format.value);
            return RouteTo::Topic { arn: arn.value.clone(), format };
        }
        RawTo::Webhook(url, key) => {
            let (url, key) = (url.value.clone(), key.value.clone());
            (RouteTo::Webhook { url, key }, "a webhook always gets signed JSON")
        }
        RawTo::Datadog(url, key) => {
            let (url, key) = (url.value.clone(), key.value.clone());
            (RouteTo::Datadog { url, key }, "Datadog gets events and deployments of its own form")
        }
    };
    if let Some(format) = format {
        let message = format!("`format` has no meaning here: {has_its_own}");
        problems.push(format.spot.error("bad-route", message).instead("remove `format`"));
    }
    to
}

fn services(
    raw: &List<At<ServiceName>>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeSet<ServiceName> {
    let written = known.raw.iter().filter_map(|raw| raw.service.0.as_ref());
    let names: BTreeSet<&str> = written.map(|name| name.value.as_str()).collect();
    for name in raw.items.iter().filter(|name| !names.contains(name.value.as_str())) {
        if known.complete {
            let message = format!("there is no service `{}`", name.value);
            let problem = name.spot.error("unknown-service", message).value(name.value.as_str());
            let instead = hint(name.value.as_str(), "services", names.iter().copied());
            problems.push(problem.instead(instead));
        }
    }
    once(raw, problems)
}

/// The items of a list that must not be empty, nor name anything twice.
fn once<T: Ord + Clone + Display>(raw: &List<At<T>>, problems: &mut Vec<Problem>) -> BTreeSet<T> {
    let mut items = BTreeSet::new();
    if raw.items.is_empty() && raw.complete {
        let problem = raw.spot.error("empty-list", "an empty list matches no notice");
        problems.push(problem.instead("name at least one, or remove the key to match all"));
    }
    for item in &raw.items {
        if !items.insert(item.value.clone()) {
            let message = format!("`{}` is named twice", item.value);
            let problem = item.spot.error("duplicate-item", message).value(item.value.to_string());
            problems.push(problem.instead("name it once"));
        }
    }
    items
}

/// Environments and services that exist, but of which none is in any: such a route never says
/// anything.
fn meets_nothing(raw: &RawRoute, route: &Route, known: Known<'_>) -> Option<Problem> {
    let (environments, services) = (route.environments.as_ref()?, route.services.as_ref()?);
    let mut targets = Vec::new();
    for name in services {
        // A service of which something could not be read may be in any.
        targets.extend(known.resolved.get(name)?.targets.keys());
    }
    if targets.iter().any(|environment| environments.contains(*environment)) {
        return None;
    }
    let spot = &raw.services.as_ref()?.spot;
    let message = "none of these services is in any of the route's `environments`";
    let problem = spot.error("empty-selection", message);
    Some(problem.instead("name services that are, or leave one of the two out"))
}
