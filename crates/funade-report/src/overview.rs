//! The fleet put in order: rows, columns, and for each target what is shown of it.
//!
//! Environments are rows, since there are more of them than services, in the order of the waves in
//! which a release reaches them. Everything that is shown is derived here once, for page and JSON
//! alike.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use funade::facts::deploy::Deploy;
use funade::facts::finding::{About, Finding, Policy};
use funade::facts::names::{EnvironmentName, ServiceName, Tag, TargetId};
use funade::shell::TargetState;

use crate::Fleet;
use crate::running::running;
use crate::state::{State, state};

/// A fleet in order.
pub(crate) struct Overview<'a> {
    /// The columns.
    pub(crate) services: Vec<&'a ServiceName>,
    /// The rows, wave by wave.
    pub(crate) waves: Vec<Rows<'a>>,
    /// What is told, most severe first.
    pub(crate) findings: Vec<&'a Finding>,
}

/// The environments of a wave.
pub(crate) struct Rows<'a> {
    /// The wave; `None` for environments that the configuration has no more.
    pub(crate) wave: Option<&'a str>,
    /// Each environment with its targets, one place for each column.
    pub(crate) rows: Vec<(&'a EnvironmentName, Vec<Option<Shown<'a>>>)>,
}

/// A target, and what follows from its record.
pub(crate) struct Shown<'a> {
    /// The target.
    pub(crate) target: &'a TargetState,
    /// How it stands.
    pub(crate) state: State,
    /// The release that it runs, if that is known.
    pub(crate) release: Option<&'a Tag>,
    /// What was found about it, its service and its place: places in the overview's list.
    pub(crate) findings: Vec<usize>,
    /// Its deploys that were read, newest first.
    pub(crate) history: &'a [Deploy],
}

impl<'a> Overview<'a> {
    /// Puts the fleet in order.
    pub(crate) fn of(fleet: &Fleet<'a>) -> Self {
        let targets = || fleet.services.iter().flat_map(|service| &service.targets);
        let services: BTreeSet<_> = fleet.services.iter().map(|status| &status.service).collect();
        let services: Vec<_> = services.into_iter().collect();
        let findings = told(fleet);
        let mut found: BTreeMap<&About, Vec<usize>> = BTreeMap::new();
        for (index, finding) in findings.iter().enumerate() {
            found.entry(&finding.about).or_default().push(index);
        }
        let by_id: BTreeMap<_, _> = targets().map(|target| (&target.id, target)).collect();
        let row = |environment: &'a EnvironmentName| {
            let cell = |service: &&ServiceName| {
                let (environment, service) = (environment.clone(), (*service).clone());
                let id = TargetId { environment, service };
                by_id.get(&id).map(|target| shown(fleet, target, &findings, &found))
            };
            (environment, services.iter().map(cell).collect())
        };
        let wave = |(wave, environments): (Option<&'a str>, Vec<&'a EnvironmentName>)| Rows {
            wave,
            rows: environments.into_iter().map(row).collect(),
        };
        let configured = fleet.config.waves.iter();
        let configured =
            configured.map(|wave| (Some(wave.name.as_str()), wave.environments.iter().collect()));
        let others: BTreeSet<_> = targets()
            .map(|target| &target.id.environment)
            .filter(|name| !fleet.config.environments.contains_key(*name))
            .collect();
        let others = (!others.is_empty()).then(|| (None, others.into_iter().collect()));
        let waves = configured.chain(others).map(wave).collect();
        Self { services, waves, findings }
    }

    /// The targets, row by row: the order in which the page's cells stand.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Shown<'a>> {
        let rows = self.waves.iter().flat_map(|wave| &wave.rows);
        rows.flat_map(|(_, cells)| cells.iter().flatten())
    }

    /// How many targets stand how, every state among them.
    pub(crate) fn counts(&self) -> BTreeMap<State, usize> {
        let mut counts: BTreeMap<_, _> = State::ALL.into_iter().map(|state| (state, 0)).collect();
        for shown in self.targets() {
            *counts.entry(shown.state).or_default() += 1;
        }
        counts
    }
}

/// The findings that a person is told, most severe first.
fn told<'a>(fleet: &Fleet<'a>) -> Vec<&'a Finding> {
    let told = fleet.findings.iter().filter(|finding| {
        finding.is_open
            && match fleet.config.policies.of(finding.kind) {
                Policy::Heal | Policy::Notify => true,
                Policy::Ignore => false,
            }
    });
    let mut told: Vec<_> = told.collect();
    told.sort_by_key(|finding| (Reverse(finding.kind.severity()), finding.key()));
    told
}

fn shown<'a>(
    fleet: &Fleet<'a>,
    target: &'a TargetState,
    findings: &[&'a Finding],
    found: &BTreeMap<&About, Vec<usize>>,
) -> Shown<'a> {
    let place = fleet.config.environments.get(&target.id.environment);
    let place = place.map(|environment| About::Place(environment.place.clone()));
    let about = |about: &About| found.get(about).cloned().unwrap_or_default();
    let mut of_target = about(&About::Target(target.id.clone()));
    of_target.extend(place.as_ref().map(about).unwrap_or_default());
    // What is found about a service says nothing about one of its targets: it is shown with each,
    // and colours none.
    let gravest = of_target.iter().map(|index| findings[*index].kind.severity()).max();
    of_target.extend(about(&About::Service(target.id.service.clone())));
    of_target.sort_unstable();
    let history = fleet.history.get(&target.id).map_or(&[][..], Vec::as_slice);
    Shown {
        target,
        state: state(&target.record, gravest),
        release: running(target, history),
        findings: of_target,
        history,
    }
}
