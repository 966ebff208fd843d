//! The sweep: everything is looked at, whether or not an event has told of it.
//!
//! Services are described ten at a time, and each target is planned for as its pass would plan: what
//! a pass would put right is woken, the rest is told. Places are looked at side by side, the targets
//! of one place one after the other, so that no account's API is asked faster than one caller asks.
//! Invariants: a sweep changes nothing but findings and the releases that it notes; a place that
//! refuses costs one call, one that does not answer costs a few, and neither stops another; what was
//! not looked at keeps its findings; and what was seen when a sweep's time is over is told.

mod conclude;
mod images;
mod schedule;
mod services;
mod targets;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use futures_util::{StreamExt, join, stream, try_join};
use jiff::Timestamp;

use self::conclude::conclude;
use self::images::{Images, ask_for, left_open};
pub use self::schedule::{Scheduled, handle_schedule};
use self::services::sweep_service;
use self::targets::{Batch, assigned_images, batches, sweep_place};
use self::time::{Missed, is_refusal};
use crate::config::{Config, Service};
use crate::facts::finding::{About, Finding, FindingKind};
use crate::facts::hold::Hold;
use crate::facts::names::{EnvironmentName, Place, RepositoryName, ServiceName, TargetId};
use crate::facts::record::ServiceRecord;
use crate::facts::subject::{Subject, Wake};
use crate::world::{CallError, Ledger, Queue, World};

/// How many places, and services, are looked at side by side: a minute's share of ten thousand
/// targets is done in some seconds, and a function's memory stays small.
const SIDE_BY_SIDE_MAX: usize = 16;

/// How many looks in a row may get no answer, or be told to come slower, before a place is left alone
/// for this sweep. Each may take as long as a call may, some seconds: one is an accident, three in a
/// row are an outage, which thousands of targets would each wait out.
const UNANSWERED_MAX: usize = 3;

/// How many targets are woken at a time for what is due. More than a minute brings; what is left
/// comes the next minute.
const DUE_MAX: usize = 1000;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All targets and services.
    Everything,
    /// All targets of these environments.
    Environments(BTreeSet<EnvironmentName>),
    /// The share of one minute, where everything is looked at once in so many.
    Minute {
        /// Any number that grows by one with each minute.
        minute: i64,
        /// How many minutes a whole sweep takes; at least 1.
        of: i64,
    },
}

/// Whose rights a sweep looks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweptBy {
    /// The function's: where it cannot look, nothing can be deployed.
    Schedule,
    /// A person's, who may lack a role that the functions have: that is said to them, and is no
    /// finding.
    Person,
}

/// What a sweep did.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// How many targets were looked at.
    pub targets: usize,
    /// How many services' registries were looked at.
    pub services: usize,
    /// What stands now of all that was looked at, and was told; the gravest first.
    pub findings: Vec<Finding>,
    /// Those of them that were not told before.
    pub opened: Vec<Finding>,
    /// What was found before and is so no more.
    pub closed: Vec<Finding>,
    /// Who was woken, to be put right.
    pub woken: Vec<Subject>,
    /// What could not be looked at, or written down.
    pub failed: Vec<Failed>,
}

/// Something that could not be looked at, or written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What.
    pub what: String,
    /// Why, with all its sources.
    pub error: String,
}

/// All that the parts of one sweep share.
struct Round<'a, W> {
    world: &'a W,
    config: &'a Config,
    services: BTreeMap<ServiceName, ServiceRecord>,
    holds: Vec<Hold>,
    images: Images,
    /// The id of this sweep: what it wakes goes back to it.
    cause: &'a str,
    by: SweptBy,
    now: Timestamp,
    /// When it looks at nothing more; `None` if it has all the time that it needs.
    ends_at: Option<Timestamp>,
}

/// What one part of a sweep came to.
#[derive(Default)]
struct Part {
    /// Whom it has looked at: what is not found of them any more is closed.
    looked_at: BTreeSet<About>,
    /// What could not be looked at in them all the same.
    unseen: BTreeSet<(About, FindingKind)>,
    findings: Vec<Finding>,
    wakes: Vec<Wake>,
    failed: Vec<Failed>,
}

/// Wakes the targets for which something is due.
pub async fn wake_due<W: World>(
    world: &W,
    config: &Config,
    cause: &str,
) -> Result<Vec<TargetId>, CallError> {
    let mut due = world.ledger().due(world.now(), DUE_MAX).await?;
    due.retain(|id| config.target(id).is_some());
    let wake = |id: &TargetId| Wake::new(Subject::Target(id.clone()), cause, "something is due");
    let wakes: Vec<Wake> = due.iter().map(wake).collect();
    if !wakes.is_empty() {
        world.queue().wake(&wakes).await?;
    }
    Ok(due)
}

/// Looks at everything in scope, writes down what it finds, and wakes what a pass would put right.
/// An error means that the ledger or the queue failed; what else fails is in [`Swept::failed`].
pub async fn sweep<W: World>(
    world: &W,
    config: &Config,
    scope: &Scope,
    (cause, by): (&str, SweptBy),
) -> Result<Swept, CallError> {
    sweep_until(world, config, scope, (cause, by), None).await
}

/// The same, looking at nothing more from a moment on: the rest is in [`Swept::failed`].
async fn sweep_until<W: World>(
    world: &W,
    config: &Config,
    scope: &Scope,
    (cause, by): (&str, SweptBy),
    ends_at: Option<Timestamp>,
) -> Result<Swept, CallError> {
    let ledger = world.ledger();
    let (before, holds) = try_join!(ledger.findings(), ledger.all_holds())?;
    let unreachable = unreachable_before(&before);
    let mut suspects = suspects(&before);
    suspects.extend(probes(config, &unreachable));
    let batches = batches(config, scope, &suspects);
    let services = services_in(config, scope, &unreachable);
    let records = records(world, &batches, &services).await?;
    let (images, now) = (Images::default(), world.now());
    let round = Round { world, config, services: records, holds, images, cause, by, now, ends_at };
    ask_for(&round, assigned_images(&batches, &round.services)).await;

    let mut by_place: BTreeMap<&Place, Vec<Batch<'_>>> = BTreeMap::new();
    for batch in batches {
        by_place.entry(batch.place).or_default().push(batch);
    }
    let of_places =
        by_place.into_iter().map(|(place, batches)| sweep_place(&round, place, batches));
    let of_services = services.iter().map(|service| sweep_service(&round, service));
    let places = stream::iter(of_places).buffer_unordered(SIDE_BY_SIDE_MAX);
    let registries = stream::iter(of_services).buffer_unordered(SIDE_BY_SIDE_MAX);
    let (places, registries) = join!(places.collect::<Vec<Part>>(), registries.collect::<Vec<_>>());
    let mut all = left_open(&round);
    for part in places.into_iter().chain(registries) {
        all.add(part);
    }
    if by == SweptBy::Schedule {
        for place in &unreachable {
            is_reached(config, place, &mut all);
        }
    }
    conclude(&round, before, all).await
}

/// What is found where a registry refuses what is asked of it. That a person lacks the right is none.
fn unreachable_registry<W: World>(
    round: &Round<'_, W>,
    place: &Place,
    error: &str,
) -> Option<Finding> {
    if round.by == SweptBy::Person {
        return None;
    }
    let sentence = format!("the registry {place} cannot be looked at: {error}");
    let next = "see that its account lets Funade's role in, and that the role may read its images; \
                until then nobody knows what was pushed, and no release can be deployed from it";
    let said = (sentence, next.to_owned());
    let about = About::Place(place.clone());
    Some(Finding::new(about, FindingKind::Unreachable, said, round.now))
}

/// The places that could not be looked at.
fn unreachable_before(before: &[Finding]) -> BTreeSet<Place> {
    let place = |finding: &Finding| match &finding.about {
        About::Place(place) => Some(place.clone()),
        About::Target(_) | About::Service(_) => None,
    };
    before.iter().filter_map(place).collect()
}

/// The targets by which it is seen each minute whether these places can be looked at again: one that
/// runs there, and of each repository there one that pulls from it.
fn probes(config: &Config, unreachable: &BTreeSet<Place>) -> BTreeSet<TargetId> {
    let mut probes: BTreeMap<(&Place, Option<&RepositoryName>), &TargetId> = BTreeMap::new();
    for target in config.targets() {
        let pulls = (&target.pulls_from.place, Some(&target.repository));
        for way in [(&target.place, None), pulls] {
            if unreachable.contains(way.0) {
                probes.entry(way).or_insert(&target.id);
            }
        }
    }
    probes.into_values().cloned().collect()
}

/// Says that a place was looked at if all was, by which it may have been found unreachable: only then
/// that is so no more.
fn is_reached(config: &Config, place: &Place, all: &mut Part) {
    let about = About::Place(place.clone());
    let runs_there = config.targets().any(|target| &target.place == place);
    let mut registries =
        config.services.values().filter(|service| &service.registry.place == place);
    let reached = (!runs_there || all.looked_at.contains(&about))
        && registries.all(|s| all.looked_at.contains(&About::Service(s.name.clone())));
    if reached {
        all.looked_at.insert(about);
    } else {
        all.looked_at.remove(&about);
    }
}

/// The targets that are looked at each minute: what is wrong with them is told, or gone, soon.
fn suspects(before: &[Finding]) -> BTreeSet<TargetId> {
    let soon = before.iter().filter(|finding| !finding.is_open);
    let id = |finding: &Finding| match &finding.about {
        About::Target(id) => Some(id.clone()),
        About::Place(_) | About::Service(_) => None,
    };
    soon.filter_map(id).collect()
}

/// The services whose registries are looked at: those in scope, and in a minute's share those of
/// registries that could not be looked at before.
fn services_in<'a>(
    config: &'a Config,
    scope: &Scope,
    unreachable: &BTreeSet<Place>,
) -> Vec<&'a Service> {
    let services = config.services.values().enumerate();
    let in_scope = |(number, service): &(usize, &Service)| match scope {
        Scope::Everything => true,
        Scope::Environments(_) => false,
        Scope::Minute { minute, of } => {
            is_due(*number, *minute, *of) || unreachable.contains(&service.registry.place)
        }
    };
    services.filter(in_scope).map(|(_, service)| service).collect()
}

/// Whether the part with this number is looked at in this minute.
fn is_due(number: usize, minute: i64, of: i64) -> bool {
    let of = of.max(1);
    i64::try_from(number).is_ok_and(|number| number.rem_euclid(of) == minute.rem_euclid(of))
}

/// Reads the records of all services that the parts are about, each once.
async fn records<W: World>(
    world: &W,
    batches: &[Batch<'_>],
    services: &[&Service],
) -> Result<BTreeMap<ServiceName, ServiceRecord>, CallError> {
    let of_targets = batches.iter().flat_map(|batch| &batch.targets).map(|t| &t.id.service);
    let names = of_targets.chain(services.iter().map(|service| &service.name));
    let names: BTreeSet<&ServiceName> = names.collect();
    let reads = names
        .into_iter()
        .map(async |name| Ok::<_, CallError>((name.clone(), world.ledger().service(name).await?)));
    try_join_all(reads).await.map(|read| read.into_iter().collect())
}

impl Part {
    fn add(&mut self, other: Self) {
        self.looked_at.extend(other.looked_at);
        self.unseen.extend(other.unseen);
        self.findings.extend(other.findings);
        self.wakes.extend(other.wakes);
        self.failed.extend(other.failed);
    }
}
