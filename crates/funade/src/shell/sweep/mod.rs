//! The sweep: everything is looked at, whether or not an event has told of it.
//!
//! Services are described ten at a time, and each target is planned for as its pass would plan: what
//! a pass would put right is woken, the rest is told. Places are looked at side by side, the targets
//! of one place one after the other, so that no account's API is asked faster than one caller asks.
//! Invariants: a sweep changes nothing but findings and the releases that it notes; a place that
//! cannot be looked at costs one call, and stops no other; what was not looked at keeps its findings.

mod schedule;
mod services;
mod targets;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream, try_join};
use jiff::Timestamp;
use tracing::{info, warn};

pub use self::schedule::{Scheduled, handle_schedule};
use self::services::sweep_service;
use self::targets::{Batch, assigned_images, batches, sweep_place};
use crate::config::{Config, Service};
use crate::decisions::notices::{of_closed, of_opened};
use crate::facts::finding::{About, Finding, FindingKind, Policy};
use crate::facts::hold::Hold;
use crate::facts::names::{Digest, EnvironmentName, Place, RepositoryName, ServiceName, TargetId};
use crate::facts::record::ServiceRecord;
use crate::facts::subject::{Subject, Wake};
use crate::world::{CallError, CallProblem, Ledger, Queue, World};

/// How many places, and services, are looked at side by side: a minute's share of ten thousand
/// targets is done in some seconds, and a function's memory stays small.
const SIDE_BY_SIDE_MAX: usize = 16;

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
    /// What could not be looked at.
    pub failed: Vec<Failed>,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What.
    pub what: String,
    /// Why, with all its sources.
    pub error: String,
}

/// An image: in which registry and repository, by its digest.
type Image = (Place, RepositoryName, Digest);

/// All that the parts of one sweep share.
struct Round<'a, W> {
    world: &'a W,
    config: &'a Config,
    services: BTreeMap<ServiceName, ServiceRecord>,
    holds: Vec<Hold>,
    /// Whether an image is in a registry, as far as somebody has asked.
    images: RefCell<BTreeMap<Image, bool>>,
    /// The id of this sweep: what it wakes goes back to it.
    cause: &'a str,
    by: SweptBy,
    now: Timestamp,
}

/// What one part of a sweep came to.
#[derive(Default)]
struct Part {
    /// Whom it has looked at: what is not found of them any more is closed.
    looked_at: BTreeSet<About>,
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
    let ledger = world.ledger();
    let (before, holds) = try_join!(ledger.findings(), ledger.all_holds())?;
    let suspects = suspects(&before);
    let batches = batches(config, scope, &suspects);
    let services = services_in(config, scope);
    let records = records(world, &batches, &services).await?;
    let images = RefCell::new(assigned_images(world, &batches, &records).await);
    let now = world.now();
    let round = Round { world, config, services: records, holds, images, cause, by, now };

    let mut by_place: BTreeMap<&Place, Vec<Batch<'_>>> = BTreeMap::new();
    for batch in batches {
        by_place.entry(batch.place).or_default().push(batch);
    }
    let of_places =
        by_place.into_iter().map(|(place, batches)| sweep_place(&round, place, batches));
    let of_services = services.iter().map(|service| sweep_service(&round, service));
    let places = stream::iter(of_places).buffer_unordered(SIDE_BY_SIDE_MAX);
    let parts: Vec<Part> = places.collect().await;
    let registries = stream::iter(of_services).buffer_unordered(SIDE_BY_SIDE_MAX);
    let mut all = Part::default();
    for part in parts.into_iter().chain(registries.collect::<Vec<Part>>().await) {
        all.add(part);
    }
    conclude(&round, before, all).await
}

/// Compares what was found with what stood before, writes that down, and wakes.
async fn conclude<W: World>(
    round: &Round<'_, W>,
    before: Vec<Finding>,
    mut all: Part,
) -> Result<Swept, CallError> {
    let Round { world, config, now, .. } = round;
    all.findings.retain(|finding| config.policies.of(finding.kind) != Policy::Ignore);
    let known: BTreeMap<(About, FindingKind), Finding> =
        before.into_iter().map(|finding| (finding.key(), finding)).collect();
    let last = |finding: &Finding| known.get(&finding.key());
    let found = all.findings.into_iter().map(|finding| {
        let last = last(&finding);
        finding.after(last, *now)
    });
    let findings: Vec<Finding> = found.collect();
    let was_open = |finding: &&Finding| last(finding).is_some_and(|last| last.is_open);
    let opened: Vec<Finding> =
        findings.iter().filter(|f| f.is_open && !was_open(f)).cloned().collect();
    let written: Vec<Finding> =
        findings.iter().filter(|finding| last(finding) != Some(finding)).cloned().collect();
    all.findings = findings;
    let stands: BTreeSet<_> = all.findings.iter().map(Finding::key).collect();
    let gone = |finding: &Finding| {
        let ours = all.looked_at.contains(&finding.about) || !is_configured(config, &finding.about);
        ours && !stands.contains(&finding.key())
    };
    let closed: Vec<Finding> = known.into_values().filter(gone).collect();
    for finding in &written {
        let notice = opened.contains(finding).then(|| of_opened(finding, *now));
        let wrote = world.ledger().write_finding(finding, notice.as_ref()).await;
        unless_another_did(wrote)?;
    }
    for finding in &closed {
        let notice = finding.is_open.then(|| of_closed(finding, *now));
        let wrote = world.ledger().close_finding(finding, notice.as_ref()).await;
        unless_another_did(wrote)?;
    }
    if !all.wakes.is_empty() {
        world.queue().wake(&all.wakes).await?;
    }
    let swept = swept(all, opened, closed);
    tell(&swept, round.cause);
    Ok(swept)
}

/// Two sweeps may find the same: a person's and the schedule's. One of them tells.
fn unless_another_did(wrote: Result<(), CallError>) -> Result<(), CallError> {
    match wrote {
        Err(error) if error.problem == CallProblem::Conflict => Ok(()),
        other => other,
    }
}

fn swept(all: Part, opened: Vec<Finding>, mut closed: Vec<Finding>) -> Swept {
    closed.retain(|finding| finding.is_open);
    let mut findings = all.findings;
    findings.retain(|finding| finding.is_open);
    findings.sort_by_key(|f| (std::cmp::Reverse(f.kind.severity()), f.about.clone(), f.kind));
    let count = |of: fn(&About) -> bool| all.looked_at.iter().filter(|about| of(about)).count();
    Swept {
        targets: count(|about| matches!(about, About::Target(_))),
        services: count(|about| matches!(about, About::Service(_))),
        findings,
        opened,
        closed,
        woken: all.wakes.into_iter().map(|wake| wake.subject).collect(),
        failed: all.failed,
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

/// Whether a finding can be about this still: a target that was taken out of the fleet has none.
fn is_configured(config: &Config, about: &About) -> bool {
    match about {
        About::Target(id) => config.target(id).is_some(),
        About::Service(name) => config.services.contains_key(name),
        About::Place(place) => config.targets().any(|target| &target.place == place),
    }
}

fn services_in<'a>(config: &'a Config, scope: &Scope) -> Vec<&'a Service> {
    let services = config.services.values().enumerate();
    let in_scope = |number: usize| match scope {
        Scope::Everything => true,
        Scope::Environments(_) => false,
        Scope::Minute { minute, of } => is_due(number, *minute, *of),
    };
    services.filter(|(number, _)| in_scope(*number)).map(|(_, service)| service).collect()
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
        self.findings.extend(other.findings);
        self.wakes.extend(other.wakes);
        self.failed.extend(other.failed);
    }
}

fn tell(swept: &Swept, cause: &str) {
    for Failed { what, error } in &swept.failed {
        warn!(cause, "{what} could not be looked at: {error}");
    }
    for finding in &swept.opened {
        warn!(cause, kind = %finding.kind, about = %finding.about, "{}", finding.sentence);
    }
    for finding in &swept.closed {
        info!(cause, kind = %finding.kind, about = %finding.about, "it is so no more");
    }
    let (targets, woken, findings) = (swept.targets, swept.woken.len(), swept.findings.len());
    info!(cause, targets, woken, findings, failed = swept.failed.len(), "swept");
}
