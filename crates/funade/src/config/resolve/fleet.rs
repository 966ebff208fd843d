//! The fleet file: environments, and the waves and freezes over them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::registry;
use super::selection::{self, Member};
use crate::config::decode::{At, List, Table};
use crate::config::nearest::listed;
use crate::config::problem::{Problem, Spot};
use crate::config::quantity::Share;
use crate::config::raw::{RawEnvironment, RawFleet, RawFreeze, RawWave};
use crate::config::types::{Environment, Freeze, Policies, Registry, Wave};
use crate::facts::finding::{FindingKind, Policy};
use crate::facts::names::{EnvironmentName, Place};

/// The name of the only wave, if the fleet has none.
const IMPLICIT_WAVE: &str = "all";

/// The fleet as far as it could be read.
pub(super) struct Fleet {
    pub(super) registry: Option<Registry>,
    /// Every environment that has a name, in whatever state it is otherwise.
    pub(super) members: BTreeMap<EnvironmentName, Member>,
    /// Every label of every environment, with all its values.
    pub(super) labels: BTreeMap<String, BTreeSet<String>>,
    /// Whether every name could be read, so that one that is not found does not exist.
    pub(super) names_complete: bool,
    /// Whether every label could be read.
    pub(super) labels_complete: bool,
    pub(super) waves: Vec<Wave>,
    pub(super) freezes: Vec<Freeze>,
    pub(super) policies: Policies,
}

impl Fleet {
    /// The wave that an environment is in.
    pub(super) fn wave_of(&self, environment: &EnvironmentName) -> Option<&Wave> {
        self.waves.iter().find(|wave| wave.environments.contains(environment))
    }
}

/// Resolves the fleet file.
pub(super) fn resolve(raw: &RawFleet, problems: &mut Vec<Problem>) -> Fleet {
    let mut fleet = Fleet {
        registry: raw.registry.0.as_ref().and_then(registry),
        members: BTreeMap::new(),
        labels: BTreeMap::new(),
        names_complete: false,
        labels_complete: false,
        waves: Vec::new(),
        freezes: Vec::new(),
        policies: raw.findings.as_ref().map(|raw| policies(raw, problems)).unwrap_or_default(),
    };
    if let Some(table) = &raw.environments.0 {
        members(table, &mut fleet);
        if table.entries.is_empty() && table.complete {
            problems.push(table.spot.error("no-environments", "the fleet has no environment"));
        }
    }
    fleet.waves = match &raw.waves {
        Some(raw) => waves(raw, &fleet, problems),
        None => vec![implicit_wave(&fleet)],
    };
    fleet.freezes = raw
        .freezes
        .iter()
        .flat_map(|raw| &raw.items)
        .filter_map(|raw| freeze(raw, problems))
        .collect();
    fleet
}

fn members(table: &Table<EnvironmentName, RawEnvironment>, fleet: &mut Fleet) {
    let is_broken_whole = table.entries.is_empty() && !table.complete;
    fleet.names_complete =
        !is_broken_whole && table.entries.iter().all(|entry| entry.name.is_some());
    fleet.labels_complete = !is_broken_whole;
    for entry in &table.entries {
        let raw = entry.value.as_ref();
        let labels = raw.and_then(|raw| raw.labels.as_ref());
        fleet.labels_complete &= raw.is_some() && labels.is_none_or(|labels| labels.complete);
        let labels = labels.into_iter().flat_map(Table::whole);
        let labels: BTreeMap<String, String> =
            labels.map(|(name, value)| (name.value.0.clone(), value.value.0.clone())).collect();
        for (label, value) in &labels {
            fleet.labels.entry(label.clone()).or_default().insert(value.clone());
        }
        if let Some(name) = &entry.name {
            let environment = raw.and_then(|raw| environment(&name.value, raw, labels.clone()));
            fleet.members.insert(name.value.clone(), Member { labels, environment });
        }
    }
}

fn environment(
    name: &EnvironmentName,
    raw: &RawEnvironment,
    labels: BTreeMap<String, String>,
) -> Option<Environment> {
    Some(Environment {
        name: name.clone(),
        place: Place {
            account: raw.account.0.as_ref()?.value.clone(),
            region: raw.region.0.as_ref()?.value.clone(),
        },
        cluster: raw.cluster.0.as_ref()?.value.clone(),
        labels,
        registry: raw.registry.as_ref().and_then(registry),
    })
}

fn implicit_wave(fleet: &Fleet) -> Wave {
    Wave {
        name: IMPLICIT_WAVE.to_owned(),
        environments: fleet.members.keys().cloned().collect(),
        bake: SignedDuration::ZERO,
        max_concurrent: Share::ALL,
        max_failures: Share::NONE,
        approvals: 0,
    }
}

/// Hands the environments out to the waves, each to the first that selects it.
fn waves(raw: &List<RawWave>, fleet: &Fleet, problems: &mut Vec<Problem>) -> Vec<Wave> {
    let mut waves: Vec<Wave> = Vec::new();
    let mut names: BTreeMap<&str, &Spot> = BTreeMap::new();
    let mut left: BTreeSet<EnvironmentName> = fleet.members.keys().cloned().collect();
    let mut complete = raw.complete && fleet.names_complete;
    for raw in &raw.items {
        if let Some(name) = &raw.name.0 {
            if let Some(first) = names.get(name.value.0.as_str()) {
                let message = format!("the wave on line {} has this name too", first.line);
                let problem = name.spot.error("duplicate-wave", message).value(&name.value.0);
                problems.push(problem.instead("give one of them another name"));
            }
            names.entry(&name.value.0).or_insert(&name.spot);
        }
        let selected =
            raw.select.0.as_ref().map(|select| selection::select(select, fleet, problems));
        let (Some(select), Some(Some(selected))) = (&raw.select.0, selected) else {
            complete = false;
            continue;
        };
        let environments: BTreeSet<EnvironmentName> =
            selected.into_iter().filter(|name| left.remove(name)).collect();
        if environments.is_empty() && complete {
            let message = "the wave takes nothing: earlier waves have taken all that it selects";
            problems.push(
                select.spot().error("empty-wave", message).instead("move it up, or remove it"),
            );
        }
        waves.extend(wave(raw, environments));
    }
    if complete && !left.is_empty() {
        let message = format!("no wave takes {}", listed(left.iter().map(EnvironmentName::as_str)));
        let problem = raw.spot.error("environment-without-wave", message);
        problems.push(problem.instead("add a last wave with select: all"));
    }
    waves
}

fn wave(raw: &RawWave, environments: BTreeSet<EnvironmentName>) -> Option<Wave> {
    Some(Wave {
        name: raw.name.0.as_ref()?.value.0.clone(),
        environments,
        bake: raw.bake.as_ref().map_or(SignedDuration::ZERO, |bake| bake.value),
        max_concurrent: raw.max_concurrent.as_ref().map_or(Share::ALL, |share| share.value.0),
        max_failures: raw.max_failures.as_ref().map_or(Share::NONE, |share| share.value),
        approvals: raw.approvals.as_ref().map_or(0, |approvals| approvals.value),
    })
}

/// What is done about each kind of finding. Only some can be put right by a deployer.
fn policies(raw: &Table<FindingKind, At<Policy>>, problems: &mut Vec<Problem>) -> Policies {
    let mut policies = BTreeMap::new();
    for (kind, policy) in raw.whole() {
        if policy.value == Policy::Heal && !kind.value.can_be_healed() {
            let message = format!("`{}` is told, and not put right by Funade", kind.value);
            let problem = policy.spot.error("not-healed", message).value("heal");
            problems.push(problem.instead("write notify or ignore"));
            continue;
        }
        policies.insert(kind.value, policy.value);
    }
    Policies(policies)
}

fn freeze(raw: &RawFreeze, problems: &mut Vec<Problem>) -> Option<Freeze> {
    let (from, until) = (raw.from.0.as_ref()?, raw.until.0.as_ref()?);
    if from.value == until.value {
        let problem = until.spot.error("empty-freeze", "the freeze ends as it begins");
        problems.push(problem.value(until.value.to_string()).instead("write a later time"));
    }
    Some(Freeze {
        from: from.value,
        until: until.value,
        time_zone: raw.time_zone.0.as_ref()?.value.clone(),
        allow: raw.allow.iter().flat_map(|allow| &allow.items).map(|allow| allow.value).collect(),
    })
}
