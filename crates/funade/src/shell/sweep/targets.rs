//! The targets of one place, ten at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::images::{Image, is_present};
use super::{Failed, Missed, Part, Round, Scope, SweptBy, UNANSWERED_MAX, is_due, is_refusal};
use crate::config::{Config, Target};
use crate::decisions::findings::{
    Looked, WayBackLook, findings, hints_at_stops, is_being_written, puts_right, refused,
};
use crate::decisions::observation::Observation;
use crate::decisions::plan::Plan;
use crate::facts::ecs::EcsService;
use crate::facts::finding::{About, Finding, FindingKind, Policy};
use crate::facts::names::{ClusterName, EcsServiceName, Place, ServiceName, TargetId};
use crate::facts::record::{ServiceRecord, TargetRecord};
use crate::facts::release::Assignment;
use crate::facts::subject::{Subject, Wake};
use crate::facts::task_definition::Revision;
use crate::shell::observe::{Described, Known, known_of_many, observe};
use crate::world::{CallError, CallProblem, Ecs, SERVICES_READ_MAX, World};

/// How long a target takes at least: five of a place in a second. Each is a task definition and some
/// pages of parameters, of which an account gives twenty and forty in a second, the latter shared
/// with all tasks that start there. So a sweep leaves half of either to others, and the share of a
/// minute of two thousand targets in one account takes half a minute.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
/// <https://docs.aws.amazon.com/general/latest/gr/ssm.html>
const TARGET_TAKES_MIN: SignedDuration = SignedDuration::from_millis(200);

/// Targets that are described with one call.
pub(super) struct Batch<'a> {
    pub(super) place: &'a Place,
    cluster: &'a ClusterName,
    pub(super) targets: Vec<&'a Target>,
}

/// The batches in scope, and the suspects. A minute's share is spread over all places: of each it is
/// some batches, never all of them.
pub(super) fn batches<'a>(
    config: &'a Config,
    scope: &Scope,
    suspects: &BTreeSet<TargetId>,
) -> Vec<Batch<'a>> {
    let mut clusters: BTreeMap<(&Place, &ClusterName), Vec<&Target>> = BTreeMap::new();
    for target in config.targets() {
        clusters.entry((&target.place, &target.cluster)).or_default().push(target);
    }
    let mut batches = Vec::new();
    let mut number = 0;
    for ((place, cluster), targets) in clusters {
        for targets in targets.chunks(SERVICES_READ_MAX) {
            let whole = match scope {
                Scope::Everything | Scope::Environments(_) => true,
                Scope::Minute { minute, of } => is_due(number, *minute, *of),
            };
            number += 1;
            let wanted = |target: &&Target| match scope {
                Scope::Environments(named) => named.contains(&target.id.environment),
                Scope::Everything | Scope::Minute { .. } => whole || suspects.contains(&target.id),
            };
            let targets: Vec<&Target> = targets.iter().copied().filter(wanted).collect();
            if !targets.is_empty() {
                batches.push(Batch { place, cluster, targets });
            }
        }
    }
    batches
}

/// How far the look at a place has come.
struct Progress {
    /// Targets that are still to be looked at.
    left: usize,
    /// Looks in a row that were not answered.
    unanswered: usize,
}

/// Looks at the targets of one place. A place that refuses is not asked again, nor is one that gives
/// no answer several times in a row.
pub(super) async fn sweep_place<W: World>(
    round: &Round<'_, W>,
    place: &Place,
    batches: Vec<Batch<'_>>,
) -> Part {
    let mut part = Part::default();
    let left = batches.iter().map(|batch| batch.targets.len()).sum();
    let mut progress = Progress { left, unanswered: 0 };
    for batch in batches {
        if progress.why_no_more(round).is_some() {
            break;
        }
        let names: Vec<EcsServiceName> =
            batch.targets.iter().map(|target| target.ecs_service.clone()).collect();
        let described = round.world.ecs().services(place, batch.cluster, &names);
        match round.in_time(described).await {
            Ok(services) => {
                if round.by == SweptBy::Schedule {
                    part.looked_at.insert(About::Place(place.clone()));
                }
                sweep_batch(round, &batch, services, (&mut part, &mut progress)).await;
            }
            // Nothing at all can be asked there.
            Err(Missed::Call(error)) if error.problem == CallProblem::NoRole => {
                unreachable(round, place, &error, &mut part);
                return part;
            }
            // Whose time was over before they were described is told below, with the rest.
            Err(Missed::TimeOver) => break,
            Err(missed) => {
                let what = format!("{} targets in {} of {place}", names.len(), batch.cluster);
                progress.looked_at(names.len(), Some(&missed));
                for target in &batch.targets {
                    refused_target(round, target, &missed, &mut part);
                }
                part.failed.push(Failed { what, error: missed.in_full() });
            }
        }
    }
    if let Some(error) = progress.why_no_more(round).filter(|_| progress.left > 0) {
        part.failed.push(Failed { what: format!("{} targets of {place}", progress.left), error });
    }
    part
}

impl Progress {
    fn looked_at(&mut self, targets: usize, missed: Option<&Missed>) {
        self.left = self.left.saturating_sub(targets);
        let unanswered = missed.is_some_and(Missed::is_unanswered);
        self.unanswered = if unanswered { self.unanswered + 1 } else { 0 };
    }

    /// Why the rest of the place is not looked at; `None` if it is.
    fn why_no_more<W: World>(&self, round: &Round<'_, W>) -> Option<String> {
        if self.unanswered >= UNANSWERED_MAX {
            let why = format!("not looked at: {UNANSWERED_MAX} looks in a row got no answer there");
            return Some(why);
        }
        round.is_over().then(|| Missed::TimeOver.in_full())
    }
}

fn unreachable<W: World>(round: &Round<'_, W>, place: &Place, error: &CallError, part: &mut Part) {
    part.failed.push(Failed { what: place.to_string(), error: error.in_full() });
    if round.by == SweptBy::Person {
        return;
    }
    let about = About::Place(place.clone());
    let sentence = format!("{place} cannot be looked at: {}", error.in_full());
    let next = "see that member.yaml is deployed there and names this hub; its targets are left \
                alone until then";
    let (kind, now) = (FindingKind::Unreachable, round.now);
    part.unseen.insert((about.clone(), kind));
    part.findings.push(Finding::new(about, kind, (sentence, next.to_owned()), now));
}

/// A target, or a call for several, that AWS refuses to let be looked at: nothing can be deployed to
/// it either, until somebody gives the right. That a person lacks it is no finding.
fn refused_target<W: World>(
    round: &Round<'_, W>,
    target: &Target,
    missed: &Missed,
    part: &mut Part,
) {
    let Some(error) = missed.refusal() else { return };
    part.unseen.insert((About::Place(target.place.clone()), FindingKind::Unreachable));
    if round.by == SweptBy::Schedule {
        part.findings.push(refused(&target.id, error.in_full(), round.now));
    }
}

async fn sweep_batch<W: World>(
    round: &Round<'_, W>,
    batch: &Batch<'_>,
    mut services: BTreeMap<EcsServiceName, EcsService>,
    (part, progress): (&mut Part, &mut Progress),
) {
    let Round { world, services: records, holds, .. } = round;
    let mut known = match known_of_many(*world, &batch.targets, records, holds).await {
        Ok(known) => known,
        Err(error) => {
            let what = format!("what the ledger says of {} targets", batch.targets.len());
            part.failed.push(Failed { what, error: error.in_full() });
            progress.looked_at(batch.targets.len(), None);
            return;
        }
    };
    for target in &batch.targets {
        if progress.why_no_more(round).is_some() {
            return;
        }
        let began = world.now();
        let service = services.remove(&target.ecs_service);
        let Some(known) = known.remove(&target.id) else { continue };
        let looked = round.in_time(sweep_target(round, target, &known, service, part)).await;
        let missed = looked.err();
        progress.looked_at(1, missed.as_ref());
        if let Some(missed) = missed {
            refused_target(round, target, &missed, part);
            part.failed.push(Failed { what: target.id.to_string(), error: missed.in_full() });
        }
        let left = TARGET_TAKES_MIN - world.now().duration_since(began);
        if left.is_positive() {
            world.pause(left).await;
        }
    }
}

async fn sweep_target<W: World>(
    round: &Round<'_, W>,
    target: &Target,
    known: &Known,
    service: Option<EcsService>,
    part: &mut Part,
) -> Result<(), CallError> {
    let (world, now) = (round.world, round.world.now());
    let about = About::Target(target.id.clone());
    let wanted = known.assigned.as_ref().map(|assigned| wanted_image(target, assigned));
    let wanted = match wanted {
        Some(image) => Some(is_present(round, image).await),
        None => None,
    };
    // What was assigned was there: as long as nobody knows better, it is.
    let image_present = wanted.map(|present| present.unwrap_or(true));
    let described = Described::Already { service, image_present };
    let (mut observed, plan) = observe(world, target, known, described, now).await?;
    let mut left_out: Vec<(FindingKind, CallError)> = Vec::new();
    let service = observed.service.as_ref();
    let hints = service.is_some_and(|service| hints_at_stops(service, &plan, now));
    if hints && observed.stopped.is_none() {
        let Target { place, cluster, ecs_service, .. } = target;
        match world.ecs().stopped_tasks(place, cluster, ecs_service).await {
            Ok(stopped) => observed.stopped = Some(stopped),
            Err(error) => left_out.push((FindingKind::Unhealthy, error)),
        }
    }
    let running = observed.running.as_ref().and_then(|running| image_of(target, running));
    let running_image = match running {
        Some(image) => {
            let present = is_present(round, image).await;
            if present.is_none() {
                part.unseen.insert((about.clone(), FindingKind::ImageGone));
            }
            present
        }
        None => None,
    };
    let way_back = match way_back(round, target, &known.record, &observed).await {
        Ok(way_back) => way_back,
        Err(error) => {
            left_out.push((FindingKind::NoWayBack, error));
            None
        }
    };
    if way_back.as_ref().is_some_and(|(_, present)| present.is_none()) {
        part.unseen.insert((about.clone(), FindingKind::NoWayBack));
    }
    let way_back = way_back.map(|(look, _)| look);
    let looked = Looked {
        target,
        assigned: known.assigned.as_ref(),
        record: &known.record,
        observed: &observed,
        plan: &plan,
        running_image,
        way_back: way_back.as_ref(),
        now,
    };
    let mut found = findings(&looked);
    found.extend(without(round, target, left_out, part));
    let mut kinds = BTreeSet::new();
    found.retain(|finding| kinds.insert(finding.kind));
    part.looked_at.insert(about);
    // How it stands is written down by its own pass, whatever may be done about it. But while its
    // registry does not answer, that pass would come to nothing.
    let is_known = wanted != Some(None);
    let may_pass = is_known
        && match puts_right(&looked) {
            Some(kind) => {
                let heals = round.config.policies.of(kind) == Policy::Heal;
                heals && is_healed(round.config, &found) && !is_being_written(&looked)
            }
            None => plan.steps.is_empty() || is_healed(round.config, &found),
        };
    if has_work(&plan, &known.record) && may_pass {
        let subject = Subject::Target(target.id.clone());
        part.wakes.push(Wake::new(subject, round.cause, plan.report.code()));
    }
    part.findings.extend(found);
    Ok(())
}

/// What could not be read of a target, and was left out of its look: what that would have shown is not
/// closed, it is told, and a refusal is found.
fn without<W: World>(
    round: &Round<'_, W>,
    target: &Target,
    left_out: Vec<(FindingKind, CallError)>,
    part: &mut Part,
) -> Option<Finding> {
    let mut found = None;
    for (kind, error) in left_out {
        part.unseen.insert((About::Target(target.id.clone()), kind));
        let error_in_full = error.in_full();
        if is_refusal(&error) && round.by == SweptBy::Schedule {
            found = Some(refused(&target.id, error_in_full.clone(), round.now));
        }
        let what = format!("whether {} is {kind}", target.id);
        part.failed.push(Failed { what, error: error_in_full });
    }
    found
}

/// Whether a pass would change anything.
fn has_work(plan: &Plan, record: &TargetRecord) -> bool {
    !plan.steps.is_empty() || plan.record != *record || plan.wake_service
}

/// Whether nothing that was found, and that a pass would put right, is to be told only.
fn is_healed(config: &Config, found: &[Finding]) -> bool {
    let healed = |finding: &Finding| config.policies.of(finding.kind) == Policy::Heal;
    found.iter().filter(|finding| finding.kind.can_be_healed()).all(healed)
}

/// The image that a target should run, where it pulls from.
fn wanted_image(target: &Target, assigned: &Assignment) -> Image {
    let (place, repository) = (target.pulls_from.place.clone(), target.repository.clone());
    (place, repository, assigned.release.digest.clone())
}

/// The images that targets should run, each once however many should: nearly always they are what
/// runs, too.
pub(super) fn assigned_images(
    batches: &[Batch<'_>],
    services: &BTreeMap<ServiceName, ServiceRecord>,
) -> BTreeSet<Image> {
    let wanted = batches.iter().flat_map(|batch| &batch.targets).filter_map(|target| {
        let assigned = services.get(&target.id.service)?.assignment(&target.id.environment)?;
        Some(wanted_image(target, assigned))
    });
    wanted.collect()
}

/// The image that a revision runs; `None` where that is not in the target's repository.
fn image_of(target: &Target, revision: &Revision) -> Option<Image> {
    let digest = target.image_in(&revision.document)?.digest?;
    Some((target.pulls_from.place.clone(), target.repository.clone(), digest))
}

/// What a rollback would bring back, and whether its image is there, `None` if its registry does not
/// say. Mostly that is what runs, and was read already.
async fn way_back<W: World>(
    round: &Round<'_, W>,
    target: &Target,
    record: &TargetRecord,
    observed: &Observation,
) -> Result<Option<(WayBackLook, Option<bool>)>, CallError> {
    let Some(good) = record.good.as_ref().filter(|good| good.revision.is_in(&target.place)) else {
        return Ok(None);
    };
    let revision = good.revision.clone();
    let running = observed.running.as_ref().filter(|running| running.arn == revision);
    let found = match running {
        Some(running) => Some(running.clone()),
        None => round.world.ecs().task_definition(&target.place, revision.as_str()).await?,
    };
    let present = match &found {
        Some(found) => match image_of(target, found) {
            Some(image) => is_present(round, image).await,
            None => Some(true),
        },
        None => Some(false),
    };
    let image_present = present.unwrap_or(true);
    Ok(Some((WayBackLook { revision, found, image_present }, present)))
}
