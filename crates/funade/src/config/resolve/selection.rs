//! Which environments a selection means, and whether it means any.

use std::collections::{BTreeMap, BTreeSet};

use super::fleet::Fleet;
use crate::config::decode::{At, List, OneOrMany, Table};
use crate::config::nearest::hint;
use crate::config::problem::Problem;
use crate::config::raw::RawSelector;
use crate::config::scalar::{LabelName, LabelValue};
use crate::config::types::Environment;
use crate::facts::names::EnvironmentName;

/// An environment as selections see it.
pub(super) struct Member {
    pub(super) labels: BTreeMap<String, String>,
    /// The environment, if all of it could be read.
    pub(super) environment: Option<Environment>,
}

type Labels = Table<LabelName, OneOrMany<At<LabelValue>>>;

/// The environments that are meant. None if that cannot be said, because part of the selection
/// or of the fleet could not be read; a problem has been logged then.
pub(super) fn select(
    selector: &RawSelector,
    fleet: &Fleet,
    problems: &mut Vec<Problem>,
) -> Option<BTreeSet<EnvironmentName>> {
    let before = problems.len();
    let (selected, complete) = match selector {
        RawSelector::All(_) => (fleet.members.keys().cloned().collect(), true),
        RawSelector::Names(names) => (by_name(names, fleet, problems), names.complete),
        RawSelector::Labels(labels) => {
            (by_label(labels, fleet, problems), is_whole(labels) && fleet.labels_complete)
        }
    };
    let complete = complete && problems.len() == before;
    if complete && fleet.names_complete && selected.is_empty() && !fleet.members.is_empty() {
        let problem = selector.spot().error("empty-selection", "this selects no environment");
        problems.push(problem.instead("write all, labels that some environment has, or names"));
    }
    (complete && !selected.is_empty()).then_some(selected)
}

/// Logs that an environment of this name does not exist, if that can be said.
pub(super) fn unknown_environment(
    name: &At<EnvironmentName>,
    fleet: &Fleet,
    problems: &mut Vec<Problem>,
) {
    if fleet.names_complete {
        let message = format!("there is no environment `{}`", name.value);
        let problem = name.spot.error("unknown-environment", message).value(name.value.as_str());
        let known = fleet.members.keys().map(EnvironmentName::as_str);
        problems.push(problem.instead(hint(name.value.as_str(), "environments", known)));
    }
}

fn by_name(
    names: &List<At<EnvironmentName>>,
    fleet: &Fleet,
    problems: &mut Vec<Problem>,
) -> BTreeSet<EnvironmentName> {
    let mut selected = BTreeSet::new();
    for name in &names.items {
        if !fleet.members.contains_key(&name.value) {
            unknown_environment(name, fleet, problems);
        } else if !selected.insert(name.value.clone()) {
            let message = format!("`{}` is named twice", name.value);
            let problem = name.spot.error("duplicate-item", message).value(name.value.as_str());
            problems.push(problem.instead("name it once"));
        }
    }
    selected
}

fn by_label(
    labels: &Labels,
    fleet: &Fleet,
    problems: &mut Vec<Problem>,
) -> BTreeSet<EnvironmentName> {
    let mut wanted: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, values) in labels.whole() {
        let values = &values.0.items;
        if fleet.labels_complete {
            problems.extend(unknown_label(name, values, fleet));
        }
        wanted.push((&name.value.0, values.iter().map(|value| value.value.0.as_str()).collect()));
    }
    let has = |member: &Member, (label, values): &(&str, Vec<&str>)| {
        member.labels.get(*label).is_some_and(|value| values.contains(&value.as_str()))
    };
    let members = fleet.members.iter().filter(|(_, member)| {
        !wanted.is_empty() && wanted.iter().all(|wanted| has(member, wanted))
    });
    members.map(|(name, _)| name.clone()).collect()
}

/// The label if no environment has it, or else those of the values that none has.
fn unknown_label(name: &At<LabelName>, values: &[At<LabelValue>], fleet: &Fleet) -> Vec<Problem> {
    let label = name.value.0.as_str();
    let Some(known) = fleet.labels.get(label) else {
        let message = format!("no environment has a label `{label}`");
        let problem = name.spot.error("unknown-label", message).value(label);
        return vec![problem.instead(hint(
            label,
            "labels",
            fleet.labels.keys().map(String::as_str),
        ))];
    };
    let unknown = values.iter().filter(|value| !known.contains(&value.value.0));
    let problem = |value: &At<LabelValue>| {
        let text = value.value.0.as_str();
        let problem =
            value.spot.error("unknown-label", format!("no environment has {label}: {text}"));
        problem.value(text).instead(hint(text, "values", known.iter().map(String::as_str)))
    };
    unknown.map(problem).collect()
}

fn is_whole(labels: &Labels) -> bool {
    labels.complete && labels.whole().all(|(_, values)| values.0.complete)
}
